/* neurons.c - figures of units and features: a ring of parts for the window, and what left the
 * ring.
 *
 * Knows the layout of a watch; of the mlp, whose layers are copied at create, nothing afterwards.
 */
#include "neurons_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "axon/activation.h"
#include "watch_internal.h"

/* ---- create ---- */

static void unit_copy(struct axon_neurons *neurons, size_t at, const struct axon__layer *from,
                      size_t unit)
{
    const struct axon_activation *act = axon__layer_activation(from);
    float params[AXON_PARAMETERS_MAX];

    axon__unit_params(from, unit, params);
    neurons->has_zeros[at] = from->kind == AXON_ELEMENTWISE &&
                             axon_activation_has_zeros(act, params, act->parameters_count);
    neurons->retired_active_s[at] = -1;
    if (from->id == AXON_ID_leaky_relu || from->id == AXON_ID_prelu)
        neurons->below[at] = fabsf(params[0]);
    else if (from->id == AXON_ID_rrelu)
        neurons->below[at] = fabsf((params[0] + params[1]) * 0.5f);
}

static void layer_copy(struct axon_neurons *neurons, size_t i, const struct axon__layer *from)
{
    struct layer *to = &neurons->layers[i];

    *to = (struct layer){from->units, from->stride, 0, from->watch};
    if (!from->watch.on)
        return;
    to->first = from->watch.moments - neurons->shape.features;
    for (size_t u = 0; u < from->units; u++)
        unit_copy(neurons, to->first + u, from, u);
}

/* Everything after the struct is one block: doubles and 64-bit counts first. */
static size_t block_bytes(const struct axon__shape *shape)
{
    size_t size = shape->moments - shape->features;

    return AXON__LINE - 1 + shape->layers * sizeof(struct layer) +
           shape->counts * sizeof(uint64_t) +
           size * (sizeof(double) + sizeof(float) + 2 * sizeof(bool)) +
           shape->together * shape->moments * sizeof(float) +
           (RING + 1) * axon__figures_bytes(shape);
}

size_t axon_neurons_bytes(const struct axon_mlp *mlp)
{
    return sizeof(struct axon_neurons) + block_bytes(&mlp->shape);
}

/* The next `bytes` of the block. */
static void *take(char **block, size_t bytes)
{
    void *at = *block;

    *block += bytes;
    return at;
}

static void lay_out(struct axon_neurons *neurons, char *block)
{
    const struct axon__shape *shape = &neurons->shape;
    size_t size = neurons->size, bytes = axon__figures_bytes(shape);

    block += -(uintptr_t)block % AXON__LINE;
    neurons->retired = take(&block, bytes);
    axon__figures_begin(neurons->retired, shape);
    for (size_t i = 0; i < RING; i++) {
        neurons->ring[i].figures = take(&block, bytes);
        axon__figures_begin(neurons->ring[i].figures, shape);
    }
    neurons->kept_rows = take(&block,
                              shape->together * shape->moments * sizeof *neurons->kept_rows);
    neurons->layers = take(&block, shape->layers * sizeof *neurons->layers);
    neurons->retired_counts = take(&block, shape->counts * sizeof *neurons->retired_counts);
    neurons->retired_active_s = take(&block, size * sizeof *neurons->retired_active_s);
    neurons->below = take(&block, size * sizeof *neurons->below);
    neurons->has_zeros = take(&block, size * sizeof *neurons->has_zeros);
    neurons->proven = take(&block, size * sizeof *neurons->proven);
}

struct axon_neurons *axon_neurons_create(const struct axon_mlp *mlp,
                                         const struct axon_evidence *evidence)
{
    struct axon_neurons *neurons = calloc(1, axon_neurons_bytes(mlp));

    if (!neurons)
        return NULL;
    neurons->evidence = *evidence;
    neurons->shape = mlp->shape;
    neurons->features = mlp->features;
    neurons->size = mlp->shape.moments - mlp->shape.features;
    neurons->layers_count = mlp->layers_count;
    lay_out(neurons, (char *)(neurons + 1));
    for (size_t i = 0; i < neurons->layers_count; i++)
        layer_copy(neurons, i, &mlp->layers[i]);
    return neurons;
}

void axon_neurons_destroy(struct axon_neurons *neurons)
{
    free(neurons);
}

bool axon_neurons_part_is_over(const struct axon_evidence *evidence, double age_s, uint64_t rows)
{
    /* In this order: the least number of rows may be large, the product of it too large. */
    return rows >= evidence->rows_min / AXON_NEURONS_PARTS +
                       (evidence->rows_min % AXON_NEURONS_PARTS != 0) &&
           age_s * AXON_NEURONS_PARTS >= evidence->window_s;
}

/* ---- counting ---- */

static void note_active(struct axon_neurons *neurons, const uint32_t *counts, double last_s)
{
    for (const struct layer *l = neurons->layers; l < neurons->layers + neurons->layers_count; l++)
        for (size_t u = 0; l->watch.on && u < l->units; u++)
            if (counts[l->watch.counts + u] > 0 && neurons->retired_active_s[l->first + u] < last_s)
                neurons->retired_active_s[l->first + u] = last_s;
}

/* Rows that were counted elsewhere count since load only. */
static void retire(struct axon_neurons *neurons, const struct axon__figures *figures, double last_s)
{
    const uint32_t *counts = axon__counts(figures, &neurons->shape);

    axon__figures_add(neurons->retired, figures, &neurons->shape);
    for (size_t i = 0; i < neurons->shape.counts; i++)
        neurons->retired_counts[i] += counts[i];
    note_active(neurons, counts, last_s);
}

