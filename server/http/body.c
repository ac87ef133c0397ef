/* body.c - a request's body as it arrives, within body_bytes_max, and the end of its call, refused
 * or not.
 *
 * Knows limits, not sockets; what memory there is for all requests together is the call's business.
 */
#include <stdio.h>
#include <string.h>
#include "http/private.h"

void body_release(struct connection *c)
{
    api_end(c->request.call);
    c->request.call = NULL;
}

void body_refuse(struct connection *c, enum error_id id, const char *detail)
{
    struct request *r = &c->request;
    if (!r->call)
        api_cors(c->http->api, r->value[REQUEST_ORIGIN], &r->reply);
    api_refuse(&r->reply, id, detail);
    r->refused = true;
    r->refused_at = r->received;
    body_release(c);
}

static void refuse_too_large(struct connection *c)
{
    char detail[ERROR_DETAIL_MAX];

    snprintf(detail, sizeof detail,
             "the body is longer than the %llu bytes that are allowed (body_bytes_max)",
             (unsigned long long)c->http->options->body_bytes_max);
    body_refuse(c, ERROR_BODY_TOO_LARGE, detail);
    body_count_refusal(c);
}

void body_count_refusal(const struct connection *c)
{
    enum error_id id = c->request.reply.error;

    if (id == ERROR_BODY_TOO_LARGE)
        metrics_add(METRIC_http_rejected_total, REJECTED_BODY, 1);
    else if (id == ERROR_OVERLOADED)
        metrics_add(METRIC_http_rejected_total, REJECTED_BODIES_IN_FLIGHT, 1);
}

size_t body_feed(struct connection *c, const char *bytes, size_t size)
{
    struct request *r = &c->request;
    size_t taken = size;

    if (r->received > c->http->options->body_bytes_max) {
        refuse_too_large(c);
        return size;
    }
    if (api_feed(r->call, bytes, &taken))
        return taken;
    r->refused = true;
    r->refused_at = r->received;
    body_count_refusal(c);
    body_release(c);
    return size;
}
