/* application.c - see application.h. Every refusal names the key and the numbers that disagree. */
#include "api/application.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "json/value.h"
#include "tensor/npy.h"
#include "base/nearest.h"

const char *const application_tensors[APPLICATION_FIELDS + 1] = {
    [FIELD_DATA] = "data", [FIELD_UPSTREAM] = "upstream"};

static enum error_id read_shape(struct api_call *call, struct application *a)
{
    const struct tensor *data = &a->fields[FIELD_DATA].tensor;
    const json_t *shape = a->values[KEY_SHAPE], *value;
    size_t i, count = 1;

    a->rank = data->rank;
    memcpy(a->shape, data->shape, sizeof a->shape);
    if (!shape)
        return ERROR_OK;
    if (!json_is_array(shape))
        return call_fail(call, ERROR_BAD_FIELD, "shape: expected a list of dimensions, found %s",
                         json_type_text(shape));
    if (json_array_size(shape) > call->api->options->rank_max)
        return call_fail(call, ERROR_LIMIT_EXCEEDED, "shape: rank %zu, at most %llu",
                         json_array_size(shape), (unsigned long long)call->api->options->rank_max);
    if (data->rank > 1)
        return call_fail(call, ERROR_BAD_FIELD,
                         "shape: goes with flat data, but data is nested %zu deep", data->rank);
    json_array_foreach(shape, i, value)
    {
        int64_t n = 0;
        bool whole = json_whole(value, &n);

        if (!whole || n < 0)
            return call_fail(call, ERROR_BAD_FIELD, "shape[%zu]: expected a whole number >= 0%s", i,
                             whole ? ", found a negative one" : "");
        if (__builtin_mul_overflow(count, (size_t)n, &count))
            return call_fail(call, ERROR_SHAPE_MISMATCH,
                             "shape: the product of its dimensions overflows, data has %zu values",
                             data->count);
        a->shape[i] = (size_t)n;
    }
    a->rank = json_array_size(shape);
    if (count != data->count)
        return call_fail(call, ERROR_SHAPE_MISMATCH, "shape: asks for %zu values, data has %zu",
                         count, data->count);
    return ERROR_OK;
}

/* ---- the dialect: what the name of the activation means ---- */

static enum error_id unknown_dialect(struct api_call *call, const char *name)
{
    enum { NAMES_MAX = 16 };
    const char *names[NAMES_MAX], *near;
    char known[120] = "";
    size_t count, used = 0;
    const struct axon_dialect *table = axon_dialect_table(&count);

    for (size_t i = 0; i < count && i < NAMES_MAX && used < sizeof known; i++) {
        names[i] = table[i].name;
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                 names[i]);
    }
    near = nearest(name, names, count < NAMES_MAX ? count : NAMES_MAX);
    return call_fail(call, ERROR_BAD_FIELD, "dialect: '%.40s' is unknown%s%s%s; there are %s", name,
                     near ? " (nearest: " : "", near ? near : "", near ? ")" : "", known);
}

/* name NULL: the default dialect. The activation itself is known already. */
static enum error_id set_dialect(struct api_call *call, struct application *a, const char *name)
{
    const struct axon_dialect *dialect = name ? axon_dialect_find(name) : NULL;

    if (name && !dialect)
        return unknown_dialect(call, name);
    axon_dialect_meaning(dialect, a->name, &a->meaning);
    a->act = a->meaning.activation;
    return ERROR_OK;
}

static enum error_id read_dialect(struct api_call *call, struct application *a)
{
    const json_t *value = a->values[KEY_DIALECT];

    if (value && !json_is_string(value))
        return call_fail(call, ERROR_BAD_FIELD, "dialect: expected a name, found %s",
                         json_type_text(value));
    return set_dialect(call, a, json_string_value(value));
}

/* ---- the axis ---- */

static bool is_per_channel(const struct axon_activation *act)
{
    return act->parameters_count > 0 && act->parameters[0].per_channel;
}

/* Where per-channel parameters lie is the dialect's to say; rowwise activations run along the last
 * axis. */
static int64_t default_axis(const struct application *a)
{
    return is_per_channel(a->act) && a->meaning.channels != AXON_CHANNELS_LAST && a->rank > 1 ? 1
                                                                                              : -1;
}

static enum error_id read_axis(struct api_call *call, struct application *a)
{
    const json_t *value = a->values[KEY_AXIS];
    int64_t rank = (int64_t)a->rank, axis = default_axis(a);
    int64_t dimensions = rank > 0 ? rank : 1; /* a single number takes what a list would */

