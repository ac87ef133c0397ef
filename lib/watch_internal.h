/* watch_internal.h - what is in a watch: mlp_predict.c fills it in, neurons.c reads it. Internal to
 * lib/.
 *
 * Invariant: a row is in `rows` and `fired`, or in `skipped`. Padding units have counts, too,
 * which nobody reads. */
#ifndef AXON_WATCH_INTERNAL_H
#define AXON_WATCH_INTERNAL_H

#include <stdbool.h>
#include "axon/watch.h"

/* Rows, and whether they are all the same: a row stands for itself by a hash, so that no copy of it
 * need be kept. Two rows of one hash would be taken for equal, which costs a verdict and never
 * makes one. */
struct axon__rows {
    uint64_t count;
    uint64_t first; /* hash of the first row; nothing if count is 0 */
    bool differ;
};

struct axon_watch {
    struct axon__rows rows;
    uint64_t skipped;
    size_t size;      /* of fired */
    uint32_t fired[]; /* watched layers one after the other, each from its watch_offset on */
};

/* Rows that were watched elsewhere. */
static inline void axon__rows_add(struct axon__rows *into, const struct axon__rows *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0)
        into->first = from->first;
    into->differ |= from->differ || into->first != from->first;
    into->count += from->count;
}

/* `count` rows x [count, features], of which none is skipped. */
void axon__rows_note(struct axon__rows *rows, const float *x, size_t count, size_t features);

#endif
