/* mlp.c - packs the weights once, and tells a network's shape; mlp_predict.c runs it.
 *
 * Knows mlp_internal.h, where the packed layout is written down. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "axon/mlp.h"
#include "gemm.h"
#include "mlp_internal.h"
#include "registry.h"

enum { ALIGNMENT = 64 };

#define LAYER_BYTES_MAX ((size_t)1 << 40) /* a malformed shape, not a model */

/* ---- create ---- */

static size_t padded(size_t n)
{
    return (n + AXON_UNITS_MULTIPLE - 1) / AXON_UNITS_MULTIPLE * AXON_UNITS_MULTIPLE;
}

/* [units, features] into panels, 16 units at a time so that both sides stay in cache. */
static void pack_weight(const struct axon__layer *layer, const float *weight)
{
    for (size_t first = 0; first < layer->units; first += AXON_UNITS_MULTIPLE) {
        size_t left = layer->units - first, panel = first - first % AXON_PANEL;
        size_t width = axon__panel_width(layer, panel);
        size_t units = left < AXON_UNITS_MULTIPLE ? left : (size_t)AXON_UNITS_MULTIPLE;
        float *to = axon__panel(layer, panel) + first % AXON_PANEL;

        for (size_t f = 0; f < layer->features; f++)
            for (size_t u = 0; u < units; u++)
                to[f * width + u] = weight[(first + u) * layer->features + f];
    }
}

/* Elementwise: a value for each unit, the padding too. Rowwise: as given, else the defaults. */
static void pack_params(struct axon__layer *layer, const struct axon_layer *from)
{
    const struct axon_activation *act = from->activation;
    int per_channel = from->params && from->params_count != act->parameters_count;

    layer->params_count = act->parameters_count;
    for (size_t k = 0; k < act->parameters_count; k++) {
        float value = from->params ? from->params[k] : act->parameters[k].value;

        if (act->kind == AXON_ROWWISE) {
            layer->params[k] = value;
            continue;
        }
        for (size_t u = 0; u < layer->stride; u++)
            layer->params[k * layer->stride + u] = per_channel && u < layer->units ? from->params[u]
                                                                                   : value;
    }
}

static enum axon_status layer_init(struct axon__layer *layer, const struct axon_layer *from,
                                   size_t features)
{
    size_t rows, bytes;

    if (from->units == 0 || from->units > AXON_GEMM_MAX - AXON_UNITS_MULTIPLE)
        return AXON_ESHAPE;
    if (from->activation->kind == AXON_GATED)
        return AXON_EUNSUPPORTED; /* its output has half as many units as its weights */
    if (axon_activation_check(from->activation, from->params, from->params_count, from->units,
                              NULL) != AXON_OK)
        return AXON_EPARAM;
    *layer = (struct axon__layer){.features = features,
                                  .units = from->units,
                                  .stride = padded(from->units),
                                  .id = axon__activation_id(from->activation),
                                  .kind = from->activation->kind};
    rows = features + 1 + AXON_PARAMETERS_MAX;
    if (__builtin_mul_overflow(rows, layer->stride * sizeof(float), &bytes) ||
        bytes > LAYER_BYTES_MAX)
        return AXON_ESHAPE;
    layer->weight = aligned_alloc(ALIGNMENT, bytes);
    if (!layer->weight)
        return AXON_ENOMEM;
    memset(layer->weight, 0, bytes);
    layer->bias = layer->weight + features * layer->stride;
    layer->params = layer->bias + layer->stride;
    pack_weight(layer, from->weight);
    if (from->bias)
        memcpy(layer->bias, from->bias, from->units * sizeof(float));
    pack_params(layer, from);
    return AXON_OK;
}

static float *filled(const float *from, float value, size_t n)
{
    float *to = malloc(n * sizeof *to);

    for (size_t i = 0; to && i < n; i++)
        to[i] = from ? from[i] : value;
    return to;
}

static enum axon_status layers_init(struct axon_mlp *mlp, const struct axon_mlp_spec *spec)
{
    size_t features = spec->features;

