/* watch.c - a watch's memory and settings.
 *
 * Knows where the layers of a network stand in a watch's figures. */
#include "watch_internal.h"

size_t axon_watch_bytes(const struct axon_mlp *mlp)
{
    return sizeof(struct axon_watch) + 2 * axon__figures_bytes(&mlp->shape);
}

struct axon_watch *axon_watch_init(void *memory, const struct axon_mlp *mlp)
{
    struct axon_watch *watch = memory;

    *watch = (struct axon_watch){.shape = mlp->shape, .every = 1};
    return watch;
}

void axon_watch_range(struct axon_watch *watch, const float *low, const float *high)
{
    watch->low = low;
    watch->high = high;
}

void axon_watch_every(struct axon_watch *watch, uint64_t every, uint64_t wait)
{
    watch->every = every;
    watch->wait = wait;
}

void axon_watch_row(struct axon_watch *watch, uint64_t row)
{
    watch->row = row;
}

uint64_t axon_watch_rows(const struct axon_watch *watch)
{
    return watch->figures.rows + watch->kept;
}

uint64_t axon_watch_rows_skipped(const struct axon_watch *watch)
{
    return watch->skipped;
}

uint64_t axon_watch_not_finite(const struct axon_watch *watch, struct axon_not_finite *first)
{
    uint64_t sum = 0;

    if (first)
        *first = watch->first;
    for (size_t l = 0; watch->begun && l < watch->shape.layers; l++)
        sum += axon__non_finite(&watch->figures, &watch->shape)[l];
    return sum;
}

const uint32_t *axon_watch_fired(struct axon_watch *watch, const struct axon_mlp *mlp, size_t layer)
{
    const struct axon__layer_watch *is = &mlp->layers[layer].watch;

    axon__watch_settle(watch);
    return is->on ? axon__counts(&watch->figures, &watch->shape) + is->counts : NULL;
}

void axon__watch_settle(struct axon_watch *watch)
{
    if (!watch->begun)
        axon__figures_begin(&watch->figures, &watch->shape);
    watch->begun = true;
    if (watch->kept == 0)
        return;
    axon__figures_fold(&watch->figures, axon__watch_kept(watch), watch->kept, &watch->shape);
    watch->figures.ranged += watch->kept_ranged;
    watch->figures.out += watch->kept_out;
    watch->kept = 0;
}

void axon_watch_add(struct axon_watch *into, struct axon_watch *from)
{
    axon__watch_settle(into);
    axon__watch_settle(from);
    axon__figures_add(&into->figures, &from->figures, &into->shape);
    into->skipped += from->skipped;
    if (from->first.known && (!into->first.known || from->first.row < into->first.row))
        into->first = from->first;
}

struct axon_tally axon__watch_tally(struct axon_watch *watch, const struct axon__layer *layer,
                                    size_t first, uint64_t before)
{
    const struct axon__shape *shape = &watch->shape;
    const struct axon__layer_watch *is = &layer->watch;
    uint32_t *counts = axon__counts(&watch->figures, shape) + is->counts + first;

    return (struct axon_tally){
        .fired = counts,
        .low = counts + layer->stride,
        .high = counts + 2 * layer->stride,
        .mean = axon__mean(&watch->figures) + is->moments + first,
        .squares = axon__squares(&watch->figures, shape) + is->moments + first,
        .magnitude = axon__magnitude(&watch->figures, shape) + is->magnitudes + first,
        .before = before,
        .low_end = is->low_end,
        .high_end = is->high_end,
        .by_zero = is->by_zero,
        .finite = true};
}
