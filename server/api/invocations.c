/* invocations.c - POST /invocations: one model by whatever dialect the body speaks, as SageMaker's,
 * Vertex AI's and MLflow's clients ask for it.
 *
 * A body tells its dialect itself: V2's "inputs" is a list of objects and is openinference.c's from
 * then on; MLflow's forms, CSV, .npy and Vertex AI's "instances" are answered here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "api/arrays.h"
#include "api/inference.h"
#include "api/lookup.h"
#include "body/columns.h"
#include "body/series.h"

/* The tensors of a body. The first are those of models_infer, which may take over; it is also that
 * of a CSV. Forms are between the two marks. */
enum {
    FIELD_V2,
    FIELD_CSV = FIELD_V2,
    FIELD_INSTANCES,
    FIELD_INPUTS,
    FIELD_SPLIT,
    FIELD_RECORDS,
    FIELD_INDEX,
    FIELD_COUNT,
    FORMS_BEGIN = FIELD_INSTANCES,
    FORMS_END = FIELD_INDEX
};

struct invocation {
    struct inference inference;
    bool scalars; /* rows and outputs are numbers, not arrays of one */
    bool npy;     /* the reply is an array */
};
_Static_assert(sizeof(struct invocation) <= CALL_STATE_MAX, "a call's state");
_Static_assert((int)FIELD_COUNT <= (int)CALL_TENSORS_MAX, "a call's fields");

static struct invocation *invocation_of(const struct api_call *call)
{
    return (struct invocation *)inference_of(call);
}

/* ---- a form ---- */

/* V2's inputs are objects, whether their data are numbers or not; and a tensor alone is V2's. */
static bool is_v2(const struct api_call *call)
{
    const json_t *inputs = json_object_get(call->envelope.json, "inputs");

    return !call->envelope.json || json_is_object(json_array_get(inputs, 0));
}

static const struct {
    const char *key, *expected;
} forms[FORMS_END] = {
    [FIELD_INSTANCES] = {"instances", "an array of rows of numbers"},
    [FIELD_INPUTS] = {"inputs", "an array of rows of numbers"},
    [FIELD_SPLIT] = {"dataframe_split",
                     "an object with \"columns\" and \"data\", an array of rows"},
    [FIELD_RECORDS] = {"dataframe_records", "an array of objects"},
};

/* The one form that the body has. */
static enum error_id pick_form(struct api_call *call, size_t *picked)
{
    char found[OBJECT_FOUND_MAX];
    const json_t *value;

    *picked = 0;
    for (size_t i = FORMS_BEGIN; i < FORMS_END; i++) {
        value = json_member(call->envelope.json, forms[i].key);
        if (value && *picked)
            return call_fail(call, ERROR_BAD_FIELD, "%s and %s exclude each other, send one form",
                             forms[*picked].key, forms[i].key);
        if (value)
            *picked = i;
    }
    if (!*picked)
        return call_fail(call, ERROR_BAD_FIELD,
                         "expected one of \"dataframe_split\", \"dataframe_records\", "
                         "\"instances\" and \"inputs\"");
    value = json_member(call->envelope.json, forms[*picked].key);
    if (call->fields[*picked].present && (*picked != FIELD_SPLIT || json_is_object(value)))
        return ERROR_OK;
    return call_fail(call, ERROR_BAD_FIELD, "%s: expected %s, found %s", forms[*picked].key,
                     forms[*picked].expected, object_found(value, found));
}

/* ---- tables ---- */

/* The names of a DataFrame's columns, some of which are numbers. */
struct column_names {
    const char **of;
    char (*numbers)[24];
    size_t count;
};

static void names_fini(struct column_names *names)
{
    free(names->of);
    free(names->numbers);
}

static enum error_id read_names(struct api_call *call, const json_t *list,
                                struct column_names *names)
{
    char found[OBJECT_FOUND_MAX];

    names->count = json_array_size(list);
    names->of = calloc(names->count + 1, sizeof *names->of);
    names->numbers = calloc(names->count + 1, sizeof *names->numbers);
    if (!names->of || !names->numbers)
        return call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    for (size_t i = 0; i < names->count; i++) {
        const json_t *name = json_array_get(list, i);
        int64_t number;

        names->of[i] = json_string_value(name);
        if (names->of[i])
            continue;
        if (!json_whole(name, &number))
            return call_fail(call, ERROR_BAD_FIELD,
                             "dataframe_split.columns[%zu]: expected a name, found %s", i,
                             object_found(name, found));
        snprintf(names->numbers[i], sizeof names->numbers[i], "%lld", (long long)number);
        names->of[i] = names->numbers[i];
    }
    return ERROR_OK;
}

