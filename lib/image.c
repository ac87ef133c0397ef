/* image.c - what an activation makes of an interval: elementwise ones by their values at its ends
 * and where they turn or jump, rowwise ones by the best and the worst that the other units can do.
 *
 * Knows the registry and calls the kernels in use. Invariant: between two neighbours of {low, the
 * turns, high} an elementwise f is monotone, so its extremes are among their values. */
#include <float.h>
#include <math.h>
#include "axon/bounds.h"
#include "kernels/kernels.h"
#include "registry.h"

static const struct axon_interval unknown = {-INFINITY, INFINITY};

/* ---- where elementwise activations turn or jump, by parameters ------------------------------- */

enum {
    TURNS_MAX = 3,
    NEIGHBOURS = 4
}; /* floats on either side of a turn that are looked at, too:
      a kernel may see a jump some roundings away */

struct turns {
    double at[TURNS_MAX]; /* may be NaN or infinite: then it is nowhere */
    size_t count;
    double lost; /* digits that f loses where its terms cancel, as a share of |x| */
};

typedef struct turns turns_rule(const float *params);

static struct turns never(const float *params)
{
    (void)params;
    return (struct turns){.count = 0};
}

/* Slopes of different signs on either side. */
static struct turns at_0(const float *params)
{
    (void)params;
    return (struct turns){.count = 1};
}

static struct turns at_hard_swish(const float *params)
{
    (void)params;
    return (struct turns){{-1.5}, 1, 0};
}

/* x sigmoid(x) has its minimum there. */
static const double SILU_TURN = -1.278464542761074;

static struct turns at_silu(const float *params)
{
    return (struct turns){{SILU_TURN / (double)params[0]}, 1, 0};
}

static struct turns at_quick_gelu(const float *params)
{
    (void)params;
    return (struct turns){{SILU_TURN / 1.702}, 1, 0};
}

static struct turns at_gelu(const float *params)
{
    (void)params;
    return (struct turns){{-0.7517915246935645}, 1, 0};
}

static struct turns at_gelu_tanh(const float *params)
{
    (void)params;
    return (struct turns){{-0.7524614220710163}, 1, 0};
}

static struct turns at_mish(const float *params)
{
    (void)params;
    return (struct turns){{-1.192431214515495}, 1, 0};
}

/* It falls by ln(1 + exp(-threshold)) / beta where it becomes x itself. */
static struct turns at_softplus(const float *params)
{
    return (struct turns){{(double)params[1] / (double)params[0]}, 1, 0};
}

/* bias, lambd: whichever is larger, it jumps up or down. */
static struct turns at_shrink(const float *params)
{
    return (struct turns){{-(double)params[1], (double)params[1]}, 2, 0};
}

static struct turns at_threshold(const float *params)
{
    return (struct turns){{(double)params[0]}, 1, 0};
}

/* alpha_p, alpha_n, beta, eps. For x <= eps the slope alpha_n (e^x - 1) + beta may be 0. */
static struct turns at_xielu(const float *params)
{
    double alpha_n = (double)params[1], beta = (double)params[2];

    return (struct turns){
        {log(1 - beta / alpha_n), (double)params[3], 0}, 3, 0x1p-46 * (alpha_n + beta)};
}

/* A row of activation.def without a line here does not compile. */
#define TURNS_identity       never
#define TURNS_relu           never
#define TURNS_relu6          never
#define TURNS_relu2          never
#define TURNS_clip           never
#define TURNS_leaky_relu     at_0
#define TURNS_prelu          at_0
#define TURNS_rrelu          at_0
#define TURNS_elu            never
#define TURNS_selu           never
#define TURNS_celu           never
#define TURNS_sigmoid        never
#define TURNS_log_sigmoid    never
#define TURNS_hard_sigmoid   never
#define TURNS_tanh           never
#define TURNS_hard_tanh      never
#define TURNS_tanh_shrink    never
#define TURNS_scaled_tanh    never
#define TURNS_softplus       at_softplus
#define TURNS_softsign       never
#define TURNS_silu           at_silu
#define TURNS_hard_swish     at_hard_swish
#define TURNS_gelu           at_gelu
#define TURNS_gelu_tanh      at_gelu_tanh
#define TURNS_quick_gelu     at_quick_gelu
#define TURNS_clipped_gelu   at_gelu
#define TURNS_mish           at_mish
#define TURNS_laplace        never
#define TURNS_xielu          at_xielu
#define TURNS_hard_shrink    never
#define TURNS_soft_shrink    never
#define TURNS_shrink         at_shrink
#define TURNS_threshold      at_threshold
#define TURNS_squareplus     never
#define TURNS_exponential    never
#define TURNS_sparse_plus    never
#define TURNS_sparse_sigmoid never

/* ---- outward rounding ------------------------------------------------------------------------ */

static float round_down(double x)
{
    float f = (float)x;

    return (double)f > x ? nextafterf(f, -INFINITY) : f;
}

