/* svg.c - plot_write(): frame, grid, labels, curves and legend of a drawing.
 *
 * It follows the reader's colour scheme by CSS and has no script. The size follows from the texts,
 * whose width is estimated: the fonts are the reader's. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "plot/path.h"

enum {
    TOP = 48,
    WIDTH = CURVE_STEPS, /* of the frame: a point per pixel */
    HEIGHT = 320,
    BOTTOM = 44,
    LINE = 18,   /* of the legend */
    SWATCH = 26, /* the piece of line in it */
    GAP = 20,
    EDGE = 10,
    X_TICKS = 11,
    Y_TICKS = 9,
    TITLE_MAX = 64 /* characters; longer ones are shortened */
};
static const double character = 7.2; /* pixels, of a text of 12 pixels; wider than most */

double plot_width_min(double from, double to)
{
    return fmax(1e-6, 1e-4 * fmax(fabs(from), fabs(to)));
}

/* Where everything stands. */
struct frame {
    struct scale x, y;
    double left, right, bottom, width, height;
};

static const char *const style =
    "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:#374151}"
    ".title{font-size:15px;font-weight:600;fill:#111827}"
    ".note{font-size:11px;fill:#6b7280}"
    ".x{text-anchor:middle}.y{text-anchor:end}.end{text-anchor:end}"
    ".back{fill:#ffffff}.grid{stroke:#e5e7eb}.zero{stroke:#9ca3af}.frame{fill:none;stroke:#9ca3af}"
    "path,.swatch{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
    ".derivative{stroke-width:1.5;stroke-dasharray:6 5}"
    ".c0{stroke:#0060b0}.c1{stroke:#c2410c}.c2{stroke:#047857}.c3{stroke:#a21caf}"
    ".c4{stroke:#92650a}.c5{stroke:#0e7490}.c6{stroke:#be123c}.c7{stroke:#52525b}"
    "@media (prefers-color-scheme:dark){"
    "text{fill:#d1d5db}.title{fill:#f9fafb}.note{fill:#9ca3af}"
    ".back{fill:#111827}.grid{stroke:#273244}.zero,.frame{stroke:#6b7280}"
    ".c0{stroke:#60b5ff}.c1{stroke:#ff9156}.c2{stroke:#34d399}.c3{stroke:#e879f9}"
    ".c4{stroke:#fbbf24}.c5{stroke:#22d3ee}.c6{stroke:#fb7185}.c7{stroke:#b4b4bd}}";

/* ---- texts ---- */

/* The parameter's value differs from the default, so that the legend says it. */
static bool is_told(const struct plot_curve *c, unsigned i)
{
    return c->params[i] != c->activation->parameters[i].value;
}

/* f, and perhaps f'. */
static unsigned lines_of(const struct plot *plot)
{
    return plot->derivative ? 2 : 1;
}

/* How x goes in, if not by itself; or NULL. */
static const char *note_of(const struct plot_curve *c)
{
    static const char *const notes[] = {[AXON_ELEMENTWISE] = NULL,
                                        [AXON_ROWWISE] = "first of f([x, 0, 1])",
                                        [AXON_GATED] = "f([1, x]), the gate"};

    return notes[c->activation->kind];
}

/* Names of all curves, with "and more" where they are too many for a line. */
static void put_names(struct buf *out, const struct plot *plot, size_t most)
{
    size_t length = 0;

    for (size_t i = 0; i < plot->count; i++) {
        const char *name = plot->curves[i].activation->name;

        length += strlen(name) + 2;
        if (length > most) {
            buf_printf(out, " and %zu more", plot->count - i);
            return;
        }
        buf_printf(out, "%s%s", i ? ", " : "", name);
    }
    if (plot->derivative)
        buf_puts(out, plot->count > 1 ? " and their derivatives" : " and its derivative");
}

