/* mlp_backward.c - back-propagation through what mlp_keep.c has kept; see axon/backward.h.
 *
 * The only caller of gemm.h. */
#include "axon/backward.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "gemm.h"
#include "kernels/dispatch.h"
#include "arrays.h"
#include "mlp_keep.h"

/* Columns of a matrix that are summed together: their sums stay in registers or L1. */
enum { COLUMNS = 64 };

/* sums [n] = (add: +=) column sums of a [rows, n]; with b [rows, n], of a * b where b is negative
 * (or NaN). */
static void sum_columns(const float *a, const float *b, size_t rows, size_t n, bool add,
                        float *sums)
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
            sums[first + j] = (float)(add ? (double)sums[first + j] + sum[j] : sum[j]);
    }
}

/* A layer's step back. */
struct step {
    const struct axon_kernels *kernels;
    const struct axon__layer *layer;
    size_t rows;
    bool add;              /* to what the gradients of weights, biases and slopes are already */
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
    const float *params = axon__layer_params(layer, values, &count);

    s->kernels->rows[layer->id].gradient(s->pre, dpost, dpre, axis, params, count);
    if (s->to.slope) /* of a * x for x < 0 by a */
        sum_columns(dpost, s->pre, s->rows, layer->units, s->add, s->to.slope);
}

/* dweight [units, features] = dpre^T in, dbias = column sums of dpre; or += them. */
static void to_weights(const struct step *s, const float *dpre)
{
    const struct axon__layer *layer = s->layer;

    if (s->to.weight)
        axon__gemm(AXON_TRANSPOSED, AXON_PLAIN, layer->units, layer->features, s->rows, dpre,
                   layer->units, s->in, layer->features, s->add ? 1.0f : 0.0f, s->to.weight,
                   layer->features);
    if (s->to.bias)
        sum_columns(dpre, NULL, s->rows, layer->units, s->add, s->to.bias);
}

/* din [rows, features] = dpre weight, a panel of units after the other. */
static void to_input(const struct step *s, const float *dpre, float *din)
{
    const struct axon__layer *layer = s->layer;

    for (size_t u = 0; u < layer->units; u += AXON_PANEL)
        axon__gemm(AXON_PLAIN, AXON_TRANSPOSED, s->rows, layer->features,
                   axon__panel_units(layer, u), dpre + u, layer->units, axon__panel(layer, u),
                   axon__panel_width(layer, u), u == 0 ? 0.0f : 1.0f, din, layer->features);
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
        const struct axon_activation *act = axon__layer_activation(&mlp->layers[i]);
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

        if (!axon__aligned(p.data) ||
            (i == SCRATCH && (uintptr_t)p.data % AXON_SCRATCH_ALIGNMENT != 0))
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
                      const struct axon_mlp_gradients *gradients, bool add, float *scratch)
{
    float *work = scratch + axon__kept_offset(mlp, rows, mlp->layers_count);
    float *other = work + axon__work_floats(mlp, rows);
    const float *dpost = upstream, *dpre;

    for (size_t i = mlp->layers_count; i-- > 0;) {
        const struct axon__layer *layer = &mlp->layers[i];
        struct step s = {.kernels = axon__kernels(),
                         .layer = layer,
                         .rows = rows,
                         .add = add,
                         .pre = axon_mlp_kept_pre(mlp, rows, scratch, i),
                         .in = i > 0 ? axon_mlp_kept_post(mlp, rows, scratch, i - 1)
                                     : axon__kept_input(mlp, x, scratch)};

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

static enum axon_status back(const struct axon_mlp *mlp, const float *x, size_t rows,
                             const float *upstream, enum axon_upstream at,
                             const struct axon_mlp_gradients *gradients, bool add, void *scratch)
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
    if (rows > 0)
        walk_back(mlp, x, rows, upstream, at, gradients, add, scratch);
    else if (!add)
        zero_gradients(mlp, gradients);
    return AXON_OK;
}

enum axon_status axon_mlp_backward(const struct axon_mlp *mlp, const float *x, size_t rows,
                                   const float *upstream, enum axon_upstream at,
                                   const struct axon_mlp_gradients *gradients, void *scratch)
{
    return back(mlp, x, rows, upstream, at, gradients, false, scratch);
}

enum axon_status axon_mlp_backward_add(const struct axon_mlp *mlp, const float *x, size_t rows,
                                       const float *upstream, enum axon_upstream at,
                                       const struct axon_mlp_gradients *gradients, void *scratch)
{
    return back(mlp, x, rows, upstream, at, gradients, true, scratch);
}

enum axon_status axon_mlp_slopes(const struct axon_mlp *mlp, size_t rows, const void *scratch,
                                 size_t layer, float *slopes)
{
    const struct axon__layer *l = &mlp->layers[layer];
    float values[AXON_PARAMETERS_MAX];
    size_t count;
    const float *params = axon__layer_params(l, values, &count);

    if (l->kind != AXON_ELEMENTWISE)
        return AXON_EUNSUPPORTED;
    axon__kernels()->rows[l->id].gradient(axon_mlp_kept_pre(mlp, rows, scratch, layer), NULL,
                                          slopes, (struct axon_axis){rows, l->units, 1}, params,
                                          count);
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
