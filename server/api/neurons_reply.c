/* neurons_reply.c - the health of a model's hidden units as JSON, a layer at a time.
 *
 * The figures are axon/neurons.h's, as in the metrics. Text, not values, since a layer may have
 * many thousand units. Invariant: no verdict is null, never 0; no number is NaN. */
#include "api/neurons_reply.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include "api/neurons_drift.h"
#include "base/clock.h"
#include "neurons/neurons.h"

static const char *const state_names[] = {
    [AXON_UNIT_ALIVE] = "alive",
    [AXON_UNIT_SUSPECT] = "suspect",
    [AXON_UNIT_DEAD] = "dead",
    [AXON_UNIT_SILENT] = "silent",
    [AXON_UNIT_PROVEN_DEAD] = "proven_dead",
};

/* A layer that is being written. */
struct writer {
    struct buf *out;
    const struct model *model;
    const struct neurons_asked *asked;
    size_t layer;
    struct axon_neurons_layer is;
    struct axon_neurons_unit *units; /* [is.units] */
    struct neurons_drift drift;      /* its baseline is NULL: there is none */
};

static void put_number(struct buf *out, const char *key, double value)
{
    if (isfinite(value))
        buf_printf(out, ",\"%s\":%.9g", key, value);
    else
        buf_printf(out, ",\"%s\":null", key);
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : (double)NAN;
}

/* ---- lists of units ---- */

typedef bool unit_test(const struct writer *w, const struct axon_neurons_unit *unit);

static bool is_dead(const struct writer *w, const struct axon_neurons_unit *unit)
{
    return w->is.verdict && (unit->state == AXON_UNIT_DEAD || unit->state == AXON_UNIT_PROVEN_DEAD);
}

static bool is_suspect(const struct writer *w, const struct axon_neurons_unit *unit)
{
    (void)w;
    return unit->state == AXON_UNIT_SUSPECT;
}

static bool is_proven_dead(const struct writer *w, const struct axon_neurons_unit *unit)
{
    (void)w;
    return unit->state == AXON_UNIT_PROVEN_DEAD;
}

static double score(const struct writer *w, const struct axon_neurons_unit *unit)
{
    return axon_neurons_dormant_score(unit->magnitude, w->is.magnitude);
}

static bool is_dormant(const struct writer *w, const struct axon_neurons_unit *unit)
{
    return w->is.verdict && score(w, unit) <= AXON_DORMANT_TAU;
}

static bool is_saturated(const struct writer *w, const struct axon_neurons_unit *unit)
{
    return w->is.verdict && unit->saturated_low + unit->saturated_high >= AXON_SATURATED_SHARE;
}

/* The first top_k of them. */
static void put_list(const struct writer *w, unit_test *test)
{
    uint64_t found = 0;

    buf_puts(w->out, ",\"units\":[");
    for (size_t u = 0; u < w->is.units && found < w->asked->top_k; u++)
        if (test(w, &w->units[u]))
            buf_printf(w->out, "%s%zu", found++ ? "," : "", u);
    buf_puts(w->out, "]");
}

static void put_kind(const struct writer *w, const char *key, uint64_t count, bool known,
                     unit_test *test)
{
    buf_printf(w->out, ",\"%s\":{\"count\":%" PRIu64, key, count);
    put_number(w->out, "ratio", known ? ratio((double)count, (double)w->is.units) : (double)NAN);
    put_list(w, test);
    buf_puts(w->out, "}");
}

static void put_saturated(const struct writer *w)
{
    buf_puts(w->out, ",\"saturated\":{\"low\":");
    if (isnan(w->is.saturated_low))
        buf_puts(w->out, "null,\"high\":null");
    else
        buf_printf(w->out, "%.9g,\"high\":%.9g", w->is.saturated_low, w->is.saturated_high);
    put_list(w, is_saturated);
    buf_puts(w->out, "}");
}

/* ---- units ---- */

/* A unit's place in the order. */
struct key {
    double value;
    size_t unit;
};

static int key_order(const void *a, const void *b)
{
    const struct key *x = a, *y = b;

    if (x->value < y->value || x->value > y->value)
        return x->value < y->value ? -1 : 1;
    return (x->unit > y->unit) - (x->unit < y->unit);
}

