/* report.c - a request that has ended, as metrics and as a line of the log.
 *
 * The line is the access log's, and the one of level debug; all that it tells of a request's body
 * is how many bytes and rows it had. */
#include <microhttpd.h>
#include <stdio.h>
#include "http/private.h"
#include "base/log.h"

/* The connection's other end; "" if it is unknown. */
static void peer_text(struct MHD_Connection *mhd, char out[static SOCKET_ADDRESS_MAX])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    *out = '\0';
    if (info && info->client_addr)
        socket_address_text(info->client_addr, out);
}

static void log_request(const struct connection *c, struct MHD_Connection *mhd,
                        enum log_level level, unsigned status, double seconds)
{
    const struct request *r = &c->request;
    const struct api_account *a = &r->reply.account;
    char peer[SOCKET_ADDRESS_MAX], client[IP_TEXT_MAX], span[GATE_TRACEPARENT_SPAN_DIGITS + 1];
    bool proxied = !ip_same(&r->client, &c->ip);
    struct log_field fields[20] = {
        /* 8, and 11 that only some requests have */
        LOG_S("request_id", r->id),
        LOG_S("method", r->method),
        LOG_S("route", api_route_label(r->reply.route)),
        LOG_U("status", status),
        LOG_U("bytes_in", r->received),
        LOG_U("bytes_out", r->reply_bytes),
        LOG_F("duration", seconds),
        LOG_S("client", proxied ? client : peer),
    };
    int count = 8;

    peer_text(mhd, peer);
    ip_write(&r->client, client);
    if (proxied)
        fields[count++] = (struct log_field)LOG_S("proxy", peer);
    if (*a->key)
        fields[count++] = (struct log_field)LOG_S("key", a->key);
    if (r->reply.error != ERROR_OK)
        fields[count++] = (struct log_field)LOG_S("error_code", error_code(r->reply.error));
    if (*r->traceparent) {
        snprintf(span, sizeof span, "%s", r->span + GATE_TRACEPARENT_SPAN);
        fields[count++] = (struct log_field)LOG_S("traceparent", r->traceparent);
        fields[count++] = (struct log_field)LOG_S("span", span);
    }
    if (*a->model) {
        fields[count++] = (struct log_field)LOG_S("model", a->model);
        fields[count++] = (struct log_field)LOG_U("version", a->version);
        fields[count++] = (struct log_field)LOG_U("rows", a->rows);
        fields[count++] = (struct log_field)LOG_F("parse", (double)a->parse_ns * 1e-9);
        fields[count++] = (struct log_field)LOG_F("queue", (double)a->queue_ns * 1e-9);
        fields[count++] = (struct log_field)LOG_F("compute", (double)a->compute_ns * 1e-9);
        fields[count++] = (struct log_field)LOG_F("write", (double)a->write_ns * 1e-9);
    }
    log_write(level, "request", fields, count);
}

void request_report(const struct connection *c, struct MHD_Connection *mhd, unsigned status,
                    uint64_t now)
{
    const struct request *r = &c->request;
    double seconds = (double)(now - r->started_ns) * 1e-9;
    /* Clients must not be able to fill a log that nobody asked for; 503 and 504 have their metrics.
     */
    enum log_level level = status == 500                  ? LOG_WARN
                           : c->http->options->access_log ? LOG_INFO
                                                          : LOG_DEBUG;

    metrics_http_request(r->reply.route, r->method, status, seconds, r->received,
                         r->reply_bytes - c->untaken);
    if (log_enabled(level))
        log_request(c, mhd, level, status, seconds);
}
