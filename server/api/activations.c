/* activations.c - /v1/activations: the catalogue, and an activation applied to a posted tensor.
 *
 * Knows what the registry knows and no activation by name: a new row of lib/activation.def is
 * served as it is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <axon/activation.h>
#include "api/call.h"
#include "api/statistics.h"
#include "metrics/metrics.h"

static json_t *parameters_to_json(const struct axon_activation *act)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < act->parameters_count; i++) {
        const struct axon_parameter *p = &act->parameters[i];
        char number[FLOAT_TEXT_MAX + 1] = "";

        number[float_write(number, p->value)] = '\0';
        json_array_append_new(list, json_pack("{s:s, s:f, s:s}", "name", p->name, "default",
                                              strtod(number, NULL), "description", p->description));
    }
    return list;
}

static json_t *activation_to_json(const struct axon_activation *act)
{
    static const char *const kinds[] = {
        [AXON_ELEMENTWISE] = "elementwise", [AXON_ROWWISE] = "rowwise"};
    json_t *aliases = json_array();

    for (size_t i = 0; act->aliases[i]; i++)
        json_array_append_new(aliases, json_string(act->aliases[i]));
    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:f, s:s, s:s, s:s, s:s, s:f, s:s}",
                     "name", act->name, "aliases", aliases, "kind", kinds[act->kind], "formula",
                     act->formula, "latex", act->latex, "derivative", act->derivative, "range",
                     act->range, "parameters", parameters_to_json(act), "ulp_max",
                     (double)act->ulp_max, "pros", act->pros, "cons", act->cons, "use", act->use,
                     "initializer", act->initializer, "gain", act->gain, "source", act->source);
}

enum error_id activations_list(struct api_call *call)
{
    size_t count;
    const struct axon_activation *table = axon_activation_table(&count);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, activation_to_json(&table[i]));
    return call_reply_json(call, json_pack("{s:o}", "activations", list));
}

static enum error_id find(struct api_call *call, const struct axon_activation **act)
{
    *act = axon_activation_find(call->args[ARG_ACTIVATION]);
    if (*act)
        return ERROR_OK;
    return call_fail(call, ERROR_UNKNOWN_ACTIVATION,
                     "'%s': no such activation; GET /v1/activations lists what there is",
                     call->args[ARG_ACTIVATION]);
}

enum error_id activations_get(struct api_call *call)
{
    const struct axon_activation *act;

    if (find(call, &act) != ERROR_OK)
        return call->error.id;
    return call_reply_json(call, activation_to_json(act));
}

/* ---- POST: what is asked ----------------------------------------------------------------------
 */

enum { FIELD_DATA, FIELD_UPSTREAM, FIELD_COUNT };

/* One decoded POST. shape is what the client means; flat says that data came as a flat list with
 * "shape". */
struct application {
    const struct axon_activation *act;
    struct envelope_field fields[FIELD_COUNT];
    struct envelope envelope;
    enum non_finite policy;
    size_t rank, shape[TENSOR_RANK_MAX];
    bool flat, gradient;
    struct axon_axis axis;
    float defaults[AXON_PARAMETERS_MAX];
    float *params; /* [params_count]: defaults, or per_channel */
    float *per_channel;
    size_t params_count;
};

static enum error_id read_shape(struct api_call *call, struct application *a)
{
    const struct tensor *data = &a->fields[FIELD_DATA].tensor;
    const json_t *shape = json_object_get(a->envelope.json, "shape"), *value;
    size_t i, count = 1;

    a->rank = data->rank;
    memcpy(a->shape, data->shape, sizeof a->shape);
    if (!shape)
        return ERROR_OK;
    if (!json_is_array(shape) || json_array_size(shape) > call->api->options->rank_max)
        return call_fail(call, ERROR_BAD_FIELD,
                         "shape: expected a list of at most %llu dimensions, found %s",
                         (unsigned long long)call->api->options->rank_max, json_type_text(shape));
    if (data->rank > 1)
        return call_fail(call, ERROR_BAD_FIELD,
                         "shape: goes with flat data, but data is nested %zu deep", data->rank);
    json_array_foreach(shape, i, value)
    {
        json_int_t n = json_integer_value(value);

        if (!json_is_integer(value) || n < 0)
            return call_fail(call, ERROR_BAD_FIELD, "shape[%zu]: expected a whole number >= 0%s", i,
                             json_is_integer(value) ? ", found a negative one" : "");
        if (__builtin_mul_overflow(count, (size_t)n, &count))
            return call_fail(call, ERROR_SHAPE_MISMATCH,
                             "shape: the product of its dimensions overflows, data has %zu values",
                             data->count);
        a->shape[i] = (size_t)n;
    }
    a->rank = json_array_size(shape);
    a->flat = true;
    if (count != data->count)
        return call_fail(call, ERROR_SHAPE_MISMATCH, "shape: asks for %zu values, data has %zu",
                         count, data->count);
    return ERROR_OK;
}

static bool is_per_channel(const struct axon_activation *act)
{
    return act->parameters_count > 0 && act->parameters[0].per_channel;
}