    if (value && a->act->kind == AXON_ELEMENTWISE && !is_per_channel(a->act))
        return call_fail(call, ERROR_BAD_FIELD, "axis: %s works element by element and has none",
                         a->act->name);
    if (value && !json_whole(value, &axis))
        return call_fail(call, ERROR_BAD_FIELD, "axis: expected a whole number, found %s",
                         json_type_text(value));
    if (value && (axis < -dimensions || axis >= dimensions))
        return call_fail(call, ERROR_BAD_PARAMETER,
                         "axis: %lld is out of range for %zu dimensions (%lld .. %lld)",
                         (long long)axis, a->rank, (long long)-dimensions,
                         (long long)dimensions - 1);
    a->axis = (struct axon_axis){1, 1, 1};
    if (axis < 0)
        axis += rank;
    a->axis_index = rank ? (size_t)axis : 0;
    for (int64_t i = 0; i < rank; i++)
        *(i < axis ? &a->axis.outer : i == axis ? &a->axis.length : &a->axis.inner) *= a->shape[i];
    if (!value && a->meaning.channels == AXON_CHANNELS_ALL && rank > 1)
        a->axis = (struct axon_axis){a->axis.outer, a->axis.length * a->axis.inner, 1};
    return ERROR_OK;
}

static enum error_id read_output(struct api_call *call, struct application *a)
{
    const struct tensor *data = &a->fields[FIELD_DATA].tensor;

    memcpy(a->out_shape, a->shape, sizeof a->out_shape);
    memcpy(a->out_nested, data->shape, sizeof a->out_nested);
    a->out_count = data->count;
    if (a->act->kind != AXON_GATED)
        return ERROR_OK;
    if (a->rank == 0)
        return call_fail(call, ERROR_SHAPE_MISMATCH,
                         "data: a single number has no axis that %s could halve", a->act->name);
    if (a->axis.length % 2 != 0)
        return call_fail(call, ERROR_SHAPE_MISMATCH,
                         "data: %zu along axis %zu, but %s halves it and takes an even number",
                         a->axis.length, a->axis_index, a->act->name);
    a->out_count /= 2;
    a->out_shape[a->axis_index] /= 2;
    if (data->rank == a->rank)
        memcpy(a->out_nested, a->out_shape, sizeof a->out_nested);
    else
        a->out_nested[0] = a->out_count; /* flat data beside a shape */
    return ERROR_OK;
}

static enum error_id read_number(struct api_call *call, const json_t *value, const char *name,
                                 float *out)
{
    if (!json_is_number(value))
        return call_fail(call, ERROR_BAD_FIELD, "parameters.%s: expected a number, found %s", name,
                         json_type_text(value));
    *out = json_float(value);
    if (!isfinite(*out))
        return call_fail(call, ERROR_BAD_PARAMETER,
                         "parameters.%s: %.9g is outside the range of float32", name,
                         json_number_value(value));
    return ERROR_OK;
}

/* Slopes that are broadcast from the last axis may fill several: then these are one. */
static void join_last_axes(struct application *a, size_t count)
{
    size_t length = 1, all = a->axis.outer * a->axis.length * a->axis.inner;

    if (a->meaning.channels != AXON_CHANNELS_LAST || a->values[KEY_AXIS])
        return;
    for (size_t i = a->rank; i-- > 0 && length < count;)
        length *= a->shape[i];
    if (length == count && length > 0)
        a->axis = (struct axon_axis){all / length, length, 1};
}

static enum error_id read_per_channel(struct api_call *call, struct application *a,
                                      const json_t *list, const char *name)
{
    size_t i, count = json_array_size(list);
    const json_t *value;

    join_last_axes(a, count);
    if (count != a->axis.length)
        return call_fail(call, ERROR_SHAPE_MISMATCH,
                         "parameters.%s: %zu values, but the channel axis has %zu", name, count,
                         a->axis.length);
    a->params_channel = calloc(count ? count : 1, sizeof *a->params_channel);
    if (!a->params_channel)
        return call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    json_array_foreach(list, i, value)
    {
        char place[64];

        snprintf(place, sizeof place, "%s[%zu]", name, i);
        if (read_number(call, value, place, &a->params_channel[i]) != ERROR_OK)
            return call->error.id;
    }
    a->params = a->params_channel;
    a->params_count = count;
    return ERROR_OK;
}

/* The value as the client wrote it, however near to the bound it is beyond. */
static const char *value_text(char text[FLOAT_TEXT_MAX + 1], float value)
{
    text[float_write(text, value)] = '\0';
    return text;
}

static enum error_id check_domain(struct api_call *call, const struct application *a)
{
    char value[FLOAT_TEXT_MAX + 1], before[FLOAT_TEXT_MAX + 1], index[32] = "";
    size_t bad = 0;
    const struct axon_parameter *p;

