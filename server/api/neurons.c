/* neurons.c - GET /v1/models/{model}/neurons: which units of a served model fire, and which are
 * dead.
 *
 * The figures are axon/neurons.h's, as in the metrics. Invariant: no verdict is null, never 0. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "api/lookup.h"
#include "base/clock.h"
#include "model/model.h"
#include "neurons/neurons.h"

enum { TOP_K = 10, TOP_K_MAX = 65536 };

/* The request's arguments. */
struct asked {
    enum axon_window window;
    size_t layer; /* layers_count: all */
    bool units;
    uint64_t top_k;
};

static const char *const state_names[] = {
    [AXON_UNIT_ALIVE] = "alive",
    [AXON_UNIT_SUSPECT] = "suspect",
    [AXON_UNIT_DEAD] = "dead",
    [AXON_UNIT_SILENT] = "silent",
    [AXON_UNIT_PROVEN_DEAD] = "proven_dead",
};

/* "60s", as the metrics' label has it. */
static const char *sliding_name(const struct api_call *call, char out[static 32])
{
    snprintf(out, 32, "%gs", call->api->options->neuron_window);
    return out;
}

static enum error_id ask_window(struct api_call *call, struct asked *a)
{
    const char *window = target_query(&call->target, "window");
    char sliding[32];

    a->window = AXON_WINDOW_SLIDING;
    if (!window || strcmp(window, sliding_name(call, sliding)) == 0)
        return ERROR_OK;
    a->window = AXON_WINDOW_LOAD;
    return strcmp(window, "load") == 0
               ? ERROR_OK
               : call_fail(call, ERROR_BAD_REQUEST, "window: expected load or %s, found %.40s",
                           sliding, window);
}

static enum error_id ask_layer(struct api_call *call, const struct model *m, struct asked *a)
{
    const char *name = target_query(&call->target, "layer");

    a->layer = m->layers_count;
    for (size_t l = 0; name && l < m->layers_count; l++)
        if (strcmp(m->layers[l].name, name) == 0)
            a->layer = l;
    return name && a->layer == m->layers_count
               ? call_fail(call, ERROR_BAD_REQUEST, "layer: model '%s' has no layer '%.64s'",
                           m->name, name)
               : ERROR_OK;
}

static enum error_id ask_top_k(struct api_call *call, const char *text, struct asked *a)
{
    size_t digits = strspn(text, "0123456789");

    a->top_k = strtoull(text, NULL, 10);
    return digits > 0 && digits < 10 && !text[digits] && a->top_k <= TOP_K_MAX
               ? ERROR_OK
               : call_fail(call, ERROR_BAD_REQUEST,
                           "top_k: expected a whole number from 0 to %d, found %.40s", TOP_K_MAX,
                           text);
}

static enum error_id ask_units(struct api_call *call, struct asked *a)
{
    const char *units = target_query(&call->target, "units");
    const char *top_k = target_query(&call->target, "top_k");

    a->units = units && strcmp(units, "true") == 0;
    if (units && !a->units && strcmp(units, "false") != 0)
        return call_fail(call, ERROR_BAD_REQUEST, "units: expected true or false, found %.40s",
                         units);
    a->top_k = TOP_K;
    return top_k ? ask_top_k(call, top_k, a) : ERROR_OK;
}

/* ---- the reply: text, not values, since a layer may have many thousand units ---- */

static void put_ratio(struct buf *out, const char *key, double part, double whole)
{
    if (whole > 0)
        buf_printf(out, "\"%s\":%.9g", key, part / whole);
    else
        buf_printf(out, "\"%s\":null", key);
}

/* The first units that are dead, of those that are found to be. */
static void put_dead_units(struct buf *out, const struct axon_neurons *n, size_t layer,
                           const struct asked *a, double now_s, uint64_t units)
{
    uint64_t found = 0;

    buf_puts(out, ",\"units\":[");
    for (size_t u = 0; u < units && found < a->top_k; u++)
        if (axon_neurons_state(n, layer, u, a->window, now_s) == AXON_UNIT_DEAD)
            buf_printf(out, "%s%zu", found++ ? "," : "", u);
    buf_puts(out, "]");
}

