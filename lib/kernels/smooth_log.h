/* kernels/smooth_log.h - f_<id>(x, p) of the smooth rows that need more than one exponential.
 *
 * Within 2 ULP for every float and parameter, on every ISA; what a step rounds away is
 * carried along where it would cost more than that. Coefficients: tests/oracle/coefficients.py,
 * section "logarithms". */
#ifndef AXON_SMOOTH_LOG_H
#define AXON_SMOOTH_LOG_H

#include "kernels/gelu_table.h"
#include "kernels/log_table.h"
#include "kernels/vec.h"
#include "kernels/vmath.h"
#include "kernels/vmathf_log.h"

/* ---- softplus, log_sigmoid ---- */

/* ln(1 + e^-|x|) with one rounding where it is subnormal */
#if defined(__AVX512F__)

/* As e^-|x| is computed, but with a polynomial of its own for each k. */
static inline vf softplus_tail(vf x)
{
    vf a = vf_minus_magnitude(x, 110.0f);
    vf n = vf_fma(a, vf_all(VF_LOG_LOG2E), vf_all(VF_PIECE_MAGIC)), k = n - VF_PIECE_MAGIC;
    vi piece = (vi)vf_max(n, vf_all(VF_PIECE_MAGIC + SOFTPLUS_LOW));

    return _mm512_scalef_ps(vf_piece_polynomial(softplus_pieces, 6, piece, vf_exp_reduced(a, k)),
                            k);
}

#else

/* t - t^2 R(t), t = e^-|x| */
static inline vf softplus_tail(vf x)
{
    static const float c[] = {0.499999315f,  -0.333304703f,  0.24958156f,
                              -0.196931928f, 0.153490975f,   -0.10670013f,
                              0.0575615279f, -0.0201503336f, 0.0033065395f};
    vf a = vf_minus_magnitude(x, 110.0f);
    vf n = vf_fma(a, vf_all(VF_LOG_LOG2E), vf_all(VF_LOG_MAGIC)), k = n - VF_LOG_MAGIC;
    vf r = vf_exp_reduced(a, k);
    vf p = vf_fma(r, vf_fma(r, vf_exp_rest(r), vf_all(1.0f)), vf_all(1.0f));
    vf t = vf_scale_down(p, n), t2 = t * t, high;

    high = vf_fma(t2, vf_fma(t, vf_all(c[8]), vf_all(c[7])), vf_fma(t, vf_all(c[6]), vf_all(c[5])));
    high = vf_fma(t2, high, vf_fma(t, vf_all(c[4]), vf_all(c[3])));
    high = vf_fma(t2, high, vf_fma(t, vf_all(c[2]), vf_all(c[1])));
    return vf_fnma1(t2, vf_fma1(t, high, vf_all(c[0])), t);
}

#endif

/* Any beta: a beta x that is rounded costs up to a hundred ULP for beta x << 0. */
static inline vd softplus_in_double(vd x, vd beta, vd threshold)
{
    vd t = x * beta, tail = vd_log1p(vd_exp(-vd_min(vd_abs(t), 700.0)));

    return vd_pick(t > threshold, x, (vd_max(t, 0.0) + tail) / beta);
}

static __attribute__((noinline, cold)) vf softplus_of_beta(vf x, vf beta, vf threshold)
{
    return vf_join(softplus_in_double(vd_low(x), vd_low(beta), vd_low(threshold)),
                   softplus_in_double(vd_high(x), vd_high(beta), vd_high(threshold)));
}

/* p: beta, threshold */
static inline vf f_softplus(vf x, const vf *p)
{
    vi scaled = p[0] != 1.0f;
    vf y = vf_pick(x > p[1], x, vf_max(x, vf_all(0.0f)) + softplus_tail(x));

    if (__builtin_expect(vi_any(scaled), 0))
        y = vf_pick(scaled, softplus_of_beta(x, p[0], p[1]), y);
    return y;
}

static inline vf f_log_sigmoid(vf x, const vf *p)
{
    (void)p;
    return vf_min(x, vf_all(-0.0f)) - softplus_tail(x); /* -0, so that an underflow is -0 */
}

/* ---- mish: x n / (n + 2), n = e^x (e^x + 2) = e^(2 softplus x) - 1 ---- */

/* -0 at -infinity, the limit; x itself where tanh is 1 */
#if defined(__AVX512F__)

