/* counters.c - the neuron counters of one model version, one set per worker, merged on scrape.
 *
 * Invariants: a slot appears once, is never replaced, and its neurons are touched under its lock
 * only; workers share a slot only beyond SLOTS_MAX, so the lock is free but during a scrape. The
 * number of the open part of the window only grows, under the parts' lock. */
#include "neurons/counters.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/slot.h"

struct slot {
    pthread_mutex_t lock;
    struct axon_neurons *neurons;
};

/* The open part of the sliding window, for all workers: read by each of them at every request, so
 * written as seldom as possible. The lock is for opening the next one; the rest is atomic. */
struct open_part {
    pthread_mutex_t lock;
    uint64_t number;
    uint64_t rows;     /* of all workers, up to what a part must have; more are not counted here */
    uint64_t began_ns; /* of the caller's clock */
};

struct counters {
    const struct axon_mlp *mlp;
    struct axon_evidence evidence;
    struct slot *slots[SLOTS_MAX]; /* atomically; NULL until the worker's first rows */
    _Alignas(64) struct open_part open;
};

struct counters *counters_create(const struct axon_mlp *mlp, const struct axon_evidence *evidence)
{
    struct counters *c = aligned_alloc(64, sizeof *c);

    if (!c)
        return NULL;
    memset(c, 0, sizeof *c);
    c->mlp = mlp;
    c->evidence = *evidence;
    pthread_mutex_init(&c->open.lock, NULL);
    return c;
}

static void slot_destroy(struct slot *slot)
{
    if (!slot)
        return;
    axon_neurons_destroy(slot->neurons);
    pthread_mutex_destroy(&slot->lock);
    free(slot);
}

void counters_destroy(struct counters *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < SLOTS_MAX; i++)
        slot_destroy(c->slots[i]);
    pthread_mutex_destroy(&c->open.lock);
    free(c);
}

static struct slot *slot_create(const struct counters *c)
{
    struct slot *slot = aligned_alloc(64, (sizeof *slot + 63) / 64 * 64); /* a line of its own */

    if (!slot)
        return NULL;
    slot->neurons = axon_neurons_create(c->mlp, &c->evidence);
    if (!slot->neurons) {
        free(slot);
        return NULL;
    }
    pthread_mutex_init(&slot->lock, NULL);
    return slot;
}

/* The calling worker's slot, made on first use. */
static struct slot *slot_mine(struct counters *c)
{
    struct slot **place = &c->slots[slot_index()], *there = NULL, *made;

    there = __atomic_load_n(place, __ATOMIC_ACQUIRE);
    if (there)
        return there;
    made = slot_create(c);
    if (!made)
        return NULL;
    if (__atomic_compare_exchange_n(place, &there, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return made;
    slot_destroy(made);
    return there;
}

/* ---- the parts of the window ----------------------------------------------------------------- */

static bool is_over(const struct counters *c, uint64_t now_ns)
{
    uint64_t began_ns = __atomic_load_n(&c->open.began_ns, __ATOMIC_RELAXED);
    uint64_t rows = __atomic_load_n(&c->open.rows, __ATOMIC_RELAXED);

    return now_ns > began_ns && /* one worker's clock may be a little behind another's */
           axon_neurons_part_is_over(&c->evidence, (double)(now_ns - began_ns) * 1e-9, rows);
}

static void open_next(struct counters *c, uint64_t now_ns)
{
    pthread_mutex_lock(&c->open.lock);
    if (is_over(c, now_ns)) {
        __atomic_store_n(&c->open.rows, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&c->open.began_ns, now_ns, __ATOMIC_RELAXED);
        __atomic_store_n(&c->open.number, c->open.number + 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&c->open.lock);
}

/* The part that rows of now belong to. It begins with its first rows. */
static uint64_t part_for(struct counters *c, uint64_t rows, uint64_t now_ns)
{
    uint64_t before;

    if (is_over(c, now_ns))
        open_next(c, now_ns);
    before = __atomic_load_n(&c->open.rows, __ATOMIC_RELAXED);
    if (before == 0)
        __atomic_store_n(&c->open.began_ns, now_ns, __ATOMIC_RELAXED);
    if (!axon_neurons_part_is_over(&c->evidence, c->evidence.window_s, before))
        __atomic_fetch_add(&c->open.rows, rows, __ATOMIC_RELAXED);
    return __atomic_load_n(&c->open.number, __ATOMIC_RELAXED);
}

/* ---- counting -------------------------------------------------------------------------------- */

int counters_add(struct counters *c, const struct axon_watch *watch, double now_s)
{
    struct slot *slot = slot_mine(c);
    uint64_t part;

    if (!slot)
        return -1;
    part = part_for(c, axon_watch_rows(watch), (uint64_t)(now_s * 1e9));
    pthread_mutex_lock(&slot->lock);
    axon_neurons_add(slot->neurons, watch, part, now_s);
    pthread_mutex_unlock(&slot->lock);
    return 0;
}

struct axon_neurons *counters_merge(struct counters *c)
{
    struct axon_neurons *sum = axon_neurons_create(c->mlp, &c->evidence);

    for (size_t i = 0; sum && i < SLOTS_MAX; i++) {
        struct slot *slot = __atomic_load_n(&c->slots[i], __ATOMIC_ACQUIRE);
        if (!slot)
            continue;
        pthread_mutex_lock(&slot->lock);
        axon_neurons_merge(sum, slot->neurons);
        pthread_mutex_unlock(&slot->lock);
    }
    return sum;
}

/* ---- what a scrape reads --------------------------------------------------------------------- */

/* A share of nothing is no number: 0 would read as healthy. */
static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : (double)NAN;
}

/* The gauges of one window. No verdict is NaN, never 0; the raw share needs a row, no more. */
static void window_refresh(struct metrics_model *metrics, const struct axon_neurons_layer *n,
                           size_t index, enum axon_window w)
{
    metrics_layer_set(metrics, METRIC_dead_relu_ratio, index, w,
                      ratio(n->dead, n->verdict ? n->units : 0));
    metrics_layer_set(metrics, METRIC_silent_unit_ratio, index, w,
                      ratio(n->silent, n->rows ? n->units : 0));
    metrics_layer_set(metrics, METRIC_relu_zero_fraction, index, w,
                      ratio(n->zero_outputs, n->outputs));
}

static void layer_refresh(struct metrics_model *metrics, const struct axon_neurons *sum,
                          size_t layer, size_t index, double now_s)
{
    struct axon_neurons_layer since_load = axon_neurons_layer(sum, layer, AXON_WINDOW_LOAD, now_s);
    struct axon_neurons_layer sliding = axon_neurons_layer(sum, layer, AXON_WINDOW_SLIDING, now_s);

    window_refresh(metrics, &since_load, index, AXON_WINDOW_LOAD);
    window_refresh(metrics, &sliding, index, AXON_WINDOW_SLIDING);
    metrics_layer_set(metrics, METRIC_relu_outputs_total, index, AXON_WINDOW_LOAD,
                      (double)since_load.outputs);
    metrics_layer_set(metrics, METRIC_relu_zero_outputs_total, index, AXON_WINDOW_LOAD,
                      (double)since_load.zero_outputs);
}

void counters_refresh(struct counters *c, struct metrics_model *metrics)
{
    double now_s = clock_s();
    struct axon_neurons *sum = counters_merge(c);

    for (size_t l = 0, index = 0; sum && l < axon_mlp_layers_count(c->mlp); l++)
        if (axon_mlp_layer_watched(c->mlp, l))
            layer_refresh(metrics, sum, l, index++, now_s);
    axon_neurons_destroy(sum);
}