static float round_up(double x)
{
    return -round_down(-x);
}

/* Both the value at an end and the value that a forward pass meets may be ulp_max away from the
 * exact one, on opposite sides; an ULP is half as long below a power of 2. */
static struct axon_interval widen(struct axon_interval y, float ulp_max)
{
    for (int i = ulp_max > 0 ? (int)ceilf(4 * ulp_max) + 1 : 0; i > 0; i--) {
        y.low = nextafterf(y.low, -INFINITY);
        y.high = nextafterf(y.high, INFINITY);
    }
    return y;
}

static struct axon_interval clamp(struct axon_interval y, float low, float high)
{
    return (struct axon_interval){fminf(fmaxf(y.low, low), high), fmaxf(fminf(y.high, high), low)};
}

/* ---- elementwise ----------------------------------------------------------------------------- */

struct samples {
    float x[2 + TURNS_MAX * (2 * NEIGHBOURS + 1)];
    size_t count;
};

static void sample_near(struct samples *s, double turn, struct axon_interval x)
{
    float at = (float)turn;

    if (!isfinite(at))
        return;
    for (int i = 0; i < NEIGHBOURS; i++)
        at = nextafterf(at, -INFINITY);
    for (int i = 0; i < 2 * NEIGHBOURS + 1; i++) {
        if (at > x.low && at < x.high)
            s->x[s->count++] = at;
        at = nextafterf(at, INFINITY);
    }
}

/* The extremes of f over the samples; unknown if one is NaN. */
static struct axon_interval extremes(const struct axon_activation *act, const float *params,
                                     size_t params_count, struct samples *s)
{
    struct axon_interval y = {INFINITY, -INFINITY};

    axon_activation_forward(act, s->x, s->x, (struct axon_axis){s->count, 1, 1}, params,
                            params_count);
    for (size_t i = 0; i < s->count; i++) {
        if (isnan(s->x[i]))
            return unknown;
        y.low = fminf(y.low, s->x[i]);
        y.high = fmaxf(y.high, s->x[i]);
    }
    return y;
}

static struct axon_interval image(const struct axon_activation *act, turns_rule *rule,
                                  const float *params, size_t params_count, struct axon_interval x)
{
    struct turns turns = rule(params);
    struct samples s = {{x.low, x.high}, 2};
    double lost = turns.lost * fmax(fabs((double)x.low), fabs((double)x.high));
    struct axon_interval y;

    for (size_t i = 0; i < turns.count; i++)
        sample_near(&s, turns.at[i], x);
    y = extremes(act, params, params_count, &s);
    /* A region of exact zeros is no rounding: it stays 0. */
    if (y.low == 0.0f && y.high == 0.0f && axon_activation_has_zeros(act, params, params_count))
        return y;
    y = widen(y, act->ulp_max);
    if (lost > 0)
        y = (struct axon_interval){round_down((double)y.low - lost),
                                   round_up((double)y.high + lost)};
    if (!act->ascending && act->saturation_low < act->saturation_high)
        y = clamp(y, act->saturation_low, act->saturation_high); /* no kernel passes them */
    return y;
}

/* ---- rowwise --------------------------------------------------------------------------------- */

/* One side of all intervals of a row, as softmax sees them: sign * x / T. */
struct side {
    const struct axon_interval *x;
    size_t n;
    double sign, temperature;
    bool high;       /* the larger end */
    double max, sum; /* of exp(value - max) */
};

static double value_of(const struct side *s, size_t i)
{
    float end = s->high == (s->sign > 0) ? s->x[i].high : s->x[i].low;

    return s->sign * (double)end / s->temperature;
}

/* ln of the sum of exp() over all but unit `skip`. */
static double log_sum(const struct side *s, size_t skip)
{
    double max = -INFINITY, sum = 0;

    for (size_t i = 0; i < s->n; i++)
        max = i == skip ? max : fmax(max, value_of(s, i));
    if (isinf(max))
        return max;
    for (size_t i = 0; i < s->n; i++)
        sum += i == skip ? 0 : exp(value_of(s, i) - max);
    return max + log(sum);
}

static struct side side_of(const struct axon_interval *x, size_t n, double sign, double temperature,
                           bool high)
{
    struct side s = {x, n, sign, temperature, high, -INFINITY, 0};

    for (size_t i = 0; i < n; i++)
        s.max = fmax(s.max, value_of(&s, i));
    for (size_t i = 0; i < n; i++)
        s.sum += exp(value_of(&s, i) - s.max);
    return s;
}

/* The same from the sum of all; at most one unit has more than half of it, for which the difference
 * would cancel. */
static double log_sum_of_others(const struct side *s, size_t skip)
{
    double own = exp(value_of(s, skip) - s->max);

    return own > s->sum / 2 ? log_sum(s, skip) : s->max + log(s->sum - own);
}

