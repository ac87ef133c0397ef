/* plot.c - GET /v1/activations/{activation}/plot.svg: the query of a drawing.
 *
 * server/plot draws. Invariant: whatever is asked, the work is no more than that of the largest
 * drawing, so it is done here. */
#include "plot/plot.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "api/call.h"
#include "catalogue/catalogue.h"

static const double from_default = -6, to_default = 6;

static enum error_id unknown(struct api_call *call, const char *where, const char *name)
{
    char hint[NEAREST_HINT_MAX];

    return call_fail(call, ERROR_UNKNOWN_ACTIVATION, "%s'%.64s': no such activation%s", where, name,
                     catalogue_activation_hint(hint, name));
}

/* ---- from, to, derivative ---- */

static enum error_id ask_bound(struct api_call *call, const char *key, double *bound)
{
    const char *value = target_query(&call->target, key);
    float number;

    if (!value)
        return ERROR_OK;
    if (call_query_float(call, key, value, &number) != ERROR_OK)
        return call->error.id;
    *bound = catalogue_printable(number);
    return fabs(*bound) <= PLOT_X_MAX
               ? ERROR_OK
               : call_fail(call, ERROR_BAD_PARAMETER, "query: %s: %.9g is not from %g to %g", key,
                           *bound, -PLOT_X_MAX, PLOT_X_MAX);
}

static enum error_id ask_range(struct api_call *call, struct plot *plot)
{
    double least;

    plot->from = from_default;
    plot->to = to_default;
    if (ask_bound(call, "from", &plot->from) != ERROR_OK ||
        ask_bound(call, "to", &plot->to) != ERROR_OK)
        return call->error.id;
    if (plot->from >= plot->to)
        return call_fail(call, ERROR_BAD_PARAMETER,
                         "query: from: %.9g is not below to, which is %.9g", plot->from, plot->to);
    least = plot_width_min(plot->from, plot->to);
    return plot->to - plot->from >= least
               ? ERROR_OK
               : call_fail(call, ERROR_BAD_PARAMETER,
                           "query: to: %.9g is too near to from, which is %.9g: at least %.3g "
                           "must lie between them",
                           plot->to, plot->from, least);
}

static enum error_id ask_derivative(struct api_call *call, struct plot *plot)
{
    const char *value = target_query(&call->target, "derivative");

    plot->derivative = value && strcmp(value, "true") == 0;
    return !value || plot->derivative || strcmp(value, "false") == 0
               ? ERROR_OK
               : call_fail(call, ERROR_BAD_REQUEST,
                           "query: derivative: expected true or false, found '%.40s'", value);
}

/* ---- the curves ---- */

static void add_curve(struct plot *plot, const struct axon_activation *act)
{
    struct plot_curve *curve = &plot->curves[plot->count++];

    curve->activation = act;
    for (unsigned i = 0; i < act->parameters_count; i++)
        curve->params[i] = act->parameters[i].value;
}

/* The parameters of the path's activation: what the query has besides the keys of a drawing. */
static enum error_id ask_parameters(struct api_call *call, struct plot_curve *curve, bool *given)
{
    enum { OWN = 4 };
    const char *allowed[OWN + CATALOGUE_KEYS_MAX + 1] = {"from", "to", "derivative", "compare"};
    const struct axon_activation *act = curve->activation;
    const struct place at = {"query", "", &call->error};

    catalogue_keys(act, allowed + OWN);
    if (call_check_query(call, allowed) != ERROR_OK)
        return call->error.id;
    for (unsigned i = 0; i < act->parameters_count; i++) {
        const struct axon_parameter *p = &act->parameters[i];
        const char *value = target_query(&call->target, p->name);
        const char *also = *p->also ? target_query(&call->target, p->also) : NULL;

        if (value && also)
            return object_fail(&at, p->also, ERROR_BAD_FIELD,
                               "is \"%s\" by another name; give one of them", p->name);
        if (!value && !also)
            continue;
        *given = true;
        if (call_query_float(call, value ? p->name : p->also, value ? value : also,
                             &curve->params[i]) != ERROR_OK)
            return call->error.id;
    }
    return catalogue_check(&at, act, curve->params, act->parameters_count, 1);
}

/* One more of compare=relu,gelu: *list is what is left of it. */
static enum error_id ask_curve(struct api_call *call, struct plot *plot, const char **list,
                               bool given)
{
    char name[CALL_ARG_MAX + 1];
    size_t length = strcspn(*list, ",");
    const struct axon_activation *act;

    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name), *list);
    act = axon_activation_find(name);
    if (length == 0)
        return call_fail(call, ERROR_BAD_REQUEST, "query: compare: a name is empty");
    if (length >= sizeof name || !act)
        return unknown(call, "query: compare: ", name);
    if (plot->count == PLOT_CURVES_MAX)
        return call_fail(call, ERROR_LIMIT_EXCEEDED,
                         "query: compare: more than %d activations beside %s", PLOT_CURVES_MAX - 1,
                         plot->curves[0].activation->name);
    /* With other parameters the first is another curve than the same by its defaults. */
    for (size_t i = given; i < plot->count; i++)
        if (plot->curves[i].activation == act)
            return call_fail(call, ERROR_BAD_REQUEST, "query: compare: '%s' is drawn already",
                             name);
    add_curve(plot, act);
    *list += length;
    *list += **list == ',';
    return ERROR_OK;
}

static enum error_id ask_curves(struct api_call *call, struct plot *plot)
{
    const char *name = call->args[ARG_ACTIVATION], *list = target_query(&call->target, "compare");
    const struct axon_activation *act = axon_activation_find(name);
    bool given = false, more = list != NULL;

    if (!act)
        return unknown(call, "", name);
    add_curve(plot, act);
    if (ask_parameters(call, &plot->curves[0], &given) != ERROR_OK)
        return call->error.id;
    while (more) {
        const char *at = list;

        if (ask_curve(call, plot, &list, given) != ERROR_OK)
            return call->error.id;
        more = list > at && list[-1] == ','; /* "relu," lacks a name */
    }
    return ERROR_OK;
}

enum error_id plot_get(struct api_call *call)
{
    struct plot plot = {.count = 0};
    struct api_reply *reply = call->reply;

    if (ask_curves(call, &plot) != ERROR_OK || ask_range(call, &plot) != ERROR_OK ||
        ask_derivative(call, &plot) != ERROR_OK)
        return call->error.id;
    plot_write(&reply->body, &plot);
    if (reply->body.failed)
        return ERROR_OK; /* which is told */
    if (call_is_known(call, reply->body.data, reply->body.len, "max-age=3600")) {
        buf_fini(&reply->body);
        return ERROR_OK;
    }
    reply->headers[REPLY_CONTENT_TYPE] = "image/svg+xml";
    reply->headers[REPLY_TYPE_OPTIONS] = "nosniff";
    reply->headers[REPLY_SECURITY_POLICY] = "default-src 'none'; style-src 'unsafe-inline'";
    return ERROR_OK;
}
