/* predict.c - POST /v1/models/{model}:predict: rows in, the network's outputs back.
 *
 * Knows tensors and models, no network. */
#include <stdlib.h>
#include <string.h>
#include "api/capture.h"
#include "api/lookup.h"
#include "metrics/metrics.h"

/* The keys of a body; the first are its tensors. Nobody reads "parameters". */
enum { FIELD_INSTANCES, FIELD_INPUTS, FIELD_COUNT };
enum { KEY_TOP_K = FIELD_COUNT, KEY_SIGNATURE_NAME, KEY_CAPTURE, KEY_PARAMETERS, KEY_COUNT };

struct prediction {
    struct model *model; /* the call's */
    enum non_finite policy;
    const struct envelope_field *input; /* the one of the call's fields that was given */
    size_t rows, outputs, top_k;
    bool scalars;                  /* rows and outputs are numbers, not arrays of one */
    struct model_capture *capture; /* or NULL */
    float *y;                      /* [rows, outputs] */
    size_t computed;               /* rows of y       */
    struct model_tally *tally;     /* what they count, once the request is answered */
};
_Static_assert(sizeof(struct prediction) <= CALL_STATE_MAX, "a call's state");
_Static_assert((int)FIELD_COUNT <= (int)CALL_TENSORS_MAX, "a call's fields");

static enum error_id pick_input(struct api_call *call, struct prediction *p,
                                const json_t *const *values)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (!values[i])
            continue;
        if (p->input)
            return call_fail(call, ERROR_BAD_FIELD,
                             "instances and inputs exclude each other, send one of them");
        p->input = &call->fields[i];
        if (!p->input->present)
            return call_fail(call, ERROR_BAD_FIELD,
                             "%s: expected an array of rows of numbers, found %s", p->input->path,
                             json_type_text(values[i]));
    }
    if (!p->input)
        return call_fail(call, ERROR_BAD_FIELD,
                         "expected \"instances\" or \"inputs\": an array of rows of numbers");
    return ERROR_OK;
}

/* Rows are arrays, or numbers for a model of one feature; none at all are none of either. */
static enum error_id check_shape(struct api_call *call, const struct prediction *p)
{
    const struct tensor *x = &p->input->tensor;
    size_t features = axon_mlp_features(p->model->mlp);
    char shape[SHAPE_TEXT_MAX];

    if ((x->rank == 2 && x->shape[1] == features) ||
        (x->rank == 1 && (features == 1 || x->shape[0] == 0)))
        return ERROR_OK;
    return call_fail(call, ERROR_SHAPE_MISMATCH, "%s: shape %s, the model takes [rows, %zu]%s",
                     p->input->path, shape_text(shape, x->rank, x->shape), features,
                     x->rank == 1 && x->shape[0] == features ? "; put the row into an array of rows"
                                                             : "");
}

static enum error_id check_input(struct api_call *call, struct prediction *p)
{
    const struct tensor *x = &p->input->tensor;
    const char *member = p->input->member;

    if (member && strcmp(member, p->model->input_name) != 0)
        return call_fail(call, ERROR_BAD_FIELD,
                         "%s: the model has no input '%.60s', its input is '%s'", p->input->path,
                         member, p->model->input_name);
    if (check_shape(call, p) != ERROR_OK)
        return call->error.id;
    if (x->shape[0] > call->api->options->rows_max)
        return call_fail(call, ERROR_LIMIT_EXCEEDED, "%s: %zu rows, at most %llu (rows_max)",
                         p->input->path, x->shape[0],
                         (unsigned long long)call->api->options->rows_max);
    p->rows = call->rows = x->shape[0];
    p->outputs = axon_mlp_outputs(p->model->mlp);
    p->scalars = x->rank == 1 && p->outputs == 1;
    /* Both factors are bounded by options and by the model's limits: the product fits 64 bits. */
    if (p->rows * p->outputs > call->api->options->elements_max)
        return call_fail(call, ERROR_LIMIT_EXCEEDED,
                         "%s: %zu rows of %zu outputs are more than %llu values (elements_max)",
                         p->input->path, p->rows, p->outputs,
                         (unsigned long long)call->api->options->elements_max);
    return ERROR_OK;
}

