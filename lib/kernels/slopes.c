/* kernels/slopes.c - the derivatives of the smooth rows: df_<id>(x, p).
 *
 * In double, half a vector at a time, and rounded to float once: most derivatives cancel somewhere,
 * and training-time code may be dearer than what every request runs. */
#include <float.h>
#include "kernels/map.h"
#include "kernels/vmath.h"

/* The derivative f over floats, from g over doubles. */
#define BY_DOUBLE(f, g)                              \
    static inline vf f(vf x, const vf *p)            \
    {                                                \
        (void)p;                                     \
        return vf_join(g(vd_low(x)), g(vd_high(x))); \
    }

/* Floats are 0 or 1 beyond these, also the subnormal ones. The clamp keeps exp in range, and keeps
 * an infinity from meeting a zero. */
#define SIGMOID_END   110.0
#define GELU_END      15.0
#define GELU_TANH_END 11.0
#define SILU_END      700.0 /* |x| up to FLT_MAX is multiplied by e^-700 */

/* e^-a / (1 + e^-a)^2 */
static inline vd sigmoid_slope(vd x)
{
    vd e = vd_exp(-vd_min(vd_abs(x), SIGMOID_END));
    vd r = vd_reciprocal(1.0 + e);

    return e * r * r;
}
BY_DOUBLE(df_sigmoid, sigmoid_slope)

/* 1 - tanh(x)^2 = 4 sigmoid'(2x), which does not cancel */
static inline vd tanh_slope(vd x)
{
    return 4.0 * sigmoid_slope(2.0 * x);
}
BY_DOUBLE(df_tanh, tanh_slope)

/* For f(x) = x G(x) with G(x) + G(-x) = 1, which silu, gelu and gelu_tanh are, f'(x) + f'(-x) = 1:
 * the negative side is computed without cancellation and mirrored. */
static inline vd mirror(vd x, vd negative_side)
{
    return vd_pick(x < 0.0, negative_side, 1.0 - negative_side);
}

static inline vd silu_slope(vd x, vd beta)
{
    static const double c[8] = {
        -0.2178117057198192,  0.1466487969969607,     -0.01887481418468615,  -0.015222655251475342,
        0.006606576629930747, 0.00012663646390737802, -0.000797241624888718, 0.00018477964512859525,
    };
    vd t = vd_max(vd_min(x, (double)FLT_MAX), -(double)FLT_MAX) * beta;
    vd a = vd_min(vd_abs(t), SILU_END), e = vd_exp(-a);
    vd r = vd_reciprocal(1.0 + e);

    return mirror(t, vd_near_root(a, 1.2784645427610737, c, e * r * r * (1.0 + e - a)));
}

static inline vf df_silu(vf x, const vf *p)
{
    return vf_join(silu_slope(vd_low(x), vd_low(p[0])), silu_slope(vd_high(x), vd_high(p[0])));
}

static inline vd gelu_slope(vd x)
{
    static const double c[8] = {
        -0.4314939923143925, 0.3882849829904654,   0.018199677106470524, -0.114008233119843,
        0.01477129558328621, 0.019421623067989245, -0.00451601029080356, -0.002233722474823687,
    };
    const double density = 0.3989422804014327; /* 1 / sqrt(2 pi) */
    vd a = vd_min(vd_abs(x), GELU_END);
    vd plain = vd_exp(a * a * -0.5) * (vd_normal_tail(a) - a * density);

    return mirror(x, vd_near_root(a, 0.7517915246935645, c, plain));
}
BY_DOUBLE(df_gelu, gelu_slope)

/* (1 + tanh u) / 2 = sigmoid(2u), so 2u = a (K0 + K1 a^2) is what is needed. */
#define GELU_TANH_K0 1.5957691216057308   /* sqrt(8 / pi) */
#define GELU_TANH_K1 0.071354816272600253 /* sqrt(8 / pi) * 0.044715 */

static inline vd gelu_tanh_slope(vd x)
{
    static const double c[8] = {
        -0.4304000910252886,  0.38751844613566655,  0.01578285440269047,   -0.11394448283027978,
        0.016619046373881893, 0.019682229214504535, -0.005232159915790395, -0.002414507503049724,
    };
    vd a = vd_min(vd_abs(x), GELU_TANH_END), cube = a * a * a * GELU_TANH_K1;
    vd u = vd_fma(a, vd_all(GELU_TANH_K0), cube); /* and a du/da = u + 2 cube */
    vd e = vd_exp(-u), r = vd_reciprocal(1.0 + e);
    vd plain = e * r * r * (1.0 + e - u - 2.0 * cube);

    return mirror(x, vd_near_root(a, 0.7524614220710163, c, plain));
}
BY_DOUBLE(df_gelu_tanh, gelu_tanh_slope)

/* ---- kernels ---- */

#define DEFINE_PIECEWISE(id)
#define DEFINE_CHANNELWISE(id)
#define DEFINE_SMOOTH(id) DEFINE_GRADIENT(id, elementwise)
#define DEFINE_ROWWISE(id)
#define DEFINE_GATED(id)
#define ACT(id, KIND, ...) DEFINE_##KIND(id)
#include "activation.def"
#undef ACT
