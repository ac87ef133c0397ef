/* kernels/vmathf.h - the functions that the activations are made of, over a vector of floats.
 *
 * The forward kernels work in float to be as fast as memory; they stay within 2 ULP by not losing
 * what a float cannot hold: arguments that are products or sums keep the bits of their rounding,
 * and a power of two is multiplied in last, so that a subnormal result is rounded once. Constants
 * and error bounds come from tests/oracle/coefficients.py. NaN in, NaN out everywhere. */
#ifndef AXON_VMATHF_H
#define AXON_VMATHF_H

#include "kernels/vec.h"

/* ---- powers of two: an integer k is held as k + VF_MAGIC, whose last bits are k + 254 ---- */

#define VF_MAGIC (0x1.8p23f + 254.0f)

/* 2^k, |k| <= 126 */
static inline vf vf_power(vf n)
{
#if defined(__AVX512F__)
    return _mm512_scalef_ps(vf_all(1.0f), n - VF_MAGIC);
#else
    return (vf)(((vu)n << 23) - (127u << 23));
#endif
}

/* a 2^k rounded once, 1/4 <= |a| < 4, |k| <= 250 */
static inline vf vf_scale(vf a, vf n)
{
#if defined(__AVX512F__)
    return _mm512_scalef_ps(a, n - VF_MAGIC);
#else
    vu half = (vu)n >> 1, rest = (vu)n - half; /* two normal numbers, 127 + k / 2 each */

    return a * (vf)(half << 23) * (vf)(rest << 23);
#endif
}

/* Not 0 or a power of two: by those a product or quotient isn't rounded. */
static inline vi vf_odd(vf a)
{
    return ((vi)a & 0x7fffff) != 0;
}

/* ---- e^x = (1 + p) 2^k (Cody & Waite 1980) ---- */

#define VF_LOG2E  0x1.715476p+0f
#define VF_LN2_HI 0x1.63p-1f /* 9 bits: exact when multiplied by a k */
#define VF_LN2_LO -0x1.bd0106p-13f

/* c[0] + c[1] x + ... + c[4] x^4, partly by Estrin's scheme */
static inline vf vf_quartic(vf x, const float c[5])
{
    vf x2 = x * x, high = vf_fma(x, vf_all(c[3]), vf_all(c[2]));

    high = vf_fma(x2, vf_all(c[4]), high);
    return vf_fma(x2, high, vf_fma(x, vf_all(c[1]), vf_all(c[0])));
}

/* (e^(c r) - 1) / c within 2^-25 of itself, |c r| <= 0.3467, c a power of two */
static inline vf vf_expm1_near_0(vf r, float c)
{
    const float q[] = {
        0.5f * c,
        0x1.5554b6p-3f * c * c,
        0x1.5555acp-5f * c * c * c,
        0x1.122406p-7f * c * c * c * c,
        0x1.6c6418p-10f * c * c * c * c * c,
    };

    return vf_fma1(r * r, vf_quartic(r, q), r);
}

/* 2^f - 1 within 2^-26, |f| <= 1 / 2 */
static inline vf vf_exp2m1_near_0(vf f)
{
    static const float q[] = {
        0x1.ebfbdcp-3f, 0x1.c6af7ap-5f, 0x1.3b2dd4p-7f, 0x1.5f0950p-10f, 0x1.4177e4p-13f,
    };

    return vf_fma1(f, vf_all(0x1.62e430p-1f), f * f * vf_quartic(f, q));
}

/* e^(c x) = (1 + c q) 2^k: returns q, and n = k + VF_MAGIC; |c x| <= 173, c a power of two */
static inline vf vf_expm1_reduced(vf x, float c, vf *n)
{
    vf k, r;

    *n = vf_fma(x, vf_all(VF_LOG2E * c), vf_all(VF_MAGIC));
    k = *n - VF_MAGIC;
    r = vf_fma(k, vf_all(-VF_LN2_HI / c), x);
    return vf_expm1_near_0(vf_fma(k, vf_all(-VF_LN2_LO / c), r), c);
}

/* 2^(a (b + tail)) = (1 + p) 2^k: returns p; tail is below an ULP of b. The product isn't rounded
 * before k has been taken off. */
static inline vf vf_exp2m1_product(vf a, vf b, vf tail, vf *n)
{
    vf k;

    *n = vf_fma(a, b, vf_all(VF_MAGIC));
    k = *n - VF_MAGIC;
    return vf_exp2m1_near_0(vf_fma(a, tail, vf_fms1(a, b, k)));
}

/* e^x within 1 ULP, also where it is subnormal, 0 or infinite */
static inline vf vf_exp(vf x)
{
    vf n, p = vf_expm1_reduced(vf_max(vf_min(x, vf_all(89.0f)), vf_all(-104.0f)), 1.0f, &n);

    return vf_scale(1.0f + p, n);
}

/* e^x - 1 within 1 ULP, also near 0; x in [-80, 0.3] */
static inline vf vf_expm1(vf x)
{
    vf n, p = vf_expm1_reduced(x, 1.0f, &n), scale = vf_power(n);

    return vf_fma(p, scale, scale - 1.0f);
}

/* 1 / a within 2^-14, a normal */
static inline vf vf_reciprocal_estimate(vf a)
{
#if defined(__AVX512F__)
    return _mm512_rcp14_ps(a);
#else
    return 1.0f / a;
#endif
}

/* e^t / (1 + e^t) = r 2^k (1 + g) for e^t = (1 + p) 2^k, -250 <= k <= 127: returns g. How far r is
 * from 1 / (1 + e^t) comes of subtractions that are exact for t < 0, where it matters. */
static inline vf vf_logistic(vf p, vf n, vf *r)
{
    vf m = 1.0f + p, rs, error;

    *r = vf_reciprocal_estimate(vf_fma(vf_scale(vf_all(1.0f), n), m, vf_all(1.0f)));
    rs = vf_scale(*r, n);
    error = vf_fnma1(rs, p, 1.0f - *r - rs);
    return vf_fma(error, m, p);
}

#endif
