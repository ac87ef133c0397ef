/* activation.c - the registry: look-up by name, checks of parameters, the way into the kernels.
 *
 * Knows activation.def and the table of kernels in use. Invariant: row i of the registry is row i
 * of every table of kernels. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include "axon/activation.h"
#include "kernels/dispatch.h"
#include "arrays.h"
#include "names.h"
#include "parallel.h"

#define KIND_PIECEWISE   AXON_ELEMENTWISE
#define KIND_CHANNELWISE AXON_ELEMENTWISE
#define KIND_SMOOTH      AXON_ELEMENTWISE
#define KIND_ROWWISE     AXON_ROWWISE
#define KIND_GATED       AXON_GATED

#define ALIASES(...) \
    {                \
        __VA_ARGS__  \
    }
/* sizeof counts what the row lists; the empty first element keeps an empty list valid C. */
#define PARAMETERS(...)                                                       \
    .parameters_count = sizeof((struct axon_parameter[]){{0}, __VA_ARGS__}) / \
                            sizeof(struct axon_parameter) -                   \
                        1,                                                    \
    .parameters = {__VA_ARGS__}
#define PARAMETERS_ASCENDING(...) .ascending = true, PARAMETERS(__VA_ARGS__)
/* Literals that stand side by side are one: "" if the row gives no other name. */
#define PARAMETER(name, description, value, minimum, maximum, ...)        \
    {                                                                     \
        name, description, value, minimum, maximum, false, "" __VA_ARGS__ \
    }
#define CHANNEL_PARAMETER(name, description, value, minimum, maximum, ...) \
    {                                                                      \
        name, description, value, minimum, maximum, true, "" __VA_ARGS__   \
    }

#define OPEN                 .saturation_low = NAN, .saturation_high = NAN
#define SATURATES(low, high) .saturation_low = low, .saturation_high = high

static const struct axon_activation table[AXON_ID_COUNT] = {
#define ACT(id, KIND, ALIASES_, formula_, latex_, derivative_, range_, PARAMETERS_, initializer_, \
            gain_, source_, ulp_max_, ZEROS_, BOUNDS_, pros_, cons_, use_)                        \
    [AXON_ID_##id] = {.name = #id,                                                                \
                      .aliases = ALIASES_,                                                        \
                      .kind = KIND_##KIND,                                                        \
                      .formula = formula_,                                                        \
                      .latex = latex_,                                                            \
                      .derivative = derivative_,                                                  \
                      .range = range_,                                                            \
                      .pros = pros_,                                                              \
                      .cons = cons_,                                                              \
                      .use = use_,                                                                \
                      .initializer = initializer_,                                                \
                      .gain = gain_,                                                              \
                      .source = source_,                                                          \
                      .ulp_max = ulp_max_,                                                        \
                      BOUNDS_,                                                                    \
                      PARAMETERS_},
#include "activation.def"
#undef ACT
};

const struct axon_activation *axon_activation_table(size_t *count)
{
    *count = AXON_ID_COUNT;
    return table;
}

const struct axon_activation *axon_activation_find(const char *name)
{
    for (size_t i = 0; i < AXON_ID_COUNT; i++)
        if (axon__named(name, table[i].name, table[i].aliases))
            return &table[i];
    return NULL;
}

enum axon_status axon_activation_check(const struct axon_activation *act, const float *params,
                                       size_t params_count, size_t channels, size_t *bad)
{
    bool per_channel = act->parameters_count == 1 && act->parameters[0].per_channel;
    size_t i = 0;

    if (!params && params_count == 0)
        return AXON_OK;
    if (params &&
        (params_count == act->parameters_count || (per_channel && params_count == channels)))
        for (;; i++) {
            const struct axon_parameter *p = &act->parameters[per_channel ? 0 : i];

            if (i == params_count)
                return AXON_OK;
            if (!(params[i] >= p->minimum && params[i] <= p->maximum)) /* NaN is neither */
                break;
            if (act->ascending && i > 0 && params[i] < params[i - 1])
                break;
        }
    else
        i = params_count;
    if (bad)
        *bad = i;
    return AXON_EPARAM;
}

/* params, or the defaults written to the caller's array. */
static const float *or_defaults(const struct axon_activation *act, const float *params,
                                size_t *params_count, float defaults[AXON_PARAMETERS_MAX])
{
    if (params)
        return params;
    *params_count = act->parameters_count;
    for (unsigned i = 0; i < act->parameters_count; i++)
        defaults[i] = act->parameters[i].value;
    return defaults;
}

struct axon_axis axon_activation_output(const struct axon_activation *act, struct axon_axis axis)
{
    if (act->kind == AXON_GATED)
        axis.length /= 2;
    return axis;
}

/* ---- exact zeros: the rules of ZEROS(), by parameters ---- */

typedef bool zeros_rule(const float *params, size_t count);

static bool zeros_never(const float *params, size_t count)
{
    (void)params;
    (void)count;
    return false;
}

static bool zeros_always(const float *params, size_t count)
{
    (void)params;
    (void)count;
    return true;
}

static bool zeros_if_any_is_0(const float *params, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (params[i] == 0.0f)
            return true;
    return false;
}

static bool zeros_if_last_is_0(const float *params, size_t count)
{
    return params[count - 1] == 0.0f;
}

static bool zeros_if_last_above_0(const float *params, size_t count)
{
    return params[count - 1] > 0.0f;
}

static bool zeros_if_opposite(const float *params, size_t count)
{
    (void)count;
    return params[0] == -params[1];
}

/* A line with a slope gets below any bound, a level one may lie there. */
static bool zeros_if_line_gets_to_0(const float *params, size_t count)
{
    (void)count;
    return params[0] != 0.0f || params[1] <= 0.0f;
}

bool axon_activation_has_zeros(const struct axon_activation *act, const float *params,
                               size_t params_count)
{
#define ZEROS(rule) zeros_##rule
#define ACT(id, KIND, ALIASES_, formula, latex, derivative, range, PARAMETERS_, initializer, gain, \
            source, ulp_max, ZEROS_, ...)                                                          \
    [AXON_ID_##id] = ZEROS_,
    static zeros_rule *const rules[AXON_ID_COUNT] = {
#include "activation.def"
    };
#undef ACT
#undef ZEROS
    float defaults[AXON_PARAMETERS_MAX];

    params = or_defaults(act, params, &params_count, defaults);
    return rules[act - table](params, params_count);
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

    return c->gradient || kernels->rows[act - table].smooth
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
    c->kernel = &kernels_for(act, c)->rows[act - table];
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
    params = or_defaults(act, params, &params_count, defaults);
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
    params = or_defaults(act, params, &params_count, defaults);
    compute(act, &(struct call){.gradient = true,
                                .x = x,
                                .upstream = upstream,
                                .y = dx,
                                .axis = axis,
                                .params = params,
                                .params_count = params_count});
    return AXON_OK;
}
