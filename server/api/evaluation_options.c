/* evaluation_options.c - the options of a loss: keys of a JSON body, or of the query beside .npy.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/evaluation.h"
#include "tensor/npy.h"

const char *const evaluation_tensors[LOSS_FIELDS + 1] = {
    [LOSS_LOGITS] = "logits",      [LOSS_PREDICTIONS] = "predictions",
    [LOSS_LABELS] = "labels",      [LOSS_TARGETS] = "targets",
    [LOSS_WEIGHT] = "weight",      [LOSS_POS_WEIGHT] = "pos_weight",
    [LOSS_VARIANCES] = "variances"};
_Static_assert((int)LOSS_FIELDS <= (int)CALL_TENSORS_MAX, "a call's fields");

/* ---- one option ---- */

static enum error_id read_reduction(struct api_call *call, struct evaluation *e,
                                    const json_t *value)
{
    enum { REDUCTIONS_MAX = 8 };
    const char *names[REDUCTIONS_MAX];
    size_t count = 0;
    unsigned chosen = e->options.reduction;

    while (count < REDUCTIONS_MAX && axon_reduction_name((enum axon_reduction)count)) {
        names[count] = axon_reduction_name((enum axon_reduction)count);
        count++;
    }
    if (object_choice(&CALL_PLACE(call, ""), "reduction", value,
                      (struct object_choices){names, count, sizeof *names}, &chosen))
        return call->error.id;
    e->options.reduction = (enum axon_reduction)chosen;
    return ERROR_OK;
}

/* A value of the parameter's kind; its domain is looked at by the caller. */
static bool take_value(const struct axon_loss_parameter *p, const json_t *value, double *out)
{
    int64_t whole = 0;

    if (p->kind == AXON_LOSS_BOOLEAN) {
        *out = json_is_true(value);
        return json_is_boolean(value);
    }
    *out = json_number_value(value);
    if (p->kind == AXON_LOSS_NUMBER || !json_is_number(value))
        return json_is_number(value);
    if (!json_whole(value, &whole))
        return false;
    *out = (double)whole;
    return true;
}

static enum error_id read_parameter(struct api_call *call, struct evaluation *e, unsigned i,
                                    const json_t *value)
{
    static const char *const kinds[] = {[AXON_LOSS_NUMBER] = "a number",
                                        [AXON_LOSS_INTEGER] = "a whole number",
                                        [AXON_LOSS_BOOLEAN] = "true or false"};
    const struct axon_loss_parameter *p = &e->loss->parameters[i];
    char found[OBJECT_FOUND_MAX];
    double number;

    if (!take_value(p, value, &number))
        return call_fail(call, ERROR_BAD_FIELD, "%s: expected %s, found %s", p->name,
                         kinds[p->kind], object_found(value, found));
    if (!(number >= p->minimum && number <= p->maximum))
        return call_fail(call, ERROR_BAD_PARAMETER, "%s: %.9g is not within %.10g .. %.10g",
                         p->name, number, p->minimum, p->maximum);
    e->options.values[i] = number;
    return ERROR_OK;
}

/* ---- the keys ---- */

/* The refusal tells all that a body for the loss may hold. */
static enum error_id unknown_key(struct api_call *call, const struct evaluation *e, const char *key)
{
    const struct axon_loss *loss = e->loss;
    const bool takes[LOSS_FIELDS] = {[LOSS_LOGITS] = axon_loss_parameter_find(loss, "from_logits") <
                                                     loss->parameters_count,
                                     [LOSS_PREDICTIONS] = true,
                                     [LOSS_LABELS] = loss->labels,
                                     [LOSS_TARGETS] = !loss->labels,
                                     [LOSS_WEIGHT] = loss->weight,
                                     [LOSS_POS_WEIGHT] = loss->pos_weight,
                                     [LOSS_VARIANCES] = loss->variances};
    const char *names[LOSS_FIELDS + 1 + AXON_LOSS_PARAMETERS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < LOSS_FIELDS; i++)
        if (takes[i])
            names[count++] = evaluation_tensors[i];
    names[count++] = "reduction";
    for (unsigned i = 0; i < loss->parameters_count; i++)
        names[count++] = loss->parameters[i].name;
    return object_unknown(&CALL_PLACE(call, ""), key, names, count);
}

