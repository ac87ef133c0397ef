/* kernels/vmath.h - the functions that the activations are made of, over a vector of doubles.
 *
 * Work in double makes a float result correctly rounded but for some hundredths of an ULP, keeps
 * subnormal results, and needs no FMA; the approximations are therefore cut to about 2^-33, not to
 * double precision. Constants and error bounds come from tests/oracle/coefficients.py; NaN in,
 * NaN out everywhere. */
#ifndef AXON_VMATH_H
#define AXON_VMATH_H

#include "kernels/vec.h"

/* c[0] + c[1] x + ... + c[n - 1] x^(n - 1), n <= 8, by Estrin's scheme: half the latency of
 * Horner's. n is a constant where it is used. */
static inline vd vd_polynomial(vd x, const double *c, int n)
{
    vd x2 = x * x, low, high = vd_all(c[4]);

    low = vd_fma(x2, vd_fma(x, vd_all(c[3]), vd_all(c[2])), vd_fma(x, vd_all(c[1]), vd_all(c[0])));
    if (n > 5)
        high = vd_fma(x, vd_all(c[5]), high);
    if (n > 6)
        high = vd_fma(x2, n > 7 ? vd_fma(x, vd_all(c[7]), vd_all(c[6])) : vd_all(c[6]), high);
    return vd_fma(x2 * x2, high, low);
}

/* 1 / a within 2^-42, |a| in the range of a normal float. */
static inline vd vd_reciprocal(vd a)
{
#if defined(__AVX512F__)
    vd r = _mm512_rcp14_pd(a), error = vd_fnma(a, r, vd_all(1.0));

    return vd_fma(r, vd_fma(error, error, error), r);
#else
    vd r = __builtin_convertvector(1.0f / __builtin_convertvector(a, vh), vd);

    return vd_fma(r, vd_fnma(a, r, vd_all(1.0)), r);
#endif
}

/* x = k ln 2 + r with |r| <= ln 2 / 2 (Cody & Waite 1980). Returns (e^r - 1) / r * r, that is
 * e^r - 1 within 2^-37 of itself, and 2^k. |x| <= 708. */
static inline vd vd_expm1_reduced(vd x, vd *scale)
{
    static const double c[] = {
        0.9999999999955055,   0.4999999999995507,   0.1666666678638044,     0.041666666786337556,
        0.008333283518768105, 0.001388883909064138, 0.00019907582591325134, 2.4867883453521802e-05,
    };
    const double to_integer = 0x1.8p52; /* adding it rounds to an integer, kept in the low bits */
    vd k = vd_fma(x, vd_all(0x1.71547652b82fep0), vd_all(to_integer));
    vd r = vd_fnma(k - to_integer, vd_all(0x1.62e42fefa39efp-1), x);

    /* A scale of its own, not an addition to the exponent of e^r: that could turn a NaN into a
     * number. */
    *scale = (vd)(((vul)k << 52) + ((uint64_t)1023 << 52));
    return r * vd_polynomial(r, c, 8);
}

/* e^x within 2^-37; |x| <= 708 */
static inline vd vd_exp(vd x)
{
    vd scale, p = vd_expm1_reduced(x, &scale);

    return vd_fma(p, scale, scale);
}

/* e^x - 1 within 2^-36, also near 0; x in [0, 80] */
static inline vd vd_expm1(vd x)
{
    vd scale, p = vd_expm1_reduced(x, &scale);

    return vd_fma(p, scale, scale - 1.0);
}

/* e^x - 1 within 2^-51 of itself; x in [-708, 0]. For sums in which it cancels. */
static inline vd vd_expm1_full(vd x)
{
    static const double c[] = {
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
        1.0 / 5040,       1.0 / 720,       1.0 / 120,      1.0 / 24,      1.0 / 6,      1.0 / 2,
    };
    const double to_integer = 0x1.8p52;
    vd k = vd_fma(x, vd_all(0x1.71547652b82fep0), vd_all(to_integer)), n = k - to_integer;
    /* ln 2 in two parts, the first with zeros at its end, so that n times it is exact */
    vd r = vd_fnma(n, vd_all(0x1.a39ef35793c76p-33), x - n * 0x1.62e42fee00000p-1);
    vd p = vd_all(c[0]), scale = (vd)(((vul)k << 52) + ((uint64_t)1023 << 52));

#pragma GCC unroll 11
    for (int i = 1; i < 12; i++)
        p = vd_fma(p, r, vd_all(c[i]));
    return vd_fma(vd_fma(r * r, p, r), scale, scale - 1.0);
}

/* The float that is nearest to a constant of selu stands for that constant. */
#define SELU_ALPHA  1.6732632423543772
#define SELU_LAMBDA 1.0507009873554805

static inline vd vd_selu_alpha(vd alpha)
{
    return vd_pick(alpha == (double)(float)SELU_ALPHA, vd_all(SELU_ALPHA), alpha);
}

static inline vd vd_selu_lambda(vd lambda)
{
    return vd_pick(lambda == (double)(float)SELU_LAMBDA, vd_all(SELU_LAMBDA), lambda);
}

/* ln(1 + a) within 2^-43 of itself, also near 0; a >= 0, NaN gives NaN. 1 + a = 2^k m with m around
 * 1, and ln m = 2 atanh(f / (2 + f)), f = m - 1. */
static inline vd vd_log1p(vd a)
{
    static const double c[] = {
        0.666666666673751,   0.399999987973327,   0.2857175453691263,
        0.22191400766937835, 0.19362654945463584,
    };
    const uint64_t root_half = 0x3fe6a09e667f3bcd;
    vd u = a + 1.0;
    vul k = ((vul)u - root_half) >> 52;
    /* k + 2^52 as the bits of a double, less 2^52 */
    vd kd = (vd)(k | (uint64_t)0x4330000000000000) - 0x1p52;
    vd f = vd_pick((vl)k == 0, a, (vd)((vul)u - (k << 52)) - 1.0);
    vd s = f / (f + 2.0), z = s * s;
    vd log_m = vd_fma(s * z, vd_polynomial(z, c, 5), s + s);

    return vd_fma(kd, vd_all(0x1.62e42fefa39efp-1), log_m) + (a - a);
}

/* Phi(-a) e^(a^2 / 2), Phi the normal distribution function, within 2^-33 for a in [0, 15] and
 * still 2^-23 up to 37. A minimax rational: all coefficients are positive, so nothing cancels. */
static inline vd vd_normal_tail(vd a)
{
    static const double p[] = {
        0.499999999955882,   0.5083840575374715,   0.2513272104174738,
        0.07162913738406974, 0.011715686082602999, 0.0008970965698835814,
    };
    static const double q[] = {
        1.0,
        1.8146526674320942,
        1.450537897367798,
        0.6592544738014402,
        0.18180166292695776,
        0.029366693303780854,
        0.0022486902182244665,
    };

    return vd_polynomial(a, p, 6) * vd_reciprocal(vd_polynomial(a, q, 7));
}

/* The derivative of x G(x) on the negative side near its only zero, where the plain formula
 * cancels: (a - root) * polynomial(a - root) for |a - root| <= 1/8, a = |x|, within 2^-39; `plain`
 * elsewhere. */
static inline vd vd_near_root(vd a, double root, const double c[8], vd plain)
{
    vd t = a - root;

    return vd_pick(vd_abs(t) <= 0.125, t * vd_polynomial(t, c, 8), plain);
}

#endif
