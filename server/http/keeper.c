/* keeper.c - the thread that holds connections, and requests that wait, to their total deadlines.
 *
 * libmicrohttpd's own timeout counts inactivity only: a byte a second would hold a connection for
 * ever. Invariant: a socket is shut down only under connections.mutex and after its phase went to
 * PHASE_CUT, so no reply is cut that has begun since the keeper looked, and no stranger's socket.
 */
#include <poll.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include "clock.h"
#include "http/private.h"
#include "log.h"

enum {
    TICKS_PER_TIMEOUT = 8,
    TICK_MS_MIN = 10,
    TICK_MS_MAX = 1000,
    LINGER_TICK_MS = 100,
    GONE_S = 1
};

struct look {
    const struct options *options;
    uint64_t now_ns;
};

static uint64_t to_ns(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

/* At least body_timeout, and longer as long as the bytes come at body_rate_min on average: never
 * later than body_timeout or length / body_rate_min, whichever is more. */
static bool too_slow(const struct look *look, uint64_t since_ns, uint64_t bytes)
{
    uint64_t elapsed_ns = look->now_ns > since_ns ? look->now_ns - since_ns : 0;

    return elapsed_ns > to_ns(look->options->body_timeout) &&
           (double)bytes < (double)elapsed_ns * 1e-9 * (double)look->options->body_rate_min;
}

/* Has the count moved since the keeper first saw the connection in this state? */
static void watch(struct connection *c, uint64_t state, uint64_t bytes, uint64_t now_ns)
{
    if (c->watch.state != state) {
        c->watch.state = state;
        c->watch.bytes = bytes;
        c->watch.since_ns = now_ns;
        c->watch.moved = false;
    } else if (bytes != c->watch.bytes && !c->watch.moved) {
        c->watch.moved = true;
        c->watch.since_ns = now_ns;
    }
}

static bool new_is_late(const struct look *look, struct connection *c, uint64_t state)
{
    (void)c;
    return look->now_ns > phase_since_ns(state) + to_ns(look->options->headers_timeout);
}

/* libmicrohttpd does not tell when the first bytes of a next request come; the kernel does. */
static bool idle_is_late(const struct look *look, struct connection *c, uint64_t state)
{
    struct socket_progress progress;
    double timeout = look->options->idle_timeout;

    if (!socket_progress(c->fd, &progress))
        return false;
    watch(c, state, progress.received, look->now_ns);
    if (c->watch.moved) {
        atomic_store(&c->slow_since_ns, c->watch.since_ns);
        timeout = look->options->headers_timeout;
    }
    return look->now_ns >
           (c->watch.moved ? c->watch.since_ns : phase_since_ns(state)) + to_ns(timeout);
}

static bool body_is_late(const struct look *look, struct connection *c, uint64_t state)
{
    return too_slow(look, phase_since_ns(state), atomic_load(&c->progress));
}

static bool reply_is_late(const struct look *look, struct connection *c, uint64_t state)
{
    struct socket_progress progress;

    if (!socket_progress(c->fd, &progress))
        return false;
    watch(c, state, progress.acked, look->now_ns);
    return too_slow(look, c->watch.since_ns, progress.acked - c->watch.bytes);
}

/* libmicrohttpd 0.9.75 takes a short read for the end of what epoll announced, and so misses a
 * farewell that comes with the data: a request that is not whole by then never will be. A second is
 * ages for the thread that has read the bytes to act on them. */
static bool is_gone(const struct look *look, struct connection *c, uint64_t state)
{
    struct socket_progress progress;

    return look->now_ns > phase_since_ns(state) + to_ns(GONE_S) &&
           socket_progress(c->fd, &progress) && progress.farewell &&
           progress.silent_ms > GONE_S * 1000;
}

static const struct {
    bool (*is_late)(const struct look *look, struct connection *c, uint64_t state);
    enum metrics_rejected reason;
    const char *name;
    bool needs_client; /* to say more: nothing can come of it once the client is gone */
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
 * socket since the request began: what is written here is the whole reply. */
static void answer_408(struct connection *c)
{
    struct api_reply reply = {0};

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

    if (rules[phase].needs_client && is_gone(look, c, state) && phase_cut(c, state)) {
        atomic_store(&c->gone, true);
        shutdown(c->fd, SHUT_RDWR);
        return;
    }
    if (!rules[phase].is_late || !rules[phase].is_late(look, c, state) || !phase_cut(c, state))
        return;
    if (phase == PHASE_IDLE && c->watch.moved)
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

static void *run(void *context)
{
    struct http *http = context;
    struct pollfd polls[1 + LINGER_MAX] = {{.fd = http->keeper_wake, .events = POLLIN}};
    int tick = tick_ms(http->options);
    uint64_t tick_ns = (uint64_t)tick * 1000000, next_ns = clock_ns() + tick_ns;
    uint64_t deadline_ns = UINT64_MAX;
    eventfd_t woken;

    while (!atomic_load(&http->keeper_stop)) {
        size_t lingering = linger_poll(&http->linger, polls + 1);
        struct look look = {.options = http->options};
        int most = lingering && tick > LINGER_TICK_MS ? LINGER_TICK_MS : tick;
        poll(polls, 1 + lingering, pause_ms(most, deadline_ns));
        if (polls[0].revents)
            (void)eventfd_read(http->keeper_wake, &woken);
        look.now_ns = clock_ns();
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
