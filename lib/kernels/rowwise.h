/* kernels/rowwise.h - how the rowwise kernels walk their lines, and the sums that they share.
 *
 * A line is what the axis runs along. Contiguous lines (inner == 1) are taken one by one, a vector
 * holding neighbours of the line; others are taken VD_LANES side by side, each lane a line of its
 * own. Work is in double. Invariant: element i of a line is added to partial sum i % SLOTS, and the
 * partial sums are added as one tree, whatever the layout and the width of a vector: a line's
 * result depends neither on how it lies in memory nor on the lines beside it. */
#ifndef AXON_ROWWISE_H
#define AXON_ROWWISE_H

#include <math.h>
#include "kernels/kernels.h"
#include "kernels/vec.h"

enum { VD_LANES = VF_LANES / 2, SLOTS = 16 };

/* Kernels are written once for both layouts: `along` is a constant wherever they are inlined. */
#define ALWAYS static inline __attribute__((always_inline))

/* ---- floats in memory as doubles ---- */

#if VF_LANES == 8
ALWAYS __m128i first_lanes(size_t n)
{
    return _mm_cmpgt_epi32(_mm_set1_epi32((int)n), _mm_setr_epi32(0, 1, 2, 3));
}
#endif

/* The first n lanes, the others are `fill`; all of them if n >= VD_LANES. */
ALWAYS vh vh_load(const float *p, size_t n, float fill)
{
    vh v = fill - (vh){0};

    if (n >= VD_LANES) {
        // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): u is NULL in forward only
        memcpy(&v, p, sizeof v);
        return v;
    }
#if defined(__AVX512F__)
    return _mm256_mask_loadu_ps(v, (__mmask8)((1u << n) - 1), p);
#elif defined(__AVX2__)
    return _mm_blendv_ps(v, _mm_maskload_ps(p, first_lanes(n)), (__m128)first_lanes(n));
#else
    for (size_t i = 0; i < n; i++)
        v[i] = p[i];
    return v;
#endif
}

ALWAYS void vh_store(float *p, vh v, size_t n)
{
    if (n >= VD_LANES) {
        memcpy(p, &v, sizeof v);
        return;
    }
#if defined(__AVX512F__)
    _mm256_mask_storeu_ps(p, (__mmask8)((1u << n) - 1), v);
#elif defined(__AVX2__)
    _mm_maskstore_ps(p, first_lanes(n), v);
#else
    for (size_t i = 0; i < n; i++)
        p[i] = v[i];
#endif
}

/* Exactly; GCC 12 makes four instructions of the plain form. */
ALWAYS vd vd_of(vh v)
{
#if defined(__AVX512F__)
    return _mm512_cvtps_pd(v);
#elif defined(__AVX2__)
    return _mm256_cvtps_pd(v);
#else
    return __builtin_convertvector(v, vd);
#endif
}

/* Rounded once. */
ALWAYS vh vh_of(vd v)
{
    return __builtin_convertvector(v, vh);
}

ALWAYS vd vd_load(const float *p, size_t n, float fill)
{
    return vd_of(vh_load(p, n, fill));
}

/* ---- lanes ---- */

/* The larger; a NaN in x is passed over. */
ALWAYS vd vd_larger(vd x, vd top)
{
#if defined(__AVX512F__)
    return _mm512_max_pd(x, top);
#elif defined(__AVX2__)
    return _mm256_max_pd(x, top);
#elif defined(__SSE2__)
    return _mm_max_pd(x, top);
#else
    return vd_pick(x > top, x, top);
#endif
}

ALWAYS vf vf_larger(vf x, vf top)
{
    return vf_max(top, x);
}

ALWAYS int vl_any(vl mask)
{
    int64_t any = 0;

    for (size_t i = 0; i < VD_LANES; i++)
        any |= mask[i];
    return any != 0;
}

/* Lanes turned by a half, a quarter, an eighth of the vector: what is combined with itself over all
 * turns is the same in every lane. */
#if VF_LANES == 16
#define VD_TURN_4(v) __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3)
#define VD_TURN_2(v) __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5)
#define VD_TURN_1(v) __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6)
#elif VF_LANES == 8
#define VD_TURN_2(v) __builtin_shufflevector(v, v, 2, 3, 0, 1)
#define VD_TURN_1(v) __builtin_shufflevector(v, v, 1, 0, 3, 2)
#else
#define VD_TURN_1(v) __builtin_shufflevector(v, v, 1, 0)
#endif

ALWAYS vd vd_sum_everywhere(vd v)
{
#if VF_LANES > 8
    v += VD_TURN_4(v);
#endif
#if VF_LANES > 4
    v += VD_TURN_2(v);
#endif
    return v + VD_TURN_1(v);
}

ALWAYS vd vd_top_everywhere(vd v)
{
#if VF_LANES > 8
    v = vd_larger(v, VD_TURN_4(v));
#endif
#if VF_LANES > 4
    v = vd_larger(v, VD_TURN_2(v));
#endif
    return vd_larger(v, VD_TURN_1(v));
}

/* ---- lines ---- */