/* (x + x q) min(2^k, 1), rounded once but for q, which is between -0.5 and 0.4 */
static inline vf f_mish(vf x, const vf *p)
{
    vf b = vf_max(x, vf_all(-110.0f)), a = vf_min(b, vf_all(MISH_END));
    vf n = vf_min(vf_fma(a, vf_all(VF_LOG_LOG2E), vf_all(VF_PIECE_MAGIC)),
                  vf_all(VF_PIECE_MAGIC + MISH_HIGH));
    vf k = n - VF_PIECE_MAGIC, q;
    vi piece = (vi)vf_max(n, vf_all(VF_PIECE_MAGIC + MISH_LOW));

    (void)p;
    q = vf_piece_polynomial(mish_pieces, 6, piece, vf_exp_reduced(a, k));
    return vf_sign(_mm512_scalef_ps(vf_fma(a, q, b), vf_min(k, vf_all(0.0f))), x);
}

#else

/* In double: without tables the chain of roundings from e^x to the quotient is too long for 2 ULP
 * in float, and what would mend it costs as much. */
static inline vd mish(vd x)
{
    vd t = vd_exp_short(x), n = vd_fma(t, t, t + t);

    return x * n * vd_reciprocal(n + 2.0);
}

static inline vf f_mish(vf x, const vf *p)
{
    vf a = vf_min(vf_max(x, vf_all(-110.0f)), vf_all(20.0f));

    (void)p;
    return vf_pick(x > 20.0f, x, vf_join(mish(vd_low(a)), mish(vd_high(a))));
}

#endif

/* ---- gelu: max(x, 0) - a Phi(-a), a = |x| ---- */

/* a^2 = -2 (k ln 2 + h), with the bits that a float cannot hold, for an error here counts a^2 / 2
 * times. Returns e^h - 1, and k with its bias in n; a in [0, 14.5]. All is done with 2 h. */
static inline vf gelu_exponential(vf a, vf *n)
{
    vf square = a * a, k, h, low, r, e = vf_all(0.00138207339f / 64);

    *n = vf_fma(square, vf_all(-0.5f * VF_LOG_LOG2E), vf_all(VF_LOG_MAGIC));
    k = *n - VF_LOG_MAGIC;
    h = vf_fnma1(k, vf_all(2.0f * VF_LOG_LN2_HI), -square); /* exact */
    low = vf_fma(k, vf_all(2.0f * VF_LOG_LN2_LO), vf_fms1(a, a, square));
    r = h - low;
    e = vf_fma(r, e, vf_all(0.00836867746f / 32));
    e = vf_fma(r, e, vf_all(0.0416682661f / 16));
    e = vf_fma(r, e, vf_all(0.166665211f / 8));
    e = vf_fma(r, e, vf_all(0.49999994f / 4));
    e = vf_fma1(r, e, vf_all(0.5f));
    return vf_fms1(h, e, low * e);
}

/* Both: 2 a Phi(-a) e^(a^2 / 2) (1 + p) */
#if defined(__AVX512F__)

/* From 32 pieces of degree 5, which two registers a coefficient hold: two thirds of the time of the
 * rational below. A piece is chosen by the exponent and the first 3 bits of 1 + a. */
static inline vf gelu_tail(vf a, vf p)
{
    const vi piece = (vi)((vu)(a + 1.0f) >> 20);
    vf d = a - vf_piece(gelu_pieces[0], piece);
    vf y = vf_piece_polynomial(gelu_pieces + 1, GELU_DEGREE, piece, d);

    return vf_fma(y, p, y);
}

#else

/* A minimax rational, 2 Phi(-a) e^(a^2 / 2) = P / (l a P + M), M = P + a N, of this form because
 * the roundings of P almost cancel, and those of n = a P and of M count for less the larger a. The
 * losses of n and of the denominator are carried in low. */
static inline vf gelu_tail(vf a, vf p)
{
    static const float c[] = {1.57952642f, 1.37781608f, 0.57383281f, 0.126672834f, 0.0127531243f};
    static const float d[] = {-0.719335437f, -0.411686152f, -0.110936143f, -0.0127395652f};
    const vf l = vf_all(1.25329697f), square = a * a;
    vf u = vf_fma(square, vf_all(c[4]), vf_fma(a, vf_all(c[3]), vf_all(c[2])));
    vf v = vf_fma(square, vf_fma(a, vf_all(d[3]), vf_all(d[2])),
                  vf_fma(a, vf_all(d[1]), vf_all(d[0])));
    vf s = vf_fma(a, vf_fma(a, u, vf_all(c[1])), vf_all(c[0])), m = vf_fma1(a, v, s), n = a * s;
    vf q = vf_fma1(l, n, m), r = vf_reciprocal_rough(q), z = n * r, low;

    low = vf_fnma1(vf_fms1(a, s, n), vf_fnma1(l, z, vf_all(1.0f)), vf_fms1(q, z, n));
    low = vf_fma(m + vf_fms1(l, n, q), z, low) * r;
    return z + vf_fms1(z - low, p, low);
}

#endif

