/* path.c - see path.h. Straight pieces take two points, so that a drawing is a few kilobytes: from
 * an anchor on, a cone holds the directions in which all points so far are near enough. */
#include "plot/path.h"
#include <math.h>

static const double near = 0.05; /* pixels; so much is added when they are rounded to tenths */

struct point {
    double x, y;
};

/* From the anchor to the last point, and on in any direction between the slopes. */
struct cone {
    struct point anchor, last;
    double low, high;
};

/* In tenths of a pixel; printf of a double is dearer. Not below 0, as is all that is drawn. */
static void put_number(struct buf *out, double value)
{
    long tenths = lround(value * 10);

    buf_printf(out, tenths % 10 ? "%ld.%ld" : "%ld", tenths / 10, tenths % 10);
}

static void put_point(struct buf *out, char command, struct point p)
{
    buf_append(out, &command, 1);
    put_number(out, p.x);
    buf_append(out, " ", 1);
    put_number(out, p.y);
}

static void begin(struct cone *cone, struct point anchor)
{
    *cone = (struct cone){anchor, anchor, -INFINITY, INFINITY};
}

/* The last point, unless it is the anchor, which is written already. */
static void end(struct buf *out, const struct cone *cone)
{
    if (cone->last.x > cone->anchor.x)
        put_point(out, 'L', cone->last);
}

static double slope(const struct cone *cone, struct point p, double off)
{
    return (p.y + off - cone->anchor.y) / (p.x - cone->anchor.x);
}

static void advance(struct buf *out, struct cone *cone, struct point p)
{
    double to = slope(cone, p, 0);

    if (cone->last.x > cone->anchor.x && !(to >= cone->low && to <= cone->high)) {
        end(out, cone);
        begin(cone, cone->last);
    }
    cone->low = fmax(cone->low, slope(cone, p, -near));
    cone->high = fmin(cone->high, slope(cone, p, near));
    cone->last = p;
}

void path_write(struct buf *out, const struct curve *curve, const struct scale *x,
                const struct scale *y)
{
    struct cone cone = {.low = 0};

    for (size_t i = 0; i < curve->count; i++) {
        struct point p = {scale_pixel(x, (double)curve->x[i]), scale_pixel(y, (double)curve->y[i])};

        if (!curve->apart[i]) {
            advance(out, &cone, p);
            continue;
        }
        end(out, &cone);
        begin(&cone, p);
        put_point(out, 'M', p);
    }
    end(out, &cone);
}
