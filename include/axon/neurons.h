/* axon/neurons.h - whether units still fire: what watches have noted, since load and in a sliding
 * window.
 *
 * One struct axon_neurons belongs to one worker (no locks here: the caller has them); a reader
 * merges those of all workers. Time is the caller's: a monotonic clock in seconds.
 *
 * The sliding window is the last window_s seconds or the last rows_min rows, whichever is longer.
 * It slides by parts, which the caller numbers, for all workers alike: rows belong to the part that
 * is open when they are added, and once a part is a tenth of the window old and has a tenth of
 * rows_min, the next one is opened (axon_neurons_part_is_over()).
 *
 * Few rows prove nothing, and neither do equal ones, which a client that repeats itself sends:
 * there is no verdict over fewer than rows_min rows, nor while every feature is the same in all of
 * them. */
#ifndef AXON_NEURONS_H
#define AXON_NEURONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "axon/watch.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AXON_NEURONS_PARTS = 10 }; /* that are over, of a window; one more is open */

enum axon_window { AXON_WINDOW_LOAD, AXON_WINDOW_SLIDING, AXON_WINDOW_COUNT };

enum axon_unit_state {
    AXON_UNIT_ALIVE,   /* has fired                                                          */
    AXON_UNIT_SUSPECT, /* has not fired, and there is no verdict yet                         */
    AXON_UNIT_DEAD,    /* has not fired, by verdict                                          */
    AXON_UNIT_SILENT   /* has not fired, by verdict, but has no exact zeros to be dead by    */
};

struct axon_neurons;

struct axon_evidence {
    double window_s;   /* >= 1 */
    uint64_t rows_min; /* >= 1: 300 rows without firing bound the rate by 1 % (95 %) */
};

/* One layer in a window. */
struct axon_neurons_layer {
    bool watched; /* if it is not, all but the units is 0 */
    bool verdict;
    uint64_t rows, outputs, zero_outputs; /* outputs = rows * units */
    uint64_t units;
    uint64_t silent;  /* units that fired on none of the rows, however few these are */
    uint64_t suspect; /* of these, those without a verdict: all of them or none      */
    uint64_t dead;    /* of these, the dead ones: 0 without a verdict                */
};

/* Counters for mlp's watched layers. new, or NULL when out of memory. */
struct axon_neurons *axon_neurons_create(const struct axon_mlp *mlp,
                                         const struct axon_evidence *evidence);
void axon_neurons_destroy(struct axon_neurons *neurons);

/* Whether a part of that age that has so many rows, of all workers, is over. */
bool axon_neurons_part_is_over(const struct axon_evidence *evidence, double age_s, uint64_t rows);

/* Add the rows of a watch to a part at time now_s. Parts are numbered in the order of time; rows
 * of a part that is long over count since load only. */
void axon_neurons_add(struct axon_neurons *neurons, const struct axon_watch *watch, uint64_t part,
                      double now_s);

/* into += from; both made for the same mlp and evidence. */
void axon_neurons_merge(struct axon_neurons *into, const struct axon_neurons *from);

/* Layers of the network, watched or not. */
size_t axon_neurons_layers_count(const struct axon_neurons *neurons);

/* One layer, as seen at now_s. */
struct axon_neurons_layer axon_neurons_layer(const struct axon_neurons *neurons, size_t layer,
                                             enum axon_window window, double now_s);

/* Rows on which `unit` of `layer` fired in the window, and what that makes of it. */
uint64_t axon_neurons_fired(const struct axon_neurons *neurons, size_t layer, size_t unit,
                            enum axon_window window, double now_s);
enum axon_unit_state axon_neurons_state(const struct axon_neurons *neurons, size_t layer,
                                        size_t unit, enum axon_window window, double now_s);

/* A unit that fired on none of so many rows fires on at most this share of them, with 95 %
 * confidence: 1 - 0.05^(1/rows), about 3/rows; 1 of no rows. Exact (Clopper and Pearson 1934) for
 * independent rows. */
double axon_neurons_rate_upper95(uint64_t rows);

#ifdef __cplusplus
}
#endif

#endif
