/* call.c - what the handlers share: the query, keys and types in words, the time account.
 *
 * Knows no resource. Everything that it refuses names the key. */
#include "api/call.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "clock.h"

void call_append(json_t **list, json_t *item)
{
    if (json_array_append_new(*list, item) == 0)
        return;
    json_decref(*list);
    *list = NULL;
}

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

/* "a, b" of a NULL-terminated list, cut where it no longer fits. */
static const char *join(char *out, size_t out_bytes, const char *const *list)
{
    size_t length = 0;

    out[0] = '\0';
    for (size_t i = 0; list[i] && length < out_bytes; i++)
        length += (size_t)snprintf(out + length, out_bytes - length, "%s%s", i ? ", " : "",
                                   list[i]);
    return out;
}

static bool contains(const char *const *list, const char *text)
{
    while (*list && strcmp(*list, text) != 0)
        list++;
    return *list != NULL;
}

enum error_id call_check_query(struct api_call *call, const char *const *allowed)
{
    char known[160];

    for (size_t i = 0; i < call->target.query_count; i++)
        if (!contains(allowed, call->target.query[i].key))
            return call_fail(call, ERROR_BAD_REQUEST, "query: unknown parameter '%.60s'%s%s",
                             call->target.query[i].key, allowed[0] ? "; known here: " : "",
                             join(known, sizeof known, allowed));
    return ERROR_OK;
}

enum error_id call_check_deadline(struct api_call *call)
{
    double limit_s = call->api->options->request_timeout;

    if (clock_coarse_ns() <= call->request->received_ns + (uint64_t)(limit_s * 1e9))
        return ERROR_OK;
    return call_fail_deadline(call);
}

enum error_id call_fail_deadline(struct api_call *call)
{
    return call_fail(call, ERROR_DEADLINE_EXCEEDED,
                     "the request's deadline of %g s has passed (request_timeout)",
                     call->api->options->request_timeout);
}

bool call_is_npy(const struct api_call *call)
{
    const char *type = call->request->content_type;

    return type && strcspn(type, "; \t") == strlen("application/x-npy") &&
           strncasecmp(type, "application/x-npy", strlen("application/x-npy")) == 0;
}

enum error_id call_pick(struct api_call *call, const json_t *object, const char *where,
                        const char *const *keys, const json_t **values)
{
    char known[160];
    const char *key = json_pick(object, keys, values);

    if (!key)
        return ERROR_OK;
    return call_fail(call, ERROR_BAD_FIELD, "%sunknown key '%.60s'%s%s", where, key,
                     keys[0] ? "; known here: " : "", join(known, sizeof known, keys));
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

/* "12.345", of 12,345 microseconds; printf's way through a double costs a tenth of a small predict.
 * Returns the end. */
static char *put_milliseconds(char *out, uint64_t us)
{
    char digits[20]; /* all that 64 bits need */
    size_t n = 0;

    do
        digits[n++] = (char)('0' + us % 10);
    while ((us /= 10) > 0 || n < 4);
    while (n > 3)
        *out++ = digits[--n];
    *out++ = '.';
    while (n > 0)
        *out++ = digits[--n];
    return out;
}

double call_timing(struct api_call *call, const char *name, uint64_t *since_ns)
{
    uint64_t now = clock_ns(), ns = now - *since_ns;

    call_timing_add(call, name, ns);
    *since_ns = now;
    return (double)ns * 1e-9;
}

void call_timing_add(struct api_call *call, const char *name, uint64_t ns)
{
    enum { NUMBER_MAX = 24 };
    static const char separator[] = ", ", key[] = ";dur=";
    char *text = call->reply->server_timing;
    size_t length = strlen(text), name_length = strlen(name);
    char *at = text + length;

    if (length + sizeof separator + name_length + sizeof key + NUMBER_MAX >
        sizeof call->reply->server_timing)
        return;
    if (length > 0)
        at = mempcpy(at, separator, sizeof separator - 1);
    at = mempcpy(at, name, name_length);
    at = mempcpy(at, key, sizeof key - 1);
    *put_milliseconds(at, (ns + 500) / 1000) = '\0';
}