static bool is_tensor(const char *key, size_t *field)
{
    for (*field = 0; *field < LOSS_FIELDS; ++*field)
        if (strcmp(evaluation_tensors[*field], key) == 0)
            return true;
    return false;
}

/* null is absent. Keys that have become fields are not looked at here. */
static enum error_id read_key(struct api_call *call, struct evaluation *e, const char *key,
                              const json_t *value)
{
    unsigned i = axon_loss_parameter_find(e->loss, key);
    char found[OBJECT_FOUND_MAX];
    size_t field;

    if (is_tensor(key, &field))
        return json_is_null(value) || call->fields[field].present
                   ? ERROR_OK
                   : call_fail(call, ERROR_BAD_FIELD, "%s: expected arrays of numbers, found %s",
                               key, object_found(value, found));
    if (i == e->loss->parameters_count && strcmp(key, "reduction") != 0)
        return unknown_key(call, e, key);
    if (json_is_null(value))
        return ERROR_OK;
    return i < e->loss->parameters_count ? read_parameter(call, e, i, value)
                                         : read_reduction(call, e, value);
}

/* ---- the query, which may hold options in place of the body ---- */

/* "0.5,1,2", read as JSON reads it. */
static enum error_id read_list(struct api_call *call, struct envelope_field *f, const char *text)
{
    const struct tensor_limits limits = {.rank_max = 1,
                                         .elements_max = call->api->options->elements_max};
    struct buf list;
    size_t at = 0;
    enum error_id id;

    buf_init(&list, 0);
    buf_printf(&list, "[%s]", text);
    buf_append(&list, "", 1);
    if (list.failed)
        id = call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    else
        id = tensor_read(&f->tensor, list.data, list.len - 1, &at, f->path, &limits,
                         NON_FINITE_STRICT, &call->error);
    if (id == ERROR_BAD_JSON || (id == ERROR_OK && at != list.len - 1))
        id = call_fail(call, ERROR_BAD_PARAMETER,
                       "query: %s: expected numbers with commas between them, found '%.40s'",
                       f->path, text);
    f->present = true;
    buf_fini(&list);
    return id;
}

/* A word or a number of the query as the JSON value that a body would hold; NULL: no memory. */
static json_t *query_value(const char *text)
{
    size_t length = strlen(text);
    float nearest;

    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(text[0] == 't');
    if (length > 0 && float_read(text, length, &nearest) == length)
        return json_number(text, length, nearest);
    return json_string_nocheck(text);
}

static enum error_id read_query_key(struct api_call *call, struct evaluation *e, const char *key,
                                    const char *text)
{
    json_t *value;
    size_t field;
    enum error_id id;

    if (json_member(call->envelope.json, key))
        return call_fail(call, ERROR_BAD_FIELD, "query: %s: stands in the body, too", key);
    if (is_tensor(key, &field))
        return read_list(call, &call->fields[field], text);
    value = query_value(text);
    id = value ? read_key(call, e, key, value)
               : call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    json_decref(value);
    return id;
}

static enum error_id read_query(struct api_call *call, struct evaluation *e)
{
    const struct axon_loss *loss = e->loss;
    const char *allowed[AXON_LOSS_PARAMETERS_MAX + 5] = {"non_finite", "reduction"};
    size_t used = 2;

