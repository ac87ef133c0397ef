/* model.c - one loaded version of a model: life, prediction and its counters. load.c makes it.
 *
 * Invariant: what model.h shows never changes after load; counters belong to neurons.h and
 * metrics.h, which any thread may use. */
#include "model/model.h"
#include <axon/backward.h>
#include <axon/bounds.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/names.h"
#include "neurons/neurons.h"
#include "model/private.h"
#include "model/record.h"
#include "base/slot.h"

void model_ref(struct model *m)
{
    struct model_private *p = m->private;

    atomic_fetch_add_explicit(&p->references, 1, memory_order_relaxed);
}

void model_unref(struct model *m)
{
    struct model_private *p;

    if (!m)
        return;
    p = m->private;
    if (atomic_fetch_sub_explicit(&p->references, 1, memory_order_acq_rel) == 1)
        model_destroy(m);
}

void model_destroy(struct model *m)
{
    struct model_private *p = m->private;

    if (m->metrics)
        metrics_model_add(m->metrics, METRIC_queue_rows_max, 0,
                          0 - (uint64_t)p->line.queue_rows_max);
    metrics_model_destroy(m->metrics); /* first: a refresh reads the counters */
    neurons_destroy(m->neurons);
    record_destroy(m->record);
    free(m->advice);
    axon_bounds_destroy(m->bounds);
    axon_mlp_destroy(m->mlp);
    for (size_t i = 0; i < m->labels_count; i++)
        free(p->labels[i]);
    free(p->labels);
    names_destroy(m->columns);
    for (size_t i = 0; i < p->columns_count; i++)
        free(p->columns[i]);
    free(p->columns);
    baseline_unref(p->unwatched);
    pthread_mutex_destroy(&p->baseline_lock);
    free(p->numbers);
    free(p->classes);
    free(m->layers);
    free(p->root);
    if (p->life)
        atomic_store_explicit(&p->life->is_over, true, memory_order_release);
    model_life_unref(p->life);
    free(p);
    free(m);
}

struct model_life *model_life(const struct model *m)
{
    return ((const struct model_private *)m->private)->life;
}

void model_life_ref(struct model_life *life)
{
    if (life)
        atomic_fetch_add_explicit(&life->references, 1, memory_order_relaxed);
}

void model_life_unref(struct model_life *life)
{
    if (life && atomic_fetch_sub_explicit(&life->references, 1, memory_order_acq_rel) == 1)
        free(life);
}

bool model_life_is_over(const struct model_life *life)
{
    return atomic_load_explicit(&life->is_over, memory_order_acquire);
}

bool model_is_current(struct model *m, const struct version_source *from,
                      const struct file_id *config_id)
{
    struct model_private *p = m->private;
    struct fingerprint now;
    bool same;

    pthread_mutex_lock(&p->baseline_lock); /* no baseline is half put */
    now = fingerprint_read(from, config_id);
    same = fingerprint_same(&now, &p->fingerprint);
    pthread_mutex_unlock(&p->baseline_lock);
    return same;
}

/* ---- what a request's rows count ------------------------------------------------------------ */

struct model_tally {
    size_t bytes;          /* of all of it */
    uint64_t rows, passes; /* that were computed, and the forward passes of them that it counts */
    struct predictions_tally *answers;
    struct baseline *baseline; /* a reference: its range is the watch's; NULL: there is none */
    struct axon_watch *watch;  /* NULL: nobody watches the neurons */
};

/* Where the watch begins in a tally. */
static size_t watch_at(const struct model *m)
{
    return (sizeof(struct model_tally) + predictions_tally_bytes(&m->answers) + 63) / 64 * 64;
}

size_t model_tally_bytes(const struct model *m)
{
    return watch_at(m) + (m->neurons ? axon_watch_bytes(m->mlp) : 0);
}

struct model_tally *model_tally_create(const struct model *m)
{
    size_t bytes = model_tally_bytes(m);
    struct model_tally *tally = slot_take(bytes);

    if (!tally)
        return NULL;
    *tally = (struct model_tally){.bytes = bytes};
    tally->answers = memset(tally + 1, 0, predictions_tally_bytes(&m->answers));
    tally->baseline = neurons_baseline(m->neurons);
    if (m->neurons)
        tally->watch = axon_watch_init((char *)tally + watch_at(m), m->mlp);
    if (tally->baseline)
        axon_watch_range(tally->watch, tally->baseline->input.min, tally->baseline->input.max);
    return tally;
}

void model_tally_destroy(struct model_tally *tally)
{
    if (!tally)
        return;
    baseline_unref(tally->baseline);
    slot_give(tally, tally->bytes);
}

void model_tally_add(const struct model *m, struct model_tally *into,
                     const struct model_tally *from)
{
    predictions_tally_add(&m->answers, into->answers, from->answers);
    into->rows += from->rows;
    into->passes += from->passes;
    if (into->watch)
        axon_watch_add(into->watch, from->watch);
}

static void count_neurons(const struct model *m, const struct model_tally *tally)
{
    struct axon_watch *watch = tally->watch;

    uint64_t skipped = axon_watch_rows_skipped(watch);

    if (skipped > 0)
        metrics_model_add(m->metrics, METRIC_neuron_rows_skipped_total, 0, skipped);
    if (neurons_add(m->neurons, watch, tally->answers, (double)clock_coarse_ns() * 1e-9) == 0)
        metrics_model_add(m->metrics, METRIC_neuron_rows_total, 0, axon_watch_rows(watch));
}

