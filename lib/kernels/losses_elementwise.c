/* kernels/losses_elementwise.c - losses of a value and its target: the ELEMENTWISE rows of
 * loss.def.
 *
 * A row's function takes a vector of values, and gives their losses and slopes by the input; the
 * macro at the end makes the kernel of it, so a loss depends on its value alone. Each is written in
 * a form that does not cancel. Knows vectors of doubles; values and options have been checked by
 * loss.c. p holds the row's parameters in loss.def's order. */
#include "kernels/losses.h"

struct values {
    vd x, y, variance, pos_weight;
    const double *p;
};

static inline vd zero_unless_nan(vd x)
{
    return vd_pick(x == x, vd_all(0), x);
}

/* -1, 0 or 1; NaN comes through. */
static inline vd sign_of(vd x)
{
    return vd_pick(x > 0, vd_all(1), vd_pick(x < 0, vd_all(-1), zero_unless_nan(x)));
}

static inline vd clip(vd x, double most)
{
    return vd_max(vd_min(x, most), -most);
}

/* ---- distances ---- */

static inline vd mse_values(const struct values *v, vd *slope)
{
    vd d = v->x - v->y;

    *slope = 2 * d;
    return d * d;
}

static inline vd l1_values(const struct values *v, vd *slope)
{
    vd d = v->x - v->y;

    *slope = sign_of(d);
    return vd_abs(d);
}

static inline vd huber_values(const struct values *v, vd *slope)
{
    double delta = v->p[0];
    vd d = v->x - v->y, a = vd_abs(d);

    *slope = clip(d, delta);
    return vd_pick(a <= delta, 0.5 * d * d, delta * (a - 0.5 * delta));
}

static inline vd smooth_l1_values(const struct values *v, vd *slope)
{
    double beta = v->p[0];
    vd d = v->x - v->y, a = vd_abs(d);

    *slope = vd_pick(a < beta, d / beta, sign_of(d));
    return vd_pick(a < beta, 0.5 * d * d / beta, a - 0.5 * beta);
}

/* Near 0 ln(1 + sinh^2 d) / 2, which keeps what the plain form loses below ln 2. */
static inline vd log_cosh_values(const struct values *v, vd *slope)
{
    vd d = v->x - v->y, a = vd_abs(d), e = vd_expm1(vd_min(a, 10)), t = vd_expm1(vd_min(2 * a, 40));
    vd sinh = 0.5 * (e + e / (e + 1.0)), tanh = t / (t + 2.0);

    *slope = vd_pick(d < 0, -tanh, tanh);
    return vd_pick(a > 10.0, a - 0x1.62e42fefa39efp-1 + vd_log1p(exp_negative(-2 * a)),
                   0.5 * vd_log1p(sinh * sinh));
}

/* ---- classes and margins ---- */

/* The binary losses are made of these: the weights of yes and no, sigmoid(x) and sigmoid(-x), both
 * to the last bit. A weight of 0 counts for nothing, be the logit infinite. */
struct binary {
    vd yes, no, p, q;
};

/* yes * softplus(-x) + no * softplus(x), and its slope. */
static inline vd binary_of_logits(vd x, struct binary *b, vd *slope)
{
    vd e = exp_negative(-vd_abs(x)), large = 1.0 / (1.0 + e), small = e * large;
    vd linear = weighed(b->no, vd_max(x, 0)) + weighed(b->yes, vd_max(-x, 0));

    b->p = vd_pick(x > 0, large, small);
    b->q = vd_pick(x > 0, small, large);
    *slope = b->no * b->p - b->yes * b->q;
    return linear + (b->yes + b->no) * vd_log1p(e);
}

static inline vd binary_of_probabilities(vd x, struct binary *b, vd *slope)
{
    b->p = x;
    b->q = 1.0 - x;
    *slope = (b->no * b->p - b->yes * b->q) / vd_max(b->p * b->q, 1e-12);
    return weighed(b->yes, surprise(b->p)) + weighed(b->no, surprise(b->q));
}

static inline vd binary_cross_entropy_values(const struct values *v, vd *slope)
{
    struct binary b = {.yes = v->y * v->pos_weight, .no = 1.0 - v->y};

    return v->p[0] != 0 ? binary_of_logits(v->x, &b, slope)
                        : binary_of_probabilities(v->x, &b, slope);
}

