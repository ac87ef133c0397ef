/* metrics.h - the registry: counters, gauges and histograms from one table, written as Prometheus
 * text.
 *
 * Counting takes no lock: workers add to cells of their own (relaxed atomics, see worker.h), and a
 * scrape sums them. Only a worker's first touch of a block waits for the allocator.
 * One registry per process. Global metrics are indexed by fixed label sets (routes, methods, codes,
 * reasons, levels, activations); MODEL metrics live in a struct metrics_model, one per loaded model
 * version. */
#ifndef METRICS_H
#define METRICS_H

#include <axon/neurons.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

enum metric {
#define METRIC(id, ...) METRIC_##id,
#include "metrics/metrics.def"
#undef METRIC
    METRIC_COUNT
};

/* Label values that the code knows: reasons of axond_http_rejected_total, outcomes of
 * axond_inference_requests_total, causes of axond_keys_refused_total, sides of
 * axond_saturated_output_ratio. */
enum metrics_rejected {
    REJECTED_FRAMING,
    REJECTED_PARSER,
    REJECTED_REQUEST_LINE,
    REJECTED_HEADERS,
    REJECTED_BODY,
    REJECTED_BODIES_IN_FLIGHT,
    REJECTED_CONNECTIONS,
    REJECTED_CONNECTIONS_PER_ADDRESS,
    REJECTED_HEADERS_TIMEOUT,
    REJECTED_BODY_TIMEOUT,
    REJECTED_IDLE_TIMEOUT,
    REJECTED_REPLY_UNREAD,
    REJECTED_CUT,
    REJECTED_COUNT
};
enum metrics_key_refusal {
    KEY_MISSING,
    KEY_MALFORMED, /* or in the URL, or two that differ */
    KEY_UNKNOWN,
    KEY_SCOPE, /* known, and not for this */
    KEY_REFUSALS
};
enum metrics_side { SIDE_LOW, SIDE_HIGH, SIDE_COUNT };
enum metrics_outcome {
    OUTCOME_SUCCESS,
    OUTCOME_INVALID,
    OUTCOME_REJECTED,
    OUTCOME_CANCELLED,
    OUTCOME_DEADLINE,
    OUTCOME_ERROR,
    OUTCOME_COUNT
};

/* Routes are numbered 0 .. routes_count - 1; any other number is "other". Labels of build_info come
 * in as values; all strings are borrowed until metrics_fini(). Call once, before other threads
 * count; what is counted before is lost. 0, or -1 when out of memory. */
struct metrics_info {
    const char *version, *revision, *compiler, *isa;
    const char *(*route_label)(unsigned route);
    /* Whether the route takes the method: one that it does not take is counted as "other". NULL:
     * it takes none. */
    bool (*route_takes)(unsigned route, const char *method);
    unsigned routes_count;
    double window_s; /* the sliding window's length: its label is "60s" */
};
int metrics_init(const struct metrics_info *info);
void metrics_fini(void); /* after the last model's metrics are destroyed and nothing counts */

/* A request has ended, also one that was refused: axond_http_requests_total, its duration, bytes in
 * and out. */
void metrics_http_request(unsigned route, const char *method, unsigned code, double seconds,
                          uint64_t bytes_in, uint64_t bytes_out);

/* "missing": as the label and the log call it. */
const char *metrics_key_refusal(enum metrics_key_refusal cause);

/* Global counters and gauges; index is the label set's row, 0 where the metric has no labels. */
void metrics_add(enum metric metric, unsigned index, uint64_t value);
void metrics_gauge_add(enum metric metric, int64_t value);
void metrics_gauge_set(enum metric metric, double value);

/* The metrics of one loaded model version. refresh (may be NULL) is called for each scrape, one
 * model at a time, to set what is computed only then; it works on about refresh_numbers numbers.
 * Layer metrics are indexed by layer and window. */
struct metrics_model;
struct metrics_model_spec {
    const char *model, *version, *task;
    const char *const *layers; /* names of the layers that have neuron metrics */
    size_t layers_count;
    const char *const *classes; /* names of the classes of its answers */
    size_t classes_count;
    void (*refresh)(struct metrics_model *metrics, void *context);
    void *context;
    size_t refresh_numbers;
};
/* new, or NULL when out of memory; the spec's strings are copied */
struct metrics_model *metrics_model_create(const struct metrics_model_spec *spec);
/* Withdraws first; no refresh runs during or after it. NULL is fine. */
void metrics_model_destroy(struct metrics_model *m);

