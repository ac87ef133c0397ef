/* request.c - one request from its first line to its end, as libmicrohttpd calls us.
 *
 * The order is fixed: request_target() when the request line is there, request_step() for the
 * headers, for each piece of the body and once when all has come, request_done() at the end,
 * whatever happened. Invariant: request_done() counts every request that had a target, once. */
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "base/clock.h"
#include "base/random.h"
#include "http/callbacks.h"
#include "http/private.h"
#include "base/log.h"

/* nginx's code for "the client has gone before it was answered": it never goes over the wire. */
enum { STATUS_CLIENT_GONE = 499 };

static char *put_hex(char *out, uint64_t value, unsigned digits)
{
    while (digits-- > 0)
        *out++ = "0123456789abcdef"[value >> digits * 4 & 15];
    return out;
}

/* Random per thread, then counted: unique without asking the kernel for each. */
static void make_id(char *id)
{
    enum { PREFIX_DIGITS = 16, COUNTER_DIGITS = 8 };
    static _Thread_local char prefix[PREFIX_DIGITS];
    static _Thread_local uint32_t counter;
    uint64_t random;

    if (!prefix[0]) {
        if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
            random = clock_ns() ^ (uintptr_t)prefix;
        put_hex(prefix, random, PREFIX_DIGITS);
    }
    *put_hex(mempcpy(id, prefix, PREFIX_DIGITS), counter++, COUNTER_DIGITS) = '\0';
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

void *request_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct connection *c = connection_of(mhd);
    uint64_t now = clock_ns(), since = now, slow;

    (void)cls;
    if (!c)
        return NULL;
    c->request = (struct request){.at = AT_LINE,
                                  .started_ns = now,
                                  .client = c->ip,
                                  .reply.route = API_ROUTE_OTHER,
                                  .target = strdup(target ? target : "")};
    make_id(c->request.id);
    reply_settle(c, false);
    /* The headers' time began with the connection, or with the bytes that the keeper saw. */
    slow = atomic_exchange(&c->slow_since_ns, 0);
    if (phase_of(atomic_load(&c->state)) == PHASE_NEW)
        since = phase_since_ns(atomic_load(&c->state));
    else if (slow)
        since = slow;
    c->mhd = mhd;
    parser_watch(c);
    phase_enter(c, PHASE_HEADERS, since);
    metrics_gauge_add(METRIC_http_requests_in_flight, 1);
    return c;
}

static enum MHD_Result see_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                  size_t name_bytes, const char *value, size_t value_bytes)
{
    (void)kind;
    gate_header(cls, name, name_bytes, value, value_bytes);
    return MHD_YES;
}

/* As much of the text as there is room for: every request comes here, and snprintf() takes 500
 * instructions. */
static void keep(char *to, size_t bytes, const char *text)
{
    size_t length = strnlen(text, bytes - 1);

    memcpy(to, text, length);
    to[length] = '\0';
}

/* The request is a span of the caller's trace: under the trace's id and flags with an id of its
 * own, which is never 0. */
static void trace(struct request *r, const char *traceparent)
{
    static _Thread_local struct random spans;

    if (spans.state == 0)
        spans = random_seed();
    memcpy(r->traceparent, traceparent, sizeof r->traceparent);
    memcpy(r->span, traceparent, sizeof r->span);
    put_hex(r->span + GATE_TRACEPARENT_SPAN, 1 + random_below(&spans, UINT64_MAX),
            GATE_TRACEPARENT_SPAN_DIGITS);
}

/* False: the framing is not to be trusted, r->reply says why. */
static bool pass_gate(struct connection *c, struct MHD_Connection *mhd, const char *method,
                      const char *version)
{
    struct request *r = &c->request;
    struct gate gate = {.spare = r->trimmed, .spare_bytes = sizeof r->trimmed};
    struct gate_request request = {.method = method, .target = r->target, .version = version};
    struct error error = {0};
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    request.header_bytes = r->header_bytes = info ? info->header_size : 0;
    if (c->http->lenient_parser)
        gate_begin_tiling(&gate, &request);
    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, see_header, &gate);
    if (gate.count[REQUEST_X_REQUEST_ID] == 1 &&
        gate_request_id_ok(gate.value[REQUEST_X_REQUEST_ID]))
        keep(r->id, sizeof r->id, gate.value[REQUEST_X_REQUEST_ID]);
    if (gate.count[REQUEST_TRACEPARENT] == 1 &&
        gate_traceparent_ok(gate.value[REQUEST_TRACEPARENT]))
        trace(r, gate.value[REQUEST_TRACEPARENT]);
    /* Its bytes are the parser's, which uses them again for the head of the reply. */
    keep(r->method, sizeof r->method, method);
    memcpy(r->value, gate.value, sizeof r->value);
    if (gate_check(&gate, &request, &c->http->limits, &r->declared, &error) == ERROR_OK)
        return true;
    metrics_add(METRIC_http_rejected_total,
                error.id == ERROR_HEADERS_TOO_LARGE ? REJECTED_HEADERS : REJECTED_FRAMING, 1);
    body_refuse(c, error.id, error.detail);
    return false;
}

