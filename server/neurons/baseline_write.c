/* baseline_write.c - baseline.json as text, a piece at a time.
 *
 * Invariant: between pieces the text ends with a whole number, or with the end of a list. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "neurons/baseline.h"

/* ---- numbers ---- */

/* The shortest of 15 digits or more that reads back to the same double, and lies on the same side
 * of where a float32 is rounded: numbers of JSON are read so that they round like their text
 * (json/value.h). */
static void put_number(struct buf *out, double value)
{
    enum { DIGITS_MAX = 60 };
    char text[DIGITS_MAX + 20];
    bool same = false;

    for (int digits = 15; digits <= DIGITS_MAX && !same; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        double read = strtod(text, NULL), rounded = (double)strtof(text, NULL);
        double wanted = (double)(float)value;
        same = !(read < value) && !(read > value) && !(rounded < wanted) && !(rounded > wanted);
    }
    buf_puts(out, text);
}

/* ---- lists: three of each hidden layer that is watched, then four of the input ---- */

enum { OF_LAYER = 3, OF_INPUT = 4 };

struct list {
    const char *name;
    const double *doubles; /* [count], or NULL: */
    const float *floats;
    size_t count;
};

static struct list list_of(const struct baseline *b, size_t list)
{
    size_t layers = b->layers_count * OF_LAYER;
    const struct baseline_layer *layer = &b->layers[list < layers ? list / OF_LAYER : 0];
    const struct baseline_input *in = &b->input;
    const struct list of_layer[OF_LAYER] = {{"firing", layer->firing, NULL, layer->units},
                                            {"mean", layer->mean, NULL, layer->units},
                                            {"std", layer->std, NULL, layer->units}};
    const struct list of_input[OF_INPUT] = {{"min", NULL, in->min, in->features},
                                            {"max", NULL, in->max, in->features},
                                            {"mean", in->mean, NULL, in->features},
                                            {"std", in->std, NULL, in->features}};

    return list < layers ? of_layer[list % OF_LAYER] : of_input[list - layers];
}

/* The text between the list before and this one. */
static void put_head(struct buf *out, const struct baseline *b, size_t list)
{
    size_t layers = b->layers_count * OF_LAYER, layer = list / OF_LAYER;
    bool first = true;

    for (size_t l = 0; l < b->layers_count && l < layer; l++)
        first = first && !b->layers[l].firing;
    if (list == layers)
        buf_puts(out, "},\n\"input\": {");
    else if (list > layers)
        buf_puts(out, ",\n  ");
    else if (list % OF_LAYER == 0) /* a name has letters, digits, . _ - */
        buf_printf(out, "%s\n  \"%s\": {", first ? "" : ",", b->layers[layer].name);
    else
        buf_puts(out, ",\n    ");
    buf_printf(out, "\"%s\": [", list_of(b, list).name);
}

static void put_tail(struct buf *out, const struct baseline *b, size_t list)
{
    bool of_layer = list < b->layers_count * OF_LAYER;

    buf_puts(out, of_layer && list % OF_LAYER == OF_LAYER - 1 ? "]}" : "]");
}

static void put_item(struct buf *out, const struct list *is, size_t i)
{
    buf_puts(out, i ? ", " : "");
    if (is->doubles)
        put_number(out, is->doubles[i]);
    else
        buf_printf(out, "%.9g", (double)is->floats[i]);
}

/* At most so many numbers of the next list. Returns how many. */
static size_t put_some(struct baseline_writer *w, size_t numbers)
{
    const struct list is = list_of(w->b, w->list);
    size_t some = is.count - w->at < numbers ? is.count - w->at : numbers;

    if (w->at == 0)
        put_head(w->out, w->b, w->list);
    for (size_t i = 0; i < some; i++)
        put_item(w->out, &is, w->at++);
    if (w->at == is.count) {
        put_tail(w->out, w->b, w->list);
        w->list++;
        w->at = 0;
    }
    return some;
}

/* ---- the rest ---- */

static void put_answers(const struct baseline *b, struct buf *out)
{
    for (size_t i = 0; i < b->classes_count; i++)
        buf_printf(out, "%s%" PRIu64, i ? ", " : ",\n\"classes\": [", b->classes[i]);
    buf_puts(out, b->classes_count ? "]" : "");
    if (!b->has_confidence)
        return;
    buf_puts(out, ",\n\"confidence\": {\"mean\": ");
    put_number(out, b->confidence_mean);
    if (b->temperature > 0) {
        buf_puts(out, ", \"temperature\": ");
        put_number(out, b->temperature);
    }
    buf_puts(out, "}");
}

static void put_conformal(const struct baseline *b, struct buf *out)
{
    if (b->conformal_rows == 0)
        return;
    buf_printf(out, ",\n\"conformal\": {\"rows\": %" PRIu64 ", \"quantiles\": {",
               b->conformal_rows);
    for (size_t a = 0; a < BASELINE_ALPHAS; a++) {
        buf_printf(out, "%s\"%s\": ", a ? ", " : "", baseline_alphas[a].text);
        put_number(out, b->quantiles[a]);
    }
    buf_puts(out, "}}");
}

void baseline_writer_init(struct baseline_writer *w, const struct baseline *b, struct buf *out)
{
    *w = (struct baseline_writer){.b = b, .out = out};
    buf_printf(out, "{\"rows\": %" PRIu64 ",\n\"weights_sha256\": \"%s\",\n\"layers\": {", b->rows,
               b->weights_sha256);
}

void baseline_writer_go_on(struct baseline_writer *w, size_t numbers)
{
    size_t layers = w->b->layers_count * OF_LAYER, lists = layers + OF_INPUT;

    while (numbers > 0 && w->list < lists) {
        if (w->list < layers && !w->b->layers[w->list / OF_LAYER].firing)
            w->list++; /* not watched */
        else
            numbers -= put_some(w, numbers);
    }
    w->done = w->list == lists;
    if (!w->done)
        return;
    buf_puts(w->out, "}");
    put_answers(w->b, w->out);
    put_conformal(w->b, w->out);
    buf_puts(w->out, "}\n");
}
