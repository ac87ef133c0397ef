/* figures.c - figures of rows: made, and put together. */
#include "figures.h"
#include <math.h>
#include <string.h>
#include "kernels/dispatch.h"

/* These walk multiples of 16, which compilers make vectors of where the inner loop's end is a
 * constant. Arrays of figures are that long. */
enum { CHUNK = AXON_UNITS_MULTIPLE };

size_t axon__figures_bytes(const struct axon__shape *s)
{
    return sizeof(struct axon__figures) + (2 * s->moments + s->magnitudes) * sizeof(double) +
           s->layers * (sizeof(struct axon__slopes) + sizeof(uint64_t)) +
           (2 * s->features * sizeof(float) + s->counts * sizeof(uint32_t) + 7) / 8 * 8;
}

void axon__figures_begin(struct axon__figures *f, const struct axon__shape *s)
{
    float *least = axon__least(f, s), *most = axon__most(f, s);
    char *rest = (char *)axon__slopes(f, s);

    *f = (struct axon__figures){.rows = 0};
    memset(rest, 0, (size_t)((char *)f + axon__figures_bytes(s) - rest));
    for (size_t at = 0; at < s->features; at += CHUNK)
        for (size_t i = at; i < at + CHUNK; i++) {
            least[i] = INFINITY;
            most[i] = -INFINITY;
        }
}

/* Moments and magnitudes, which stand one after the other, of the first rows. */
static void copy_moments(struct axon__figures *into, const struct axon__figures *from,
                         const struct axon__shape *s)
{
    memcpy(axon__mean(into), axon__mean(from),
           (2 * s->moments + s->magnitudes) * sizeof *into->data);
}

static void add_moments(struct axon__figures *into, const struct axon__figures *from,
                        const struct axon__shape *s)
{
    double share = (double)from->rows / ((double)into->rows + (double)from->rows);

    axon__kernels()->join(&(struct axon_moments){.mean = axon__mean(into),
                                                 .squares = axon__squares(into, s),
                                                 .more_mean = axon__mean(from),
                                                 .more_squares = axon__squares(from, s),
                                                 .n = s->moments,
                                                 .share = share,
                                                 .between = share * (double)into->rows});
}

static void add_extremes(struct axon__figures *into, const struct axon__figures *from,
                         const struct axon__shape *s)
{
    float *restrict least = axon__least(into, s), *restrict most = axon__most(into, s);
    const float *restrict less = axon__least(from, s), *restrict more = axon__most(from, s);

    for (size_t at = 0; at < s->features; at += CHUNK)
        for (size_t i = at; i < at + CHUNK; i++) {
            least[i] = less[i] < least[i] ? less[i] : least[i];
            most[i] = more[i] > most[i] ? more[i] : most[i];
        }
}

static void add_sums(double *restrict to, const double *restrict from, size_t count)
{
    for (size_t at = 0; at < count; at += CHUNK)
        for (size_t i = at; i < at + CHUNK; i++)
            to[i] += from[i];
}

static void add_counts(uint32_t *restrict to, const uint32_t *restrict from, size_t count)
{
    for (size_t at = 0; at < count; at += CHUNK)
        for (size_t i = at; i < at + CHUNK; i++)
            to[i] += from[i];
}

void axon__figures_add(struct axon__figures *into, const struct axon__figures *from,
                       const struct axon__shape *s)
{
    for (size_t l = 0; l < s->layers; l++) {
        axon__non_finite(into, s)[l] += axon__non_finite(from, s)[l];
        axon__slopes(into, s)[l].sum += axon__slopes(from, s)[l].sum;
        axon__slopes(into, s)[l].rows += axon__slopes(from, s)[l].rows;
    }
    if (from->rows == 0)
        return;
    if (into->rows == 0) {
        copy_moments(into, from, s);
    } else {
        add_moments(into, from, s);
        add_sums(axon__magnitude(into, s), axon__magnitude(from, s), s->magnitudes);
    }
    add_extremes(into, from, s);
    add_counts(axon__counts(into, s), axon__counts(from, s), s->counts);
    into->rows += from->rows;
    into->ranged += from->ranged;
    into->out += from->out;
}
