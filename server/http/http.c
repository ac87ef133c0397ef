/* http.c - start and end of the network side.
 *
 * One libmicrohttpd daemon per thread, all on one listening socket, instead of its thread pool: the
 * pool's MHD_quiesce_daemon() aborts the process if a worker wakes up at the wrong moment, a single
 * daemon's does not. Invariant: the listening socket is ours; a daemon is quiesced before it is
 * stopped, or it would close it. */
#include <fcntl.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "http/callbacks.h"
#include "http/private.h"
#include "base/log.h"

/* A connection's memory holds the headers, a structure for each field, and the head of the reply;
 * half of it is the first read buffer. libmicrohttpd zeroes all of it after every request, so with
 * many connections all of it goes through the caches: each KiB costs a one-row predict 0.1 us. */
enum { CONNECTION_MEMORY_MIN = 32768, FIELD_BYTES = 96, REPLY_HEAD_BYTES = 2048, SPARE = 16 };

static struct MHD_Daemon *start_daemon(struct http *http, int listen_fd)
{
    size_t needed = (size_t)http->options->headers_bytes_max + REPLY_HEAD_BYTES +
                    (size_t)http->options->headers_count_max * FIELD_BYTES;
    size_t memory = needed > CONNECTION_MEMORY_MIN ? needed : CONNECTION_MEMORY_MIN;
    /* The gate does not need the lenient parser to be strict, which would answer a request without
     * Host twice. */
    int strictness = http->lenient_parser ? 0 : 1;
    unsigned limit = (unsigned)(http->connections.max + http->connections.surplus_max + SPARE);

    return MHD_start_daemon(
        http->daemon_flags, 0, connection_may_start, http, request_step, http,
        MHD_OPTION_EXTERNAL_LOGGER, parser_log, http, MHD_OPTION_LISTEN_SOCKET, listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_STRICT_FOR_CLIENT, strictness,
        MHD_OPTION_URI_LOG_CALLBACK, request_target, http, MHD_OPTION_NOTIFY_COMPLETED,
        request_done, http, MHD_OPTION_NOTIFY_CONNECTION, connection_notify, http, MHD_OPTION_END);
}

/* A daemon whose start fails closes the socket that it was given, or not: it does not tell. So each
 * gets a duplicate, and that of the one that failed is left to the end of the process. */
static bool start_thread(struct http *http, struct serving *thread)
{
    thread->listen_fd = fcntl(http->listen_fd, F_DUPFD_CLOEXEC, 0);
    if (thread->listen_fd < 0)
        return false;
    thread->daemon = start_daemon(http, thread->listen_fd);
    return thread->daemon != NULL;
}

static bool start_threads(struct http *http, unsigned threads)
{
    http->threads = calloc(threads, sizeof *http->threads);
    if (!http->threads)
        return false;
    while (http->threads_count < threads) {
        if (!start_thread(http, &http->threads[http->threads_count]))
            return false;
        http->threads_count++;
    }
    return true;
}

/* A lenient parser takes a bare LF for the end of a chunk or of its size line, and any byte in an
 * extension: a proxy in front of it may see one request where it sees two. Nothing of ours is asked
 * between chunks, so all of them are refused unless the operator knows better. */
static bool refuses_chunks(const struct options *options, bool lenient_parser)
{
    if (strcmp(options->chunked_bodies, "auto") == 0)
        return lenient_parser;
    return strcmp(options->chunked_bodies, "refuse") == 0;
}

struct http *http_start(struct api *api, const struct options *options, unsigned threads,
                        struct error *error)
{
    struct http *http = calloc(1, sizeof *http);
    size_t linger_max;

    if (!http) {
        error_set(error, ERROR_OUT_OF_MEMORY, "%s: out of memory", options->listen);
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN);
    http->api = api;
    http->options = options;
    http->daemon_flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_TURBO |
                         MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME;
    http->lenient_parser = strverscmp(MHD_get_version(), "0.9.77") < 0;
    http->limits = (struct gate_limits){
        .headers_bytes_max = options->headers_bytes_max,
        .headers_count_max = options->headers_count_max,
        .chunked_refused = refuses_chunks(options, http->lenient_parser)};
    http->keeper_wake = -1;
    networks_read(options->trusted_proxy, &http->trusted); /* options_read() has checked it */
    http->listen_fd = socket_listen(options->listen, http->address, error);
    if (http->listen_fd < 0) {
        free(http);
        return NULL;
    }
    if (connections_init(&http->connections, options, threads, &linger_max) != 0) {
        error_set(error, ERROR_OUT_OF_MEMORY, "%s: out of memory", options->listen);
        close(http->listen_fd);
        free(http);
        return NULL;
    }
    linger_init(&http->linger, linger_max);
    if (keeper_start(http) == 0 && start_threads(http, threads ? threads : 1)) {
        log_event(LOG_INFO, "http_library", LOG_S("libmicrohttpd", MHD_get_version()),
                  LOG_S("chunked_bodies", http->limits.chunked_refused ? "refused" : "served"));
        return http;
    }
    error_set(error, ERROR_NOT_READY,
              "%s: cannot start thread %u of %u (limits of processes, memory?)", options->listen,
              http->threads_count + 1, threads);
    http_destroy(http);
    return NULL;
}

const char *http_address(const struct http *http)
{
    return http->address;
}

void http_destroy(struct http *http)
{
    const volatile int cut_now = 1;

    if (!http)
        return;
    http_drain(http, &cut_now);
    free(http->threads);
    linger_fini(&http->linger);
    connections_fini(&http->connections);
    free(http);
}
