/* openinference.c - POST /v2/models/{model}/infer: the Open Inference Protocol as Triton speaks it,
 * with tensors in the JSON, after it, or a tensor alone.
 *
 * The reader; openinference_reply.c writes, and what lies between is inference.c's. Keys that the
 * protocol does not know are ignored, as its clients expect. */
#include "api/openinference.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/capture.h"
#include "api/lookup.h"
#include "json/object.h"

_Static_assert(sizeof(struct infer_request) <= CALL_STATE_MAX, "a call's state");

/* Regions of memory that client and service share are Triton's own extension. */
static enum error_id refuse_shared_memory(const struct place *at, const char *name,
                                          const json_t *parameters)
{
    return json_member(parameters, "shared_memory_region")
               ? object_fail(at, "parameters.shared_memory_region", ERROR_BAD_FIELD,
                             "'%.64s': shared memory is not supported, send and ask for the bytes",
                             name)
               : ERROR_OK;
}

/* ---- the input ---- */

struct input {
    const char *name, *datatype;
    const json_t *shape, *data, *parameters;
};

static const struct object_key input_keys[] = {
    KEY_REQUIRED("name", STRING, struct input, name),
    KEY_REQUIRED("datatype", STRING, struct input, datatype),
    KEY_REQUIRED("shape", ARRAY, struct input, shape),
    KEY("data", VALUE, struct input, data),
    KEY("parameters", OBJECT, struct input, parameters),
    KEY_ANY("*"),
    KEY_END};

/* The shape that the client says. Its product is UINT64_MAX if it does not fit. */
static enum error_id read_shape(const struct place *at, const json_t *json, struct tensor *said)
{
    uint64_t shape[TENSOR_RANK_MAX], count = 1;
    int64_t length;

    said->rank = json_array_size(json);
    if (said->rank == 0 || said->rank > TENSOR_RANK_MAX)
        return object_fail(at, "shape", ERROR_LIMIT_EXCEEDED,
                           "%zu dimensions, at least 1, at most %d", said->rank, TENSOR_RANK_MAX);
    for (size_t d = 0; d < said->rank; d++) {
        if (!json_whole(json_array_get(json, d), &length) || length < 0)
            return object_wholes(at, "shape", json, 0, INT64_MAX, shape, said->rank);
        said->shape[d] = (size_t)length;
        if (__builtin_mul_overflow(count, (uint64_t)length, &count))
            count = UINT64_MAX;
    }
    said->count = count;
    return ERROR_OK;
}

static enum error_id refuse_bytes(struct api_call *call, const char *name, size_t came,
                                  const struct tensor *said)
{
    char shape[SHAPE_TEXT_MAX];
    size_t bytes;

    if (__builtin_mul_overflow(said->count, sizeof(float), &bytes))
        bytes = SIZE_MAX;
    return call_fail(call, ERROR_SHAPE_MISMATCH,
                     "%s: shape %s of FP32 is %zu bytes, binary_data_size is %zu", name,
                     shape_text(shape, said->rank, said->shape), bytes, came);
}

/* The data are as the shape says: as many bytes, or numbers that are flat or nested so. */
static enum error_id check_data(struct api_call *call, const char *name,
                                const struct envelope_field *field, const struct tensor *said)
{
    const struct tensor *data = &field->tensor;
    char shape[SHAPE_TEXT_MAX], found[SHAPE_TEXT_MAX];

    if (field->blob)
        return field->blob_bytes % sizeof(float) == 0 && data->count == said->count
                   ? ERROR_OK
                   : refuse_bytes(call, name, field->blob_bytes, said);
    if (data->rank == 1 ? data->count == said->count
                        : data->rank == said->rank && memcmp(said->shape, data->shape,
                                                             said->rank * sizeof *said->shape) == 0)
        return ERROR_OK;
    return call_fail(call, ERROR_SHAPE_MISMATCH, "%s: shape %s, but the data are %s", name,
                     shape_text(shape, said->rank, said->shape),
                     shape_text(found, data->rank, data->shape));
}

