/* drift.h - how far the rows of a window are from the baseline: per unit, layer, class and input.
 *
 * The measure is the population stability index with half a row added on each side, and 1/N + 1/n
 * is what sampling alone gives of it (Yurdakul 2018). N are the baseline's rows, n the window's.
 * A figure without evidence is NaN. */
#ifndef NEURONS_DRIFT_H
#define NEURONS_DRIFT_H

#include "neurons/baseline.h"
#include "neurons/predictions.h"

struct metrics_model;
struct neurons;

/* A baseline from what a window holds at now_s: new, with temperature and conformal calibration of
 * `before` (NULL: none), since labels alone give those; NULL when out of memory. */
struct baseline *drift_baseline(const struct baseline_shape *shape, const struct axon_neurons *n,
                                const struct predictions *answers, enum axon_window window,
                                double now_s, const struct baseline *before);

/* psi = (p - q) ln(p/q) + (q - p) ln((1-p)/(1-q)), p = (fired + 1/2)/(rows + 1), q the same of a
 * share `habit` of habit_rows. */
double drift_of_unit(uint64_t fired, uint64_t rows, double habit, uint64_t habit_rows);

/* One layer that the baseline has, that is of which b->layers[layer].firing is there. */
struct drift_layer {
    double drift;      /* mean of its units' psi; NaN without a verdict */
    double noise;      /* 1/N + 1/n; NaN without a row                  */
    double newly_dead; /* units that fired on none of n rows, though the baseline's rate makes that
                          10 or more of them; NaN without a verdict     */
};
/* Firings, or changes of a feature, that a baseline expects: with none of them, chance is below
 * e^-10. */
enum { DRIFT_EXPECTED_MIN = 10 };
struct drift_layer drift_of_layer(const struct baseline *b, const struct axon_neurons *n,
                                  size_t layer, enum axon_window window, double now_s);

/* At least this share of the baseline's rows has another value than this of a feature of which std
 * > 0: (std^2 + (mean - value)^2) / d^2, d the distance from the value to the farther end of the
 * range, since no row is farther away than that. */
double drift_of_feature(const struct baseline_input *input, size_t feature, double value);

/* The sum over classes of (p - q) ln(p/q), p = (count + 1/2)/(rows + classes/2), q the same of the
 * baseline's. */
double drift_of_classes(const uint64_t *counts, const uint64_t *habit, size_t classes);

/* Set the metrics that compare with the baseline in force, if there is one. */
void drift_refresh(struct neurons *n, const struct axon_neurons *sum, double now_s,
                   struct metrics_model *metrics);

#endif
