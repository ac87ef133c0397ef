/* baseline.c - a baseline's life, and baseline.json as text; baseline_read.c reads it.
 *
 * Invariant: a baseline is complete: every array that its shape asks for is there. */
#include "neurons/baseline.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct baseline_alpha baseline_alphas[BASELINE_ALPHAS] = {
    {0.1, 10, "0.1"}, {0.05, 20, "0.05"}, {0.01, 100, "0.01"}};

/* ---- life ---- */

static bool layer_init(struct baseline_layer *layer, const struct baseline_shape *shape, size_t l)
{
    size_t units = axon_mlp_layer_units(shape->mlp, l);

    *layer = (struct baseline_layer){.name = shape->layer_names[l], .units = units};
    if (!axon_mlp_layer_watched(shape->mlp, l))
        return true;
    layer->firing = calloc(units, sizeof *layer->firing);
    layer->mean = calloc(units, sizeof *layer->mean);
    layer->std = calloc(units, sizeof *layer->std);
    return layer->firing && layer->mean && layer->std;
}

static bool input_init(struct baseline_input *input, size_t features)
{
    input->features = features;
    input->min = calloc(features, sizeof *input->min);
    input->max = calloc(features, sizeof *input->max);
    input->mean = calloc(features, sizeof *input->mean);
    input->std = calloc(features, sizeof *input->std);
    return input->min && input->max && input->mean && input->std;
}

struct baseline *baseline_create(const struct baseline_shape *shape)
{
    struct baseline *b = calloc(1, sizeof *b);
    size_t hidden = axon_mlp_layers_count(shape->mlp) - 1;
    bool made;

    if (!b)
        return NULL;
    b->references = 1;
    memcpy(b->weights_sha256, shape->weights_sha256, sizeof b->weights_sha256);
    b->layers = calloc(hidden + 1, sizeof *b->layers);
    b->classes = calloc(shape->classes_count + 1, sizeof *b->classes);
    made = b->layers && b->classes && input_init(&b->input, axon_mlp_features(shape->mlp));
    for (; made && b->layers_count < hidden; b->layers_count++)
        made = layer_init(&b->layers[b->layers_count], shape, b->layers_count);
    if (made)
        return b;
    baseline_unref(b);
    return NULL;
}

struct baseline *baseline_ref(struct baseline *b)
{
    if (b)
        __atomic_add_fetch(&b->references, 1, __ATOMIC_RELAXED);
    return b;
}

void baseline_unref(struct baseline *b)
{
    if (!b || __atomic_sub_fetch(&b->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t l = 0; l < b->layers_count; l++) {
        free(b->layers[l].firing);
        free(b->layers[l].mean);
        free(b->layers[l].std);
    }
    free(b->layers);
    free(b->input.min);
    free(b->input.max);
    free(b->input.mean);
    free(b->input.std);
    free(b->classes);
    free(b);
}

/* ---- text ---- */

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

static void put_numbers(struct buf *out, const char *key, const double *numbers, size_t n)
{
    buf_printf(out, "\"%s\": [", key);
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i ? ", " : "");
        put_number(out, numbers[i]);
    }
    buf_puts(out, "]");
}

static void put_floats(struct buf *out, const char *key, const float *numbers, size_t n)
{
    buf_printf(out, "\"%s\": [", key);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%.9g", i ? ", " : "", (double)numbers[i]);
    buf_puts(out, "]");
}

static void put_layers(const struct baseline *b, struct buf *out)
{
    const char *comma = "";

    buf_puts(out, ",\n\"layers\": {");
    for (size_t l = 0; l < b->layers_count; l++) {
        const struct baseline_layer *layer = &b->layers[l];

        if (!layer->firing)
            continue;
        buf_printf(out, "%s\n  \"%s\": {", comma, layer->name); /* letters, digits, . _ - */
        put_numbers(out, "firing", layer->firing, layer->units);
        buf_puts(out, ",\n    ");
        put_numbers(out, "mean", layer->mean, layer->units);
        buf_puts(out, ",\n    ");
        put_numbers(out, "std", layer->std, layer->units);
        buf_puts(out, "}");
        comma = ",";
    }
    buf_puts(out, "}");
}

static void put_input(const struct baseline_input *input, struct buf *out)
{
    buf_puts(out, ",\n\"input\": {");
    put_floats(out, "min", input->min, input->features);
    buf_puts(out, ",\n  ");
    put_floats(out, "max", input->max, input->features);
    buf_puts(out, ",\n  ");
    put_numbers(out, "mean", input->mean, input->features);
    buf_puts(out, ",\n  ");
    put_numbers(out, "std", input->std, input->features);
    buf_puts(out, "}");
}

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

void baseline_write(const struct baseline *b, struct buf *out)
{
    buf_printf(out, "{\"rows\": %" PRIu64 ",\n\"weights_sha256\": \"%s\"", b->rows,
               b->weights_sha256);
    put_layers(b, out);
    put_input(&b->input, out);
    put_answers(b, out);
    put_conformal(b, out);
    buf_puts(out, "}\n");
}
