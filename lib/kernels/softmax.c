/* kernels/softmax.c - softmax, softmin and log_softmax.
 *
 * The top is subtracted in double, where it is exact, so nothing overflows and no exponential is
 * off by the rounding of its argument; a line of -inf only and a line with +inf give NaN, because
 * there inf - inf stands. Every function of x here leaves x as it is until the last pass, since y
 * may be x. */
#include "kernels/rowwise.h"
#include "kernels/vmath.h"

/* Below, e^x rounds to the float 0, and is no part of a sum that is 1 at least. */
#define FLOAT_END -104.0
/* Below, e^x is no normal double. */
#define DOUBLE_END -708.0

/* e^x within 2^-27.5, exactly 1 for 0 and exactly 0 for x < end; x <= 0, NaN gives NaN. Reduced as
 * in vmath.h, but k goes to the exponent at once: a NaN that comes from a float has no low bits
 * that could spoil it. Six coefficients make a softmax that is 1.8 ULP off at most; one more
 * would buy 0.2 ULP for a twentieth of the time. */
ALWAYS vd exp_above(vd x, double end)
{
    static const double c[] = {
        1.0000000107715765,  0.5000000013457735,   0.16666505260343484,
        0.04166646500595931, 0.008369148498032827, 0.0013933641040950572,
    };
    const double to_integer = 0x1.8p52;
    vd k = vd_fma(x, vd_all(0x1.71547652b82fep0), vd_all(to_integer));
    vd r = vd_fnma(k - to_integer, vd_all(0x1.62e42fefa39efp-1), x), p = vd_all(c[5]);

#pragma GCC unroll 5
    for (int i = 4; i >= 0; i--)
        p = vd_fma(p, r, vd_all(c[i]));
    p = vd_fma(p, r, vd_all(1.0));
#if defined(__AVX512F__)
    return (vd)_mm512_maskz_add_epi64(_mm512_cmp_pd_mask(x, vd_all(end), _CMP_NLT_UQ), (__m512i)p,
                                      (__m512i)((vul)k << 52));
#else
    return (vd)(((vul)p + ((vul)k << 52)) & (vul) ~(x < end));
#endif
}

/* ln(1 + a) within 2^-43 of itself, also near 0; a >= 0, NaN gives NaN. 1 + a = 2^k m with m around
 * 1, and ln m = 2 atanh(f / (2 + f)), f = m - 1. */
ALWAYS vd vd_log1p(vd a)
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

/* A factor for floats. With FMA high + low has 48 bits of it; without, it stays a double. */
struct factor {
#if defined(__FMA__)
    vh high, low;
#else
    vd whole;
#endif
};

ALWAYS struct factor factor_of(vd a)
{
#if defined(__FMA__)
    vh high = vh_of(a);

    return (struct factor){high, vh_of(a - vd_of(high))};
#else
    return (struct factor){a};
#endif
}

ALWAYS vh scaled(vh v, struct factor f)
{
#if defined(__AVX512F__)
    return _mm256_fmadd_ps(v, f.high, v * f.low);
#elif defined(__FMA__)
    return _mm_fmadd_ps(v, f.high, v * f.low);
#else
    return vh_of(vd_of(v) * f.whole);
#endif
}

/* ---- softmax and softmin ---- */

/* A line that fits the partial sums: nothing has to pass through memory. The same arithmetic as
 * softmax_line(), so that the same line gives the same result across. */
ALWAYS void softmax_short(struct line *l)
{
    enum { PARTS = SLOTS / VD_LANES };
    vd x[PARTS], top = vd_all(-(double)INFINITY);
    vh e[PARTS];
    struct factor f;

#pragma GCC unroll 8
    for (size_t s = 0; s < PARTS; s++) {
        size_t at = s * VD_LANES;

        x[s] = vd_all((double)l->fill);
        if (at < l->n)
            x[s] = vd_load(l->x + at, l->n - at, l->fill);
        top = vd_larger(vd_flip(x[s], l->fill), top);
    }
    top = vd_flip(vd_top_everywhere(top), l->fill);
#pragma GCC unroll 8
    for (size_t s = 0; s < PARTS; s++) {
        l->sum[s] = vd_all(0.0);
        if (s == 0 || s * VD_LANES < l->n)
            l->sum[s] = exp_above((x[s] - top) * l->inverse_t, FLOAT_END);
        e[s] = vh_of(l->sum[s]);
    }
    f = factor_of(inverse(1, total(1, l, l->sum)));
#pragma GCC unroll 8
    for (size_t s = 0; s < PARTS; s++)
        if (s * VD_LANES < l->n)
            vh_store(l->y + s * VD_LANES, scaled(e[s], f), l->n - s * VD_LANES);
}

ALWAYS void visit_exp(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vd x = vd_load(l->x + at, lanes, l->fill);
    vd e = exp_above((x - l->top) * l->inverse_t, FLOAT_END);

    (void)i;
    l->sum[slot] += e;
    vh_store(l->y + at, vh_of(e), lanes);
}

ALWAYS void visit_scale(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    (void)slot;
    (void)i;
    vh_store(l->y + at, scaled(vh_load(l->y + at, lanes, 0.0f), factor_of(l->a)), lanes);
}

