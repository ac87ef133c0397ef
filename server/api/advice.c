/* advice.c - GET /v1/models/{model}/advice: what is odd about a served network, with a reason and a
 * way out, and between which values its outputs stay.
 *
 * Both were found when the version was loaded: nothing is computed here. */
#include "neurons/advice.h"
#include <axon/bounds.h>
#include <math.h>
#include "api/lookup.h"
#include "model/model.h"

enum { OUTPUTS_MAX = 1024 }; /* whose bounds are told: a reply must not grow without bound */

static json_t *item_to_json(const struct model *m, const struct advice *a)
{
    const struct advice_row *row = &advice_rows[a->id];
    json_t *json = json_pack(
        "{s:s, s:s, s:o}", "id", row->id, "level", advice_level_names[a->level], "layer",
        a->layer == ADVICE_NOWHERE ? json_null() : json_string(m->layers[a->layer].name));
    json_t *rest = json_pack("{s:s, s:s, s:s, s:o}", "message", a->message, "why", row->why, "fix",
                             row->fix, "page",
                             json_sprintf("server/neurons/ADVICE.md#%s", row->id));
    int failed = !json || !rest;

    if (!failed && a->unit != ADVICE_NOWHERE)
        failed = json_object_set_new(json, "unit", json_integer((json_int_t)a->unit));
    if (failed || json_object_update(json, rest) != 0) {
        json_decref(json);
        json = NULL;
    }
    json_decref(rest);
    return json;
}

/* An infinite bound is none: null. */
static json_t *bound_to_json(float bound)
{
    return isfinite(bound) ? json_real((double)bound) : json_null();
}

static json_t *bounds_to_json(const struct model *m)
{
    size_t outputs = axon_mlp_outputs(m->mlp);
    const struct axon_interval *y;
    json_t *low = json_array(), *high = json_array();

    if (!m->bounds) {
        json_decref(low);
        json_decref(high);
        return json_null();
    }
    y = axon_bounds_after(m->bounds, m->layers_count - 1);
    for (size_t i = 0; i < outputs && i < OUTPUTS_MAX; i++) {
        call_append(&low, bound_to_json(y[i].low));
        call_append(&high, bound_to_json(y[i].high));
    }
    return json_pack("{s:s, s:o, s:o}", "range", m->bounds_declared ? "declared" : "baseline",
                     "low", low, "high", high);
}

enum error_id advice_get(struct api_call *call)
{
    enum error_id id = lookup_model(call); /* the call's, which releases it */
    json_t *list;

    if (id != ERROR_OK)
        return id;
    list = json_array();
    for (size_t i = 0; i < call->model->advice->count; i++)
        call_append(&list, item_to_json(call->model, &call->model->advice->items[i]));
    return call_reply_json(call, json_pack("{s:o, s:o}", "advice", list, "output_bounds",
                                           bounds_to_json(call->model)));
}
