/* figures.h - the figures of a stretch of rows: counts, moments and extremes per unit and per
 * feature. Internal to lib/.
 *
 * One block of memory without a pointer in it, which may be copied. The network's shape tells
 * which figure stands where. Means and sums of squares about them are put together as by Chan,
 * Golub and LeVeque (1979), so that nothing cancels, however many rows there are. */
#ifndef AXON_FIGURES_H
#define AXON_FIGURES_H

#include <stddef.h>
#include <stdint.h>

enum { AXON__LINE = 64 }; /* bytes; vectors that cross a line take twice as long */

/* How many figures a network has. */
struct axon__shape {
    size_t layers;
    size_t features;   /* padded to AXON_UNITS_MULTIPLE                                   */
    size_t moments;    /* of the features first, then of the watched layers' units        */
    size_t magnitudes; /* of units whose output may be negative                           */
    size_t counts;
    size_t sampled; /* layers of which |f'| is sampled */
    /* A row's [moments] floats (the input, then the outputs of the layers) tell all figures of some
     * networks: then a few rows of a request may be kept, and so many rows of all requests are
     * counted together, which costs less than half. Else 0. */
    size_t together;
};

/* The sum of |f'(z)| over a layer's units and the rows that were sampled. */
struct axon__slopes {
    double sum;
    uint64_t rows;
};

struct axon__figures {
    uint64_t rows;
    uint64_t ranged, out;               /* rows of which the range was known; values out of it */
    _Alignas(AXON__LINE) double data[]; /* of each figure a whole number of lines of the cache */
};

/* So many that putting figures together costs each row little, and no more than stay in the cache,
 * of all but wide networks; all else of the shape is known. */
size_t axon__together(const struct axon__shape *shape);

size_t axon__figures_bytes(const struct axon__shape *shape);
/* Figures of no row yet. Moments, magnitudes and extremes have no value: the first rows store
 * theirs. */
void axon__figures_begin(struct axon__figures *f, const struct axon__shape *shape);
/* into += from, counts modulo 2^32. */
void axon__figures_add(struct axon__figures *into, const struct axon__figures *from,
                       const struct axon__shape *shape);

/* Rows that were kept, [rows, moments], join the figures. */
void axon__figures_fold(struct axon__figures *into, const float *kept, size_t rows,
                        const struct axon__shape *shape);

/* ---- where they stand ---- */

/* [moments] each: mean, and sum of (y - mean)^2 */
static inline double *axon__mean(const struct axon__figures *f)
{
    return (double *)f->data;
}

static inline double *axon__squares(const struct axon__figures *f, const struct axon__shape *s)
{
    return axon__mean(f) + s->moments;
}

/* [magnitudes]: sum of |y| */
static inline double *axon__magnitude(const struct axon__figures *f, const struct axon__shape *s)
{
    return axon__squares(f, s) + s->moments;
}

/* [features] each: the smallest and the largest value */
static inline float *axon__least(const struct axon__figures *f, const struct axon__shape *s)
{
    return (float *)(void *)(axon__magnitude(f, s) + s->magnitudes);
}

static inline float *axon__most(const struct axon__figures *f, const struct axon__shape *s)
{
    return axon__least(f, s) + s->features;
}

/* [counts] */
static inline uint32_t *axon__counts(const struct axon__figures *f, const struct axon__shape *s)
{
    return (uint32_t *)(void *)(axon__most(f, s) + s->features);
}

/* [layers] */
static inline struct axon__slopes *axon__slopes(const struct axon__figures *f,
                                                const struct axon__shape *s)
{
    return (struct axon__slopes *)(void *)(axon__counts(f, s) + s->counts);
}

/* [layers]: outputs that are not finite, also of rows that are not in `rows` */
static inline uint64_t *axon__non_finite(const struct axon__figures *f, const struct axon__shape *s)
{
    return (uint64_t *)(void *)(axon__slopes(f, s) + s->layers);
}

#endif
