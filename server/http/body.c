/* body.c - a request's body as it arrives, and its reply, within the limits of one and of all
 * together.
 *
 * Knows limits and memory, not sockets. Invariants: memory grows with what has come, never with
 * what was promised; what is held is charged to http->bodies_bytes until body_release(). */
#include <stdio.h>
#include "http/private.h"

static void refuse(struct connection *c, enum error_id id, enum metrics_rejected reason,
                   const char *detail)
{
    metrics_add(METRIC_http_rejected_total, reason, 1);
    request_refuse(c, id, detail);
}

static void refuse_too_large(struct connection *c)
{
    char detail[ERROR_DETAIL_MAX];

    snprintf(detail, sizeof detail,
             "the body is longer than the %llu bytes that are allowed (body_bytes_max)",
             (unsigned long long)c->http->options->body_bytes_max);
    refuse(c, ERROR_BODY_TOO_LARGE, REJECTED_BODY, detail);
}

/* One that finds no room though it were alone: to try again would not help. */
static void refuse_too_heavy(struct connection *c)
{
    char detail[ERROR_DETAIL_MAX];

    snprintf(detail, sizeof detail,
             "what the body holds takes more memory than the %llu bytes for all bodies together "
             "(bodies_bytes_max)",
             (unsigned long long)c->http->options->bodies_bytes_max);
    refuse(c, ERROR_BODY_TOO_LARGE, REJECTED_BODY, detail);
}

static bool fits_with_the_others(const struct connection *c, uint64_t held, uint64_t bytes)
{
    uint64_t max = c->http->options->bodies_bytes_max;

    return held <= max && bytes <= max - held;
}

/* False: they do not fit. In one step, so that threads together never charge more than the limit.
 */
static bool charge(struct connection *c, uint64_t bytes)
{
    atomic_uint_fast64_t *total = &c->http->bodies_bytes;
    uint_fast64_t held = atomic_load_explicit(total, memory_order_relaxed);

    do {
        if (!fits_with_the_others(c, held, bytes))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(total, &held, held + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    c->request.charged += bytes;
    return true;
}

static void discharge(struct connection *c, uint64_t bytes)
{
    atomic_fetch_sub_explicit(&c->http->bodies_bytes, bytes, memory_order_relaxed);
    c->request.charged -= bytes;
}

bool body_admit(struct connection *c)
{
    uint64_t bytes = c->request.declared.bytes;

    if (bytes == API_BODY_UNKNOWN || bytes == 0)
        return true;
    if (bytes > c->http->options->body_bytes_max)
        refuse_too_large(c);
    else if (!fits_with_the_others(c, atomic_load(&c->http->bodies_bytes), bytes))
        refuse(c, ERROR_OVERLOADED, REJECTED_BODIES_IN_FLIGHT, "");
    return !c->request.refused;
}

/* Memory is taken before it is charged, since nobody can tell what a piece will become; a piece of
 * libmicrohttpd's is at most half of headers_bytes_max. */
void body_feed(struct connection *c, const char *bytes, size_t size)
{
    struct request *r = &c->request;
    size_t held;

    if (r->received > c->http->options->body_bytes_max) {
        refuse_too_large(c);
        return;
    }
    api_feed(r->call, bytes, size);
    held = api_call_bytes(r->call);
    if (held > c->http->options->bodies_bytes_max)
        refuse_too_heavy(c);
    else if (held > r->charged && !charge(c, held - r->charged))
        refuse(c, ERROR_OVERLOADED, REJECTED_BODIES_IN_FLIGHT, "");
    else if (held < r->charged)
        discharge(c, r->charged - held);
}

/* Charge so many bytes in place of what was charged for the request. False: they do not fit. */
static bool recharge(struct connection *c, uint64_t bytes)
{
    discharge(c, c->request.charged);
    return charge(c, bytes);
}

bool body_charge_waiting(struct connection *c)
{
    if (recharge(c, api_call_bytes(c->request.call)))
        return true;
    refuse(c, ERROR_OVERLOADED, REJECTED_BODIES_IN_FLIGHT,
           "no memory for another request to wait (bodies_bytes_max)");
    return false;
}

void body_charge_reply(struct connection *c)
{
    if (!recharge(c, c->request.reply.body.cap))
        refuse(c, ERROR_OVERLOADED, REJECTED_BODIES_IN_FLIGHT,
               "no memory for another reply (bodies_bytes_max)");
}

void body_release(struct connection *c)
{
    struct request *r = &c->request;

    api_end(r->call);
    r->call = NULL;
    if (r->charged)
        discharge(c, r->charged);
}
