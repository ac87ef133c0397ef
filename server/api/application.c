/* application.c - see application.h. Every refusal names the key and the numbers that disagree. */
#include "api/application.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "catalogue/catalogue.h"
#include "json/object.h"
#include "tensor/npy.h"

const char *const application_tensors[APPLICATION_FIELDS + 1] = {
    [FIELD_DATA] = "data", [FIELD_UPSTREAM] = "upstream"};

static enum error_id read_shape(struct api_call *call, struct application *a)
{
    const struct tensor *data = &a->fields[FIELD_DATA].tensor;
    const json_t *shape = a->values[KEY_SHAPE];
    const struct place at = CALL_PLACE(call, "");
    uint64_t dimensions[TENSOR_RANK_MAX];
    size_t count = 1;

    a->rank = data->rank;
    memcpy(a->shape, data->shape, sizeof a->shape);
    if (!shape)
        return ERROR_OK;
    if (json_array_size(shape) > call->api->options->rank_max)
        return call_fail(call, ERROR_LIMIT_EXCEEDED, "shape: rank %zu, at most %llu",
                         json_array_size(shape), (unsigned long long)call->api->options->rank_max);
    if (data->rank > 1)
        return call_fail(call, ERROR_BAD_FIELD,
                         "shape: goes with flat data, but data is nested %zu deep", data->rank);
    if (object_wholes(&at, "shape", shape, 0, UINT64_MAX, dimensions, json_array_size(shape)))
        return call->error.id;
    for (size_t i = 0; i < json_array_size(shape); i++) {
        a->shape[i] = (size_t)dimensions[i];
        if (__builtin_mul_overflow(count, a->shape[i], &count))
            return call_fail(call, ERROR_SHAPE_MISMATCH,
                             "shape: the product of its dimensions overflows, data has %zu values",
                             data->count);
    }
    a->rank = json_array_size(shape);
    if (count != data->count)
        return call_fail(call, ERROR_SHAPE_MISMATCH, "shape: asks for %zu values, data has %zu",
                         count, data->count);
    return ERROR_OK;
}

/* ---- the dialect: what the name of the activation means ---- */

/* The activation itself is known already. */
static enum error_id read_dialect(struct api_call *call, struct application *a)
{
    const struct axon_dialect *dialect;

    if (catalogue_dialect(&CALL_PLACE(call, ""), a->values[KEY_DIALECT], &dialect))
        return call->error.id;
    axon_dialect_meaning(dialect, a->name, &a->meaning);
    a->act = a->meaning.activation;
    return ERROR_OK;
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
    char found[OBJECT_FOUND_MAX];

    if (value && a->act->kind == AXON_ELEMENTWISE && !is_per_channel(a->act))
        return call_fail(call, ERROR_BAD_FIELD, "axis: %s works element by element and has none",
                         a->act->name);
    if (value && !json_whole(value, &axis))
        return call_fail(call, ERROR_BAD_FIELD, "axis: expected a whole number, found %s",
                         object_found(value, found));
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

static enum error_id read_parameters(struct api_call *call, struct application *a)
{
    const struct place at = CALL_PLACE(call, "parameters");
    const json_t *values[AXON_PARAMETERS_MAX];

    memcpy(a->params_scalar, a->meaning.params, sizeof a->params_scalar);
    a->params = a->params_scalar;
    a->params_count = a->act->parameters_count;
    if (!a->values[KEY_PARAMETERS])
        return ERROR_OK;
    if (catalogue_find(&at, a->act, a->values[KEY_PARAMETERS], NULL, values))
        return call->error.id;
    if (is_per_channel(a->act) && json_array_size(values[0]) > 1)
        join_last_axes(a, json_array_size(values[0]));
    if (catalogue_values(&at, a->act, values, a->axis.length, a->params_scalar, &a->params_channel))
        return call->error.id;
    if (a->params_channel) {
        a->params = a->params_channel;
        a->params_count = a->axis.length;
    }
    return catalogue_check(&at, a->act, a->params, a->params_count, a->axis.length);
}

static bool has_shape(const struct tensor *tensor, size_t rank, const size_t *shape)
{
    return tensor->rank == rank && memcmp(tensor->shape, shape, rank * sizeof *shape) == 0;
}

static enum error_id read_gradient(struct api_call *call, struct application *a)
{
    const json_t *value = a->values[KEY_GRADIENT];
    const struct envelope_field *data = &a->fields[FIELD_DATA], *up = &a->fields[FIELD_UPSTREAM];
    char got[SHAPE_TEXT_MAX], want[SHAPE_TEXT_MAX], found[OBJECT_FOUND_MAX];