static void put_description(struct buf *out, const struct plot *plot)
{
    buf_printf(out, "<desc id=\"desc\">Curves over x from %.9g to %.9g: solid ", plot->from,
               plot->to);
    buf_puts(out, plot->derivative ? "the function, dashed its derivative." : "the function.");
    for (size_t i = 0; i < plot->count; i++) {
        const struct plot_curve *c = &plot->curves[i];

        for (unsigned k = 0; k < c->activation->parameters_count; k++)
            buf_printf(out, " %s: %s is %.6g.", c->activation->name,
                       c->activation->parameters[k].name, (double)c->params[k]);
        if (note_of(c))
            buf_printf(out, " %s: %s.", c->activation->name, note_of(c));
    }
    buf_puts(out, "</desc>\n");
}

/* ---- axes ---- */

static void put_line(struct buf *out, const char *class, double x1, double y1, double x2, double y2)
{
    buf_printf(out, "<line class=\"%s\" x1=\"%.4g\" y1=\"%.4g\" x2=\"%.4g\" y2=\"%.4g\"/>\n", class,
               x1, y1, x2, y2);
}

static void put_axes(struct buf *out, const struct frame *f)
{
    char text[SCALE_TEXT_MAX];

    for (long i = f->x.first; i <= f->x.last; i++) {
        double at = round(scale_pixel(&f->x, (double)i * f->x.step) * 10) / 10;

        put_line(out, i ? "grid" : "zero", at, TOP, at, f->bottom);
        buf_printf(out, "<text class=\"x\" x=\"%.4g\" y=\"%.4g\">%s</text>\n", at, f->bottom + 17,
                   scale_text(&f->x, i, text));
    }
    for (long i = f->y.first; i <= f->y.last; i++) {
        double at = round(scale_pixel(&f->y, (double)i * f->y.step) * 10) / 10;

        put_line(out, i ? "grid" : "zero", f->left, at, f->right, at);
        buf_printf(out, "<text class=\"y\" x=\"%.4g\" y=\"%.4g\">%s</text>\n", f->left - 8, at + 4,
                   scale_text(&f->y, i, text));
    }
    buf_printf(out, "<rect class=\"frame\" x=\"%.4g\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
               f->left, TOP, WIDTH, HEIGHT);
    buf_printf(out, "<text class=\"note end\" x=\"%.4g\" y=\"%.4g\">x</text>\n", f->right,
               f->bottom + 36);
}

/* ---- the legend ---- */

static void put_entry(struct buf *out, size_t curve, bool derivative, const char *name, double x,
                      double y)
{
    char class[64];

    snprintf(class, sizeof class, "swatch c%zu%s", curve, derivative ? " derivative" : "");
    put_line(out, class, x, y - 4, x + SWATCH, y - 4);
    buf_printf(out, "<text class=\"entry\" x=\"%.4g\" y=\"%.4g\">%s%s</text>\n", x + SWATCH + 8, y,
               name, derivative ? "\u2032" : "");
}

static void put_note(struct buf *out, const char *text, double x, double *y)
{
    buf_printf(out, "<text class=\"note\" x=\"%.4g\" y=\"%.4g\">%s</text>\n", x + SWATCH + 8, *y,
               text);
    *y += LINE;
}

static void put_legend(struct buf *out, const struct plot *plot, const struct frame *f)
{
    double x = f->right + GAP, y = TOP + 12;

    for (size_t i = 0; i < plot->count; i++) {
        const struct plot_curve *c = &plot->curves[i];
        const struct axon_activation *act = c->activation;
        char text[64];

        for (unsigned line = 0; line < lines_of(plot); line++) {
            put_entry(out, i, line > 0, act->name, x, y);
            y += LINE;
        }
        for (unsigned k = 0; k < act->parameters_count; k++)
            if (is_told(c, k)) {
                snprintf(text, sizeof text, "%s = %.6g", act->parameters[k].name,
                         (double)c->params[k]);
                put_note(out, text, x, &y);
            }
        if (note_of(c))
            put_note(out, note_of(c), x, &y);
    }
}