/* The least first. */
static double key_of(const struct writer *w, size_t unit)
{
    switch (w->asked->sort) {
    case NEURONS_BY_FIRING_RATE:
        return (double)w->units[unit].fired;
    case NEURONS_BY_DORMANT_SCORE:
        return w->is.rows ? score(w, &w->units[unit]) : 0;
    case NEURONS_BY_DRIFT:
        return -neurons_drift_of(&w->drift, unit);
    default:
        return 0;
    }
}

static void put_unit(const struct writer *w, size_t u)
{
    const struct axon_neurons_unit *unit = &w->units[u];
    double age_s = w->asked->now_s - unit->last_active_s;

    buf_printf(w->out, "{\"unit\":%zu,\"state\":\"%s\",\"fired\":%" PRIu64, u,
               state_names[unit->state], unit->fired);
    put_number(w->out, "firing_rate", ratio((double)unit->fired, (double)unit->rows));
    put_number(w->out, "firing_rate_upper95",
               unit->fired ? (double)NAN : axon_neurons_rate_upper95(unit->rows));
    put_number(w->out, "mean", unit->mean);
    put_number(w->out, "std", unit->std);
    put_number(w->out, "dormant_score", score(w, unit));
    put_number(w->out, "saturated_fraction", unit->saturated_low + unit->saturated_high);
    put_number(w->out, "contribution",
               unit->magnitude * neurons_outgoing(w->model->neurons, w->layer, u));
    if (unit->last_active_s < 0)
        buf_puts(w->out, ",\"last_active\":null}");
    else
        buf_printf(w->out, ",\"last_active\":%.3f}", clock_unix_s() - age_s);
}

static enum error_id put_units(struct api_call *call, const struct writer *w)
{
    struct key *keys = calloc(w->is.units, sizeof *keys);

    if (!keys)
        return call_fail(call, ERROR_OUT_OF_MEMORY, "no memory for %" PRIu64 " units", w->is.units);
    for (size_t u = 0; u < w->is.units; u++)
        keys[u] = (struct key){key_of(w, u), u};
    qsort(keys, w->is.units, sizeof *keys, key_order);
    buf_puts(w->out, ",\"units_detail\":[");
    for (size_t u = 0; u < w->is.units; u++) {
        buf_puts(w->out, u ? "," : "");
        put_unit(w, keys[u].unit);
    }
    buf_puts(w->out, "]");
    free(keys);
    return ERROR_OK;
}

/* ---- layers ---- */

static void put_figures(const struct writer *w)
{
    const struct axon_neurons_layer *is = &w->is;

    buf_printf(w->out,
               "{\"name\":\"%s\",\"activation\":\"%s\",\"units\":%" PRIu64 ",\"rows\":%" PRIu64,
               w->model->layers[w->layer].name, w->model->layers[w->layer].activation->name,
               is->units, is->rows);
    put_number(w->out, "zero_fraction",
               is->has_zeros ? ratio((double)is->zero_outputs, (double)is->outputs) : (double)NAN);
    if (is->has_zeros)
        put_kind(w, "dead", is->dead, is->verdict, is_dead);
    put_kind(w, "suspect", is->suspect, true, is_suspect);
    put_kind(w, "proven_dead", is->proven_dead, true, is_proven_dead);
    put_kind(w, "dormant", is->dormant, is->verdict, is_dormant);
    put_saturated(w);
    put_number(w->out, "mean", is->mean);
    put_number(w->out, "std", is->std);
    put_number(w->out, "derivative_mean", is->derivative_mean);
    buf_printf(w->out, ",\"derivative_rows\":%" PRIu64 ",\"non_finite\":%" PRIu64,
               is->derivative_rows, is->non_finite);
}