/* "inputs[0] 'pixels'": how errors call it. */
static enum error_id read_data(struct api_call *call, const struct place *at,
                               const struct input *in)
{
    struct envelope_field *field = &call->fields[0];
    struct tensor said = {0};
    char name[sizeof "inputs[0] ''" + MODEL_NAME_MAX], *end = name;

    end = mempcpy(end, "inputs[0] '", sizeof "inputs[0] '" - 1);
    end = mempcpy(end, in->name, strnlen(in->name, MODEL_NAME_MAX));
    memcpy(end, "'", sizeof "'");
    if (read_shape(at, in->shape, &said))
        return call->error.id;
    if (!field->present && !(said.count == 0 && !in->data)) {
        bool bytes = json_member(in->parameters, "binary_data_size") != NULL;

        return object_fail(at, "data", ERROR_BAD_FIELD, "%sexpected an array of numbers%s",
                           in->data ? "" : "missing; ",
                           bytes ? ", since without Inference-Header-Content-Length all is JSON"
                                 : "");
    }
    if (field->present && check_data(call, name, field, &said))
        return call->error.id;
    field->tensor.rank = said.rank;
    memcpy(field->tensor.shape, said.shape, sizeof said.shape);
    return inference_ask(call, &field->tensor, name);
}

static enum error_id read_input(struct api_call *call, const json_t *json)
{
    const struct place at = {.path = "inputs[0]", .error = &call->error};
    struct input in = {.name = NULL};

    if (object_read(&at, json, input_keys, &in) ||
        refuse_shared_memory(&at, in.name, in.parameters))
        return call->error.id;
    if (strcmp(in.name, call->model->input_name) != 0)
        return object_fail(&at, "name", ERROR_BAD_FIELD,
                           "the model has no input '%.60s', its input is '%s'", in.name,
                           call->model->input_name);
    if (strcmp(in.datatype, "FP32") != 0)
        return object_fail(&at, "datatype", ERROR_BAD_FIELD,
                           "'%s' is '%.20s', the model takes FP32: send x.astype(numpy.float32)",
                           in.name, in.datatype);
    return read_data(call, &at, &in);
}

static enum error_id read_inputs(struct api_call *call, const json_t *inputs)
{
    if (json_array_size(inputs) == 1)
        return read_input(call, json_array_get(inputs, 0));
    return call_fail(call, ERROR_BAD_FIELD, "inputs: %zu tensors, the model takes 1: '%s'",
                     json_array_size(inputs), call->model->input_name);
}

/* ---- what is asked for ---- */

struct output {
    const char *name;
    const json_t *parameters;
};

static const struct object_key output_keys[] = {
    KEY_REQUIRED("name", STRING, struct output, name),
    KEY("parameters", OBJECT, struct output, parameters), KEY_ANY("*"), KEY_END};

struct output_parameters {
    uint64_t classification;
    bool binary_data;
};

static const struct object_key parameter_keys[] = {
    KEY_RANGE("classification", WHOLE, struct output_parameters, classification, 0, INT64_MAX,
              false),
    KEY("binary_data", BOOLEAN, struct output_parameters, binary_data), KEY_ANY("*"), KEY_END};

/* As many classes as are asked for, and there are. */
static enum error_id ask_classes(struct api_call *call, const struct place *at,
                                 struct infer_output *output, uint64_t asked)
{
    const size_t rows = infer_request_of(call)->inference.rows;
    const uint64_t max = call->api->options->classes_max;
    const size_t classes = infer_values_of(call, output).classes;

    output->classes = asked < classes ? (size_t)asked : classes;
    /* rows_max and the width of a layer bound the factors. */
    return rows * output->classes <= max
               ? ERROR_OK
               : object_fail(at, "parameters.classification", ERROR_LIMIT_EXCEEDED,
                             "%zu rows of %zu classes are more than %llu (classes_max)", rows,
                             output->classes, (unsigned long long)max);
}

static enum error_id read_parameters(struct api_call *call, const struct place *at,
                                     const json_t *json, struct infer_output *output)
{
    char path[OBJECT_PATH_MAX];
    const struct place inside = {.path = path, .error = &call->error};
    struct output_parameters parameters = {.binary_data = output->binary};

    if (!json)
        return ERROR_OK;
    snprintf(path, sizeof path, "%s.parameters", at->path);
    if (refuse_shared_memory(at, infer_values_of(call, output).name, json) ||
        object_read(&inside, json, parameter_keys, &parameters))
        return call->error.id;
    output->binary = parameters.binary_data;
    return ask_classes(call, at, output, parameters.classification);
}

