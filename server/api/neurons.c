/* neurons.c - GET /v1/models/{model}/neurons: what is asked; neurons_reply.c answers.
 *
 * A worker merges the counts and writes, as for every long answer: a network may have more units
 * than a thread that reads sockets has time for. */
#include <stdlib.h>
#include <string.h>
#include "api/lookup.h"
#include "api/neurons_reply.h"
#include "base/clock.h"
#include "neurons/baseline.h"
#include "neurons/neurons.h"

enum { TOP_K = 10, TOP_K_MAX = 65536 };

/* "60s", as the metrics' label has it. */
static const char *sliding_name(const struct api_call *call, char out[static NEURONS_WINDOW_MAX])
{
    snprintf(out, NEURONS_WINDOW_MAX, "%gs", call->api->options->neuron_window);
    return out;
}

static enum error_id ask_window(struct api_call *call, struct neurons_asked *a)
{
    const char *window = target_query(&call->target, "window");
    char *name = a->window_name;

    a->window = AXON_WINDOW_LOAD;
    snprintf(name, NEURONS_WINDOW_MAX, "load");
    if (!window || strcmp(window, name) == 0)
        return ERROR_OK;
    a->window = AXON_WINDOW_SLIDING;
    return strcmp(window, sliding_name(call, name)) == 0
               ? ERROR_OK
               : call_fail(call, ERROR_BAD_REQUEST,
                           "query: window: expected load or %s, found '%.40s'", name, window);
}

/* All but the last layer; "..." ends what does not fit. */
static const char *hidden_layers(const struct model *m, char *out, size_t size)
{
    size_t length = 0;

    *out = '\0';
    for (size_t l = 0; l + 1 < m->layers_count && length < size; l++)
        length += (size_t)snprintf(out + length, size - length, "%s%s", l ? ", " : "",
                                   m->layers[l].name);
    if (length >= size)
        memcpy(out + size - 4, "...", 4);
    return out;
}

/* The units of the last layer are the outputs, and nobody watches them. */
static enum error_id ask_layer(struct api_call *call, const struct model *m,
                               struct neurons_asked *a)
{
    const char *name = target_query(&call->target, "layer");
    const char *last = m->layers[m->layers_count - 1].name;
    char hidden[300];

    a->layer = m->layers_count;
    for (size_t l = 0; name && l + 1 < m->layers_count; l++)
        if (strcmp(m->layers[l].name, name) == 0)
            a->layer = l;
    if (!name || a->layer < m->layers_count)
        return ERROR_OK;
    if (m->layers_count == 1)
        return call_fail(call, ERROR_BAD_REQUEST, "query: layer: model '%s' has no hidden layers",
                         m->name);
    return call_fail(
        call, ERROR_BAD_REQUEST,
        strcmp(name, last) == 0
            ? "query: layer: '%.64s' is the output of model '%s'; its hidden layers are %s"
            : "query: layer: '%.64s' is no layer of model '%s'; its hidden layers are %s",
        name, m->name, hidden_layers(m, hidden, sizeof hidden));
}

static enum error_id ask_top_k(struct api_call *call, const char *text, struct neurons_asked *a)
{
    size_t digits = strspn(text, "0123456789");

    a->top_k = strtoull(text, NULL, 10);
    return digits > 0 && digits < 10 && !text[digits] && a->top_k <= TOP_K_MAX
               ? ERROR_OK
               : call_fail(call, ERROR_BAD_REQUEST,
                           "query: top_k: expected a whole number from 0 to %d, found '%.40s'",
                           TOP_K_MAX, text);
}

static enum error_id ask_units(struct api_call *call, struct neurons_asked *a)
{
    const char *units = target_query(&call->target, "units");
    const char *top_k = target_query(&call->target, "top_k");

    a->units = units && strcmp(units, "true") == 0;
    if (units && !a->units && strcmp(units, "false") != 0)
        return call_fail(call, ERROR_BAD_REQUEST,
                         "query: units: expected true or false, found '%.40s'", units);
    a->top_k = TOP_K;
    return top_k ? ask_top_k(call, top_k, a) : ERROR_OK;
}