    if (value && !json_is_boolean(value))
        return call_fail(call, ERROR_BAD_FIELD, "gradient: expected true or false, found %s",
                         object_found(value, found));
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
    char found[OBJECT_FOUND_MAX];

    for (size_t i = 0; i < APPLICATION_FIELDS; i++)
        if (!a->fields[i].present && (values[i] || i == FIELD_DATA))
            return call_fail(call, ERROR_BAD_FIELD,
                             "%s: expected a number or nested arrays of numbers, found %s",
                             a->fields[i].path, object_found(values[i], found));
    return ERROR_OK;
}

static enum error_id pick_values(struct api_call *call, struct application *a)
{
    static const struct object_key keys[] = {
        KEY("data", VALUE, struct application, values[KEY_DATA]),
        KEY("shape", ARRAY, struct application, values[KEY_SHAPE]),
        KEY("parameters", OBJECT, struct application, values[KEY_PARAMETERS]),
        KEY("axis", VALUE, struct application, values[KEY_AXIS]),
        KEY("gradient", VALUE, struct application, values[KEY_GRADIENT]),
        KEY("upstream", VALUE, struct application, values[KEY_UPSTREAM]),
        KEY("dialect", VALUE, struct application, values[KEY_DIALECT]),
        KEY_END};

    memset(a->values, 0, sizeof a->values);
    return object_read(&CALL_PLACE(call, ""), call->envelope.json, keys, a);
}

/* ---- the query, which may hold the numbers and the dialect in place of the body ---- */

/* One "key=number" of the query as the JSON number that a body would hold. */
static enum error_id query_number(struct api_call *call, const char *key, const char *value,
                                  json_t **number)
{
    float f = 0;

    if (call_query_float(call, key, value, &f) != ERROR_OK)
        return call->error.id;
    *number = json_number(value, strlen(value), f);
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

/* A .npy body has no other place for it. */
static enum error_id merge_gradient(struct api_call *call)
{
    const char *value = target_query(&call->target, "gradient");

    if (!value)
        return ERROR_OK;
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
        return call_fail(call, ERROR_BAD_PARAMETER,
                         "query: gradient: expected true or false, found '%.40s'", value);
    return merge(call, call->envelope.json, "gradient", json_boolean(*value == 't'));
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
    const char *allowed[4 + CATALOGUE_KEYS_MAX + 1] = {"non_finite", "axis", "dialect", "gradient"};

    catalogue_keys(a->act, allowed + 4);
    if (call_check_query(call, allowed) != ERROR_OK)
        return call->error.id;
    for (size_t i = 0; i < call->target.query_count; i++) {
        const char *key = call->target.query[i].key;
        bool axis = strcmp(key, "axis") == 0;
        json_t *number = NULL, *object;

        if (strcmp(key, "dialect") == 0 || strcmp(key, "non_finite") == 0 ||
            strcmp(key, "gradient") == 0)
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
    return npy_read(&a->fields[FIELD_DATA].tensor, "body", bytes, size, &limits, &call->error);
}

static enum error_id read_body(struct api_call *call, struct application *a)
{
    if (call_non_finite(call, &a->policy) != ERROR_OK)
        return call->error.id;
    return call_is_npy(call) ? read_npy(call, a) : read_json(call, a);
}

static enum error_id read_query(struct api_call *call, struct application *a)
{
    if (merge_dialect(call) != ERROR_OK || merge_gradient(call) != ERROR_OK ||
        pick_values(call, a) != ERROR_OK || read_dialect(call, a) != ERROR_OK ||
        merge_numbers(call, a) != ERROR_OK)
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