/* PyTorch's channel axis for PReLU is 1; rowwise activations run along the last. */
static json_int_t default_axis(const struct application *a)
{
    return is_per_channel(a->act) && a->rank > 1 ? 1 : -1;
}

static enum error_id read_axis(struct api_call *call, struct application *a)
{
    const json_t *value = json_object_get(a->envelope.json, "axis");
    json_int_t rank = (json_int_t)a->rank, axis = default_axis(a);

    if (value && a->act->kind == AXON_ELEMENTWISE && !is_per_channel(a->act))
        return call_fail(call, ERROR_BAD_FIELD, "axis: %s works element by element and has none",
                         a->act->name);
    if (value && !json_is_integer(value))
        return call_fail(call, ERROR_BAD_FIELD, "axis: expected a whole number, found %s",
                         json_type_text(value));
    if (value)
        axis = json_integer_value(value);
    if (value && (axis < -rank || axis >= rank))
        return call_fail(call, ERROR_BAD_PARAMETER,
                         "axis: %lld is out of range for %zu dimensions (%lld .. %lld)",
                         (long long)axis, a->rank, (long long)-rank, (long long)rank - 1);
    a->axis = (struct axon_axis){1, 1, 1};
    if (axis < 0)
        axis += rank;
    for (json_int_t i = 0; i < rank; i++)
        *(i < axis ? &a->axis.outer : i == axis ? &a->axis.length : &a->axis.inner) *= a->shape[i];
    return ERROR_OK;
}

static enum error_id read_number(struct api_call *call, const json_t *value, const char *name,
                                 float *out)
{
    double number = json_number_value(value);

    if (!json_is_number(value))
        return call_fail(call, ERROR_BAD_FIELD, "parameters.%s: expected a number, found %s", name,
                         json_type_text(value));
    *out = (float)number;
    if (!isfinite(*out))
        return call_fail(call, ERROR_BAD_PARAMETER,
                         "parameters.%s: %g is outside the range of float32", name, number);
    return ERROR_OK;
}

static enum error_id read_per_channel(struct api_call *call, struct application *a,
                                      const json_t *list, const char *name)
{
    size_t i, count = json_array_size(list);
    const json_t *value;

    if (count != a->axis.length)
        return call_fail(call, ERROR_SHAPE_MISMATCH,
                         "parameters.%s: %zu values, but the channel axis has %zu", name, count,
                         a->axis.length);
    a->per_channel = malloc((count ? count : 1) * sizeof *a->per_channel);
    if (!a->per_channel)
        return call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    json_array_foreach(list, i, value)
    {
        if (read_number(call, value, name, &a->per_channel[i]) != ERROR_OK)
            return call->error.id;
    }
    a->params = a->per_channel;
    a->params_count = count;
    return ERROR_OK;
}

static enum error_id check_domain(struct api_call *call, const struct application *a)
{
    size_t bad = 0;
    const struct axon_parameter *p;

    if (axon_activation_check(a->act, a->params, a->params_count, a->axis.length, &bad) == AXON_OK)
        return ERROR_OK;
    p = &a->act->parameters[bad < a->act->parameters_count ? bad : 0];
    return call_fail(call, ERROR_BAD_PARAMETER, "parameters.%s: %g is not within %g .. %g", p->name,
                     (double)a->params[bad], (double)p->minimum, (double)p->maximum);
}

static enum error_id read_parameters(struct api_call *call, struct application *a)
{
    const json_t *object = json_object_get(a->envelope.json, "parameters");
    const char *allowed[AXON_PARAMETERS_MAX + 1] = {NULL};

    for (unsigned i = 0; i < a->act->parameters_count; i++) {
        allowed[i] = a->act->parameters[i].name;
        a->defaults[i] = a->act->parameters[i].value;
    }
    a->params = a->defaults;
    a->params_count = a->act->parameters_count;
    if (!object)
        return ERROR_OK;
    if (!json_is_object(object))
        return call_fail(call, ERROR_BAD_FIELD, "parameters: expected an object, found %s",
                         json_type_text(object));
    if (call_check_keys(call, object, "parameters: ", allowed) != ERROR_OK)
        return call->error.id;
    for (unsigned i = 0; i < a->act->parameters_count; i++) {
        const json_t *value = json_object_get(object, allowed[i]);
        enum error_id id = ERROR_OK;

        if (json_is_array(value) && a->act->parameters[i].per_channel)
            id = read_per_channel(call, a, value, allowed[i]);
        else if (value)
            id = read_number(call, value, allowed[i], &a->defaults[i]);
        if (id != ERROR_OK)
            return id;
    }
    return check_domain(call, a);
}

static enum error_id read_gradient(struct api_call *call, struct application *a)
{
    const json_t *value = json_object_get(a->envelope.json, "gradient");
    const struct envelope_field *data = &a->fields[FIELD_DATA], *up = &a->fields[FIELD_UPSTREAM];
    char got[SHAPE_TEXT_MAX], want[SHAPE_TEXT_MAX];

