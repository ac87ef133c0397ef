/* mlp.c - packs the weights once, then walks the rows in blocks that stay in the cache.
 *
 * Knows the kernels and gemm.h. A layer's weights are [features, stride], stride being units
 * rounded up to a multiple of 16 with zeros: an untransposed product is faster by up to 2.5, and
 * every row of activations starts at a cache line. Invariant: a padding column may hold anything
 * (sigmoid(0), NaN * 0); no next layer, output or count ever reads one. */
#include <stdlib.h>
#include <string.h>
#include "axon/mlp.h"
#include "gemm.h"
#include "kernels/dispatch.h"

enum {
    ALIGNMENT = 64,
    /* A product packs its weights anew for each block, so wide layers want long blocks; up to 512
     * units two blocks of activations fit a 2 MB L2. */
    BLOCK_ROWS = 256,
};

#define LAYER_BYTES_MAX ((size_t)1 << 40) /* a malformed shape, not a model */

struct layer {
    size_t features, units, stride;
    size_t id; /* of the activation: its row in every table of kernels */
    enum axon_kind kind;
    int tallied;
    size_t tally_offset;
    float *weight; /* [features, stride], owned: the block that bias and params are part of */
    float *bias;   /* [stride] */
    float *params; /* [AXON_PARAMETERS_MAX, stride]; rowwise: the parameters, one after the other */
    size_t params_count;
};

struct axon_mlp {
    size_t features, outputs;
    float *scale, *offset; /* [features] each, or NULL; owned */
    size_t width;          /* floats of the widest row of activations */
    size_t tally_size;
    uint64_t parameters;
    size_t layers_count;
    struct layer layers[];
};

/* ---- create ---- */

static size_t padded(size_t n)
{
    return (n + AXON_UNITS_MULTIPLE - 1) / AXON_UNITS_MULTIPLE * AXON_UNITS_MULTIPLE;
}

/* [units, features] into [features, stride], 16 units at a time so that both sides stay in cache.
 */
static void pack_weight(const struct layer *layer, const float *weight)
{
    for (size_t first = 0; first < layer->units; first += AXON_UNITS_MULTIPLE) {
        size_t end = first + AXON_UNITS_MULTIPLE;

        end = end < layer->units ? end : layer->units;
        for (size_t f = 0; f < layer->features; f++)
            for (size_t u = first; u < end; u++)
                layer->weight[f * layer->stride + u] = weight[u * layer->features + f];
    }
}

/* Elementwise: a value for each unit, the padding too. Rowwise: as given, else the defaults. */
static void pack_params(struct layer *layer, const struct axon_layer *from)
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