    if (axon_activation_check(a->act, a->params, a->params_count, a->axis.length, &bad) == AXON_OK)
        return ERROR_OK;
    p = &a->act->parameters[bad < a->act->parameters_count ? bad : 0];
    if (a->params == a->params_channel)
        snprintf(index, sizeof index, "[%zu]", bad);
    value_text(value, a->params[bad]);
    if (a->act->ascending && a->params[bad] >= p->minimum && a->params[bad] <= p->maximum)
        return call_fail(call, ERROR_BAD_PARAMETER, "parameters.%s: %s is below %s, which is %s",
                         p->name, value, p[-1].name, value_text(before, a->params[bad - 1]));
    return call_fail(call, ERROR_BAD_PARAMETER, "parameters.%s%s: %s is not within %g .. %g",
                     p->name, index, value, (double)p->minimum, (double)p->maximum);
}

static enum error_id read_parameters(struct api_call *call, struct application *a)
{
    const json_t *object = a->values[KEY_PARAMETERS], *values[PARAMETER_KEYS_MAX];
    const char *names[PARAMETER_KEYS_MAX + 1] = {NULL};

    for (unsigned i = 0; i < a->act->parameters_count; i++)
        a->params_scalar[i] = a->meaning.params[i];
    a->params = a->params_scalar;
    a->params_count = a->act->parameters_count;
    if (!object)
        return ERROR_OK;
    if (!json_is_object(object))
        return call_fail(call, ERROR_BAD_FIELD, "parameters: expected an object, found %s",
                         json_type_text(object));
    if (parameters_pick(call, a->act, object, names, values) != ERROR_OK)
        return call->error.id;
    for (unsigned i = 0; i < a->act->parameters_count; i++) {
        enum error_id id = ERROR_OK;

        if (a->act->parameters[i].per_channel && json_array_size(values[i]) == 1)
            values[i] = json_array_get(values[i], 0); /* one for all channels */
        if (json_is_array(values[i]) && a->act->parameters[i].per_channel)
            id = read_per_channel(call, a, values[i], names[i]);
        else if (values[i])
            id = read_number(call, values[i], names[i], &a->params_scalar[i]);
        if (id != ERROR_OK)
            return id;
    }
    return check_domain(call, a);
}

static bool has_shape(const struct tensor *tensor, size_t rank, const size_t *shape)
{
    return tensor->rank == rank && memcmp(tensor->shape, shape, rank * sizeof *shape) == 0;
}

static enum error_id read_gradient(struct api_call *call, struct application *a)
{
    const json_t *value = a->values[KEY_GRADIENT];
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
    if (!has_shape(&up->tensor, a->rank, a->out_shape) &&
        !has_shape(&up->tensor, data->tensor.rank, a->out_nested)) /* flat, as data is */
        return call_fail(call, ERROR_SHAPE_MISMATCH, "upstream: shape %s, %s has %s",
                         shape_text(got, up->tensor.rank, up->tensor.shape),
                         a->act->kind == AXON_GATED ? "the output" : "data",
                         shape_text(want, a->rank, a->out_shape));
    return ERROR_OK;
}

/* The tensors of a JSON body were decoded on the way; what is left to check is that they were
 * tensors. */
static enum error_id check_tensors(struct api_call *call, const struct application *a)
{
    const json_t *const values[APPLICATION_FIELDS] = {
        [FIELD_DATA] = a->values[KEY_DATA], [FIELD_UPSTREAM] = a->values[KEY_UPSTREAM]};

    for (size_t i = 0; i < APPLICATION_FIELDS; i++)
        if (!a->fields[i].present && (values[i] || i == FIELD_DATA))
            return call_fail(call, ERROR_BAD_FIELD,
                             "%s: expected a number or nested arrays of numbers, found %s",
                             a->fields[i].key, json_type_text(values[i]));
    return ERROR_OK;
}

static enum error_id pick_values(struct api_call *call, struct application *a)
{
    static const char *const keys[APPLICATION_KEYS + 1] = {
        [KEY_DATA] = "data",      [KEY_SHAPE] = "shape",       [KEY_PARAMETERS] = "parameters",
        [KEY_AXIS] = "axis",      [KEY_GRADIENT] = "gradient", [KEY_UPSTREAM] = "upstream",
        [KEY_DIALECT] = "dialect"};

    return call_pick(call, call->envelope.json, "", keys, a->values);
}

/* ---- the query, which may hold the numbers and the dialect in place of the body ---- */

