/* neurons.c - per-unit counts of firing: a ring of parts for the window, and what left the ring.
 *
 * Knows the layout of a watch; of the mlp, whose layers are copied at create, nothing afterwards.
 * Invariant: every count is in exactly one place, a part of the ring or `retired`; since-load is
 * their sum, so adding touches one part only. A part's place in the ring is its number modulo the
 * ring's size; what was there before is retired. */
#include <stdlib.h>
#include "axon/activation.h"
#include "axon/neurons.h"
#include "mlp_internal.h"
#include "watch_internal.h"

enum { RING = AXON_NEURONS_PARTS + 1 };

struct layer {
    size_t units, offset;
    bool watched;
};

/* Counts of some stretch of time. */
struct part {
    uint64_t number;
    double last_s; /* of its newest row */
    struct axon__rows rows;
    uint64_t *fired; /* [size] */
};

struct axon_neurons {
    struct axon_evidence evidence;
    size_t size, layers_count;
    struct layer *layers;
    bool *has_zeros;  /* [size] of units: with their own parameters  */
    uint64_t *counts; /* the block that every part's fired is part of */
    struct part retired;
    struct part ring[RING];
};

/* A per-channel activation may have exact zeros in some units only. */
static bool unit_has_zeros(const struct axon__layer *layer, size_t unit)
{
    size_t count;
    const struct axon_activation *act = &axon_activation_table(&count)[layer->id];
    float params[AXON_PARAMETERS_MAX];

    for (size_t k = 0; k < act->parameters_count; k++)
        params[k] = layer->kind == AXON_ROWWISE ? layer->params[k]
                                                : layer->params[k * layer->stride + unit];
    return axon_activation_has_zeros(act, params, act->parameters_count);
}

static void layer_copy(struct axon_neurons *neurons, size_t i, const struct axon__layer *from)
{
    neurons->layers[i] = (struct layer){from->units, from->watch_offset, from->watched};
    for (size_t u = 0; from->watched && u < from->units; u++)
        neurons->has_zeros[from->watch_offset + u] = unit_has_zeros(from, u);
}

struct axon_neurons *axon_neurons_create(const struct axon_mlp *mlp,
                                         const struct axon_evidence *evidence)
{
    struct axon_neurons *neurons = calloc(1, sizeof *neurons);

    if (!neurons)
        return NULL;
    neurons->evidence = *evidence;
    neurons->size = mlp->watch_size;
    neurons->layers_count = mlp->layers_count;
    neurons->layers = calloc(neurons->layers_count, sizeof *neurons->layers);
    neurons->has_zeros = calloc(neurons->size + 1, sizeof *neurons->has_zeros);
    neurons->counts = calloc(neurons->size + 1, (RING + 1) * sizeof *neurons->counts);
    if (!neurons->layers || !neurons->has_zeros || !neurons->counts) {
        axon_neurons_destroy(neurons);
        return NULL;
    }
    for (size_t i = 0; i < neurons->layers_count; i++)
        layer_copy(neurons, i, &mlp->layers[i]);
    neurons->retired.fired = neurons->counts;
    for (size_t i = 0; i < RING; i++)
        neurons->ring[i].fired = neurons->counts + (i + 1) * neurons->size;
    return neurons;
}

