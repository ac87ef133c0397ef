/* neurons.c - GET /v1/models/{model}/neurons: what is asked; neurons_reply.c answers. */
#include <stdlib.h>
#include <string.h>
#include "api/lookup.h"
#include "api/neurons_reply.h"
#include "base/clock.h"
#include "neurons/neurons.h"

enum { TOP_K = 10, TOP_K_MAX = 65536 };

/* "60s", as the metrics' label has it. */
static const char *sliding_name(const struct api_call *call, char out[static 32])
{
    snprintf(out, 32, "%gs", call->api->options->neuron_window);
    return out;
}

static enum error_id ask_window(struct api_call *call, struct neurons_asked *a)
{
    const char *window = target_query(&call->target, "window");
    char sliding[32];

    a->window = AXON_WINDOW_LOAD;
    if (!window || strcmp(window, "load") == 0)
        return ERROR_OK;
    a->window = AXON_WINDOW_SLIDING;
    return strcmp(window, sliding_name(call, sliding)) == 0
               ? ERROR_OK
               : call_fail(call, ERROR_BAD_REQUEST, "window: expected load or %s, found %.40s",
                           sliding, window);
}

static enum error_id ask_layer(struct api_call *call, const struct model *m,
                               struct neurons_asked *a)
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

static enum error_id ask_top_k(struct api_call *call, const char *text, struct neurons_asked *a)
{
    size_t digits = strspn(text, "0123456789");

    a->top_k = strtoull(text, NULL, 10);
    return digits > 0 && digits < 10 && !text[digits] && a->top_k <= TOP_K_MAX
               ? ERROR_OK
               : call_fail(call, ERROR_BAD_REQUEST,
                           "top_k: expected a whole number from 0 to %d, found %.40s", TOP_K_MAX,
                           text);
}

static enum error_id ask_units(struct api_call *call, struct neurons_asked *a)
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
    return call_fail(call, ERROR_BAD_REQUEST,
                     "sort: expected unit, firing_rate, dormant_score or drift, found %.40s", sort);
}

enum error_id neurons_get(struct api_call *call)
{
    enum error_id id = lookup_model(call); /* the call's, which releases it */
    struct neurons_asked a = {.now_s = clock_s()};
    struct axon_neurons *n = NULL;
    char sliding[32];

    if (id != ERROR_OK || (id = ask_window(call, &a)) != ERROR_OK ||
        (id = ask_layer(call, call->model, &a)) != ERROR_OK ||
        (id = ask_units(call, &a)) != ERROR_OK || (id = ask_sort(call, &a)) != ERROR_OK)
        return id;
    a.window_name = a.window == AXON_WINDOW_LOAD ? "load" : sliding_name(call, sliding);
    if (call->model->neurons && !(n = neurons_merge(call->model->neurons)))
        return call_fail(call, ERROR_OUT_OF_MEMORY, "no memory for the counters");
    id = neurons_reply(call, n, &a);
    axon_neurons_destroy(n);
    return id;
}
