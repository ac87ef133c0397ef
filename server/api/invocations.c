/* invocations.c - POST /invocations: one model by whatever dialect the body speaks, as SageMaker's,
 * Vertex AI's and MLflow's clients ask for it.
 *
 * A body tells its dialect itself: V2's "inputs" is a list of objects and is openinference.c's from
 * then on; MLflow's forms and Vertex AI's "instances" are answered here. */
#include "api/inference.h"
#include "api/lookup.h"

/* The tensors of a body. The first are those of models_infer, which may take over. */
enum { FIELD_V2, FIELD_INSTANCES, FIELD_INPUTS, FIELD_COUNT };

struct invocation {
    struct inference inference;
    bool scalars; /* rows and outputs are numbers, not arrays of one */
};
_Static_assert(sizeof(struct invocation) <= CALL_STATE_MAX, "a call's state");
_Static_assert((int)FIELD_COUNT <= (int)CALL_TENSORS_MAX, "a call's fields");

static struct invocation *invocation_of(const struct api_call *call)
{
    return (struct invocation *)inference_of(call);
}

/* V2's inputs are objects, whether their data are numbers or not; and a tensor alone is V2's. */
static bool is_v2(const struct api_call *call)
{
    const json_t *inputs = json_object_get(call->envelope.json, "inputs");

    return !call->envelope.json || json_is_object(json_array_get(inputs, 0));
}

/* The one form that the body has. */
static enum error_id pick_input(struct api_call *call, const struct envelope_field **picked)
{
    char found[OBJECT_FOUND_MAX];

    *picked = NULL;
    for (size_t i = FIELD_INSTANCES; i < FIELD_COUNT; i++) {
        const struct envelope_field *field = &call->fields[i];
        const json_t *value = json_member(call->envelope.json, field->path);

        if (!value)
            continue;
        if (*picked)
            return call_fail(call, ERROR_BAD_FIELD, "%s and %s exclude each other, send one form",
                             (*picked)->path, field->path);
        *picked = field;
        if (!field->present)
            return call_fail(call, ERROR_BAD_FIELD,
                             "%s: expected an array of rows of numbers, found %s", field->path,
                             object_found(value, found));
    }
    return *picked ? ERROR_OK
                   : call_fail(call, ERROR_BAD_FIELD,
                               "expected one of \"instances\" and \"inputs\", each an array of "
                               "rows");
}

static enum error_id read_invocation(struct api_call *call)
{
    struct invocation *i = invocation_of(call);
    const struct envelope_field *field;

    if (call_non_finite(call, &i->inference.policy) || call_envelope(call))
        return call->error.id;
    if (is_v2(call)) {
        call->post = models_infer;
        return call->post->phases[CALL_READ](call);
    }
    if (pick_input(call, &field) || inference_check_name(call, field) ||
        inference_ask(call, &field->tensor, field->path))
        return call->error.id;
    i->scalars = field->tensor.rank == 1 && i->inference.outputs == 1;
    return ERROR_OK;
}

static enum error_id write_reply(struct api_call *call)
{
    const struct invocation *i = invocation_of(call);
    const size_t shape[2] = {i->inference.rows, i->inference.outputs};
    enum error_id id = call_write_part(call, "{\"predictions\":", i->inference.y,
                                       i->scalars ? 1 : 2, shape, "predictions",
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

/* MLflow's clients read these. */
static void refuse(json_t *object, enum error_id id, const char *text)
{
    static const struct {
        unsigned status;
        const char *code;
    } codes[] = {{400, "BAD_REQUEST"},
                 {401, "UNAUTHENTICATED"},
                 {403, "PERMISSION_DENIED"},
                 {404, "NOT_FOUND"},
                 {413, "REQUEST_LIMIT_EXCEEDED"},
                 {429, "REQUEST_LIMIT_EXCEEDED"},
                 {500, "INTERNAL_ERROR"},
                 {501, "NOT_IMPLEMENTED"},
                 {503, "TEMPORARILY_UNAVAILABLE"},
                 {504, "DEADLINE_EXCEEDED"}};
    const char *code = "BAD_REQUEST";

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == error_http_status(id))
            code = codes[i].code;
    if (id == ERROR_BAD_PARAMETER)
        code = "INVALID_PARAMETER_VALUE";
    json_object_set_new(object, "error_code", json_string(code));
    json_object_set_new(object, "message", json_string(text));
}

static const char *const tensors[] = {[FIELD_V2] = "inputs[].data",
                                      [FIELD_INSTANCES] = "instances",
                                      [FIELD_INPUTS] = "inputs",
                                      [FIELD_COUNT] = NULL};
static const enum envelope_objects objects[] = {[FIELD_V2] = ENVELOPE_NO_OBJECTS,
                                                [FIELD_INSTANCES] = ENVELOPE_OBJECT_ROWS,
                                                [FIELD_INPUTS] = ENVELOPE_OBJECT_OR_LIST};

const struct call_post invocations[1] = {{.tensors = tensors,
                                          .objects = objects,
                                          .state_bytes = CALL_STATE_MAX, /* V2's may be larger */
                                          .admit = lookup_only_model,
                                          .phases = {[CALL_READ] = read_invocation,
                                                     [CALL_COMPUTE] = inference_compute,
                                                     [CALL_WRITE] = write_reply},
                                          .fini = inference_fini,
                                          .needs = needs,
                                          .refuse = refuse,
                                          .elements = inference_elements}};