/* Every row has as many values as there are names. */
static enum error_id check_width(struct api_call *call, const struct tensor *t, size_t names)
{
    char shape[SHAPE_TEXT_MAX];

    if (t->count == 0 || (t->rank == 2 && t->shape[1] == names))
        return ERROR_OK;
    return call_fail(call, ERROR_SHAPE_MISMATCH,
                     "dataframe_split.data: shape %s, dataframe_split.columns has %zu names",
                     shape_text(shape, t->rank, t->shape), names);
}

static enum error_id select_named(struct api_call *call, struct envelope_field *field,
                                  const json_t *list)
{
    struct column_names names = {.of = NULL};
    uint32_t *feature_of = NULL;
    enum error_id id = read_names(call, list, &names);

    if (id == ERROR_OK && (id = check_width(call, &field->tensor, names.count)) == ERROR_OK) {
        feature_of = calloc(names.count + 1, sizeof *feature_of);
        id = feature_of ? columns_match(&call->features, names.of, names.count,
                                        "dataframe_split.columns", feature_of, &call->error)
                        : call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    }
    if (id == ERROR_OK)
        id = columns_select(field, &(struct columns){call->features.count, feature_of, names.of},
                            inference_of(call)->policy, &call->error);
    free(feature_of);
    names_fini(&names);
    return id;
}

/* Rows whose values have no names stand in the order of the features. */
static enum error_id select_unnamed(struct api_call *call, struct envelope_field *field)
{
    size_t width = field->tensor.rank == 2 ? field->tensor.shape[1] : 0;
    struct columns columns = {width, NULL, NULL};

    if (width == call->features.count && call->features.names)
        columns.names = call->features.names->of;
    return columns_select(field, &columns, inference_of(call)->policy, &call->error);
}

static enum error_id read_split(struct api_call *call, struct envelope_field *field)
{
    const json_t *split = json_object_get(call->envelope.json, "dataframe_split");
    const json_t *columns = json_member(split, "columns");
    char found[OBJECT_FOUND_MAX];

    if (columns && !json_is_array(columns))
        return call_fail(call, ERROR_BAD_FIELD,
                         "dataframe_split.columns: expected an array of names, found %s",
                         object_found(columns, found));
    return columns ? select_named(call, field, columns) : select_unnamed(call, field);
}

/* ---- reading ---- */

/* MLflow's server reads no other. */
static enum error_id check_charset(struct api_call *call)
{
    const char *type = call->headers[REQUEST_CONTENT_TYPE];
    size_t bytes = 0;
    const char *charset = type ? body_parameter(type, "charset", &bytes) : NULL;

    if (charset && bytes >= 2 && charset[0] == '"' && charset[bytes - 1] == '"')
        charset++, bytes -= 2;
    if (!charset || (bytes == 5 && strncasecmp(charset, "utf-8", bytes) == 0) ||
        (bytes == 4 && strncasecmp(charset, "utf8", bytes) == 0))
        return ERROR_OK;
    return call_fail(call, ERROR_UNSUPPORTED_MEDIA_TYPE, "charset '%.*s': send UTF-8",
                     bytes < 40 ? (int)bytes : 40, charset);
}

/* The path of one of many models (hosting.c) names it. */
static enum error_id admit(struct api_call *call)
{
    if (check_charset(call) != ERROR_OK)
        return call->error.id;
    return *call->args[ARG_OPAQUE] ? lookup_model(call) : lookup_only_model(call);
}

static enum error_id read_table(struct api_call *call, size_t form)
{
    if (form == FIELD_SPLIT)
        return read_split(call, &call->fields[form]);
    if (form == FIELD_RECORDS)
        return select_unnamed(call, &call->fields[form]);
    if (call->fields[form].series)
        return series_complete(&call->fields[form], &call->account, &call->error);
    return inference_check_name(call, &call->fields[form]);
}

static enum error_id read_invocation(struct api_call *call)
{
    struct invocation *i = invocation_of(call);
    size_t form = FIELD_CSV;
    const struct envelope_field *field;