/* ln softmax of a unit at `own`, against others at `others`; slack: what doubles lose, outward. */
static double log_share(double own, double others, double outward)
{
    double d = others - own;
    double slack = outward * 0x1p-44 * (1 + fabs(own) + (isinf(others) ? 0 : fabs(others)));

    return fmin(0, (d > 0 ? -d - log1p(exp(-d)) : -log1p(exp(d))) + slack);
}

/* softmax, softmin, log_softmax: a unit is least where it is low and all others are high. */
static void image_softmax(size_t id, const float *params, const struct axon_interval *x,
                          struct axon_interval *y, size_t n, float ulp_max)
{
    double sign = id == AXON_ID_softmin ? -1 : 1, temperature = (double)params[0];
    struct side low = side_of(x, n, sign, temperature, false);
    struct side high = side_of(x, n, sign, temperature, true);

    if (!isfinite(low.max) || !isfinite(high.max)) { /* +inf makes NaN; -inf alone, too */
        for (size_t i = 0; i < n; i++)
            y[i] = unknown;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        double least = log_share(value_of(&low, i), log_sum_of_others(&high, i), -1);
        double most = log_share(value_of(&high, i), log_sum_of_others(&low, i), 1);
        bool is_log = id == AXON_ID_log_softmax;
        struct axon_interval out = {round_down(is_log ? least : exp(least) * (1 - 0x1p-50)),
                                    round_up(is_log ? most : exp(most) * (1 + 0x1p-50))};

        y[i] = clamp(widen(out, ulp_max), is_log ? -INFINITY : 0, is_log ? 0 : 1);
    }
}

/* The two largest of one end of all units: the largest of the others is one of them. */
struct top {
    float first, second;
};

static void top_note(struct top *t, float v)
{
    if (v > t->first)
        *t = (struct top){v, t->first};
    else
        t->second = fmaxf(t->second, v);
}

static float top_of_others(struct top t, float own)
{
    return own == t.first ? t.second : t.first;
}

/* 1 is possible for whoever can be as large as all others must be, and certain for whoever must be
 * larger than all others can be. */
static void image_hardmax(const struct axon_interval *x, struct axon_interval *y, size_t n)
{
    struct top low = {-INFINITY, -INFINITY}, high = low;

    for (size_t i = 0; i < n; i++) {
        top_note(&low, x[i].low);
        top_note(&high, x[i].high);
    }
    for (size_t i = 0; i < n; i++) {
        bool possible = n == 1 || x[i].high >= top_of_others(low, x[i].low);
        bool certain = n == 1 || x[i].low > top_of_others(high, x[i].high);

        y[i] = (struct axon_interval){certain ? 1 : 0, possible ? 1 : 0};
    }
}

static void image_sparsemax(struct axon_interval *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (struct axon_interval){0, 1};
}

/* A NaN or an infinity among the ends may make the whole row NaN. */
static bool is_bounded(const struct axon_interval *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i].low) || !isfinite(x[i].high))
            return false;
    return true;
}

static void image_rowwise(size_t id, const float *params, const struct axon_interval *x,
                          struct axon_interval *y, size_t n, float ulp_max)
{
    if (!is_bounded(x, n))
        for (size_t i = 0; i < n; i++)
            y[i] = unknown;
    else if (id == AXON_ID_hardmax)
        image_hardmax(x, y, n);
    else if (id == AXON_ID_sparsemax)
        image_sparsemax(y, n);
    else
        image_softmax(id, params, x, y, n, ulp_max);
}

/* ---- the way in ------------------------------------------------------------------------------ */

/* Rules for the elementwise ones; the others have none. */
#define ACT(id, KIND, ...)   RULE_##KIND(id)
#define RULE_PIECEWISE(id)   [AXON_ID_##id] = TURNS_##id,
#define RULE_CHANNELWISE(id) RULE_PIECEWISE(id)
#define RULE_SMOOTH(id)      RULE_PIECEWISE(id)
#define RULE_ROWWISE(id)
#define RULE_GATED(id)
static turns_rule *const rules[AXON_ID_COUNT] = {
#include "activation.def"
};
#undef ACT

enum axon_status axon_activation_image(const struct axon_activation *act, const float *params,
                                       size_t params_count, const struct axon_interval *x,
                                       struct axon_interval *y, size_t n)
{
    size_t id = axon__activation_id(act);
    float defaults[AXON_PARAMETERS_MAX];
    enum axon_status status = axon_activation_check(act, params, params_count, n, NULL);
    bool per_channel;

    if (act->kind == AXON_GATED)
        return AXON_EUNSUPPORTED;
    if (status != AXON_OK)
        return status;
    params = axon__activation_params(act, params, &params_count, defaults);
    if (act->kind == AXON_ROWWISE) {
        image_rowwise(id, params, x, y, n, act->ulp_max);
        return AXON_OK;
    }
    per_channel = params_count != act->parameters_count;
    for (size_t i = 0; i < n; i++)
        y[i] = image(act, rules[id], per_channel ? params + i : params,
                     per_channel ? 1 : params_count, x[i]);
    return AXON_OK;
}