    for (unsigned i = 0; i < loss->parameters_count; i++)
        allowed[used++] = loss->parameters[i].name;
    if (loss->weight)
        allowed[used++] = "weight";
    if (loss->pos_weight)
        allowed[used++] = "pos_weight";
    if (call_check_query(call, allowed) != ERROR_OK)
        return call->error.id;
    for (size_t i = 0; i < call->target.query_count; i++) {
        const char *key = call->target.query[i].key;

        if (strcmp(key, "non_finite") != 0 &&
            read_query_key(call, e, key, call->target.query[i].value) != ERROR_OK)
            return call->error.id;
    }
    return ERROR_OK;
}

/* ---- the body ---- */

static enum error_id read_json(struct api_call *call, struct evaluation *e)
{
    unsigned from = axon_loss_parameter_find(e->loss, "from_logits");

    if (call_envelope(call) != ERROR_OK)
        return call->error.id;
    if (from < e->loss->parameters_count && call->fields[LOSS_PREDICTIONS].present)
        e->options.values[from] = 0;
    for (void *i = json_object_iter(call->envelope.json); i;
         i = json_object_iter_next(call->envelope.json, i))
        if (read_key(call, e, json_object_iter_key(i), json_object_iter_value(i)) != ERROR_OK)
            return call->error.id;
    return ERROR_OK;
}

/* One array after another, as numpy.save() writes them to one file. */
static enum error_id read_arrays(struct api_call *call, struct evaluation *e,
                                 const struct tensor_limits *limits)
{
    const size_t order[] = {strcmp(e->loss->input, "logits") == 0 ? LOSS_LOGITS : LOSS_PREDICTIONS,
                            e->loss->labels ? LOSS_LABELS : LOSS_TARGETS, LOSS_VARIANCES};
    size_t wanted = e->loss->variances ? 3 : 2, size;
    const char *bytes;

    if (call_binary(call, &bytes, &size) != ERROR_OK)
        return call->error.id;
    for (size_t i = 0; i < wanted; i++) {
        struct envelope_field *f = &call->fields[order[i]];

        if (size == 0)
            return call_fail(call, ERROR_BAD_TENSOR,
                             "body: %zu arrays, %s takes %zu one after another: %s, %s%s", i,
                             e->loss->name, wanted, evaluation_tensors[order[0]],
                             evaluation_tensors[order[1]], wanted == 3 ? ", variances" : "");
        if (npy_read_next(&f->tensor, "body", &bytes, &size, limits, &call->error) != ERROR_OK)
            return call->error.id;
        f->present = true;
    }
    if (size > 0)
        return call_fail(call, ERROR_BAD_TENSOR, "body: %zu bytes after the last of %zu arrays",
                         size, wanted);
    return ERROR_OK;
}

/* from_logits=false makes predictions of the first array, whose key is in no body here. */
static void call_it_predictions(struct api_call *call, const struct evaluation *e)
{
    struct envelope_field *logits = &call->fields[LOSS_LOGITS];
    struct envelope_field *predictions = &call->fields[LOSS_PREDICTIONS];
    unsigned from = axon_loss_parameter_find(e->loss, "from_logits");

    if (from == e->loss->parameters_count || e->options.values[from] != 0)
        return;
    predictions->tensor = logits->tensor;
    predictions->present = true;
    memset(&logits->tensor, 0, sizeof logits->tensor);
    logits->present = false;
}

static enum error_id read_npy(struct api_call *call, struct evaluation *e)
{
    const struct tensor_limits limits = {.rank_max = call->api->options->rank_max,
                                         .elements_max = call->api->options->elements_max,
                                         .account = &call->account};

    call->envelope = (struct envelope){.fields = call->fields, .fields_count = LOSS_FIELDS};
    return read_arrays(call, e, &limits);
}

enum error_id evaluation_read_body(struct api_call *call, struct evaluation *e)
{
    if (call_non_finite(call, &e->policy) != ERROR_OK ||
        (e->npy ? read_npy(call, e) : read_json(call, e)) != ERROR_OK ||
        read_query(call, e) != ERROR_OK)
        return call->error.id;
    if (e->npy)
        call_it_predictions(call, e);
    return ERROR_OK;
}
