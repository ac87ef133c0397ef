/* format.c - which of the route's formats a body has, as the headers say, and where its JSON ends
 * if the bytes of tensors follow it. */
#include <string.h>
#include "api/call.h"

/* A number of bytes [length], strictly: "12abc" and "-1" are none. */
static enum error_id read_head(struct api_call *call, const char *name, const char *text,
                               size_t length)
{
    enum { DIGITS_MAX = 18 };
    struct blobs_head *head = &call->body.head;
    size_t bytes = 0, i = 0;

    for (; i < length && i < DIGITS_MAX && text[i] >= '0' && text[i] <= '9'; i++)
        bytes = bytes * 10 + (size_t)(text[i] - '0');
    if (i == 0 || i < length)
        return call_fail(call, ERROR_BAD_FRAMING,
                         "%s: expected a number of bytes, those of the JSON, found '%.*s'", name,
                         length < 40 ? (int)length : 40, text);
    if (head->bytes != BLOBS_ALL_JSON && head->bytes != bytes)
        return call_fail(call, ERROR_BAD_FRAMING, "%s: %zu bytes, but %s says %zu", name, bytes,
                         head->name, head->bytes);
    *head = (struct blobs_head){bytes, name};
    return ERROR_OK;
}

/* Where the JSON ends. A platform's type must say so itself. */
static enum error_id find_head(struct api_call *call)
{
    static const char name[] = "json-header-size";
    const char *length = call->headers[REQUEST_INFERENCE_LENGTH], *type, *value;
    size_t bytes, second;

    call->body.head = (struct blobs_head){.bytes = BLOBS_ALL_JSON};
    if (length &&
        read_head(call, "Inference-Header-Content-Length", length, strlen(length)) != ERROR_OK)
        return call->error.id;
    if (call->body.format->id == BODY_OCTETS)
        return ERROR_OK;
    type = call->headers[REQUEST_CONTENT_TYPE];
    value = body_parameter(type, name, &bytes);
    if (!value)
        return call_fail(call, ERROR_BAD_FRAMING, "Content-Type '%.60s': expected %s=N after it",
                         type, name);
    return body_parameter(value, name, &second)
               ? call_fail(call, ERROR_BAD_FRAMING, "Content-Type: %s is there twice", name)
               : read_head(call, name, value, bytes);
}

enum error_id call_body_find(struct api_call *call, unsigned formats)
{
    const char *type = call->headers[REQUEST_CONTENT_TYPE];
    char types[BODY_TYPES_TEXT_MAX];

    call->body.format = body_find(type, formats);
    if (!call->body.format)
        return call_fail(call, ERROR_UNSUPPORTED_MEDIA_TYPE,
                         "Content-Type '%.60s' is not supported here, send %s", type,
                         body_types(formats, types));
    if (call->headers[REQUEST_INFERENCE_LENGTH] && call->body.format->id == BODY_JSON &&
        formats >> BODY_OCTETS & 1)
        call->body.format = body_row(BODY_OCTETS);
    return call->body.format->kind == BODY_BLOBS ? find_head(call) : ERROR_OK;
}
