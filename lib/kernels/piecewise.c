/* kernels/piecewise.c - the rows that are made of lines and parabolas: the nearest float.
 *
 * Comparisons are written so that NaN falls through to the arithmetic. f_<id>(x, p) is the
 * function, df_<id>(x, p) its derivative; at a kink it is the one that PyTorch takes. */
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

static inline vf f_rrelu(vf x, const vf *p)
{
    vf slope = (p[0] + p[1]) * 0.5f; /* as a float, as PyTorch takes it */

    return f_leaky_relu(x, &slope);
}

static inline vf df_rrelu(vf x, const vf *p)
{
    vf slope = (p[0] + p[1]) * 0.5f;

    return df_leaky_relu(x, &slope);
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

/* ---- products of two lines: in double, since float would round three times ---- */

/* ONE_SIXTH is rounded up, so that -3 / 6 + 1/2 is not above 0 and 3 / 6 + 1/2 not below 1. */
#define ONE_SIXTH 0x1.5555555555556p-3

/* The float nearest to 1/6 stands for 1/6: otherwise the line's zero would not be at -3, and all
 * digits beside it would be lost. */
static inline vd sixth_if_sixth(vd alpha)
{
    return vd_pick(alpha == (double)(1.0f / 6), vd_all(ONE_SIXTH), alpha);
}

static inline vd hard_line(vd x, vd alpha, vd beta)
{
    return vd_min(vd_max(x * sixth_if_sixth(alpha) + beta, 0.0), 1.0);
}

static inline vf f_hard_sigmoid(vf x, const vf *p)
{
    return vf_join(hard_line(vd_low(x), vd_low(p[0]), vd_low(p[1])),
                   hard_line(vd_high(x), vd_high(p[0]), vd_high(p[1])));
}

static inline vd hard_line_slope(vd x, vd alpha, vd beta)
{
    vd line = x * sixth_if_sixth(alpha) + beta;

    return vd_pick((line > 0.0) & (line < 1.0), alpha, vd_pick(x == x, vd_all(0.0), x));
}

static inline vf df_hard_sigmoid(vf x, const vf *p)
{
    return vf_join(hard_line_slope(vd_low(x), vd_low(p[0]), vd_low(p[1])),
                   hard_line_slope(vd_high(x), vd_high(p[0]), vd_high(p[1])));
}

/* x (x + 3) / 6 */
static inline vd hard_swish_middle(vd x)
{
    return x * (x + 3.0) * ONE_SIXTH;
}

static inline vf f_hard_swish(vf x, const vf *p)
{
    vf middle = vf_join(hard_swish_middle(vd_low(x)), hard_swish_middle(vd_high(x)));

    (void)p;
    return vf_pick(x <= -3.0f, vf_all(-0.0f), vf_pick(x >= 3.0f, x, middle));
}

/* (2x + 3) / 6 */
static inline vd hard_swish_middle_slope(vd x)
{
    return (2.0 * x + 3.0) * ONE_SIXTH;
}

static inline vf df_hard_swish(vf x, const vf *p)
{
    vf middle = vf_join(hard_swish_middle_slope(vd_low(x)), hard_swish_middle_slope(vd_high(x)));

    (void)p;
    return vf_pick(x <= -3.0f, vf_all(0.0f), vf_pick(x >= 3.0f, vf_all(1.0f), middle));
}

/* (x + 1)^2 / 4 */
static inline vd sparse_plus_middle(vd x)
{
    return (x + 1.0) * (x + 1.0) * 0.25;
}

static inline vf f_sparse_plus(vf x, const vf *p)
{
    vf middle = vf_join(sparse_plus_middle(vd_low(x)), sparse_plus_middle(vd_high(x)));

    (void)p;
    return vf_pick(x <= -1.0f, vf_all(0.0f), vf_pick(x >= 1.0f, x, middle));
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
