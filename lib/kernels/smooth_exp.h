/* kernels/smooth_exp.h - f_<id>(x, p) of the smooth rows that are made of one exponential. */
#ifndef AXON_SMOOTH_EXP_H
#define AXON_SMOOTH_EXP_H

#include <float.h>
#include "kernels/vec.h"
#include "kernels/vmath.h"

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
#define TANH_END      20.0

static inline vd sigmoid(vd x)
{
    vd e = vd_exp(-vd_min(vd_abs(x), SIGMOID_END));
    vd r = vd_reciprocal(1.0 + e);

    return vd_pick(x < 0.0, e * r, r);
}
BY_DOUBLE(f_sigmoid, sigmoid)

static inline vd tanh_of(vd x)
{
    vd e = vd_expm1(2.0 * vd_min(vd_abs(x), TANH_END));

    return vd_sign(e * vd_reciprocal(e + 2.0), x);
}
BY_DOUBLE(f_tanh, tanh_of)

static inline vd silu(vd x, vd beta)
{
    vd finite = vd_max(vd_min(x, (double)FLT_MAX), -(double)FLT_MAX);
    vd t = finite * beta, e = vd_exp(-vd_min(vd_abs(t), SILU_END));
    vd r = vd_reciprocal(1.0 + e);

    return vd_pick(t < 0.0, finite * e * r, x * r);
}

static inline vf f_silu(vf x, const vf *p)
{
    return vf_join(silu(vd_low(x), vd_low(p[0])), silu(vd_high(x), vd_high(p[0])));
}

/* (1 + tanh u) / 2 = sigmoid(2u), so 2u = a (K0 + K1 a^2) is what is needed. */
#define GELU_TANH_K0 1.5957691216057308   /* sqrt(8 / pi) */
#define GELU_TANH_K1 0.071354816272600253 /* sqrt(8 / pi) * 0.044715 */

static inline vd gelu_tanh(vd x)
{
    vd a = vd_min(vd_abs(x), GELU_TANH_END);
    vd e = vd_exp(-a * vd_fma(a * a, vd_all(GELU_TANH_K1), vd_all(GELU_TANH_K0)));
    vd r = vd_reciprocal(1.0 + e);

    return vd_max(x, -GELU_TANH_END) * vd_pick(x < 0.0, e * r, r);
}
BY_DOUBLE(f_gelu_tanh, gelu_tanh)

#endif
