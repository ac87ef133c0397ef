/* counters.c - the neuron counters of one model version, one set per worker, merged on scrape.
 *
 * Invariant: a slot appears once, is never replaced, and its neurons are touched under its lock
 * only; workers share a slot only beyond WORKERS_MAX, so the lock is free but during a scrape. */
#include "model/counters.h"
#include <pthread.h>
#include <stdlib.h>
#include "clock.h"
#include "worker.h"

struct slot {
    pthread_mutex_t lock;
    struct axon_neurons *neurons;
};

struct counters {
    const struct axon_mlp *mlp;
    double window_s;
    struct slot *slots[WORKERS_MAX]; /* atomically; NULL until the worker's first rows */
};

struct counters *counters_create(const struct axon_mlp *mlp, double window_s)
{
    struct counters *c = calloc(1, sizeof *c);

    if (c) {
        c->mlp = mlp;
        c->window_s = window_s;
    }
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
    for (size_t i = 0; i < WORKERS_MAX; i++)
        slot_destroy(c->slots[i]);
    free(c);
}

static struct slot *slot_create(const struct counters *c)
{
    struct slot *slot = aligned_alloc(64, (sizeof *slot + 63) / 64 * 64); /* a line of its own */

    if (!slot)
        return NULL;
    slot->neurons = axon_neurons_create(c->mlp, c->window_s);
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
    struct slot **place = &c->slots[worker_index()], *there = NULL, *made;

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

int counters_add(struct counters *c, uint32_t *tally, uint64_t rows)
{
    struct slot *slot = slot_mine(c);

    if (!slot)
        return -1;
    pthread_mutex_lock(&slot->lock);
    axon_neurons_add(slot->neurons, tally, rows, (double)clock_coarse_ns() * 1e-9);
    pthread_mutex_unlock(&slot->lock);
    return 0;
}

struct axon_neurons *counters_merge(struct counters *c, double now_s)
{
    struct axon_neurons *sum = axon_neurons_create(c->mlp, c->window_s);

    for (size_t i = 0; sum && i < WORKERS_MAX; i++) {
        struct slot *slot = __atomic_load_n(&c->slots[i], __ATOMIC_ACQUIRE);
        if (!slot)
            continue;
        pthread_mutex_lock(&slot->lock);
        axon_neurons_merge(sum, slot->neurons, now_s);
        pthread_mutex_unlock(&slot->lock);
    }
    return sum;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void layer_refresh(struct metrics_model *metrics, const struct axon_neurons *sum,
                          size_t layer, size_t index, double now_s)
{
    struct axon_neurons_layer windows[AXON_WINDOW_COUNT];

    for (enum axon_window w = 0; w < AXON_WINDOW_COUNT; w++) {
        const struct axon_neurons_layer *n = &windows[w];
        windows[w] = axon_neurons_layer(sum, layer, w, now_s);
        metrics_layer_set(metrics, METRIC_dead_relu_ratio, index, w, ratio(n->dead, n->units));
        metrics_layer_set(metrics, METRIC_relu_zero_fraction, index, w,
                          ratio(n->zero_outputs, n->outputs));
    }
    metrics_layer_set(metrics, METRIC_relu_outputs_total, index, AXON_WINDOW_LOAD,
                      (double)windows[AXON_WINDOW_LOAD].outputs);
    metrics_layer_set(metrics, METRIC_relu_zero_outputs_total, index, AXON_WINDOW_LOAD,
                      (double)windows[AXON_WINDOW_LOAD].zero_outputs);
}

void counters_refresh(struct counters *c, struct metrics_model *metrics)
{
    double now_s = clock_s();
    struct axon_neurons *sum = counters_merge(c, now_s);

    for (size_t l = 0, index = 0; sum && l < axon_mlp_layers_count(c->mlp); l++)
        if (axon_mlp_layer_tallied(c->mlp, l))
            layer_refresh(metrics, sum, l, index++, now_s);
    axon_neurons_destroy(sum);
}