/* A POST that says nothing of its body has none (RFC 9112, 6.3): more likely it was forgotten. */
static bool lacks_length(const struct request *r)
{
    return strcmp(r->method, "POST") == 0 && !r->value[REQUEST_CONTENT_LENGTH] &&
           !r->value[REQUEST_TRANSFER_ENCODING];
}

static void refuse_surplus(struct connection *c)
{
    bool all = c->surplus == SURPLUS_ALL;

    metrics_add(METRIC_http_rejected_total,
                all ? REJECTED_CONNECTIONS : REJECTED_CONNECTIONS_PER_ADDRESS, 1);
    connections_warn(c->http, all ? "connections_max" : "connections_per_address_max", &c->ip);
    body_refuse(c, ERROR_OVERLOADED,
                all ? "too many connections (connections_max)"
                    : "too many connections from one address (connections_per_address_max)");
}

static void open_call(struct connection *c, struct MHD_Connection *mhd)
{
    struct request *r = &c->request;
    struct api_request request = {.method = r->method,
                                  .target = r->target,
                                  .is_local = ip_is_loopback(&c->ip),
                                  .client = &r->client};

    if (c->surplus) {
        refuse_surplus(c);
        return;
    }
    if (!client_read(c, mhd))
        return;
    memcpy(request.headers, r->value, sizeof request.headers);
    r->call = api_admit(c->http->api, &request, r->declared.bytes, &r->reply);
    if (!r->call) {
        r->refused = true;
        body_count_refusal(c);
        return;
    }
    if (lacks_length(r) && api_wants_body(r->call))
        body_refuse(c, ERROR_LENGTH_REQUIRED,
                    "POST needs a body: send Content-Length; with curl, "
                    "-d '{}' or -d @FILE");
}

static enum MHD_Result answer(struct connection *c, struct MHD_Connection *mhd, bool close)
{
    close = close || c->surplus ||
            atomic_load_explicit(&c->http->api->draining, memory_order_relaxed);
    return phase_enter(c, PHASE_REPLY, clock_coarse_ns()) && reply_queue(c, mhd, close) ? MHD_YES
                                                                                        : MHD_NO;
}

/* A refused body that is short enough is read and thrown away: the client can then read the reply
 * and go on using the connection. One that waits for 100 Continue is told at once. */
static bool may_discard(const struct connection *c)
{
    const struct gate_body *declared = &c->request.declared;

    return declared->bytes == 0 ||
           (!declared->expect_continue && (declared->bytes == API_BODY_UNKNOWN ||
                                           declared->bytes <= c->http->options->discard_bytes_max));
}

static enum MHD_Result on_headers(struct connection *c, struct MHD_Connection *mhd,
                                  const char *method, const char *version)
{
    struct request *r = &c->request;

    r->at = AT_BODY;
    parser_unwatch(c);
    if (!r->target)
        return MHD_NO;
    if (!pass_gate(c, mhd, method, version))
        return answer(c, mhd, true);
    open_call(c, mhd);
    if (r->refused && !may_discard(c))
        return answer(c, mhd, true);
    if (r->declared.bytes == 0)
        return MHD_YES;
    atomic_store_explicit(&c->progress, 0, memory_order_relaxed);
    parser_body(c);
    return phase_enter(c, PHASE_BODY, clock_coarse_ns()) ? MHD_YES : MHD_NO;
}

/* Other connections of this thread first; libmicrohttpd then comes again with the bytes that were
 * not taken. */
static enum MHD_Result give_way(struct MHD_Connection *mhd)
{
    MHD_suspend_connection(mhd);
    MHD_resume_connection(mhd);
    return MHD_YES;
}

/* *size becomes how many are left. */
static enum MHD_Result on_bytes(struct connection *c, struct MHD_Connection *mhd, const char *bytes,
                                size_t *size)
{
    struct request *r = &c->request;
    size_t left = 0;

    r->received += *size;
    parser_body(c);
    if (!r->refused)
        left = *size - body_feed(c, bytes, *size);
    r->received -= left;
    *size = left;
    atomic_store_explicit(&c->progress, r->received, memory_order_relaxed);
    if (left > 0)
        return give_way(mhd);
    if (!r->refused || r->received - r->refused_at <= c->http->options->discard_bytes_max)
        return MHD_YES;
    /* libmicrohttpd takes no reply here: written by hand, it reaches most clients. */
    reply_write_own(c);
    return MHD_NO;
}

/* ---- requests that wait for a worker --------------------------------------------------------- */

static void wake(void *context)
{
    struct connection *c = context;

    MHD_resume_connection(c->mhd);
}

/* A client that has closed, or will send no more: while suspended, libmicrohttpd does not see it.
 */
static bool is_here(void *context)
{
    const struct connection *c = context;
    struct pollfd fd = {.fd = c->fd, .events = POLLRDHUP};

    return poll(&fd, 1, 0) <= 0;
}

/* From api_submit() on the reply may be ready at any time, but libmicrohttpd goes on with this
 * connection only after this thread has returned to it. */
