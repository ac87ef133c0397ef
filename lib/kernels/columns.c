/* kernels/columns.c - what is counted of rows of a network: moments of columns, and either how
 * often each is above 0, or its extremes and how many values are out of a range; how moments are
 * joined; and whether rows are fit to be counted. */
#include "kernels/kernels.h"
#include "kernels/tally.h"
#include "kernels/vec.h"

/* Vectors of columns that go down the rows together: one after the other each would wait for its
 * own last addition. As many as there are registers for. */
enum { TOGETHER = VF_LANES == 16 ? 4 : 2 };

struct lane_sums {
    struct sums sums;
    vf least, most;
};

static inline vf load(const float *x, size_t n)
{
    return n == VF_LANES ? vf_load(x) : vf_load_part(x, n, 0.0f);
}

/* `width` vectors from column `first` on; n columns of the last one. All but c and first are
 * constants wherever this is inlined. */
static inline __attribute__((always_inline)) void walk(const struct axon_columns *c, size_t first,
                                                       size_t width, size_t n, bool fires,
                                                       struct lane_sums *s)
{
#pragma GCC unroll 4
    for (size_t t = 0; t < width; t++) {
        vf x = load(c->x + first + t * VF_LANES, n);

        s[t] = (struct lane_sums){.sums.first = x, .least = x, .most = x};
    }
    for (size_t r = 0; r < c->rows; r++) {
        const float *row = c->x + r * c->stride + first;

#pragma GCC unroll 4
        for (size_t t = 0; t < width; t++) {
            vf x = load(row + t * VF_LANES, n), apart = x - s[t].sums.first;

            s[t].sums.shift += apart;
            s[t].sums.squares = vf_fma(apart, apart, s[t].sums.squares);
            if (fires) {
                s[t].sums.fired = vi_count_less(s[t].sums.fired, vf_all(0.0f), x);
                continue;
            }
            s[t].least = vf_min(x, s[t].least);
            s[t].most = vf_max(x, s[t].most);
        }
    }
}

static inline uint64_t lanes_sum(vi counts)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < VF_LANES; i++)
        sum += (uint64_t)counts[i];
    return sum;
}

/* Lanes that are outside, as -1. */
static inline vi outside(const float *x, size_t n, const float *low, const float *high)
{
    vf v = load(x, n);

    return (v < load(low, n)) | (v > load(high, n));
}

uint64_t AXON_KERNEL(count, outside)(const float *x, size_t n, const float *low, const float *high)
{
    vi out = {0};
    size_t i = 0;

    for (; i + VF_LANES <= n; i += VF_LANES)
        out -= outside(x + i, VF_LANES, low + i, high + i);
    if (i < n)
        out -= outside(x + i, n - i, low + i, high + i);
    return lanes_sum(out);
}

/* Most columns stay in their range, and then their extremes tell. */
static inline void count_outside(struct axon_columns *c, size_t first, size_t n,
                                 const struct lane_sums *s)
{
    const float *low = c->low + first, *high = c->high + first;
    vi out = {0};

    if (!vi_any((s->least < load(low, n)) | (s->most > load(high, n))))
        return;
    for (size_t r = 0; r < c->rows; r++)
        out -= outside(c->x + r * c->stride + first, n, low, high);
    c->out += lanes_sum(out);
}

/* A vector's sums join; which of them are not finite. */
static inline __attribute__((always_inline)) vi settle(struct axon_columns *c, size_t first,
                                                       size_t n, bool fires, const struct join *j,
                                                       const struct lane_sums *s)
{
    moments_add(c->mean + first, c->squares + first, j, &s->sums);
    if (fires) {
        counts_add(c->fired + first, s->sums.fired);
    } else {
        vf least = s->least, most = s->most;

        vf_store(c->least + first, j->first ? least : vf_min(least, vf_load(c->least + first)));
        vf_store(c->most + first, j->first ? most : vf_max(most, vf_load(c->most + first)));
        if (c->low)
            count_outside(c, first, n, s);
    }
    return ~(s->sums.squares <= FLT_MAX);
}

