/* gradients.c - POST /v1/models/{model}:gradients: whether a loss reaches every layer of a model.
 *
 * Reads rows with their labels or targets, and writes the figures of model/gradients.h. A figure
 * that is not finite is null: a gradient that has exploded is an answer, not a failure. */
#include "model/gradients.h"
#include <math.h>
#include <stdlib.h>
#include "api/arrays.h"
#include "api/inference.h"
#include "api/lookup.h"
#include "infer/blas.h"

enum { FIELD_INSTANCES, FIELD_TARGETS, FIELD_LABELS, FIELD_COUNT };
static const char *const tensors[] = {[FIELD_INSTANCES] = "instances",
                                      [FIELD_TARGETS] = "targets",
                                      [FIELD_LABELS] = "labels",
                                      [FIELD_COUNT] = NULL};
static const enum envelope_objects objects[] = {[FIELD_INSTANCES] = ENVELOPE_OBJECT_ROWS,
                                                [FIELD_TARGETS] = ENVELOPE_NO_OBJECTS,
                                                [FIELD_LABELS] = ENVELOPE_NO_OBJECTS};

struct state {
    struct inference rows; /* the first, for inference_instances(); nothing of it is computed */
    struct gradients gradients;
    bool by_input; /* is wanted */
    bool npy;      /* it is all that is, as an array */
    bool started;
    const struct tensor *labels; /* class indexes, or NULL */
    int32_t *classes;            /* them as numbers        */
    void *memory;
};
_Static_assert(sizeof(struct state) <= CALL_STATE_MAX, "a call's state");

static struct state *state_of(const struct api_call *call)
{
    return (struct state *)(uintptr_t)call->state;
}

static enum error_id admit(struct api_call *call)
{
    struct state *s = state_of(call);

    if (lookup_model(call) != ERROR_OK)
        return call->error.id;
    s->gradients.model = call->model;
    return gradients_loss(call->model, &s->gradients.of, &call->error);
}

/* ---- READ ---- */

static bool is_column(const struct tensor *t, size_t rows)
{
    return t->count == rows && t->shape[0] == rows &&
           (t->rank == 1 || (t->rank == 2 && t->shape[1] == 1));
}

static enum error_id read_labels(struct api_call *call, struct state *s)
{
    const struct envelope_field *f = &call->fields[FIELD_LABELS];
    char shape[SHAPE_TEXT_MAX];

    if (!s->gradients.of.labels)
        return call_fail(call, ERROR_BAD_FIELD,
                         "labels: the loss of model '%s', %s, compares each output with a number: "
                         "send \"targets\" [rows, %zu]",
                         call->model->name, s->gradients.of.loss->name, s->rows.outputs);
    if (!is_column(&f->tensor, s->rows.rows))
        return call_fail(
            call, ERROR_SHAPE_MISMATCH,
            "labels: shape %s, instances have %zu rows: expected a class index per row",
            shape_text(shape, f->tensor.rank, f->tensor.shape), s->rows.rows);
    s->labels = &f->tensor;
    return ERROR_OK;
}

static enum error_id read_targets(struct api_call *call, struct state *s)
{
    const struct tensor *t = &call->fields[FIELD_TARGETS].tensor;
    size_t rows = s->rows.rows, outputs = s->rows.outputs;
    char shape[SHAPE_TEXT_MAX];

    if ((t->rank == 2 && t->shape[0] == rows && t->shape[1] == outputs) ||
        (outputs == 1 && is_column(t, rows))) {
        s->gradients.targets = t->data;
        return ERROR_OK;
    }
    return call_fail(call, ERROR_SHAPE_MISMATCH,
                     "targets: shape %s, the outputs of instances have [%zu, %zu]",
                     shape_text(shape, t->rank, t->shape), rows, outputs);
}

static enum error_id read_truth(struct api_call *call, struct state *s,
                                const json_t *const values[FIELD_COUNT])
{
    char found[OBJECT_FOUND_MAX];

    if (!values[FIELD_TARGETS] == !values[FIELD_LABELS])
        return call_fail(call, ERROR_BAD_FIELD,
                         values[FIELD_LABELS]
                             ? "targets and labels exclude each other, send one of them"
                         : s->gradients.of.labels
                             ? "expected \"labels\": a class index per row, or \"targets\""
                             : "expected \"targets\": as many numbers per row as the model has "
                               "outputs");
    for (size_t i = FIELD_TARGETS; i <= FIELD_LABELS; i++)
        if (values[i] && !call->fields[i].present)
            return call_fail(call, ERROR_BAD_FIELD, "%s: expected an array of numbers, found %s",
                             tensors[i], object_found(values[i], found));
    return values[FIELD_LABELS] ? read_labels(call, s) : read_targets(call, s);
}

