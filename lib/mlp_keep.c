/* mlp_keep.c - forward with memory: what each layer saw stays in the caller's scratch; see
 * axon/backward.h.
 *
 * Knows the packed weights (mlp_internal.h) and the kernels. Unlike predict it goes layer by layer
 * over all rows, since a weight's gradient is a sum over all of them. Invariant: arrays in scratch
 * are not padded, [rows, units], so no column has to be cleared or skipped. */
#include "mlp_keep.h"
#include <string.h>
#include "axon/backward.h"
#include "gemm.h"
#include "kernels/dispatch.h"
#include "arrays.h"

/* ---- scratch: the scaled input, each layer's pre and post, two arrays to work in ---- */

enum { ALIGNED_FLOATS = AXON_SCRATCH_ALIGNMENT / sizeof(float) }; /* every array begins there */

static size_t rounded(size_t floats)
{
    return (floats + ALIGNED_FLOATS - 1) / ALIGNED_FLOATS * ALIGNED_FLOATS;
}

static size_t input_floats(const struct axon_mlp *mlp, size_t rows)
{
    return mlp->scale ? rounded(rows * mlp->features) : 0;
}

size_t axon__work_floats(const struct axon_mlp *mlp, size_t rows)
{
    size_t widest = 0;

    for (size_t i = 0; i < mlp->layers_count; i++) {
        widest = mlp->layers[i].features > widest ? mlp->layers[i].features : widest;
        widest = mlp->layers[i].units > widest ? mlp->layers[i].units : widest;
    }
    return rounded(rows * widest);
}

size_t axon__kept_offset(const struct axon_mlp *mlp, size_t rows, size_t layer)
{
    size_t at = input_floats(mlp, rows);

    for (size_t i = 0; i < layer; i++)
        at += 2 * rounded(rows * mlp->layers[i].units);
    return at;
}

static float *pre_of(const struct axon_mlp *mlp, size_t rows, float *scratch, size_t layer)
{
    return scratch + axon__kept_offset(mlp, rows, layer);
}

static float *post_of(const struct axon_mlp *mlp, size_t rows, float *scratch, size_t layer)
{
    return pre_of(mlp, rows, scratch, layer) + rounded(rows * mlp->layers[layer].units);
}

const float *axon_mlp_kept_pre(const struct axon_mlp *mlp, size_t rows, const void *scratch,
                               size_t layer)
{
    return (const float *)scratch + axon__kept_offset(mlp, rows, layer);
}

const float *axon_mlp_kept_post(const struct axon_mlp *mlp, size_t rows, const void *scratch,
                                size_t layer)
{
    return axon_mlp_kept_pre(mlp, rows, scratch, layer) + rounded(rows * mlp->layers[layer].units);
}

/* No layer is wider than AXON_GEMM_MAX and there are at most AXON_MLP_LAYERS_MAX of them, so a
 * row's floats fit by far; only their product with rows may not. */
enum axon_status axon_mlp_backward_scratch_bytes(const struct axon_mlp *mlp, size_t rows,
                                                 size_t *bytes)
{
    size_t row = axon__kept_offset(mlp, 1, mlp->layers_count) + 2 * axon__work_floats(mlp, 1), most;

    *bytes = 0;
    if (rows > AXON_GEMM_MAX || __builtin_mul_overflow(rows, row * sizeof(float), &most))
        return AXON_ESHAPE;
    *bytes = (axon__kept_offset(mlp, rows, mlp->layers_count) + 2 * axon__work_floats(mlp, rows)) *
             sizeof(float);
    return AXON_OK;
}

/* ---- forward ---- */

const float *axon__layer_params(const struct axon__layer *layer, float values[AXON_PARAMETERS_MAX],
                                size_t *count)
{
    const struct axon_activation *act = axon__layer_activation(layer);

    *count = act->parameters_count;
    if (layer->kind != AXON_ELEMENTWISE)
        return layer->params;
    if (act->parameters_count == 1 && act->parameters[0].per_channel) {
        *count = layer->units;
        return layer->params;
    }
    for (size_t k = 0; k < act->parameters_count; k++)
        values[k] = layer->params[k * layer->stride];
    return values;
}

enum {
    BLOCK_ROWS = 256, /* through a layer at a time, so that they are activated while in the cache */
    RAGGED_ROWS = 32, /* of a panel with padding units, on the stack */
};

