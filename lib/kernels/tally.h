/* kernels/tally.h - what an epilogue counts of its outputs: sums of some rows in registers, which
 * then join the figures of the rows before.
 *
 * Included by map.h. Sums of (y - c) and (y - c)^2 are taken about c, the first of the rows: in
 * floats, of at most a few hundred rows, they lose digits only where the first row is far from all
 * others. A sum that is not finite tells that an output is not, or that a square is too large. */
#ifndef AXON_TALLY_H
#define AXON_TALLY_H

#include <float.h>
#include "kernels/kernels.h"
#include "kernels/vec.h"

/* The sums of a vector of units. */
struct sums {
    vf first, shift, squares, magnitude;
    vi fired, low, high;
};

/* One row more. */
static inline __attribute__((always_inline)) void sums_add(struct sums *s,
                                                           const struct axon_tally *t, vf z, vf y)
{
    vf apart = y - s->first;

    s->shift += apart;
    s->squares = vf_fma(apart, apart, s->squares);
    s->magnitude += vf_abs(y);
    s->fired = t->by_zero ? vi_count_less(s->fired, vf_all(0.0f), vf_abs(y))
                          : vi_count_less(s->fired, vf_all(0.0f), z);
    s->low = vi_count_less(s->low, y, vf_all(t->low_end));
    s->high = vi_count_less(s->high, vf_all(t->high_end), y);
}

static inline void counts_add(uint32_t *counts, vi more)
{
    vu sum;

    memcpy(&sum, counts, sizeof sum);
    sum += (vu)more;
    memcpy(counts, &sum, sizeof sum);
}

static inline vd vd_load(const double *p)
{
    vd v;

    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vd_store(double *p, vd v)
{
    memcpy(p, &v, sizeof v);
}

/* How rows join those before: their share of all, and what the distance of the means counts. The
 * first rows are stored. */
struct join {
    double rows_inverse, share, between;
    bool first, single; /* single: and it is one row */
};

static inline struct join join_of(uint64_t before, size_t rows)
{
    double share = (double)rows / ((double)before + (double)rows);

    return (struct join){1.0 / (double)rows, share, share * (double)before, before == 0,
                         before == 0 && rows == 1};
}

/* Half a vector of moments. */
static inline void moments_join(double *mean, double *squares, const struct join *j, vd first,
                                vd shift, vd square)
{
    vd at, own, before, apart;

    if (j->single) {
        vd_store(mean, first);
        vd_store(squares, (vd){0});
        return;
    }
    at = shift * j->rows_inverse;
    own = vd_max(square - shift * at, 0.0);
    if (j->first) {
        vd_store(mean, first + at);
        vd_store(squares, own);
        return;
    }
    before = vd_load(mean);
    apart = first + at - before;
    vd_store(mean, before + apart * j->share);
    vd_store(squares, vd_load(squares) + own + apart * apart * j->between);
}

static inline void moments_add(double *mean, double *squares, const struct join *j,
                               const struct sums *s)
{
    moments_join(mean, squares, j, vd_low(s->first), vd_low(s->shift), vd_low(s->squares));
    moments_join(mean + VF_LANES / 2, squares + VF_LANES / 2, j, vd_high(s->first),
                 vd_high(s->shift), vd_high(s->squares));
}

static inline void magnitude_add(double *magnitude, const struct join *j, vd more)
{
    vd_store(magnitude, j->first ? more : vd_load(magnitude) + more);
}

/* True if all sums are finite. */
static inline __attribute__((always_inline)) bool
sums_join(const struct sums *s, const struct axon_tally *t, const struct join *j, size_t unit)
{
    double *magnitude = t->magnitude + unit;

    counts_add(t->fired + unit, s->fired);
    counts_add(t->low + unit, s->low);
    counts_add(t->high + unit, s->high);
    moments_add(t->mean + unit, t->squares + unit, j, s);
    magnitude_add(magnitude, j, vd_low(s->magnitude));
    magnitude_add(magnitude + VF_LANES / 2, j, vd_high(s->magnitude));
    return !vi_any(~(s->squares <= FLT_MAX));
}

#endif