static enum error_id read_top_k(struct api_call *call, struct prediction *p, const json_t *value)
{
    size_t classes = p->model->labels_count;
    int64_t k;

    if (!value)
        return ERROR_OK;
    if (classes == 0)
        return call_fail(call, ERROR_BAD_FIELD, "top_k: model '%s' has no labels", p->model->name);
    if (p->model->ranking == RANKING_NONE)
        return call_fail(call, ERROR_BAD_FIELD,
                         "top_k: model '%s' is a regression, its outputs are no scores",
                         p->model->name);
    if (!json_whole(value, &k) || k < 1 || (size_t)k > classes)
        return call_fail(call, ERROR_BAD_PARAMETER,
                         "top_k: expected a whole number within 1 .. %zu, the model's labels",
                         classes);
    p->top_k = (size_t)k;
    /* rows_max and the number of labels bound the factors. */
    if (p->rows * p->top_k > call->api->options->classes_max)
        return call_fail(call, ERROR_LIMIT_EXCEEDED,
                         "top_k: %zu rows of %zu classes are more than %llu (classes_max)", p->rows,
                         p->top_k, (unsigned long long)call->api->options->classes_max);
    return ERROR_OK;
}

/* There is one, by its own name or by that of the call's method. */
static enum error_id check_signature(struct api_call *call, const json_t *value)
{
    static const char *const names[] = {"", "serving_default", "tensorflow/serving/predict"};

    if (!value)
        return ERROR_OK;
    if (!json_is_string(value))
        return call_fail(call, ERROR_BAD_FIELD, "signature_name: expected a string, found %s",
                         json_type_text(value));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], json_string_value(value)) == 0)
            return ERROR_OK;
    return call_fail(call, ERROR_BAD_FIELD,
                     "signature_name: the model has no '%.60s', but serving_default",
                     json_string_value(value));
}

static enum error_id read_prediction(struct api_call *call)
{
    static const char *const keys[KEY_COUNT + 1] = {
        [FIELD_INSTANCES] = "instances", [FIELD_INPUTS] = "inputs",
        [KEY_TOP_K] = "top_k",           [KEY_SIGNATURE_NAME] = "signature_name",
        [KEY_CAPTURE] = "capture",       [KEY_PARAMETERS] = "parameters"};
    struct prediction *p = (struct prediction *)call->state;
    const json_t *values[KEY_COUNT];

    p->model = call->model;
    if (call_non_finite(call, &p->policy) != ERROR_OK || call_envelope(call) != ERROR_OK ||
        call_pick(call, call->envelope.json, "", keys, values) != ERROR_OK ||
        pick_input(call, p, values) != ERROR_OK || check_input(call, p) != ERROR_OK ||
        read_top_k(call, p, values[KEY_TOP_K]) != ERROR_OK ||
        check_signature(call, values[KEY_SIGNATURE_NAME]) != ERROR_OK)
        return call->error.id;
    return capture_read(call, values[KEY_CAPTURE], p->rows, &p->capture);
}

/* ---- the reply ---- */

static void write_label(struct buf *out, const char *label)
{
    json_t *text = json_string(label);

    if (!text || json_dump_callback(text, call_append_json, out, JSON_ENCODE_ANY) != 0)
        out->failed = true;
    json_decref(text);
}

static enum error_id write_class(struct api_call *call, const struct prediction *p, size_t class,
                                 float score)
{
    struct buf *out = &call->reply->body;
    enum error_id id;

    buf_puts(out, "{\"label\":");
    write_label(out, p->model->labels[class]);
    buf_puts(out, ",\"score\":");
    id = tensor_write(out, &score, 0, NULL, "classes", p->policy, &call->error);
    buf_puts(out, "}");
    return id;
}

static enum error_id write_classes(struct api_call *call, const struct prediction *p)
{
    struct buf *out = &call->reply->body;
    size_t *best = call_allocate(call, p->top_k, sizeof *best);
    enum error_id id = ERROR_OK;

