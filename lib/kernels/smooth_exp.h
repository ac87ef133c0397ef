/* kernels/smooth_exp.h - f_<id>(x, p) of the smooth rows that are made of one exponential.
 *
 * Within 2 ULP over all floats, subnormal results included. Each clamps its argument once, so that
 * no infinity meets a zero; beyond the clamp the result does not change any more. */
#ifndef AXON_SMOOTH_EXP_H
#define AXON_SMOOTH_EXP_H

#include <float.h>
#include "kernels/logistic_table.h"
#include "kernels/tanh_table.h"
#include "kernels/vmath.h"
#include "kernels/vmathf.h"

static inline vf f_exponential(vf x, const vf *p)
{
    (void)p;
    return vf_exp(x);
}

/* ---- e^x - 1 ---- */

#define EXPM1_END -18.0f /* e^x - 1 is -1 from here down */

/* alpha (e^(x / width) - 1) for parameters that round: the errors of quotient, exponential and
 * product may add up to more than 2 ULP in floats. */
static inline vd elu_in_double(vd x, vd alpha, vd width)
{
    return vd_pick(x < 0.0, alpha * vd_expm1(vd_max(x / width, 2.0 * (double)EXPM1_END)), x);
}

static __attribute__((noinline, cold)) vf elu_of_odd_alpha(vf x, vf alpha, vf width)
{
    return vf_join(elu_in_double(vd_low(x), vd_low(alpha), vd_low(width)),
                   elu_in_double(vd_high(x), vd_high(alpha), vd_high(width)));
}

static inline vf f_elu(vf x, const vf *p)
{
    vi odd = vf_odd(p[0]);
    vf y = vf_pick(x < 0.0f, p[0] * vf_expm1(vf_max(x, vf_all(EXPM1_END))), x);

    if (__builtin_expect(vi_any(odd), 0))
        y = vf_pick(odd, elu_of_odd_alpha(x, p[0], vf_all(1.0f)), y);
    return y;
}

static inline vd selu_in_double(vd x, vd alpha, vd lambda)
{
    return vd_selu_lambda(lambda) * elu_in_double(x, vd_selu_alpha(alpha), vd_all(1.0));
}

static __attribute__((noinline, cold)) vf selu_of_other_constants(vf x, vf alpha, vf lambda)
{
    return vf_join(selu_in_double(vd_low(x), vd_low(alpha), vd_low(lambda)),
                   selu_in_double(vd_high(x), vd_high(alpha), vd_high(lambda)));
}

static inline vf f_selu(vf x, const vf *p)
{
    const float head = 0x1.0cfabcp0f; /* below lambda: a negative rest would make NaN of infinity */
    const float rest = (float)(SELU_LAMBDA - (double)head);
    vi other = (p[0] != (float)SELU_ALPHA) | (p[1] != (float)SELU_LAMBDA);
    vf e = vf_expm1(vf_max(x, vf_all(EXPM1_END)));
    vf y = vf_pick(x < 0.0f, e * (float)(SELU_ALPHA * SELU_LAMBDA),
                   vf_fma1(x, vf_all(head), x * rest));

    if (__builtin_expect(vi_any(other), 0))
        y = vf_pick(other, selu_of_other_constants(x, p[0], p[1]), y);
    return y;
}

/* alpha > 0. Next to 0, where x / alpha may be subnormal, e^t - 1 is t. */
static inline vf f_celu(vf x, const vf *p)
{
    vi odd = vf_odd(p[0]);
    vf inverse = 1.0f / p[0], t = vf_max(x, p[0] * EXPM1_END) * inverse;
    vf y = vf_pick(t < -0x1p-30f, p[0] * vf_expm1(t), x);

    if (__builtin_expect(vi_any(odd), 0))
        y = vf_pick(odd, elu_of_odd_alpha(x, p[0], p[0]), y);
    return y;
}

#if defined(__AVX512F__)

static inline vf f_tanh(vf x, const vf *p)
{
    (void)p;
    return vf_sign(vf_tanh_pieces(vf_min(vf_abs(x), vf_all(9.2f))), x);
}

#else

/* With a = -|x| and e = (e^2a - 1) / 2, |tanh x| = -e / (1 + e). */
static inline vf f_tanh(vf x, const vf *p)
{
    vf a = vf_max((vf)((vi)x | INT32_MIN), vf_all(-10.0f)), n;
    vf q = vf_expm1_reduced(a, 2.0f, &n), s = vf_power(n);
    vf s1 = vf_fma(s, vf_all(0.5f), vf_all(-0.5f));
    vf e = vf_fma(q, s, s1), rest = vf_fma(q, s, s1 - e);
    vf r = vf_reciprocal_estimate(1.0f + e), error = vf_fnma1(e, r, 1.0f - r);

    (void)p;
    return vf_sign(vf_fma1(r, vf_fma(e, error, rest), e * r), x);
}

#endif

/* ---- x sigmoid(w x) = x e^t / (1 + e^t), t = w x ---- */

/* 1 / (1 + e^-t) is 1 from here up. Above a power of two, as the ends below are: g > 0 there, which
 * keeps infinity from being subtracted from itself. */
#define LOGISTIC_END 18.1f

#if defined(__AVX512F__)