/* A model version's series appear in the scrape from publish to withdraw. Publishing a second one
 * of the same model and version withdraws the first. A metric per model (label `model`
 * alone) goes on over all its versions, as long as one is alive. Waits for the piece of a scrape
 * that is under way, so hold no lock that a refresh takes. */
void metrics_model_publish(struct metrics_model *m);
void metrics_model_withdraw(struct metrics_model *m);

/* Metrics with the labels of a version: add and set may both be used, the scrape shows their sum.
 * Those per model: add, of which a gauge takes negative values modulo 2^64. Summaries and
 * histograms of both: observe a value. A metric of another kind is ignored. */
void metrics_model_add(struct metrics_model *m, enum metric metric, unsigned index, uint64_t value);
void metrics_model_observe(struct metrics_model *m, enum metric metric, double value);
/* Values of a histogram: how many fell into each bucket, as metrics_bucket() numbers them, and
 * their sum. */
enum { METRICS_BUCKETS_MAX = 20 };
unsigned metrics_bucket(enum metric metric, double value);
void metrics_model_observe_buckets(struct metrics_model *m, enum metric metric,
                                   const uint32_t counts[static METRICS_BUCKETS_MAX], double sum);
/* Whether histograms with the labels of a version have all their buckets, or +Inf alone, which is
 * enough for a mean: their series are many. Values from before count, too. */
void metrics_model_buckets(struct metrics_model *m, bool wanted);
/* Rows of a class of the model, by its number: those from METRICS_CLASSES_MAX on have one series.
 */
enum { METRICS_CLASSES_MAX = 32 };
void metrics_class_add(struct metrics_model *m, enum metric metric, size_t class, uint64_t value);
/* The series of a GAUGE_IF_SET ends. */
void metrics_model_unset(struct metrics_model *m, enum metric metric);
void metrics_model_set(struct metrics_model *m, enum metric metric, double value);
/* A layer's series exists once it is set. index: an enum axon_window or metrics_side; ignored for
 * metrics without such a label. */
void metrics_layer_set(struct metrics_model *m, enum metric metric, size_t layer, unsigned index,
                       double value);

/* The work of a version since it was loaded, as its metrics count it. ns: in all. A request is one
 * of success or of failure, and counts in each phase that it came to. */
struct metrics_statistics {
    struct metrics_time {
        uint64_t count, ns;
    } success, failure, parse, queue, compute, write;
    uint64_t rows, batches; /* forward passes */
};
struct metrics_statistics metrics_model_statistics(const struct metrics_model *m);

/* Versions that failed to load and of which nothing serves: their axond_model_ready is 0, and they
 * have no other series. Takes the place of the list before; names are copied. 0, or -1 when out of
 * memory, with the list before in place. */
struct metrics_failed {
    const char *model;
    uint64_t version;
};
int metrics_failed_set(const struct metrics_failed *list, size_t count);

/* A scrape, which is done in pieces, since models may be many and large. Several may be under way;
 * models may come and go between the pieces. Nothing is to be released. */
struct metrics_scrape {
    bool openmetrics;
    uint64_t number;    /* it wants refreshes that began with this scrape, or later */
    enum metric metric; /* the next one to be written */
};

/* The numbers that a scrape works on now, about, but for those that any daemon has. No lock. */
size_t metrics_scrape_numbers(void);

/* accept is the request's header or NULL: OpenMetrics 1.0 if asked for, else text 0.0.4. */
void metrics_scrape_begin(struct metrics_scrape *s, const char *accept);
const char *metrics_scrape_content_type(const struct metrics_scrape *s); /* static */

/* Refresh some models. True: there are more. */
bool metrics_scrape_refresh(struct metrics_scrape *s);

/* Append some metrics, once all models are refreshed. True: there are more. */
bool metrics_scrape_write(struct metrics_scrape *s, struct buf *out);

#endif