/* miss is what the answer lacks of the target. Where it is 0 all is done, and so is the slope. */
static inline vd focal_values(const struct values *v, vd *slope)
{
    double alpha = v->p[1], gamma = v->p[2];
    struct binary b = {.yes = v->y, .no = 1.0 - v->y};
    bool logits = v->p[0] != 0;
    vd h = logits ? binary_of_logits(v->x, &b, slope) : binary_of_probabilities(v->x, &b, slope);
    vd miss = b.yes * b.q + b.no * b.p, power = miss, turn = b.no - b.yes;
    vd a = alpha < 0 ? vd_all(1) : b.yes * alpha + b.no * (1 - alpha);

    for (size_t i = 0; i < VD_LANES; i++)
        power[i] = pow(miss[i], gamma);
    if (logits)
        turn *= b.p * b.q;
    turn = weighed(gamma * turn / vd_pick(miss > 0, miss, vd_all(1)), h);
    *slope = a * weighed(power, *slope + turn);
    return a * weighed(power, h);
}

static inline vd hinge_values(const struct values *v, vd *slope)
{
    vd sign = vd_pick(v->y > 0, vd_all(1), vd_all(-1)), lacking = v->p[0] - sign * v->x;

    *slope = vd_pick(lacking > 0, -sign, zero_unless_nan(lacking));
    return vd_max(lacking, 0);
}

/* ---- likelihoods ---- */

/* weight * (ln y - ln x), whichever of the two come as logarithms */
static inline vd kl_div_values(const struct values *v, vd *slope)
{
    vd y = v->p[0] != 0 ? exp_any(v->y) : v->y, log_y = v->p[0] != 0 ? v->y : each_lane(log, v->y);
    vd log_x = v->p[1] != 0 ? v->x : each_lane(log, v->x);

    *slope = zero_unless_nan(v->x) - vd_pick(y > 0, v->p[1] != 0 ? y : y / v->x, vd_all(0));
    return vd_pick(y > 0, y * (log_y - log_x), zero_unless_nan(v->x));
}

/* y ln y - y + ln(2 pi y) / 2 where y > 1: what ln y! is about. */
static inline vd stirling(vd y)
{
    vd log_y = each_lane(log, vd_max(y, 1));

    return vd_pick(y > 1, y * log_y - y + 0.5 * (log_y + 0x1.d67f1c864beb4p+0), vd_all(0));
}

static inline vd poisson_nll_values(const struct values *v, vd *slope)
{
    bool logs = v->p[0] != 0;
    vd full = v->p[1] != 0 ? stirling(v->y) : vd_all(0), some = v->x + v->p[2];
    vd rate = logs ? exp_any(v->x) : v->x, log_rate = logs ? v->x : each_lane(log, some);
    vd by_target = vd_pick(v->y > 0, logs ? v->y : v->y / some, zero_unless_nan(v->x));

    *slope = (logs ? rate : vd_all(1)) - by_target;
    return rate - weighed(v->y, log_rate) + full;
}

static inline vd gaussian_nll_values(const struct values *v, vd *slope)
{
    vd d = v->x - v->y, variance = vd_max(v->variance, v->p[1]);
    double half_log_two_pi = v->p[0] != 0 ? 0x1.d67f1c864beb4p-1 : 0;

    *slope = d / variance;
    return 0.5 * (each_lane(log, variance) + d * d / variance) + half_log_two_pi;
}

/* ---- kernels ---- */

ALWAYS vd at_most(const float *p, size_t i, size_t n, float fill)
{
    return p ? vd_load(p + i, n - i, fill) : vd_all((double)fill);
}

ALWAYS void evaluate(const struct axon_loss_part *part, double *losses,
                     vd (*f)(const struct values *, vd *))
{
    size_t n = part->count;

    for (size_t i = 0; i < n; i += VD_LANES) {
        struct values v = {.x = vd_load(part->x + i, n - i, 0),
                           .y = vd_load(part->y + i, n - i, 0),
                           .variance = at_most(part->variances, i, n, 1),
                           .pos_weight = at_most(part->pos_weight, i, n, 1),
                           .p = part->values};
        vd weight = at_most(part->weight, i, n, 1), slope, loss = f(&v, &slope);
        size_t lanes = n - i < VD_LANES ? n - i : (size_t)VD_LANES;

        loss = weighed(weight, loss);
        memcpy(losses + i, &loss, lanes * sizeof *losses);
        if (part->gradient)
            vh_store(part->gradient + i, vh_of(weighed(weight, slope) * part->scale), n - i);
    }
}

#define DEFINE(id)                                                                \
    void AXON_KERNEL(loss, id)(const struct axon_loss_part *part, double *losses) \
    {                                                                             \
        evaluate(part, losses, id##_values);                                      \
    }

DEFINE(binary_cross_entropy)
DEFINE(mse)
DEFINE(l1)
DEFINE(huber)
DEFINE(smooth_l1)
DEFINE(kl_div)
DEFINE(poisson_nll)
DEFINE(gaussian_nll)
DEFINE(hinge)
DEFINE(focal)
DEFINE(log_cosh)
