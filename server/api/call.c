/* call.c - what the handlers share: the body, the query, keys and types in words, the time account.
 *
 * Knows no resource. Everything that it refuses names the key. */
#include "api/call.h"
#include <stdio.h>
#include <string.h>
#include "clock.h"

enum error_id call_non_finite(struct api_call *call, enum non_finite *policy)
{
    static const char *const names[] = {[NON_FINITE_STRICT] = "strict",
                                        [NON_FINITE_NULL] = "null",
                                        [NON_FINITE_STRING] = "string",
                                        [NON_FINITE_TOKEN] = "token"};
    const char *value = target_query(&call->target, "non_finite");

    *policy = NON_FINITE_STRICT;
    if (!value)
        return ERROR_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], value) == 0) {
            *policy = (enum non_finite)i;
            return ERROR_OK;
        }
    return call_fail(call, ERROR_BAD_PARAMETER,
                     "query: non_finite: expected strict, null, string or token, found '%.60s'",
                     value);
}

enum error_id call_envelope(struct api_call *call, struct envelope *e,
                            struct envelope_field *fields, size_t fields_count,
                            enum non_finite policy)
{
    const struct options *options = call->api->options;
    const struct envelope_limits limits = {
        .tensor = {.rank_max = options->rank_max, .elements_max = options->elements_max},
        .depth_max = options->json_depth_max,
        .tokens_max = options->json_tokens_max};

    return envelope_read(e, fields, fields_count, call->request->body, call->request->body_bytes,
                         &limits, policy, &call->error);
}

enum error_id call_check_keys(struct api_call *call, const json_t *object, const char *where,
                              const char *const *allowed)
{
    char known[160] = "";
    const char *key = json_unknown_key(object, allowed);

    if (!key)
        return ERROR_OK;
    for (size_t i = 0; allowed[i]; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
                 allowed[i]);
    return call_fail(call, ERROR_BAD_FIELD, "%sunknown key '%.60s'%s%s", where, key,
                     *known ? "; known here: " : "", known);
}

const char *json_type_text(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number",  [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null"};

    return value ? names[json_typeof(value)] : "nothing";
}

const char *shape_text(char out[static SHAPE_TEXT_MAX], size_t rank, const size_t *shape)
{
    size_t length = (size_t)snprintf(out, SHAPE_TEXT_MAX, "[");

    /* Eight dimensions of at most 20 digits fit. */
    for (size_t i = 0; i < rank && i < TENSOR_RANK_MAX; i++)
        length += (size_t)snprintf(out + length, SHAPE_TEXT_MAX - length, "%s%zu", i ? ", " : "",
                                   shape[i]);
    snprintf(out + length, SHAPE_TEXT_MAX - length, "]");
    return out;
}

double call_timing(struct api_call *call, const char *name, uint64_t *since_ns)
{
    char *text = call->reply->server_timing;
    size_t length = strlen(text);
    uint64_t now = clock_ns();
    double seconds = (double)(now - *since_ns) * 1e-9;

    snprintf(text + length, sizeof call->reply->server_timing - length, "%s%s;dur=%.3f",
             length ? ", " : "", name, seconds * 1e3);
    *since_ns = now;
    return seconds;
}
