/* keeper.c - the thread that holds connections, and requests that wait, to their total deadlines.
 *
 * libmicrohttpd's own timeout counts inactivity only: a byte a second would hold a connection for
 * ever. Invariant: a socket is shut down only under connections.mutex and after its phase went to
 * PHASE_CUT, so no reply is cut that has begun since the keeper looked, and no stranger's socket.
 */
#include <poll.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include "base/clock.h"
#include "http/private.h"
#include "base/log.h"

enum {
    TICKS_PER_TIMEOUT = 8,
    TICK_MS_MIN = 10,
    TICK_MS_MAX = 1000,
    LINGER_TICK_MS = 100,
    STOOD_STILL_MS = 1000,
    GONE_S = 1
};

struct look {
    const struct options *options;
    uint64_t now_ns;
    uint64_t resumed_ns; /* the process stood still until then: no client is late for that */
};

static uint64_t to_ns(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

static bool has_passed(const struct look *look, uint64_t since_ns, double seconds)
{
    uint64_t from_ns = since_ns > look->resumed_ns ? since_ns : look->resumed_ns;

    return look->now_ns > from_ns + to_ns(seconds);
}

/* At least body_timeout, and longer as long as the bytes come at body_rate_min on average: never
 * later than body_timeout or length / body_rate_min, whichever is more. */
static bool too_slow(const struct look *look, uint64_t since_ns, uint64_t bytes)
{
    return has_passed(look, since_ns, look->options->body_timeout) &&
           has_passed(look, since_ns, (double)bytes / (double)look->options->body_rate_min);
}

/* Who was fast at first may still not be silent for longer than body_timeout. */
static bool too_silent(const struct look *look, struct connection *c, uint64_t state,
                       uint64_t bytes)
{
    if (c->watch.state != state) {
        c->watch.state = state;
        c->watch.first_bytes = bytes;
        c->watch.first_ns = look->now_ns;
    } else if (bytes == c->watch.last_bytes) {
        return has_passed(look, c->watch.last_ns, look->options->body_timeout);
    }
    c->watch.last_bytes = bytes;
    c->watch.last_ns = look->now_ns;
    return false;
}

static bool new_is_late(const struct look *look, struct connection *c, uint64_t state)
{
    (void)c;
    return has_passed(look, phase_since_ns(state), look->options->headers_timeout);
}

/* libmicrohttpd does not tell when the first bytes of a next request come; the kernel does. */
static bool idle_is_late(const struct look *look, struct connection *c, uint64_t state)
{
    struct socket_progress progress;
    uint64_t slow_ns = atomic_load(&c->slow_since_ns);

    if (!socket_progress(c->fd, &progress))
        return false;
    if (!slow_ns && progress.received > atomic_load(&c->asked))
        atomic_store(&c->slow_since_ns, slow_ns = look->now_ns);
    return slow_ns ? has_passed(look, slow_ns, look->options->headers_timeout)
                   : has_passed(look, phase_since_ns(state), look->options->idle_timeout);
}

static bool body_is_late(const struct look *look, struct connection *c, uint64_t state)
{
    uint64_t bytes = atomic_load(&c->progress);

    return too_silent(look, c, state, bytes) || too_slow(look, phase_since_ns(state), bytes);
}

static bool reply_is_late(const struct look *look, struct connection *c, uint64_t state)
{
    struct socket_progress progress;

    if (!socket_progress(c->fd, &progress))
        return false;
    return too_silent(look, c, state, progress.acked) ||
           too_slow(look, c->watch.first_ns, progress.acked - c->watch.first_bytes);
}

/* libmicrohttpd 0.9.75 takes a short read for the end of what epoll announced, and so misses a
 * farewell that comes with the data: a request that is not whole by then never will be. A second is
 * ages for the thread that has read the bytes to act on them. */
static bool is_gone(const struct look *look, struct connection *c, uint64_t state)
{
    struct socket_progress progress;

    return has_passed(look, phase_since_ns(state), GONE_S) && socket_progress(c->fd, &progress) &&
           progress.farewell && progress.silent_ms > GONE_S * 1000;
}

static const struct {
    bool (*is_late)(const struct look *look, struct connection *c, uint64_t state);
    enum metrics_rejected reason;
    const char *name;
    bool reads; /* what the client says: nothing can come of it once it is gone */
} rules[] = {
    [PHASE_NEW] = {new_is_late, REJECTED_HEADERS_TIMEOUT, "headers_timeout", true},
    [PHASE_IDLE] = {idle_is_late, REJECTED_IDLE_TIMEOUT, "idle_timeout", true},
    [PHASE_HEADERS] = {new_is_late, REJECTED_HEADERS_TIMEOUT, "headers_timeout", true},
    [PHASE_BODY] = {body_is_late, REJECTED_BODY_TIMEOUT, "body_timeout", true},
    [PHASE_HANDLING] = {0},
    [PHASE_REPLY] = {reply_is_late, REJECTED_CUT, "reply_timeout", false},
    [PHASE_CUT] = {0},
};

/* libmicrohttpd cannot be given a reply in the middle of an upload, and has not written to this
 * socket since the request began: these bytes are the whole reply. */
static void answer_408(struct connection *c)
{
    static const enum reply_header kept[] = {REPLY_CORS_ORIGIN, REPLY_CORS_EXPOSE, REPLY_VARY};
    struct api_reply reply = {0};

    /* Set when the body began, and not touched since: a page must be able to read this as well. */
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        reply.headers[kept[i]] = c->request.reply.headers[kept[i]];
    api_refuse(&reply, ERROR_BODY_TIMEOUT, "");
    reply_write(c, &reply);
    api_reply_fini(&reply);
}

static void visit(struct connection *c, void *context)
{
    const struct look *look = context;
    uint64_t state = atomic_load(&c->state);
    enum phase phase = phase_of(state);
    enum metrics_rejected reason = rules[phase].reason;

    if (rules[phase].reads && is_gone(look, c, state) && phase_cut(c, state)) {
        atomic_store(&c->gone, true);
        shutdown(c->fd, SHUT_RDWR);
        return;
    }
    if (!rules[phase].is_late || !rules[phase].is_late(look, c, state))
        return;
    /* Bytes that have come and were not read yet make us late, not the client. */
    if ((rules[phase].reads && socket_has_unread(c->fd)) || !phase_cut(c, state))
        return;
    if (phase == PHASE_IDLE && atomic_load(&c->slow_since_ns))
        reason = REJECTED_HEADERS_TIMEOUT;
    metrics_add(METRIC_http_rejected_total, reason, 1);
    log_event(LOG_DEBUG, "connection_cut", LOG_S("reason", rules[phase].name));
    if (phase == PHASE_BODY)
        answer_408(c);
    shutdown(c->fd, SHUT_RDWR);
}

static int tick_ms(const struct options *options)
{
    double least = options->headers_timeout;

    least = options->body_timeout < least ? options->body_timeout : least;
    least = options->idle_timeout < least ? options->idle_timeout : least;
    least = options->request_timeout < least ? options->request_timeout : least;
    least = least * 1000 / TICKS_PER_TIMEOUT;
    return least < TICK_MS_MIN ? TICK_MS_MIN : least > TICK_MS_MAX ? TICK_MS_MAX : (int)least;
}

/* How long to sleep: a tick, or less if a request's deadline comes before. */
static int pause_ms(int tick, uint64_t deadline_ns)
{
    uint64_t now = clock_ns();

    if (deadline_ns <= now)
        return 0;
    return deadline_ns - now >= (uint64_t)tick * 1000000 ? tick
                                                         : (int)((deadline_ns - now) / 1000000 + 1);
}

/* A look that comes much later than it should: the process was stopped, or got no CPU. */
static void look_again(struct look *look)
{
    uint64_t before_ns = look->now_ns;

    look->now_ns = clock_ns();
    if (look->now_ns - before_ns > (TICK_MS_MAX + STOOD_STILL_MS) * UINT64_C(1000000))
        look->resumed_ns = look->now_ns;
}

static void *run(void *context)
{
    struct http *http = context;
    struct pollfd polls[1 + LINGER_MAX] = {{.fd = http->keeper_wake, .events = POLLIN}};
    int tick = tick_ms(http->options);
    uint64_t tick_ns = (uint64_t)tick * 1000000, next_ns = clock_ns() + tick_ns;
    uint64_t deadline_ns = UINT64_MAX;
    struct look look = {.options = http->options, .now_ns = clock_ns()};
    eventfd_t woken;

    while (!atomic_load(&http->keeper_stop)) {
        size_t lingering = linger_poll(&http->linger, polls + 1);
        int most = lingering && tick > LINGER_TICK_MS ? LINGER_TICK_MS : tick;
        poll(polls, 1 + lingering, pause_ms(most, deadline_ns));
        if (polls[0].revents)
            (void)eventfd_read(http->keeper_wake, &woken);
        look_again(&look);
        deadline_ns = api_look(http->api, look.now_ns);
        linger_read(http, polls + 1, lingering, look.now_ns);
        if (look.now_ns < next_ns)
            continue;
        next_ns = look.now_ns + tick_ns;
        connections_visit(&http->connections, visit, &look);
    }
    return NULL;
}

int keeper_start(struct http *http)
{
    http->keeper_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (http->keeper_wake < 0)
        return -1;
    http->keeper_started = pthread_create(&http->keeper, NULL, run, http) == 0;
    return http->keeper_started ? 0 : -1;
}

void keeper_stop(struct http *http)
{
    atomic_store(&http->keeper_stop, true);
    if (http->keeper_wake >= 0)
        (void)eventfd_write(http->keeper_wake, 1);
    if (http->keeper_started)
        pthread_join(http->keeper, NULL);
    http->keeper_started = false;
    if (http->keeper_wake >= 0)
        close(http->keeper_wake);
    http->keeper_wake = -1;
}
