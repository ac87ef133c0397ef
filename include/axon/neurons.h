/* axon/neurons.h - the health of units: what watches have noted, since load and in a sliding
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

/* A unit is dormant up to this share of its layer's mean magnitude (Sokar 2023, arXiv 2302.12902).
 */
#define AXON_DORMANT_TAU 0.025
/* A unit is saturated if this share of its outputs is. */
#define AXON_SATURATED_SHARE 0.99

enum axon_window { AXON_WINDOW_LOAD, AXON_WINDOW_SLIDING, AXON_WINDOW_COUNT };

enum axon_unit_state {
    AXON_UNIT_ALIVE,      /* has fired                                                         */
    AXON_UNIT_SUSPECT,    /* has not fired, and there is no verdict yet                        */
    AXON_UNIT_DEAD,       /* has not fired, by verdict                                         */
    AXON_UNIT_SILENT,     /* has not fired, by verdict, but has no exact zeros to be dead by   */
    AXON_UNIT_PROVEN_DEAD /* has not fired and cannot: axon_neurons_prove(). It needs no rows  */
};

struct axon_neurons;

struct axon_evidence {
    double window_s;   /* >= 1 */
    uint64_t rows_min; /* >= 1: 300 rows without firing bound the rate by 1 % (95 %) */
};

/* One hidden layer in a window. Ratios and means of nothing are NaN. */
struct axon_neurons_layer {
    bool watched;                         /* if it is not, all but the units is 0 */
    bool verdict;                         /* without one, dead, dormant and saturated are 0 */
    bool has_zeros;                       /* a unit may be dead: the activation has exact zeros */
    uint64_t rows, outputs, zero_outputs; /* outputs = rows * units; zeros of units that may die */
    uint64_t units;
    uint64_t silent;      /* units that fired on none of the rows, however few these are */
    uint64_t suspect;     /* of these, those without a verdict                           */
    uint64_t dead;        /* of these, the dead ones, proven ones included               */
    uint64_t proven_dead; /* of these, the proven ones: also without a verdict           */
    uint64_t dormant;     /* units whose score is at most AXON_DORMANT_TAU               */
    uint64_t saturated;   /* units of which AXON_SATURATED_SHARE of the outputs are      */
    double saturated_low, saturated_high; /* shares of the outputs: within 1 % of the range's width
                                             of an end (axon_activation's saturation), or |f'(z)|
                                             below 1 % of its maximum, z < 0 and z >= 0, if no range
                                             is declared; NaN for rowwise activations, for those
                                             with exact zeros and no range, and if |f'| has no
                                             maximum */
    double mean, std;                     /* of all outputs */
    double magnitude;                     /* mean |y| */
    double derivative_mean;               /* mean |f'(z)|; NaN for rowwise activations */
    uint64_t derivative_rows;             /* rows that it was taken from: all, or a sample */
    uint64_t non_finite;                  /* outputs, also of rows that were skipped */
};

/* One unit. Without rows the numbers are NaN. */
struct axon_neurons_unit {
    enum axon_unit_state state;
    uint64_t rows, fired;
    double mean, std, magnitude;          /* of its outputs; mean |y| */
    double saturated_low, saturated_high; /* shares, as the layer's */
    double last_active_s;                 /* since load, to a part of the window; < 0: never */
};

/* One input feature, as posted: before scale and offset. Without rows the numbers are NaN. */
struct axon_neurons_feature {
    uint64_t rows;
    double min, max, mean, std;
};

/* Input values of rows whose range was known (axon_watch_range()), and those out of it. */
struct axon_neurons_range {
    uint64_t values, out;
};

/* Counters for mlp's watched layers. new, or NULL when out of memory. */
struct axon_neurons *axon_neurons_create(const struct axon_mlp *mlp,
                                         const struct axon_evidence *evidence);
void axon_neurons_destroy(struct axon_neurons *neurons);

/* Bytes that axon_neurons_create() takes. */
size_t axon_neurons_bytes(const struct axon_mlp *mlp);

