/* kernels/softmax_float.h - softmax and softmin forward, in floats.
 *
 * e^(x / T) = (1 + p) 2^k without the top subtracted: the tops' k is taken off the exponents, which
 * is exact, and what is left of e^top divides out. k ln 2 is subtracted from x exactly (an FMA's
 * rounding of what is a float anyway), so the exponentials err by about a rounding. Their sums are
 * exact to 2^-33: a float that holds the sum, and another for what its roundings lost.
 *
 * Lines that are contiguous are worked on VF_LANES at a time: the top of each, then the sum of
 * each, then the scale of each, so that no line waits for another's reduction. Invariant: as
 * rowwise.h has it, element i of a line goes to partial sum i % SLOTS and the sums are added as one
 * tree, so a line's result depends neither on its layout nor on the lines beside it. */
#ifndef AXON_SOFTMAX_FLOAT_H
#define AXON_SOFTMAX_FLOAT_H

#include "kernels/lanes.h"
#include "kernels/rowwise.h"
#include "kernels/vmathf_log.h"

enum {
    PARTS = SLOTS / VF_LANES,  /* vectors that hold a partial sum of each slot */
    RUN = 256 * SLOTS,         /* elements whose sum is held in floats */
    GROUP_FLOATS = 1 << 13,    /* of the lines of a group: 32 KB */
    SHORT_ROWS = VF_LANES / 4, /* fewer are not worth being turned */
};

/* ln 2 = high + low. k high is a multiple of 2^-24, so that x - k high is exact: it is a float. */
#define SOFTMAX_LN2_HIGH 0x1.62e43p-1f
#define SOFTMAX_LN2_LOW  -0x1.05c61p-29f
#define SOFTMAX_MAGIC    0x1.8p23f /* adding it rounds to an integer, kept in the low bits */
/* Below, e^x rounds to the float 0, and is no part of a sum that is 1 at least. */
#define SOFTMAX_END 104.0f
/* A sum starts with this, so that it is larger than any term; taken off in double. */
#define SUM_START 2.0f

/* ---- exponentials ---- */

/* 1 / T, negative for softmin, as two floats; `unit` if it is 1, which is a constant wherever it
 * is asked for. */
struct coolness {
    vf high, low;
    float fill; /* what stands for no element */
};

/* The exponentials of a line have these in common; a line in each lane. */
struct frame {
    vf shift;  /* taken off x, exactly: 0, or the top where it is far from 0 */
    vf end;    /* of what is left, times 1 / T: below, the exponential is 0 */
    vf origin; /* the top's k, with SOFTMAX_MAGIC */
    vf nudge;  /* added to p, after which the top's exponential is a float */
};

ALWAYS vf power_of(vf u)
{
    return vf_fma(u, vf_all(0x1.715476p+0f), vf_all(SOFTMAX_MAGIC));
}

/* An exponential: a power of two times 1 + p, rounded, and what that rounding lost. */
struct exponential {
    vf value, lost;
};

/* a = 1 + p, times 2^(n - origin); 0 where u < end. A value that is subnormal is rounded once more.
 */
ALWAYS struct exponential raised(vf a, vf p, vf n, vf u, const struct frame *f)
{
    vf lost = p - (a - 1.0f);
#if defined(__AVX512F__)
    __mmask16 above = _mm512_cmp_ps_mask(u, f->end, _CMP_NLT_UQ);
    vf power = n - f->origin;

    return (struct exponential){_mm512_maskz_scalef_ps(above, a, power),
                                _mm512_maskz_scalef_ps(above, lost, power)};
#else
    vi above = ~(u < f->end);
    vf power = (vf)(((vu)n - (vu)f->origin + (127u + 64u)) << 23);

    a *= 0x1p-64f;
    lost *= 0x1p-64f;
    return (struct exponential){(vf)((vi)(a * power) & above), (vf)((vi)(lost * power) & above)};
#endif
}

