/* axon/neurons.h - whether units still fire: tallies of predict, since load and over a sliding
 * window.
 *
 * One struct axon_neurons belongs to one worker (no locks here: the caller has them); a reader
 * merges those of all workers. Time is the caller's: a monotonic clock in seconds. */
#ifndef AXON_NEURONS_H
#define AXON_NEURONS_H

#include <stddef.h>
#include <stdint.h>
#include "axon/mlp.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AXON_NEURONS_PARTS = 10 }; /* the sliding window moves in tenths of its length */

enum axon_window { AXON_WINDOW_LOAD, AXON_WINDOW_SLIDING, AXON_WINDOW_COUNT };

struct axon_neurons;

/* What a window says of one layer. dead: units that were exactly 0 on every row (0 if rows == 0).
 */
struct axon_neurons_layer {
    uint64_t rows, outputs, zero_outputs; /* outputs = rows * units */
    uint64_t units, dead;
};

/* Counters for mlp's tallied layers; window_s >= 1. new, or NULL when out of memory. */
struct axon_neurons *axon_neurons_create(const struct axon_mlp *mlp, double window_s);
void axon_neurons_destroy(struct axon_neurons *neurons);

/* Add the tally of `rows` rows served at time now_s, and set the tally back to zeros. */
void axon_neurons_add(struct axon_neurons *neurons, uint32_t *tally, uint64_t rows, double now_s);

/* into += from, as seen at now_s; both made for the same mlp and window. */
void axon_neurons_merge(struct axon_neurons *into, const struct axon_neurons *from, double now_s);

/* One tallied layer, as seen at now_s. */
struct axon_neurons_layer axon_neurons_layer(const struct axon_neurons *neurons, size_t layer,
                                             enum axon_window window, double now_s);

/* Rows on which `unit` of `layer` fired in the window. */
uint64_t axon_neurons_fired(const struct axon_neurons *neurons, size_t layer, size_t unit,
                            enum axon_window window, double now_s);

#ifdef __cplusplus
}
#endif

#endif
