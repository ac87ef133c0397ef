/* kernels/piecewise.c - the rows that are made of lines and parabolas: the nearest float, or
 * one beside it.
 *
 * Comparisons are written so that NaN falls through to the arithmetic. f_<id>(x, p) is the
 * function, df_<id>(x, p) its derivative; at a kink it is the one that PyTorch takes. */
#include <float.h>
#include "kernels/map.h"

static inline vf f_identity(vf x, const vf *p)
{
    (void)p;
    return x;
}

static inline vf df_identity(vf x, const vf *p)
{
    (void)p;
    return vf_pick(x == x, vf_all(1.0f), x);
}

static inline vf f_relu(vf x, const vf *p)
{
    (void)p;
    return vf_pick(x <= 0.0f, vf_all(0.0f), x); /* <=, so that -0 becomes 0 */
}

static inline vf df_relu(vf x, const vf *p)
{
    (void)p;
    return vf_pick(x > 0.0f, vf_all(1.0f), f_relu(x, p));
}

static inline vf f_leaky_relu(vf x, const vf *p)
{
    return vf_pick(x < 0.0f, x * p[0], x);
}

static inline vf df_leaky_relu(vf x, const vf *p)
{
    return vf_pick(x > 0.0f, vf_all(1.0f), vf_pick(x <= 0.0f, p[0], x));
}

static inline vf f_prelu(vf x, const vf *p)
{
    return f_leaky_relu(x, p);
}

static inline vf df_prelu(vf x, const vf *p)
{
    return df_leaky_relu(x, p);
}

static inline vd rrelu_in_double(vd x, vd lower, vd upper)
{
    return vd_pick(x < 0.0, x * ((lower + upper) * 0.5), x);
}

static __attribute__((noinline, cold)) vf rrelu_of_long_slope(vf x, vf lower, vf upper)
{
    return vf_join(rrelu_in_double(vd_low(x), vd_low(lower), vd_low(upper)),
                   rrelu_in_double(vd_high(x), vd_high(lower), vd_high(upper)));
}

/* A mean slope that a float can't hold is not rounded to one: the product is rounded once. */
static inline vf f_rrelu(vf x, const vf *p)
{
    vf sum = p[0] + p[1], slope = sum * 0.5f, y = f_leaky_relu(x, &slope);
    vi lost = (sum - p[0] != p[1]) | (sum - p[1] != p[0]);

    if (__builtin_expect(vi_any(lost), 0))
        y = vf_pick(lost, rrelu_of_long_slope(x, p[0], p[1]), y);
    return y;
}

static inline vf df_rrelu(vf x, const vf *p)
{
    vf slope = (p[0] + p[1]) * 0.5f; /* rounded once */

    return df_leaky_relu(x, &slope);
}

static inline vf f_relu2(vf x, const vf *p)
{
    (void)p;
    return vf_pick(x <= 0.0f, vf_all(0.0f), x * x);
}

static inline vf df_relu2(vf x, const vf *p)
{
    (void)p;
    return vf_pick(x <= 0.0f, vf_all(0.0f), x + x);
}

/* ---- clips, shrinks, thresholds ---- */

static inline vf clip(vf x, vf low, vf high)
{
    return vf_pick(x < low, low, vf_pick(x > high, high, x));
}

/* value where the mask says so, else 0; NaN for NaN */
static inline vf slope_if(vi mask, vf value, vf x)
{
    return vf_pick(mask, value, vf_pick(x == x, vf_all(0.0f), x));
}

static inline vi beyond(vf x, vf distance)
{
    return (x > distance) | (x < -distance);
}

static inline vf f_relu6(vf x, const vf *p)
{
    return vf_pick(x > 6.0f, vf_all(6.0f), f_relu(x, p));
}

static inline vf df_relu6(vf x, const vf *p)
{
    (void)p;
    return slope_if((x > 0.0f) & (x < 6.0f), vf_all(1.0f), x);
}

static inline vf f_hard_tanh(vf x, const vf *p)
{
    return clip(x, p[0], p[1]);
}

static inline vf df_hard_tanh(vf x, const vf *p)
{
    return slope_if((x > p[0]) & (x < p[1]), vf_all(1.0f), x);
}

/* The upper bound wins. */
static inline vf f_clip(vf x, const vf *p)
{
    vf above = vf_pick(x < p[0], p[0], x);

    return vf_pick(above > p[1], p[1], above);
}

static inline vf df_clip(vf x, const vf *p)
{
    return slope_if((x >= p[0]) & (x <= p[1]), vf_all(1.0f), x);
}

static inline vf f_hard_shrink(vf x, const vf *p)
{
    return vf_pick((x >= -p[0]) & (x <= p[0]), vf_all(0.0f), x);
}

static inline vf df_hard_shrink(vf x, const vf *p)
{
    return slope_if(beyond(x, p[0]), vf_all(1.0f), x);
}

static inline vf f_soft_shrink(vf x, const vf *p)
{
    vf nearer = vf_pick(x > 0.0f, x - p[0], x + p[0]);

    return slope_if(beyond(x, p[0]), nearer, x);
}

static inline vf df_soft_shrink(vf x, const vf *p)
{
    return df_hard_shrink(x, p);
}

/* p: bias, lambd */
static inline vf f_shrink(vf x, const vf *p)
{
    return slope_if(beyond(x, p[1]), vf_pick(x > 0.0f, x - p[0], x + p[0]), x);
}

static inline vf df_shrink(vf x, const vf *p)
{
    return slope_if(beyond(x, p[1]), vf_all(1.0f), x);
}

static inline vf f_threshold(vf x, const vf *p)
{
    return vf_pick(x <= p[0], p[1], x);
}

static inline vf df_threshold(vf x, const vf *p)
{
    return slope_if(x > p[0], vf_all(1.0f), x);
}

