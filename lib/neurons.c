/* neurons.c - per-unit counts of firing: a ring of parts for the window, and what left the ring.
 *
 * Knows the layout of an mlp's tally, not the mlp itself (it is copied at create). Invariant: every
 * count is in exactly one place, a part of the ring or `retired`; since-load is their sum, so
 * adding touches one part only. A part belongs to the tick (tenth of a window) that it was filled
 * in and is retired when the ring comes around to it again; a reader passes over parts that are too
 * old. */
#include <stdlib.h>
#include "axon/neurons.h"
#include "kernels/kernels.h"

struct layer {
    size_t units, offset;
    int tallied;
};

/* Counts of some stretch of time. */
struct part {
    uint64_t tick;
    uint64_t rows;
    uint64_t *fired; /* [tally_size] */
};

struct axon_neurons {
    double tick_s; /* window / AXON_NEURONS_PARTS */
    size_t tally_size, layers_count;
    struct layer *layers;
    uint64_t *counts; /* the block that every part's fired is part of */
    struct part retired;
    struct part ring[AXON_NEURONS_PARTS];
};

struct axon_neurons *axon_neurons_create(const struct axon_mlp *mlp, double window_s)
{
    struct axon_neurons *neurons = calloc(1, sizeof *neurons);

    if (!neurons)
        return NULL;
    neurons->tick_s = (window_s >= 1.0 ? window_s : 1.0) / AXON_NEURONS_PARTS;
    neurons->tally_size = axon_mlp_tally_size(mlp);
    neurons->layers_count = axon_mlp_layers_count(mlp);
    neurons->layers = calloc(neurons->layers_count, sizeof *neurons->layers);
    neurons->counts = calloc(neurons->tally_size,
                             (AXON_NEURONS_PARTS + 1) * sizeof *neurons->counts);
    if (!neurons->layers || !neurons->counts) {
        axon_neurons_destroy(neurons);
        return NULL;
    }
    for (size_t i = 0; i < neurons->layers_count; i++)
        neurons->layers[i] = (struct layer){axon_mlp_layer_units(mlp, i),
                                            axon_mlp_tally_offset(mlp, i),
                                            axon_mlp_layer_tallied(mlp, i)};
    neurons->retired.fired = neurons->counts;
    for (size_t i = 0; i < AXON_NEURONS_PARTS; i++)
        neurons->ring[i].fired = neurons->counts + (i + 1) * neurons->tally_size;
    return neurons;
}

void axon_neurons_destroy(struct axon_neurons *neurons)
{
    if (!neurons)
        return;
    free(neurons->layers);
    free(neurons->counts);
    free(neurons);
}

static uint64_t tick_at(const struct axon_neurons *neurons, double now_s)
{
    double tick = now_s / neurons->tick_s;

    return tick > 0.0 && tick < 0x1p63 ? (uint64_t)tick : 0;
}

/* Whether the window that ends at `tick` still has the part. A part from a little later is in: its
 * worker read the clock after the reader did. */
static int in_window(const struct part *part, uint64_t tick)
{
    return part->rows > 0 && part->tick + AXON_NEURONS_PARTS > tick;
}

static void part_add(struct part *to, const struct part *from, size_t tally_size)
{
    to->rows += from->rows;
    for (size_t i = 0; i < tally_size; i++)
        to->fired[i] += from->fired[i];
}

/* The ring's part for `tick`; what an older tick left there is retired first. */
static struct part *part_for(struct axon_neurons *neurons, uint64_t tick)
{
    struct part *part = &neurons->ring[tick % AXON_NEURONS_PARTS];

    if (part->tick >= tick)
        return part;
    if (part->rows > 0) {
        part_add(&neurons->retired, part, neurons->tally_size);
        part->rows = 0;
        for (size_t i = 0; i < neurons->tally_size; i++)
            part->fired[i] = 0;
    }
    part->tick = tick;
    return part;
}

/* As many units as every layer's part of a tally is a multiple of: a loop that compilers unroll. */
static void move_slice(uint64_t *restrict fired, uint32_t *restrict tally)
{
    for (size_t i = 0; i < AXON_UNITS_MULTIPLE; i++) {
        fired[i] += tally[i];
        tally[i] = 0;
    }
}

void axon_neurons_add(struct axon_neurons *neurons, uint32_t *tally, uint64_t rows, double now_s)
{
    struct part *part = part_for(neurons, tick_at(neurons, now_s));

    part->rows += rows;
    for (size_t i = 0; i < neurons->tally_size; i += AXON_UNITS_MULTIPLE)
        move_slice(part->fired + i, tally + i);
}

void axon_neurons_merge(struct axon_neurons *into, const struct axon_neurons *from, double now_s)
{
    uint64_t tick = tick_at(into, now_s);

    part_add(&into->retired, &from->retired, into->tally_size);
    for (size_t i = 0; i < AXON_NEURONS_PARTS; i++) {
        const struct part *part = &from->ring[i];

        part_add(in_window(part, tick) ? part_for(into, part->tick) : &into->retired, part,
                 into->tally_size);
    }
}

uint64_t axon_neurons_fired(const struct axon_neurons *neurons, size_t layer, size_t unit,
                            enum axon_window window, double now_s)
{
    size_t at = neurons->layers[layer].offset + unit;
    uint64_t tick = tick_at(neurons, now_s);
    uint64_t fired = window == AXON_WINDOW_LOAD ? neurons->retired.fired[at] : 0;

    for (size_t i = 0; i < AXON_NEURONS_PARTS; i++)
        if (window == AXON_WINDOW_LOAD || in_window(&neurons->ring[i], tick))
            fired += neurons->ring[i].fired[at];
    return fired;
}

static uint64_t rows_in(const struct axon_neurons *neurons, enum axon_window window, double now_s)
{
    uint64_t tick = tick_at(neurons, now_s);
    uint64_t rows = window == AXON_WINDOW_LOAD ? neurons->retired.rows : 0;

    for (size_t i = 0; i < AXON_NEURONS_PARTS; i++)
        if (window == AXON_WINDOW_LOAD || in_window(&neurons->ring[i], tick))
            rows += neurons->ring[i].rows;
    return rows;
}

struct axon_neurons_layer axon_neurons_layer(const struct axon_neurons *neurons, size_t layer,
                                             enum axon_window window, double now_s)
{
    const struct layer *from = &neurons->layers[layer];
    struct axon_neurons_layer is = {.units = from->units};
    uint64_t fired_sum = 0;

    if (!from->tallied)
        return is;
    is.rows = rows_in(neurons, window, now_s);
    for (size_t u = 0; u < from->units && is.rows > 0; u++) {
        uint64_t fired = axon_neurons_fired(neurons, layer, u, window, now_s);

        fired_sum += fired;
        is.dead += fired == 0;
    }
    is.outputs = is.rows * is.units;
    is.zero_outputs = is.outputs - fired_sum;
    return is;
}
