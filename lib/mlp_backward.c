/* mlp_backward.c - forward with memory, and back: see axon/backward.h.
 *
 * Knows the packed weights (mlp_internal.h), the kernels and gemm.h. Unlike predict it goes layer
 * by layer over all rows, since the gradient of a weight is a sum over all of them. Invariant:
 * arrays in scratch are not padded, [rows, units], so no column has to be cleared or skipped. */
#include "axon/backward.h"
#include <math.h>
#include <string.h>
#include "gemm.h"
#include "kernels/dispatch.h"
#include "arrays.h"
#include "mlp_internal.h"

/* ---- scratch: the scaled input, each layer's pre and post, two arrays to work in ---- */

enum { ALIGNMENT = 64, ALIGNED_FLOATS = 16 }; /* every array begins at 64 bytes */

static size_t rounded(size_t floats)
{
    return (floats + ALIGNED_FLOATS - 1) / ALIGNED_FLOATS * ALIGNED_FLOATS;
}

static size_t input_floats(const struct axon_mlp *mlp, size_t rows)
{
    return mlp->scale ? rounded(rows * mlp->features) : 0;
}

static size_t work_floats(const struct axon_mlp *mlp, size_t rows)
{
    size_t widest = 0;

    for (size_t i = 0; i < mlp->layers_count; i++) {
        widest = mlp->layers[i].features > widest ? mlp->layers[i].features : widest;
        widest = mlp->layers[i].units > widest ? mlp->layers[i].units : widest;
    }
    return rounded(rows * widest);
}

/* Where the pre-activations of a layer begin, in floats; of the layer behind the last one: where
 * the work begins. */
static size_t kept_offset(const struct axon_mlp *mlp, size_t rows, size_t layer)
{
    size_t at = input_floats(mlp, rows);

    for (size_t i = 0; i < layer; i++)
        at += 2 * rounded(rows * mlp->layers[i].units);
    return at;
}

static float *pre_of(const struct axon_mlp *mlp, size_t rows, float *scratch, size_t layer)
{
    return scratch + kept_offset(mlp, rows, layer);
}

static float *post_of(const struct axon_mlp *mlp, size_t rows, float *scratch, size_t layer)
{
    return pre_of(mlp, rows, scratch, layer) + rounded(rows * mlp->layers[layer].units);
}

const float *axon_mlp_kept_pre(const struct axon_mlp *mlp, size_t rows, const void *scratch,
                               size_t layer)
{
    return (const float *)scratch + kept_offset(mlp, rows, layer);
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
    size_t row = kept_offset(mlp, 1, mlp->layers_count) + 2 * work_floats(mlp, 1), most;

    *bytes = 0;
    if (rows > AXON_GEMM_MAX || __builtin_mul_overflow(rows, row * sizeof(float), &most))
        return AXON_ESHAPE;
    *bytes = (kept_offset(mlp, rows, mlp->layers_count) + 2 * work_floats(mlp, rows)) *
             sizeof(float);
    return AXON_OK;
}

/* ---- forward ---- */

static const struct axon_activation *activation_of(const struct axon__layer *layer)
{
    size_t count;

    return axon_activation_table(&count) + layer->id;
}

/* The layer's parameters as the kernels take them: packed there is one for each unit, which only a
 * per-channel activation wants. */
