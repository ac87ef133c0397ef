/* predict.c - POST /v1/models/{model}:predict: TensorFlow Serving's dialect, with top_k, sets
 * and capture.
 *
 * A dialect reads what is asked and writes the reply; what lies between is inference.c's. */
#include <stdlib.h>
#include <string.h>
#include "api/arrays.h"
#include "api/capture.h"
#include "api/inference.h"
#include "api/lookup.h"
#include "api/sets.h"
#include "api/signature.h"

/* The keys of a body; the first are its tensors. Nobody reads "parameters". */
enum { FIELD_INSTANCES, FIELD_INPUTS, FIELD_COUNT };
enum { KEY_TOP_K = FIELD_COUNT, KEY_SIGNATURE_NAME, KEY_CAPTURE, KEY_SET, KEY_COUNT };

struct prediction {
    struct inference inference;
    const struct envelope_field *input; /* the one of the call's fields that was given */
    size_t top_k;
    struct sets sets;
    bool scalars; /* rows and outputs are numbers, not arrays of one */
    bool npy;     /* so is the reply */
};
_Static_assert(sizeof(struct prediction) <= CALL_STATE_MAX, "a call's state");
_Static_assert((int)FIELD_COUNT <= (int)CALL_TENSORS_MAX, "a call's fields");

static enum error_id pick_input(struct api_call *call, struct prediction *p,
                                const json_t *const *values)
{
    char found[OBJECT_FOUND_MAX];

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
                             object_found(values[i], found));
    }
    if (!p->input)
        return call_fail(call, ERROR_BAD_FIELD,
                         "expected \"instances\" or \"inputs\": an array of rows of numbers");
    return ERROR_OK;
}

static enum error_id check_input(struct api_call *call, struct prediction *p)
{
    const struct tensor *x = &p->input->tensor;

    if (inference_check_name(call, p->input) != ERROR_OK ||
        inference_ask(call, x, p->input->path) != ERROR_OK)
        return call->error.id;
    p->scalars = x->rank == 1 && p->inference.outputs == 1;
    return ERROR_OK;
}

static enum error_id read_top_k(struct api_call *call, struct prediction *p, const json_t *value)
{
    size_t classes = call->model->labels_count;
    int64_t k;

    if (!value)
        return ERROR_OK;
    if (classes == 0)
        return call_fail(call, ERROR_BAD_FIELD, "top_k: model '%s' has no labels",
                         call->model->name);
    if (call->model->ranking == RANKING_NONE)
        return call_fail(call, ERROR_BAD_FIELD,
                         "top_k: model '%s' is a regression, its outputs are no scores",
                         call->model->name);
    if (!json_whole(value, &k) || k < 1 || (size_t)k > classes)
        return call_fail(call, ERROR_BAD_PARAMETER,
                         "top_k: expected a whole number within 1 .. %zu, the model's labels",
                         classes);
    p->top_k = (size_t)k;
    /* rows_max and the number of labels bound the factors. */
    if (p->inference.rows * p->top_k > call->api->options->classes_max)
        return call_fail(call, ERROR_LIMIT_EXCEEDED,
                         "top_k: %zu rows of %zu classes are more than %llu (classes_max)",
                         p->inference.rows, p->top_k,
                         (unsigned long long)call->api->options->classes_max);
    return ERROR_OK;
}

/* Arrays of numbers are all that .npy can answer. */
static enum error_id check_npy(struct api_call *call, const struct prediction *p)
{
    if (p->npy && (p->top_k > 0 || p->sets.asked))
        return call_fail(call, ERROR_BAD_REQUEST,
                         "%s: an answer as .npy holds the outputs and captured layers alone; ask "
                         "for JSON (Accept: application/json)",
                         p->top_k > 0 ? "top_k" : "set");
    return ERROR_OK;
}

static enum error_id read_prediction(struct api_call *call)
{
    struct values {
        const json_t *of[KEY_COUNT];
    } values = {{NULL}};
    static const struct object_key keys[] = {
        KEY("instances", VALUE, struct values, of[FIELD_INSTANCES]),
        KEY("inputs", VALUE, struct values, of[FIELD_INPUTS]),
        KEY("top_k", VALUE, struct values, of[KEY_TOP_K]),
        KEY("signature_name", VALUE, struct values, of[KEY_SIGNATURE_NAME]),
        KEY("capture", VALUE, struct values, of[KEY_CAPTURE]),
        KEY("set", VALUE, struct values, of[KEY_SET]),
        KEY_ANY("parameters"),
        KEY_END};
    struct prediction *p = (struct prediction *)call->state;

    p->npy = arrays_wanted(call);
    if (call_non_finite(call, &p->inference.policy) != ERROR_OK ||
        arrays_or_json(call, FIELD_INSTANCES) != ERROR_OK ||
        object_read(&CALL_PLACE(call, ""), call->envelope.json, keys, &values) != ERROR_OK ||
        pick_input(call, p, values.of) != ERROR_OK || check_input(call, p) != ERROR_OK ||
        read_top_k(call, p, values.of[KEY_TOP_K]) != ERROR_OK ||
        sets_read(call, values.of[KEY_SET], p->inference.rows, &p->sets) != ERROR_OK ||
        signature_check(call, values.of[KEY_SIGNATURE_NAME], "predict") != ERROR_OK ||
        check_npy(call, p) != ERROR_OK)
        return call->error.id;
    return capture_read(call, values.of[KEY_CAPTURE], p->inference.rows, &p->inference.capture);
}