/* Whether a part of that age that has so many rows, of all workers, is over. */
bool axon_neurons_part_is_over(const struct axon_evidence *evidence, double age_s, uint64_t rows);

/* Add the rows of a watch to a part at time now_s. Parts are numbered in the order of time; rows
 * of a part that is long over count since load only. */
void axon_neurons_add(struct axon_neurons *neurons, struct axon_watch *watch, uint64_t part,
                      double now_s);

/* The same, but a few rows that the watch has kept as they are may be counted together with others:
 * a reader sees them after axon_neurons_settle(). For those who serve one row at a time. */
void axon_neurons_add_later(struct axon_neurons *neurons, struct axon_watch *watch, uint64_t part,
                            double now_s);
void axon_neurons_settle(struct axon_neurons *neurons);

/* Move what a watch knows of outputs that are not finite: it counts whatever becomes of the rows,
 * and the watch forgets it. */
void axon_neurons_move_not_finite(struct axon_neurons *neurons, struct axon_watch *watch,
                                  uint64_t part, double now_s);

/* Units [units] of a layer of which it is proven that they never fire: from now on, in place of
 * what was said before. */
void axon_neurons_prove(struct axon_neurons *neurons, size_t layer, const bool *proven);

/* into += from; both made for the same mlp and evidence, and both settled by it. */
void axon_neurons_merge(struct axon_neurons *into, struct axon_neurons *from);

/* ---- reading, as seen at now_s ---- */

/* Layers of the network, watched or not. */
size_t axon_neurons_layers_count(const struct axon_neurons *neurons);
size_t axon_neurons_features_count(const struct axon_neurons *neurons);

/* Rows of a window that count. */
uint64_t axon_neurons_rows(const struct axon_neurons *neurons, enum axon_window window,
                           double now_s);
/* Do they prove anything? There are rows_min of them, and some feature varies. */
bool axon_neurons_verdict(const struct axon_neurons *neurons, enum axon_window window,
                          double now_s);

/* A layer, watched or not. */
struct axon_neurons_layer axon_neurons_layer(const struct axon_neurons *neurons, size_t layer,
                                             enum axon_window window, double now_s);
/* One unit of a watched layer. */
struct axon_neurons_unit axon_neurons_unit(const struct axon_neurons *neurons, size_t layer,
                                           size_t unit, enum axon_window window, double now_s);
/* All units of a watched layer at once, [units]. */
void axon_neurons_units(const struct axon_neurons *neurons, size_t layer, enum axon_window window,
                        double now_s, struct axon_neurons_unit *units);
/* An input feature. */
struct axon_neurons_feature axon_neurons_feature(const struct axon_neurons *neurons, size_t feature,
                                                 enum axon_window window, double now_s);
/* All input values of a window. */
struct axon_neurons_range axon_neurons_range(const struct axon_neurons *neurons,
                                             enum axon_window window, double now_s);

/* Where an output was not finite for the first time since load, and when. */
struct axon_not_finite axon_neurons_not_finite(const struct axon_neurons *neurons, double *at_s);

/* Rows on which `unit` of `layer` fired in the window, and what that makes of it. */
uint64_t axon_neurons_fired(const struct axon_neurons *neurons, size_t layer, size_t unit,
                            enum axon_window window, double now_s);
enum axon_unit_state axon_neurons_state(const struct axon_neurons *neurons, size_t layer,
                                        size_t unit, enum axon_window window, double now_s);

/* Score of a unit: its mean magnitude over its layer's; 0 / 0 is 0. */
double axon_neurons_dormant_score(double magnitude, double layer_magnitude);

/* A unit that fired on none of so many rows fires on at most this share of them, with 95 %
 * confidence: 1 - 0.05^(1/rows), about 3/rows; 1 of no rows. Exact (Clopper and Pearson 1934) for
 * independent rows. */
double axon_neurons_rate_upper95(uint64_t rows);

#ifdef __cplusplus
}
#endif

#endif
