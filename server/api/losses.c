/* losses.c - /v1/losses: the losses, and a loss of a posted batch with its gradient.
 *
 * Knows what lib/loss.def knows and no loss by name: a new row is served as it is. evaluation.c
 * reads what a POST asks for. */
#include <stdio.h>
#include <string.h>
#include "api/arrays.h"
#include "api/evaluation.h"

/* ---- GET ---- */

/* Set key in *object, which becomes NULL without memory; steals value. */
static void set(json_t **object, const char *key, json_t *value)
{
    if (!*object)
        json_decref(value);
    else if (!value || json_object_set_new(*object, key, value) != 0) {
        json_decref(*object);
        *object = NULL;
    }
}

static json_t *value_to_json(const struct axon_loss_parameter *p, double value)
{
    if (p->kind == AXON_LOSS_BOOLEAN)
        return json_boolean(value != 0);
    return p->kind == AXON_LOSS_INTEGER ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *reduction_to_json(void)
{
    json_t *values = json_array();
    const char *name;

    for (unsigned i = 0; (name = axon_reduction_name((enum axon_reduction)i)); i++)
        call_append(&values, json_string(name));
    return json_pack(
        "{s:s, s:s, s:o, s:s}", "name", "reduction", "default", "mean", "values", values,
        "description",
        "how the losses become one; none answers each, with the gradient of their sum; "
        "batchmean divides the sum by the rows");
}

/* A tensor that the body may hold besides, if the loss takes it. */
static void append_array(json_t **list, bool takes, const char *name, const char *description)
{
    if (takes)
        call_append(list, json_pack("{s:s, s:n, s:s}", "name", name, "default", "description",
                                    description));
}

static json_t *options_to_json(const struct axon_loss *loss)
{
    json_t *list = json_array();

    call_append(&list, reduction_to_json());
    append_array(&list, loss->weight, "weight", "a number per class, or one for all");
    append_array(&list, loss->pos_weight, "pos_weight",
                 "what a target of 1 weighs: a number per class, or one for all");
    append_array(&list, loss->variances, "variances",
                 "required: one per value, one per row, or one for all");
    for (unsigned i = 0; i < loss->parameters_count; i++) {
        const struct axon_loss_parameter *p = &loss->parameters[i];
        json_t *option = json_pack("{s:s, s:o, s:s}", "name", p->name, "default",
                                   value_to_json(p, p->value), "description", p->description);

        if (p->kind != AXON_LOSS_BOOLEAN) {
            set(&option, "minimum", value_to_json(p, p->minimum));
            set(&option, "maximum", value_to_json(p, p->maximum));
        }
        call_append(&list, option);
    }
    return list;
}

static json_t *variants_to_json(const struct axon_loss *loss)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < loss->variants_count; i++) {
        const struct axon_loss_variant *v = &loss->variants[i];
        unsigned k = v->parameter ? axon_loss_parameter_find(loss, v->parameter) : 0;
        json_t *options = json_pack("{s:s}", "reduction", axon_reduction_name(v->reduction));

        if (v->parameter)
            set(&options, v->parameter, value_to_json(&loss->parameters[k], v->value));
        call_append(&list, json_pack("{s:s, s:o}", "name", v->name, "options", options));
    }
    return list;
}

static json_t *target_kinds_to_json(const struct axon_loss *loss)
{
    static const char *const names[AXON_TARGET_COUNT] = {
        [AXON_TARGET_FINITE] = "number",
        [AXON_TARGET_NONNEGATIVE] = "nonnegative",
        [AXON_TARGET_SIGN] = "sign",
        [AXON_TARGET_PROBABILITY] = "probability",
        [AXON_TARGET_DISTRIBUTION] = "distribution"};
    json_t *list = json_array();

    if (loss->labels)
        call_append(&list, json_string("class_index"));
    if (!loss->labels_only)
        call_append(&list, json_string(names[loss->target]));
    return list;
}

