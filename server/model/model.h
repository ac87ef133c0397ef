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

/* The predictions of one request by the calling worker, in this order and with nothing else of it
 * in between:
 *
 *   model_begin    scratch and an empty tally; 0, or -1 when out of memory
 *   model_predict  y [rows, outputs] = network(x [rows, features]); as often as needed, for at most
 *                  UINT32_MAX rows in all
 *   model_count    these rows were served: adds the tally to the neuron statistics. Left out when
 * the request was refused in the end. Without memory for the counters the rows are missing there
 * and in axond_neuron_rows_total. */
int model_begin(struct model *m);
void model_predict(struct model *m, const float *x, size_t rows, float *y);
void model_count(struct model *m, size_t rows);

#endif
