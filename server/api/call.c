/* call.c - what the handlers share: the query, keys and types in words, the time account.
 *
 * Knows no resource. Everything that it refuses names the key. */
#include "api/call.h"
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "api/route.h"
#include "base/clock.h"

/* A client that was told 429 or 503 may come back after this long. */
static const char retry_after_s[] = "1";

int call_append_json(const char *bytes, size_t size, void *out)
{
    buf_append(out, bytes, size);
    return 0;
}

/* The length of a string that is its own JSON text, as most labels are; SIZE_MAX: it is none. */
static size_t plain_length(const char *string)
{
    size_t n = 0;

    while (string[n] >= ' ' && string[n] <= '~' && string[n] != '"' && string[n] != '\\')
        n++;
    return string[n] ? SIZE_MAX : n;
}

void call_write_string(struct buf *out, const char *string)
{
    size_t plain = plain_length(string);
    json_t *text;

    if (plain != SIZE_MAX) {
        buf_append(out, "\"", 1);
        buf_append(out, string, plain);
        buf_append(out, "\"", 1);
        return;
    }
    text = json_string(string);
    if (!text || json_dump_callback(text, call_append_json, out, JSON_ENCODE_ANY) != 0)
        out->failed = true;
    json_decref(text);
}

enum error_id call_read_object(struct api_call *call, const struct object_key *keys, void *into)
{
    const struct place at = CALL_PLACE(call, "");

    if (call->post->body_optional && call_body_none(call))
        return ERROR_OK;
    if (call_envelope(call) != ERROR_OK)
        return call->error.id;
    if (!call->envelope.json)
        return call_fail(call, ERROR_BAD_JSON, "expected a JSON object, found bytes");
    return object_read(&at, call->envelope.json, keys, into);
}

/* The reply when not even the error text can be built. */
static void refuse_out_of_memory(struct api_reply *reply)
{
    static const char text[] = "{\"error\": \"out of memory\", \"code\": \"out_of_memory\"}";

    buf_fini(&reply->body);
    buf_init(&reply->body, 0);
    buf_append(&reply->body, text, sizeof text - 1);
    reply->error = ERROR_OUT_OF_MEMORY;
}

void api_refuse(struct api_reply *reply, enum error_id id, const char *detail)
{
    const char *text = *detail ? detail : error_text(id);
    json_t *body = json_pack("{s:s, s:s}", "error", text, "code", error_code(id));
    const struct call_post *post = route_post(reply->route);

    if (body && post && post->refuse && !post->refuse(body, id, text)) {
        json_decref(body);
        body = NULL;
    }
    buf_fini(&reply->body);
    buf_init(&reply->body, 0);
    reply->error = id;
    if (!body || json_dump_callback(body, call_append_json, &reply->body, JSON_COMPACT) != 0 ||
        reply->body.failed)
        refuse_out_of_memory(reply);
    json_decref(body);
    reply->headers[REPLY_SERVER_TIMING] = reply->headers[REPLY_CONTENT_ENCODING] = NULL;
    reply->headers[REPLY_CONTENT_TYPE] = "application/json";
    reply->headers[REPLY_INFERENCE_LENGTH] = NULL;
    reply->http_status = error_http_status(reply->error);
    reply->headers[REPLY_RETRY_AFTER] = reply->http_status == 503 || reply->http_status == 429
                                            ? retry_after_s
                                            : NULL;
}

void api_vary(struct api_reply *reply, unsigned header)
{
    static const char *const texts[] = {
        [VARY_ACCEPT] = "Accept",
        [VARY_ACCEPT_ENCODING] = "Accept-Encoding",
        [VARY_ACCEPT | VARY_ACCEPT_ENCODING] = "Accept, Accept-Encoding",
        [VARY_ORIGIN] = "Origin",
        [VARY_ORIGIN | VARY_ACCEPT] = "Accept, Origin",
        [VARY_ORIGIN | VARY_ACCEPT_ENCODING] = "Accept-Encoding, Origin",
        [VARY_ORIGIN | VARY_ACCEPT | VARY_ACCEPT_ENCODING] = "Accept, Accept-Encoding, Origin"};

    reply->vary |= header;
    reply->headers[REPLY_VARY] = texts[reply->vary];
}

void api_reply_fini(struct api_reply *reply)
{
    buf_fini(&reply->body);
}