static enum error_id put_layer(struct api_call *call, const struct axon_neurons *n,
                               const struct baseline *baseline, const struct neurons_asked *a,
                               size_t layer)
{
    struct writer w = {.out = &call->reply->body,
                       .model = call->model,
                       .asked = a,
                       .layer = layer,
                       .is = axon_neurons_layer(n, layer, a->window, a->now_s)};
    enum error_id id = ERROR_OK;

    w.units = calloc(w.is.units, sizeof *w.units);
    if (!w.units)
        return call_fail(call, ERROR_OUT_OF_MEMORY, "no memory for %" PRIu64 " units", w.is.units);
    axon_neurons_units(n, layer, a->window, a->now_s, w.units);
    w.drift = (struct neurons_drift){baseline, n, w.units, layer, a->window, a->now_s};
    put_figures(&w);
    if (baseline && !neurons_drift_put(&w.drift, a->top_k, w.out))
        id = call_no_memory(call);
    if (a->units && id == ERROR_OK)
        id = put_units(call, &w);
    buf_puts(w.out, "}");
    free(w.units);
    return id;
}

/* ---- the model ---- */

/* All layers count, the last one as well. */
static void put_non_finite(struct api_call *call, const struct axon_neurons *n,
                           const struct neurons_asked *a)
{
    struct buf *out = &call->reply->body;
    const struct model *m = call->model;
    double at_s;
    struct axon_not_finite first = axon_neurons_not_finite(n, &at_s);
    uint64_t count = 0;

    for (size_t l = 0; l < m->layers_count; l++)
        count += axon_neurons_layer(n, l, a->window, a->now_s).non_finite;
    buf_printf(out, ",\"non_finite\":{\"count\":%" PRIu64 ",\"first\":", count);
    if (first.known)
        buf_printf(
            out, "{\"layer\":\"%s\",\"unit\":%zu,\"row\":%" PRIu64 ",\"unix_seconds\":%.3f}}",
            m->layers[first.layer].name, first.unit, first.row, clock_unix_s() - (a->now_s - at_s));
    else
        buf_puts(out, "null}");
}

static void put_model(struct api_call *call, const struct axon_neurons *n,
                      const struct neurons_asked *a)
{
    const struct model *m = call->model;
    uint64_t rows = n ? axon_neurons_rows(n, a->window, a->now_s) : 0;

    buf_printf(&call->reply->body,
               "{\"model\":\"%s\",\"version\":\"%" PRIu64 "\",\"window\":\"%s\",\"rows\":%" PRIu64
               ",\"evidence\":{\"min_rows\":%" PRIu64 ",\"firing_rate_upper95\":%.9g}"
               ",\"stats\":\"%s\",\"every\":%" PRIu64,
               m->name, m->version, a->window_name, rows, call->api->options->neuron_rows_min,
               axon_neurons_rate_upper95(rows),
               m->neurons_every == 0   ? "off"
               : m->neurons_every == 1 ? "full"
                                       : "sampled",
               m->neurons_every);
}

bool neurons_reply_has(const struct model *m, const struct neurons_asked *a, size_t layer)
{
    return layer + 1 < m->layers_count && (a->layer == m->layers_count || a->layer == layer);
}

enum error_id neurons_reply(struct api_call *call, struct neurons_reply *r)
{
    struct buf *out = &call->reply->body;
    const struct model *m = call->model;
    enum error_id id = ERROR_OK;
    bool begins = out->len == 0;

    if (begins) {
        put_model(call, r->n, &r->asked);
        if (r->n)
            put_non_finite(call, r->n, &r->asked);
        buf_puts(out, ",\"layers\":[");
    }
    while (r->layer < m->layers_count && !neurons_reply_has(m, &r->asked, r->layer))
        r->layer++;
    if (r->n && r->layer < m->layers_count) {
        buf_puts(out, begins ? "" : ",");
        id = put_layer(call, r->n, r->baseline, &r->asked, r->layer++);
        call->again = id == ERROR_OK && !out->failed;
        return id;
    }
    buf_puts(out, "]}");
    return ERROR_OK;
}

size_t neurons_reply_bytes_max(const struct model *m, const struct neurons_asked *a)
{
    enum { FRAME_BYTES = 1024, LISTED_BYTES = 144, DETAIL_BYTES = 384 };
    size_t bytes = FRAME_BYTES;

    for (size_t l = 0; l < m->layers_count; l++) {
        size_t units = m->layers[l].units, listed = units < a->top_k ? units : (size_t)a->top_k;

        if (neurons_reply_has(m, a, l))
            bytes += FRAME_BYTES + listed * LISTED_BYTES + (a->units ? units * DETAIL_BYTES : 0);
    }
    return bytes;
}