/* The rows, and what is true of them: a number per row is a class where the loss takes classes. */
static enum error_id read_arrays(struct api_call *call, const struct state *s)
{
    const struct tensor *t = &call->fields[FIELD_TARGETS].tensor;
    struct arrays arrays;

    if (arrays_begin(call, &arrays) != ERROR_OK ||
        arrays_read(call, &arrays, FIELD_INSTANCES, "instances") != ERROR_OK ||
        arrays_read(call, &arrays, FIELD_TARGETS, "labels or targets") != ERROR_OK ||
        arrays_end(call, &arrays) != ERROR_OK)
        return call->error.id;
    return s->gradients.of.labels && t->rank > 0 && is_column(t, t->shape[0])
               ? arrays_move(call, FIELD_TARGETS, FIELD_LABELS)
               : ERROR_OK;
}

static enum error_id read_body(struct api_call *call)
{
    return call_is_npy(call) ? read_arrays(call, state_of(call))
                             : arrays_or_json(call, FIELD_INSTANCES);
}

static enum error_id read_request(struct api_call *call)
{
    struct values {
        const json_t *of[FIELD_COUNT];
        bool input_gradient;
    } values = {.input_gradient = false};
    static const struct object_key keys[] = {
        KEY("instances", VALUE, struct values, of[FIELD_INSTANCES]),
        KEY("targets", VALUE, struct values, of[FIELD_TARGETS]),
        KEY("labels", VALUE, struct values, of[FIELD_LABELS]),
        KEY("input_gradient", BOOLEAN, struct values, input_gradient), KEY_END};
    struct state *s = state_of(call);

    s->npy = arrays_asked(call);
    if (call_non_finite(call, &s->rows.policy) != ERROR_OK || read_body(call) != ERROR_OK ||
        object_read(&CALL_PLACE(call, ""), call->envelope.json, keys, &values) != ERROR_OK ||
        inference_instances(call, &call->fields[FIELD_INSTANCES], values.of[FIELD_INSTANCES]) !=
            ERROR_OK)
        return call->error.id;
    if (s->rows.rows == 0)
        return call_fail(call, ERROR_SHAPE_MISMATCH,
                         "instances: no rows, and the mean of a loss needs one");
    s->by_input = values.input_gradient || s->npy;
    s->gradients.rows = s->rows.rows;
    s->gradients.x = s->rows.x->data;
    return read_truth(call, s, values.of);
}

/* ---- COMPUTE ---- */

/* Class indexes came as float32, which holds every index that a model can have. */
static enum error_id take_labels(struct api_call *call, struct state *s)
{
    size_t outputs = s->rows.outputs, classes = outputs > 1 ? outputs : 2;

    s->classes = call_allocate(call, s->rows.rows, sizeof *s->classes);
    if (!s->classes)
        return call_no_memory(call);
    for (size_t i = 0; i < s->rows.rows; i++) {
        float label = s->labels->data[i];

        if (!(label >= 0 && label < (float)classes && label == floorf(label)))
            return call_fail(call, ERROR_BAD_TARGET,
                             "labels[%zu]: %.9g is no class, the model has %zu (0 .. %zu)", i,
                             (double)label, classes, classes - 1);
        s->classes[i] = (int32_t)label;
    }
    if (outputs > 1)
        s->gradients.labels = s->classes;
    else
        s->gradients.targets = s->labels->data; /* the class is the probability of the second */
    return ERROR_OK;
}

static enum error_id start(struct api_call *call, struct state *s)
{
    size_t features = axon_mlp_features(call->model->mlp);

    if (s->labels && take_labels(call, s) != ERROR_OK)
        return call->error.id;
    s->memory = call_allocate(call, gradients_bytes(call->model, s->rows.rows), 1);
    if (s->by_input)
        s->gradients.by_input = call_allocate(call, s->rows.rows * features, sizeof(float));
    if (!s->memory || (s->by_input && !s->gradients.by_input))
        return call_no_memory(call);
    blas_load();
    gradients_start(&s->gradients, s->memory);
    s->started = true;
    return ERROR_OK;
}

/* index is the value, or the first of a row that is no distribution. */
static enum error_id bad_target(struct api_call *call, const struct state *s, size_t index)
{
    size_t outputs = s->rows.outputs, row = index / outputs;
    const float *values = s->gradients.targets + row * outputs;
    float value = s->gradients.targets[index];
    double sum = 0;

