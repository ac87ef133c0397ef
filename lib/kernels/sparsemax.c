/* kernels/sparsemax.c - the rowwise rows with exact zeros: sparsemax and hardmax.
 *
 * sparsemax is the projection on the simplex: y = max(x - tau, 0), with the tau for which y sums to
 * 1. Martins & Astudillo 2016 sort for it; here Newton's method finds it without a buffer. */
#include "kernels/rowwise.h"

/* ---- sparsemax ---- */

/* With z = x - top and tau in l->a: the sum of what is above tau, and how many that are. */
ALWAYS void visit_excess(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vd t = vd_load(l->x + at, lanes, l->fill) - l->top - l->a;

    (void)i;
    l->sum[slot] += vd_max(t, 0.0); /* a NaN comes through */
    l->dot[slot] += vd_pick(t > 0.0, vd_all(1.0), vd_all(0.0));
}

/* l->a: tau. g(tau) = sum max(z - tau, 0) - 1 is convex and made of straight lines, so Newton's
 * steps from tau = -1 <= the root never pass it, and end at it as soon as no element leaves the
 * support (Michelot 1986). In each step g or the number of elements falls to a half or less, so
 * their product falls to a quarter: a handful of passes, and some fifty for the worst line of
 * millions. The step after the last rounds the sum of positive terms near 1 and nothing else, which
 * leaves tau exact to 2^-52. Lines side by side stop one by one, to not depend on each other. */
ALWAYS void find_tau(int along, struct line *l)
{
    vd before = vd_all((double)INFINITY), count, step;
    vl busy = before > 0.0;

    l->a = vd_all(-1.0);
    while (vl_any(busy)) {
        clear(along, l, l->sum);
        clear(along, l, l->dot);
        walk(along, l, visit_excess);
        count = total(along, l, l->dot);
        step = (total(along, l, l->sum) - 1.0) * inverse(along, count);
        l->a = vd_pick(busy, l->a + step, l->a);
        busy &= count < before;
        before = count;
    }
}

ALWAYS void visit_sparsemax(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vd t = vd_load(l->x + at, lanes, l->fill) - l->top - l->a;

    (void)slot;
    (void)i;
    vh_store(l->y + at, vh_of(vd_max(t, 0.0)), lanes);
}

ALWAYS void sparsemax_line(int along, struct line *l)
{
    find_top(along, l);
    find_tau(along, l);
    walk(along, l, visit_sparsemax);
}

/* dx_i = u_i - mean of u over the support, 0 outside of it */
ALWAYS void visit_support(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vl inside = vd_load(l->x + at, lanes, l->fill) - l->top - l->a > 0.0;
    vd u = vd_load(l->u + at, lanes, 0.0f);

    (void)i;
    l->sum[slot] += vd_pick(inside, u, vd_all(0.0));
    l->dot[slot] += vd_pick(inside, vd_all(1.0), vd_all(0.0));
}

ALWAYS void visit_sparsemax_gradient(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vl inside = vd_load(l->x + at, lanes, l->fill) - l->top - l->a > 0.0;
    vd u = vd_load(l->u + at, lanes, 0.0f), nan_or_0 = l->a - l->a;

    (void)slot;
    (void)i;
    vh_store(l->y + at, vh_of(vd_pick(inside, u - l->b, vd_all(0.0)) + nan_or_0), lanes);
}

ALWAYS void sparsemax_gradient_line(int along, struct line *l)
{
    find_top(along, l);
    find_tau(along, l);
    clear(along, l, l->sum);
    clear(along, l, l->dot);
    walk(along, l, visit_support);
    l->b = total(along, l, l->sum) * inverse(along, total(along, l, l->dot));
    walk(along, l, visit_sparsemax_gradient);
}

/* ---- hardmax ---- */

/* 0, 1, 2, ... along, where a vector holds neighbours; all 0 across. */
ALWAYS vd lane_index(int along)
{
    vd v = {0};

    for (size_t i = 0; along && i < VD_LANES; i++)
        v[i] = (double)i;
    return v;
}

/* l->top and, in l->b, the first index of it in this lane; l->sum[0] turns NaN with any element. */
ALWAYS void visit_first(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vd x = vd_load(l->x + at, lanes, l->fill);
    vl larger = x > l->top;

    (void)slot;
    l->b = vd_pick(larger, l->a + (double)i, l->b);
    l->top = vd_pick(larger, x, l->top);
    l->sum[0] += vd_pick(x != x, x, vd_all(0.0));
}

ALWAYS void visit_one_hot(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vl is_first = l->a + (double)i == l->b;

    (void)slot;
    vh_store(l->y + at, vh_of(vd_pick(is_first, vd_all(1.0), vd_all(0.0)) + l->sum[0]), lanes);
}

ALWAYS void hardmax_line(int along, struct line *l)
{
    l->top = vd_all(-(double)INFINITY);
    l->a = lane_index(along);
    l->b = vd_all(0.0); /* a line of nothing but -inf */
    l->sum[0] = vd_all(0.0);
    walk(along, l, visit_first);
    if (along) {
        vd top = vd_top_everywhere(l->top);

        l->b = vd_pick(l->top == top, l->b, vd_all((double)INFINITY));
        l->b = -vd_top_everywhere(-l->b);
        l->sum[0] = vd_sum_everywhere(l->sum[0]);
    }
    walk(along, l, visit_one_hot);
}

ALWAYS void visit_nan(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    vd x = vd_load(l->x + at, lanes, l->fill);

    (void)slot;
    (void)i;
    l->sum[0] += vd_pick(x != x, x, vd_all(0.0));
}

ALWAYS void visit_same(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    (void)slot;
    (void)i;
    vh_store(l->y + at, vh_of(l->sum[0]), lanes);
}

/* 0, whatever u is: y is constant but where it jumps. */
ALWAYS void hardmax_gradient_line(int along, struct line *l)
{
    l->sum[0] = vd_all(0.0);
    walk(along, l, visit_nan);
    if (along)
        l->sum[0] = vd_sum_everywhere(l->sum[0]);
    walk(along, l, visit_same);
}

/* ---- kernels ---- */

#define DEFINE(id)                                                                   \
    void AXON_KERNEL(forward, id)(const float *x, float *y, struct axon_axis axis,   \
                                  const float *params, size_t params_count)          \
    {                                                                                \
        (void)params;                                                                \
        (void)params_count;                                                          \
        lines(id##_line, x, NULL, y, axis, 1.0);                                     \
    }                                                                                \
    void AXON_KERNEL(gradient, id)(const float *x, const float *upstream, float *dx, \
                                   struct axon_axis axis, const float *params,       \
                                   size_t params_count)                              \
    {                                                                                \
        (void)params;                                                                \
        (void)params_count;                                                          \
        lines(id##_gradient_line, x, upstream, dx, axis, 1.0);                       \
    }

DEFINE(sparsemax)
DEFINE(hardmax)
