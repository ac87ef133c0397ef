/* cells.h - counters that every worker adds to in memory of its own, and a reader sums.
 *
 * A block of `slots` counters exists once per worker that has touched it, so that the hot path
 * shares no cache line. Reading while others add is fine: each slot is one atomic. */
#ifndef METRICS_CELLS_H
#define METRICS_CELLS_H

#include <stddef.h>
#include <stdint.h>

struct cells;

struct cells *cells_create(size_t slots); /* new, all zero; NULL when out of memory */

/* As many that count for others, too: the sum of the whole is its own and that of its parts. Parts
 * come and go, and the whole is summed and destroyed, under one lock of the caller's. */
struct cells *cells_create_part(struct cells *whole);

/* The counts of a part stay in the whole's sum. NULL is fine. */
void cells_destroy(struct cells *c);

/* slot += value for this worker; slot < slots. Wait-free but for a worker's first touch, which
 * allocates; when that fails, a block shared by all takes the counts, so none is lost. */
void cells_add(struct cells *c, size_t slot, uint64_t value);

/* The slot's sum over all workers and parts, modulo 2^64; 0 for c == NULL. */
uint64_t cells_sum(const struct cells *c, size_t slot);

#endif