ALWAYS void softmax_line(int along, struct line *l)
{
    if (along && l->n <= SLOTS) {
        softmax_short(l);
        return;
    }
    find_top(along, l);
    clear(along, l, l->sum);
    walk(along, l, visit_exp);
    l->a = inverse(along, total(along, l, l->sum));
    walk(along, l, visit_scale);
}

/* e^((x - top) / t) within 2^-37, and exactly 0 for a masked element and in the lanes behind the
 * end of a line: rounding something tiny to float there would cost 100 cycles of microcode. */
ALWAYS vd full_exp(const struct line *l, size_t at, size_t lanes)
{
    vd z = (vd_load(l->x + at, lanes, l->fill) - l->top) * l->inverse_t;

    return vd_pick(z < DOUBLE_END, vd_all(0.0), vd_exp(vd_max(z, DOUBLE_END)));
}

/* dx_i = p_i (u_i - sum_j p_j u_j) / t. The exponentials are computed twice rather than stored,
 * because dx may be x or u and there is nowhere to put them. */
ALWAYS void visit_moments(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vd e = full_exp(l, at, lanes);

    (void)i;
    l->sum[slot] += e;
    l->dot[slot] += e * vd_load(l->u + at, lanes, 0.0f);
}

ALWAYS void visit_softmax_gradient(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vd dx = full_exp(l, at, lanes) * l->a * (vd_load(l->u + at, lanes, 0.0f) - l->b);

    (void)slot;
    (void)i;
    vh_store(l->y + at, vh_of(vd_pick(vd_abs(dx) <= 0x1p-150, vd_all(0.0), dx)), lanes);
}

ALWAYS void softmax_gradient_line(int along, struct line *l)
{
    find_top(along, l);
    clear(along, l, l->sum);
    clear(along, l, l->dot);
    walk(along, l, visit_moments);
    l->a = inverse(along, total(along, l, l->sum));
    l->b = total(along, l, l->dot) * l->a;
    l->a *= l->inverse_t;
    walk(along, l, visit_softmax_gradient);
}

/* ---- log_softmax ---- */

/* The elements below the top and the number of those at the top, apart: 1 + something tiny would
 * lose what the logarithm is made of when one element dominates. */
ALWAYS void visit_others(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vd z = (vd_load(l->x + at, lanes, l->fill) - l->top) * l->inverse_t;
    vl is_top = z == 0.0;

    (void)i;
    l->sum[slot] += vd_pick(is_top, vd_all(0.0), exp_above(z, DOUBLE_END));
    l->dot[slot] += vd_pick(is_top, vd_all(1.0), vd_all(0.0));
}

ALWAYS void visit_log(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vd x = vd_load(l->x + at, lanes, l->fill);

    (void)slot;
    (void)i;
    vh_store(l->y + at, vh_of(vd_fma(x - l->top, l->inverse_t, -l->a)), lanes);
}

ALWAYS void log_softmax_line(int along, struct line *l)
{
    find_top(along, l);
    clear(along, l, l->sum);
    clear(along, l, l->dot);
    walk(along, l, visit_others);
    l->a = vd_log1p(total(along, l, l->sum) + (total(along, l, l->dot) - 1.0));
    l->a += l->top - l->top; /* NaN for a line with +inf */
    walk(along, l, visit_log);
}

/* dx_i = (u_i - p_i sum_j u_j) / t */
ALWAYS void visit_sums(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    (void)i;
    l->sum[slot] += full_exp(l, at, lanes);
    l->dot[slot] += vd_load(l->u + at, lanes, 0.0f);
}

ALWAYS void visit_log_gradient(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vd u = vd_load(l->u + at, lanes, 0.0f), p = full_exp(l, at, lanes) * l->a;

    (void)slot;
    (void)i;
    vh_store(l->y + at, vh_of((u - p * l->b) * l->inverse_t), lanes);
}

ALWAYS void log_softmax_gradient_line(int along, struct line *l)
{
    find_top(along, l);
    clear(along, l, l->sum);
    clear(along, l, l->dot);
    walk(along, l, visit_sums);
    l->a = inverse(along, total(along, l, l->sum));
    l->b = total(along, l, l->dot);
    walk(along, l, visit_log_gradient);
}

/* ---- kernels ---- */

#define DEFINE(id, name, sign)                                                        \
    void AXON_KERNEL(forward, id)(const float *x, float *y, struct axon_axis axis,    \
                                  const float *params, size_t params_count)           \
    {                                                                                 \
        (void)params_count;                                                           \
        lines(name##_line, x, NULL, y, axis, sign / (double)params[0]);               \
    }                                                                                 \
    void AXON_KERNEL(gradient, id)(const float *x, const float *upstream, float *dx,  \
                                   struct axon_axis axis, const float *params,        \
                                   size_t params_count)                               \
    {                                                                                 \
        (void)params_count;                                                           \
        lines(name##_gradient_line, x, upstream, dx, axis, sign / (double)params[0]); \
    }

DEFINE(softmax, softmax, 1.0)
DEFINE(softmin, softmax, -1.0)
DEFINE(log_softmax, log_softmax, 1.0)