static void put_units(struct buf *out, const struct axon_neurons *n, size_t layer,
                      const struct asked *a, double now_s, const struct axon_neurons_layer *is)
{
    buf_puts(out, ",\"units_detail\":[");
    for (size_t u = 0; u < is->units; u++) {
        uint64_t fired = axon_neurons_fired(n, layer, u, a->window, now_s);

        buf_printf(out, "%s{\"unit\":%zu,\"state\":\"%s\",\"fired\":%" PRIu64 ",", u ? "," : "", u,
                   state_names[axon_neurons_state(n, layer, u, a->window, now_s)], fired);
        put_ratio(out, "firing_rate", (double)fired, (double)is->rows);
        buf_puts(out, "}");
    }
    buf_puts(out, "]");
}

static void put_layer(struct buf *out, const struct model *m, const struct axon_neurons *n,
                      size_t layer, const struct asked *a, double now_s)
{
    struct axon_neurons_layer is = axon_neurons_layer(n, layer, a->window, now_s);

    buf_printf(out,
               "{\"name\":\"%s\",\"activation\":\"%s\",\"units\":%" PRIu64 ",\"rows\":%" PRIu64 ",",
               m->layers[layer].name, m->layers[layer].activation->name, is.units, is.rows);
    put_ratio(out, "zero_fraction", (double)is.zero_outputs, (double)is.outputs);
    buf_printf(out, ",\"dead\":{\"count\":%" PRIu64 ",", is.dead);
    put_ratio(out, "ratio", (double)is.dead, is.verdict ? (double)is.units : 0);
    put_dead_units(out, n, layer, a, now_s, is.verdict ? is.units : 0);
    buf_printf(out, "},\"suspect\":%" PRIu64, is.suspect);
    if (a->units)
        put_units(out, n, layer, a, now_s, &is);
    buf_puts(out, "}");
}

static uint64_t rows_of(const struct model *m, const struct axon_neurons *n, const struct asked *a,
                        double now_s)
{
    struct axon_neurons_layer is = {.rows = 0};

    for (size_t l = 0; n && l < m->layers_count && !is.watched; l++)
        is = axon_neurons_layer(n, l, a->window, now_s);
    return is.rows;
}

/* n is NULL if nobody watches: no layers then. */
static void put_model(struct api_call *call, const struct model *m, const struct axon_neurons *n,
                      const struct asked *a)
{
    double now_s = clock_s();
    uint64_t rows = rows_of(m, n, a, now_s);
    struct buf *out = &call->reply->body;
    char sliding[32];
    const char *comma = "";

    buf_printf(out,
               "{\"model\":\"%s\",\"version\":\"%" PRIu64 "\",\"window\":\"%s\",\"rows\":%" PRIu64
               ",\"evidence\":{\"min_rows\":%" PRIu64 ",\"firing_rate_upper95\":%.9g},\"layers\":[",
               m->name, m->version,
               a->window == AXON_WINDOW_LOAD ? "load" : sliding_name(call, sliding), rows,
               call->api->options->neuron_rows_min, axon_neurons_rate_upper95(rows));
    for (size_t l = 0; n && l < m->layers_count; l++)
        if ((a->layer == m->layers_count || a->layer == l) &&
            axon_neurons_layer(n, l, a->window, now_s).watched) {
            buf_puts(out, comma);
            put_layer(out, m, n, l, a, now_s);
            comma = ",";
        }
    buf_puts(out, "]}");
}

enum error_id neurons_get(struct api_call *call)
{
    enum error_id id = lookup_model(call); /* the call's, which releases it */
    struct axon_neurons *n = NULL;
    struct asked a = {0};

    if (id != ERROR_OK || (id = ask_window(call, &a)) != ERROR_OK ||
        (id = ask_layer(call, call->model, &a)) != ERROR_OK ||
        (id = ask_units(call, &a)) != ERROR_OK)
        return id;
    if (call->model->neurons && !(n = neurons_merge(call->model->neurons)))
        return call_fail(call, ERROR_OUT_OF_MEMORY, "no memory for the counters");
    put_model(call, call->model, n, &a);
    axon_neurons_destroy(n);
    return ERROR_OK;
}
