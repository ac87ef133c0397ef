/* neurons.c - per-unit counts of firing: a ring of parts for the window, and what left the ring.
 *
 * Knows the layout of a watch; of the mlp, whose layers are copied at create, nothing afterwards.
 * Invariant: every count is in exactly one place, a part of the ring or `retired`; since-load is
 * their sum, so adding touches one part only. A part's place in the ring is its number modulo the
 * ring's size; what was there before is retired. A part holds fewer than 2^32 rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
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
    uint32_t *fired; /* [size] */
};

struct axon_neurons {
    struct axon_evidence evidence;
    size_t size, layers_count;
    struct layer *layers;
    bool *has_zeros; /* [size] of units: with their own parameters */
    struct axon__rows retired;
    uint64_t *retired_fired; /* [size] */
    struct part ring[RING];
    uint32_t *counts; /* [RING][size]: every part's fired */
};

/* A per-channel activation may have exact zeros in some units only. */
static bool unit_has_zeros(const struct axon__layer *layer, size_t unit)
{
    const struct axon_activation *act = axon__layer_activation(layer);
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
    neurons->retired_fired = calloc(neurons->size + 1, sizeof *neurons->retired_fired);
    neurons->counts = calloc(neurons->size + 1, RING * sizeof *neurons->counts);
    if (!neurons->layers || !neurons->has_zeros || !neurons->retired_fired || !neurons->counts) {
        axon_neurons_destroy(neurons);
        return NULL;
    }
    for (size_t i = 0; i < neurons->layers_count; i++)
        layer_copy(neurons, i, &mlp->layers[i]);
    for (size_t i = 0; i < RING; i++)
        neurons->ring[i].fired = neurons->counts + i * neurons->size;
    return neurons;
}

void axon_neurons_destroy(struct axon_neurons *neurons)
{
    if (!neurons)
        return;
    free(neurons->layers);
    free(neurons->has_zeros);
    free(neurons->retired_fired);
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

/* Rows that were counted elsewhere count since load only. */
static void retire(struct axon_neurons *neurons, const struct axon__rows *rows,
                   const uint32_t *fired)
{
    axon__rows_add(&neurons->retired, rows);
    for (size_t i = 0; i < neurons->size; i++)
        neurons->retired_fired[i] += fired[i];
}

/* The part begins anew, and what it had is retired. */
static void part_begin(struct axon_neurons *neurons, struct part *part, uint64_t number)
{
    if (part->rows.count > 0) {
        retire(neurons, &part->rows, part->fired);
        memset(part->fired, 0, neurons->size * sizeof *part->fired);
    }
    part->number = number;
    part->last_s = 0;
    part->rows = (struct axon__rows){0};
}

/* A multiple of 16 counts: a loop that compilers make vectors of. */
static void add_fired(uint32_t *restrict to, const uint32_t *restrict from, size_t size)
{
    for (; size > 0;
         size -= AXON_UNITS_MULTIPLE, to += AXON_UNITS_MULTIPLE, from += AXON_UNITS_MULTIPLE)
        for (size_t i = 0; i < AXON_UNITS_MULTIPLE; i++)
            to[i] += from[i];
}

/* Adds rows to a part. Rows of a part that has left the ring are retired at once; a part that is as
 * full as it can be is retired first. */
static void part_add(struct axon_neurons *neurons, uint64_t number, const struct axon__rows *rows,
                     const uint32_t *fired, double last_s)
{
    struct part *part = &neurons->ring[number % RING];

    if (rows->count == 0)
        return;
    if (part->number > number) {
        retire(neurons, rows, fired);
        return;
    }
    if (part->number < number || part->rows.count + rows->count > UINT32_MAX)
        part_begin(neurons, part, number);
    axon__rows_add(&part->rows, rows);
    part->last_s = part->last_s < last_s ? last_s : part->last_s;
    add_fired(part->fired, fired, neurons->size);
}

void axon_neurons_add(struct axon_neurons *neurons, const struct axon_watch *watch, uint64_t part,
                      double now_s)
{
    part_add(neurons, part, &watch->rows, watch->fired, now_s);
}

void axon_neurons_merge(struct axon_neurons *into, const struct axon_neurons *from)
{
    axon__rows_add(&into->retired, &from->retired);
    for (size_t i = 0; i < into->size; i++)
        into->retired_fired[i] += from->retired_fired[i];
    for (size_t i = 0; i < RING; i++) {
        const struct part *part = &from->ring[i];

        part_add(into, part->number, &part->rows, part->fired, part->last_s);
    }
}

/* ---- reading ---- */

/* A window: the parts of the ring that are in it and, since load, what was retired. */
struct view {
    const uint64_t *retired_fired; /* or NULL */
    const struct part *parts[RING];
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
    struct view view = {.retired_fired = neurons->retired_fired, .rows = neurons->retired};

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
    uint64_t fired = view->retired_fired ? view->retired_fired[at] : 0;

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

size_t axon_neurons_layers_count(const struct axon_neurons *neurons)
{
    return neurons->layers_count;
}

double axon_neurons_rate_upper95(uint64_t rows)
{
    return rows ? -expm1(log(0.05) / (double)rows) : 1.0;
}

struct axon_neurons_layer axon_neurons_layer(const struct axon_neurons *neurons, size_t layer,
                                             enum axon_window window, double now_s)
{
    const struct layer *from = &neurons->layers[layer];
    struct axon_neurons_layer is = {.watched = from->watched, .units = from->units};
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
    is.suspect = is.verdict ? 0 : is.silent;
    is.outputs = is.rows * is.units;
    is.zero_outputs = is.outputs - fired_sum;
    return is;
}
