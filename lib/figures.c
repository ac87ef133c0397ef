/* figures.c - figures of rows: made, and put together. */
#include "figures.h"
#include <string.h>
#include "kernels/dispatch.h"

size_t axon__together(const struct axon__shape *s)
{
    enum { ROWS_MIN = 8, ROWS_MAX = 64, FLOATS = 8192 };
    size_t rows = FLOATS / s->moments;

    if (s->magnitudes > 0 || s->sampled > 0)
        return 0;
    return rows < ROWS_MIN ? (size_t)ROWS_MIN : rows < ROWS_MAX ? rows : (size_t)ROWS_MAX;
}

size_t axon__figures_bytes(const struct axon__shape *s)
{
    size_t bytes = sizeof(struct axon__figures) +
                   (2 * s->moments + s->magnitudes) * sizeof(double) +
                   2 * s->features * sizeof(float) + s->counts * sizeof(uint32_t) +
                   s->layers * (sizeof(struct axon__slopes) + sizeof(uint64_t));

    return (bytes + AXON__LINE - 1) / AXON__LINE * AXON__LINE;
}

void axon__figures_begin(struct axon__figures *f, const struct axon__shape *s)
{
    char *rest = (char *)axon__counts(f, s);

    *f = (struct axon__figures){.rows = 0};
    memset(rest, 0, (size_t)((char *)f + axon__figures_bytes(s) - rest));
}

/* The first rows join nobody. */
static void copy_first(struct axon__figures *into, const struct axon__figures *from,
                       const struct axon__shape *s)
{
    memcpy(axon__mean(into), axon__mean(from),
           (2 * s->moments + s->magnitudes) * sizeof *into->data);
    memcpy(axon__least(into, s), axon__least(from, s), 2 * s->features * sizeof(float));
    memcpy(axon__counts(into, s), axon__counts(from, s), s->counts * sizeof(uint32_t));
}

static struct axon_joined joined_of(const struct axon__figures *f, const struct axon__shape *s)
{
    return (struct axon_joined){.mean = axon__mean(f),
                                .squares = axon__squares(f, s),
                                .magnitude = axon__magnitude(f, s),
                                .least = axon__least(f, s),
                                .most = axon__most(f, s),
                                .counts = axon__counts(f, s)};
}

static void join(struct axon__figures *into, const struct axon__figures *from,
                 const struct axon__shape *s)
{
    double share = (double)from->rows / ((double)into->rows + (double)from->rows);

    axon__kernels()->join(&(struct axon_join){.into = joined_of(into, s),
                                              .from = joined_of(from, s),
                                              .moments = s->moments,
                                              .magnitudes = s->magnitudes,
                                              .features = s->features,
                                              .counts = s->counts,
                                              .share = share,
                                              .between = share * (double)into->rows});
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
    if (into->rows == 0)
        copy_first(into, from, s);
    else
        join(into, from, s);
    into->rows += from->rows;
    into->ranged += from->ranged;
    into->out += from->out;
}

/* Nothing of them is too large to be summed: axon_keep_row saw to it. */
void axon__figures_fold(struct axon__figures *into, const float *kept, size_t rows,
                        const struct axon__shape *s)
{
    struct axon_columns c = {.x = kept,
                             .rows = rows,
                             .n = s->features,
                             .stride = s->moments,
                             .before = into->rows,
                             .mean = axon__mean(into),
                             .squares = axon__squares(into, s),
                             .least = axon__least(into, s),
                             .most = axon__most(into, s)};

    axon__kernels()->columns(&c);
    c.x += s->features;
    c.n = s->moments - s->features;
    c.mean += s->features;
    c.squares += s->features;
    c.fired = axon__counts(into, s); /* one for each unit */
    if (c.n > 0)
        axon__kernels()->columns(&c);
    into->rows += rows;
}
