/* axon/watch.h - what a forward pass notes of its rows: which units fired, how large outputs and
 * inputs were, and where numbers stopped being finite.
 *
 * A watch lies in the caller's memory and belongs to one thread at a time. A row with a number that
 * is not finite (a feature, or any layer's output) says nothing of the units that it went through:
 * it is skipped, and costs nobody else. All but the last layer are watched. */
#ifndef AXON_WATCH_H
#define AXON_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "axon/mlp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct axon_watch;

/* Bytes of a watch of this network, a multiple of 64. */
size_t axon_watch_bytes(const struct axon_mlp *mlp);

/* memory [axon_watch_bytes(mlp)], 64-byte aligned, as a watch that has seen no row yet. There is
 * nothing to release. */
struct axon_watch *axon_watch_init(void *memory, const struct axon_mlp *mlp);

/* From now on input values below low or above high are counted, [features] each, borrowed, as
 * posted; NULL, NULL: no more. */
void axon_watch_range(struct axon_watch *watch, const float *low, const float *high);

/* From now on one row in `every` (>= 1) is watched, after `wait` others. */
void axon_watch_every(struct axon_watch *watch, uint64_t every, uint64_t wait);

/* The next row's index in its request, 0 at first: by it derivatives are sampled, and it is what
 * axon_not_finite tells. */
void axon_watch_row(struct axon_watch *watch, uint64_t row);

/* Rows that count, and rows that were skipped. */
uint64_t axon_watch_rows(const struct axon_watch *watch);
uint64_t axon_watch_rows_skipped(const struct axon_watch *watch);

/* Where an output was not finite for the first time: the first such row, and the first layer and
 * unit of it. */
struct axon_not_finite {
    bool known;
    size_t layer, unit;
    uint64_t row;
};

/* Outputs of all layers that are not finite, and the first of them (NULL: not wanted). */
uint64_t axon_watch_not_finite(const struct axon_watch *watch, struct axon_not_finite *first);

/* Rows on which each unit of the layer fired, [units], modulo 2^32; borrowed from the watch. NULL
 * if the layer is not watched (axon_mlp_layer_watched()). A unit fires when its output is not 0, if
 * the activation with its parameters has exact zeros or is rowwise, else when its pre-activation is
 * above 0. */
const uint32_t *axon_watch_fired(struct axon_watch *watch, const struct axon_mlp *mlp,
                                 size_t layer);

/* into += from, both of the same network; from has seen the same as before. */
void axon_watch_add(struct axon_watch *into, struct axon_watch *from);

#ifdef __cplusplus
}
#endif

#endif
