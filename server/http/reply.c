/* reply.c - an api_reply as an HTTP reply, through libmicrohttpd or, where that no longer takes
 * one, straight to the socket.
 *
 * Invariant: every reply, refusals included, carries X-Request-Id, and says Connection: close
 * whenever the connection will be closed. */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "http/private.h"

enum { REPLY_LONG_BYTES = 65536 };

static bool add_headers(struct MHD_Response *response, const struct connection *c,
                        const struct api_reply *reply, bool close)
{
    char number[16] = "";
    const struct {
        const char *name, *value;
    } headers[] = {
        {MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type ? reply->content_type : ""},
        {"X-Request-Id", c->request.id},
        {MHD_HTTP_HEADER_ALLOW, reply->allow},
        {MHD_HTTP_HEADER_RETRY_AFTER, number},
        {"Server-Timing", reply->server_timing},
        {MHD_HTTP_HEADER_CONNECTION, close ? "close" : ""},
    };

    if (reply->retry_after_s)
        snprintf(number, sizeof number, "%u", reply->retry_after_s);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (headers[i].value[0] &&
            MHD_add_response_header(response, headers[i].name, headers[i].value) != MHD_YES)
            return false;
    return true;
}

/* Of a short reply the kernel takes all or nothing; of a long one the client may get a part. */
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
    if (!add_headers(response, c, &r->reply, close))
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

void reply_write(struct connection *c, const struct api_reply *reply)
{
    struct buf text;
    size_t size = reply->body.len;

    buf_init(&text, 0);
    buf_printf(&text,
               "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Type: %s\r\n"
               "Content-Length: %zu\r\nX-Request-Id: %s\r\n",
               reply->http_status, MHD_get_reason_phrase_for(reply->http_status),
               reply->content_type, size, c->request.id);
    if (reply->allow[0])
        buf_printf(&text, "Allow: %s\r\n", reply->allow);
    if (reply->retry_after_s)
        buf_printf(&text, "Retry-After: %u\r\n", reply->retry_after_s);
    buf_puts(&text, "\r\n");
    if (size)
        buf_append(&text, reply->body.data, size);
    if (!text.failed)
        (void)!send(c->fd, text.data, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    buf_fini(&text);
}