static inline vf f_gelu(vf x, const vf *p)
{
    vf a = vf_magnitude(x, 14.5f), n, e = gelu_exponential(a, &n);
    vf y = gelu_tail(a, e) * (vf)((vu)n << 23);

    (void)p;
    return vf_fma1(y, vf_all(-0x1p-65f), vf_max(x, vf_all(-0.0f)));
}

static inline vf f_clipped_gelu(vf x, const vf *p)
{
    return vf_min(vf_max(f_gelu(x, p), p[0]), p[1]);
}

/* ---- tanh_shrink: x - tanh x = x s T(s), s = x^2 ---- */

#if defined(__AVX512F__)

/* T = c + d q in pieces. The bits that s and s c lose are carried in the small terms. */
static inline vf f_tanh_shrink(vf x, const vf *p)
{
    vf b = vf_within(x, 31.0f * SHRINK_WIDTH), a = vf_abs(b), s = a * a;
    vf n = vf_fma(a, vf_all(1.0f / SHRINK_WIDTH), vf_all(VF_PIECE_MAGIC));
    vf d = vf_fnma1(n - VF_PIECE_MAGIC, vf_all(SHRINK_WIDTH), a); /* exact */
    vf c = vf_piece(shrink_pieces[0], (vi)n), z = s * c, low;
    vf q = vf_piece_polynomial(shrink_pieces + 1, 4, (vi)n, d);

    (void)p;
    low = vf_fma(vf_fms1(a, a, s), c, vf_fms1(s, c, z));
    low = vf_fma(s * d, q, low);
    return vf_sign(vf_fma1(b, z, vf_fma(b, low, x - b)), x);
}

#else

/* T = P / (l s P + M), M = 3 P + s N: a minimax rational for s in [0, 64], whose first term 1 / 3
 * is exact. The bits that x^2 and the products lose are carried in the small terms. */
static inline vf f_tanh_shrink(vf x, const vf *p)
{
    static const float c[] = {0.575397015f, 0.0392377041f, 0.000563827227f, 1.52805274e-06f};
    static const float d[] = {0.104364991f, 0.00382894976f, 2.41737725e-05f};
    const vf l = vf_all(1.01862085f);
    vf a = vf_within(x, 8.0f), s = a * a, s_low = vf_fms1(a, a, s);
    vf u = vf_fma(s, vf_fma(s, vf_all(c[3]), vf_all(c[2])), vf_all(c[1]));
    vf v = vf_fma(s, vf_fma(s, vf_all(d[2]), vf_all(d[1])), vf_all(d[0]));
    vf n = vf_fma1(s, u, vf_all(c[0])), m = vf_fma1(vf_all(3.0f), n, s * v), sn = s * n;
    vf q = vf_fma1(l, sn, m), r = vf_reciprocal_rough(q), t = n * r, low, z;

    (void)p;
    low = vf_fma(m + vf_fms1(l, sn, q), t, vf_fms1(q, t, n)) * r; /* T = t - low */
    z = s * t;
    low = vf_fma(s_low * t, m * r, vf_fnma1(s, low, vf_fms1(s, t, z)));
    return vf_sign(vf_fma1(a, z, vf_fma(a, low, x - a)), x);
}

#endif

/* ---- algebraic ---- */

static inline vf f_softsign(vf x, const vf *p)
{
    vf a = vf_min(vf_max(x, vf_all(-0x1p30f)), vf_all(0x1p30f));

    (void)p;
    return vf_quotient(a, 1.0f + vf_abs(a));
}

static inline vd squareplus(vd x, vd b)
{
    vd w = vd_abs(x) + vd_sqrt(x * x + b);

    return vd_pick(x < 0.0, b / (w + w), 0.5 * w);
}

/* Also where x^2 leaves the range of a float. Kept out of the loop. */
static __attribute__((noinline, cold)) vf squareplus_wide(vf x, vf b)
{
    return vf_join(squareplus(vd_low(x), vd_low(b)), squareplus(vd_high(x), vd_high(b)));
}

/* The positive root of y^2 - x y = b / 4: a guess within 2^-13, then one step of Newton's method,
 * y - (y (y - x) - b / 4) / (2 y - x), which takes root and reciprocal as rough as they come. */
static inline vf f_squareplus(vf x, const vf *p)
{
    vf s = vf_fma(x, x, p[0]), r, w, y;

    r = vf_rsqrt_rough(s);
    w = vf_fma(s, r, vf_abs(x));
    y = vf_pick(x < 0.0f, 0.5f * p[0] * vf_reciprocal_rough(w), 0.5f * w);
    y = vf_fnma1(vf_fms1(y, y - x, 0.25f * p[0]), r, y);
    /* NaN, too; s >= b is never tiny. Other values keep their result: none knows its neighbours. */
    if (__builtin_expect(vi_any(~(s <= 0x1p120f)), 0))
        return vf_pick(s <= 0x1p120f, y, squareplus_wide(x, p[0]));
    return y;
}

#endif