/* Lines that it has, and characters of the longest. */
static size_t measure_legend(const struct plot *plot, size_t *characters)
{
    size_t lines = 0;

    *characters = 0;
    for (size_t i = 0; i < plot->count; i++) {
        const struct plot_curve *c = &plot->curves[i];
        size_t length = strlen(c->activation->name) + 1;

        lines += lines_of(plot) + (note_of(c) ? 1 : 0);
        if (note_of(c))
            length = strlen(note_of(c));
        for (unsigned k = 0; k < c->activation->parameters_count; k++)
            if (is_told(c, k)) {
                size_t told = strlen(c->activation->parameters[k].name) + 3 + 12;

                lines++;
                length = told > length ? told : length;
            }
        *characters = length > *characters ? length : *characters;
    }
    return lines;
}

/* ---- all of it ---- */

/* The values that are to be seen, with some air around them. */
static void measure_values(const struct plot *plot, double *low, double *high)
{
    struct curve curve;

    *low = INFINITY;
    *high = -INFINITY;
    for (size_t i = 0; i < plot->count; i++)
        for (unsigned line = 0; line < lines_of(plot); line++) {
            curve_sample(&curve, &plot->curves[i], line > 0, plot->from, plot->to);
            for (size_t k = 0; k < curve.count; k++) {
                *low = fmin(*low, (double)curve.y[k]);
                *high = fmax(*high, (double)curve.y[k]);
            }
        }
    if (!(*low <= *high)) /* nothing is finite */
        *low = *high = 0;
    double air = *high > *low ? (*high - *low) * 0.06 : fmax(1, fabs(*high) / 2);
    *low -= air;
    *high += air;
}

static void measure(const struct plot *plot, struct frame *f)
{
    double low, high;
    size_t label = 0, legend, lines = measure_legend(plot, &legend);
    char text[SCALE_TEXT_MAX];

    measure_values(plot, &low, &high);
    f->bottom = TOP + HEIGHT;
    scale_init(&f->y, low, high, f->bottom, TOP, Y_TICKS);
    for (long i = f->y.first; i <= f->y.last; i++) {
        size_t length = strlen(scale_text(&f->y, i, text));

        label = length > label ? length : label;
    }
    f->left = ceil(GAP + character * (double)label);
    f->right = f->left + WIDTH;
    scale_init(&f->x, plot->from, plot->to, f->left, f->right, X_TICKS);
    f->width = ceil(f->right + GAP + SWATCH + 8 + character * (double)legend + EDGE);
    f->height = fmax(f->bottom + BOTTOM, TOP + LINE * (double)(lines + 1));
}

void plot_write(struct buf *out, const struct plot *plot)
{
    struct curve curve;
    struct frame f;

    measure(plot, &f);
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.4g\" height=\"%.4g\" "
               "viewBox=\"0 0 %.4g %.4g\" role=\"img\" aria-labelledby=\"title desc\">\n"
               "<title id=\"title\">",
               f.width, f.height, f.width, f.height);
    put_names(out, plot, SIZE_MAX);
    buf_puts(out, "</title>\n");
    put_description(out, plot);
    buf_printf(out, "<style>%s</style>\n<rect class=\"back\" width=\"100%%\" height=\"100%%\"/>\n",
               style);
    buf_printf(out, "<text class=\"title\" x=\"%.4g\" y=\"28\">", f.left);
    put_names(out, plot, TITLE_MAX);
    buf_puts(out, "</text>\n");
    put_axes(out, &f);
    for (size_t i = 0; i < plot->count; i++)
        for (unsigned line = 0; line < lines_of(plot); line++) {
            curve_sample(&curve, &plot->curves[i], line > 0, plot->from, plot->to);
            buf_printf(out, "<path class=\"c%zu%s\" d=\"", i, line > 0 ? " derivative" : "");
            path_write(out, &curve, &f.x, &f.y);
            buf_puts(out, "\"/>\n");
        }
    put_legend(out, plot, &f);
    buf_puts(out, "</svg>\n");
}
