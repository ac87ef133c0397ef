/* model.h - one loaded version of a model: its network, what its config says, and its counters.
 *
 * Immutable after load but for its counters; shared by all threads and released by the last that
 * holds it. */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>
#include <axon/mlp.h>
#include "metrics/metrics.h"
#include "model/model_error.h"
#include "options.h"

enum { MODEL_NAME_MAX = 64, MODEL_LABELS_MAX = 4096 };

enum model_task {
    MODEL_TASK_NONE,
    MODEL_BINARY,
    MODEL_MULTICLASS,
    MODEL_MULTILABEL,
    MODEL_REGRESSION
};

struct model_layer {
    const char *name;
    const struct axon_activation *activation;
    size_t units;
};

struct model {
    char name[MODEL_NAME_MAX + 1];
    uint32_t version;
    enum model_task task;
    const char *input_name, *output_name;
    struct model_layer *layers;
    size_t layers_count;
    const char *const *labels; /* of the outputs; labels_count 0: none */
    size_t labels_count;
    struct axon_mlp *mlp;
    struct metrics_model *metrics;
    double load_s, loaded_unix_s;
    void *private; /* model.c's */
};

const char *model_task_name(enum model_task task); /* "multiclass"; "" for none */

void model_ref(struct model *m);
void model_unref(struct model *m); /* NULL is fine; frees with the last */

/* y [rows, outputs] = network(x [rows, features]) by this worker: scratch, tally, neuron counters
 * and axond_inference_rows_total are taken care of. 0, or -1 when there is no memory for the
 * scratch; without memory for the counters the rows are served and missing in
 * axond_neuron_rows_total. */
int model_predict(struct model *m, const float *x, size_t rows, float *y);

#endif
