/* activation.c - a tensor's way into the kernels: checks of its shape and arrays, then the call.
 *
 * Knows the registry and the table of kernels in use. */
#include <stdint.h>
#include "axon/activation.h"
#include "kernels/dispatch.h"
#include "arrays.h"
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
    bool gradient;
    const float *x, *upstream;
    float *y;
    size_t n; /* values of x */
    struct axon_axis axis;
    const float *params;
    size_t params_count;
};

static void compute(const struct axon_activation *act, struct call *c)
{
    const struct axon_kernel *kernel = &axon__kernels()->rows[axon__activation_id(act)];

    /* Where the split does not matter, one line will do. */
    if (act->kind == AXON_ELEMENTWISE && c->params_count <= act->parameters_count)
        c->axis = (struct axon_axis){1, c->n, 1};
    if (c->gradient)
        kernel->gradient(c->x, c->upstream, c->y, c->axis, c->params, c->params_count);
    else
        kernel->forward(c->x, c->y, c->axis, c->params, c->params_count);
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
    compute(
        act,
        &(struct call){
            .x = x, .y = y, .n = n, .axis = axis, .params = params, .params_count = params_count});
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
                                .n = n,
                                .axis = axis,
                                .params = params,
                                .params_count = params_count});
    return AXON_OK;
}
