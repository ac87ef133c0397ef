/* activations.c - /v1/activations: the catalogue, and an activation applied to a posted tensor.
 *
 * Knows what the registry knows and no activation by name: a new row of lib/activation.def is
 * served as it is. */
#include <axon/code.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/application.h"
#include "api/arrays.h"
#include "api/statistics.h"
#include "metrics/metrics.h"
#include "catalogue/catalogue.h"

static json_t *parameters_to_json(const struct axon_activation *act)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < act->parameters_count; i++) {
        const struct axon_parameter *p = &act->parameters[i];

        call_append(
            &list,
            json_pack(*p->also ? "{s:s, s:f, s:f, s:f, s:s, s:s}" : "{s:s, s:f, s:f, s:f, s:s}",
                      "name", p->name, "default", catalogue_printable(p->value), "minimum",
                      catalogue_printable(p->minimum), "maximum", catalogue_printable(p->maximum),
                      "description", p->description, "also", p->also));
    }
    return list;
}

static json_t *meaning_to_json(const struct axon_meaning *m)
{
    const struct axon_activation *act = m->activation;
    json_t *params = json_object();

    for (unsigned i = 0; params && i < act->parameters_count; i++)
        if (json_object_set_new(params, act->parameters[i].name,
                                json_real(catalogue_printable(m->params[i]))) != 0) {
            json_decref(params);
            params = NULL;
        }
    return json_pack("{s:s, s:o, s:s}", "activation", act->name, "parameters", params, "note",
                     m->note);
}

