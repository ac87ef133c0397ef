/* explain.c - POST /v1/models/{model}:explain: why a row was answered as it was, and what is odd
 * about it.
 *
 * Reads rows, and writes the lists of model/explanation.h. A figure that is not finite is null. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "api/arrays.h"
#include "api/inference.h"
#include "api/lookup.h"
#include "base/names.h"
#include "infer/blas.h"
#include "model/explanation.h"
#include "model/gradients.h"

enum { FIELD_INSTANCES, FIELD_COUNT };
static const char *const tensors[] = {[FIELD_INSTANCES] = "instances", [FIELD_COUNT] = NULL};
static const enum envelope_objects objects[] = {[FIELD_INSTANCES] = ENVELOPE_OBJECT_ROWS};

enum { TOP_K = 10, TOP_K_MAX = 65536 };

struct state {
    struct inference rows; /* the first, for inference_instances(); nothing of it is computed */
    struct explanation explanation;
    bool started;
    struct baseline *baseline; /* a reference, or NULL */
    void *memory;
    size_t written; /* rows */
};
_Static_assert(sizeof(struct state) <= CALL_STATE_MAX, "a call's state");

static struct state *state_of(const struct api_call *call)
{
    return (struct state *)(uintptr_t)call->state;
}

static enum error_id no_classes(struct api_call *call)
{
    const struct model *m = call->model;

    if (m->task == MODEL_REGRESSION || m->task == MODEL_TASK_NONE)
        return call_fail(call, ERROR_BAD_REQUEST,
                         "model '%s' has no classes: an explanation is that of a class's logit",
                         m->name);
    return call_fail(call, ERROR_BAD_REQUEST,
                     "model '%s': its output is %s; an explanation is that of a class's logit, in "
                     "front of softmax or sigmoid, or without an activation",
                     m->name, m->layers[m->layers_count - 1].activation->name);
}

static enum error_id admit(struct api_call *call)
{
    if (lookup_model(call) != ERROR_OK)
        return call->error.id;
    if (explanation_classes(call->model) == 0)
        return no_classes(call);
    return ERROR_OK;
}

/* ---- READ ---- */

/* The class's label, or NULL. */
static const char *class_name(const struct model *m, size_t class)
{
    return m->labels_count == explanation_classes(m) ? m->labels[class] : NULL;
}

static enum error_id read_class(struct api_call *call, struct explanation *e, const json_t *value)
{
    size_t classes = explanation_classes(call->model);
    int64_t number;

    e->class = SIZE_MAX;
    if (!value)
        return ERROR_OK;
    for (size_t i = 0; json_is_string(value) && i < classes; i++) {
        const char *label = class_name(call->model, i);

        if (label && strcmp(label, json_string_value(value)) == 0) {
            e->class = i;
            return ERROR_OK;
        }
    }
    if (json_is_string(value))
        return call_fail(call, ERROR_BAD_PARAMETER, "class: model '%s' has no label '%.60s'",
                         call->model->name, json_string_value(value));
    if (!json_whole(value, &number) || number < 0 || (size_t)number >= classes)
        return call_fail(call, ERROR_BAD_PARAMETER,
                         "class: expected a label, or a whole number within 0 .. %zu, the model's "
                         "classes",
                         classes - 1);
    e->class = (size_t)number;
    return ERROR_OK;
}

/* rows_max, top_k and the layers' number bound the factors. */
static enum error_id check_size(struct api_call *call, const struct explanation *e)
{
    size_t max = call->api->options->classes_max, entries = explanation_entries(e);

    if (e->rows * entries > max)
        return call_fail(call, ERROR_LIMIT_EXCEEDED,
                         "top_k: %zu rows of %zu features and units are more than %zu "
                         "(classes_max)",
                         e->rows, entries, max);
    return ERROR_OK;
}

static enum error_id read_request(struct api_call *call)
{
    struct values {
        const json_t *instances, *class;
        size_t top_k;
    } values = {.top_k = TOP_K};
    static const struct object_key keys[] = {
        KEY("instances", VALUE, struct values, instances),
        KEY("class", VALUE, struct values, class),
        KEY_RANGE("top_k", SIZE, struct values, top_k, 1, TOP_K_MAX, false), KEY_END};
    struct state *s = state_of(call);
    struct explanation *e = &s->explanation;

    if (call_non_finite(call, &s->rows.policy) != ERROR_OK ||
        arrays_or_json(call, FIELD_INSTANCES) != ERROR_OK ||
        object_read(&CALL_PLACE(call, ""), call->envelope.json, keys, &values) != ERROR_OK ||
        inference_instances(call, &call->fields[FIELD_INSTANCES], values.instances) != ERROR_OK ||
        read_class(call, e, values.class) != ERROR_OK)
        return call->error.id;
    s->baseline = model_baseline(call->model);
    e->model = call->model;
    e->baseline = s->baseline;
    e->x = s->rows.x->data;
    e->rows = s->rows.rows;
    e->top_k = values.top_k;
    return check_size(call, e);
}

/* ---- COMPUTE ---- */

static enum error_id compute(struct api_call *call)
{
    struct state *s = state_of(call);

    if (s->explanation.rows == 0)
        return ERROR_OK;
    if (!s->started) {
        s->memory = call_allocate(call, explanation_bytes(&s->explanation), 1);
        if (!s->memory)
            return call_no_memory(call);
        blas_load();
        explanation_start(&s->explanation, s->memory);
        s->started = true;
    }
    call->again = explanation_advance(&s->explanation);
    return ERROR_OK;
}

/* ---- WRITE ---- */

/* As the nearest float32 is written everywhere. */
static void put_number(struct buf *out, const char *key, double value)
{
    float number = (float)value;
    struct error error;

    buf_printf(out, ",\"%s\":", key);
    tensor_write(out, &number, 0, NULL, key, NON_FINITE_NULL, &error);
}

