/* reply.c - an api_reply as an HTTP reply, through libmicrohttpd or, where that no longer takes
 * one, straight to the socket.
 *
 * Invariant: every reply, refusals included, carries X-Request-Id, and says Connection: close
 * whenever the connection will be closed. */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "http/private.h"

enum { REPLY_LONG_BYTES = 65536 };

static const char *const names[REPLY_HEADERS] = {
#define REPLY_HEADER(id, name) name,
#include "api/headers.def"
};

/* The headers of every reply, whoever wrote it. */
static void set_headers(const struct connection *c, struct api_reply *reply, bool close)
{
    reply->headers[REPLY_X_REQUEST_ID] = c->request.id;
    reply->headers[REPLY_TRACEPARENT] = *c->request.span ? c->request.span : NULL;
    reply->headers[REPLY_CONNECTION] = close ? "close" : NULL;
}

static bool add_headers(struct MHD_Response *response, const struct api_reply *reply)
{
    for (enum reply_header h = 0; h < REPLY_HEADERS; h++)
        if (reply->headers[h] &&
            MHD_add_response_header(response, names[h], reply->headers[h]) != MHD_YES)
            return false;
    return true;
}

/* The kernel takes a short reply whole or not at all; a client may get a part of a long one. */
static void reply_begins(struct connection *c, size_t size)
{
    struct socket_progress progress;

    c->request.queued = true;
    c->request.status = c->request.reply.http_status;
    if (size >= REPLY_LONG_BYTES && socket_progress(c->fd, &progress))
        c->request.acked = progress.acked;
}

void reply_failed(struct connection *c)
{
    struct request *r = &c->request;
    struct socket_progress progress;
    uint64_t acked = 0;

    if (r->reply_bytes >= REPLY_LONG_BYTES && socket_progress(c->fd, &progress))
        acked = progress.acked - r->acked;
    if (acked < r->reply_bytes)
        r->reply_bytes = (size_t)acked;
}

void reply_sent(struct connection *c)
{
    uint64_t untaken;

    if (c->request.reply_bytes < REPLY_LONG_BYTES || c->request.closes)
        return;
    untaken = socket_bytes_untaken(c->fd);
    c->untaken = untaken < c->request.reply_bytes ? untaken : c->request.reply_bytes;
}

void reply_settle(struct connection *c, bool at_end)
{
    uint64_t lost = c->untaken && at_end ? socket_bytes_untaken(c->fd) : 0;

    if (lost > c->untaken)
        lost = c->untaken;
    if (c->untaken)
        metrics_add(METRIC_http_response_bytes_total, 0, c->untaken - lost);
    if (lost)
        metrics_add(METRIC_http_rejected_total, REJECTED_REPLY_UNREAD, 1);
    c->untaken = 0;
}

/* A body that is large enough for its release to be felt. */
struct long_body {
    const struct api *api;
    char *bytes;
    size_t size;
};

static void free_long(void *context)
{
    struct long_body *body = context;

    api_free_body(body->api, body->bytes, body->size);
    free(body);
}

static struct MHD_Response *long_response(const struct connection *c, char *bytes, size_t size)
{
    struct long_body *body = malloc(sizeof *body);
    struct MHD_Response *response;

    if (!body)
        return NULL;
    *body = (struct long_body){.api = c->http->api, .bytes = bytes, .size = size};
    response = MHD_create_response_from_buffer_with_free_callback_cls(size, bytes, free_long, body);
    if (!response)
        free(body);
    return response;
}

/* The response frees the body, if there is one; without a response it is the caller's. */
static struct MHD_Response *create_response(const struct connection *c, char *body, size_t size)
{
    if (!body)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    return size < REPLY_LONG_BYTES
               ? MHD_create_response_from_buffer(size, body, MHD_RESPMEM_MUST_FREE)
               : long_response(c, body, size);
}

bool reply_queue(struct connection *c, struct MHD_Connection *mhd, bool close)
{
    struct request *r = &c->request;
    struct MHD_Response *response = NULL;
    size_t size = 0;
    char *body = buf_steal(&r->reply.body, &size);
    bool queued = false;

    response = create_response(c, body, size);
    if (!response)
        goto out;
    body = NULL;
    r->reply_bytes = strcmp(r->method, MHD_HTTP_METHOD_HEAD) == 0 ? 0 : size;
    set_headers(c, &r->reply, close);
    if (!add_headers(response, &r->reply))
        goto out;
    queued = MHD_queue_response(mhd, r->reply.http_status, response) == MHD_YES;
    r->closes = close;
    if (queued)
        reply_begins(c, size);
out:
    free(body);
    if (response)
        MHD_destroy_response(response);
    return queued;
}

/* Through TLS nothing can be written past the library that speaks it. */
static bool connection_is_plain(const struct connection *c)
{
    return (c->http->daemon_flags & MHD_USE_TLS) == 0;
}

void reply_write(struct connection *c, struct api_reply *reply)
{
    struct buf text;
    size_t size = reply->body.len;

    if (!connection_is_plain(c))
        return;
    set_headers(c, reply, true);
    buf_init(&text, 0);
    buf_printf(&text, "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\n", reply->http_status,
               MHD_get_reason_phrase_for(reply->http_status), size);
    for (enum reply_header h = 0; h < REPLY_HEADERS; h++)
        if (reply->headers[h])
            buf_printf(&text, "%s: %s\r\n", names[h], reply->headers[h]);
    buf_puts(&text, "\r\n");
    if (size)
        buf_append(&text, reply->body.data, size);
    if (!text.failed)
        (void)!send(c->fd, text.data, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    buf_fini(&text);
}

bool reply_write_own(struct connection *c)
{
    if (!phase_enter(c, PHASE_REPLY, clock_ns()))
        return false;
    reply_write(c, &c->request.reply);
    c->request.status = c->request.reply.http_status;
    return true;
}