/* e^(d / T) = (1 + p) 2^k, but for the nudge; also k with SOFTMAX_MAGIC and about d / T. The latter
 * less k ln 2 is whole - tail: the first is exact, the second small; r is their difference and
 * `lost` what rounding it lost. p errs by 0.4 * 2^-24. */
struct reduced {
    vf p, n, u, r;
};

ALWAYS struct reduced reduced(vf d, vf nudge, const struct coolness *c, int unit)
{
    vf u = unit ? d : d * c->high;
    vf n = power_of(u), k = n - SOFTMAX_MAGIC, whole = vf_fnma1(k, vf_all(SOFTMAX_LN2_HIGH), u);
    vf r, lost;

    if (unit) {
        r = vf_fma(k, vf_all(-SOFTMAX_LN2_LOW), whole);
        lost = vf_fma(k, vf_all(-SOFTMAX_LN2_LOW), whole - r);
    } else {
        vf more = vf_fma(d, c->low, vf_fms1(d, c->high, u));

        more = vf_fma(k, vf_all(-SOFTMAX_LN2_LOW), more);
        r = whole + more;
        lost = (whole - r) + more;
    }
    /* e^r - 1 + nudge (1 + r) */
    return (struct reduced){r + vf_fma(r, vf_fma(r, vf_exp_rest(r), nudge), lost + nudge), n, u, r};
}

/* e^((x - top) / T) times what is the same for all of the line. The rounding of 1 + p errs by up to
 * 2^-24 more. */
ALWAYS struct exponential exp_framed(vf x, const struct frame *f, const struct coolness *c,
                                     int unit)
{
    struct reduced e = reduced(x - f->shift, f->nudge, c, unit);

    return raised(1.0f + e.p, e.p, e.n, e.u, f);
}

/* The part of the top that the rounding of 1 + p would lose is taken off the exponents of its line,
 * which divides out: so values that equal the top are stored exactly, and m of them share 1 as m
 * times 1 / m. Half of what is missing then, since p itself was rounded, and so can't miss again.
 */
ALWAYS vf nudge_of(vf d, const struct coolness *c, int unit)
{
    struct reduced e = reduced(d, vf_all(0.0f), c, unit);
    vf want = (1.0f + e.p) - 1.0f, share = 1.0f / (1.0f + e.r), nudge = (want - e.p) * share;

    e = reduced(d, nudge, c, unit);
    return nudge + (want - e.p) * share * 0.5f;
}

/* An infinite top makes a NaN of every exponential. */
ALWAYS struct frame frame_of(vf top, const struct coolness *c, int unit)
{
    vf shift = vf_pick(vf_abs(top * c->high) >= 256.0f, top, vf_all(0.0f)), d = top - shift;
    vf u = unit ? d : d * c->high;

    return (struct frame){shift, u - SOFTMAX_END, power_of(u), nudge_of(d, c, unit)};
}

/* ---- sums ---- */

/* high >= e >= 0, so that what rounding loses is exact (Dekker 1971). */
ALWAYS void add_exactly(vf *high, vf *low, struct exponential e)
{
    vf sum = *high + e.value;

    *low += e.value - (sum - *high) + e.lost;
    *high = sum;
}

/* Half of the lanes of a sum */
ALWAYS vd sum_low(vf high, vf low)
{
    return (vd_low(high) - (double)SUM_START) + vd_low(low);
}

ALWAYS vd sum_high(vf high, vf low)
{
    return (vd_high(high) - (double)SUM_START) + vd_high(low);
}

/* 1 / sum of VF_LANES lines, as two floats */
struct shares {
    vf high, low;
};

ALWAYS struct shares shares_of(vd low, vd high)
{
    struct shares s;

    low = 1.0 / low;
    high = 1.0 / high;
    s.high = vf_join(low, high);
    s.low = vf_join(low - vd_low(s.high), high - vd_high(s.high));
    return s;
}

