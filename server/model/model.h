/* model.h - one loaded version of a model: its network, what its config says, and its counters.
 *
 * Immutable after load but for its counters; shared by all threads and released by the last that
 * holds it. */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <axon/mlp.h>
#include "metrics/metrics.h"
#include "model/cost.h"
#include "base/error.h"
#include "neurons/baseline.h"
#include "neurons/predictions.h"
#include "model/ranking.h"
#include "options/options.h"

enum { MODEL_NAME_MAX = 64 };

enum model_task {
    MODEL_TASK_NONE,
    MODEL_BINARY,
    MODEL_MULTICLASS,
    MODEL_MULTILABEL,
    MODEL_REGRESSION
};

struct advice_list;
struct names;
struct axon_bounds;
struct model_line;
struct neurons;
struct record;

/* How an output tells its label's own probability, where labels do not exclude each other. */
enum model_chances {
    MODEL_CHANCES_NONE,   /* they do, or outputs are no probabilities */
    MODEL_CHANCES_SERVED, /* it is one                                */
    MODEL_CHANCES_LOGITS  /* sigma of it is                           */
};

struct model_layer {
    const char *name;
    const struct axon_activation *activation;
    size_t units;
};

struct model {
    char name[MODEL_NAME_MAX + 1];
    uint64_t version;
    enum model_task task;
    const char *input_name, *output_name;
    struct model_layer *layers;
    size_t layers_count;
    const char *const *labels; /* of the outputs; labels_count 0: none */
    size_t labels_count;
    size_t label_text_max;  /* of the longest label as JSON text */
    struct names *columns;  /* names of the features; NULL: there are none */
    size_t column_text_max; /* as label_text_max */
    enum ranking ranking;   /* how labels get their scores */
    struct axon_mlp *mlp;
    struct predictions_shape answers;
    enum model_chances chances;
    const char *const *classes;     /* of the answers, [answers.classes]: labels, else numbers */
    struct baseline_shape baseline; /* what one must fit */
    struct axon_bounds *bounds;     /* NULL: there is neither a declared range nor a baseline */
    bool bounds_declared;           /* over input.min and max; else over the baseline's, at load */
    struct advice_list *advice;     /* neurons/advice.h */
    struct cost cost;               /* of a forward pass */
    struct metrics_model *metrics;
    uint64_t neurons_every;  /* one row in so many is watched; 0: none      */
    struct neurons *neurons; /* NULL: nobody watches                        */
    struct record *record;   /* of rows that were answered; NULL: config.json asks for none */
    struct model_line *line; /* of requests that wait for a worker: server/infer's */
    double load_s, loaded_unix_s;
    _Atomic uint64_t answered_ns; /* clock_ns() of the last answer, to a millisecond; 0: none */
    void *private;                /* model.c's */
};

const char *model_task_name(enum model_task task); /* "multiclass"; "" for none */

void model_ref(struct model *m);
void model_unref(struct model *m); /* NULL is fine; frees with the last */

/* Whether a model is held by anybody, for those who do not hold it themselves. */
struct model_life;
struct model_life *model_life(const struct model *m); /* borrowed from m */
void model_life_ref(struct model_life *life);         /* NULL is fine */
void model_life_unref(struct model_life *life);       /* NULL is fine */
bool model_life_is_over(const struct model_life *life);

/* The baseline in force, with a new reference; NULL: there is none. */
struct baseline *model_baseline(const struct model *m);

/* From now on b is in force; its text becomes baseline.json of the version's folder before, if
 * there are options. One at a time: when several threads come, the last to write is the one in
 * force. The model counts neurons. ERROR_OK, or ERROR_NOT_WRITABLE, and nothing has changed. */
enum error_id model_baseline_put(struct model *m, struct baseline *b, const struct options *options,
                                 const struct buf *text, struct error *error);

/* baseline.json of the version's folder becomes the text. ERROR_OK, or ERROR_NOT_WRITABLE. */
enum error_id model_baseline_write(const struct model *m, const struct options *options,
                                   const struct buf *text, struct error *error);

/* Post-activation values that a request wants besides. */
struct model_capture {
    size_t count;
    struct model_captured {
        size_t layer;
        float *values; /* [rows of the request, units] */
    } layers[];
};

/* The counts of a request's rows: kept with the request until it is known to be answered, since a
 * request that fails counts nothing. One thread at a time uses it. */
struct model_tally;

size_t model_tally_bytes(const struct model *m);
struct model_tally *model_tally_create(const struct model *m); /* new; NULL when out of memory */
void model_tally_destroy(struct model_tally *tally);           /* NULL is fine */
/* into += from: of a request that several workers have computed. */
void model_tally_add(const struct model *m, struct model_tally *into,
                     const struct model_tally *from);

/* The request is answered: its rows, forward passes and neurons into the counters. Without memory
 * for neuron counters the rows are missing there and in axond_neuron_rows_total. */
void model_count(struct model *m, const struct model_tally *tally);

/* Rows of one request, or a part of them. */
struct model_rows {
    const float *x; /* [rows, features] */
    float *y;       /* [rows, outputs]  */
    size_t rows;
    const struct model_capture *capture; /* or NULL              */
    size_t first;                        /* of its rows: x's first */
    struct model_tally *tally; /* is added to, and stands in one part only; NULL: nothing counts */
};

/* Predict all parts as one matrix (at most UINT32_MAX rows), on the calling worker's scratch. A
 * forward pass is one part's to count. 0, or -1 when out of memory, with y and the tallies
 * undefined. */
int model_run(struct model *m, const struct model_rows *parts, size_t count);

#endif