    if (!best)
        return call_no_memory(call);
    buf_puts(out, ",\"classes\":[");
    for (size_t row = 0; row < p->rows && id == ERROR_OK; row++) {
        const float *y = p->y + row * p->outputs;

        buf_puts(out, row ? ",[" : "[");
        ranking_best(p->model->ranking, y, p->model->labels_count, best, p->top_k);
        for (size_t k = 0; k < p->top_k && id == ERROR_OK; k++) {
            buf_puts(out, k ? "," : "");
            id = write_class(call, p, best[k], ranking_score(p->model->ranking, y, best[k]));
        }
        buf_puts(out, "]");
    }
    buf_puts(out, "]");
    free(best);
    return id;
}

static enum error_id write_reply(struct api_call *call)
{
    const struct prediction *p = (const struct prediction *)call->state;
    struct buf *out = &call->reply->body;
    bool instances = p->input == &call->fields[FIELD_INSTANCES];
    const size_t shape[2] = {p->rows, p->outputs};
    enum error_id id;

    id = call_write_part(call, instances ? "{\"predictions\":" : "{\"outputs\":", p->y,
                         p->scalars ? 1 : 2, shape, instances ? "predictions" : "outputs",
                         p->policy);
    if (id != ERROR_OK || call->again)
        return id;
    if (p->top_k > 0)
        id = write_classes(call, p);
    if (id == ERROR_OK)
        id = capture_write(call, p->capture, p->rows, p->policy);
    buf_puts(out, "}");
    return id;
}

/* ---- the rows ---- */

/* Room for the outputs, and who computes them. */
static enum error_id place(struct api_call *call, struct prediction *p)
{
    p->y = call_allocate(call, p->rows * p->outputs, sizeof *p->y);
    if (p->y && memory_take(&call->account, model_tally_bytes(p->model)))
        p->tally = model_tally_create(p->model);
    if (!p->tally)
        return call_no_memory(call);
    switch (batch_reserve(call->api->pool, p->model, p->rows)) {
    case TASK_HERE:
        return ERROR_OK;
    case TASK_QUEUED:
        call->job = (struct batch_job){.model = p->model,
                                       .x = p->input->tensor.data,
                                       .y = p->y,
                                       .rows = p->rows,
                                       .capture = p->capture,
                                       .tally = p->tally};
        call->waits = CALL_WAITS_FOR_BATCH;
        return ERROR_OK;
    case TASK_FULL:
        break;
    }
    return call_fail(call, ERROR_QUEUE_FULL,
                     "model '%s': too many rows wait for it to take %zu more (queue_rows_max)",
                     p->model->name, p->rows);
}

static enum error_id compute(struct api_call *call)
{
    struct prediction *p = (struct prediction *)call->state;
    size_t left = p->rows - p->computed, piece = p->model->cost.piece_rows;
    struct model_rows rows = {
        .rows = left < piece ? left : piece, .capture = p->capture, .first = p->computed};

    if (p->rows == 0)
        return ERROR_OK;
    if (!p->y && place(call, p) != ERROR_OK)
        return call->error.id;
    if (call->waits)
        return ERROR_OK;
    rows.x = p->input->tensor.data + p->computed * axon_mlp_features(p->model->mlp);
    rows.y = p->y + p->computed * p->outputs;
    rows.tally = p->tally;
    if (model_run(p->model, &rows, 1) != 0)
        return call_no_memory(call);
    p->computed += rows.rows;
    call->again = p->computed < p->rows;
    return ERROR_OK;
}

/* ---- the way of a request ---- */

static enum metrics_outcome outcome_of(enum error_id id)
{
    unsigned status = error_http_status(id);

    if (id == ERROR_OK)
        return OUTCOME_SUCCESS;
    if (id == ERROR_DEADLINE_EXCEEDED)
        return OUTCOME_DEADLINE;
    if (status == 429 || status == 503)
        return OUTCOME_REJECTED;
    return status < 500 ? OUTCOME_INVALID : OUTCOME_ERROR;
}