/* One "key=number" of the query as the JSON number that a body would hold. */
static enum error_id query_number(struct api_call *call, const char *key, const char *value,
                                  json_t **number)
{
    size_t length = strlen(value);
    float f = 0;

    if (length == 0 || float_read(value, length, &f) != length || !isfinite(f))
        return call_fail(call, ERROR_BAD_PARAMETER,
                         "query: %s: expected a number within float32, found '%.40s'", key, value);
    *number = json_number(value, length, f);
    return ERROR_OK;
}

/* The member key of object becomes value, which is stolen, unless the body has it. */
static enum error_id merge(struct api_call *call, json_t *object, const char *key, json_t *value)
{
    if (json_member(object, key)) {
        json_decref(value);
        return call_fail(call, ERROR_BAD_FIELD, "query: %s: stands in the body, too", key);
    }
    return json_object_set_new(object, key, value) == 0
               ? ERROR_OK
               : call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
}

static enum error_id merge_dialect(struct api_call *call)
{
    const char *name = target_query(&call->target, "dialect");

    return name ? merge(call, call->envelope.json, "dialect", json_string_nocheck(name)) : ERROR_OK;
}

/* The body's object of parameters, made if there is none. NULL: no memory, or it is no object. */
static json_t *parameters_of(struct api_call *call)
{
    json_t *object = json_object_get(call->envelope.json, "parameters");

    if (object && !json_is_null(object))
        return json_is_object(object) ? object : NULL;
    object = json_object();
    return json_object_set_new(call->envelope.json, "parameters", object) == 0 ? object : NULL;
}

/* Axis and parameters; what the activation has is known. */
static enum error_id merge_numbers(struct api_call *call, const struct application *a)
{
    const char *allowed[3 + PARAMETER_KEYS_MAX + 1] = {"non_finite", "axis", "dialect"};
    unsigned whose[PARAMETER_KEYS_MAX];

    parameter_keys(a->act, allowed + 3, whose);
    if (call_check_query(call, allowed) != ERROR_OK)
        return call->error.id;
    for (size_t i = 0; i < call->target.query_count; i++) {
        const char *key = call->target.query[i].key;
        bool axis = strcmp(key, "axis") == 0;
        json_t *number = NULL, *object;

        if (strcmp(key, "dialect") == 0 || strcmp(key, "non_finite") == 0)
            continue;
        object = axis ? call->envelope.json : parameters_of(call);
        if (!object && a->values[KEY_PARAMETERS])
            return ERROR_OK; /* it is told that they are no object */
        if (!object)
            return call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
        if (query_number(call, key, call->target.query[i].value, &number) != ERROR_OK ||
            merge(call, object, key, number) != ERROR_OK)
            return call->error.id;
    }
    return ERROR_OK;
}

static enum error_id read_json(struct api_call *call, struct application *a)
{
    if (call_envelope(call) != ERROR_OK || pick_values(call, a) != ERROR_OK)
        return call->error.id;
    return check_tensors(call, a);
}

/* A .npy body has no room for the other keys: they come in the query. */
static enum error_id read_npy(struct api_call *call, struct application *a)
{
    const struct tensor_limits limits = {.rank_max = call->api->options->rank_max,
                                         .elements_max = call->api->options->elements_max,
                                         .account = &call->account};
    const char *bytes;
    size_t size;

    a->npy = true;
    call->envelope.fields = a->fields;
    call->envelope.fields_count = APPLICATION_FIELDS;
    call->envelope.json = json_object();
    if (!call->envelope.json)
        return call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    a->fields[FIELD_DATA].present = true;
    if (call_binary(call, &bytes, &size) != ERROR_OK)
        return call->error.id;
    return npy_read(&a->fields[FIELD_DATA].tensor, bytes, size, &limits, &call->error);
}

static enum error_id read_body(struct api_call *call, struct application *a)
{
    if (call_non_finite(call, &a->policy) != ERROR_OK)
        return call->error.id;
    return call_is_npy(call) ? read_npy(call, a) : read_json(call, a);
}

static enum error_id read_query(struct api_call *call, struct application *a)
{
    if (merge_dialect(call) != ERROR_OK || pick_values(call, a) != ERROR_OK ||
        read_dialect(call, a) != ERROR_OK || merge_numbers(call, a) != ERROR_OK)
        return call->error.id;
    return pick_values(call, a);
}

enum error_id application_read(struct api_call *call, struct application *a)
{
    static enum error_id (*const steps[])(struct api_call *, struct application *) = {
        read_body, read_query, read_shape, read_axis, read_output, read_parameters, read_gradient};
    enum error_id id = ERROR_OK;

    a->fields = call->fields;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && id == ERROR_OK; i++)
        id = steps[i](call, a);
    return id;
}

void application_fini(struct application *a)
{
    free(a->params_channel);
}
