/* encode.c - the last phase: a reply compressed for a client that takes it so (Accept-Encoding).
 *
 * Knows no resource. Only what answers is compressed, never an error, and of V2 only infer's reply:
 * Triton's clients decode no other. Without memory for it a reply goes as it is. */
#include <string.h>
#include "api/call.h"
#include "api/route.h"

/* All other types are taken for numbers in binary. */
static bool is_text(const char *type)
{
    static const char *const texts[] = {"application/json", "text/", "image/svg+xml",
                                        "application/openmetrics-text"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strncmp(type, texts[i], strlen(texts[i])) == 0)
            return true;
    return false;
}

/* Numbers in binary become shorter by a tenth, for more time than their computation took. A client
 * that lists all codings it knows, as aiohttp and requests do unasked, is sent them as they are;
 * one that names a single coding, as Triton's do on demand, is sent what it asks for. */
static bool is_worth_it(const struct api_call *call)
{
    const char *type = call->reply->headers[REPLY_CONTENT_TYPE];
    const char *accepted = call->headers[REQUEST_ACCEPT_ENCODING];

    return (type && is_text(type)) || (accepted && !strchr(accepted, ','));
}

/* May a reply of so many bytes be compressed, for a client that takes it? */
static bool may_encode(const struct api_call *call, size_t bytes)
{
    const struct options *options = call->api->options;

    return options->compress_level > 0 && bytes >= options->compress_bytes_min && bytes > 0 &&
           call->reply->http_status == 200 && !call->reply->headers[REPLY_CONTENT_ENCODING] &&
           route_encodes(call->reply->route);
}

bool call_encodes(struct api_call *call)
{
    if (!call->headers[REQUEST_ACCEPT_ENCODING] && !call->handler)
        return false;
    if (!may_encode(call, call->reply->body.len))
        return false;
    if (call->handler) /* caches keep no reply to a POST */
        api_vary(call->reply, VARY_ACCEPT_ENCODING);
    call->encoding = encoding_choose(call->headers[REQUEST_ACCEPT_ENCODING]);
    return call->encoding && is_worth_it(call);
}

size_t call_encode_elements(const struct api_call *call)
{
    const double byte_s = 10e-9; /* as text of numbers takes at level 1 */
    size_t bytes = call->phase == CALL_ENCODE ? call->reply->body.len : call->needs.reply;

    if (!call->headers[REQUEST_ACCEPT_ENCODING] || !may_encode(call, bytes) ||
        !encoding_choose(call->headers[REQUEST_ACCEPT_ENCODING]))
        return 0;
    return work_elements((double)bytes * byte_s);
}

/* The text is put aside, and its compressed form becomes the body. */
static bool begin(struct api_call *call)
{
    struct buf *body = &call->reply->body;

    call->encoder = encoder_create(call->encoding, (int)call->api->options->compress_level,
                                   body->len, &call->account);
    if (!call->encoder)
        return false;
    call->plain = *body;
    buf_init(body, call->plain.len);
    body->account = &call->account;
    buf_expect(body, call->plain.len / 2);
    return true;
}

/* The body is the text, as if nothing had been tried. */
static void leave_it(struct api_call *call)
{
    if (call->encoder) {
        buf_fini(&call->reply->body);
        call->reply->body = call->plain;
        call->plain = (struct buf){0};
    }
    call->account.refused = MEMORY_GRANTED;
}

static void finish(struct api_call *call)
{
    call->reply->headers[REPLY_CONTENT_ENCODING] = encoding_name(call->encoding);
    api_vary(call->reply, VARY_ACCEPT_ENCODING);
}

void call_encode(struct api_call *call)
{
    size_t left, size;
    bool shorter;

    if (!call->encoder && !begin(call)) {
        leave_it(call);
        return;
    }
    left = call->plain.len - call->encoded;
    size = left < ENCODER_PIECE_BYTES ? left : ENCODER_PIECE_BYTES;
    encoder_go_on(call->encoder, &call->reply->body, call->plain.data + call->encoded, size,
                  size == left);
    call->encoded += size;
    shorter = !call->reply->body.failed; /* its most is the length of the text */
    call->again = shorter && size < left;
    if (call->again)
        return;
    if (shorter)
        finish(call);
    else
        leave_it(call);
}

void call_encode_fini(struct api_call *call)
{
    encoder_destroy(call->encoder);
    call->encoder = NULL;
    buf_fini(&call->plain);
}

/* ---- of a GET ---- */

void call_reply_stored(struct api_call *call, const struct stored *stored)
{
    size_t bytes = (size_t)(stored->last - stored->bytes);

    api_vary(call->reply, VARY_ACCEPT_ENCODING);
    if (call->headers[REQUEST_ACCEPT_ENCODING] && may_encode(call, bytes) &&
        encoding_choose(call->headers[REQUEST_ACCEPT_ENCODING]) == ENCODING_GZIP) {
        call->reply->headers[REPLY_CONTENT_ENCODING] = encoding_name(ENCODING_GZIP);
        buf_append(&call->reply->body, stored->gzip, (size_t)(stored->gzip_last - stored->gzip));
    } else {
        buf_append(&call->reply->body, stored->bytes, bytes);
    }
}

static void nothing_held(struct api_call *call, bool answered)
{
    (void)call;
    (void)answered;
}

const struct call_post call_encode_reply[1] = {
    {.tensors = (const char *const[]){NULL}, .fini = nothing_held}};