static inline __attribute__((always_inline)) bool count(struct axon_columns *c, bool fires)
{
    struct join j = join_of(c->before, c->rows);
    struct lane_sums s[TOGETHER];
    vi lost = {0};
    size_t first = 0;

    for (; first + (size_t)TOGETHER * VF_LANES <= c->n; first += (size_t)TOGETHER * VF_LANES) {
        walk(c, first, TOGETHER, VF_LANES, fires, s);
#pragma GCC unroll 4
        for (size_t t = 0; t < TOGETHER; t++)
            lost |= settle(c, first + t * VF_LANES, VF_LANES, fires, &j, &s[t]);
    }
    for (; first + VF_LANES <= c->n; first += VF_LANES) {
        walk(c, first, 1, VF_LANES, fires, s);
        lost |= settle(c, first, VF_LANES, fires, &j, s);
    }
    if (first < c->n) {
        walk(c, first, 1, c->n - first, fires, s);
        lost |= settle(c, first, c->n - first, fires, &j, s);
    }
    return !vi_any(lost);
}

bool AXON_KERNEL(count, columns)(struct axon_columns *c)
{
    return c->fired ? count(c, true) : count(c, false);
}

/* 2^59: the difference of two is at most 2^60, and the sum of 128 squares of that a float. */
#define KEPT_MAX 0x1p59f

/* Lanes that are too large. */
static inline vi keep(vf v, float *to)
{
    vf_store(to, v);
    return ~(vf_abs(v) <= KEPT_MAX);
}

bool AXON_KERNEL(count, keep)(const float *x, size_t n, float *to)
{
    size_t i = 0, end = (n + AXON_UNITS_MULTIPLE - 1) / AXON_UNITS_MULTIPLE * AXON_UNITS_MULTIPLE;
    vi lost = {0};

    for (; i + VF_LANES <= n; i += VF_LANES)
        lost |= keep(vf_load(x + i), to + i);
    for (; i < end; i += VF_LANES)
        lost |= keep(i < n ? vf_load_part(x + i, n - i, 0.0f) : vf_all(0.0f), to + i);
    return !vi_any(lost);
}

bool AXON_KERNEL(count, finite)(const float *x, size_t n)
{
    size_t i = 0;
    vi lost = {0};

    for (; i + VF_LANES <= n; i += VF_LANES)
        lost |= ~(vf_abs(vf_load(x + i)) <= FLT_MAX);
    if (i < n)
        lost |= ~(vf_abs(vf_load_part(x + i, n - i, 0.0f)) <= FLT_MAX);
    return !vi_any(lost);
}

/* j is a copy, which no store can change. */
static inline void join_moments(struct axon_join j)
{
    for (size_t i = 0; i < j.moments; i += VF_LANES / 2) {
        vd before = vd_load(j.into.mean + i), apart = vd_load(j.from.mean + i) - before;
        vd squares = vd_load(j.into.squares + i) + vd_load(j.from.squares + i);

        vd_store(j.into.mean + i, before + apart * j.share);
        vd_store(j.into.squares + i, squares + apart * apart * j.between);
    }
}

static inline void join_counts(uint32_t *into, const uint32_t *from, size_t n)
{
    for (size_t i = 0; i < n; i += VF_LANES) {
        vi more;

        memcpy(&more, from + i, sizeof more);
        counts_add(into + i, more);
    }
}

void AXON_KERNEL(count, join)(const struct axon_join *j)
{
    const struct axon_joined into = j->into, from = j->from;

    join_moments(*j);
    join_counts(into.counts, from.counts, j->counts);
    for (size_t i = 0; i < j->magnitudes; i += VF_LANES / 2)
        vd_store(into.magnitude + i, vd_load(into.magnitude + i) + vd_load(from.magnitude + i));
    for (size_t i = 0; i < j->features; i += VF_LANES) {
        vf_store(into.least + i, vf_min(vf_load(into.least + i), vf_load(from.least + i)));
        vf_store(into.most + i, vf_max(vf_load(into.most + i), vf_load(from.most + i)));
    }
}
