/* kernels/smooth_double.h - f_<id>(x, p) of the smooth rows that are computed in double: their
 * parameters would be rounded with x in floats, and they are too rare to be worth more. */
#ifndef AXON_SMOOTH_DOUBLE_H
#define AXON_SMOOTH_DOUBLE_H

#include "axon/activation.h"
#include "kernels/vmath.h"

/* f_<id> of <id>_in_double(x, p), half a vector at a time */
#define DEFINE_IN_DOUBLE(id)                                                              \
    static inline vf f_##id(vf x, const vf *p)                                            \
    {                                                                                     \
        vd low[AXON_PARAMETERS_MAX], high[AXON_PARAMETERS_MAX];                           \
                                                                                          \
        for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++) {                                \
            low[k] = vd_low(p[k]);                                                        \
            high[k] = vd_high(p[k]);                                                      \
        }                                                                                 \
        return vf_join(id##_in_double(vd_low(x), low), id##_in_double(vd_high(x), high)); \
    }

/* p: alpha, beta. |tanh t| = e / (e + 2), e = e^(2 |t|) - 1 */
static inline vd scaled_tanh_in_double(vd x, const vd *p)
{
    vd t = x * p[1], e = vd_expm1(2.0 * vd_min(vd_abs(t), 20.0));
    vd y = e * vd_reciprocal(e + 2.0);

    t = vd_pick(x == x, t, x);
    return p[0] * (vd)((vl)y | ((vl)t & INT64_MIN));
}

/* p: mu, sigma. The normal distribution of (x - mu) / sigma, by its tail. */
static inline vd laplace_in_double(vd x, const vd *p)
{
    vd z = (x - p[0]) / p[1], a = vd_min(vd_abs(z), 15.0);
    vd tail = vd_normal_tail(a) * vd_exp(a * a * -0.5);

    return vd_pick(z < 0.0, tail, 1.0 - tail);
}

/* p: alpha_p, alpha_n, beta, eps. An infinity is a large number, so that it meets no 0. */
static inline vd xielu_in_double(vd x, const vd *p)
{
    vd a = vd_max(x, -1e300), e = vd_expm1_full(vd_max(vd_pick(a > p[3], p[3], a), -40.0));

    return vd_pick(x > 0.0, (p[0] * x + p[2]) * x, p[1] * e + (p[2] - p[1]) * a);
}

DEFINE_IN_DOUBLE(scaled_tanh)
DEFINE_IN_DOUBLE(laplace)
DEFINE_IN_DOUBLE(xielu)

#endif
