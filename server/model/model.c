/* model.c - one loaded version of a model: life, prediction and its counters. load.c makes it.
 *
 * Invariant: what model.h shows never changes after load; counters are behind counters.h and
 * metrics.h, which any thread may use. */
#include "model/model.h"
#include <stdlib.h>
#include <string.h>
#include "model/counters.h"
#include "model/private.h"
#include "worker.h"

void model_ref(struct model *m)
{
    struct model_private *p = m->private;

    __atomic_add_fetch(&p->references, 1, __ATOMIC_RELAXED);
}

void model_unref(struct model *m)
{
    struct model_private *p;

    if (!m)
        return;
    p = m->private;
    if (__atomic_sub_fetch(&p->references, 1, __ATOMIC_ACQ_REL) == 0)
        model_destroy(m);
}

void model_destroy(struct model *m)
{
    struct model_private *p = m->private;

    metrics_model_destroy(m->metrics); /* first: a refresh reads the counters */
    counters_destroy(p->counters);
    axon_mlp_destroy(m->mlp);
    for (size_t i = 0; i < m->labels_count; i++)
        free(p->labels[i]);
    free(p->labels);
    free(m->layers);
    free(p);
    free(m);
}

const struct fingerprint *model_fingerprint(const struct model *m)
{
    const struct model_private *p = m->private;

    return &p->fingerprint;
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* The calling worker's scratch for m, with its tally behind it; NULL when out of memory. */
static char *scratch_of(const struct model *m, uint32_t **tally)
{
    const struct model_private *p = m->private;
    size_t scratch_bytes = aligned(axon_mlp_scratch_bytes(m->mlp));
    size_t tally_bytes = axon_mlp_tally_size(m->mlp) * sizeof(uint32_t);
    char *scratch = worker_scratch(scratch_bytes + tally_bytes);

    *tally = p->counters && scratch ? (uint32_t *)(void *)(scratch + scratch_bytes) : NULL;
    return scratch;
}

int model_begin(struct model *m)
{
    uint32_t *tally;

    if (!scratch_of(m, &tally))
        return -1;
    if (tally)
        memset(tally, 0, axon_mlp_tally_size(m->mlp) * sizeof *tally);
    return 0;
}

void model_predict(struct model *m, const float *x, size_t rows, float *y)
{
    uint32_t *tally;
    char *scratch = scratch_of(m, &tally);

    axon_mlp_predict(m->mlp, x, rows, y, scratch, tally);
    metrics_model_add(m->metrics, METRIC_inference_rows_total, 0, rows);
}

void model_count(struct model *m, size_t rows)
{
    const struct model_private *p = m->private;
    uint32_t *tally;

    (void)scratch_of(m, &tally);
    if (tally && counters_add(p->counters, tally, rows) == 0)
        metrics_model_add(m->metrics, METRIC_neuron_rows_total, 0, rows);
}