static void observe(struct metrics_model *metrics, enum metric metric, uint64_t ns)
{
    metrics_model_observe(metrics, metric, (double)ns * 1e-9);
}

/* Times of the phases that the request came to. */
static void count_times(const struct api_call *call, bool answered)
{
    struct metrics_model *metrics = call->model->metrics;
    uint64_t total = call->queue_ns;

    observe(metrics, METRIC_inference_parse_seconds, call->spent_ns[CALL_READ]);
    if (call->submitted)
        observe(metrics, METRIC_inference_queue_seconds, call->queue_ns);
    if (call->phase >= CALL_COMPUTE && answered)
        observe(metrics, METRIC_inference_compute_seconds, call->spent_ns[CALL_COMPUTE]);
    if (call->phase >= CALL_WRITE && answered)
        observe(metrics, METRIC_inference_write_seconds, call->spent_ns[CALL_WRITE]);
    for (enum call_phase phase = 0; phase < CALL_PHASES; phase++)
        total += call->spent_ns[phase];
    if (answered && call->error.id == ERROR_OK)
        observe(metrics, METRIC_inference_duration_seconds, total);
}

/* Every request that was read is counted once, under the model that it was meant for; its rows only
 * if they are answered. */
static void count(const struct api_call *call, bool answered)
{
    const struct prediction *p = (const struct prediction *)call->state;
    enum metrics_outcome left = call->submitted ? OUTCOME_CANCELLED : OUTCOME_REJECTED;

    metrics_model_add(call->model->metrics, METRIC_inference_requests_total,
                      answered ? outcome_of(call->error.id) : left, 1);
    count_times(call, answered);
    if (answered && call->error.id == ERROR_OK && p->tally)
        model_count(call->model, p->tally);
}

static void fini(struct api_call *call, bool answered)
{
    struct prediction *p = (struct prediction *)call->state;

    if (call->at != CALL_ADMITTED)
        count(call, answered);
    model_tally_destroy(p->tally);
    free(p->y);
    capture_destroy(p->capture);
}

static const char *const tensors[] = {
    [FIELD_INSTANCES] = "instances", [FIELD_INPUTS] = "inputs", [FIELD_COUNT] = NULL};
static const enum envelope_objects objects[] = {
    [FIELD_INSTANCES] = ENVELOPE_OBJECT_ROWS, [FIELD_INPUTS] = ENVELOPE_OBJECT};

/* Rows are the batch's to place; a class of a label costs about as much as a number. */
static size_t elements(const struct api_call *call)
{
    const struct prediction *p = (const struct prediction *)call->state;
    size_t ranked = p->top_k > 0 ? call->model->labels_count + p->top_k : 0;
    size_t captured = capture_bytes(p->capture, call->model, p->rows) / sizeof(float);

    return call->phase == CALL_WRITE ? p->rows * (p->outputs + ranked) + captured : 0;
}

static struct call_needs needs(const struct api_call *call)
{
    enum { FRAME_BYTES = 64, CLASS_BYTES = sizeof "{\"label\":,\"score\":}," + FLOAT_TEXT_MAX };
    const struct prediction *p = (const struct prediction *)call->state;
    const size_t shape[2] = {p->rows, p->outputs};
    size_t classes = p->rows * p->top_k * (CLASS_BYTES + call->model->label_text_max);

    return (struct call_needs){
        .state = p->rows * p->outputs * sizeof *p->y + model_tally_bytes(p->model),
        .reply = tensor_text_max(2, shape) + classes + 3 * p->rows +
                 capture_text_max(p->capture, call->model, p->rows) + FRAME_BYTES};
}

const struct call_post models_predict[1] = {
    {.tensors = tensors,
     .objects = objects,
     .state_bytes = sizeof(struct prediction),
     .admit = lookup_model,
     .phases =
         {[CALL_READ] = read_prediction, [CALL_COMPUTE] = compute, [CALL_WRITE] = write_reply},
     .fini = fini,
     .needs = needs,
     .elements = elements},
};
