/* registry.h - what metrics.c counts into and exposition.c reads. For server/metrics alone.
 *
 * Invariant: counting touches only cells and atomics; everything under `lock` is a scrape's, for
 * one piece of it, and the (rare) coming and going of models. */
#ifndef METRICS_REGISTRY_H
#define METRICS_REGISTRY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "metrics/cells.h"
#include "metrics/metrics.h"

enum metric_type {
    TYPE_COUNTER,
    TYPE_GAUGE,
    TYPE_INFO,
    TYPE_SUMMARY,
    TYPE_HISTOGRAM,
    TYPE_HISTOGRAM_COARSE, /* this one and the next are left out while they are empty */
    TYPE_HISTOGRAM_SHARE,
    TYPE_HISTOGRAM_COUNT,
    TYPE_GAUGE_IF_SET,
    TYPE_COUNT
};
enum metric_scope {
    SCOPE_GLOBAL,
    SCOPE_HTTP,
    SCOPE_ROUTE,
    SCOPE_MODEL,
    SCOPE_VERSION,
    SCOPE_LAYER,
    SCOPE_CLASS,
    SCOPE_PROCESS,
    SCOPE_COUNT
};

struct metric_row {
    const char *name;
    enum metric_type type;
    enum metric_scope scope;
    const char *labels, *help;
};
extern const struct metric_row metric_rows[METRIC_COUNT];

/* Every label name there is: labels.def. A label whose values are a fixed list makes one series per
 * value. */
enum label {
#define LABEL(id, name, values) LABEL_##id,
#include "metrics/labels.def"
#undef LABEL
    LABEL_COUNT
};

/* The labels of a metric, in the order of the wire; LABEL_COUNT ends the list. */
enum { LABELS_MAX = 6 };
struct label_list {
    enum label label[LABELS_MAX + 1];
};
const char *label_name(enum label label);
struct label_list label_list_of(const struct metric_row *row);
/* The label of the list with a fixed set of values, which are numbered from 0; LABEL_COUNT: none.
 */
enum label label_indexed(const struct label_list *list);
unsigned label_values(enum label label);
const char *label_value(enum label label, unsigned index);

/* The buckets of a type, ascending, without +Inf; a summary has none. */
struct bound {
    uint64_t value; /* nanoseconds */
    const char *le; /* the same in seconds, as it is written */
};
struct bounds {
    const struct bound *bound;
    unsigned count;
    double per_unit; /* values count this many to one second (thing) */
};
/* NULL for a type whose values are not observed. */
const struct bounds *bounds_of(enum metric_type type);

/* Where a metric's slots stand in a block of its scope. A metric that is observed has its buckets,
 * the number of values above them all, and the sum. */
struct layout {
    unsigned offset[METRIC_COUNT], slots[METRIC_COUNT], block[SCOPE_COUNT];
};
const struct layout *layout_get(void); /* makes it */
/* The same, for those who count: metrics_init() and metrics_model_create() have had it made. */
extern struct layout layout;

/* Values of a scope: what is added (cells) and what is set (doubles, as bits; all of them 0: never
 * set, so a 0 that is set is -0); either may be NULL. */
struct values {
    struct cells *cells;
    _Atomic uint64_t *set;
};

/* HTTP_ADDED_MAX: what clients bring about, beside the series that are foreseen. It is less than
 * what an idle daemon without models shows, so no client can double a scrape. */
enum { HTTP_SERIES_MAX = 1024, HTTP_ADDED_MAX = 256, HTTP_CODES = 600 };

/* A combination of route, method and code that is foreseen, or has occurred. */
struct http_series {
    _Atomic uint32_t key;          /* 0: free */
    _Atomic(struct cells *) cells; /* NULL: nothing counted yet */
};

/* All versions of one model, served or not: what is counted per model outlives any version. */
struct metrics_name {
    char *name;
    unsigned references;
    struct cells *cells;
    struct metrics_name *next;
};

struct metrics_model {
    struct metrics_name *name;
    struct cells *shared; /* of MODEL, as far as this version counts: a part of the name's */
    char *version, *task, **layers;
    size_t layers_count;
    struct values values;
    _Atomic uint64_t *layer_set; /* [layers_count][block of LAYER] */
    char **classes;
    size_t classes_count;      /* METRICS_CLASSES_MAX + 1 at most, the last one "other" then */
    struct cells *class_cells; /* [classes_count][block of CLASS] */
    atomic_bool buckets;       /* metrics_model_buckets() */
    void (*refresh)(struct metrics_model *metrics, void *context);
    void *context;
    size_t refresh_numbers, numbers; /* of these, and of its series as well */
    uint64_t refreshed;              /* the last scrape that had begun when its last refresh did */
    bool published;
    struct metrics_model *next; /* published, ascending by model and version */
};

/* A version that is not there, since it failed to load. */
struct failed_version {
    char *model, version[24];
};

struct registry {
    pthread_mutex_t lock;
    struct metrics_info info;
    unsigned *methods;    /* [routes_count + 1] bit m: the route takes it; the last: any does */
    struct cells *routes; /* [routes_count + 1][block of ROUTE]: the last is "other" */
    struct values global;
    struct http_series http[HTTP_SERIES_MAX];
    atomic_uint http_added; /* of these, not foreseen */
    struct metrics_name *names;
    struct metrics_model *models;
    atomic_size_t numbers;         /* of all these, to be read without the lock */
    _Atomic uint64_t scrapes;      /* that have begun */
    struct failed_version *failed; /* [failed_count] */
    size_t failed_count;
    char window[32]; /* "60s" */
};
extern struct registry registry;

/* The labels of the http series with that key; route and method are static, code is in code_text.
 */
struct http_labels {
    const char *route, *method, *code;
    char code_text[12];
};
void http_labels_of(uint32_t key, struct http_labels *labels);
const char *route_label(unsigned row); /* "other" beyond the last */

bool value_is_set(const struct values *values, unsigned slot);
double value_set(const struct values *values, unsigned slot);

#endif