/* z += bias of units first ... first + units - 1, a multiple of AXON_UNITS_MULTIPLE. */
static void add_bias(const struct axon_kernels *kernels, const struct axon__layer *layer,
                     const struct axon_dense *d, size_t first)
{
    struct axon_epilogue e = {.z = d->z,
                              .rows = d->rows,
                              .units = d->units,
                              .z_stride = d->z_stride,
                              .params_stride = layer->stride,
                              .bias = layer->bias + first,
                              .params = layer->params + first};

    kernels->rows[AXON_ID_identity].epilogue(&e);
}

/* The units from `first` on, whose panel has padding, by way of the stack: pre has no room for it.
 */
static void ragged_forward(const struct axon_kernels *kernels, const struct axon__layer *layer,
                           size_t first, struct axon_dense d, float *pre)
{
    _Alignas(64) float z[RAGGED_ROWS * AXON_PANEL];
    size_t units = layer->units - first, some;

    d.weight = axon__panel(layer, first);
    d.z = z;
    d.z_stride = d.units = layer->stride - first;
    for (size_t left = d.rows; left > 0; left -= some) {
        some = d.rows = left < RAGGED_ROWS ? left : (size_t)RAGGED_ROWS;
        kernels->dense(&d);
        add_bias(kernels, layer, &d, first);
        for (size_t r = 0; r < some; r++)
            // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): pre is in the scratch
            memcpy(pre + r * layer->units + first, z + r * d.units, units * sizeof *pre);
        d.x += some * d.x_stride;
        pre += some * layer->units;
    }
}

/* The products and sums of axon_mlp_predict(). */
static void block_forward(const struct axon_kernels *kernels, const struct axon__layer *layer,
                          const float *in, size_t rows, float *pre)
{
    size_t whole = layer->stride == layer->units ? layer->units
                                                 : layer->units - layer->units % AXON_PANEL;
    struct axon_dense d = {.x = in,
                           .weight = layer->weight,
                           .z = pre,
                           .rows = rows,
                           .features = layer->features,
                           .units = whole,
                           .x_stride = layer->features,
                           .z_stride = layer->units};

    if (whole > 0) {
        kernels->dense(&d);
        add_bias(kernels, layer, &d, 0);
    }
    if (whole < layer->units)
        ragged_forward(kernels, layer, whole, d, pre);
}

static void layer_forward(const struct axon_kernels *kernels, const struct axon__layer *layer,
                          const float *in, size_t rows, float *pre, float *post)
{
    float values[AXON_PARAMETERS_MAX];
    size_t count, some;
    const float *params = axon__layer_params(layer, values, &count);

    for (; rows > 0; rows -= some) {
        some = rows < BLOCK_ROWS ? rows : (size_t)BLOCK_ROWS;
        block_forward(kernels, layer, in, some, pre);
        kernels->rows[layer->id].forward(pre, post, (struct axon_axis){some, layer->units, 1},
                                         params, count);
        in += some * layer->features;
        pre += some * layer->units;
        post += some * layer->units;
    }
}

const float *axon__kept_input(const struct axon_mlp *mlp, const float *x, const void *scratch)
{
    return mlp->scale ? scratch : x;
}

enum axon_status axon_mlp_forward_keep(const struct axon_mlp *mlp, const float *x, size_t rows,
                                       float *y, void *scratch)
{
    const struct axon_kernels *kernels = axon__kernels();
    const float *in = axon__kept_input(mlp, x, scratch);
    size_t bytes;

    if (rows == 0)
        return AXON_OK;
    if (axon_mlp_backward_scratch_bytes(mlp, rows, &bytes) != AXON_OK)
        return AXON_ESHAPE;
    if (!axon__aligned(x) || !axon__aligned(y) || (uintptr_t)scratch % AXON_SCRATCH_ALIGNMENT != 0)
        return AXON_EALIGN;
    if (axon__overlap(y, rows * mlp->outputs, x, rows * mlp->features) ||
        axon__overlap(scratch, bytes / sizeof *x, x, rows * mlp->features) ||
        axon__overlap(scratch, bytes / sizeof *x, y, rows * mlp->outputs))
        return AXON_EOVERLAP;
    if (mlp->scale)
        kernels->affine(x, mlp->scale, mlp->offset, scratch, rows, mlp->features);
    for (size_t i = 0; i < mlp->layers_count; i++) {
        float *post = post_of(mlp, rows, scratch, i);

        layer_forward(kernels, &mlp->layers[i], in, rows, pre_of(mlp, rows, scratch, i), post);
        in = post;
    }
    if (y)
        memcpy(y, in, rows * mlp->outputs * sizeof *y);
    return AXON_OK;
}