enum error_id call_reply_json(struct api_call *call, json_t *json)
{
    int failed = !json || json_dump_callback(json, call_append_json, &call->reply->body,
                                             JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0;

    json_decref(json);
    return failed || call->reply->body.failed
               ? call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory")
               : ERROR_OK;
}

enum error_id call_go_on(struct api_call *call, const struct call_post *post)
{
    memset(call->state, 0, post->state_bytes);
    call->post = post;
    call->body.format = body_find("", 1u << BODY_JSON);
    call->body.encoding = ENCODING_IDENTITY; /* that of a GET's body, which nobody reads */
    call_body_init(call, 0);
    return ERROR_OK;
}

void call_append(json_t **list, json_t *item)
{
    if (json_array_append_new(*list, item) == 0)
        return;
    json_decref(*list);
    *list = NULL;
}

bool call_part_begins(struct api_call *call)
{
    return call->parts_seen++ >= call->parts_done && !call->again;
}

void call_part_ends(struct api_call *call, bool done)
{
    call->writing = call->again = !done;
    call->parts_done += done;
}

enum error_id call_write_part(struct api_call *call, const char *text, const float *values,
                              size_t rank, const size_t *shape, const char *name,
                              enum non_finite policy)
{
    enum { PIECE = 1 << 16 };
    struct buf *out = &call->reply->body;
    enum error_id id = ERROR_OK;

    if (!call_part_begins(call))
        return ERROR_OK;
    if (!call->writing) {
        buf_puts(out, text);
        id = tensor_writer_init(&call->writer, out, values, rank, shape, name, policy,
                                &call->error);
    }
    if (id == ERROR_OK)
        id = tensor_writer_go_on(&call->writer, PIECE);
    call_part_ends(call, id != ERROR_OK || out->failed || call->writer.done);
    return id;
}

void *call_allocate(struct api_call *call, size_t count, size_t size)
{
    size_t bytes;
    void *memory = NULL;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX)
        return NULL;
    bytes += bytes == 0;
    if (memory_take(&call->account, bytes))
        memory = malloc(bytes);
    if (memory)
        call->state_holds += bytes;
    return memory;
}

enum error_id call_no_memory(struct api_call *call)
{
    unsigned long long max = call->api->options->bodies_bytes_max;

    switch (call->account.refused) {
    case MEMORY_NEVER:
        return call_fail(call, ERROR_BODY_TOO_LARGE,
                         "with what it computes and its reply the request takes more memory than "
                         "the %llu bytes for all requests together (bodies_bytes_max)",
                         max);
    case MEMORY_BUSY:
        return call_fail(call, ERROR_OVERLOADED,
                         "other requests hold what this one takes of the %llu bytes for all "
                         "together (bodies_bytes_max)",
                         max);
    default:
        return call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory");
    }
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

enum error_id call_query_float(struct api_call *call, const char *key, const char *value,
                               float *number)
{
    size_t length = strlen(value);

    return length > 0 && float_read(value, length, number) == length && isfinite(*number)
               ? ERROR_OK
               : call_fail(call, ERROR_BAD_PARAMETER,
                           "query: %s: expected a number within float32, found '%.40s'", key,
                           value);
}

/* FNV-1a; what is served so small is hashed before anybody could notice. */
static uint64_t hash(const char *bytes, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

bool call_is_known(struct api_call *call, const char *bytes, size_t size, const char *cache)
{
    struct api_reply *reply = call->reply;
    const char *known = call->headers[REQUEST_IF_NONE_MATCH], *opaque = reply->etag + strlen("W/");

    snprintf(reply->etag, sizeof reply->etag, "W/\"%016" PRIx64 "\"", hash(bytes, size));
    reply->headers[REPLY_ETAG] = reply->etag;
    api_vary(reply, VARY_ACCEPT_ENCODING);
    reply->headers[REPLY_CACHE_CONTROL] = cache;
    if (!known || (strcmp(known, "*") != 0 && !strstr(known, opaque)))
        return false;
    reply->http_status = 304;
    reply->headers[REPLY_CONTENT_TYPE] = NULL;
    return true;
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

void call_mark(struct api_call *call, uint64_t *spent_ns)
{
    uint64_t now = clock_ns();

    *spent_ns += now - call->mark_ns;
    call->mark_ns = now;
}

void call_write_timing(struct api_call *call)
{
    enum { PARTS = 4, PART_MAX = sizeof ", compute;dur=" + sizeof "18446744073709.552" - 1 };
    const struct {
        const char *text;
        uint64_t ns;
    } parts[PARTS] = {{"parse;dur=", call->spent_ns[CALL_READ]},
                      {", queue;dur=", call->queue_ns},
                      {", compute;dur=", call->spent_ns[CALL_COMPUTE]},
                      {", write;dur=", call->spent_ns[CALL_WRITE]}};
    char text[PARTS * PART_MAX], *at = text;

    for (size_t i = 0; i < PARTS; i++) {
        at = mempcpy(at, parts[i].text, strlen(parts[i].text));
        at = put_milliseconds(at, (parts[i].ns + 500) / 1000);
    }
    *at++ = '\0';
    _Static_assert(sizeof text <= sizeof call->reply->server_timing, "room for all numbers");
    memcpy(call->reply->server_timing, text, (size_t)(at - text));
    call->reply->headers[REPLY_SERVER_TIMING] = call->reply->server_timing;
}
