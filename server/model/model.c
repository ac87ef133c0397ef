/* model.c - one loaded version of a model: life, prediction and its counters. load.c makes it.
 *
 * Invariant: what model.h shows never changes after load; counters are behind counters.h and
 * metrics.h, which any thread may use. */
#include "model/model.h"
#include <axon/backward.h>
#include <math.h>
#include <stdbool.h>
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

    if (m->metrics)
        metrics_model_add(m->metrics, METRIC_queue_rows_max, 0,
                          0 - (uint64_t)p->queue.queue_rows_max);
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

/* ---- prediction ----------------------------------------------------------------------------- */

/* The calling worker's memory: for the network; the tally, or NULL if nothing is tallied; and, for
 * more than one part, the rows together. */
struct work {
    void *scratch;
    uint32_t *tally;
    float *x, *y;
};

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static bool work_init(struct work *w, const struct model *m, size_t rows)
{
    const struct model_private *p = m->private;
    size_t scratch_bytes = aligned(axon_mlp_scratch_bytes(m->mlp));
    size_t tally_bytes = aligned(axon_mlp_tally_size(m->mlp) * sizeof *w->tally);
    size_t x_bytes = aligned(rows * axon_mlp_features(m->mlp) * sizeof *w->x);
    size_t y_bytes = aligned(rows * axon_mlp_outputs(m->mlp) * sizeof *w->y);
    char *memory = worker_scratch(scratch_bytes + tally_bytes + x_bytes + y_bytes);

    if (!memory)
        return false;
    w->scratch = memory;
    w->tally = p->counters ? (uint32_t *)(void *)(memory + scratch_bytes) : NULL;
    w->x = (float *)(void *)(memory + scratch_bytes + tally_bytes);
    w->y = (float *)(void *)(memory + scratch_bytes + tally_bytes + x_bytes);
    return true;
}

static void run(const struct model *m, const struct work *w, const float *x, size_t rows, float *y)
{
    if (w->tally)
        memset(w->tally, 0, axon_mlp_tally_size(m->mlp) * sizeof *w->tally);
    axon_mlp_predict(m->mlp, x, rows, y, w->scratch, w->tally);
}

static bool is_finite(const struct model *m, const struct model_rows *part)
{
    for (size_t i = 0; i < part->rows * axon_mlp_outputs(m->mlp); i++)
        if (!isfinite(part->y[i]))
            return false;
    return true;
}

/* The tally of the last run into the neuron statistics. If it holds rows that must not count, the
 * others run again, together: one bad client must not make every batch cost more than double. */
static void count_neurons(const struct model *m, const struct work *w,
                          const struct model_rows *parts, size_t count, size_t rows)
{
    const struct model_private *p = m->private;
    size_t features = axon_mlp_features(m->mlp), kept = 0;

    if (!w->tally)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!is_finite(m, &parts[i]))
            continue;
        if (count > 1)
            memcpy(w->x + kept * features, parts[i].x, parts[i].rows * features * sizeof *w->x);
        kept += parts[i].rows;
    }
    if (kept == 0)
        return;
    if (kept < rows)
        run(m, w, w->x, kept, w->y);
    if (counters_add(p->counters, w->tally, kept) == 0)
        metrics_model_add(m->metrics, METRIC_neuron_rows_total, 0, kept);
}

static void count_rows(const struct model *m, size_t rows)
{
    metrics_model_add(m->metrics, METRIC_inference_rows_total, 0, rows);
    metrics_model_add(m->metrics, METRIC_inference_batches_total, 0, 1);
    metrics_model_observe(m->metrics, METRIC_batch_rows, (double)rows);
}

static void run_together(const struct model *m, const struct work *w,
                         const struct model_rows *parts, size_t count, size_t rows)
{
    size_t features = axon_mlp_features(m->mlp), outputs = axon_mlp_outputs(m->mlp);
    float *x = w->x;
    const float *y = w->y;

    for (size_t i = 0; i < count; x += parts[i++].rows * features)
        memcpy(x, parts[i].x, parts[i].rows * features * sizeof *x);
    run(m, w, w->x, rows, w->y);
    for (size_t i = 0; i < count; y += parts[i++].rows * outputs)
        memcpy(parts[i].y, y, parts[i].rows * outputs * sizeof *y);
}

/* No memory to put them side by side: then one after the other. */
static int run_apart(struct model *m, const struct model_rows *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (model_run(m, &parts[i], 1) != 0)
            return -1;
    return 0;
}

/* What parts want besides. A second pass, a layer after the other, makes the same bits: so those
 * who ask for nothing pay nothing. */
static int capture(const struct model *m, const struct model_rows *part)
{
    enum { ROWS_MAX = 64, BYTES_MAX = 4 << 20 /* for more than a row */ };
    size_t features = axon_mlp_features(m->mlp), rows_max = ROWS_MAX, some, bytes;
    void *scratch;

    if (!part->capture || part->rows == 0)
        return 0;
    axon_mlp_backward_scratch_bytes(m->mlp, rows_max, &bytes);
    for (; bytes > BYTES_MAX && rows_max > 1; rows_max /= 2)
        axon_mlp_backward_scratch_bytes(m->mlp, rows_max / 2, &bytes);
    scratch = worker_scratch(bytes);
    if (!scratch)
        return -1;
    for (size_t row = 0; row < part->rows; row += some) {
        some = part->rows - row < rows_max ? part->rows - row : rows_max;
        axon_mlp_forward_keep(m->mlp, part->x + row * features, some, NULL, scratch);
        for (size_t i = 0; i < part->capture->count; i++) {
            const struct model_captured *c = &part->capture->layers[i];
            size_t units = m->layers[c->layer].units;

            memcpy(c->values + (part->first + row) * units,
                   axon_mlp_kept_post(m->mlp, some, scratch, c->layer),
                   some * units * sizeof *c->values);
        }
    }
    return 0;
}

int model_run(struct model *m, const struct model_rows *parts, size_t count)
{
    struct work w;
    size_t rows = 0;

    for (size_t i = 0; i < count; i++)
        rows += parts[i].rows;
    if (!work_init(&w, m, count > 1 ? rows : 0))
        return count > 1 ? run_apart(m, parts, count) : -1;
    if (count > 1)
        run_together(m, &w, parts, count, rows);
    else
        run(m, &w, parts->x, rows, parts->y);
    count_rows(m, rows);
    count_neurons(m, &w, parts, count, rows);
    for (size_t i = 0; i < count; i++)
        if (capture(m, &parts[i]) != 0)
            return -1;
    return 0;
}
