/* kernels/vmathf_log.h - what logarithms and the normal distribution are made of, over a vector of
 * floats.
 *
 * Near a power of two a float has twice the relative precision that 2 ULP need just above it, so a
 * chain of roundings is too much there. Hence quotients are kept as z - low, low being what the
 * rounding of z lost. Constants come from tests/oracle/coefficients.py (section "logarithms"). */
#ifndef AXON_VMATHF_LOG_H
#define AXON_VMATHF_LOG_H

#include "kernels/vec.h"

/* ---- reciprocals and roots within 2^-14, to be refined by who uses them ---- */

static inline vf vf_reciprocal_rough(vf a)
{
#if defined(__AVX512F__)
    return _mm512_rcp14_ps(a);
#elif defined(__AVX2__)
    vf r = _mm256_rcp_ps(a);

    return vf_fma(r, vf_fnma1(a, r, vf_all(1.0f)), r);
#else
    return 1.0f / a;
#endif
}

static inline vf vf_rsqrt_rough(vf a)
{
#if defined(__AVX512F__)
    return _mm512_rsqrt14_ps(a);
#elif defined(__AVX2__)
    vf r = _mm256_rsqrt_ps(a);

    return vf_fma(r * 0.5f, vf_fnma1(a * r, r, vf_all(1.0f)), r);
#elif defined(__SSE2__)
    return 1.0f / _mm_sqrt_ps(a);
#else
    return 1.0f / vsqrtq_f32(a);
#endif
}

/* min(|a|, end); a NaN may become end, for callers that use `a` itself once more */
static inline vf vf_magnitude(vf a, float end)
{
#if defined(__AVX512F__)
    return _mm512_range_ps(a, vf_all(end), 2 | 8); /* the smaller magnitude, sign bit cleared */
#else
    return vf_min(vf_abs(a), vf_all(end));
#endif
}

/* -min(|a|, end); NaN as above */
static inline vf vf_minus_magnitude(vf a, float end)
{
#if defined(__AVX512F__)
    return _mm512_range_ps(a, vf_all(end), 2 | 12); /* the smaller magnitude, sign bit set */
#else
    return vf_max(-vf_abs(a), vf_all(-end));
#endif
}

/* The one of a and +-end that is smaller in magnitude, with the sign of a; NaN as above */
static inline vf vf_within(vf a, float end)
{
#if defined(__AVX512F__)
    return _mm512_range_ps(a, vf_all(end), 2);
#else
    return vf_min(vf_max(a, vf_all(-end)), vf_all(end));
#endif
}

/* a / b within 1 ULP, also the sign of 0; |b| in [2^-100, 2^100] and a no infinity. AVX-512 divides
 * 16 floats in 16 cycles, this takes 3. */
static inline vf vf_quotient(vf a, vf b)
{
#if defined(__AVX512F__)
    vf r = vf_reciprocal_rough(b), z = a * r;

    return vf_fnma1(vf_fms1(b, z, a), r, z);
#else
    return a / b;
#endif
}

/* ---- e^x = (1 + p) 2^k (Cody & Waite 1980) for x <= 0 ---- */

#define VF_LOG_LOG2E  0x1.715476p+0f
#define VF_LOG_LN2_HI 0x1.62ep-1f /* 13 bits: exact when multiplied by a k */
#define VF_LOG_LN2_LO 0x1.0bfbe8p-15f

/* 2^64 is multiplied out last, so that a subnormal result is rounded once. It is part of the number
 * whose addition rounds to an integer and leaves it, biased, in the low bits. */
#define VF_LOG_MAGIC (0x1.8p23f + 127.0f + 64.0f)

/* (e^r - 1 - r) / r^2, within 2^-25; |r| <= 0.3467 */
static inline vf vf_exp_rest(vf r)
{
    vf r2 = r * r, high = vf_fma(r, vf_all(0.00138207339f), vf_all(0.00836867746f));

    return vf_fma(r2, vf_fma(r, high, vf_all(0.0416682661f)),
                  vf_fma(r, vf_all(0.166665211f), vf_all(0.49999994f)));
}

/* a 2^k rounded once, 1/2 <= a <= 2; n is k with its bias */
static inline vf vf_scale_down(vf a, vf n)
{
#if defined(__AVX512F__)
    return _mm512_scalef_ps(a, n - VF_LOG_MAGIC);
#else
    return a * (vf)((vu)n << 23) * 0x1p-64f;
#endif
}

/* ln(1 + e^-|x|) with one rounding where it is subnormal: t - t^2 R(t), t = e^-|x| */
static inline vf vf_softplus_tail(vf x)
{
    static const float c[] = {0.499999315f,  -0.333304703f,  0.24958156f,
                              -0.196931928f, 0.153490975f,   -0.10670013f,
                              0.0575615279f, -0.0201503336f, 0.0033065395f};
    vf a = vf_minus_magnitude(x, 110.0f);
    vf n = vf_fma(a, vf_all(VF_LOG_LOG2E), vf_all(VF_LOG_MAGIC)), k = n - VF_LOG_MAGIC;
    vf r = vf_fnma1(k, vf_all(VF_LOG_LN2_LO), vf_fnma1(k, vf_all(VF_LOG_LN2_HI), a));
    vf p = vf_fma(r, vf_fma(r, vf_exp_rest(r), vf_all(1.0f)), vf_all(1.0f));
    vf t = vf_scale_down(p, n), t2 = t * t, high;

    high = vf_fma(t2, vf_fma(t, vf_all(c[8]), vf_all(c[7])), vf_fma(t, vf_all(c[6]), vf_all(c[5])));
    high = vf_fma(t2, high, vf_fma(t, vf_all(c[4]), vf_all(c[3])));
    high = vf_fma(t2, high, vf_fma(t, vf_all(c[2]), vf_all(c[1])));
    return vf_fnma1(t2, vf_fma1(t, high, vf_all(c[0])), t);
}

/* ---- e^x in double, as precise as a float result needs ---- */

/* Within 2^-28; |x| <= 700 */
static inline vd vd_exp_short(vd x)
{
    static const double c[] = {1.0000000321867242, 0.49999994204962434,  0.16666431160431935,
                               0.04166800265798,   0.008374164014774714, 0.001384364161456734};
    const double magic = 0x1.8p52 + 1023.0;
    vd n = vd_fma(x, vd_all(0x1.71547652b82fep0), vd_all(magic));
    vd r = vd_fnma(n - magic, vd_all(0x1.62e42fefa39efp-1), x), r2 = r * r, p;

    p = vd_fma(r2, vd_fma(r, vd_all(c[5]), vd_all(c[4])), vd_fma(r, vd_all(c[3]), vd_all(c[2])));
    p = vd_fma(r2, p, vd_fma(r, vd_all(c[1]), vd_all(c[0])));
    return vd_fma(r, p, vd_all(1.0)) * (vd)((vul)n << 52);
}

#endif