static void count_answers(const struct model *m, const struct predictions_tally *answers)
{
    if (answers->rows == 0)
        return;
    metrics_model_observe_buckets(m->metrics, METRIC_prediction_confidence, answers->buckets,
                                  answers->confidence);
    for (size_t i = 0; i < m->answers.classes; i++)
        if (answers->classes[i] > 0)
            metrics_class_add(m->metrics, METRIC_predictions_total, i, answers->classes[i]);
}

void model_count(struct model *m, const struct model_tally *tally)
{
    metrics_model_add(m->metrics, METRIC_inference_rows_total, 0, tally->rows);
    metrics_model_add(m->metrics, METRIC_inference_batches_total, 0, tally->passes);
    count_answers(m, tally->answers);
    if (tally->watch)
        count_neurons(m, tally);
}

/* ---- prediction ----------------------------------------------------------------------------- */

/* The calling worker's memory: for the network; who watches which rows; and, for more than one
 * part, the rows together. */
struct work {
    void *scratch;
    struct axon_watched *watched; /* [count] */
    float *x, *y;
};

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static bool work_init(struct work *w, const struct model *m, const struct model_rows *parts,
                      size_t count, size_t rows)
{
    size_t scratch_bytes = aligned(axon_mlp_scratch_bytes(m->mlp));
    size_t watched_bytes = aligned(count * sizeof *w->watched);
    size_t x_bytes = aligned(rows * axon_mlp_features(m->mlp) * sizeof *w->x);
    size_t y_bytes = aligned(rows * axon_mlp_outputs(m->mlp) * sizeof *w->y);
    char *memory = slot_scratch(scratch_bytes + watched_bytes + x_bytes + y_bytes);

    if (!memory)
        return false;
    w->scratch = memory;
    w->watched = (struct axon_watched *)(void *)(memory + scratch_bytes);
    w->x = (float *)(void *)(memory + scratch_bytes + watched_bytes);
    w->y = (float *)(void *)(memory + scratch_bytes + watched_bytes + x_bytes);
    for (size_t i = 0; i < count; i++)
        w->watched[i] = (struct axon_watched){parts[i].rows,
                                              parts[i].tally ? parts[i].tally->watch : NULL};
    for (size_t i = 0; i < count; i++)
        if (w->watched[i].watch)
            neurons_prepare(m->neurons, w->watched[i].watch, parts[i].first, parts[i].rows);
    return true;
}

static void run_together(const struct model *m, const struct work *w,
                         const struct model_rows *parts, size_t count)
{
    size_t features = axon_mlp_features(m->mlp), outputs = axon_mlp_outputs(m->mlp);
    float *x = w->x;
    const float *y = w->y;

    for (size_t i = 0; i < count; x += parts[i++].rows * features)
        memcpy(x, parts[i].x, parts[i].rows * features * sizeof *x);
    axon_mlp_predict_watched(m->mlp, w->x, w->y, w->scratch, w->watched, count);
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

/* The hidden layers that parts want. A second pass, a layer after the other, makes the same bits:
 * so those who ask for nothing pay nothing. */
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
    scratch = slot_scratch(bytes);
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

static bool has_skipped(const struct model_tally *tally)
{
    return tally->watch && axon_watch_rows_skipped(tally->watch) > 0;
}

/* The pass is the first part's to count whose request is not about to be refused for numbers that
 * are not finite; if there is none, the first one's. */
static void tally_pass(const struct model *m, const struct model_rows *parts, size_t count)
{
    struct model_tally *first = NULL;

    for (size_t i = 0; i < count; i++) {
        struct model_tally *tally = parts[i].tally;

        if (!tally)
            continue;
        tally->rows += parts[i].rows;
        predictions_note(&m->answers, tally->answers, parts[i].y, parts[i].rows);
        if (!first || (has_skipped(first) && !has_skipped(tally)))
            first = tally;
    }
    if (first)
        first->passes++;
}

/* Outputs that are not finite count at once, whatever becomes of the request. */
static void count_not_finite(const struct model *m, struct model_tally *tally)
{
    uint64_t count = tally && tally->watch ? axon_watch_not_finite(tally->watch, NULL) : 0;

    if (count > 0 &&
        neurons_move_not_finite(m->neurons, tally->watch, (double)clock_coarse_ns() * 1e-9) == 0)
        metrics_model_add(m->metrics, METRIC_non_finite_outputs_total, 0, count);
}

int model_run(struct model *m, const struct model_rows *parts, size_t count)
{
    struct work w;
    size_t rows = 0;

    for (size_t i = 0; i < count; i++)
        rows += parts[i].rows;
    if (!work_init(&w, m, parts, count, count > 1 ? rows : 0))
        return count > 1 ? run_apart(m, parts, count) : -1;
    if (count > 1)
        run_together(m, &w, parts, count);
    else
        axon_mlp_predict_watched(m->mlp, parts->x, parts->y, w.scratch, w.watched, 1);
    tally_pass(m, parts, count);
    for (size_t i = 0; i < count; i++)
        count_not_finite(m, parts[i].tally);
    for (size_t i = 0; i < count; i++)
        if (capture(m, &parts[i]) != 0)
            return -1;
    return 0;
}