static enum axon_status layer_init(struct layer *layer, const struct axon_layer *from,
                                   size_t features)
{
    const struct axon_activation *table;
    size_t count, rows, bytes;

    if (from->units == 0 || from->units > AXON_GEMM_MAX - AXON_UNITS_MULTIPLE)
        return AXON_ESHAPE;
    if (axon_activation_check(from->activation, from->params, from->params_count, from->units,
                              NULL) != AXON_OK)
        return AXON_EPARAM;
    table = axon_activation_table(&count);
    *layer = (struct layer){.features = features,
                            .units = from->units,
                            .stride = padded(from->units),
                            .id = (size_t)(from->activation - table),
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

    for (size_t i = 0; i < spec->layers_count; i++) {
        const struct axon_layer *from = &spec->layers[i];
        struct layer *layer = &mlp->layers[i];
        enum axon_status status = layer_init(layer, from, features);

        if (status != AXON_OK)
            return status;
        mlp->layers_count = i + 1;
        layer->tallied = from->activation->sparse && i + 1 < spec->layers_count;
        layer->tally_offset = mlp->tally_size;
        mlp->tally_size += layer->stride;
        mlp->width = layer->stride > mlp->width ? layer->stride : mlp->width;
        mlp->parameters += (uint64_t)features * from->units + (from->bias ? from->units : 0);
        features = from->units;
    }
    mlp->outputs = features;
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

size_t axon_mlp_scratch_bytes(const struct axon_mlp *mlp)
{
    return 2 * (size_t)BLOCK_ROWS * mlp->width * sizeof(float);
}

size_t axon_mlp_tally_size(const struct axon_mlp *mlp)
{
    return mlp->tally_size;
}

size_t axon_mlp_tally_offset(const struct axon_mlp *mlp, size_t layer)
{
    return mlp->layers[layer].tally_offset;
}

int axon_mlp_layer_tallied(const struct axon_mlp *mlp, size_t layer)
{
    return mlp->layers[layer].tallied;
}

/* ---- predict ---- */

/* A block of rows on its way through the layers. */
struct block {
    const float *x; /* [rows, features of the layer], ld floats from row to row */
    size_t rows, ld;
};

/* z [rows, stride]: bias and, if it is elementwise, activation, in place. */
static void activate(const struct axon_kernels *kernels, const struct layer *layer, float *z,
                     size_t rows, uint32_t *tally)
{
    size_t id = layer->kind == AXON_ELEMENTWISE ? layer->id : (size_t)AXON_ID_identity;
    struct axon_epilogue e = {.z = z,
                              .rows = rows,
                              .stride = layer->stride,
                              .bias = layer->bias,
                              .params = layer->params,
                              .tally = layer->tallied && tally ? tally + layer->tally_offset
                                                               : NULL};

    kernels->rows[id].epilogue(&e);
}

/* y [rows, units] = a rowwise activation of z [rows, stride]; y has y_stride floats from row to row
 * and may be z. */
static void activate_rows(const struct axon_kernels *kernels, const struct layer *layer,
                          const float *z, float *y, size_t y_stride, size_t rows)
{
    struct axon_axis axis = {1, layer->units, 1};

    for (size_t r = 0; r < rows; r++)
        kernels->rows[layer->id].forward(z + r * layer->stride, y + r * y_stride, axis,
                                         layer->params, layer->params_count);
}

/* The last layer's output [rows, stride] into y [rows, units]: softmax writes there itself. */
static void output(const struct axon_kernels *kernels, const struct layer *last, const float *z,
                   float *y, size_t rows)
{
    if (last->kind == AXON_ROWWISE)
        activate_rows(kernels, last, z, y, last->units, rows);
    else if (z != y)
        for (size_t r = 0; r < rows; r++)
            memcpy(y + r * last->units, z + r * last->stride, last->units * sizeof *y);
}

static void predict_block(const struct axon_mlp *mlp, const struct axon_kernels *kernels,
                          struct block in, float *y, float *scratch, uint32_t *tally)
{
    float *buffers[2] = {scratch, scratch + BLOCK_ROWS * mlp->width};
    const struct layer *last = &mlp->layers[mlp->layers_count - 1];
    int direct = last->stride == last->units; /* no padding: the last layer may write to y itself */

    if (mlp->scale) {
        kernels->affine(in.x, mlp->scale, mlp->offset, buffers[1], in.rows, mlp->features);
        in.x = buffers[1];
    }
    for (const struct layer *layer = mlp->layers; layer <= last; layer++) {
        float *z = layer == last && direct ? y : buffers[(layer - mlp->layers) % 2];

        axon__gemm(in.rows, layer->stride, layer->features, in.x, in.ld, layer->weight,
                   layer->stride, z, layer->stride);
        activate(kernels, layer, z, in.rows, tally);
        if (layer->kind == AXON_ROWWISE && layer != last)
            activate_rows(kernels, layer, z, z, layer->stride, in.rows);
        in.x = z;
        in.ld = layer->stride;
    }
    output(kernels, last, in.x, y, in.rows);
}

/* What NaN inputs made the padding columns count. */
static void clear_padding(const struct axon_mlp *mlp, uint32_t *tally)
{
    for (size_t i = 0; i < mlp->layers_count; i++) {
        const struct layer *layer = &mlp->layers[i];

        memset(tally + layer->tally_offset + layer->units, 0,
               (layer->stride - layer->units) * sizeof *tally);
    }
}

void axon_mlp_predict(const struct axon_mlp *mlp, const float *x, size_t rows, float *y,
                      void *scratch, uint32_t *tally)
{
    const struct axon_kernels *kernels = axon__kernels();
    size_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;

    for (size_t left = blocks; left > 0; left--) {
        struct block in = {x, (rows + left - 1) / left, mlp->features}; /* all but equal blocks */

        predict_block(mlp, kernels, in, y, scratch, tally);
        x += in.rows * mlp->features;
        y += in.rows * mlp->outputs;
        rows -= in.rows;
    }
    if (tally)
        clear_padding(mlp, tally);
}
