/* kernels/slopes.c - the derivatives of the smooth rows: <id>_slope(x, p), and df_<id> of them.
 *
 * In double, half a vector at a time, and rounded to float once: most derivatives cancel somewhere,
 * and training-time code may be dearer than what every request runs. */
#include <float.h>
#include "kernels/map.h"
#include "kernels/vmath.h"

/* Floats are 0 or 1 beyond these, also the subnormal ones. The clamp keeps exp in range, and keeps
 * an infinity from meeting a zero. */
#define EXP_LOW       -200.0
#define EXP_HIGH      120.0
#define SIGMOID_END   110.0
#define TANH_END      20.0
#define GELU_END      15.0
#define GELU_TANH_END 11.0
#define MISH_HIGH     60.0
#define SILU_END      700.0 /* |x| up to FLT_MAX is multiplied by e^-700 */

static inline vd clamped(vd x, double low, double high)
{
    return vd_max(vd_min(x, high), low);
}

static inline vd in_range(vd x)
{
    return clamped(x, -(double)FLT_MAX, (double)FLT_MAX);
}

/* ---- exponentials ---- */

static inline vd exponential_slope(vd x, const vd *p)
{
    (void)p;
    return vd_exp(clamped(x, EXP_LOW, EXP_HIGH));
}

/* scale for x > 0, scale alpha e^(x / width) below */
static inline vd elu_shape(vd x, vd alpha, vd width, vd scale)
{
    vd e = vd_exp(clamped(x / width, EXP_LOW, 0.0));

    return scale * vd_pick(x > 0.0, vd_all(1.0), alpha * e);
}

static inline vd elu_slope(vd x, const vd *p)
{
    return elu_shape(x, p[0], vd_all(1.0), vd_all(1.0));
}

static inline vd selu_slope(vd x, const vd *p)
{
    return elu_shape(x, vd_selu_alpha(p[0]), vd_all(1.0), vd_selu_lambda(p[1]));
}

static inline vd celu_slope(vd x, const vd *p)
{
    return elu_shape(x, vd_all(1.0), p[0], vd_all(1.0));
}

/* ---- sigmoids ---- */

static inline vd logistic(vd x)
{
    vd e = vd_exp(-vd_min(vd_abs(x), SIGMOID_END));
    vd r = vd_reciprocal(1.0 + e);

    return vd_pick(x < 0.0, e * r, r);
}

/* e^-a / (1 + e^-a)^2 */
static inline vd sigmoid_slope(vd x, const vd *p)
{
    vd e = vd_exp(-vd_min(vd_abs(x), SIGMOID_END));
    vd r = vd_reciprocal(1.0 + e);

    (void)p;
    return e * r * r;
}

static inline vd log_sigmoid_slope(vd x, const vd *p)
{
    (void)p;
    return logistic(-x);
}

static inline vd softplus_slope(vd x, const vd *p)
{
    vd t = x * p[0];

    return vd_pick(t > p[1], vd_all(1.0), logistic(t));
}

/* 1 - tanh(x)^2 = 4 sigmoid'(2x), which does not cancel */
static inline vd tanh_slope(vd x, const vd *p)
{
    return 4.0 * sigmoid_slope(2.0 * x, p);
}

/* p: alpha, beta */
static inline vd scaled_tanh_slope(vd x, const vd *p)
{
    vd e = vd_exp(-vd_min(2.0 * vd_abs(x * p[1]), SILU_END));
    vd r = vd_reciprocal(1.0 + e);

    return 4.0 * p[0] * p[1] * (e * r * r);
}

/* The normal density; p: mu, sigma */
static inline vd laplace_slope(vd x, const vd *p)
{
    const double density = 0.3989422804014327; /* 1 / sqrt(2 pi) */
    vd a = vd_min(vd_abs((x - p[0]) / p[1]), 37.0);

    return vd_exp(a * a * -0.5) * density / p[1];
}

/* tanh(x)^2 */
static inline vd tanh_shrink_slope(vd x, const vd *p)
{
    vd e = vd_expm1(2.0 * vd_min(vd_abs(x), TANH_END));
    vd t = e * vd_reciprocal(e + 2.0);

    (void)p;
    return t * t;
}

/* ---- x G(x) with G(x) + G(-x) = 1, so that f'(x) + f'(-x) = 1 ---- */

/* The negative side is computed without cancellation and mirrored. */
static inline vd mirror(vd x, vd negative_side)
{
    return vd_pick(x < 0.0, negative_side, 1.0 - negative_side);
}

/* The slope of t sigmoid(t), as a function of t. */
static inline vd swish_slope(vd t)
{
    static const double c[8] = {
        -0.2178117057198192,  0.1466487969969607,     -0.01887481418468615,  -0.015222655251475342,
        0.006606576629930747, 0.00012663646390737802, -0.000797241624888718, 0.00018477964512859525,
    };
    vd a = vd_min(vd_abs(t), SILU_END), e = vd_exp(-a);
    vd r = vd_reciprocal(1.0 + e);

    return mirror(t, vd_near_root(a, 1.2784645427610737, c, e * r * r * (1.0 + e - a)));
}

static inline vd silu_slope(vd x, const vd *p)
{
    return swish_slope(in_range(x) * p[0]);
}

