/* parser.c - what libmicrohttpd's parser refuses on its own.
 *
 * Such a request never reaches request_step(): a log line is all that we get to see. It comes
 * before the reply is written, so where that reply would be wrong ours is written first. Invariant:
 * each line is counted once; the lists belong to their threads, so they need no lock. */
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include "http/callbacks.h"
#include "http/private.h"
#include "base/log.h"

/* Connections of this thread whose headers are being read, or chunks by a parser that may fail in
 * the middle of them. */
static _Thread_local struct connection *watched;

void parser_watch(struct connection *c)
{
    c->parsed_next = watched;
    c->parsed_link = &watched;
    if (watched)
        watched->parsed_link = &c->parsed_next;
    watched = c;
}

void parser_unwatch(struct connection *c)
{
    if (!c->parsed_link)
        return;
    *c->parsed_link = c->parsed_next;
    if (c->parsed_next)
        c->parsed_next->parsed_link = c->parsed_link;
    c->parsed_link = NULL;
}

void parser_body(struct connection *c)
{
    if (c->request.declared.bytes != API_BODY_UNKNOWN)
        return;
    if (!c->parsed_link)
        parser_watch(c);
    c->parsed_bytes = socket_bytes_read(c->fd);
}

/* Its headers are complete, and the gate has not seen them yet. */
static struct connection *find_headers(void)
{
    struct connection *c = watched;

    while (c && (c->request.at != AT_LINE ||
                 !MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)))
        c = c->parsed_next;
    return c;
}

/* Its buffer is full of what is no data: it has read much since a chunk was last handed out, where
 * others wait for the rest of a line. */
static struct connection *find_full(void)
{
    enum { LINE_BYTES = 4096 };
    struct connection *full = NULL;
    uint64_t most = LINE_BYTES;

    for (struct connection *c = watched; c; c = c->parsed_next) {
        uint64_t read = socket_bytes_read(c->fd);
        if (c->request.at != AT_LINE && read > c->parsed_bytes && read - c->parsed_bytes > most) {
            most = read - c->parsed_bytes;
            full = c;
        }
    }
    return full;
}

static void answer(struct connection *c, enum error_id id, const char *detail)
{
    if (!c)
        return;
    body_refuse(c, id, detail);
    if (reply_write_own(c))
        shutdown(c->fd, SHUT_WR);
}

static void answer_full(void)
{
    answer(find_full(), ERROR_BAD_FRAMING,
           "the size line of a chunk, with its extension, is too long");
}

/* libmicrohttpd 0.9.75 answers a bad Content-Length twice, since its state machine goes on after
 * the first error, and a chunk extension that fills its buffer with 500. The one reply is ours: its
 * own find the socket shut. */
static void answer_first(unsigned status)
{
    struct connection *c = find_headers();

    if (c && status == MHD_HTTP_CONTENT_TOO_LARGE)
        answer(c, ERROR_BODY_TOO_LARGE, "Content-Length is larger than any body");
    else if (c)
        answer(c, ERROR_BAD_FRAMING, "Content-Length is not a number of bytes");
    else if (status == MHD_HTTP_INTERNAL_SERVER_ERROR)
        answer_full();
}

void parser_log(void *cls, const char *format, va_list args)
{
    static const char answered[] = "Error processing request", accept_failed[] = "Error accepting";
    struct http *http = cls;
    char text[256];
    va_list again;

    va_copy(again, args);
    if (vsnprintf(text, sizeof text, format, args) < 0)
        text[0] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    if (strncmp(format, answered, sizeof answered - 1) == 0) {
        metrics_add(METRIC_http_rejected_total, REJECTED_PARSER, 1);
        if (http->lenient_parser)
            answer_first(va_arg(again, unsigned));
        else if (strstr(text, "chunk size line")) /* 1.0.1 forgets to send what it says here */
            answer_full();
    }
    va_end(again);
    if (strncmp(format, accept_failed, sizeof accept_failed - 1) == 0 &&
        log_is_due(&http->accept_warned_ns))
        log_event(LOG_WARN, "accept_failed", LOG_S("detail", text));
    else
        log_event(LOG_DEBUG, "libmicrohttpd", LOG_S("detail", text));
}
