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

/* ---- one of 32 values for each lane, from two registers ---- */

#if defined(__AVX512F__)

/* row[piece]; the upper bits of `piece` don't matter */
static inline vf vf_piece(const float row[32], vi piece)
{
    return _mm512_permutex2var_ps(vf_load(row), (__m512i)piece, vf_load(row + VF_LANES));
}

/* c[0] + c[1] d + ... + c[degree] d^degree, a c[i] for each piece; degree <= 8 is a constant */
static inline vf vf_piece_polynomial(const float c[][32], int degree, vi piece, vf d)
{
    vf y = vf_piece(c[degree], piece);

#pragma GCC unroll 8
    for (int i = degree - 1; i >= 0; i--)
        y = vf_fma(d, y, vf_piece(c[i], piece));
    return y;
}

/* k + VF_PIECE_MAGIC ends in the bits of k, so it is a piece. */
#define VF_PIECE_MAGIC 0x1.8p23f

#endif

/* ---- e^x = (1 + p) 2^k (Cody & Waite 1980) for x <= 0 ---- */

#define VF_LOG_LOG2E  0x1.715476p+0f
#define VF_LOG_LN2_HI 0x1.62ep-1f /* 13 bits: exact when multiplied by a k */
#define VF_LOG_LN2_LO 0x1.0bfbe8p-15f

/* 2^64 is multiplied out last, so that a subnormal result is rounded once. It is part of the number
 * whose addition rounds to an integer and leaves it, biased, in the low bits. */
#define VF_LOG_MAGIC (0x1.8p23f + 127.0f + 64.0f)

/* x - k ln 2 */
static inline vf vf_exp_reduced(vf x, vf k)
{
    return vf_fnma1(k, vf_all(VF_LOG_LN2_LO), vf_fnma1(k, vf_all(VF_LOG_LN2_HI), x));
}

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
    return a * (vf)((vu)n << 23) * 0x1p-64f;
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
