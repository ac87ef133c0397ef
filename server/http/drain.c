/* drain.c - the way out: nothing that was accepted is left without its reply.
 *
 * MHD_stop_daemon() drops replies in flight, so every connection must be gone before it. Invariant:
 * a connection is closed early only while it is between two requests and nothing of a next one has
 * arrived; what it may still send before it hears of that is read and answered if it is whole. */
#include <limits.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "http/private.h"
#include "base/log.h"

/* How long a kept connection must have been silent before it is closed: the pieces of a request
 * follow one another faster than that. One on which nothing was ever sent gets longer, because its
 * client may not know how to repeat a first request. */
enum { LOOK_MS = 5, SILENT_MS = 40, SILENT_NEW_MS = 250 };

/* Handshakes that have begun are waited for so long: the kernel repeats a lost half after one and
 * after three seconds. Strangers who never end theirs hold up a drain no longer. */
enum { HANDSHAKES_MS = 5000 };

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

bool drain_is_sentinel(const struct sockaddr *address)
{
    return address && address->sa_family == AF_UNIX;
}

/* Connections that wait in the kernel's queue were accepted as far as their clients can tell. */
static void adopt_backlog(struct http *http)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    unsigned next = 0;
    int fd;

    while (http->threads_count > 0 && (fd = accept4(http->listen_fd, (struct sockaddr *)&address,
                                                    &length, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        MHD_add_connection(http->threads[next++ % http->threads_count].daemon, fd,
                           (struct sockaddr *)&address, length);
        length = sizeof address;
    }
}

/* A thread may hold a connection that it has accepted and not told us of yet. It begins with
 * connections in order, so once it has dealt with a socket that we gave it, none is hidden any
 * more. It finds that socket's end at once and closes it, also if it has no memory to begin with
 * it: that is seen on the other half, which is kept. Returns how many are out. */
static unsigned send_sentinels(struct http *http, struct pollfd *sentinels)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    unsigned sent = 0;
    int pair[2];

    for (unsigned i = 0; i < http->threads_count; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
            continue;
        shutdown(pair[1], SHUT_WR);
        if (MHD_add_connection(http->threads[i].daemon, pair[0], (struct sockaddr *)&address,
                               sizeof address) == MHD_YES)
            sentinels[sent++] = (struct pollfd){.fd = pair[1]};
        else
            close(pair[1]);
    }
    return sent;
}

static void collect_sentinels(struct pollfd *sentinels, unsigned *count)
{
    if (*count > 0 && poll(sentinels, *count, 0) > 0)
        for (unsigned i = *count; i-- > 0;)
            if (sentinels[i].revents) {
                close(sentinels[i].fd);
                sentinels[i] = sentinels[--*count];
            }
}

/* Closing a listening socket resets connections whose handshake has begun, though their clients may
 * have sent a request already. So none may begin: bound to an interface that does not exist, the
 * socket is found by nobody's first packet, and the kernel refuses it. Anybody may do that since
 * Linux 5.7; before, the gap between the last look and the close is some microseconds wide. */
static void refuse_handshakes(int listen_fd)
{
    static const int no_interface = INT_MAX;

    (void)setsockopt(listen_fd, SOL_SOCKET, SO_BINDTOIFINDEX, &no_interface, sizeof no_interface);
}

/* Those that have begun go on: on a slow network, or a busy machine, for longer than any fixed
 * sleep. At least one look's time passes, for a first packet that had found the socket already. */
static void finish_handshakes(int listen_fd, const volatile int *cut_now)
{
    uint64_t until_ns = clock_ns() + (uint64_t)HANDSHAKES_MS * 1000000;

    do
        sleep_ms(LOOK_MS);
    while (!*cut_now && clock_ns() < until_ns && socket_handshakes(listen_fd) > 0);
}

static void stop_listening(struct http *http, const volatile int *cut_now)
{
    refuse_handshakes(http->listen_fd);
    finish_handshakes(http->listen_fd, cut_now);
    for (unsigned i = 0; i < http->threads_count; i++)
        MHD_quiesce_daemon(http->threads[i].daemon);
    adopt_backlog(http);
    shutdown(http->listen_fd, SHUT_RDWR);
    close(http->listen_fd);
    http->listen_fd = -1;
}

/* SHUT_RD, not SHUT_RDWR: bytes that have arrived can still be read, and answered. The bytes of a
 * next request may be in libmicrohttpd's buffer, where nobody sees them: so all that have come are
 * compared with those of the requests before. headers_timeout is for the rest of it. */
static void close_if_idle(struct connection *c, void *context)
{
    enum phase phase = phase_of(atomic_load(&c->state));
    struct socket_progress progress;

    (void)context;
    if ((phase != PHASE_NEW && phase != PHASE_IDLE) || !socket_progress(c->fd, &progress) ||
        progress.received > atomic_load(&c->asked))
        return;
    if (progress.silent_ms >= (phase == PHASE_NEW ? SILENT_NEW_MS : SILENT_MS))
        shutdown(c->fd, SHUT_RD);
}

static void cut(struct connection *c, void *context)
{
    size_t *count = context;

    phase_cut(c, atomic_load(&c->state));
    shutdown(c->fd, SHUT_RDWR);
    metrics_add(METRIC_http_rejected_total, REJECTED_CUT, 1);
    ++*count;
}

static bool is_empty(struct http *http)
{
    return connections_count(&http->connections) == 0 && linger_count(http) == 0;
}

/* A thread that was told to leave the listening socket alone may still do so: it must stay open. */
static void stop_threads(struct http *http)
{
    for (unsigned i = 0; i < http->threads_count; i++) {
        MHD_stop_daemon(http->threads[i].daemon);
        close(http->threads[i].listen_fd);
    }
}

/* Until nothing is left, or the deadline, or *cut_now; how many connections were cut. */
static size_t wait_for_all(struct http *http, struct pollfd *sentinels, const volatile int *cut_now)
{
    uint64_t deadline_ns = clock_ns() + (uint64_t)(http->options->drain_timeout * 1e9);
    unsigned out = sentinels ? send_sentinels(http, sentinels) : 0;
    size_t cut_count = 0;

    while (out > 0 || !is_empty(http)) {
        connections_visit(&http->connections, close_if_idle, NULL);
        if (*cut_now || clock_ns() >= deadline_ns) {
            connections_visit(&http->connections, cut, &cut_count);
            break;
        }
        sleep_ms(LOOK_MS);
        collect_sentinels(sentinels, &out);
    }
    for (unsigned i = 0; sentinels && i < out; i++)
        close(sentinels[i].fd);
    return cut_count;
}

size_t http_drain(struct http *http, const volatile int *cut_now)
{
    struct pollfd *sentinels;
    size_t cut_count;

    if (http->drained)
        return 0;
    stop_listening(http, cut_now);
    sentinels = calloc(http->threads_count + 1, sizeof *sentinels);
    cut_count = wait_for_all(http, sentinels, cut_now);
    free(sentinels);
    if (cut_count > 0)
        log_event(LOG_WARN, "drain_cut", LOG_U("connections", cut_count));
    api_cut(http->api); /* a daemon must not be stopped while connections are suspended */
    stop_threads(http);
    keeper_stop(http);
    http->drained = true;
    return cut_count;
}
