/* losses.c - /v1/losses: the losses, and a posted batch's loss with its gradient.
 *
 * Knows what lib/loss.def knows and no loss by name: a new row is served as it is. The body names
 * what the loss takes ("logits", "predictions") and "labels" or "targets", which mean the same; a
 * flat list is a batch of rows with one output. */
#include <axon/loss.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/call.h"
#include "nearest.h"

/* ---- GET ---- */

static json_t *loss_to_json(const struct axon_loss *loss)
{
    json_t *aliases = json_array();

    for (size_t i = 0; loss->aliases[i]; i++)
        call_append(&aliases, json_string(loss->aliases[i]));
    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "name", loss->name,
                     "aliases", aliases, "input", loss->input, "activation", loss->activation,
                     "targets", loss->targets, "formula", loss->formula, "latex", loss->latex,
                     "gradient", loss->gradient, "reduction", loss->mean, "use", loss->use,
                     "source", loss->source);
}

enum error_id losses_list(struct api_call *call)
{
    size_t count;
    const struct axon_loss *table = axon_loss_table(&count);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        call_append(&list, loss_to_json(&table[i]));
    return call_reply_json(call, json_pack("{s:o}", "losses", list));
}

static enum error_id find(struct api_call *call, const struct axon_loss **loss)
{
    enum { NAMES_MAX = 64 };
    const char *name = call->args[ARG_LOSS], *names[NAMES_MAX], *near;
    size_t count, names_count = 0;
    const struct axon_loss *table = axon_loss_table(&count);