static const float *params_of(const struct axon__layer *layer, float values[AXON_PARAMETERS_MAX],
                              size_t *count)
{
    const struct axon_activation *act = activation_of(layer);

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

/* Units of a panel that are there: the padding is no part of any array here. */
static size_t panel_units(const struct axon__layer *layer, size_t first)
{
    return layer->units - first < AXON_PANEL ? layer->units - first : (size_t)AXON_PANEL;
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
    const float *params = params_of(layer, values, &count);

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

/* What the first layer sees. */
static const float *input_of(const struct axon_mlp *mlp, const float *x, const void *scratch)
{
    return mlp->scale ? scratch : x;
}

enum axon_status axon_mlp_forward_keep(const struct axon_mlp *mlp, const float *x, size_t rows,
                                       float *y, void *scratch)
{
    const struct axon_kernels *kernels = axon__kernels();
    const float *in = input_of(mlp, x, scratch);
    size_t bytes;

    if (rows == 0)
        return AXON_OK;
    if (axon_mlp_backward_scratch_bytes(mlp, rows, &bytes) != AXON_OK)
        return AXON_ESHAPE;
    if (!axon__aligned(x) || !axon__aligned(y) || (uintptr_t)scratch % ALIGNMENT != 0)
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

/* ---- backward ---- */

/* Columns of a matrix that are summed together: their sums stay in registers or L1. */
enum { COLUMNS = 64 };

/* sums [n] = column sums of a [rows, n]; with b [rows, n], of a * b where b is negative (or NaN).
 */
static void sum_columns(const float *a, const float *b, size_t rows, size_t n, float *sums)
{
    for (size_t first = 0; first < n; first += COLUMNS) {
        size_t width = n - first < COLUMNS ? n - first : (size_t)COLUMNS;
        double sum[COLUMNS] = {0};

        for (size_t r = 0; r < rows; r++) {
            const float *row = a + r * n + first, *by = b ? b + r * n + first : NULL;

            for (size_t j = 0; j < width; j++)
                if (!by)
                    sum[j] += (double)row[j];
                else if (!(by[j] >= 0))
                    sum[j] += (double)row[j] * (double)by[j];
        }
        for (size_t j = 0; j < width; j++)
            sums[first + j] = (float)sum[j];
    }
}

/* What a layer's step back needs. */
struct step {
    const struct axon_kernels *kernels;
    const struct axon__layer *layer;
    size_t rows;
    const float *in, *pre; /* [rows, features], [rows, units]: kept */
    struct axon_layer_gradients to;
};

/* dpre = J^T dpost. */
static void through_activation(const struct step *s, const float *dpost, float *dpre)
{
    const struct axon__layer *layer = s->layer;
    struct axon_axis axis = {s->rows, layer->units, 1};
    float values[AXON_PARAMETERS_MAX];
    size_t count;
    const float *params = params_of(layer, values, &count);

    s->kernels->rows[layer->id].gradient(s->pre, dpost, dpre, axis, params, count);
    if (s->to.slope) /* of a * x for x < 0 by a */
        sum_columns(dpost, s->pre, s->rows, layer->units, s->to.slope);
}

/* dweight [units, features] = dpre^T in, dbias = column sums of dpre. */
static void to_weights(const struct step *s, const float *dpre)
{
    const struct axon__layer *layer = s->layer;

    if (s->to.weight)
        axon__gemm(AXON_TRANSPOSED, AXON_PLAIN, layer->units, layer->features, s->rows, dpre,
                   layer->units, s->in, layer->features, 0.0f, s->to.weight, layer->features);
    if (s->to.bias)
        sum_columns(dpre, NULL, s->rows, layer->units, s->to.bias);
}

/* din [rows, features] = dpre weight, a panel of units after the other. */
static void to_input(const struct step *s, const float *dpre, float *din)
{
    const struct axon__layer *layer = s->layer;

    for (size_t u = 0; u < layer->units; u += AXON_PANEL)
        axon__gemm(AXON_PLAIN, AXON_TRANSPOSED, s->rows, layer->features, panel_units(layer, u),
                   dpre + u, layer->units, axon__panel(layer, u), axon__panel_width(layer, u),
                   u == 0 ? 0.0f : 1.0f, din, layer->features);
}

static void copy_wanted(float *to, const float *from, size_t count)
{
    if (to)
        memcpy(to, from, count * sizeof *to);
}

static enum axon_status check_gradients(const struct axon_mlp *mlp, enum axon_upstream at,
                                        const struct axon_mlp_gradients *gradients)
{
    for (size_t i = 0; gradients->layers && i < mlp->layers_count; i++) {
        const struct axon_activation *act = activation_of(&mlp->layers[i]);
        int last = i + 1 == mlp->layers_count;

        if (gradients->layers[i].slope &&
            !(act->parameters_count == 1 && act->parameters[0].per_channel))
            return AXON_EUNSUPPORTED;
        if (last && at == AXON_UPSTREAM_PRE &&
            (gradients->layers[i].slope || gradients->layers[i].post))
            return AXON_EUNSUPPORTED;
    }
    return AXON_OK;
}

/* The caller's arrays, numbered: what is only read, then what is written, five for each layer. */
enum { X, UPSTREAM, READ_ONLY, SCRATCH = READ_ONLY, GRADIENT_X, OF_LAYERS, PER_LAYER = 5 };

struct arrays {
    const struct axon_mlp *mlp;
    size_t rows, scratch_floats;
    const float *x, *upstream, *scratch;
    const struct axon_mlp_gradients *gradients;
};

struct array {
    const float *data; /* or NULL */
    size_t count;
};

static struct array layer_array(const struct arrays *a, size_t l, size_t i)
{
    const struct axon__layer *layer = &a->mlp->layers[l];
    const struct axon_layer_gradients *to = &a->gradients->layers[l];
    const struct array all[PER_LAYER] = {{to->weight, layer->units * layer->features},
                                         {to->bias, layer->units},
                                         {to->slope, layer->units},
                                         {to->pre, a->rows * layer->units},
                                         {to->post, a->rows * layer->units}};

    return all[i];
}

static struct array array_at(const struct arrays *a, size_t i)
{
    const struct array all[OF_LAYERS] = {
        [X] = {a->x, a->rows * a->mlp->features},
        [UPSTREAM] = {a->upstream, a->rows * a->mlp->outputs},
        [SCRATCH] = {a->scratch, a->scratch_floats},
        [GRADIENT_X] = {a->gradients->x, a->rows * a->mlp->features},
    };

    return i < OF_LAYERS ? all[i]
                         : layer_array(a, (i - OF_LAYERS) / PER_LAYER, (i - OF_LAYERS) % PER_LAYER);
}

/* Does what is written meet anything else? The gradient of x may take upstream's place. */
static enum axon_status check_arrays(const struct arrays *a)
{
    size_t count = OF_LAYERS + (a->gradients->layers ? PER_LAYER * a->mlp->layers_count : 0);

    for (size_t i = 0; i < count; i++) {
        struct array p = array_at(a, i);

        if (!axon__aligned(p.data) || (i == SCRATCH && (uintptr_t)p.data % ALIGNMENT != 0))
            return AXON_EALIGN;
        for (size_t j = i < READ_ONLY ? READ_ONLY : i + 1; p.count > 0 && j < count; j++) {
            struct array q = array_at(a, j);

            if (i == UPSTREAM && j == GRADIENT_X && p.data == q.data)
                continue;
            if (q.count > 0 && axon__overlap(p.data, p.count, q.data, q.count))
                return AXON_EOVERLAP;
        }
    }
    return AXON_OK;
}

static void zero_gradients(const struct axon_mlp *mlp, const struct axon_mlp_gradients *gradients)
{
    for (size_t i = 0; gradients->layers && i < mlp->layers_count; i++) {
        const struct axon__layer *layer = &mlp->layers[i];
        const struct axon_layer_gradients *to = &gradients->layers[i];

        if (to->weight)
            memset(to->weight, 0, layer->units * layer->features * sizeof *to->weight);
        if (to->bias)
            memset(to->bias, 0, layer->units * sizeof *to->bias);
        if (to->slope)
            memset(to->slope, 0, layer->units * sizeof *to->slope);
    }
}

/* The gradient goes from one work array to the other: dpost in the first, dpre in the second, the
 * next layer's dpost in the first again. */
static void walk_back(const struct axon_mlp *mlp, const float *x, size_t rows,
                      const float *upstream, enum axon_upstream at,
                      const struct axon_mlp_gradients *gradients, float *scratch)
{
    float *work = scratch + kept_offset(mlp, rows, mlp->layers_count);
    float *other = work + work_floats(mlp, rows);
    const float *dpost = upstream, *dpre;

    for (size_t i = mlp->layers_count; i-- > 0;) {
        const struct axon__layer *layer = &mlp->layers[i];
        struct step s = {.kernels = axon__kernels(),
                         .layer = layer,
                         .rows = rows,
                         .pre = pre_of(mlp, rows, scratch, i),
                         .in = i > 0 ? post_of(mlp, rows, scratch, i - 1)
                                     : input_of(mlp, x, scratch)};

        if (gradients->layers)
            s.to = gradients->layers[i];
        dpre = other;
        copy_wanted(s.to.post, dpost, rows * layer->units);
        if (i + 1 == mlp->layers_count && at == AXON_UPSTREAM_PRE)
            dpre = upstream;
        else
            through_activation(&s, dpost, other);
        copy_wanted(s.to.pre, dpre, rows * layer->units);
        to_weights(&s, dpre);
        if (i > 0 || gradients->x)
            to_input(&s, dpre, work);
        dpost = work;
    }
    copy_wanted(gradients->x, work, rows * mlp->features);
    for (size_t r = 0; gradients->x && mlp->scale && r < rows; r++)
        for (size_t f = 0; f < mlp->features; f++)
            gradients->x[r * mlp->features + f] *= mlp->scale[f];
}

enum axon_status axon_mlp_backward(const struct axon_mlp *mlp, const float *x, size_t rows,
                                   const float *upstream, enum axon_upstream at,
                                   const struct axon_mlp_gradients *gradients, void *scratch)
{
    size_t bytes;
    enum axon_status status = axon_mlp_backward_scratch_bytes(mlp, rows, &bytes);

    struct arrays arrays = {.mlp = mlp,
                            .rows = rows,
                            .x = x,
                            .upstream = upstream,
                            .scratch = scratch,
                            .gradients = gradients};

    arrays.scratch_floats = bytes / sizeof *x;
    if (status == AXON_OK && at != AXON_UPSTREAM_POST && at != AXON_UPSTREAM_PRE)
        status = AXON_EPARAM;
    if (status == AXON_OK)
        status = check_gradients(mlp, at, gradients);
    if (status == AXON_OK)
        status = check_arrays(&arrays);
    if (status != AXON_OK)
        return status;
    if (rows == 0)
        zero_gradients(mlp, gradients);
    else
        walk_back(mlp, x, rows, upstream, at, gradients, scratch);
    return AXON_OK;
}

/* The squares of all floats, subnormal ones too, are far within a double. */
double axon_norm(const float *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}
