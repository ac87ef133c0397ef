/* counters.c - the counts of one model version's neurons, one set per thread, merged when read.
 *
 * Invariants: a slot appears once, is never replaced, and its neurons are touched under its lock
 * only; workers share a slot only beyond SLOTS_MAX, so the lock is free but during a scrape. The
 * number of the open part of the window only grows, under the parts' lock. */
#include "neurons/neurons.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/slot.h"
#include "neurons/baseline.h"
#include "neurons/predictions.h"

struct slot {
    pthread_mutex_t lock;
    struct axon_neurons *neurons;
    struct predictions *predictions;
};

/* The open part of the sliding window, for all workers: read by each of them at every request, so
 * written as seldom as possible. The lock is for opening the next one. */
struct open_part {
    pthread_mutex_t lock;
    _Atomic uint64_t number;
    _Atomic uint64_t rows; /* of all workers, up to what a part must have; more are not counted */
    _Atomic uint64_t began_ns; /* of the caller's clock */
};

struct neurons {
    const struct axon_mlp *mlp;
    const struct predictions_shape *answers;
    struct axon_evidence evidence;
    uint64_t every;
    _Atomic uint64_t passed;       /* rows that have come, if not each is watched */
    pthread_mutex_t baseline_lock; /* held for a few instructions */
    struct baseline *baseline;     /* a reference, or NULL */
    double **outgoing;             /* [layers - 1][units] */
    bool **proven;                 /* [layers][units], under open.lock; NULL until something is */
    _Atomic(struct slot *) slots[SLOTS_MAX]; /* NULL until the worker's first rows */
    _Alignas(64) struct open_part open;
};

/* Once, since it reads all weights. */
static int outgoing_init(struct neurons *n)
{
    size_t layers = axon_mlp_layers_count(n->mlp);

    n->outgoing = calloc(layers, sizeof *n->outgoing);
    n->proven = calloc(layers, sizeof *n->proven);
    if (!n->outgoing || !n->proven)
        return -1;
    for (size_t l = 0; l + 1 < layers; l++) {
        size_t units = axon_mlp_layer_units(n->mlp, l);

        n->outgoing[l] = malloc(units * sizeof **n->outgoing);
        if (!n->outgoing[l])
            return -1;
        for (size_t u = 0; u < units; u++)
            n->outgoing[l][u] = axon_mlp_outgoing(n->mlp, l, u);
    }
    return 0;
}

struct neurons *neurons_create(const struct axon_mlp *mlp, const struct predictions_shape *answers,
                               uint64_t every, const struct axon_evidence *evidence)
{
    struct neurons *n = aligned_alloc(64, sizeof *n);

    if (!n)
        return NULL;
    memset(n, 0, sizeof *n);
    n->mlp = mlp;
    n->answers = answers;
    n->every = every;
    n->evidence = *evidence;
    pthread_mutex_init(&n->open.lock, NULL);
    pthread_mutex_init(&n->baseline_lock, NULL);
    if (outgoing_init(n) == 0)
        return n;
    neurons_destroy(n);
    return NULL;
}

static void slot_destroy(struct slot *slot)
{
    if (!slot)
        return;
    axon_neurons_destroy(slot->neurons);
    predictions_destroy(slot->predictions);
    pthread_mutex_destroy(&slot->lock);
    free(slot);
}

void neurons_destroy(struct neurons *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < SLOTS_MAX; i++)
        slot_destroy(n->slots[i]);
    for (size_t l = 0; l < axon_mlp_layers_count(n->mlp); l++) {
        free(n->outgoing ? n->outgoing[l] : NULL);
        free(n->proven ? n->proven[l] : NULL);
    }
    free(n->outgoing);
    free(n->proven);
    pthread_mutex_destroy(&n->open.lock);
    pthread_mutex_destroy(&n->baseline_lock);
    baseline_unref(n->baseline);
    free(n);
}

static struct slot *slot_create(const struct neurons *n)
{
    struct slot *slot = aligned_alloc(64, (sizeof *slot + 63) / 64 * 64); /* a line of its own */

    if (!slot)
        return NULL;
    slot->neurons = axon_neurons_create(n->mlp, &n->evidence);
    slot->predictions = predictions_create(n->answers, &n->evidence);
    pthread_mutex_init(&slot->lock, NULL);
    if (slot->neurons && slot->predictions)
        return slot;
    slot_destroy(slot);
    return NULL;
}

/* The calling worker's slot, made on first use. */
static struct slot *slot_mine(struct neurons *n)
{
    _Atomic(struct slot *) *place = &n->slots[slot_index()];
    struct slot *there, *made;