    if (s->gradients.of.at == AXON_UPSTREAM_POST)
        return call_fail(call, ERROR_BAD_TARGET, "targets[%zu][%zu]: %.9g is not finite", row,
                         index % outputs, (double)value);
    if (!(value >= 0 && value <= 1))
        return call_fail(call, ERROR_BAD_TARGET, "targets[%zu][%zu]: %.9g is not within 0 .. 1",
                         row, index % outputs, (double)value);
    for (size_t j = 0; j < outputs; j++)
        sum += (double)values[j];
    return call_fail(call, ERROR_BAD_TARGET, "targets[%zu]: sums to %.9g, a distribution to 1", row,
                     sum);
}

static enum error_id compute(struct api_call *call)
{
    struct state *s = state_of(call);
    size_t index = 0;

    if (!s->started && start(call, s) != ERROR_OK)
        return call->error.id;
    switch (gradients_advance(&s->gradients, &call->again, &index)) {
    case AXON_OK:
        return ERROR_OK;
    case AXON_EPARAM:
        return bad_target(call, s, index);
    default:
        return call_fail(call, ERROR_INTERNAL, "gradients of %zu rows", s->rows.rows);
    }
}

/* ---- WRITE ---- */

static void put_figure(struct buf *out, const char *key, double value, const char *end)
{
    if (isfinite(value))
        buf_printf(out, "\"%s\":%.9g%s", key, value, end);
    else
        buf_printf(out, "\"%s\":null%s", key, end);
}

static void put_layer(struct buf *out, const char *name, const struct gradients_layer *is)
{
    buf_printf(out, "{\"name\":\"%s\",", name); /* letters, digits, . _ - */
    put_figure(out, "weight_gradient_norm", is->weight_norm, ",");
    put_figure(out, "bias_gradient_norm", is->bias_norm, ",");
    put_figure(out, "activation_gradient_norm", is->activation_norm, ",");
    put_figure(out, "derivative_mean", is->derivative_mean, ",");
    put_figure(out, "ratio_to_last", is->ratio_to_last, "}");
}

static void put_figures(struct api_call *call, const struct gradients *g)
{
    struct buf *out = &call->reply->body;
    const char *verdict = gradients_verdict_name(g->verdict), *warning = blas_warning();

    buf_puts(out, "{");
    put_figure(out, "loss", g->loss, ",\"layers\":[");
    for (size_t l = 0; l < call->model->layers_count; l++) {
        buf_puts(out, l ? "," : "");
        put_layer(out, call->model->layers[l].name, &g->layers[l]);
    }
    if (verdict)
        buf_printf(out, "],\"verdict\":\"%s\"", verdict);
    else
        buf_puts(out, "],\"verdict\":null");
    if (warning)
        buf_printf(out, ",\"warnings\":[\"%s\"]", warning);
}

static enum error_id write_reply(struct api_call *call)
{
    struct state *s = state_of(call);
    const struct tensor *x = s->rows.x;

    if (s->npy)
        return arrays_write(call, s->gradients.by_input, x->rank, x->shape);
    if (call->reply->body.len == 0)
        put_figures(call, &s->gradients);
    if (s->by_input && call_write_part(call, ",\"input_gradient\":", s->gradients.by_input, x->rank,
                                       x->shape, "input_gradient", s->rows.policy) != ERROR_OK)
        return call->error.id;
    buf_puts(&call->reply->body, call->again ? "" : "}");
    return ERROR_OK;
}

/* ---- what it takes ---- */

static struct call_needs needs(const struct api_call *call)
{
    enum { FRAME_BYTES = 512, LAYER_BYTES = 256 + MODEL_NAME_MAX };
    const struct state *s = state_of(call);
    const struct tensor *x = s->rows.x;
    size_t values = s->by_input ? x->count : 0;

    return (struct call_needs){.state = gradients_bytes(call->model, s->rows.rows) +
                                        values * sizeof(float) +
                                        (s->labels ? s->rows.rows * sizeof *s->classes : 0),
                               .reply = FRAME_BYTES + call->model->layers_count * LAYER_BYTES +
                                        (s->by_input ? tensor_text_max(x->rank, x->shape) : 0)};
}

static size_t elements(const struct api_call *call)
{
    const struct state *s = state_of(call);

    if (call->phase == CALL_READ)
        return call_body_elements(call);
    if (call->phase == CALL_WRITE)
        return s->by_input ? s->rows.x->count : 0;
    return work_elements(blas_load_s() + gradients_s(call->model, s->rows.rows));
}

static void fini(struct api_call *call, bool answered)
{
    struct state *s = state_of(call);

    (void)answered;
    free(s->gradients.by_input);
    free(s->classes);
    free(s->memory);
}

const struct call_post models_gradients[1] = {
    {.tensors = tensors,
     .objects = objects,
     .state_bytes = sizeof(struct state),
     .admit = admit,
     .phases = {[CALL_READ] = read_request, [CALL_COMPUTE] = compute, [CALL_WRITE] = write_reply},
     .fini = fini,
     .needs = needs,
     .elements = elements},
};