    i->npy = arrays_wanted(call);
    if (call_non_finite(call, &i->inference.policy) || arrays_or_json(call, FIELD_INSTANCES))
        return call->error.id;
    if (call->body.format->kind != BODY_TABLE && is_v2(call)) {
        call->post = models_infer;
        return call->post->phases[CALL_READ](call);
    }
    if (call->body.format->kind != BODY_TABLE && (pick_form(call, &form) || read_table(call, form)))
        return call->error.id;
    field = &call->fields[form];
    i->scalars = field->tensor.rank == 1 && axon_mlp_outputs(call->model->mlp) == 1;
    return inference_ask(call, &field->tensor,
                         form == FIELD_CSV ? "text/csv" : envelope_field_place(field));
}

/* ---- the reply ---- */

static enum error_id write_reply(struct api_call *call)
{
    const struct invocation *i = invocation_of(call);
    const size_t shape[2] = {i->inference.rows, i->inference.outputs}, rank = i->scalars ? 1 : 2;
    enum error_id id;

    if (i->npy)
        return arrays_write(call, i->inference.y, rank, shape);
    id = call_write_part(call, "{\"predictions\":", i->inference.y, rank, shape, "predictions",
                         i->inference.policy);
    if (id == ERROR_OK && !call->again)
        buf_puts(&call->reply->body, "}");
    return id;
}

static struct call_needs needs(const struct api_call *call)
{
    const struct inference *i = inference_of(call);
    const size_t shape[2] = {i->rows, i->outputs};

    return inference_needs(call, 2, shape);
}

/* Values of tables are looked at once more. */
static size_t elements(const struct api_call *call)
{
    return call->phase == CALL_READ
               ? (call->fields[FIELD_INPUTS].series ? call->fields[FIELD_INPUTS].tensor.count : 0) +
                     call->fields[FIELD_SPLIT].tensor.count +
                     call->fields[FIELD_RECORDS].tensor.count + arrays_elements(call)
               : inference_elements(call);
}

/* MLflow's clients read these. */
static bool refuse(json_t *object, enum error_id id, const char *text)
{
    static const struct {
        unsigned status;
        const char *code;
    } codes[] = {{401, "UNAUTHENTICATED"},
                 {403, "PERMISSION_DENIED"},
                 {404, "NOT_FOUND"},
                 {413, "REQUEST_LIMIT_EXCEEDED"},
                 {429, "REQUEST_LIMIT_EXCEEDED"},
                 {500, "INTERNAL_ERROR"},
                 {501, "NOT_IMPLEMENTED"},
                 {503, "TEMPORARILY_UNAVAILABLE"},
                 {504, "DEADLINE_EXCEEDED"}};
    const char *code = id == ERROR_BAD_PARAMETER ? "INVALID_PARAMETER_VALUE" : "BAD_REQUEST";

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == error_http_status(id))
            code = codes[i].code;
    return json_object_set_new(object, "error_code", json_string(code)) == 0 &&
           json_object_set_new(object, "message", json_string(text)) == 0;
}

static const char *const tensors[] = {[FIELD_V2] = "inputs[].data",
                                      [FIELD_INSTANCES] = "instances",
                                      [FIELD_INPUTS] = "inputs",
                                      [FIELD_SPLIT] = "dataframe_split.data",
                                      [FIELD_RECORDS] = "dataframe_records",
                                      [FIELD_INDEX] = "dataframe_split.index",
                                      [FIELD_COUNT] = NULL};
static const enum envelope_objects objects[] = {
    [FIELD_V2] = ENVELOPE_NO_OBJECTS,         [FIELD_INSTANCES] = ENVELOPE_OBJECT_ROWS,
    [FIELD_INPUTS] = ENVELOPE_OBJECT_OR_LIST, [FIELD_SPLIT] = ENVELOPE_CELLS,
    [FIELD_RECORDS] = ENVELOPE_RECORDS,       [FIELD_INDEX] = ENVELOPE_SKIPPED};

const struct call_post invocations[1] = {{.tensors = tensors,
                                          .objects = objects,
                                          .state_bytes = CALL_STATE_MAX, /* V2's may be larger */
                                          .admit = admit,
                                          .phases = {[CALL_READ] = read_invocation,
                                                     [CALL_COMPUTE] = inference_compute,
                                                     [CALL_WRITE] = write_reply},
                                          .fini = inference_fini,
                                          .needs = needs,
                                          .refuse = refuse,
                                          .elements = elements}};
