/* kernels/softmax.c - softmax, softmin and log_softmax: kernels, log_softmax, and all gradients.
 *
 * Forward softmax and softmin are in softmax_float.h. Here the top is subtracted in double, where
 * it is exact, so nothing overflows and no exponential is off by the rounding of its argument; a
 * line of -inf only and a line with +inf give NaN, because there inf - inf stands. Every function
 * of x here leaves x as it is until the last pass, since y may be x. */
#include "kernels/softmax_float.h"
#include "kernels/vmath.h"

/* Below, e^x is no normal double. */
#define DOUBLE_END -708.0

/* e^x within 2^-27.5, exactly 1 for 0 and exactly 0 for x < end; x <= 0, NaN gives NaN. Reduced as
 * in vmath.h, but k goes to the exponent at once: a NaN that comes from a float has no low bits
 * that could spoil it. */
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

/* ---- softmax and softmin ---- */

/* e^((x - top) / t) within 2^-37, and exactly 0 for a masked element and in the lanes after the
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

/* l->a: the sum of e^((x - top) / t), less 1 */
ALWAYS void sum_others(int along, struct line *l)
{
    clear(along, l, l->sum);
    clear(along, l, l->dot);
    walk(along, l, visit_others);
    l->a = total(along, l, l->sum) + (total(along, l, l->dot) - 1.0);
}

ALWAYS void write_logs(int along, struct line *l, vd log)
{
    l->a = log + (l->top - l->top); /* NaN for a line with +inf */
    walk(along, l, visit_log);
}

ALWAYS void log_softmax_line(int along, struct line *l)
{
    find_top(along, l);
    sum_others(along, l);
    write_logs(along, l, vd_log1p(l->a));
}

/* Up to VD_LANES lines, one after the other in memory, whose logarithms are taken together: no line
 * waits for another's reduction. */
ALWAYS void log_softmax_group(struct line *l, const float *x, float *y, size_t rows)
{
    double tops[VD_LANES], sums[VD_LANES] = {0}, logs[VD_LANES];
    vd log;

    for (size_t r = 0; r < rows; r++) {
        l->x = x + r * l->n;
        find_top(1, l);
        tops[r] = l->top[0];
    }
    for (size_t r = 0; r < rows; r++) {
        l->x = x + r * l->n;
        l->top = vd_all(tops[r]);
        sum_others(1, l);
        sums[r] = l->a[0];
    }
    memcpy(&log, sums, sizeof log);
    log = vd_log1p(log);
    memcpy(logs, &log, sizeof log);
    for (size_t r = 0; r < rows; r++) {
        l->x = x + r * l->n;
        l->y = y + r * l->n;
        l->top = vd_all(tops[r]);
        write_logs(1, l, vd_all(logs[r]));
    }
}

ALWAYS void log_softmax_rows(const float *x, float *y, size_t n, size_t rows, double inverse_t)
{
    struct line l = {.n = n, .step = 1, .lanes = 1, .fill = -INFINITY};
    size_t group = GROUP_FLOATS / n, some;

    l.inverse_t = vd_all(inverse_t);
    group = group == 0 ? 1 : group < VD_LANES ? group : (size_t)VD_LANES;
    for (; rows > 0; rows -= some, x += some * n, y += some * n) {
        some = rows < group ? rows : group;
        log_softmax_group(&l, x, y, some);
    }
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

#define DEFINE_GRADIENT(id, name, sign)                                               \
    void AXON_KERNEL(gradient, id)(const float *x, const float *upstream, float *dx,  \
                                   struct axon_axis axis, const float *params,        \
                                   size_t params_count)                               \
    {                                                                                 \
        (void)params_count;                                                           \
        lines(name##_gradient_line, x, upstream, dx, axis, sign / (double)params[0]); \
    }

DEFINE_GRADIENT(softmax, softmax, 1.0)
DEFINE_GRADIENT(softmin, softmax, -1.0)
DEFINE_GRADIENT(log_softmax, log_softmax, 1.0)

static struct coolness coolness_of(double inverse_t)
{
    struct coolness c = {.high = vf_all((float)inverse_t),
                         .fill = inverse_t < 0 ? INFINITY : -INFINITY};

    c.low = vf_all((float)(inverse_t - (double)(float)inverse_t));
    return c;
}

void AXON_KERNEL(forward, softmax)(const float *x, float *y, struct axon_axis axis,
                                   const float *params, size_t params_count)
{
    struct coolness c = coolness_of(1.0 / (double)params[0]);

    (void)params_count;
    if (params[0] == 1.0f)
        softmax_axis(x, y, axis, &c, 1);
    else
        softmax_axis(x, y, axis, &c, 0);
}

void AXON_KERNEL(forward, softmin)(const float *x, float *y, struct axon_axis axis,
                                   const float *params, size_t params_count)
{
    struct coolness c = coolness_of(-1.0 / (double)params[0]);

    (void)params_count;
    softmax_axis(x, y, axis, &c, 0);
}

void AXON_KERNEL(forward, log_softmax)(const float *x, float *y, struct axon_axis axis,
                                       const float *params, size_t params_count)
{
    (void)params_count;
    if (axis.inner == 1)
        log_softmax_rows(x, y, axis.length, axis.outer, 1.0 / (double)params[0]);
    else
        lines(log_softmax_line, x, NULL, y, axis, 1.0 / (double)params[0]);
}