static inline vf f_sparse_sigmoid(vf x, const vf *p)
{
    (void)p;
    return clip((x + 1.0f) * 0.5f, vf_all(0.0f), vf_all(1.0f));
}

static inline vf df_sparse_sigmoid(vf x, const vf *p)
{
    (void)p;
    return slope_if((x > -1.0f) & (x < 1.0f), vf_all(0.5f), x);
}

/* ---- lines with a slope, and products of two ---- */

/* The float nearest to 1/6 stands for 1/6: otherwise hard_sigmoid's zero would not be at -3, and
 * all digits beside it would be lost. 1/6 is SIXTH + SIXTH_LOW, cut and not rounded, so that
 * -3 / 6 + 1/2 is not above 0. */
#define SIXTH     (1.0f / 6)
#define SIXTH_LOW (-0xAAAAAA.p-51f)
#define SIXTH_UP  0x1.5555555555556p-3 /* rounded up, to the same end */

static inline vd line_half(vd x, vd alpha, vd beta)
{
    return x * vd_pick(alpha == (double)SIXTH, vd_all(SIXTH_UP), alpha) + beta;
}

#if defined(__FMA__) || defined(__aarch64__)

/* alpha x + beta, within 1 ULP; x is not infinite */
static inline vf line(vf x, vf alpha, vf beta)
{
    vf low = vf_pick(alpha == SIXTH, vf_all(SIXTH_LOW), vf_all(0.0f));

    return vf_fma(x, low, vf_fma(x, alpha, beta));
}

/* x (x + 3) / 6, |x| <= 3: what x + 3 loses comes back. */
static inline vf hard_swish_middle(vf x)
{
    vf sum = x + 3.0f, lost = x - (sum - 3.0f);
    vf low = vf_fma(sum, vf_all(SIXTH_LOW), lost * SIXTH);

    return x * vf_fma(sum, vf_all(SIXTH), low);
}

/* (x + 1)^2 / 4, |x| <= 1: likewise */
static inline vf sparse_plus_middle(vf x)
{
    vf sum = x + 1.0f, lost = x - (sum - 1.0f);

    return vf_fma(sum, sum, 2.0f * sum * lost) * 0.25f;
}

#else /* without a fused product, double is the cheaper way */

static inline vf line(vf x, vf alpha, vf beta)
{
    return vf_join(line_half(vd_low(x), vd_low(alpha), vd_low(beta)),
                   line_half(vd_high(x), vd_high(alpha), vd_high(beta)));
}

static inline vd hard_swish_half(vd x)
{
    return x * (x + 3.0) * SIXTH_UP;
}

static inline vf hard_swish_middle(vf x)
{
    return vf_join(hard_swish_half(vd_low(x)), hard_swish_half(vd_high(x)));
}

static inline vd sparse_plus_half(vd x)
{
    return (x + 1.0) * (x + 1.0) * 0.25;
}

static inline vf sparse_plus_middle(vf x)
{
    return vf_join(sparse_plus_half(vd_low(x)), sparse_plus_half(vd_high(x)));
}

#endif

static inline vf f_hard_sigmoid(vf x, const vf *p)
{
    vf finite = vf_min(vf_max(x, vf_all(-FLT_MAX)), vf_all(FLT_MAX)); /* for a slope of 0 */

    return vf_min(vf_max(line(finite, p[0], p[1]), vf_all(0.0f)), vf_all(1.0f));
}

/* In double, since a line rounded to float may reach 0 or 1 too early. */
static inline vd hard_sigmoid_slope(vd x, vd alpha, vd beta)
{
    vd y = line_half(x, alpha, beta);

    return vd_pick((y > 0.0) & (y < 1.0), alpha, vd_pick(x == x, vd_all(0.0), x));
}

static inline vf df_hard_sigmoid(vf x, const vf *p)
{
    return vf_join(hard_sigmoid_slope(vd_low(x), vd_low(p[0]), vd_low(p[1])),
                   hard_sigmoid_slope(vd_high(x), vd_high(p[0]), vd_high(p[1])));
}

static inline vf f_hard_swish(vf x, const vf *p)
{
    (void)p;
    return vf_pick(x <= -3.0f, vf_all(-0.0f), vf_pick(x >= 3.0f, x, hard_swish_middle(x)));
}

/* (2x + 3) / 6, in double: a float would round twice */
static inline vd hard_swish_slope(vd x)
{
    return (2.0 * x + 3.0) / 6.0;
}

static inline vf df_hard_swish(vf x, const vf *p)
{
    vf middle = vf_join(hard_swish_slope(vd_low(x)), hard_swish_slope(vd_high(x)));

    (void)p;
    return vf_pick(x <= -3.0f, vf_all(0.0f), vf_pick(x >= 3.0f, vf_all(1.0f), middle));
}

static inline vf f_sparse_plus(vf x, const vf *p)
{
    (void)p;
    return vf_pick(x <= -1.0f, vf_all(0.0f), vf_pick(x >= 1.0f, x, sparse_plus_middle(x)));
}

static inline vf df_sparse_plus(vf x, const vf *p)
{
    return f_sparse_sigmoid(x, p);
}

/* ---- kernels ---- */

#define DEFINE_PIECEWISE(id)        \
    DEFINE_FORWARD(id, elementwise) \
    DEFINE_GRADIENT(id, elementwise)
#define DEFINE_CHANNELWISE(id)      \
    DEFINE_FORWARD(id, channelwise) \
    DEFINE_GRADIENT(id, channelwise)
#define DEFINE_SMOOTH(id)
#define DEFINE_ROWWISE(id)
#define DEFINE_GATED(id)
#define ACT(id, KIND, ...) DEFINE_##KIND(id)
#include "activation.def"
#undef ACT