ALWAYS vf shared(vf e, vf high, vf low)
{
#if defined(__FMA__) || defined(__aarch64__)
    return vf_fma(e, high, e * low);
#else
    return vf_join(vd_low(e) * (vd_low(high) + vd_low(low)),
                   vd_high(e) * (vd_high(high) + vd_high(low)));
#endif
}

/* ---- along: up to VF_LANES lines, one after the other in memory ---- */

ALWAYS vf load_some(const float *p, size_t n, float fill)
{
    return n < VF_LANES ? vf_load_part(p, n, fill) : vf_load(p);
}

ALWAYS void store_some(float *p, vf v, size_t n)
{
    if (n < VF_LANES)
        vf_store_part(p, v, n);
    else
        vf_store(p, v);
}

/* Lane by lane, the largest of a line; the smallest, negated, if fill is +inf. NaNs are passed
 * over. */
ALWAYS vf top_lanes(const float *x, size_t n, float fill)
{
    vf one = vf_all(-INFINITY), two = one;
    size_t i = 0;

    for (; i + (size_t)2 * VF_LANES <= n; i += (size_t)2 * VF_LANES) {
        one = vf_larger(vf_flip(vf_load(x + i), fill), one);
        two = vf_larger(vf_flip(vf_load(x + i + VF_LANES), fill), two);
    }
    for (; i < n; i += VF_LANES)
        one = vf_larger(vf_flip(load_some(x + i, n - i, fill), fill), one);
    return vf_larger(one, two);
}

/* y = the exponentials of a line; returns their sum, in parts that sums_of_lanes() takes. */
ALWAYS vd exp_line(const float *x, float *y, size_t n, const struct frame *f,
                   const struct coolness *c, int unit)
{
    vd slot[SLOTS / VD_LANES];

#pragma GCC unroll 8
    for (size_t s = 0; s < SLOTS / VD_LANES; s++)
        slot[s] = vd_all(0.0);
    for (size_t i = 0; i < n;) {
        size_t end = n - i < RUN ? n : i + RUN;
        vf high[PARTS], low[PARTS];

#pragma GCC unroll 4
        for (size_t p = 0; p < PARTS; p++) {
            high[p] = vf_all(SUM_START);
            low[p] = vf_all(0.0f);
        }
        for (; i + SLOTS <= end; i += SLOTS) {
#pragma GCC unroll 4
            for (size_t p = 0; p < PARTS; p++) {
                struct exponential e = exp_framed(vf_load(x + i + p * VF_LANES), f, c, unit);

                add_exactly(&high[p], &low[p], e);
                vf_store(y + i + p * VF_LANES, e.value);
            }
        }
#pragma GCC unroll 4
        for (size_t p = 0; p < PARTS; p++, i += VF_LANES)
            if (i < end) {
                struct exponential e = exp_framed(load_some(x + i, end - i, c->fill), f, c, unit);

                add_exactly(&high[p], &low[p], e);
                store_some(y + i, e.value, end - i);
            }
        i = end;
#pragma GCC unroll 4
        for (size_t p = 0; p < PARTS; p++) {
            slot[2 * p] += sum_low(high[p], low[p]);
            slot[2 * p + 1] += sum_high(high[p], low[p]);
        }
    }
#pragma GCC unroll 4
    for (size_t half = SLOTS / VD_LANES / 2; half > 0; half /= 2)
#pragma GCC unroll 4
        for (size_t s = 0; s < half; s++)
            slot[s] += slot[s + half];
    return slot[0];
}

ALWAYS void share_line(float *y, size_t n, vf high, vf low)
{
    size_t i = 0;

    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(y + i, shared(vf_load(y + i), high, low));
    if (i < n)
        vf_store_part(y + i, shared(vf_load_part(y + i, n - i, 0.0f), high, low), n - i);
}

/* Lane r in every lane */
ALWAYS vf one_of(const float *lanes, size_t r)
{
    return vf_all(lanes[r]);
}

/* A line's frame in every lane */
struct frames {
    float shift[VF_LANES], end[VF_LANES], origin[VF_LANES], nudge[VF_LANES];
};

