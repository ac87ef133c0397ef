/* axon/watch.h - what a forward pass notes of its rows: which units fired, and whether rows differ.
 *
 * A watch lies in the caller's memory and belongs to one thread at a time. A row with an output
 * that is not finite says nothing of the units that it went through: it is skipped, and costs
 * nobody else. */
#ifndef AXON_WATCH_H
#define AXON_WATCH_H

#include <stddef.h>
#include <stdint.h>
#include "axon/mlp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct axon_watch;

/* Bytes of a watch of this network; its memory is aligned for a uint64_t. */
size_t axon_watch_bytes(const struct axon_mlp *mlp);

/* memory [axon_watch_bytes(mlp)] as a watch that has seen no row yet. There is nothing to release.
 */
struct axon_watch *axon_watch_init(void *memory, const struct axon_mlp *mlp);

/* Rows that count, and rows that were skipped. */
uint64_t axon_watch_rows(const struct axon_watch *watch);
uint64_t axon_watch_rows_skipped(const struct axon_watch *watch);

/* Rows on which each unit of the layer fired, [units], modulo 2^32; borrowed from the watch. NULL
 * if the layer is not watched (axon_mlp_layer_watched()). */
const uint32_t *axon_watch_fired(const struct axon_watch *watch, const struct axon_mlp *mlp,
                                 size_t layer);

/* into += from, both of the same network. */
void axon_watch_add(struct axon_watch *into, const struct axon_watch *from);

#ifdef __cplusplus
}
#endif

#endif