    *loss = axon_loss_find(name, NULL);
    if (*loss)
        return ERROR_OK;
    for (size_t i = 0; i < count && i < NAMES_MAX; i++)
        names[names_count++] = table[i].name;
    near = nearest(name, names, names_count);
    return call_fail(call, ERROR_UNKNOWN_LOSS,
                     "'%s': no such loss%s%s%s; GET /v1/losses lists what there is", name,
                     near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

enum error_id losses_get(struct api_call *call)
{
    const struct axon_loss *loss;

    if (find(call, &loss) != ERROR_OK)
        return call->error.id;
    return call_reply_json(call, loss_to_json(loss));
}

/* ---- POST: what is asked ---- */

enum { FIELD_LOGITS, FIELD_PREDICTIONS, FIELD_LABELS, FIELD_TARGETS, FIELD_COUNT };

static const char *const tensors[FIELD_COUNT + 1] = {[FIELD_LOGITS] = "logits",
                                                     [FIELD_PREDICTIONS] = "predictions",
                                                     [FIELD_LABELS] = "labels",
                                                     [FIELD_TARGETS] = "targets"};

struct evaluation {
    const struct axon_loss *loss;
    struct envelope_field *fields; /* the call's */
    enum non_finite policy;
    const struct envelope_field *input, *target; /* those of fields that were given */
    struct axon_loss_batch batch;
    int32_t *labels; /* [rows], or NULL */
    double mean;
    float *per_row, *gradient; /* [rows], [rows, outputs] */
};

_Static_assert(sizeof(struct evaluation) <= CALL_STATE_MAX, "a call's state");
_Static_assert((int)FIELD_COUNT <= (int)CALL_TENSORS_MAX, "a call's fields");

/* Of the keys first and first + 1 at most one is there; it must hold numbers. */
static enum error_id pick(struct api_call *call, struct evaluation *e, const json_t *const *values,
                          size_t first, const struct envelope_field **picked)
{
    for (size_t i = first; i < first + 2; i++) {
        if (!values[i])
            continue;
        if (*picked)
            return call_fail(call, ERROR_BAD_FIELD,
                             "%s and %s exclude each other, send one of them", e->fields[first].key,
                             e->fields[i].key);
        *picked = &e->fields[i];
        if (!e->fields[i].present)
            return call_fail(call, ERROR_BAD_FIELD, "%s: expected arrays of numbers, found %s",
                             e->fields[i].key, json_type_text(values[i]));
    }
    return ERROR_OK;
}

static enum error_id pick_fields(struct api_call *call, struct evaluation *e)
{
    const struct axon_loss *loss = e->loss;
    const json_t *values[FIELD_COUNT];

    if (call_pick(call, call->envelope.json, "", tensors, values) != ERROR_OK ||
        pick(call, e, values, FIELD_LOGITS, &e->input) != ERROR_OK ||
        pick(call, e, values, FIELD_LABELS, &e->target) != ERROR_OK)
        return call->error.id;
    if (!e->input)
        return call_fail(call, ERROR_BAD_FIELD, "expected \"%s\": an array of rows of numbers",
                         loss->input);
    if (strcmp(e->input->key, loss->input) != 0)
        return call_fail(call, ERROR_BAD_FIELD, "%s: %s takes %s (%s is part of it)", e->input->key,
                         loss->name, loss->input, loss->activation);
    if (!e->target)
        return call_fail(call, ERROR_BAD_FIELD, "expected \"%s\": %s",
                         loss->labels ? "labels" : "targets", loss->targets);
    return ERROR_OK;
}

static enum error_id read_input(struct api_call *call, struct evaluation *e)
{
    const struct tensor *x = &e->input->tensor;
    char shape[SHAPE_TEXT_MAX];

    if (x->count == 0)
        return call_fail(call, ERROR_SHAPE_MISMATCH,
                         "%s: shape %s holds no values, and a mean needs one", e->input->key,
                         shape_text(shape, x->rank, x->shape));
    if (x->rank != 2 && !(x->rank == 1 && !e->loss->labels))
        return call_fail(call, ERROR_SHAPE_MISMATCH, "%s: shape %s, %s takes [rows, outputs]%s",
                         e->input->key, shape_text(shape, x->rank, x->shape), e->loss->name,
                         x->rank == 1 ? "; put the row into an array of rows" : "");
    e->batch.rows = x->shape[0];
    e->batch.outputs = x->rank == 2 ? x->shape[1] : 1;
    e->batch.inner = 1;
    e->batch.input = x->data;
    return ERROR_OK;
}

/* Class indexes came as float32, which holds every whole number up to 2^24. */
static enum error_id read_labels(struct api_call *call, struct evaluation *e)
{
    const struct tensor *t = &e->target->tensor;
    size_t classes = e->batch.outputs;

    if (t->count != e->batch.rows)
        return call_fail(call, ERROR_SHAPE_MISMATCH, "%s: %zu class index%s, %s have %zu rows",
                         e->target->key, t->count, t->count == 1 ? "" : "es", e->input->key,
                         e->batch.rows);
    if (classes > (size_t)1 << 24)
        return call_fail(call, ERROR_LIMIT_EXCEEDED, "%s: %zu classes, at most %d", e->input->key,
                         classes, 1 << 24);
    e->labels = reallocarray(NULL, t->count, sizeof *e->labels);
    if (!e->labels)
        return call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    for (size_t r = 0; r < t->count; r++) {
        float label = t->data[r];

        if (!(label >= 0 && label < (float)classes))
            return call_fail(call, ERROR_BAD_TARGET,
                             "%s[%zu]: %.9g is not a class, the %s have %zu (0 .. %zu)",
                             e->target->key, r, (double)label, e->input->key, classes, classes - 1);
        e->labels[r] = (int32_t)label;
        if ((float)e->labels[r] != label)
            return call_fail(call, ERROR_BAD_TARGET, "%s[%zu]: %.9g is not a whole number",
                             e->target->key, r, (double)label);
    }
    e->batch.labels = e->labels;
    return ERROR_OK;
}

/* The first target that axon_loss_check() found outside of the loss's domain. */
static enum error_id bad_target(struct api_call *call, const struct evaluation *e, size_t bad)
{
    const struct tensor *t = &e->target->tensor;
    size_t row = bad / e->batch.outputs;
    double value = (double)t->data[bad], sum = 0;
    char place[64];

    if (t->rank == 2)
        snprintf(place, sizeof place, "[%zu][%zu]", row, bad % e->batch.outputs);
    else
        snprintf(place, sizeof place, "[%zu]", bad);
    if (!isfinite(value))
        return call_fail(call, ERROR_BAD_TARGET, "%s%s: %g is not finite", e->target->key, place,
                         value);
    if (!(value >= 0 && value <= 1))
        return call_fail(call, ERROR_BAD_TARGET, "%s%s: %.9g is not within 0 .. 1", e->target->key,
                         place, value);
    for (size_t j = 0; j < e->batch.outputs; j++)
        sum += (double)t->data[row * e->batch.outputs + j];
    return call_fail(call, ERROR_BAD_TARGET, "%s[%zu]: sums to %.9g, a distribution to 1",
                     e->target->key, row, sum);
}

static enum error_id read_target(struct api_call *call, struct evaluation *e)
{
    const struct tensor *x = &e->input->tensor, *t = &e->target->tensor;
    char got[SHAPE_TEXT_MAX], want[SHAPE_TEXT_MAX];
    bool column = e->batch.outputs == 1 && (t->rank == 1 || (t->rank == 2 && t->shape[1] == 1));
    struct axon_loss_options options;
    struct axon_loss_place place = {AXON_LOSS_TARGETS, 0};

    axon_loss_defaults(e->loss, &options);
    if (e->loss->labels && t->rank == 1)
        return read_labels(call, e);
    if (t->count != x->count || !(column || (t->rank == 2 && t->shape[0] == e->batch.rows)))
        return call_fail(call, ERROR_SHAPE_MISMATCH, "%s: shape %s, %s have %s; expected %s",
                         e->target->key, shape_text(got, t->rank, t->shape), e->input->key,
                         shape_text(want, x->rank, x->shape), e->loss->targets);
    e->batch.targets = t->data;
    if (axon_loss_check(e->loss, &e->batch, &options, &place) != AXON_OK)
        return bad_target(call, e, place.index);
    return ERROR_OK;
}

static enum error_id read_evaluation(struct api_call *call)
{
    struct evaluation *e = (struct evaluation *)call->state;

    e->fields = call->fields;
    if (call_non_finite(call, &e->policy) != ERROR_OK || call_envelope(call) != ERROR_OK ||
        pick_fields(call, e) != ERROR_OK || read_input(call, e) != ERROR_OK)
        return call->error.id;
    return read_target(call, e);
}

/* ---- POST: what is answered ---- */

static enum error_id compute(struct api_call *call)
{
    struct evaluation *e = (struct evaluation *)call->state;
    struct axon_loss_result result = {.loss = 0};

    e->per_row = reallocarray(NULL, e->batch.rows, sizeof *e->per_row);
    e->gradient = reallocarray(NULL, e->input->tensor.count, sizeof *e->gradient);
    if (!e->per_row || !e->gradient)
        return call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory for %zu gradients",
                         e->input->tensor.count);
    result.per_row = e->per_row;
    result.gradient = e->gradient;
    axon_loss_apply(e->loss, &e->batch, NULL, &result);
    e->mean = result.loss;
    return ERROR_OK;
}

static enum error_id write_reply(struct api_call *call)
{
    const struct evaluation *e = (const struct evaluation *)call->state;
    const struct tensor *x = &e->input->tensor;
    struct buf *out = &call->reply->body;
    float loss = (float)e->mean;