/* The lines at hand: one along, `lanes` side by side across. */
struct line {
    const float *x, *u; /* first elements */
    float *y;
    size_t n, step, lanes; /* elements of a line, floats from one to the next */
    float fill;            /* what stands for no element: never the top */
    vd inverse_t;          /* 1 / temperature, negative for softmin */
    vd top, a, b;          /* of each lane's line; a and b are what the kernel makes of them */
    vd sum[SLOTS], dot[SLOTS];
};

/* Elements i, i + 1, ... of one line, or elements i of `lanes` lines; they begin at float `at`. */
typedef void visit(struct line *l, size_t slot, size_t i, size_t at, size_t lanes);

ALWAYS void walk(int along, struct line *l, visit *f)
{
    size_t i = 0;

    for (; !along && i < l->n; i++)
        f(l, i % SLOTS, i, i * l->step, l->lanes);
#if VF_LANES == 16
    /* Partial sums in registers; with narrower vectors there are too many of them. */
    for (; i + SLOTS <= l->n; i += SLOTS) {
        f(l, 0, i, i, VD_LANES);
        f(l, 1, i + VD_LANES, i + VD_LANES, VD_LANES);
    }
#endif
    for (; i < l->n; i += VD_LANES)
        f(l, i / VD_LANES % (SLOTS / VD_LANES), i, i, l->n - i);
}

/* Vectors of partial sums that a line of n elements uses. */
ALWAYS size_t slots_used(int along, size_t n)
{
    return along ? (size_t)SLOTS / VD_LANES : n < SLOTS ? n : (size_t)SLOTS;
}

ALWAYS void clear(int along, const struct line *l, vd *slot)
{
    for (size_t s = 0; s < slots_used(along, l->n); s++)
        slot[s] = vd_all(0.0);
}

/* The sum of the partial sums: each lane's own across, that of all lanes along. A slot that is not
 * used would add a zero. */
ALWAYS vd total(int along, const struct line *l, vd *slot)
{
    size_t used = slots_used(along, l->n);

    for (size_t half = (size_t)(along ? SLOTS / VD_LANES : SLOTS) / 2; half > 0; half /= 2)
        for (size_t s = 0; s < half && s + half < used; s++)
            slot[s] += slot[s + half];
    return along ? vd_sum_everywhere(slot[0]) : slot[0];
}

/* 1 / a; along, where all lanes are the same, by one scalar division */
ALWAYS vd inverse(int along, vd a)
{
    return along ? vd_all(1.0 / a[0]) : 1.0 / a;
}

/* -x where the top is the smallest: all bits of `flip` but the sign are 0 */
ALWAYS vd vd_flip(vd x, float fill)
{
    return (vd)((vl)x ^ (vl)vd_all(fill > 0 ? -0.0 : 0.0));
}

ALWAYS vf vf_flip(vf x, float fill)
{
    return (vf)((vi)x ^ (vi)vf_all(fill > 0 ? -0.0f : 0.0f));
}

ALWAYS void visit_top(struct line *l, size_t slot, size_t i, size_t at, size_t lanes)
{
    (void)slot;
    (void)i;
    l->top = vd_larger(vd_flip(vd_load(l->x + at, lanes, l->fill), l->fill), l->top);
}

/* l->top: the largest of each line, the smallest if fill is +inf; NaNs are passed over. */
ALWAYS void find_top(int along, struct line *l)
{
    vf one = vf_all(-INFINITY), two = one;
    size_t i = 0;

    l->top = vd_all(-(double)INFINITY);
    if (!along) {
        walk(along, l, visit_top);
        l->top = vd_flip(l->top, l->fill);
        return;
    }
    for (; i + (size_t)2 * VF_LANES <= l->n; i += (size_t)2 * VF_LANES) {
        one = vf_larger(vf_flip(vf_load(l->x + i), l->fill), one);
        two = vf_larger(vf_flip(vf_load(l->x + i + VF_LANES), l->fill), two);
    }
    if (i + VF_LANES <= l->n) {
        one = vf_larger(vf_flip(vf_load(l->x + i), l->fill), one);
        i += VF_LANES;
    }
    if (i < l->n)
        two = vf_larger(vf_flip(vf_load_part(l->x + i, l->n - i, l->fill), l->fill), two);
    one = vf_larger(one, two);
    l->top = vd_flip(vd_top_everywhere(vd_larger(vd_low(one), vd_high(one))), l->fill);
}

typedef void line_function(int along, struct line *l);

/* f on every line of [outer, length, inner]; u is NULL or of the same shape. */
ALWAYS void lines(line_function *f, const float *x, const float *u, float *y, struct axon_axis axis,
                  double inverse_t)
{
    struct line l;

    l.n = axis.length;
    l.step = axis.inner;
    l.fill = inverse_t < 0 ? INFINITY : -INFINITY;
    l.inverse_t = vd_all(inverse_t);
    for (size_t o = 0; o < axis.outer; o++)
        for (size_t i = 0; i < axis.inner; i += VD_LANES) {
            size_t first = o * axis.length * axis.inner + i;

            l.x = x + first;
            l.u = u ? u + first : NULL;
            l.y = y + first;
            l.lanes = axis.inner - i;
            if (axis.inner == 1)
                f(1, &l);
            else
                f(0, &l);
        }
}

#endif
