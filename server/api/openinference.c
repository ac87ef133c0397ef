/* openinference.c - POST /v2/models/{model}/infer: the Open Inference Protocol as Triton speaks it,
 * with tensors in the JSON.
 *
 * A dialect reads what is asked and writes the reply; what lies between is inference.c's. Keys that
 * the protocol does not know are ignored, as its clients expect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/capture.h"
#include "api/inference.h"
#include "api/lookup.h"
#include "json/object.h"

enum { ID_BYTES_MAX = 256, OUTPUTS_MAX = 65, FRAME_BYTES = 1024, OUTPUT_BYTES = 256 };

struct request {
    struct inference inference;
    char id[ID_BYTES_MAX + 1];
    bool has_id, outputs; /* the model's own outputs are wanted, beside captured layers */
};
_Static_assert(sizeof(struct request) <= CALL_STATE_MAX, "a call's state");

static struct request *request_of(const struct api_call *call)
{
    return (struct request *)inference_of(call);
}

/* Tensors after the JSON are not read and not written yet. */
static enum error_id refuse_binary(const struct place *at, const json_t *parameters,
                                   const char *key)
{
    const json_t *value = json_member(parameters, key);

    if (!value || json_is_false(value))
        return ERROR_OK;
    return object_fail(at, "parameters", ERROR_UNSUPPORTED_ENCODING,
                       "%s: binary tensors are not supported, send and ask for JSON "
                       "(binary_data=False)",
                       key);
}

/* Clients say how long the JSON is if tensors follow it. Asked before the JSON is looked at: its
 * error would only be that something stands after its end. */
static enum error_id refuse_tensors_after(struct api_call *call)
{
    const char *length = call->headers[REQUEST_INFERENCE_LENGTH];

    return !length || strtoull(length, NULL, 10) == call->body.fed_bytes
               ? ERROR_OK
               : call_fail(call, ERROR_UNSUPPORTED_ENCODING,
                           "Inference-Header-Content-Length: binary tensors are not supported, "
                           "send and ask for JSON (binary_data=False)");
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

/* The data are nested as the shape says, or flat, and become [rows, features]. */
static enum error_id shape_data(const struct place *at, const struct input *in, struct tensor *data)
{
    size_t rank = json_array_size(in->shape);
    uint64_t shape[TENSOR_RANK_MAX], count = 1;
    char said[SHAPE_TEXT_MAX], found[SHAPE_TEXT_MAX];
    size_t sizes[TENSOR_RANK_MAX];
    bool flat = data->rank == 1;

    if (rank == 0 || rank > TENSOR_RANK_MAX)
        return object_fail(at, "shape", ERROR_LIMIT_EXCEEDED,
                           "%zu dimensions, at least 1, at most %d", rank, TENSOR_RANK_MAX);
    if (object_wholes(at, "shape", in->shape, 0, INT64_MAX, shape, rank))
        return at->error->id;
    for (size_t d = 0; d < rank; d++) {
        sizes[d] = (size_t)shape[d];
        if (__builtin_mul_overflow(count, shape[d], &count))
            count = UINT64_MAX;
    }
    if (flat ? count == data->count
             : rank == data->rank && memcmp(sizes, data->shape, rank * sizeof *sizes) == 0) {
        data->rank = rank;
        memcpy(data->shape, sizes, rank * sizeof *sizes);
        return ERROR_OK;
    }
    return object_fail(at, "shape", ERROR_SHAPE_MISMATCH, "%s, but the data are %s",
                       shape_text(said, rank, sizes), shape_text(found, data->rank, data->shape));
}

static enum error_id read_input(struct api_call *call, const json_t *json)
{
    struct envelope_field *field = &call->fields[0];
    struct input in = {.name = NULL};
    const struct place at = {.path = "inputs[0]", .error = &call->error};

    if (object_read(&at, json, input_keys, &in) ||
        refuse_binary(&at, in.parameters, "binary_data_size"))
        return call->error.id;
    if (strcmp(in.name, call->model->input_name) != 0)
        return object_fail(&at, "name", ERROR_BAD_FIELD,
                           "the model has no input '%.60s', its input is '%s'", in.name,
                           call->model->input_name);
    if (strcmp(in.datatype, "FP32") != 0)
        return object_fail(&at, "datatype", ERROR_BAD_FIELD,
                           "'%.20s', the model takes FP32: send x.astype(numpy.float32)",
                           in.datatype);
    if (!field->present)
        return object_fail(&at, "data", ERROR_BAD_FIELD, "%sexpected an array of numbers",
                           in.data ? "" : "missing; ");
    if (shape_data(&at, &in, &field->tensor))
        return call->error.id;
    return inference_ask(call, &field->tensor, at.path);
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

static bool is_layer(const struct model *m, const char *name)
{
    for (size_t i = 0; i < m->layers_count; i++)
        if (strcmp(m->layers[i].name, name) == 0)
            return true;
    return false;
}

static bool is_asked(const struct api_call *call, const json_t *layers, const char *name)
{
    for (size_t i = 0; i < json_array_size(layers); i++)
        if (strcmp(json_string_value(json_array_get(layers, i)), name) == 0)
            return true;
    return request_of(call)->outputs && strcmp(name, call->model->output_name) == 0;
}

/* The model's outputs by their name, or a layer by its own. */
static enum error_id read_output(struct api_call *call, const struct place *at, const json_t *json,
                                 json_t *layers)
{
    struct request *r = request_of(call);
    struct output out = {.name = NULL};

    if (object_read(at, json, output_keys, &out) ||
        refuse_binary(at, out.parameters, "binary_data"))
        return call->error.id;
    if (json_member(out.parameters, "classification"))
        return object_fail(at, "parameters", ERROR_BAD_FIELD,
                           "classification is not supported; :predict has top_k");
    if (is_asked(call, layers, out.name))
        return object_fail(at, "name", ERROR_BAD_FIELD, "'%.60s' is there twice", out.name);
    if (strcmp(out.name, call->model->output_name) == 0) {
        r->outputs = true;
        return ERROR_OK;
    }
    if (!is_layer(call->model, out.name))
        return object_fail(at, "name", ERROR_BAD_FIELD,
                           "the model has no output '%.60s', its output is '%s'", out.name,
                           call->model->output_name);
    return json_array_append_new(layers, json_string(out.name)) == 0
               ? ERROR_OK
               : call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
}

static enum error_id read_outputs(struct api_call *call, const json_t *outputs)
{
    struct request *r = request_of(call);
    size_t count = json_array_size(outputs);
    json_t *layers = json_array();
    enum error_id id = ERROR_OK;
    char path[32];