static inline vf f_sigmoid(vf x, const vf *p)
{
    const double log2e = 1.4426950408889634;
    const float head = (float)log2e, rest = (float)(log2e - (double)head);
    vf a = vf_min(vf_abs(x), vf_all(104.0f));
    struct logistic l = vf_logistic_pieces(a, vf_all(head), vf_all(rest));
    vf s = _mm512_scalef_ps(l.head + l.rest, l.k);

    (void)p;
    return vf_pick(x > 0.0f, 1.0f - s, s);
}

#else

static inline vf f_sigmoid(vf x, const vf *p)
{
    vf a = vf_max(vf_min(x, vf_all(LOGISTIC_END)), vf_all(-104.0f));
    vf n, q = vf_expm1_reduced(a, 1.0f, &n), r, g = vf_logistic(q, n, &r);

    (void)p;
    return vf_scale(vf_fma1(r, g, r), n);
}

#endif

/* a e^t / (1 + e^t), where e^t = (1 + p) 2^k */
static inline vf gate_of(vf a, vf p, vf n)
{
    vf r, g = vf_logistic(p, n, &r);

    return vf_scale(vf_fma1(a, r, a * (r * g)), n);
}

/* x e^t / (1 + e^t), t = x (w + tail) ln 2; |x| is cut at end, where that is out of sight. */
#if defined(__AVX512F__)

static inline vf gate(vf x, vf w, vf tail, vf end, vf top)
{
    (void)top;
    return vf_gate_pieces(x, vf_magnitude_below(x, end), w, tail);
}

#else

/* At `top` 1 / (1 + e^-t) is 1, and log2(e^t) above an integer. */
static inline vf gate(vf x, vf w, vf tail, vf end, vf top)
{
    vf a = vf_max(x, -end), n, q = vf_exp2m1_product(vf_min(a, top), w, tail, &n);

    return gate_of(a, q, n);
}

#endif

/* In double, whose range covers FLT_MAX e^-700. */
static inline vd silu_in_double(vd x, vd beta)
{
    vd finite = vd_max(vd_min(x, (double)FLT_MAX), -(double)FLT_MAX), t = finite * beta;
    vd e = vd_exp(-vd_min(vd_abs(t), 700.0)), r = vd_reciprocal(1.0 + e);

    return vd_pick(t < 0.0, finite * e * r, x * r);
}

static __attribute__((noinline, cold)) vf silu_of_tiny_beta(vf x, vf beta)
{
    return vf_join(silu_in_double(vd_low(x), vd_low(beta)),
                   silu_in_double(vd_high(x), vd_high(beta)));
}

/* beta < 0 mirrors: x sigmoid(-bx) = -(-x sigmoid(b(-x))). Factors of beta alone are computed
 * once; with the tiny ones, 2^k would have to be less than the product of two floats. */
static inline vf f_silu(vf x, const vf *p)
{
    const double log2e = 1.4426950408889634;
    const float head = (float)log2e, rest = (float)(log2e - (double)head);
    vf b = vf_abs(p[0]), w = b * head, y;
    vf tail = vf_fma(b, vf_all(rest), vf_fms1(b, vf_all(head), w));
    vi flip = (vi)p[0] & INT32_MIN, tiny = b < 0x1p-92f;
    vf end = vf_min(173.0f / b, vf_all(FLT_MAX)), top = LOGISTIC_END / b;

    y = (vf)((vi)gate((vf)((vi)x ^ flip), w, tail, end, top) ^ flip);
    if (__builtin_expect(vi_any(tiny), 0))
        y = vf_pick(tiny, silu_of_tiny_beta(x, p[0]), y);
    return y;
}

static inline vf f_quick_gelu(vf x, const vf *p)
{
    const double w = 2.4554669595930156; /* 1.702 log2(e) */
    const float head = (float)w, rest = (float)(w - (double)head);

    (void)p;
    return gate(x, vf_all(head), vf_all(rest), vf_all(64.0f), vf_all(10.7f));
}

/* (1 + tanh u) / 2 = sigmoid(2u), and 2u log2(e) = x (K0 + K1 x^2) */
#define GELU_TANH_K0 2.302208198144325  /* sqrt(8 / pi) log2(e) */
#define GELU_TANH_K1 0.1029432395800235 /* sqrt(8 / pi) log2(e) 0.044715 */

static inline vf f_gelu_tanh(vf x, const vf *p)
{
    const float k0 = 0x1.26bp1f; /* short, so that k0 - w is exact */
    const float k0_rest = (float)(GELU_TANH_K0 - (double)k0);
    const float k1 = (float)GELU_TANH_K1, k1_rest = (float)(GELU_TANH_K1 - (double)k1);
#if defined(__AVX512F__)
    vf c = vf_magnitude_below(x, vf_all(10.779f));
#else
    vf a = vf_max(x, vf_all(-10.779f)), c = vf_min(a, vf_all(5.177f)), q, n;
#endif
    vf c2 = c * c, c2_rest = vf_fms1(c, c, c2), w = vf_fma(c2, vf_all(k1), vf_all(k0));
    vf tail = vf_fma1(c2, vf_all(k1), k0 - w);

    (void)p;
    tail = vf_fma(c2_rest, vf_all(k1), tail) + vf_fma(c2, vf_all(k1_rest), vf_all(k0_rest));
#if defined(__AVX512F__)
    return vf_gate_pieces(x, c, w, tail);
#else
    q = vf_exp2m1_product(c, w, tail, &n);
    return gate_of(a, q, n);
#endif
}

#endif