    there = atomic_load_explicit(place, memory_order_acquire);
    if (there)
        return there;
    made = slot_create(n);
    if (!made)
        return NULL;
    if (atomic_compare_exchange_strong_explicit(place, &there, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    slot_destroy(made);
    return there;
}

/* ---- the parts of the window ----------------------------------------------------------------- */

static bool is_over(const struct neurons *n, uint64_t now_ns)
{
    uint64_t began_ns = atomic_load_explicit(&n->open.began_ns, memory_order_relaxed);
    uint64_t rows = atomic_load_explicit(&n->open.rows, memory_order_relaxed);

    return now_ns > began_ns && /* one worker's clock may be a little late */
           axon_neurons_part_is_over(&n->evidence, (double)(now_ns - began_ns) * 1e-9, rows);
}

static void open_next(struct neurons *n, uint64_t now_ns)
{
    pthread_mutex_lock(&n->open.lock);
    if (is_over(n, now_ns)) {
        atomic_store_explicit(&n->open.rows, 0, memory_order_relaxed);
        atomic_store_explicit(&n->open.began_ns, now_ns, memory_order_relaxed);
        atomic_store_explicit(&n->open.number, n->open.number + 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&n->open.lock);
}

/* The part that rows of now belong to. It begins with its first rows. */
static uint64_t part_for(struct neurons *n, uint64_t rows, uint64_t now_ns)
{
    uint64_t before;

    if (is_over(n, now_ns))
        open_next(n, now_ns);
    before = atomic_load_explicit(&n->open.rows, memory_order_relaxed);
    if (before == 0)
        atomic_store_explicit(&n->open.began_ns, now_ns, memory_order_relaxed);
    if (!axon_neurons_part_is_over(&n->evidence, n->evidence.window_s, before))
        atomic_fetch_add_explicit(&n->open.rows, rows, memory_order_relaxed);
    return atomic_load_explicit(&n->open.number, memory_order_relaxed);
}

/* ---- sampling ---- */

/* One in `every` of all rows, not of each request's: requests may be short. */
void neurons_prepare(struct neurons *n, struct axon_watch *watch, size_t first, size_t rows)
{
    uint64_t passed;

    axon_watch_row(watch, first);
    if (n->every == 1)
        return;
    passed = atomic_fetch_add_explicit(&n->passed, rows, memory_order_relaxed);
    axon_watch_every(watch, n->every, (n->every - passed % n->every) % n->every);
}

/* ---- counting -------------------------------------------------------------------------------- */

int neurons_add(struct neurons *n, struct axon_watch *watch, const struct predictions_tally *tally,
                double now_s)
{
    struct slot *slot = slot_mine(n);
    uint64_t part;

    if (!slot)
        return -1;
    part = part_for(n, axon_watch_rows(watch), (uint64_t)(now_s * 1e9));
    pthread_mutex_lock(&slot->lock);
    axon_neurons_add_later(slot->neurons, watch, part, now_s);
    predictions_add(slot->predictions, tally, part, now_s);
    pthread_mutex_unlock(&slot->lock);
    return 0;
}

int neurons_move_not_finite(struct neurons *n, struct axon_watch *watch, double now_s)
{
    struct slot *slot = slot_mine(n);
    uint64_t part = atomic_load_explicit(&n->open.number, memory_order_relaxed);

    if (!slot)
        return -1;
    pthread_mutex_lock(&slot->lock);
    axon_neurons_move_not_finite(slot->neurons, watch, part, now_s);
    pthread_mutex_unlock(&slot->lock);
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

int neurons_prove(struct neurons *n, size_t layer, const bool *proven)
{
    size_t bytes = axon_mlp_layer_units(n->mlp, layer) * sizeof *proven;
    bool *units = malloc(bytes);

    if (!units)
        return -1;
    memcpy(units, proven, bytes);
    pthread_mutex_lock(&n->open.lock);
    free(n->proven[layer]);
    n->proven[layer] = units;
    pthread_mutex_unlock(&n->open.lock);
    return 0;
}

double neurons_outgoing(const struct neurons *n, size_t layer, size_t unit)
{
    return n->outgoing[layer][unit];
}

static void prove_all(struct neurons *n, struct axon_neurons *sum)
{
    pthread_mutex_lock(&n->open.lock);
    for (size_t l = 0; l < axon_mlp_layers_count(n->mlp); l++)
        if (n->proven[l])
            axon_neurons_prove(sum, l, n->proven[l]);
    pthread_mutex_unlock(&n->open.lock);
}

struct axon_neurons *neurons_merge(struct neurons *n)
{
    struct axon_neurons *sum = axon_neurons_create(n->mlp, &n->evidence);

    if (sum)
        prove_all(n, sum);

    for (size_t i = 0; sum && i < SLOTS_MAX; i++) {
        struct slot *slot = atomic_load_explicit(&n->slots[i], memory_order_acquire);
        if (!slot)
            continue;
        pthread_mutex_lock(&slot->lock);
        axon_neurons_merge(sum, slot->neurons);
        pthread_mutex_unlock(&slot->lock);
    }
    return sum;
}

struct predictions *neurons_predictions(struct neurons *n)
{
    struct predictions *sum = predictions_create(n->answers, &n->evidence);

    for (size_t i = 0; sum && i < SLOTS_MAX; i++) {
        struct slot *slot = atomic_load_explicit(&n->slots[i], memory_order_acquire);
        if (!slot)
            continue;
        pthread_mutex_lock(&slot->lock);
        predictions_merge(sum, slot->predictions);
        pthread_mutex_unlock(&slot->lock);
    }
    return sum;
}

/* ---- the baseline ---------------------------------------------------------------------------- */

struct baseline *neurons_baseline(struct neurons *n)
{
    struct baseline *b;

    if (!n)
        return NULL;
    pthread_mutex_lock(&n->baseline_lock);
    b = baseline_ref(n->baseline);
    pthread_mutex_unlock(&n->baseline_lock);
    return b;
}

void neurons_baseline_set(struct neurons *n, struct baseline *b)
{
    struct baseline *before;

    pthread_mutex_lock(&n->baseline_lock);
    before = n->baseline;
    n->baseline = b;
    pthread_mutex_unlock(&n->baseline_lock);
    baseline_unref(before);
}
