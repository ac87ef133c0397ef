/* examples.c - see examples.h. */
#include "api/examples.h"
#include "api/signature.h"
#include "body/records.h"

enum { FIELD_EXAMPLES, FIELD_CONTEXT, FIELD_COUNT };

const char *const examples_tensors[] = {
    [FIELD_EXAMPLES] = "examples", [FIELD_CONTEXT] = "context", [FIELD_COUNT] = NULL};
const enum envelope_objects examples_objects[] = {
    [FIELD_EXAMPLES] = ENVELOPE_EXAMPLES, [FIELD_CONTEXT] = ENVELOPE_RECORD};

struct values {
    const json_t *examples, *context, *signature_name;
};

/* Nobody reads "parameters". */
static const struct object_key keys[] = {
    KEY("examples", VALUE, struct values, examples), KEY("context", VALUE, struct values, context),
    KEY("signature_name", VALUE, struct values, signature_name), KEY_ANY("parameters"), KEY_END};

static enum error_id check_fields(struct api_call *call, const struct values *values)
{
    char found[OBJECT_FOUND_MAX];

    if (!values->examples)
        return call_fail(call, ERROR_BAD_FIELD,
                         "expected \"examples\": an array of objects, each with the features");
    if (!call->fields[FIELD_EXAMPLES].present)
        return call_fail(call, ERROR_BAD_FIELD, "examples: expected an array of objects, found %s",
                         object_found(values->examples, found));
    if (values->context && !call->fields[FIELD_CONTEXT].present)
        return call_fail(call, ERROR_BAD_FIELD, "context: expected an object of features, found %s",
                         object_found(values->context, found));
    return ERROR_OK;
}

enum error_id examples_read(struct api_call *call, const char *method)
{
    struct envelope_field *examples = &call->fields[FIELD_EXAMPLES];
    struct values values = {.examples = NULL};

    if (call_non_finite(call, &inference_of(call)->policy) || call_envelope(call) ||
        object_read(&CALL_PLACE(call, ""), call->envelope.json, keys, &values) ||
        check_fields(call, &values) || signature_check(call, values.signature_name, method))
        return call->error.id;
    if (records_complete(examples, &call->fields[FIELD_CONTEXT], &call->account, &call->error))
        return call->error.id == ERROR_OUT_OF_MEMORY ? call_no_memory(call) : call->error.id;
    return inference_ask(call, &examples->tensor, examples->path);
}

size_t examples_elements(const struct api_call *call)
{
    const struct envelope_field *examples = &call->fields[FIELD_EXAMPLES];

    if (call->phase == CALL_READ)
        return examples->gaps ? examples->tensor.shape[0] * examples->tensor.shape[1] : 0;
    return inference_elements(call);
}