    if (value && !json_is_boolean(value))
        return call_fail(call, ERROR_BAD_FIELD, "gradient: expected true or false, found %s",
                         json_type_text(value));
    if (up->present && json_is_false(value))
        return call_fail(call, ERROR_BAD_FIELD, "upstream: is given, but gradient is false");
    a->gradient = json_is_true(value) || up->present;
    if (a->gradient && !up->present && a->act->kind != AXON_ELEMENTWISE)
        return call_fail(call, ERROR_BAD_FIELD,
                         "gradient: %s needs upstream, since its derivative is a matrix",
                         a->act->name);
    if (!up->present)
        return ERROR_OK;
    if (up->tensor.rank != data->tensor.rank ||
        memcmp(up->tensor.shape, data->tensor.shape, up->tensor.rank * sizeof(size_t)) != 0)
        return call_fail(call, ERROR_SHAPE_MISMATCH, "upstream: shape %s, data has %s",
                         shape_text(got, up->tensor.rank, up->tensor.shape),
                         shape_text(want, data->tensor.rank, data->tensor.shape));
    return ERROR_OK;
}

static enum error_id read_application(struct api_call *call, struct application *a)
{
    static const char *const keys[] = {"data",     "shape",    "parameters", "axis",
                                       "gradient", "upstream", NULL};
    enum error_id id;

    if (call_non_finite(call, &a->policy) != ERROR_OK ||
        call_envelope(call, &a->envelope, a->fields, FIELD_COUNT, a->policy) != ERROR_OK ||
        call_check_keys(call, a->envelope.json, "", keys) != ERROR_OK)
        return call->error.id;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const char *key = a->fields[i].key;
        const json_t *value = json_object_get(a->envelope.json, key);

        if (!a->fields[i].present && (value || i == FIELD_DATA))
            return call_fail(call, ERROR_BAD_FIELD,
                             "%s: expected a number or nested arrays of numbers, found %s", key,
                             json_type_text(value));
    }
    (void)((id = read_shape(call, a)) || (id = read_axis(call, a)) ||
           (id = read_parameters(call, a)) || (id = read_gradient(call, a)));
    return id;
}

/* ---- POST: what is answered --------------------------------------------------------------------
 */

static enum error_id write_tensor(struct api_call *call, const struct application *a,
                                  const char *name, const float *values)
{
    const struct tensor *data = &a->fields[FIELD_DATA].tensor;
    struct buf *out = &call->reply->body;

    buf_printf(out, ",\"%s\":", name);
    return tensor_write(out, values, data->rank, data->shape, name, a->policy, &call->error);
}

static enum error_id write_reply(struct api_call *call, const struct application *a,
                                 const float *gradient)
{
    const struct tensor *y = &a->fields[FIELD_DATA].tensor;
    struct buf *out = &call->reply->body;
    struct statistics s = statistics_of(a->act, y->data, y->count);

    buf_printf(out, "{\"name\":\"%s\",\"shape\":[", a->act->name);
    for (size_t i = 0; i < a->rank; i++)
        buf_printf(out, "%s%zu", i ? "," : "", a->shape[i]);
    buf_puts(out, "]");
    if (write_tensor(call, a, "data", y->data) != ERROR_OK ||
        (gradient && write_tensor(call, a, "gradient", gradient) != ERROR_OK))
        return call->error.id;
    buf_puts(out, ",\"statistics\":");
    statistics_write(out, &s);
    buf_puts(out, "}");
    unsigned row = (unsigned)(a->act - axon_activation_table(&(size_t){0}));
    metrics_add(METRIC_activation_outputs_total, row, s.count);
    metrics_add(METRIC_activation_zero_outputs_total, row, s.zeros);
    return ERROR_OK;
}

/* The gradient needs x, so it comes before the forward pass, which then overwrites x with y. */
static void compute(struct application *a, float *gradient)
{
    struct tensor *data = &a->fields[FIELD_DATA].tensor;

    if (gradient)
        axon_activation_gradient(a->act, data->data, a->fields[FIELD_UPSTREAM].tensor.data,
                                 gradient, a->axis, a->params, a->params_count);
    axon_activation_forward(a->act, data->data, data->data, a->axis, a->params, a->params_count);
}

enum error_id activations_apply(struct api_call *call)
{
    struct application a = {.fields = {{.key = "data"}, {.key = "upstream"}}};
    uint64_t since = call->request->received_ns;
    float *gradient = NULL;
    enum error_id id = find(call, &a.act);

    if (id == ERROR_OK)
        id = read_application(call, &a);
    if (id != ERROR_OK)
        goto out;
    call_timing(call, "parse", &since);
    if (a.gradient) {
        size_t count = a.fields[FIELD_DATA].tensor.count;

        gradient = malloc((count ? count : 1) * sizeof *gradient);
        if (!gradient) {
            id = call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
            goto out;
        }
    }
    compute(&a, gradient);
    call_timing(call, "compute", &since);
    id = write_reply(call, &a, gradient);
    call_timing(call, "write", &since);
out:
    free(gradient);
    free(a.per_channel);
    envelope_fini(&a.envelope);
    return id;
}
