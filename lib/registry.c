/* registry.c - the activations of activation.def: data, look-up, checks of parameters.
 *
 * Knows no kernels. Invariant: row i of the registry is row i of every table of kernels, since both
 * are made from activation.def. */
#include "registry.h"
#include <float.h>
#include <math.h>
#include "names.h"

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

size_t axon__activation_id(const struct axon_activation *act)
{
    return (size_t)(act - table);
}

const float *axon__activation_params(const struct axon_activation *act, const float *params,
                                     size_t *params_count, float defaults[AXON_PARAMETERS_MAX])
{
    if (params)
        return params;
    *params_count = act->parameters_count;
    for (unsigned i = 0; i < act->parameters_count; i++)
        defaults[i] = act->parameters[i].value;
    return defaults;
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

    params = axon__activation_params(act, params, &params_count, defaults);
    return rules[axon__activation_id(act)](params, params_count);
}
