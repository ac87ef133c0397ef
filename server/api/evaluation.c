/* evaluation.c - see evaluation.h. Every refusal names the key and the numbers that disagree. */
#include "api/evaluation.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "catalogue/catalogue.h"

/* ---- the loss ---- */

enum error_id evaluation_find(struct api_call *call, const struct axon_loss **loss,
                              struct axon_loss_options *options)
{
    const char *name = call->args[ARG_LOSS];
    char hint[NEAREST_HINT_MAX];

    *loss = axon_loss_find(name, options);
    return *loss ? ERROR_OK
                 : call_fail(call, ERROR_UNKNOWN_LOSS, "'%s': no such loss%s", name,
                             catalogue_loss_hint(hint, name));
}

/* ---- the tensors that were given ---- */

/* At most one of the fields first and first + 1 may be there. */
static enum error_id pick(struct api_call *call, struct evaluation *e, size_t first,
                          const struct envelope_field **picked)
{
    if (e->fields[first].present && e->fields[first + 1].present)
        return call_fail(call, ERROR_BAD_FIELD, "%s and %s exclude each other, send one of them",
                         e->fields[first].path, e->fields[first + 1].path);
    for (size_t i = first; i < first + 2; i++)
        if (e->fields[i].present)
            *picked = &e->fields[i];
    return ERROR_OK;
}

/* Without from_logits a loss takes one kind of input only. */
static enum error_id check_input(struct api_call *call, const struct evaluation *e)
{
    const struct axon_loss *loss = e->loss;
    bool logits = e->input == &e->fields[LOSS_LOGITS];
    unsigned from = axon_loss_parameter_find(loss, "from_logits");

    if (logits && from == loss->parameters_count)
        return call_fail(call, ERROR_BAD_FIELD, "logits: %s takes predictions: %s", loss->name,
                         loss->inputs);
    if (logits && e->options.values[from] == 0)
        return call_fail(call, ERROR_BAD_FIELD,
                         "from_logits: is false, but logits are given; probabilities are "
                         "predictions");
    return ERROR_OK;
}

static enum error_id check_arrays(struct api_call *call, const struct evaluation *e)
{
    const struct axon_loss *loss = e->loss;
    const bool takes[LOSS_FIELDS] = {[LOSS_WEIGHT] = loss->weight,
                                     [LOSS_POS_WEIGHT] = loss->pos_weight,
                                     [LOSS_VARIANCES] = loss->variances};

    for (size_t i = LOSS_WEIGHT; i < LOSS_FIELDS; i++)
        if (e->fields[i].present && !takes[i])
            return call_fail(call, ERROR_BAD_FIELD, "%s: %s takes none", e->fields[i].path,
                             loss->name);
    if (loss->variances && !e->fields[LOSS_VARIANCES].present)
        return call_fail(call, ERROR_BAD_FIELD,
                         "expected \"variances\": a number, one per row or one per output");
    return ERROR_OK;
}

static enum error_id pick_fields(struct api_call *call, struct evaluation *e)
{
    const struct axon_loss *loss = e->loss;

    if (pick(call, e, LOSS_LOGITS, &e->input) != ERROR_OK ||
        pick(call, e, LOSS_LABELS, &e->target) != ERROR_OK)
        return call->error.id;
    if (!e->input)
        return call_fail(call, ERROR_BAD_FIELD, "expected \"%s\": an array of rows of numbers",
                         loss->input);
    if (check_input(call, e) != ERROR_OK)
        return call->error.id;
    if (!e->target)
        return call_fail(call, ERROR_BAD_FIELD, "expected \"%s\": %s",
                         loss->labels ? "labels" : "targets", loss->targets);
    return check_arrays(call, e);
}

/* ---- shapes ---- */

/* Classes at dimension 1, as PyTorch has them; a single dimension is classes, or rows of one
 * output where there are none. */
static enum error_id read_input(struct api_call *call, struct evaluation *e)
{
    const struct tensor *x = &e->input->tensor;
    bool classes = e->loss->kind == AXON_LOSS_CLASSWISE;
    char shape[SHAPE_TEXT_MAX];

    if (x->count == 0)
        return call_fail(call, ERROR_SHAPE_MISMATCH,
                         "%s: shape %s holds no values, and a mean needs one", e->input->path,
                         shape_text(shape, x->rank, x->shape));
    if (x->rank == 0 && classes)
        return call_fail(call, ERROR_SHAPE_MISMATCH,
                         "%s: a single number, %s takes [classes], [rows, classes] or [rows, "
                         "classes, ...]",
                         e->input->path, e->loss->name);
    e->batch = (struct axon_loss_batch){.rows = 1, .outputs = 1, .inner = 1, .input = x->data};
    for (size_t d = 0; d < x->rank; d++)
        *(x->rank == 1 && classes ? &e->batch.outputs
          : d == 0                ? &e->batch.rows
          : d == 1                ? &e->batch.outputs
                                  : &e->batch.inner) *= x->shape[d];
    return ERROR_OK;
}

static bool same_shape(const struct tensor *t, size_t rank, const size_t *shape)
{
    return t->rank == rank && memcmp(t->shape, shape, rank * sizeof *shape) == 0;
}

size_t evaluation_places(const struct evaluation *e, size_t shape[TENSOR_RANK_MAX])
{
    const struct tensor *x = &e->input->tensor;
    size_t rank = 0;

    for (size_t d = 0; d < x->rank; d++)
        if (d != (x->rank == 1 ? 0 : 1))
            shape[rank++] = x->shape[d];
    return rank;
}