static bool is_layer(const struct model *m, const char *name)
{
    for (size_t i = 0; i < m->layers_count; i++)
        if (strcmp(m->layers[i].name, name) == 0)
            return true;
    return false;
}

static bool is_asked(const struct infer_request *r, const struct model *m, const json_t *layers,
                     const char *name)
{
    for (size_t i = 0; i < r->outputs_count; i++) {
        size_t captured = r->outputs[i].captured;
        const char *other = captured == INFER_MODEL_OUTPUT
                                ? m->output_name
                                : json_string_value(json_array_get(layers, captured));

        if (strcmp(name, other) == 0)
            return true;
    }
    return false;
}

/* The model's output by its name, or a layer by its own, which joins layers. */
static enum error_id name_output(struct api_call *call, const struct place *at, const char *name,
                                 json_t *layers, struct infer_output *output)
{
    if (is_asked(infer_request_of(call), call->model, layers, name))
        return object_fail(at, "name", ERROR_BAD_FIELD, "'%.60s' is there twice", name);
    if (strcmp(name, call->model->output_name) == 0)
        return ERROR_OK;
    if (!is_layer(call->model, name))
        return object_fail(at, "name", ERROR_BAD_FIELD,
                           "the model has no output '%.60s', its output is '%s'", name,
                           call->model->output_name);
    output->captured = json_array_size(layers);
    return json_array_append_new(layers, json_string(name)) == 0
               ? ERROR_OK
               : call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
}

static enum error_id read_names(struct api_call *call, const json_t *outputs, json_t *layers)
{
    struct infer_request *r = infer_request_of(call);
    enum error_id id = ERROR_OK;
    char path[OBJECT_PATH_MAX];
    const struct place at = {.path = path, .error = &call->error};
    const json_t *json;
    size_t i;

    json_array_foreach (outputs, i, json) {
        struct output output = {.name = NULL};

        r->outputs[i] = (struct infer_output){.captured = INFER_MODEL_OUTPUT};
        snprintf(path, sizeof path, "outputs[%zu]", i);
        id = object_read(&at, json, output_keys, &output);
        if (id == ERROR_OK)
            id = name_output(call, &at, output.name, layers, &r->outputs[i]);
        if (id != ERROR_OK)
            return id;
        r->outputs_count++;
    }
    return json_array_size(layers) > 0
               ? capture_read(call, layers, r->inference.rows, &r->inference.capture)
               : ERROR_OK;
}

static enum error_id read_list(struct api_call *call, const json_t *outputs, bool binary)
{
    struct infer_request *r = infer_request_of(call);
    json_t *layers = json_array();
    enum error_id id = layers ? read_names(call, outputs, layers)
                              : call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    char path[OBJECT_PATH_MAX];
    const struct place at = {.path = path, .error = &call->error};

    for (size_t i = 0; i < r->outputs_count && id == ERROR_OK; i++) {
        r->outputs[i].binary = binary;
        snprintf(path, sizeof path, "outputs[%zu]", i);
        id = read_parameters(call, &at, json_member(json_array_get(outputs, i), "parameters"),
                             &r->outputs[i]);
    }
    json_decref(layers);
    return id;
}

/* The model's output alone, or those of a list, each once. */
static enum error_id read_outputs(struct api_call *call, const json_t *outputs, bool binary)
{
    struct infer_request *r = infer_request_of(call);
    size_t count = json_array_size(outputs), there = call->model->layers_count + 1;

    r->whole = (struct infer_output){.captured = INFER_MODEL_OUTPUT, .binary = binary};
    r->outputs = &r->whole;
    r->outputs_count = count == 0;
    if (count == 0)
        return ERROR_OK;
    if (count > there)
        return call_fail(call, ERROR_LIMIT_EXCEEDED,
                         "outputs: %zu tensors, the model has %zu with its hidden layers", count,
                         there);
    r->outputs = call_allocate(call, count, sizeof *r->outputs);
    return r->outputs ? read_list(call, outputs, binary) : call_no_memory(call);
}

/* ---- the request ---- */

struct parameters {
    bool binary_data_output;
    uint64_t priority, timeout; /* microseconds */
};