/* The dialects that mean something else by the name than the default one. */
static json_t *dialects_to_json(const struct axon_activation *act)
{
    size_t count;
    const struct axon_dialect *table = axon_dialect_table(&count);
    json_t *object = json_object();

    for (size_t i = 0; object && i < count; i++) {
        struct axon_meaning m;

        if (!axon_dialect_meaning(&table[i], act->name, &m) || !m.note)
            continue;
        if (json_object_set_new(object, table[i].name, meaning_to_json(&m)) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

static json_t *code_to_json(const struct axon_activation *act)
{
    const struct axon_code *code = axon_activation_code(act);

    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "pytorch", code->pytorch, "keras", code->keras,
                     "jax", code->jax, "numpy", code->numpy, "onnx", code->onnx);
}

static json_t *activation_to_json(const struct axon_activation *act)
{
    static const char *const kinds[] = {
        [AXON_ELEMENTWISE] = "elementwise", [AXON_ROWWISE] = "rowwise", [AXON_GATED] = "gated"};
    json_t *aliases = json_array();

    for (size_t i = 0; act->aliases[i]; i++)
        call_append(&aliases, json_string(act->aliases[i]));
    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:f, s:s, s:s, s:s, s:s, s:f, "
                     "s:s, s:o}",
                     "name", act->name, "aliases", aliases, "kind", kinds[act->kind], "formula",
                     act->formula, "latex", act->latex, "derivative", act->derivative, "range",
                     act->range, "parameters", parameters_to_json(act), "dialects",
                     dialects_to_json(act), "ulp_max", (double)act->ulp_max, "pros", act->pros,
                     "cons", act->cons, "use", act->use, "initializer", act->initializer, "gain",
                     act->gain, "source", act->source, "code", code_to_json(act));
}

enum error_id activations_list(struct api_call *call)
{
    size_t count;
    const struct axon_activation *table = axon_activation_table(&count);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        call_append(&list, activation_to_json(&table[i]));
    return call_reply_json(call, json_pack("{s:o}", "activations", list));
}

static enum error_id find(struct api_call *call, const struct axon_activation **act)
{
    const char *name = call->args[ARG_ACTIVATION];
    char hint[NEAREST_HINT_MAX];

    *act = axon_activation_find(name);
    return *act ? ERROR_OK
                : call_fail(call, ERROR_UNKNOWN_ACTIVATION, "'%s': no such activation%s", name,
                            catalogue_activation_hint(hint, name));
}

enum error_id activations_get(struct api_call *call)
{
    static const char *const no_query[] = {NULL};
    const struct axon_activation *act;

    if (find(call, &act) != ERROR_OK || call_check_query(call, no_query) != ERROR_OK)
        return call->error.id;
    return call_reply_json(call, activation_to_json(act));
}

/* ---- POST: what is answered ---- */

struct evaluation {
    struct application a;
    float *halved;       /* y of a gated activation, which must not overlap x, or NULL */
    float *y, *gradient; /* y [out_count]; gradient like x, or NULL */
    size_t done;         /* of a.axis.outer, or of all elements of x if nothing joins them */
    struct statistics statistics;
};
_Static_assert(sizeof(struct evaluation) <= CALL_STATE_MAX, "a call's state");

static enum error_id write_tensor(struct api_call *call, const struct application *a,
                                  const char *name, const float *values, const size_t *shape)
{
    size_t rank = a->fields[FIELD_DATA].tensor.rank;
    char text[32];

    snprintf(text, sizeof text, ",\"%s\":", name);
    return call_write_part(call, text, values, rank, shape, name, a->policy);
}

static enum error_id write_json(struct api_call *call, const struct application *a, const float *y,
                                const float *gradient, const struct statistics *s)
{
    const struct tensor *data = &a->fields[FIELD_DATA].tensor;
    struct buf *out = &call->reply->body;

    if (out->len == 0) {
        buf_printf(out, "{\"name\":\"%s\",\"shape\":[", a->act->name);
        for (size_t i = 0; i < a->rank; i++)
            buf_printf(out, "%s%zu", i ? "," : "", a->out_shape[i]);
        buf_puts(out, "]");
    }
    if (write_tensor(call, a, "data", y, a->out_nested) != ERROR_OK ||
        (gradient && write_tensor(call, a, "gradient", gradient, data->shape) != ERROR_OK))
        return call->error.id;
    if (call->again)
        return ERROR_OK;
    buf_puts(out, ",\"statistics\":");
    statistics_write(out, s);
    buf_puts(out, "}");
    return ERROR_OK;
}

/* A gradient is an array of its own after the output's, as numpy.save() appends one. */
static enum error_id write_npy(struct api_call *call, const struct evaluation *e)
{
    const struct application *a = &e->a;
    enum error_id id = arrays_write(call, e->y, a->rank, a->out_shape);

    return id == ERROR_OK && e->gradient ? arrays_write(call, e->gradient, a->rank, a->shape) : id;
}

static enum error_id write_reply(struct api_call *call)
{
    const struct evaluation *e = (const struct evaluation *)call->state;
    const struct application *a = &e->a;
    const struct statistics *s = &e->statistics;
    enum error_id id = a->npy ? write_npy(call, e) : write_json(call, a, e->y, e->gradient, s);
    size_t rows;
    unsigned row = (unsigned)(a->act - axon_activation_table(&rows));

    if (id == ERROR_OK && !call->again && !call->reply->body.failed) {
        metrics_add(METRIC_activation_outputs_total, row, s->count);
        metrics_add(METRIC_activation_zero_outputs_total, row, s->zeros);
    }
    return id;
}

static enum error_id make_room(struct api_call *call, struct evaluation *e)
{
    const struct application *a = &e->a;
    bool gated = a->act->kind == AXON_GATED;

    e->y = a->fields[FIELD_DATA].tensor.data;
    if (gated)
        e->y = e->halved = call_allocate(call, a->out_count, sizeof(float));
    if (a->gradient)
        e->gradient = call_allocate(call, a->fields[FIELD_DATA].tensor.count, sizeof(float));
    if ((gated && !e->halved) || (a->gradient && !e->gradient))
        return call_no_memory(call);
    return ERROR_OK;
}

static struct call_needs needs(const struct api_call *call)
{
    enum { FRAME_BYTES = 1024 }; /* keys, shape, statistics; or the header of .npy */
    const struct application *a = &((const struct evaluation *)call->state)->a;
    const struct tensor *data = &a->fields[FIELD_DATA].tensor;
    size_t y_bytes = a->out_count * sizeof(float),
           text = tensor_text_max(data->rank, a->out_nested);
    size_t dx_bytes = a->gradient ? data->count * sizeof(float) : 0;
    size_t dx_text = a->gradient ? tensor_text_max(data->rank, data->shape) : 0;

    return (struct call_needs){.state = (a->act->kind == AXON_GATED ? y_bytes : 0) + dx_bytes,
                               .reply = FRAME_BYTES +
                                        (a->npy ? y_bytes + dx_bytes : text + dx_text)};
}

/* x as rows that can be done one after the other: none if it is empty, whatever its shape says of
 * them. */
static struct axon_axis rows_of(const struct application *a)
{
    size_t count = a->fields[FIELD_DATA].tensor.count;

    if (count == 0)
        return (struct axon_axis){0, 1, 1};
    /* Nothing joins the elements but one parameter per channel. */
    if (a->act->kind == AXON_ELEMENTWISE && !a->params_channel)
        return (struct axon_axis){count, 1, 1};
    return a->axis;
}

/* The next so many rows. The gradient needs x, so it comes before the forward pass, which may
 * overwrite x with y. */
static void compute_rows(struct evaluation *e, struct axon_axis rows, size_t count)
{
    const struct application *a = &e->a;
    const float *upstream = a->fields[FIELD_UPSTREAM].tensor.data;
    size_t width = rows.length * rows.inner, from = e->done * width;
    size_t from_y = a->act->kind == AXON_GATED ? from / 2 : from;
    const float *x = a->fields[FIELD_DATA].tensor.data + from;
    float *y = e->y + from_y;

    rows.outer = count;
    if (e->gradient)
        axon_activation_gradient(a->act, x, upstream ? upstream + from_y : NULL, e->gradient + from,
                                 rows, a->params, a->params_count);
    axon_activation_forward(a->act, x, y, rows, a->params, a->params_count);
    statistics_add(&e->statistics, y,
                   a->act->kind == AXON_GATED ? count * width / 2 : count * width);
}

/* A piece at a time, which is one row at least. */
static enum error_id compute(struct api_call *call)
{
    enum { PIECE = 1 << 17 };
    struct evaluation *e = (struct evaluation *)call->state;
    struct axon_axis rows = rows_of(&e->a);
    size_t width = rows.length * rows.inner, count = width < PIECE ? PIECE / width : 1;

    if (e->done == 0) {
        statistics_init(&e->statistics, e->a.act, e->a.params);
        if (make_room(call, e) != ERROR_OK)
            return call->error.id;
    }
    count = count < rows.outer - e->done ? count : rows.outer - e->done;
    if (count > 0)
        compute_rows(e, rows, count);
    e->done += count;
    call->again = e->done < rows.outer;
    return ERROR_OK;
}

static enum error_id read_request(struct api_call *call)
{
    return application_read(call, &((struct evaluation *)call->state)->a);
}

static void fini(struct api_call *call, bool answered)
{
    struct evaluation *e = (struct evaluation *)call->state;

    (void)answered;
    free(e->gradient);
    free(e->halved);
    application_fini(&e->a);
}

static enum error_id admit(struct api_call *call)
{
    struct application *a = &((struct evaluation *)call->state)->a;

    a->name = call->args[ARG_ACTIVATION];
    return find(call, &a->act);
}

const struct call_post activations_apply[1] = {
    {.tensors = application_tensors,
     .state_bytes = sizeof(struct evaluation),
     .admit = admit,
     .phases = {[CALL_READ] = read_request, [CALL_COMPUTE] = compute, [CALL_WRITE] = write_reply},
     .fini = fini,
     .needs = needs},
};
