/* kernels/vec.h - VF_LANES floats at a time, in plain GNU C.
 *
 * GCC/Clang vector extensions: + - * / and comparisons work on these types directly and become
 * SSE2, AVX2, AVX-512 or NEON according to the -m flags of this compilation. Only what the
 * operators lack is named here; an intrinsic stands only where the plain form compiles badly. A
 * comparison yields a mask of all-ones lanes, and false for NaN. */
#ifndef AXON_VEC_H
#define AXON_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__)
#define VF_LANES 16
#elif defined(__AVX2__)
#define VF_LANES 8
#else
#define VF_LANES 4 /* SSE2 and NEON: the baseline of both ABIs */
#endif

typedef float vf __attribute__((vector_size(VF_LANES * 4)));
typedef int32_t vi __attribute__((vector_size(VF_LANES * 4)));
typedef uint32_t vu __attribute__((vector_size(VF_LANES * 4)));
/* Half as many doubles fill a register of the same width; vh is vd's values as floats. */
typedef float vh __attribute__((vector_size(VF_LANES * 2)));
typedef double vd __attribute__((vector_size(VF_LANES * 4)));
typedef int64_t vl __attribute__((vector_size(VF_LANES * 4)));
typedef uint64_t vul __attribute__((vector_size(VF_LANES * 4)));

static inline vf vf_all(float a)
{
    return a - (vf){0};
}

static inline vd vd_all(double a)
{
    return a - (vd){0};
}

static inline vf vf_load(const float *p)
{
    vf v;

    // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): losses: targets are NULL with labels
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vf_store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

/* Past the cache, where the ISA can; p is aligned to the vector. vf_stream_end() after the last. */
static inline void vf_stream(float *p, vf v)
{
#if defined(__AVX512F__)
    _mm512_stream_ps(p, v);
#elif defined(__AVX2__)
    _mm256_stream_ps(p, v);
#elif defined(__SSE2__)
    _mm_stream_ps(p, v);
#else
    vf_store(p, v);
#endif
}

static inline void vf_stream_end(void)
{
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

/* The first n lanes (n < VF_LANES); the others are `fill`. */
static inline vf vf_load_part(const float *p, size_t n, float fill)
{
#if defined(__AVX512F__)
    return _mm512_mask_loadu_ps(vf_all(fill), (__mmask16)((1u << n) - 1), p);
#else
    vf v = vf_all(fill);

    for (size_t i = 0; i < n; i++)
        v[i] = p[i];
    return v;
#endif
}

static inline void vf_store_part(float *p, vf v, size_t n)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), v);
#else
    for (size_t i = 0; i < n; i++)
        p[i] = v[i];
#endif
}

/* m ? a : b, lane by lane; m is the result of a comparison. */
static inline vf vf_pick(vi m, vf a, vf b)
{
    return (vf)((m & (vi)a) | (~m & (vi)b));
}

static inline vd vd_pick(vl m, vd a, vd b)
{
    return (vd)((m & (vl)a) | (~m & (vl)b));
}

static inline vd vd_abs(vd a)
{
    return (vd)((vl)a & INT64_MAX);
}

/* The larger and the smaller; a NaN in `a` comes through, which is why `a` is the second operand of
 * the instruction. */
static inline vd vd_max(vd a, double b)
{
#if defined(__AVX512F__)
    return _mm512_max_pd(vd_all(b), a);
#elif defined(__AVX2__)
    return _mm256_max_pd(vd_all(b), a);
#elif defined(__SSE2__)
    return _mm_max_pd(vd_all(b), a);
#else
    return vd_pick(a < b, vd_all(b), a);
#endif
}

static inline vd vd_min(vd a, double b)
{
#if defined(__AVX512F__)
    return _mm512_min_pd(vd_all(b), a);
#elif defined(__AVX2__)
    return _mm256_min_pd(vd_all(b), a);
#elif defined(__SSE2__)
    return _mm_min_pd(vd_all(b), a);
#else
    return vd_pick(a > b, vd_all(b), a);
#endif
}

static inline vd vd_sqrt(vd a)
{
#if defined(__AVX512F__)
    return _mm512_sqrt_pd(a);
#elif defined(__AVX2__)
    return _mm256_sqrt_pd(a);
#elif defined(__SSE2__)
    return _mm_sqrt_pd(a);
#else
    return vsqrtq_f64(a);
#endif
}

/* a * b + c: one rounding where the ISA has it, two on plain SSE2. */
static inline vd vd_fma(vd a, vd b, vd c)
{
#if defined(__AVX512F__)
    return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
    return _mm256_fmadd_pd(a, b, c);
#elif defined(__aarch64__)
    return vfmaq_f64(c, a, b);
#else
    return a * b + c;
#endif
}

/* c - a * b */
static inline vd vd_fnma(vd a, vd b, vd c)
{
#if defined(__AVX512F__)
    return _mm512_fnmadd_pd(a, b, c);
#elif defined(__FMA__)
    return _mm256_fnmadd_pd(a, b, c);
#elif defined(__aarch64__)
    return vfmsq_f64(c, a, b);
#else
    return c - a * b;
#endif
}

static inline vf vf_fma(vf a, vf b, vf c)
{
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
    return vfmaq_f32(c, a, b);
#else
    return a * b + c;
#endif
}