    if (!layers)
        return call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    if (count > OUTPUTS_MAX)
        id = call_fail(call, ERROR_LIMIT_EXCEEDED, "outputs: %zu tensors, at most %d", count,
                       OUTPUTS_MAX);
    for (size_t i = 0; i < count && id == ERROR_OK; i++) {
        snprintf(path, sizeof path, "outputs[%zu]", i);
        id = read_output(call, &(struct place){.path = path, .error = &call->error},
                         json_array_get(outputs, i), layers);
    }
    r->outputs |= count == 0;
    if (id == ERROR_OK && json_array_size(layers) > 0)
        id = capture_read(call, layers, r->inference.rows, &r->inference.capture);
    json_decref(layers);
    return id;
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

static enum error_id read_request(struct api_call *call)
{
    struct request *r = request_of(call);
    const struct place at = {.path = "", .error = &call->error};
    struct body body = {.id = NULL};

    if (call_non_finite(call, &r->inference.policy) || refuse_tensors_after(call) ||
        call_envelope(call) || object_read(&at, call->envelope.json, body_keys, &body) ||
        refuse_binary(&at, body.parameters, "binary_data_output"))
        return call->error.id;
    if (body.id && strlen(body.id) > ID_BYTES_MAX)
        return call_fail(call, ERROR_LIMIT_EXCEEDED, "id: %zu bytes, at most %d", strlen(body.id),
                         ID_BYTES_MAX);
    r->has_id = body.id != NULL;
    snprintf(r->id, sizeof r->id, "%s", body.id ? body.id : "");
    return read_inputs(call, body.inputs) ? call->error.id : read_outputs(call, body.outputs);
}

/* ---- the reply ---- */

/* {"name":"scores","datatype":"FP32","shape":[2,10],"data": after what stands in front of it. */
static enum error_id write_tensor(struct api_call *call, const char *before, const char *name,
                                  const float *values, size_t width)
{
    const struct inference *i = inference_of(call);
    const size_t count = i->rows * width;
    char text[FRAME_BYTES + OUTPUT_BYTES];

    snprintf(text, sizeof text,
             "%s{\"name\":\"%s\",\"datatype\":\"FP32\",\"shape\":[%zu,%zu],\"data\":", before, name,
             i->rows, width);
    return call_write_part(call, text, values, 1, &count, name, i->policy);
}

/* The id is as it came, as JSON: six bytes for each of its own at most. */
static enum error_id write_head(struct api_call *call)
{
    const struct request *r = request_of(call);
    struct buf *out = &call->reply->body;
    json_t *id;

    if (out->len > 0)
        return ERROR_OK;
    buf_printf(out, "{\"model_name\":\"%s\",\"model_version\":\"%llu\"", call->model->name,
               (unsigned long long)call->model->version);
    if (r->has_id) {
        id = json_string(r->id);
        buf_puts(out, ",\"id\":");
        if (!id || json_dump_callback(id, call_append_json, out, JSON_ENCODE_ANY) != 0)
            out->failed = true;
        json_decref(id);
    }
    buf_puts(out, ",\"outputs\":[");
    return ERROR_OK;
}

/* Hidden layers in the order in which they were asked for, then the outputs. */
static enum error_id write_reply(struct api_call *call)
{
    const struct request *r = request_of(call);
    const struct model_capture *capture = r->inference.capture;
    const char *before = "";
    enum error_id id = write_head(call);

    for (size_t i = 0; capture && i < capture->count && id == ERROR_OK && !call->again; i++) {
        const struct model_layer *layer = &call->model->layers[capture->layers[i].layer];

        id = write_tensor(call, before, layer->name, capture->layers[i].values, layer->units);
        before = "},";
    }
    if (r->outputs && id == ERROR_OK && !call->again)
        id = write_tensor(call, before, call->model->output_name, r->inference.y,
                          r->inference.outputs);
    if (id == ERROR_OK && !call->again)
        buf_puts(&call->reply->body, "}]}");
    return id;
}

static struct call_needs needs(const struct api_call *call)
{
    const struct inference *i = inference_of(call);
    const size_t count = i->rows * i->outputs;
    struct call_needs needs = inference_needs(call, 1, &count);

    needs.reply += FRAME_BYTES + 6 * ID_BYTES_MAX +
                   OUTPUT_BYTES * (1 + (i->capture ? i->capture->count : 0));
    return needs;
}

static const char *const tensors[] = {"inputs[].data", NULL};

const struct call_post models_infer[1] = {{.tensors = tensors,
                                           .state_bytes = sizeof(struct request),
                                           .admit = lookup_model,
                                           .phases = {[CALL_READ] = read_request,
                                                      [CALL_COMPUTE] = inference_compute,
                                                      [CALL_WRITE] = write_reply},
                                           .fini = inference_fini,
                                           .needs = needs,
                                           .elements = inference_elements}};
