/* watch_internal.h - what is in a watch: mlp_predict.c fills it in, neurons.c reads it. Internal to
 * lib/.
 *
 * Invariant: a watched row is in `figures`, among the kept ones, or in `skipped`. Rows are kept
 * only as long as figures have none. Padding units have figures, too, which nobody reads. */
#ifndef AXON_WATCH_INTERNAL_H
#define AXON_WATCH_INTERNAL_H

#include <stdbool.h>
#include "axon/watch.h"
#include "figures.h"
#include "mlp_internal.h"

struct axon_watch {
    struct axon__shape shape;
    uint64_t skipped;
    uint64_t row;            /* of its request: the next one                      */
    uint64_t every, wait;    /* one row in `every` is watched, after `wait` more  */
    const float *low, *high; /* [features] of the network, or NULL                */
    struct axon_not_finite first;
    bool has_saved;                 /* figures of before the block: axon__watch_saved()   */
    bool begun;                     /* figures have been begun: axon__watch_settle()      */
    size_t kept;                    /* rows that are kept as they are: axon__watch_kept() */
    uint64_t kept_ranged, kept_out; /* of them, as in figures */
    /* Two of them: `figures` of a block's rows may have to be taken back. */
    struct axon__figures figures;
};

/* Where those of before the block are kept. */
static inline struct axon__figures *axon__watch_saved(struct axon_watch *watch)
{
    char *figures = (char *)&watch->figures;

    return (struct axon__figures *)(void *)(figures + axon__figures_bytes(&watch->shape));
}

/* [kept, moments], in the same place. More rows than these cost less if they are counted at once.
 */
enum { AXON__KEPT_MAX = 4 };

static inline size_t axon__kept_max(const struct axon__shape *shape)
{
    size_t share = shape->together / 8;

    return share < AXON__KEPT_MAX ? share : (size_t)AXON__KEPT_MAX;
}

static inline float *axon__watch_kept(struct axon_watch *watch)
{
    return (float *)(void *)axon__watch_saved(watch);
}

/* Figures are begun, and kept rows are in them. */
void axon__watch_settle(struct axon_watch *watch);

/* The epilogue's counts of a layer's units from `first` on, of rows after `before` others. */
struct axon_tally axon__watch_tally(struct axon_watch *watch, const struct axon__layer *layer,
                                    size_t first, uint64_t before);

#endif