static json_t *loss_to_json(const struct axon_loss *loss)
{
    json_t *aliases = json_array();

    for (size_t i = 0; loss->aliases[i]; i++)
        call_append(&aliases, json_string(loss->aliases[i]));
    return json_pack(
        "{s:s, s:o, s:o, s:s, s:s, s:s, s:o, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
        "name", loss->name, "aliases", aliases, "variants", variants_to_json(loss), "input",
        loss->input, "inputs", loss->inputs, "activation", loss->activation, "target_kinds",
        target_kinds_to_json(loss), "targets", loss->targets, "options", options_to_json(loss),
        "formula", loss->formula, "latex", loss->latex, "gradient", loss->gradient, "reduction",
        loss->mean, "pros", loss->pros, "cons", loss->cons, "use", loss->use, "source",
        loss->source);
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

enum error_id losses_get(struct api_call *call)
{
    static const char *const no_query[] = {NULL};
    const struct axon_loss *loss;

    if (evaluation_find(call, &loss, NULL) != ERROR_OK ||
        call_check_query(call, no_query) != ERROR_OK)
        return call->error.id;
    return call_reply_json(call, loss_to_json(loss));
}

/* ---- POST ---- */

_Static_assert(sizeof(struct evaluation) <= CALL_STATE_MAX, "a call's state");

enum { PIECE_VALUES = 1 << 16 }; /* computed between two looks at the deadline */

static struct evaluation *state_of(struct api_call *call)
{
    return (struct evaluation *)call->state;
}

/* How many losses and how many rows the result has. */
static void count_results(const struct evaluation *e, size_t *losses, size_t *rows)
{
    bool places = e->loss->kind == AXON_LOSS_CLASSWISE;

    *rows = e->batch.rows * (places ? e->batch.inner : 1);
    *losses = e->batch.rows * e->batch.inner * (places ? 1 : e->batch.outputs);
}

static enum error_id make_room(struct api_call *call, struct evaluation *e)
{
    size_t losses, rows;
    bool none = e->options.reduction == AXON_REDUCTION_NONE;

    count_results(e, &losses, &rows);
    e->result.gradient = call_allocate(call, e->input->tensor.count, sizeof(float));
    e->result.per_row = call_allocate(call, rows, sizeof(float));
    e->result.losses = none ? call_allocate(call, losses, sizeof(float)) : NULL;
    if (!e->result.gradient || !e->result.per_row || (none && !e->result.losses))
        return call_no_memory(call);
    return ERROR_OK;
}

static enum error_id start(struct api_call *call, struct evaluation *e)
{
    struct axon_loss_place place = {AXON_LOSS_PARAMETERS, 0};
    enum axon_status status;

    if ((e->labelled && evaluation_read_labels(call, e) != ERROR_OK) ||
        make_room(call, e) != ERROR_OK)
        return call->error.id;
    status = axon_loss_start(&e->pass, e->loss, &e->batch, &e->options, &e->result, &place);
    e->started = status == AXON_OK;
    return status == AXON_OK ? ERROR_OK : evaluation_bad_value(call, e, &place);
}

/* A piece at a time. */
static enum error_id compute(struct api_call *call)
{
    struct evaluation *e = state_of(call);

    if (!e->started && start(call, e) != ERROR_OK)
        return call->error.id;
    call->again = axon_loss_advance(&e->pass, PIECE_VALUES);
    return ERROR_OK;
}

/* The three tensors of a reply, by `write`. */
typedef enum error_id write_tensor(struct api_call *call, const char *name, const float *values,
                                   size_t rank, const size_t *shape);

static enum error_id write_all(struct api_call *call, write_tensor *write)
{
    const struct evaluation *e = state_of(call);
    const struct tensor *x = &e->input->tensor;
    bool places = e->loss->kind == AXON_LOSS_CLASSWISE;
    float loss = (float)e->result.loss;
    size_t shape[TENSOR_RANK_MAX], rank = evaluation_places(e, shape), row_shape[1], losses;
    bool by_place = places && rank > 0;
    enum error_id id;

    count_results(e, &losses, row_shape);
    if (!e->result.losses)
        id = write(call, "loss", &loss, 0, NULL);
    else if (places)
        id = write(call, "loss", e->result.losses, rank, shape);
    else
        id = write(call, "loss", e->result.losses, x->rank, x->shape);
    if (id == ERROR_OK)
        id = write(call, "per_row", e->result.per_row, by_place ? rank : 1,
                   by_place ? shape : row_shape);
    if (id == ERROR_OK)
        id = write(call, "gradient", e->result.gradient, x->rank, x->shape);
    return id;
}

static enum error_id write_json(struct api_call *call, const char *name, const float *values,
                                size_t rank, const size_t *shape)
{
    char text[32];

    snprintf(text, sizeof text, "%c\"%s\":", call->reply->body.len == 0 ? '{' : ',', name);
    return call_write_part(call, text, values, rank, shape, name, state_of(call)->policy);
}

static enum error_id write_npy(struct api_call *call, const char *name, const float *values,
                               size_t rank, const size_t *shape)
{
    (void)name;
    return arrays_write(call, values, rank, shape);
}

static enum error_id write_reply(struct api_call *call)
{
    if (state_of(call)->npy)
        return write_all(call, write_npy);
    if (write_all(call, write_json) != ERROR_OK)
        return call->error.id;
    buf_puts(&call->reply->body, call->again ? "" : "}");
    return ERROR_OK;
}

/* The text of so many numbers of which each may be an array; .npy is shorter. */
static size_t text_max(size_t count)
{
    const size_t shape[2] = {count, 1};

    return tensor_text_max(2, shape);
}

/* Labels are not read yet, and each loss may be wanted by itself. */
static struct call_needs needs(const struct api_call *call)
{
    enum { FRAME_BYTES = 1024 }; /* keys, or the headers of .npy */
    const struct evaluation *e = (const struct evaluation *)call->state;
    bool none = e->options.reduction == AXON_REDUCTION_NONE;
    size_t values = e->input->tensor.count, losses, rows;

    count_results(e, &losses, &rows);
    losses = none ? losses : 1;
    return (struct call_needs){
        .state = (values + rows + losses + (e->labelled ? e->target->tensor.count : 0)) *
                 sizeof(float),
        .reply = text_max(losses) + text_max(rows) +
                 tensor_text_max(e->input->tensor.rank, e->input->tensor.shape) + FRAME_BYTES};
}

static enum error_id read_request(struct api_call *call)
{
    return evaluation_read(call, state_of(call));
}

static enum error_id admit(struct api_call *call)
{
    struct evaluation *e = state_of(call);

    return evaluation_find(call, &e->loss, &e->options);
}

static void fini(struct api_call *call, bool answered)
{
    (void)answered;
    evaluation_fini(state_of(call));
}

const struct call_post losses_apply[1] = {
    {.tensors = evaluation_tensors,
     .state_bytes = sizeof(struct evaluation),
     .admit = admit,
     .phases = {[CALL_READ] = read_request, [CALL_COMPUTE] = compute, [CALL_WRITE] = write_reply},
     .fini = fini,
     .needs = needs},
};