static inline vf vf_abs(vf a)
{
    return (vf)((vi)a & INT32_MAX);
}

/* a with the sign of b */
static inline vf vf_sign(vf a, vf b)
{
#if defined(__AVX512F__)
    const __m512i sign = _mm512_set1_epi32(INT32_MIN);

    return (vf)_mm512_ternarylogic_epi32(sign, (__m512i)b, (__m512i)a, 0xCA); /* sign ? b : a */
#else
    return (vf)(((vi)a & INT32_MAX) | ((vi)b & INT32_MIN));
#endif
}

/* As vd_max() and vd_min(): a NaN in `a` comes through. */
static inline vf vf_max(vf a, vf b)
{
#if defined(__AVX512F__)
    return _mm512_max_ps(b, a);
#elif defined(__AVX2__)
    return _mm256_max_ps(b, a);
#elif defined(__SSE2__)
    return _mm_max_ps(b, a);
#else
    return vf_pick(a < b, b, a);
#endif
}

static inline vf vf_min(vf a, vf b)
{
#if defined(__AVX512F__)
    return _mm512_min_ps(b, a);
#elif defined(__AVX2__)
    return _mm256_min_ps(b, a);
#elif defined(__SSE2__)
    return _mm_min_ps(b, a);
#else
    return vf_pick(a > b, b, a);
#endif
}

#if VF_LANES == 16
#define VF_LOW  0, 1, 2, 3, 4, 5, 6, 7
#define VF_HIGH 8, 9, 10, 11, 12, 13, 14, 15
#elif VF_LANES == 8
#define VF_LOW  0, 1, 2, 3
#define VF_HIGH 4, 5, 6, 7
#else
#define VF_LOW  0, 1
#define VF_HIGH 2, 3
#endif

/* The two halves of a as doubles, exactly. */
static inline vd vd_low(vf a)
{
#if defined(__AVX512F__)
    return _mm512_cvtps_pd(_mm512_castps512_ps256(a));
#elif defined(__AVX2__)
    return _mm256_cvtps_pd(_mm256_castps256_ps128(a));
#else
    return __builtin_convertvector(__builtin_shufflevector(a, a, VF_LOW), vd);
#endif
}

static inline vd vd_high(vf a)
{
#if defined(__AVX512F__)
    return _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1));
#elif defined(__AVX2__)
    return _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1));
#else
    return __builtin_convertvector(__builtin_shufflevector(a, a, VF_HIGH), vd);
#endif
}

/* Rounded to float once; subnormals are kept. */
static inline vf vf_join(vd low, vd high)
{
    vh l = __builtin_convertvector(low, vh), h = __builtin_convertvector(high, vh);

    return __builtin_shufflevector(l, h, VF_LOW, VF_HIGH);
}

/* As vf_fma(), but with one rounding on every ISA: plain SSE2 goes through double, where the
 * product is exact. For the bits that an earlier rounding has lost. */
static inline vf vf_fma1(vf a, vf b, vf c)
{
#if defined(__FMA__) || defined(__aarch64__)
    return vf_fma(a, b, c);
#else
    return vf_join(vd_low(a) * vd_low(b) + vd_low(c), vd_high(a) * vd_high(b) + vd_high(c));
#endif
}

/* a * b - c, and c - a * b: one rounding */
static inline vf vf_fms1(vf a, vf b, vf c)
{
#if defined(__AVX512F__)
    return _mm512_fmsub_ps(a, b, c);
#elif defined(__FMA__)
    return _mm256_fmsub_ps(a, b, c);
#else
    return vf_fma1(a, b, -c);
#endif
}

static inline vf vf_fnma1(vf a, vf b, vf c)
{
#if defined(__AVX512F__)
    return _mm512_fnmadd_ps(a, b, c);
#elif defined(__FMA__)
    return _mm256_fnmadd_ps(a, b, c);
#elif defined(__aarch64__)
    return vfmsq_f32(c, a, b);
#else
    return vf_fma1(-a, b, c);
#endif
}

/* n, and 1 more where a < b: without turning AVX-512's mask into a vector first */
static inline vi vi_count_less(vi n, vf a, vf b)
{
#if defined(__AVX512F__)
    return (vi)_mm512_mask_sub_epi32((__m512i)n, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), (__m512i)n,
                                     _mm512_set1_epi32(-1));
#else
    return n - (a < b); /* a true lane is -1 */
#endif
}

/* Is a lane of m true? m is the result of a comparison. */
static inline int vi_any(vi m)
{
#if defined(__AVX512F__)
    return _mm512_movepi32_mask((__m512i)m) != 0;
#elif defined(__AVX2__)
    return _mm256_movemask_ps((vf)m) != 0;
#elif defined(__SSE2__)
    return _mm_movemask_ps((vf)m) != 0;
#else
    return vmaxvq_u32((vu)m) != 0;
#endif
}

static inline double vd_sum(vd a)
{
#if defined(__AVX512F__)
    return _mm512_reduce_add_pd(a);
#else
    double s = a[0];

    for (size_t i = 1; i < VF_LANES / 2; i++)
        s += a[i];
    return s;
#endif
}

#endif