static void put_feature_name(struct buf *out, const struct model *m, uint32_t feature)
{
    buf_puts(out, "{\"feature\":");
    if (m->columns)
        call_write_string(out, m->columns->of[feature]);
    else
        buf_printf(out, "%" PRIu32, feature);
}

static void put_features(struct buf *out, const struct explanation *e, size_t row, size_t list,
                         const char *key, const char *size)
{
    const struct explanation_entry *entries = explanation_list(e, row, list);
    size_t length = explanation_length(e, list);

    buf_printf(out, ",\"%s\":[", key);
    for (size_t k = 0; k < length; k++) {
        buf_puts(out, k ? "," : "");
        put_feature_name(out, e->model, entries[k].index);
        put_number(out, "value", (double)entries[k].value);
        put_number(out, size, (double)entries[k].size);
        buf_puts(out, "}");
    }
    buf_puts(out, "]");
}

static void put_units(struct buf *out, const struct explanation *e, size_t row, size_t layer)
{
    const struct baseline_layer *habit = &e->baseline->layers[layer];
    const struct explanation_entry *entries = explanation_list(e, row, EXPLANATION_LAYERS + layer);
    size_t length = explanation_length(e, EXPLANATION_LAYERS + layer);

    buf_printf(out, "%s{\"name\":\"%s\",\"units\":[", layer ? "," : "",
               e->model->layers[layer].name);
    for (size_t k = 0; k < length; k++) {
        uint32_t unit = entries[k].index;

        buf_printf(out, "%s{\"unit\":%" PRIu32, k ? "," : "", unit);
        put_number(out, "value", (double)entries[k].value);
        put_number(out, "z", (double)entries[k].size);
        put_number(out, "mean", habit->mean[unit]);
        put_number(out, "std", habit->std[unit]);
        put_number(out, "firing", habit->firing[unit]);
        buf_puts(out, "}");
    }
    buf_puts(out, "]}");
}

static void put_row(struct buf *out, const struct explanation *e, size_t row)
{
    const struct explanation_row *is = &e->answers[row];
    const char *label = class_name(e->model, is->class);

    buf_printf(out, "%s{\"class\":%zu", row ? "," : "", is->class);
    if (label) {
        buf_puts(out, ",\"label\":");
        call_write_string(out, label);
    }
    put_number(out, "confidence", is->confidence);
    put_number(out, "logit", is->logit);
    put_features(out, e, row, EXPLANATION_FEATURES, "features", "contribution");
    if (e->baseline) {
        put_features(out, e, row, EXPLANATION_ODD, "odd_features", "z");
        buf_puts(out, ",\"layers\":[");
        for (size_t l = 0; l < e->baseline->layers_count; l++)
            put_units(out, e, row, l);
        buf_puts(out, "]");
    }
    buf_puts(out, "}");
}

static enum error_id write_reply(struct api_call *call)
{
    enum { PIECE_ENTRIES = 1 << 14 };
    struct state *s = state_of(call);
    const struct explanation *e = &s->explanation;
    struct buf *out = &call->reply->body;
    const char *warning = blas_warning();

    if (s->written == 0)
        buf_puts(out, "{\"explanations\":[");
    for (size_t entries = 0; s->written < e->rows && entries < PIECE_ENTRIES; s->written++) {
        put_row(out, e, s->written);
        entries += explanation_entries(e);
    }
    call->again = s->written < e->rows && !out->failed;
    if (call->again)
        return ERROR_OK;
    if (e->baseline)
        buf_printf(out, "],\"baseline\":{\"rows\":%" PRIu64 "}", e->baseline->rows);
    else
        buf_puts(out, "],\"baseline\":null");
    if (warning)
        buf_printf(out, ",\"warnings\":[\"%s\"]", warning);
    buf_puts(out, "}");
    return ERROR_OK;
}

/* ---- what it takes ---- */

static struct call_needs needs(const struct api_call *call)
{
    enum {
        FRAME_BYTES = 512,
        ROW_BYTES = 256,
        LAYER_BYTES = MODEL_NAME_MAX + 32,
        ENTRY_BYTES = 96 + 5 * FLOAT_TEXT_MAX
    };
    const struct model *m = call->model;
    const struct explanation *e = &state_of(call)->explanation;
    size_t row = ROW_BYTES + m->label_text_max + m->layers_count * LAYER_BYTES +
                 explanation_entries(e) * (ENTRY_BYTES + m->column_text_max);

    return (struct call_needs){.state = e->rows ? explanation_bytes(e) : 0,
                               .reply = FRAME_BYTES + e->rows * row};
}

/* An entry costs about as much as three numbers. */
static size_t elements(const struct api_call *call)
{
    enum { OF_ENTRY = 3 };
    const struct explanation *e = &state_of(call)->explanation;

    if (call->phase == CALL_READ)
        return call_body_elements(call);
    if (call->phase == CALL_WRITE || e->rows == 0)
        return e->rows * explanation_entries(e) * OF_ENTRY;
    return work_elements(blas_load_s() + gradients_s(call->model, e->rows));
}

static void fini(struct api_call *call, bool answered)
{
    struct state *s = state_of(call);

    (void)answered;
    baseline_unref(s->baseline);
    free(s->memory);
}

const struct call_post models_explain[1] = {
    {.tensors = tensors,
     .objects = objects,
     .state_bytes = sizeof(struct state),
     .admit = admit,
     .phases = {[CALL_READ] = read_request, [CALL_COMPUTE] = compute, [CALL_WRITE] = write_reply},
     .fini = fini,
     .needs = needs,
     .elements = elements},
};