/* ---- the reply ---- */

static enum error_id write_class(struct api_call *call, const struct prediction *p, size_t class,
                                 float score)
{
    struct buf *out = &call->reply->body;
    enum error_id id;

    buf_puts(out, "{\"label\":");
    call_write_string(out, call->model->labels[class]);
    buf_puts(out, ",\"score\":");
    id = tensor_write(out, &score, 0, NULL, "classes", p->inference.policy, &call->error);
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
    for (size_t row = 0; row < p->inference.rows && id == ERROR_OK; row++) {
        const float *y = p->inference.y + row * p->inference.outputs;

        buf_puts(out, row ? ",[" : "[");
        ranking_best(call->model->ranking, y, call->model->labels_count, best, p->top_k);
        for (size_t k = 0; k < p->top_k && id == ERROR_OK; k++) {
            buf_puts(out, k ? "," : "");
            id = write_class(call, p, best[k], ranking_score(call->model->ranking, y, best[k]));
        }
        buf_puts(out, "]");
    }
    buf_puts(out, "]");
    free(best);
    return id;
}

/* The outputs, and after them each captured layer. */
static enum error_id write_npy(struct api_call *call, const struct prediction *p)
{
    const struct model_capture *capture = p->inference.capture;
    size_t shape[2] = {p->inference.rows, p->inference.outputs};
    enum error_id id = arrays_write(call, p->inference.y, p->scalars ? 1 : 2, shape);

    for (size_t i = 0; capture && i < capture->count && id == ERROR_OK; i++) {
        shape[1] = call->model->layers[capture->layers[i].layer].units;
        id = arrays_write(call, capture->layers[i].values, 2, shape);
    }
    return id;
}

static enum error_id write_reply(struct api_call *call)
{
    struct prediction *p = (struct prediction *)call->state;
    struct buf *out = &call->reply->body;
    bool instances = p->input == &call->fields[FIELD_INSTANCES];
    const size_t shape[2] = {p->inference.rows, p->inference.outputs};
    enum error_id id;

    if (p->npy)
        return write_npy(call, p);
    id = call_write_part(call, instances ? "{\"predictions\":" : "{\"outputs\":", p->inference.y,
                         p->scalars ? 1 : 2, shape, instances ? "predictions" : "outputs",
                         p->inference.policy);
    if (id != ERROR_OK || call->again)
        return id;
    if (p->top_k > 0)
        id = write_classes(call, p);
    if (id == ERROR_OK)
        id = sets_write(call, &p->sets, &p->inference);
    if (id == ERROR_OK)
        id = capture_write(call, p->inference.capture, p->inference.rows, p->inference.policy);
    buf_puts(out, "}");
    return id;
}

/* Sets count as answers do. */
static void fini(struct api_call *call, bool answered)
{
    struct prediction *p = (struct prediction *)call->state;

    if (answered && call->error.id == ERROR_OK)
        sets_count(call, &p->sets);
    inference_fini(call, answered);
}

static const char *const tensors[] = {
    [FIELD_INSTANCES] = "instances", [FIELD_INPUTS] = "inputs", [FIELD_COUNT] = NULL};
static const enum envelope_objects objects[] = {
    [FIELD_INSTANCES] = ENVELOPE_OBJECT_ROWS, [FIELD_INPUTS] = ENVELOPE_OBJECT};

/* A class of a label costs about as much as a number. */
static size_t elements(const struct api_call *call)
{
    const struct prediction *p = (const struct prediction *)call->state;
    size_t read = call->phase == CALL_READ ? arrays_elements(call) : 0;
    size_t ranked = (p->top_k > 0 ? call->model->labels_count + p->top_k : 0) +
                    (p->sets.asked ? call->model->answers.classes : 0);

    return read + inference_elements(call) +
           (call->phase == CALL_WRITE ? p->inference.rows * ranked : 0);
}

static struct call_needs needs(const struct api_call *call)
{
    enum { CLASS_BYTES = sizeof "{\"label\":,\"score\":}," + FLOAT_TEXT_MAX };
    const struct prediction *p = (const struct prediction *)call->state;
    const size_t shape[2] = {p->inference.rows, p->inference.outputs};
    struct call_needs needs = inference_needs(call, 2, shape);

    needs.reply += p->inference.rows * p->top_k * (CLASS_BYTES + call->model->label_text_max) +
                   3 * p->inference.rows + sets_text_max(call, &p->sets, p->inference.rows);
    return needs;
}

const struct call_post models_predict[1] = {
    {.tensors = tensors,
     .objects = objects,
     .state_bytes = sizeof(struct prediction),
     .admit = lookup_model,
     .phases = {[CALL_READ] = read_prediction,
                [CALL_COMPUTE] = inference_compute,
                [CALL_WRITE] = write_reply},
     .fini = fini,
     .needs = needs,
     .elements = elements},
};