static enum MHD_Result suspend(struct connection *c, struct MHD_Connection *mhd)
{
    struct request *r = &c->request;
    const struct api_waiter waiter = {.wake = wake, .is_here = is_here, .context = c};

    r->at = AT_WAITS;
    MHD_suspend_connection(mhd);
    api_submit(r->call, &waiter);
    return MHD_YES;
}

static enum MHD_Result on_wake(struct connection *c, struct MHD_Connection *mhd)
{
    struct request *r = &c->request;

    r->at = AT_WHOLE;
    if (!api_resume(r->call)) {
        r->status = STATUS_CLIENT_GONE;
        return MHD_NO;
    }
    body_count_refusal(c);
    return answer(c, mhd, false);
}

static enum MHD_Result on_end(struct connection *c, struct MHD_Connection *mhd)
{
    struct request *r = &c->request;

    r->at = AT_WHOLE;
    r->received_ns = clock_ns();
    if (!phase_enter(c, PHASE_HANDLING, r->received_ns))
        return MHD_NO;
    if (!r->refused) {
        if (api_run(r->call, r->received_ns))
            return suspend(c, mhd);
        body_count_refusal(c);
    }
    return answer(c, mhd, false);
}

/* ---- what libmicrohttpd calls --------------------------------------------------------------- */

enum MHD_Result request_step(void *cls, struct MHD_Connection *mhd, const char *url,
                             const char *method, const char *version, const char *bytes,
                             size_t *size, void **state)
{
    struct connection *c = *state;
    (void)cls;
    (void)url; /* decoded and cut at %00: request_target() has kept the real one */
    if (!c)
        return MHD_NO;
    if (c->request.at == AT_LINE)
        return on_headers(c, mhd, method, version);
    if (*size > 0)
        return on_bytes(c, mhd, bytes, size);
    return c->request.at == AT_WAITS ? on_wake(c, mhd) : on_end(c, mhd);
}

/* The code that the client saw, or why it saw none. */
static unsigned final_status(const struct connection *c, struct MHD_Connection *mhd,
                             enum MHD_RequestTerminationCode why)
{
    const union MHD_ConnectionInfo *info;

    if (c->request.queued && why != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        return STATUS_CLIENT_GONE;
    if (c->request.status)
        return c->request.status;
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
    if (info && info->http_status)
        return info->http_status; /* libmicrohttpd's parser has answered */
    return phase_of(atomic_load(&c->state)) == PHASE_CUT && !atomic_load(&c->gone)
               ? error_http_status(ERROR_BODY_TIMEOUT)
               : STATUS_CLIENT_GONE;
}

static void request_fini(struct connection *c)
{
    client_done(c);
    body_release(c);
    api_reply_fini(&c->request.reply);
    free(c->request.target);
    c->request.target = NULL;
    c->request.at = AT_NONE;
}

void request_done(void *cls, struct MHD_Connection *mhd, void **state,
                  enum MHD_RequestTerminationCode why)
{
    struct connection *c = *state;
    uint64_t now = clock_ns();
    unsigned status;

    (void)cls;
    if (!c)
        return;
    *state = NULL;
    parser_unwatch(c);
    status = final_status(c, mhd, why);
    if (c->request.queued && status == STATUS_CLIENT_GONE)
        reply_failed(c);
    else if (c->request.queued)
        reply_sent(c);
    request_report(c, mhd, status, now);
    metrics_gauge_add(METRIC_http_requests_in_flight, -1);
    if (c->request.at < AT_WHOLE && status != STATUS_CLIENT_GONE)
        linger_add(c->http, c->fd);
    phase_asked(c);
    request_fini(c);
    phase_enter(c, PHASE_IDLE, now);
}

/* ---- connections --------------------------------------------------------------------------- */

enum MHD_Result connection_may_start(void *cls, const struct sockaddr *address, socklen_t bytes)
{
    struct http *http = cls;

    (void)bytes;
    return drain_is_sentinel(address) || connections_may_start(http, address) ? MHD_YES : MHD_NO;
}

/* libmicrohttpd 1.0.1 forgets to end a request whose chunk's size line is too long for it. */
static void connection_done(struct connection *c, struct MHD_Connection *mhd)
{
    void *state = c;

    if (c->request.at != AT_NONE)
        request_done(c->http, mhd, &state, MHD_REQUEST_TERMINATED_WITH_ERROR);
    connection_end(c);
}

/* One that finds no room in the list would be out of the keeper's sight: it goes at once. */
static void list(struct http *http, struct MHD_Connection *mhd, const struct sockaddr *address,
                 void **context)
{
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

    *context = connection_start(http, fd, address);
    if (!*context)
        shutdown(fd, SHUT_RDWR);
}

void connection_notify(void *cls, struct MHD_Connection *mhd, void **context,
                       enum MHD_ConnectionNotificationCode what)
{
    struct http *http = cls;
    const struct sockaddr *address;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        address = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
        if (!drain_is_sentinel(address))
            list(http, mhd, address, context);
    } else if (*context) {
        connection_done(*context, mhd);
        *context = NULL;
    }
}