static inline vd quick_gelu_slope(vd x, const vd *p)
{
    (void)p;
    return swish_slope(in_range(x) * 1.702);
}

static inline vd gelu_slope(vd x, const vd *p)
{
    static const double c[8] = {
        -0.4314939923143925, 0.3882849829904654,   0.018199677106470524, -0.114008233119843,
        0.01477129558328621, 0.019421623067989245, -0.00451601029080356, -0.002233722474823687,
    };
    const double density = 0.3989422804014327; /* 1 / sqrt(2 pi) */
    vd a = vd_min(vd_abs(x), GELU_END);
    vd plain = vd_exp(a * a * -0.5) * (vd_normal_tail(a) - a * density);

    (void)p;
    return mirror(x, vd_near_root(a, 0.7517915246935645, c, plain));
}

/* p: min, max. Which bound is reached is asked of x Phi(x) in double. */
static inline vd clipped_gelu_slope(vd x, const vd *p)
{
    vd a = vd_min(vd_abs(x), GELU_END), tail = vd_normal_tail(a) * vd_exp(a * a * -0.5);
    vd y = vd_pick(x < 0.0, x * tail, x * (1.0 - tail));

    return vd_pick((y < p[0]) | (y > p[1]), vd_all(0.0), gelu_slope(x, p));
}

/* (1 + tanh u) / 2 = sigmoid(2u), so 2u = a (K0 + K1 a^2) is what is needed. */
#define GELU_TANH_K0 1.5957691216057308   /* sqrt(8 / pi) */
#define GELU_TANH_K1 0.071354816272600253 /* sqrt(8 / pi) * 0.044715 */

static inline vd gelu_tanh_slope(vd x, const vd *p)
{
    static const double c[8] = {
        -0.4304000910252886,  0.38751844613566655,  0.01578285440269047,   -0.11394448283027978,
        0.016619046373881893, 0.019682229214504535, -0.005232159915790395, -0.002414507503049724,
    };
    vd a = vd_min(vd_abs(x), GELU_TANH_END), cube = a * a * a * GELU_TANH_K1;
    vd u = vd_fma(a, vd_all(GELU_TANH_K0), cube); /* and a du/da = u + 2 cube */
    vd e = vd_exp(-u), r = vd_reciprocal(1.0 + e);
    vd plain = e * r * r * (1.0 + e - u - 2.0 * cube);

    (void)p;
    return mirror(x, vd_near_root(a, 0.7524614220710163, c, plain));
}

/* b / (2 r (r + a)) with r = sqrt(a^2 + b), which is (1 - a / r) / 2 without cancellation. */
static inline vd squareplus_slope(vd x, const vd *p)
{
    vd a = vd_min(vd_abs(x), (double)FLT_MAX), root = vd_sqrt(vd_fma(a, a, p[0]));
    vd below = p[0] / (2.0 * root * (root + a));

    return mirror(x, below);
}

/* ---- others ---- */

/* With e = e^x and n = e (e + 2), tanh(softplus x) = n / (n + 2). */
static inline vd mish_slope(vd x, const vd *p)
{
    static const double c[8] = {
        -0.266947914049417,   0.20473126408012565,  -0.04190782128432929, -0.02027182275720753,
        0.015821203636845988, -0.00336067197342084, -0.00110030961268716, 0.0009884952269456138,
    };
    vd t = clamped(x, EXP_LOW, MISH_HIGH), e = vd_exp(t), n = e * (e + 2.0), q = n + 2.0;

    (void)p;
    return vd_near_root(-t, 1.1924312145154952, c,
                        e * ((e + 2.0) * q + 4.0 * t * (e + 1.0)) / (q * q));
}

/* p: alpha_p, alpha_n, beta, eps */
static inline vd xielu_slope(vd x, const vd *p)
{
    vd e = vd_pick(x > p[3], vd_all(-1.0), vd_expm1_full(clamped(x, -40.0, 0.0)));

    return vd_pick(x > 0.0, 2.0 * p[0] * x + p[2], p[1] * e + p[2]);
}

static inline vd softsign_slope(vd x, const vd *p)
{
    vd r = 1.0 / (1.0 + vd_min(vd_abs(x), (double)FLT_MAX));

    (void)p;
    return r * r;
}

/* ---- kernels ---- */

#define DEFINE_SMOOTH(id)                                                         \
    static inline vf df_##id(vf x, const vf *p)                                   \
    {                                                                             \
        vd low[AXON_PARAMETERS_MAX], high[AXON_PARAMETERS_MAX];                   \
                                                                                  \
        for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++) {                        \
            low[k] = vd_low(p[k]);                                                \
            high[k] = vd_high(p[k]);                                              \
        }                                                                         \
        return vf_join(id##_slope(vd_low(x), low), id##_slope(vd_high(x), high)); \
    }                                                                             \
    DEFINE_GRADIENT(id, elementwise)
#define DEFINE_PIECEWISE(id)
#define DEFINE_CHANNELWISE(id)
#define DEFINE_ROWWISE(id)
#define DEFINE_GATED(id)
#define ACT(id, KIND, ...) DEFINE_##KIND(id)
#include "activation.def"
#undef ACT
