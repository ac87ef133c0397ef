/* evaluation_values.c - the values of a loss's tensors: class indexes, and what is refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "api/evaluation.h"

enum { PLACE_MAX = TENSOR_RANK_MAX * 23, LABEL_MAX = 1 << 24 };

/* "[1][0]" of element `index`; the dimension `all` (TENSOR_RANK_MAX: none) is left open. */
static const char *place_text(char out[static PLACE_MAX], const struct tensor *t, size_t index,
                              size_t all)
{
    size_t at[TENSOR_RANK_MAX] = {0}, used = 0;

    out[0] = '\0';
    for (size_t d = t->rank; d-- > 0; index /= t->shape[d])
        at[d] = index % t->shape[d];
    for (size_t d = 0; d < t->rank; d++) {
        if (d == all && t->rank > 2)
            used += (size_t)snprintf(out + used, PLACE_MAX - used, "[:]");
        else if (d != all)
            used += (size_t)snprintf(out + used, PLACE_MAX - used, "[%zu]", at[d]);
    }
    return out;
}

/* ---- labels ---- */

static bool is_ignored(const struct evaluation *e, float label)
{
    unsigned i = axon_loss_parameter_find(e->loss, "ignore_index");

    return i < e->loss->parameters_count && (double)label == e->options.values[i];
}

static enum error_id bad_label(struct api_call *call, const struct evaluation *e, size_t index)
{
    const struct tensor *t = &e->target->tensor;
    size_t classes = e->batch.outputs;
    double label = (double)t->data[index];
    char place[PLACE_MAX];

    place_text(place, t, index, TENSOR_RANK_MAX);
    if (label >= 0 && label < (double)classes)
        return call_fail(call, ERROR_BAD_TARGET, "%s%s: %.9g is not a whole number",
                         e->target->path, place, label);
    return call_fail(call, ERROR_BAD_TARGET,
                     "%s%s: %.9g is not a class, the %s have %zu (0 .. %zu)", e->target->path,
                     place, label, e->input->path, classes, classes - 1);
}

/* Class indexes came as float32, which holds every whole number up to 2^24. */
enum error_id evaluation_read_labels(struct api_call *call, struct evaluation *e)
{
    const struct tensor *t = &e->target->tensor;
    size_t classes = e->batch.outputs, counted = 0;

    if (classes > (size_t)LABEL_MAX)
        return call_fail(call, ERROR_LIMIT_EXCEEDED, "%s: %zu classes, at most %d", e->input->path,
                         classes, LABEL_MAX);
    e->labels = call_allocate(call, t->count, sizeof *e->labels);
    if (!e->labels)
        return call_no_memory(call);
    for (size_t i = 0; i < t->count; i++) {
        float label = t->data[i];
        bool ignored = is_ignored(e, label);

        if (!ignored && !(label >= 0 && label < (float)classes && label == floorf(label)))
            return bad_label(call, e, i);
        e->labels[i] = (int32_t)label;
        counted += !ignored;
    }
    e->batch.labels = e->labels;
    if (counted == 0 && e->options.reduction == AXON_REDUCTION_MEAN &&
        e->policy == NON_FINITE_STRICT && !e->npy)
        return call_fail(call, ERROR_NON_FINITE,
                         "%s: all of them are ignore_index, and the mean of nothing is NaN; "
                         "reduction sum is 0",
                         e->target->path);
    return ERROR_OK;
}

/* ---- other values ---- */

static enum error_id bad_sum(struct api_call *call, const struct evaluation *e,
                             const struct envelope_field *field, size_t first)
{
    const struct tensor *t = &field->tensor;
    char place[PLACE_MAX];
    double sum = 0;

    for (size_t j = 0; j < e->batch.outputs; j++)
        sum += (double)t->data[first + j * e->batch.inner];
    return call_fail(call, ERROR_BAD_TARGET, "%s%s: sums to %.9g, a distribution to 1", field->path,
                     place_text(place, t, first, t->rank == 1 ? 0 : 1), sum);
}

/* The reason why a value is refused, after "is ". */
static const char *const asked[AXON_TARGET_COUNT] = {
    [AXON_TARGET_FINITE] = "not finite",
    [AXON_TARGET_NONNEGATIVE] = "below 0",
    [AXON_TARGET_SIGN] = "none of 1, -1 and 0",
    [AXON_TARGET_PROBABILITY] = "not within 0 .. 1",
    [AXON_TARGET_DISTRIBUTION] = "not within 0 .. 1"};

enum error_id evaluation_bad_value(struct api_call *call, const struct evaluation *e,
                                   const struct axon_loss_place *place)
{
    const struct envelope_field *const fields[AXON_LOSS_ARRAYS_COUNT] = {
        [AXON_LOSS_INPUT] = e->input,
        [AXON_LOSS_TARGETS] = e->target,
        [AXON_LOSS_VARIANCES] = &e->fields[LOSS_VARIANCES],
        [AXON_LOSS_WEIGHT] = &e->fields[LOSS_WEIGHT],
        [AXON_LOSS_POS_WEIGHT] = &e->fields[LOSS_POS_WEIGHT]};
    const struct envelope_field *field = fields[place->array];
    enum axon_target domain = AXON_TARGET_NONNEGATIVE;
    bool of_class = place->array == AXON_LOSS_WEIGHT || place->array == AXON_LOSS_POS_WEIGHT;
    char text[PLACE_MAX];
    size_t index;
    double value;

    if (!field) /* labels and parameters were looked at before */
        return call_fail(call, ERROR_INTERNAL, "array %d", (int)place->array);
    if (place->array == AXON_LOSS_INPUT)
        domain = e->loss->target;
    if (place->array == AXON_LOSS_TARGETS)
        domain = axon_loss_domain(e->loss, &e->options);
    index = place->array == AXON_LOSS_VARIANCES
                ? place->index / (e->input->tensor.count / field->tensor.count)
                : place->index;
    index = index < field->tensor.count ? index : 0; /* one for all */
    value = (double)field->tensor.data[index];
    if (domain == AXON_TARGET_DISTRIBUTION && value >= 0 && value <= 1)
        return bad_sum(call, e, field, index);
    return call_fail(call, of_class ? ERROR_BAD_PARAMETER : ERROR_BAD_TARGET, "%s%s: %.9g is %s",
                     field->path, place_text(text, &field->tensor, index, TENSOR_RANK_MAX), value,
                     isfinite(value) ? asked[domain] : asked[AXON_TARGET_FINITE]);
}
