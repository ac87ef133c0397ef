/* classify.c - POST /v1/models/{model}:classify: TensorFlow Serving's, every class of each example
 * with its score, in the order of the classes. */
#include "api/examples.h"
#include "api/lookup.h"

struct classification {
    struct inference inference;
    size_t classes;
    size_t written; /* classes of all rows */
};
_Static_assert(sizeof(struct classification) <= CALL_STATE_MAX, "a call's state");

static struct classification *classification_of(const struct api_call *call)
{
    return (struct classification *)inference_of(call);
}

static enum error_id read_examples(struct api_call *call)
{
    struct classification *c = classification_of(call);
    const struct model *m = call->model;

    if (examples_read(call, "classify"))
        return call->error.id;
    if (m->task == MODEL_REGRESSION)
        return call_fail(call, ERROR_BAD_FIELD,
                         "classify: model '%s' is a regression, its outputs are no scores; "
                         ":regress and :predict answer them",
                         m->name);
    c->classes = m->labels_count ? m->labels_count : c->inference.outputs;
    /* rows_max and the number of classes bound the factors. */
    if (c->inference.rows * c->classes <= call->api->options->classes_max)
        return ERROR_OK;
    return call_fail(call, ERROR_LIMIT_EXCEEDED,
                     "examples: %zu rows of %zu classes are more than %llu (classes_max)",
                     c->inference.rows, c->classes,
                     (unsigned long long)call->api->options->classes_max);
}

/* ["label",0.5] */
static enum error_id write_class(struct api_call *call, size_t row, size_t class)
{
    const struct inference *i = inference_of(call);
    struct buf *out = &call->reply->body;
    float score = ranking_score(call->model->ranking, i->y + row * i->outputs, class);
    struct error ignored;

    buf_puts(out, class ? ",[" : "[");
    call_write_string(out, call->model->labels_count ? call->model->labels[class] : "");
    buf_puts(out, ",");
    if (tensor_write(out, &score, 0, NULL, "", i->policy, &ignored))
        return call_fail(call, ERROR_NON_FINITE, "results[%zu][%zu]%s", row, class, ignored.detail);
    buf_puts(out, "]");
    return ERROR_OK;
}

/* So many classes, then a look at the deadline. */
static enum error_id write_reply(struct api_call *call)
{
    enum { CLASSES_AT_ONCE = 4096 };
    struct classification *c = classification_of(call);
    struct buf *out = &call->reply->body;
    size_t all = c->inference.rows * c->classes, left = CLASSES_AT_ONCE;

    if (c->written == 0)
        buf_puts(out, "{\"results\":[");
    for (; c->written < all && left > 0; c->written++, left--) {
        size_t row = c->written / c->classes, class = c->written % c->classes;

        if (class == 0)
            buf_puts(out, row ? ",[" : "[");
        if (write_class(call, row, class))
            return call->error.id;
        if (class + 1 == c->classes)
            buf_puts(out, "]");
    }
    call->again = c->written < all;
    if (!call->again)
        buf_puts(out, "]}");
    return ERROR_OK;
}

static struct call_needs needs(const struct api_call *call)
{
    enum { CLASS_BYTES = sizeof "[\"\",]," + FLOAT_TEXT_MAX };
    const struct classification *c = classification_of(call);
    struct call_needs needs = inference_needs(call, 1, &c->inference.rows);

    needs.reply += c->inference.rows *
                   (sizeof "[]," + c->classes * (CLASS_BYTES + call->model->label_text_max));
    return needs;
}

/* A class costs about as much as a few numbers. */
static size_t elements(const struct api_call *call)
{
    enum { NUMBERS = 4 };
    const struct classification *c = classification_of(call);

    return examples_elements(call) +
           (call->phase == CALL_WRITE ? c->inference.rows * c->classes * NUMBERS : 0);
}

const struct call_post models_classify[1] = {{.tensors = examples_tensors,
                                              .objects = examples_objects,
                                              .state_bytes = sizeof(struct classification),
                                              .admit = lookup_model,
                                              .phases = {[CALL_READ] = read_examples,
                                                         [CALL_COMPUTE] = inference_compute,
                                                         [CALL_WRITE] = write_reply},
                                              .fini = inference_fini,
                                              .needs = needs,
                                              .elements = elements}};