ALWAYS void frames_store(struct frames *to, struct frame f)
{
    vf_store(to->shift, f.shift);
    vf_store(to->end, f.end);
    vf_store(to->origin, f.origin);
    vf_store(to->nudge, f.nudge);
}

ALWAYS struct frame frame_at(const struct frames *all, size_t r)
{
    return (struct frame){one_of(all->shift, r), one_of(all->end, r), one_of(all->origin, r),
                          one_of(all->nudge, r)};
}

/* Both halves of VF_LANES lines' sums */
ALWAYS struct shares shares_of_lines(vd sums[VF_LANES])
{
    vd low = sums_of_lanes(sums), high = sums_of_lanes(sums + VD_LANES);

    return shares_of(low, high);
}

ALWAYS void softmax_group(const float *x, float *y, size_t n, size_t rows, const struct coolness *c,
                          int unit)
{
    vf v[VF_LANES];
    vd sums[VF_LANES];
    struct frames frames;
    struct shares shares;
    float high[VF_LANES], low[VF_LANES];

    for (size_t r = 0; r < VF_LANES; r++) {
        v[r] = r < rows ? top_lanes(x + r * n, n, c->fill) : vf_all(0.0f);
        sums[r] = vd_all(1.0);
    }
    frames_store(&frames, frame_of(vf_flip(tops_of(v), c->fill), c, unit));
    for (size_t r = 0; r < rows; r++) {
        struct frame f = frame_at(&frames, r);

        sums[r] = exp_line(x + r * n, y + r * n, n, &f, c, unit);
    }
    shares = shares_of_lines(sums);
    vf_store(high, shares.high);
    vf_store(low, shares.low);
    for (size_t r = 0; r < rows; r++)
        share_line(y + r * n, n, one_of(high, r), one_of(low, r));
}

/* ---- across: VF_LANES lines side by side, or the `lanes` that there are ---- */

ALWAYS struct frame frame_across(const float *x, size_t n, size_t step, size_t lanes,
                                 const struct coolness *c, int unit)
{
    vf top = vf_all(-INFINITY);

    for (size_t i = 0; i < n; i++)
        top = vf_larger(vf_flip(load_some(x + i * step, lanes, c->fill), c->fill), top);
    return frame_of(vf_flip(top, c->fill), c, unit);
}

/* Adds the sums in floats to those in double, and starts again. */
ALWAYS void flush(vf high[SLOTS], vf low[SLOTS], vd sums[2][SLOTS])
{
    for (size_t s = 0; s < SLOTS; s++) {
        sums[0][s] += sum_low(high[s], low[s]);
        sums[1][s] += sum_high(high[s], low[s]);
        high[s] = vf_all(SUM_START);
        low[s] = vf_all(0.0f);
    }
}

ALWAYS vd tree(vd slot[SLOTS])
{
    for (size_t half = SLOTS / 2; half > 0; half /= 2)
        for (size_t s = 0; s < half; s++)
            slot[s] += slot[s + half];
    return slot[0];
}

ALWAYS void softmax_across(const float *x, float *y, size_t n, size_t step, size_t lanes,
                           const struct coolness *c, int unit)
{
    struct frame f = frame_across(x, n, step, lanes, c, unit);
    vf high[SLOTS], low[SLOTS];
    vd sums[2][SLOTS];
    struct shares shares;

    for (size_t s = 0; s < SLOTS; s++) {
        sums[0][s] = sums[1][s] = vd_all(0.0);
        high[s] = vf_all(SUM_START);
        low[s] = vf_all(0.0f);
    }
    for (size_t i = 0; i < n; i++) {
        struct exponential e = exp_framed(load_some(x + i * step, lanes, c->fill), &f, c, unit);

        add_exactly(&high[i % SLOTS], &low[i % SLOTS], e);
        store_some(y + i * step, e.value, lanes);
        if ((i + 1) % RUN == 0)
            flush(high, low, sums);
    }
    flush(high, low, sums);
    shares = shares_of(tree(sums[0]), tree(sums[1]));
    for (size_t i = 0; i < n; i++)
        store_some(y + i * step,
                   shared(load_some(y + i * step, lanes, 0.0f), shares.high, shares.low), lanes);
}

