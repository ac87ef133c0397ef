/* counters.h - the neuron counters of one model version, one set per worker, merged on scrape. */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <axon/neurons.h>
#include "metrics/metrics.h"

struct counters;

/* mlp is borrowed while the counters live. new, or NULL when out of memory. */
struct counters *counters_create(const struct axon_mlp *mlp, double window_s);
void counters_destroy(struct counters *c);

/* Add the tally of rows served by the calling worker. 0, or -1 when out of memory (the first time
 * that a worker comes, never later). */
int counters_add(struct counters *c, uint32_t *tally, uint64_t rows);

/* The counters of all workers as they are now; new, or NULL when out of memory. */
struct axon_neurons *counters_merge(struct counters *c, double now_s);

/* Set the layer metrics, indexed by tallied layer in order. */
void counters_refresh(struct counters *c, struct metrics_model *metrics);

#endif
