/* private.h - what model.c, load.c and batcher.c share: the part of a model that nobody else sees.
 */
#ifndef MODEL_PRIVATE_H
#define MODEL_PRIVATE_H

#include "model/batcher.h"
#include "model/load.h"
#include "model/model.h"

struct counters;

TAILQ_HEAD(batch_jobs, batch_job);

/* What waits to be computed by one version; all but the limits under the batcher's lock. */
struct batch_queue {
    size_t rows_max, queue_rows_max; /* as `batching` in config.json */
    uint64_t delay_ns;
    size_t rows, rows_in_line; /* that no worker has taken; of each request one piece at most */
    struct batch_jobs jobs;    /* with rows to take                                           */
    size_t jobs_rows;          /* of rows, theirs: the others' jobs are on their way          */
    TAILQ_ENTRY(batch_queue) link;
};

struct model_private {
    unsigned references; /* atomically */
    struct batch_queue queue;
    struct counters *counters; /* NULL: neuron_stats is off, or no layer has exact zeros */
    struct fingerprint fingerprint;
    char input_name[MODEL_NAME_MAX + 1], output_name[MODEL_NAME_MAX + 1];
    char layer_names[CONFIG_LAYERS_MAX][MODEL_NAME_MAX + 1];
    char **labels; /* [labels_count] */
};

/* Free what there is, also of a model that is only half made. */
void model_destroy(struct model *m);

#endif
