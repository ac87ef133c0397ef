/* metrics.h - the registry: counters, gauges and histograms from one table, written as Prometheus
 * text.
 *
 * Counting is wait-free on per-worker cells (relaxed atomics, see worker.h); a scrape sums them.
 * One registry per process. Global metrics are indexed by fixed label sets (routes, methods, codes,
 * reasons, levels, activations); MODEL metrics live in a struct metrics_model, one per loaded model
 * version. */
#ifndef METRICS_H
#define METRICS_H

#include <stddef.h>
#include <stdint.h>
#include "buf.h"

enum metric {
#define METRIC(id, ...) METRIC_##id,
#include "metrics/metrics.def"
#undef METRIC
    METRIC_COUNT
};

/* Label values that the code knows: reasons of axond_http_rejected_total, outcomes of
 * axond_inference_requests_total. */
enum metrics_rejected {
    REJECTED_FRAMING,
    REJECTED_PARSER,
    REJECTED_HEADERS,
    REJECTED_BODY,
    REJECTED_BODIES_IN_FLIGHT,
    REJECTED_CONNECTIONS,
    REJECTED_CONNECTIONS_PER_ADDRESS,
    REJECTED_HEADERS_TIMEOUT,
    REJECTED_BODY_TIMEOUT,
    REJECTED_IDLE_TIMEOUT,
    REJECTED_CUT,
    REJECTED_COUNT
};
enum metrics_outcome {
    OUTCOME_SUCCESS,
    OUTCOME_INVALID,
    OUTCOME_REJECTED,
    OUTCOME_CANCELLED,
    OUTCOME_DEADLINE,
    OUTCOME_ERROR,
    OUTCOME_COUNT
};
enum metrics_window { METRICS_WINDOW_LOAD, METRICS_WINDOW_SLIDING, METRICS_WINDOW_COUNT };

/* routes[routes_count] are the templates (routes_count itself stands for "other"); labels of
 * build_info come in as values. Call once, before any other function. 0, or -1 when out of memory.
 */
struct metrics_info {
    const char *version, *revision, *compiler, *blas, *blas_core, *isa;
    const char *(*route_template)(unsigned route);
    unsigned routes_count;
    double window_s; /* the sliding window's length: its label is "60s" */
};
int metrics_init(const struct metrics_info *info);
void metrics_fini(void);

/* A request has ended, also one that was refused: axond_http_requests_total, its duration, bytes in
 * and out. */
void metrics_http_request(unsigned route, const char *method, unsigned code, double seconds,
                          uint64_t bytes_in, uint64_t bytes_out);

/* Global counters and gauges; index is the label set's row, 0 where the metric has no labels. */
void metrics_add(enum metric metric, unsigned index, uint64_t value);
void metrics_gauge_add(enum metric metric, int64_t value);
void metrics_gauge_set(enum metric metric, double value);

/* The metrics of one loaded model version. refresh (may be NULL) is called before each scrape, one
 * scrape at a time, to set what is computed only then. Layer metrics are indexed by layer and
 * window. */
struct metrics_model;
struct metrics_model_spec {
    const char *model, *version, *task;
    const char *const *layers; /* names of the layers that have neuron metrics */
    size_t layers_count;
    void (*refresh)(struct metrics_model *metrics, void *context);
    void *context;
};
struct metrics_model *
metrics_model_create(const struct metrics_model_spec *spec); /* new, or NULL; copied */
void metrics_model_destroy(struct metrics_model *m); /* no refresh runs during or after it */

/* A model version's series appear in the scrape from publish to withdraw. */
void metrics_model_publish(struct metrics_model *m);
void metrics_model_withdraw(struct metrics_model *m);

void metrics_model_add(struct metrics_model *m, enum metric metric, unsigned index, uint64_t value);
void metrics_model_observe(struct metrics_model *m, enum metric metric, double value);
void metrics_model_set(struct metrics_model *m, enum metric metric, double value);
void metrics_layer_set(struct metrics_model *m, enum metric metric, size_t layer,
                       enum metrics_window window, double value);

/* The exposition. accept is the request's header or NULL: OpenMetrics 1.0 if asked for,
 * else text 0.0.4. *content_type is static. */
void metrics_write(struct buf *out, const char *accept, const char **content_type);

#endif