    buf_puts(out, "{\"loss\":");
    if (tensor_write(out, &loss, 0, NULL, "loss", e->policy, &call->error) != ERROR_OK)
        return call->error.id;
    buf_puts(out, ",\"per_row\":");
    if (tensor_write(out, e->per_row, 1, &e->batch.rows, "per_row", e->policy, &call->error) !=
        ERROR_OK)
        return call->error.id;
    buf_puts(out, ",\"gradient\":");
    if (tensor_write(out, e->gradient, x->rank, x->shape, "gradient", e->policy, &call->error) !=
        ERROR_OK)
        return call->error.id;
    buf_puts(out, "}");
    return ERROR_OK;
}

static enum error_id admit(struct api_call *call)
{
    return find(call, &((struct evaluation *)call->state)->loss);
}

static void fini(struct api_call *call, bool answered)
{
    struct evaluation *e = (struct evaluation *)call->state;

    (void)answered;
    free(e->labels);
    free(e->per_row);
    free(e->gradient);
}

const struct call_post losses_apply[1] = {
    {.tensors = tensors,
     .state_bytes = sizeof(struct evaluation),
     .admit = admit,
     .phases =
         {[CALL_READ] = read_evaluation, [CALL_COMPUTE] = compute, [CALL_WRITE] = write_reply},
     .fini = fini},
};
