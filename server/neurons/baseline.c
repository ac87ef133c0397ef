/* baseline.c - a baseline's life; baseline_read.c and baseline_write.c know its text.
 *
 * Invariant: a baseline is complete: every array that its shape asks for is there. */
#include "neurons/baseline.h"
#include <stdlib.h>
#include <string.h>

const struct baseline_alpha baseline_alphas[BASELINE_ALPHAS] = {
    {0.1, 10, "0.1"}, {0.05, 20, "0.05"}, {0.01, 100, "0.01"}};

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
        atomic_fetch_add_explicit(&b->references, 1, memory_order_relaxed);
    return b;
}

void baseline_unref(struct baseline *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->references, 1, memory_order_acq_rel) > 1)
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