    mlp->shape = (struct axon__shape){
        .layers = spec->layers_count, .features = padded(features), .moments = padded(features)};
    for (size_t i = 0; i < spec->layers_count; i++) {
        const struct axon_layer *from = &spec->layers[i];
        struct axon__layer *layer = &mlp->layers[i];
        enum axon_status status = layer_init(layer, from, features);

        if (status != AXON_OK)
            return status;
        mlp->layers_count = i + 1;
        if (i + 1 < spec->layers_count)
            axon__watch_plan(layer, i, &mlp->shape);
        if (mlp->width < axon__pitch(layer->stride))
            mlp->width = axon__pitch(layer->stride);
        mlp->parameters += (uint64_t)features * from->units + (from->bias ? from->units : 0);
        features = from->units;
    }
    mlp->outputs = features;
    mlp->shape.together = axon__together(&mlp->shape);
    return AXON_OK;
}

enum axon_status axon_mlp_create(const struct axon_mlp_spec *spec, struct axon_mlp **out)
{
    enum axon_status status = AXON_ESHAPE;
    struct axon_mlp *mlp = NULL;

    *out = NULL;
    if (spec->features == 0 || spec->features > AXON_GEMM_MAX || spec->layers_count == 0 ||
        spec->layers_count > AXON_MLP_LAYERS_MAX)
        goto out;
    status = AXON_ENOMEM;
    mlp = calloc(1, sizeof *mlp + spec->layers_count * sizeof *mlp->layers);
    if (!mlp)
        goto out;
    mlp->features = spec->features;
    if (spec->scale || spec->offset) {
        mlp->width = padded(spec->features);
        mlp->scale = filled(spec->scale, 1.0f, spec->features);
        mlp->offset = filled(spec->offset, 0.0f, spec->features);
        if (!mlp->scale || !mlp->offset)
            goto out;
    }
    status = layers_init(mlp, spec);
    if (status != AXON_OK)
        goto out;
    *out = mlp;
    mlp = NULL;
out:
    axon_mlp_destroy(mlp);
    return status;
}

void axon_mlp_destroy(struct axon_mlp *mlp)
{
    if (!mlp)
        return;
    for (size_t i = 0; i < mlp->layers_count; i++)
        free(mlp->layers[i].weight);
    free(mlp->scale);
    free(mlp->offset);
    free(mlp);
}

/* ---- what a caller may ask ---- */

size_t axon_mlp_features(const struct axon_mlp *mlp)
{
    return mlp->features;
}

size_t axon_mlp_outputs(const struct axon_mlp *mlp)
{
    return mlp->outputs;
}

size_t axon_mlp_layers_count(const struct axon_mlp *mlp)
{
    return mlp->layers_count;
}

size_t axon_mlp_layer_units(const struct axon_mlp *mlp, size_t layer)
{
    return mlp->layers[layer].units;
}

uint64_t axon_mlp_parameters_count(const struct axon_mlp *mlp)
{
    return mlp->parameters;
}

int axon_mlp_layer_watched(const struct axon_mlp *mlp, size_t layer)
{
    return mlp->layers[layer].watch.on;
}

void axon_mlp_weights(const struct axon_mlp *mlp, size_t layer, size_t unit, size_t first,
                      size_t count, float *weight)
{
    const struct axon__layer *l = &mlp->layers[layer];
    size_t panel = unit / AXON_PANEL * AXON_PANEL, width = axon__panel_width(l, panel);
    const float *from = axon__panel(l, panel) + first * width + (unit - panel);

    for (size_t i = 0; i < count; i++)
        weight[i] = from[i * width];
}

float axon_mlp_bias(const struct axon_mlp *mlp, size_t layer, size_t unit)
{
    return mlp->layers[layer].bias[unit];
}

double axon_mlp_outgoing(const struct axon_mlp *mlp, size_t layer, size_t unit)
{
    const struct axon__layer *next = &mlp->layers[layer + 1];
    double sum = 0;

    for (size_t first = 0; first < next->units; first += AXON_PANEL) {
        const float *row = axon__panel(next, first) + unit * axon__panel_width(next, first);

        for (size_t u = 0; u < axon__panel_units(next, first); u++)
            sum += fabs((double)row[u]);
    }
    return sum;
}