/* The part begins anew, and what it had is retired. */
static void part_begin(struct axon_neurons *neurons, struct part *part, uint64_t number)
{
    retire(neurons, part->figures, part->last_s);
    axon__figures_begin(part->figures, &neurons->shape);
    part->number = number;
    part->last_s = 0;
}

/* The part of that number, where so many rows fit; NULL if it has left the ring. */
static struct part *part_for(struct axon_neurons *neurons, uint64_t number, uint64_t rows)
{
    struct part *part = &neurons->ring[number % RING];

    if (part->number > number)
        return NULL;
    if (part->number < number || part->figures->rows + rows > UINT32_MAX)
        part_begin(neurons, part, number);
    return part;
}

static bool is_empty(const struct axon__figures *figures, const struct axon__shape *shape)
{
    uint64_t any = figures->rows;

    for (size_t l = 0; l < shape->layers; l++)
        any |= axon__non_finite(figures, shape)[l];
    return any == 0;
}

/* Adds rows to a part. Rows of a part that has left the ring are retired at once; a part that is as
 * full as it can be is retired first. */
static void part_add(struct axon_neurons *neurons, uint64_t number,
                     const struct axon__figures *figures, double last_s)
{
    struct part *part;

    if (is_empty(figures, &neurons->shape))
        return;
    part = part_for(neurons, number, figures->rows);
    if (!part) {
        retire(neurons, figures, last_s);
        return;
    }
    axon__figures_add(part->figures, figures, &neurons->shape);
    if (figures->rows > 0 && part->last_s < last_s)
        part->last_s = last_s;
}

static void note_first(struct axon_neurons *neurons, const struct axon_not_finite *first,
                       double at_s)
{
    if (!first->known || (neurons->first.known && neurons->first_s <= at_s))
        return;
    neurons->first = *first;
    neurons->first_s = at_s;
}

void axon_neurons_settle(struct axon_neurons *neurons)
{
    if (neurons->kept == 0)
        return;
    axon__figures_fold(neurons->kept_for->figures, neurons->kept_rows, neurons->kept,
                       &neurons->shape);
    neurons->kept = 0;
}

/* A part may leave the ring when another begins. */
static void settle_unless_for(struct axon_neurons *neurons, uint64_t number)
{
    if (neurons->kept > 0 && neurons->kept_for->number != number)
        axon_neurons_settle(neurons);
}

void axon_neurons_add(struct axon_neurons *neurons, struct axon_watch *watch, uint64_t part,
                      double now_s)
{
    settle_unless_for(neurons, part);
    axon__watch_settle(watch);
    part_add(neurons, part, &watch->figures, now_s);
    note_first(neurons, &watch->first, now_s);
}

void axon_neurons_add_later(struct axon_neurons *neurons, struct axon_watch *watch, uint64_t number,
                            double now_s)
{
    size_t moments = neurons->shape.moments;
    struct part *part;

    if (neurons->kept + watch->kept > neurons->shape.together)
        axon_neurons_settle(neurons);
    settle_unless_for(neurons, number);
    part = part_for(neurons, number, neurons->kept + watch->kept);
    if (watch->kept == 0 || !part) {
        axon_neurons_add(neurons, watch, number, now_s);
        return;
    }
    memcpy(neurons->kept_rows + neurons->kept * moments, axon__watch_kept(watch),
           watch->kept * moments * sizeof *neurons->kept_rows);
    neurons->kept += watch->kept;
    neurons->kept_for = part;
    part->last_s = part->last_s < now_s ? now_s : part->last_s;
    part->figures->ranged += watch->kept_ranged;
    part->figures->out += watch->kept_out;
}

void axon_neurons_move_not_finite(struct axon_neurons *neurons, struct axon_watch *watch,
                                  uint64_t number, double now_s)
{
    struct part *part;
    uint64_t *from = axon__non_finite(&watch->figures, &watch->shape), *to;

    settle_unless_for(neurons, number);
    axon__watch_settle(watch);
    part = part_for(neurons, number, 0);
    to = axon__non_finite(part ? part->figures : neurons->retired, &neurons->shape);
    for (size_t l = 0; l < neurons->layers_count; l++) {
        to[l] += from[l];
        from[l] = 0;
    }
    note_first(neurons, &watch->first, now_s);
    watch->first.known = false;
}

void axon_neurons_prove(struct axon_neurons *neurons, size_t layer, const bool *proven)
{
    const struct layer *l = &neurons->layers[layer];

    if (l->watch.on)
        memcpy(neurons->proven + l->first, proven, l->units * sizeof *proven);
}

void axon_neurons_merge(struct axon_neurons *into, struct axon_neurons *from)
{
    axon_neurons_settle(into);
    axon_neurons_settle(from);
    axon__figures_add(into->retired, from->retired, &into->shape);
    for (size_t i = 0; i < into->shape.counts; i++)
        into->retired_counts[i] += from->retired_counts[i];
    for (size_t i = 0; i < into->size; i++)
        if (into->retired_active_s[i] < from->retired_active_s[i])
            into->retired_active_s[i] = from->retired_active_s[i];
    for (size_t i = 0; i < RING; i++)
        part_add(into, from->ring[i].number, from->ring[i].figures, from->ring[i].last_s);
    note_first(into, &from->first, from->first_s);
}
