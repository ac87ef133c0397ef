/* guide.c - GET /v1/guide: the selection guide by task, network and depth.
 *
 * Knows the words of the query; the recommendations are guide.def's, initialiser and gain the
 * catalogue's. */
#include "guide/guide.h"
#include <axon/initializer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/call.h"
#include "catalogue/catalogue.h"

enum { DEPTH = 2 }; /* of a question that does not say */

/* "binary, multiclass, multilabel or regression" */
static const char *choices(char *out, size_t out_bytes, const char *const *names, size_t count)
{
    size_t length = 0;

    for (size_t i = 0; i < count && length < out_bytes; i++)
        length += (size_t)snprintf(out + length, out_bytes - length, "%s%s",
                                   i == 0           ? ""
                                   : i + 1 == count ? " or "
                                                    : ", ",
                                   names[i]);
    return out;
}

/* *chosen stays as it is if the query has no such key and need not have it. */
static enum error_id ask_name(struct api_call *call, const char *key, bool must,
                              const char *const *names, size_t count, unsigned *chosen)
{
    const char *value = target_query(&call->target, key);
    char known[100];

    if (!value && !must)
        return ERROR_OK;
    for (size_t i = 0; value && i < count; i++)
        if (strcmp(names[i], value) == 0) {
            *chosen = (unsigned)i;
            return ERROR_OK;
        }
    choices(known, sizeof known, names, count);
    return value
               ? call_fail(call, ERROR_BAD_REQUEST, "query: %s: expected %s, found '%.40s'", key,
                           known, value)
               : call_fail(call, ERROR_BAD_REQUEST, "query: %s: missing; expected %s", key, known);
}

static enum error_id ask_depth(struct api_call *call, unsigned *depth)
{
    const char *value = target_query(&call->target, "depth");
    size_t digits = value ? strspn(value, "0123456789") : 0;

    if (!value)
        return ERROR_OK;
    *depth = digits > 0 && digits < 9 && !value[digits] ? (unsigned)strtoul(value, NULL, 10) : 0;
    return *depth > 0 && *depth <= GUIDE_DEPTH_MAX
               ? ERROR_OK
               : call_fail(call, ERROR_BAD_REQUEST,
                           "query: depth: expected a whole number of hidden layers from 1 to %d, "
                           "found '%.40s'",
                           GUIDE_DEPTH_MAX, value);
}

static json_t *output_to_json(const struct guide_output *row)
{
    return json_pack("{s:s, s:s, s:s}", "activation", row->activation, "loss", row->loss, "why",
                     row->why);
}

static json_t *hidden_to_json(const struct guide_hidden *row)
{
    const struct axon_activation *act = axon_activation_find(row->activation);
    const float *params = row->params_count ? row->params : NULL;
    json_t *given = json_object();

    for (unsigned i = 0; given && i < row->params_count; i++)
        if (json_object_set_new(given, act->parameters[i].name,
                                json_real(catalogue_printable(params[i])))) {
            json_decref(given);
            given = NULL;
        }
    return json_pack("{s:s, s:o, s:s, s:f, s:s}", "activation", act->name, "parameters", given,
                     "initializer", act->initializer, "gain",
                     axon_initializer_gain(act, params, row->params_count), "why", row->why);
}

static json_t *answer_to_json(const struct guide_question *q, const struct guide_answer *a)
{
    json_t *alternatives = json_array(), *hidden = json_array(), *watch = json_array();

    for (size_t i = 1; i < a->outputs_count; i++)
        call_append(&alternatives, output_to_json(a->outputs[i]));
    for (size_t i = 0; i < a->hidden_count; i++)
        call_append(&hidden, hidden_to_json(a->hidden[i]));
    for (size_t i = 0; i < a->watch_count; i++)
        call_append(&watch, json_string(a->watch[i]));
    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o}", "task", guide_tasks[q->task], "network",
                     guide_networks[q->network], "depth", (int)q->depth, "output",
                     output_to_json(a->outputs[0]), "alternatives", alternatives, "hidden", hidden,
                     "watch", watch);
}

enum error_id guide_get(struct api_call *call)
{
    unsigned task = 0, network = GUIDE_MLP;
    struct guide_question question = {.depth = DEPTH};
    struct guide_answer answer;

    if (ask_name(call, "task", true, guide_tasks, GUIDE_TASKS, &task) != ERROR_OK ||
        ask_name(call, "network", false, guide_networks, GUIDE_NETWORKS, &network) != ERROR_OK ||
        ask_depth(call, &question.depth) != ERROR_OK)
        return call->error.id;
    question.task = (enum guide_task)task;
    question.network = (enum guide_network)network;
    guide_answer(&question, &answer);
    return call_reply_json(call, answer_to_json(&question, &answer));
}
