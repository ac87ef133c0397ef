/* capture.c - see capture.h. Knows layers by their names. */
#include "api/capture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "json/value.h"

/* "hidden1, hidden2, output", as far as there is room. */
static const char *layer_names(const struct model *m, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < m->layers_count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", m->layers[i].name);
    return out;
}

static enum error_id find_layer(struct api_call *call, const json_t *name, size_t at, size_t *layer)
{
    const struct model *m = call->model;
    char names[ERROR_DETAIL_MAX / 2], found[OBJECT_FOUND_MAX];

    if (!json_is_string(name))
        return call_fail(call, ERROR_BAD_FIELD, "capture[%zu]: expected a layer's name, found %s",
                         at, object_found(name, found));
    for (*layer = 0; *layer < m->layers_count; ++*layer)
        if (strcmp(m->layers[*layer].name, json_string_value(name)) == 0)
            return ERROR_OK;
    return call_fail(call, ERROR_BAD_FIELD,
                     "capture[%zu]: no layer is called '%.40s'; there are %s", at,
                     json_string_value(name), layer_names(m, names, sizeof names));
}

/* The list's layers, each once. */
static enum error_id read_layers(struct api_call *call, const json_t *list,
                                 struct model_capture *capture)
{
    size_t i;
    const json_t *name;

    json_array_foreach (list, i, name) {
        if (find_layer(call, name, i, &capture->layers[i].layer) != ERROR_OK)
            return call->error.id;
        for (size_t k = 0; k < i; k++)
            if (capture->layers[k].layer == capture->layers[i].layer)
                return call_fail(call, ERROR_BAD_FIELD,
                                 "capture[%zu]: '%s' is capture[%zu] already", i,
                                 json_string_value(name), k);
    }
    return ERROR_OK;
}

/* Options bound rows and the layers' widths are bounded: no product overflows 64 bits. */
static enum error_id allocate(struct api_call *call, size_t rows, struct model_capture *capture)
{
    size_t max = call->api->options->elements_max;
    size_t bytes = capture_bytes(capture, call->model, rows);

    if (bytes / sizeof(float) > max)
        return call_fail(call, ERROR_LIMIT_EXCEEDED,
                         "capture: %zu rows of %zu values are more than %zu (elements_max)", rows,
                         bytes / sizeof(float) / rows, max);
    for (size_t i = 0; i < capture->count; i++) {
        struct model_captured *c = &capture->layers[i];

        c->values = call_allocate(call, rows * call->model->layers[c->layer].units,
                                  sizeof *c->values);
        if (!c->values)
            return call_no_memory(call);
    }
    return ERROR_OK;
}

enum error_id capture_read(struct api_call *call, const json_t *list, size_t rows,
                           struct model_capture **capture)
{
    size_t count = json_array_size(list);
    char found[OBJECT_FOUND_MAX];

    if (!list)
        return ERROR_OK;
    if (!json_is_array(list))
        return call_fail(call, ERROR_BAD_FIELD, "capture: expected a list of layers, found %s",
                         object_found(list, found));
    if (count > call->model->layers_count)
        return call_fail(call, ERROR_BAD_FIELD, "capture: %zu names, the model has %zu layers",
                         count, call->model->layers_count);
    *capture = calloc(1, sizeof **capture + count * sizeof *(*capture)->layers);
    if (!*capture)
        return call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    (*capture)->count = count;
    if (read_layers(call, list, *capture) != ERROR_OK)
        return call->error.id;
    return allocate(call, rows, *capture);
}

size_t capture_bytes(const struct model_capture *capture, const struct model *model, size_t rows)
{
    size_t bytes = 0;

    for (size_t i = 0; capture && i < capture->count; i++)
        bytes += rows * model->layers[capture->layers[i].layer].units * sizeof(float);
    return bytes;
}

size_t capture_text_max(const struct model_capture *capture, const struct model *model, size_t rows)
{
    enum { NAME_BYTES = MODEL_NAME_MAX + 16 };
    size_t bytes = 0;

    for (size_t i = 0; capture && i < capture->count; i++) {
        const size_t shape[2] = {rows, model->layers[capture->layers[i].layer].units};

        bytes += tensor_text_max(2, shape) + NAME_BYTES;
    }
    return bytes;
}

enum error_id capture_write(struct api_call *call, const struct model_capture *capture, size_t rows,
                            enum non_finite policy)
{
    struct buf *out = &call->reply->body;

    if (!capture)
        return ERROR_OK;
    buf_puts(out, ",\"captured\":{");
    for (size_t i = 0; i < capture->count; i++) {
        const struct model_captured *c = &capture->layers[i];
        const struct model_layer *layer = &call->model->layers[c->layer];
        const size_t shape[2] = {rows, layer->units};
        char name[MODEL_NAME_MAX + 16];

        snprintf(name, sizeof name, "captured.%s", layer->name);
        buf_printf(out, "%s\"%s\":", i ? "," : "", layer->name); /* letters, digits, . _ - */
        if (tensor_write(out, c->values, 2, shape, name, policy, &call->error) != ERROR_OK)
            return call->error.id;
    }
    buf_puts(out, "}");
    return ERROR_OK;
}

void capture_destroy(struct model_capture *capture)
{
    for (size_t i = 0; capture && i < capture->count; i++)
        free(capture->layers[i].values);
    free(capture);
}
