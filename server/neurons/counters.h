/* counters.h - the neuron counters of one model version, one set per worker, merged on scrape. */
#ifndef NEURONS_COUNTERS_H
#define NEURONS_COUNTERS_H

#include <axon/neurons.h>
#include "metrics/metrics.h"

struct counters;

/* mlp is borrowed while the counters live. new, or NULL when out of memory. */
struct counters *counters_create(const struct axon_mlp *mlp, const struct axon_evidence *evidence);
void counters_destroy(struct counters *c);

/* Add what a watch has seen of rows that were served, at time now_s (clock_s()), by the calling
 * worker. 0, or -1 when out of memory (the first time that a worker comes, never later). */
int counters_add(struct counters *c, const struct axon_watch *watch, double now_s);

/* The counters of all workers; new, or NULL when out of memory. */
struct axon_neurons *counters_merge(struct counters *c);

/* Set the layer metrics, indexed by watched layer in order. */
void counters_refresh(struct counters *c, struct metrics_model *metrics);

#endif