void axon_neurons_destroy(struct axon_neurons *neurons)
{
    if (!neurons)
        return;
    free(neurons->layers);
    free(neurons->has_zeros);
    free(neurons->counts);
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

static void part_add(struct part *to, const struct part *from, size_t size)
{
    if (from->rows.count == 0)
        return;
    axon__rows_add(&to->rows, &from->rows);
    to->last_s = to->last_s < from->last_s ? from->last_s : to->last_s;
    for (size_t i = 0; i < size; i++)
        to->fired[i] += from->fired[i];
}

static void part_clear(struct part *part, uint64_t number, size_t size)
{
    part->number = number;
    part->last_s = 0;
    part->rows = (struct axon__rows){0};
    for (size_t i = 0; i < size; i++)
        part->fired[i] = 0;
}

/* Where rows of a part are counted; what an older part left there is retired first. */
static struct part *part_for(struct axon_neurons *neurons, uint64_t number)
{
    struct part *part = &neurons->ring[number % RING];

    if (part->number > number)
        return &neurons->retired;
    if (part->number < number) {
        part_add(&neurons->retired, part, neurons->size);
        part_clear(part, number, neurons->size);
    }
    return part;
}

/* As many units as every layer's part of a watch is a multiple of: a loop that compilers unroll. */
static void add_slice(uint64_t *restrict to, const uint32_t *restrict from)
{
    for (size_t i = 0; i < AXON_UNITS_MULTIPLE; i++)
        to[i] += from[i];
}

void axon_neurons_add(struct axon_neurons *neurons, const struct axon_watch *watch, uint64_t part,
                      double now_s)
{
    struct part *to = part_for(neurons, part);

    if (watch->rows.count == 0)
        return;
    axon__rows_add(&to->rows, &watch->rows);
    to->last_s = to->last_s < now_s ? now_s : to->last_s;
    for (size_t i = 0; i < neurons->size; i += AXON_UNITS_MULTIPLE)
        add_slice(to->fired + i, watch->fired + i);
}

void axon_neurons_merge(struct axon_neurons *into, const struct axon_neurons *from)
{
    part_add(&into->retired, &from->retired, into->size);
    for (size_t i = 0; i < RING; i++)
        part_add(part_for(into, from->ring[i].number), &from->ring[i], into->size);
}

/* ---- reading ---- */

/* The parts of a window: those of the ring that are in it and, since load, what was retired. */
struct view {
    const struct part *parts[RING + 1];
    size_t count;
    struct axon__rows rows;
};

static void view_add(struct view *view, const struct part *part)
{
    if (part->rows.count == 0)
        return;
    view->parts[view->count++] = part;
    axon__rows_add(&view->rows, &part->rows);
}

static uint64_t newest(const struct axon_neurons *neurons)
{
    uint64_t number = 0;

    for (size_t i = 0; i < RING; i++)
        if (neurons->ring[i].number > number)
            number = neurons->ring[i].number;
    return number;
}

static struct view view_since_load(const struct axon_neurons *neurons)
{
    struct view view = {.count = 0};

    view_add(&view, &neurons->retired);
    for (size_t i = 0; i < RING; i++)
        view_add(&view, &neurons->ring[i]);
    return view;
}

/* From the newest part to older ones, as long as they are recent or their rows are needed. */
static struct view view_sliding(const struct axon_neurons *neurons, double now_s)
{
    struct view view = {.count = 0};
    uint64_t number = newest(neurons);

    for (size_t back = 0; back < RING && back <= number; back++) {
        const struct part *part = &neurons->ring[(number - back) % RING];
        bool is_recent = part->last_s > now_s - neurons->evidence.window_s;

        if (part->number == number - back &&
            (is_recent || view.rows.count < neurons->evidence.rows_min))
            view_add(&view, part);
    }
    return view;
}

static struct view view_of(const struct axon_neurons *neurons, enum axon_window window,
                           double now_s)
{
    return window == AXON_WINDOW_LOAD ? view_since_load(neurons) : view_sliding(neurons, now_s);
}

static bool has_verdict(const struct axon_neurons *neurons, const struct view *view)
{
    return view->rows.count >= neurons->evidence.rows_min && view->rows.differ;
}

static uint64_t fired_in(const struct view *view, size_t at)
{
    uint64_t fired = 0;

    for (size_t i = 0; i < view->count; i++)
        fired += view->parts[i]->fired[at];
    return fired;
}

static enum axon_unit_state state_of(const struct axon_neurons *neurons, const struct view *view,
                                     size_t at, uint64_t fired)
{
    if (fired > 0)
        return AXON_UNIT_ALIVE;
    if (!has_verdict(neurons, view))
        return AXON_UNIT_SUSPECT;
    return neurons->has_zeros[at] ? AXON_UNIT_DEAD : AXON_UNIT_SILENT;
}

uint64_t axon_neurons_fired(const struct axon_neurons *neurons, size_t layer, size_t unit,
                            enum axon_window window, double now_s)
{
    struct view view = view_of(neurons, window, now_s);

    return fired_in(&view, neurons->layers[layer].offset + unit);
}

enum axon_unit_state axon_neurons_state(const struct axon_neurons *neurons, size_t layer,
                                        size_t unit, enum axon_window window, double now_s)
{
    struct view view = view_of(neurons, window, now_s);
    size_t at = neurons->layers[layer].offset + unit;

    return state_of(neurons, &view, at, fired_in(&view, at));
}

struct axon_neurons_layer axon_neurons_layer(const struct axon_neurons *neurons, size_t layer,
                                             enum axon_window window, double now_s)
{
    const struct layer *from = &neurons->layers[layer];
    struct axon_neurons_layer is = {.units = from->units};
    struct view view = view_of(neurons, window, now_s);
    uint64_t fired_sum = 0;

    if (!from->watched)
        return is;
    is.rows = view.rows.count;
    is.verdict = has_verdict(neurons, &view);
    for (size_t at = from->offset; at < from->offset + from->units; at++) {
        uint64_t fired = fired_in(&view, at);

        fired_sum += fired;
        is.silent += fired == 0;
        is.dead += state_of(neurons, &view, at, fired) == AXON_UNIT_DEAD;
    }
    is.outputs = is.rows * is.units;
    is.zero_outputs = is.outputs - fired_sum;
    return is;
}