static const struct object_key request_keys[] = {
    KEY("binary_data_output", BOOLEAN, struct parameters, binary_data_output),
    KEY_RANGE("priority", WHOLE, struct parameters, priority, 0, INT64_MAX, false),
    KEY_RANGE("timeout", WHOLE, struct parameters, timeout, 0, INT64_MAX, false), KEY_ANY("*"),
    KEY_END};

/* A deadline that is further away than the service's own is no deadline; a priority beyond what
 * there is comes last, in front of those without. */
static enum error_id read_request_parameters(struct api_call *call, const json_t *json,
                                             bool *binary)
{
    const struct place at = {.path = "parameters", .error = &call->error};
    struct parameters parameters = {.binary_data_output = false};

    if (json && object_read(&at, json, request_keys, &parameters))
        return call->error.id;
    *binary = parameters.binary_data_output;
    call->priority = parameters.priority < UINT32_MAX ? (uint32_t)parameters.priority : UINT32_MAX;
    call->timeout_ns = parameters.timeout < UINT64_MAX / 1000 ? parameters.timeout * 1000 : 0;
    return ERROR_OK;
}

struct body {
    const char *id;
    const json_t *inputs, *outputs, *parameters;
};

static const struct object_key body_keys[] = {KEY("id", STRING, struct body, id),
                                              KEY_REQUIRED("inputs", ARRAY, struct body, inputs),
                                              KEY("outputs", ARRAY, struct body, outputs),
                                              KEY("parameters", OBJECT, struct body, parameters),
                                              KEY_ANY("*"),
                                              KEY_END};

static enum error_id read_json(struct api_call *call)
{
    struct infer_request *r = infer_request_of(call);
    const struct place at = {.path = "", .error = &call->error};
    struct body body = {.id = NULL};
    bool binary = false;

    if (object_read(&at, call->envelope.json, body_keys, &body) ||
        read_request_parameters(call, body.parameters, &binary))
        return call->error.id;
    if (body.id && strlen(body.id) > INFER_ID_BYTES_MAX)
        return call_fail(call, ERROR_LIMIT_EXCEEDED, "id: %zu bytes, at most %d", strlen(body.id),
                         INFER_ID_BYTES_MAX);
    r->has_id = body.id != NULL;
    if (body.id)
        memcpy(r->id, body.id, strlen(body.id) + 1);
    return read_inputs(call, body.inputs) ? call->error.id
                                          : read_outputs(call, body.outputs, binary);
}

/* A body that is the input's bytes alone: as many rows as they are. The reply's are binary, too. */
static enum error_id read_raw(struct api_call *call)
{
    struct envelope_field *field = &call->fields[0];
    struct tensor *x = &field->tensor;
    const size_t features = axon_mlp_features(call->model->mlp);
    char name[sizeof "the body, ''" + MODEL_NAME_MAX];

    snprintf(name, sizeof name, "the body, '%.64s'", call->model->input_name);
    if (field->blob_bytes % (features * sizeof(float)) != 0)
        return call_fail(call, ERROR_SHAPE_MISMATCH,
                         "%s: %zu bytes, the model takes rows of %zu FP32: a multiple of %zu", name,
                         field->blob_bytes, features, features * sizeof(float));
    x->rank = 2;
    x->shape[0] = x->count / features;
    x->shape[1] = features;
    return inference_ask(call, x, name) ? call->error.id : read_outputs(call, NULL, true);
}

static enum error_id read_request(struct api_call *call)
{
    if (call_non_finite(call, &infer_request_of(call)->inference.policy) || call_envelope(call))
        return call->error.id;
    return call->envelope.json ? read_json(call) : read_raw(call);
}

static void fini(struct api_call *call, bool answered)
{
    struct infer_request *r = infer_request_of(call);

    if (r->outputs != &r->whole)
        free(r->outputs);
    free(r->best);
    inference_fini(call, answered);
}

static const char *const tensors[] = {"inputs[].data", NULL};

const struct call_post models_infer[1] = {{.tensors = tensors,
                                           .state_bytes = sizeof(struct infer_request),
                                           .admit = lookup_model,
                                           .phases = {[CALL_READ] = read_request,
                                                      [CALL_COMPUTE] = inference_compute,
                                                      [CALL_WRITE] = infer_write},
                                           .fini = fini,
                                           .needs = infer_needs,
                                           .elements = infer_elements}};