static enum error_id ask_sort(struct api_call *call, struct neurons_asked *a)
{
    static const char *const names[] = {[NEURONS_BY_UNIT] = "unit",
                                        [NEURONS_BY_FIRING_RATE] = "firing_rate",
                                        [NEURONS_BY_DORMANT_SCORE] = "dormant_score",
                                        [NEURONS_BY_DRIFT] = "drift"};
    const char *sort = target_query(&call->target, "sort");

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!sort || strcmp(sort, names[i]) == 0) {
            a->sort = (enum neurons_sort)i;
            return ERROR_OK;
        }
    return call_fail(
        call, ERROR_BAD_REQUEST,
        "query: sort: expected unit, firing_rate, dormant_score or drift, found '%.40s'", sort);
}

static enum error_id ask(struct api_call *call, struct neurons_asked *a)
{
    if (ask_window(call, a) != ERROR_OK || ask_layer(call, call->model, a) != ERROR_OK ||
        ask_units(call, a) != ERROR_OK)
        return call->error.id;
    return ask_sort(call, a);
}

/* ---- the answer ---- */

_Static_assert(sizeof(struct neurons_reply) <= CALL_STATE_MAX, "a call's state");

static struct neurons_reply *state_of(const struct api_call *call)
{
    return (struct neurons_reply *)(uintptr_t)call->state;
}

static enum error_id nothing_to_read(struct api_call *call)
{
    (void)call;
    return ERROR_OK;
}

static enum error_id merge(struct api_call *call)
{
    struct neurons_reply *r = state_of(call);

    r->asked.now_s = clock_s();
    if (call->model->neurons && !(r->n = neurons_merge(call->model->neurons)))
        return call_fail(call, ERROR_OUT_OF_MEMORY, "no memory for the counters");
    return ERROR_OK;
}

static enum error_id write_reply(struct api_call *call)
{
    return neurons_reply(call, state_of(call));
}

static void fini(struct api_call *call, bool answered)
{
    struct neurons_reply *r = state_of(call);

    (void)answered;
    axon_neurons_destroy(r->n);
    baseline_unref(r->baseline);
}

/* Units that were asked for. */
static size_t units_of(const struct api_call *call)
{
    size_t units = 0;

    for (size_t l = 0; l < call->model->layers_count; l++)
        if (neurons_reply_has(call->model, &state_of(call)->asked, l))
            units += call->model->layers[l].units;
    return units;
}

/* Beside the counts, what a unit's figures and its place in two orders take. */
static struct call_needs needs(const struct api_call *call)
{
    enum { UNIT_BYTES = sizeof(struct axon_neurons_unit) + 32 };
    const struct model *m = call->model;

    if (!m->neurons)
        return (struct call_needs){0};
    return (struct call_needs){.state = axon_neurons_bytes(m->mlp) + units_of(call) * UNIT_BYTES,
                               .reply = neurons_reply_bytes_max(m, &state_of(call)->asked)};
}

/* The counts of all units are merged, whatever is asked for. */
static size_t elements(const struct api_call *call)
{
    enum { OF_UNIT = 50, OF_DETAIL = 200 };
    size_t merged = axon_mlp_features(call->model->mlp), numbers = 0;

    for (size_t l = 0; l < call->model->layers_count; l++)
        merged += call->model->layers[l].units;
    if (call->model->neurons)
        numbers = merged * OF_UNIT + (state_of(call)->asked.units ? units_of(call) * OF_DETAIL : 0);
    return work_elements((double)numbers * WORK_ELEMENT_S);
}

static const struct call_post neurons = {
    .tensors = (const char *const[]){NULL},
    .state_bytes = sizeof(struct neurons_reply),
    .phases = {[CALL_READ] = nothing_to_read, [CALL_COMPUTE] = merge, [CALL_WRITE] = write_reply},
    .fini = fini,
    .needs = needs,
    .elements = elements,
};

enum error_id neurons_get(struct api_call *call)
{
    struct neurons_asked asked = {.now_s = 0};
    struct baseline *baseline;

    /* the model is the call's, which releases it */
    if (lookup_model(call) != ERROR_OK || ask(call, &asked) != ERROR_OK)
        return call->error.id;
    baseline = neurons_baseline(call->model->neurons);
    if (asked.sort == NEURONS_BY_DRIFT && !baseline)
        return call_fail(call, ERROR_BAD_REQUEST,
                         "query: sort: model '%s' has no baseline to drift from",
                         call->model->name);
    call_go_on(call, &neurons);
    *state_of(call) = (struct neurons_reply){.asked = asked, .baseline = baseline};
    return ERROR_OK;
}
