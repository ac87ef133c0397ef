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
    return (vf)(((vu)n << 23) - (127u << 23));
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

/* ---- e^x = (1 + p) 2^k (Cody & Waite 1980) ---- */

#define VF_LOG2E  0x1.715476p+0f
#define VF_LN2_HI 0x1.63p-1f /* 9 bits: exact when multiplied by a k */
#define VF_LN2_LO -0x1.bd0106p-13f

/* e^r - 1 within 2^-25 of itself, |r| <= 0.3467 */
static inline vf vf_expm1_near_0(vf r)
{
    vf r2 = r * r, q = vf_fma(r, vf_all(0x1.122406p-7f), vf_all(0x1.5555acp-5f));

    q = vf_fma(r2, vf_all(0x1.6c6418p-10f), q);
    q = vf_fma(r2, q, vf_fma(r, vf_all(0x1.5554b6p-3f), vf_all(0.5f)));
    return vf_fma(r2, q, r);
}

/* p, and n = k + VF_MAGIC; |x| <= 160 */
static inline vf vf_expm1_reduced(vf x, vf *n)
{
    vf k, r;

    *n = vf_fma(x, vf_all(VF_LOG2E), vf_all(VF_MAGIC));
    k = *n - VF_MAGIC;
    r = vf_fma(k, vf_all(-VF_LN2_HI), x);
    return vf_expm1_near_0(vf_fma(k, vf_all(-VF_LN2_LO), r));
}

/* e^x within 1 ULP, also where it is subnormal, 0 or infinite */
static inline vf vf_exp(vf x)
{
    vf n, p = vf_expm1_reduced(vf_max(vf_min(x, vf_all(89.0f)), vf_all(-104.0f)), &n);

    return vf_scale(1.0f + p, n);
}

#endif
