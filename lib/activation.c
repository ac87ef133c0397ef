/* activation.c - a tensor's way into the kernels: checks of its shape and arrays, then the call.
 *
 * Knows the registry and the table of kernels in use. */
#include <stdint.h>
#include "axon/activation.h"
#include "kernels/dispatch.h"
#include "arrays.h"
#include "parallel.h"
#include "registry.h"

struct axon_axis axon_activation_output(const struct axon_activation *act, struct axon_axis axis)
{
    if (act->kind == AXON_GATED)
        axis.length /= 2;
    return axis;
}

/* Whatever may be wrong but the parameters; *n, *m: values of x and of y. */
static enum axon_status check_shape(const struct axon_activation *act, struct axon_axis axis,
                                    size_t *n, size_t *m)
{
    if (act->kind == AXON_GATED && axis.length % 2 != 0)
        return AXON_ESHAPE;
    if (__builtin_mul_overflow(axis.outer, axis.length, n) ||
        __builtin_mul_overflow(*n, axis.inner, n) || *n > PTRDIFF_MAX / sizeof(float))
        return AXON_ESHAPE;
    *m = act->kind == AXON_GATED ? *n / 2 : *n;
    return AXON_OK;
}

/* ---- the way into the kernels ---- */

struct call {
    const struct axon_kernel *kernel;
    bool gradient;
    const float *x, *upstream;
    float *y;
    struct axon_axis axis;
    const float *params;
    size_t params_count;
    size_t x_line, y_line; /* floats of x, and of the output, per step of axis.outer */
};

/* The slice of a tensor along its outer dimension, as a tensor. */
static void compute_slice(const void *work, size_t first, size_t count)
{
    const struct call *c = work;
    struct axon_axis axis = {count, c->axis.length, c->axis.inner};
    const float *x = c->x + first * c->x_line;

    if (c->gradient)
        c->kernel->gradient(x, c->upstream ? c->upstream + first * c->y_line : NULL,
                            c->y + first * c->x_line, axis, c->params, c->params_count);
    else
        c->kernel->forward(x, c->y + first * c->y_line, axis, c->params, c->params_count);
}

static const struct axon_kernels *kernels_for(const struct axon_activation *act,
                                              const struct call *c)
{
    enum { MULTIPLY_ADDS = 32 }; /* what an element costs, by and large */
    const struct axon_kernels *kernels = axon__kernels();

    return c->gradient || kernels->rows[axon__activation_id(act)].smooth
               ? kernels
               : axon__kernels_for(c->axis.outer * c->x_line * MULTIPLY_ADDS);
}

static void compute(const struct axon_activation *act, struct call *c)
{
    struct axon_axis output;

    /* Where the split does not matter, any cut will do. */
    if (act->kind == AXON_ELEMENTWISE && c->params_count <= act->parameters_count)
        c->axis = (struct axon_axis){c->axis.outer * c->axis.length * c->axis.inner, 1, 1};
    output = axon_activation_output(act, c->axis);
    c->x_line = c->axis.length * c->axis.inner;
    c->y_line = output.length * output.inner;
    c->kernel = &kernels_for(act, c)->rows[axon__activation_id(act)];
    axon__parallel(compute_slice, c, c->axis.outer, c->x_line);
}

enum axon_status axon_activation_forward(const struct axon_activation *act, const float *x,
                                         float *y, struct axon_axis axis, const float *params,
                                         size_t params_count)
{
    float defaults[AXON_PARAMETERS_MAX];
    size_t n = 0, m = 0;
    enum axon_status status = axon_activation_check(act, params, params_count, axis.length, NULL);

    if (status == AXON_OK)
        status = check_shape(act, axis, &n, &m);
    if (status != AXON_OK || n == 0)
        return status;
    if (!axon__aligned(x) || !axon__aligned(y))
        return AXON_EALIGN;
    if ((y != x || act->kind == AXON_GATED) && axon__overlap(x, n, y, m))
        return AXON_EOVERLAP;
    params = axon__activation_params(act, params, &params_count, defaults);
    compute(act, &(struct call){
                     .x = x, .y = y, .axis = axis, .params = params, .params_count = params_count});
    return AXON_OK;
}

enum axon_status axon_activation_gradient(const struct axon_activation *act, const float *x,
                                          const float *upstream, float *dx, struct axon_axis axis,
                                          const float *params, size_t params_count)
{
    float defaults[AXON_PARAMETERS_MAX];
    size_t n = 0, m = 0;
    enum axon_status status = axon_activation_check(act, params, params_count, axis.length, NULL);

    if (status == AXON_OK && !upstream && act->kind != AXON_ELEMENTWISE)
        status = AXON_EPARAM;
    if (status == AXON_OK)
        status = check_shape(act, axis, &n, &m);
    if (status != AXON_OK || n == 0)
        return status;
    if (!axon__aligned(x) || !axon__aligned(upstream) || !axon__aligned(dx))
        return AXON_EALIGN;
    if ((dx != x && axon__overlap(x, n, dx, n)) ||
        (upstream && (dx != upstream || act->kind == AXON_GATED) &&
         axon__overlap(upstream, m, dx, n)))
        return AXON_EOVERLAP;
    params = axon__activation_params(act, params, &params_count, defaults);
    compute(act, &(struct call){.gradient = true,
                                .x = x,
                                .upstream = upstream,
                                .y = dx,
                                .axis = axis,
                                .params = params,
                                .params_count = params_count});
    return AXON_OK;
}