/* A class per place: [rows, ...] without the classes; of one row also a list of one. */
static bool is_labels(const struct evaluation *e)
{
    const struct tensor *x = &e->input->tensor, *t = &e->target->tensor;
    size_t places[TENSOR_RANK_MAX], rank = evaluation_places(e, places);

    if (!e->loss->labels)
        return false;
    return same_shape(t, rank, places) || (x->rank == 1 && t->rank == 1 && t->count == 1 &&
                                           (x->count > 1 || e->loss->labels_only));
}

/* As the input, or a column where the input is flat, and the other way round. */
static bool is_targets(const struct evaluation *e)
{
    const struct tensor *x = &e->input->tensor, *t = &e->target->tensor;
    bool column = e->batch.outputs == 1 && e->batch.inner == 1 && t->count == x->count &&
                  (t->rank == 1 || (t->rank == 2 && t->shape[1] == 1));

    return !e->loss->labels_only && (column || same_shape(t, x->rank, x->shape));
}

static enum error_id read_target(struct api_call *call, struct evaluation *e)
{
    const struct tensor *x = &e->input->tensor, *t = &e->target->tensor;
    char got[SHAPE_TEXT_MAX], have[SHAPE_TEXT_MAX], want[SHAPE_TEXT_MAX] = "";
    size_t places[TENSOR_RANK_MAX], rank = evaluation_places(e, places);

    e->labelled = is_labels(e);
    if (e->labelled)
        return ERROR_OK;
    if (is_targets(e)) {
        e->batch.targets = t->data;
        return ERROR_OK;
    }
    if (e->loss->labels)
        shape_text(want, rank, places);
    return call_fail(call, ERROR_SHAPE_MISMATCH, "%s: shape %s, %s have %s; expected %s%s%s%s",
                     e->target->path, shape_text(got, t->rank, t->shape), e->input->path,
                     shape_text(have, x->rank, x->shape), e->loss->targets,
                     e->loss->labels ? " (labels " : "", want, e->loss->labels ? ")" : "");
}

/* ---- what may stand for more values ---- */

/* Room for count floats, owned by e as that of the field. */
static float *make_room(struct api_call *call, struct evaluation *e, size_t field, size_t count)
{
    e->owned[field] = call_allocate(call, count, sizeof *e->owned[field]);
    if (!e->owned[field])
        call_no_memory(call);
    return e->owned[field];
}

/* A number per class, or one for all. */
static enum error_id read_per_class(struct api_call *call, struct evaluation *e, size_t field,
                                    const float **values)
{
    const struct tensor *t = &e->fields[field].tensor;
    size_t classes = e->batch.outputs;
    float *room;

    *values = t->data;
    if (!e->fields[field].present || (t->rank == 1 && t->count == classes))
        return ERROR_OK;
    if (t->count != 1)
        return call_fail(call, ERROR_SHAPE_MISMATCH, "%s: %zu values, %s have %zu classes",
                         e->fields[field].path, t->count, e->input->path, classes);
    room = make_room(call, e, field, classes);
    for (size_t i = 0; room && i < classes; i++)
        room[i] = t->data[0];
    *values = room;
    return room ? ERROR_OK : call->error.id;
}

/* One per value, one per row (all dimensions but the last), or one for all. */
static enum error_id read_variances(struct api_call *call, struct evaluation *e)
{
    const struct tensor *x = &e->input->tensor, *v = &e->fields[LOSS_VARIANCES].tensor;
    size_t last = x->rank ? x->shape[x->rank - 1] : 1, group;
    char got[SHAPE_TEXT_MAX], want[SHAPE_TEXT_MAX];
    bool per_row = x->rank > 1 && v->rank + 1 >= x->rank && v->rank <= x->rank &&
                   memcmp(v->shape, x->shape, (x->rank - 1) * sizeof *v->shape) == 0 &&
                   v->count == x->count / last;
    float *room;

    e->batch.variances = v->data;
    if (!e->loss->variances || same_shape(v, x->rank, x->shape))
        return ERROR_OK;
    if (!per_row && v->count != 1)
        return call_fail(call, ERROR_SHAPE_MISMATCH,
                         "variances: shape %s, %s have %s; expected that, one per row or a number",
                         shape_text(got, v->rank, v->shape), e->input->path,
                         shape_text(want, x->rank, x->shape));
    room = make_room(call, e, LOSS_VARIANCES, x->count);
    group = x->count / v->count;
    for (size_t i = 0; room && i < x->count; i++)
        room[i] = v->data[i / group];
    e->batch.variances = room;
    return room ? ERROR_OK : call->error.id;
}

/* ---- all of it ---- */

enum error_id evaluation_read(struct api_call *call, struct evaluation *e)
{
    static enum error_id (*const steps[])(struct api_call *, struct evaluation *) = {
        evaluation_read_body, pick_fields, read_input, read_target, read_variances};
    enum error_id id = ERROR_OK;

    e->fields = call->fields;
    e->npy = call_is_npy(call);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && id == ERROR_OK; i++)
        id = steps[i](call, e);
    if (id == ERROR_OK)
        id = read_per_class(call, e, LOSS_WEIGHT, &e->options.weight);
    if (id == ERROR_OK)
        id = read_per_class(call, e, LOSS_POS_WEIGHT, &e->options.pos_weight);
    return id;
}

void evaluation_fini(struct evaluation *e)
{
    for (size_t i = 0; i < LOSS_FIELDS; i++)
        free(e->owned[i]);
    free(e->labels);
    free(e->result.losses);
    free(e->result.per_row);
    free(e->result.gradient);
}