/* ---- short lines: turned, so that each is a lane ---- */

ALWAYS struct frame frame_of_columns(const vf *v, size_t n, const struct coolness *c, int unit)
{
    vf top = vf_all(-INFINITY);

    for (size_t j = 0; j < n; j++)
        top = vf_larger(vf_flip(v[j], c->fill), top);
    return frame_of(vf_flip(top, c->fill), c, unit);
}

/* Up to VF_LANES lines of at most VF_LANES elements, one after the other in memory. */
ALWAYS void softmax_short(const float *x, float *y, size_t n, size_t rows, const struct coolness *c,
                          int unit)
{
    vf v[VF_LANES];
    vd sums[2][SLOTS];
    struct frame f;
    struct shares shares;

    for (size_t r = 0; r < VF_LANES; r++)
        v[r] = r < rows ? load_some(x + r * n, n, 0.0f) : vf_all(0.0f);
    transpose(v);
    f = frame_of_columns(v, n, c, unit);
    for (size_t s = n; s < SLOTS; s++)
        sums[0][s] = sums[1][s] = vd_all(0.0);
    for (size_t j = 0; j < n; j++) {
        struct exponential e = exp_framed(v[j], &f, c, unit);
        vf high = vf_all(SUM_START), low = vf_all(0.0f);

        add_exactly(&high, &low, e);
        sums[0][j] = sum_low(high, low);
        sums[1][j] = sum_high(high, low);
        v[j] = e.value;
    }
    shares = shares_of(tree(sums[0]), tree(sums[1]));
    for (size_t j = 0; j < n; j++)
        v[j] = shared(v[j], shares.high, shares.low);
    transpose(v);
    for (size_t r = 0; r < rows; r++)
        store_some(y + r * n, v[r], n);
}

/* One line, which nothing is shared with. */
ALWAYS void softmax_line(const float *x, float *y, size_t n, const struct coolness *c, int unit)
{
    vf lanes = top_lanes(x, n, c->fill);
    vd top = vd_top_everywhere(vd_larger(vd_low(lanes), vd_high(lanes)));
    struct frame f = frame_of(vf_all((float)vd_flip(top, c->fill)[0]), c, unit);
    double share;

    share = 1.0 / vd_sum_everywhere(exp_line(x, y, n, &f, c, unit))[0];
    share_line(y, n, vf_all((float)share), vf_all((float)(share - (double)(float)share)));
}

ALWAYS void softmax_lines(const float *x, float *y, size_t n, size_t rows, const struct coolness *c,
                          int unit)
{
    size_t group = GROUP_FLOATS / n, some;

    group = group == 0 ? 1 : group < VF_LANES ? group : (size_t)VF_LANES;
    for (; rows > 0; rows -= some, x += some * n, y += some * n) {
        some = rows < group ? rows : group;
        if (n <= VF_LANES && some >= SHORT_ROWS)
            softmax_short(x, y, n, some, c, unit);
        else if (some == 1)
            softmax_line(x, y, n, c, unit);
        else
            softmax_group(x, y, n, some, c, unit);
    }
}

/* ---- any axis ---- */

ALWAYS void softmax_axis(const float *x, float *y, struct axon_axis axis, const struct coolness *c,
                         int unit)
{
    if (axis.inner == 1) {
        softmax_lines(x, y, axis.length, axis.outer, c, unit);
        return;
    }
    for (size_t o = 0; o < axis.outer; o++)
        for (size_t i = 0; i < axis.inner; i += VF_LANES) {
            size_t first = o * axis.length * axis.inner + i;

            softmax_across(x + first, y + first, axis.length, axis.inner, axis.inner - i, c, unit);
        }
}

#endif
