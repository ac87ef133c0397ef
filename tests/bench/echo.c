/* echo.c - the yardstick: nothing but libmicrohttpd, which answers each POST with its own body.
 *
 *   echo PORT THREADS
 *
 * It is set up as server/http/http.c is (one epoll daemon per thread on a shared listening socket,
 * TURBO, the same memory per connection) and does nothing else, so that a ratio to it says what
 * axond's own work costs. Not for the open: it has no limits but BODY_MAX. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY_MAX = 1 << 20, CONNECTION_MEMORY = 131072, CONNECTIONS_MAX = 10000, THREADS_MAX = 256 };

struct body {
    char *data;
    size_t len, cap;
};

static int append(struct body *b, const char *data, size_t n)
{
    if (n > BODY_MAX - b->len)
        return -1;
    if (b->len + n > b->cap) {
        size_t cap = (b->len + n) * 2;
        char *grown = realloc(b->data, cap);

        if (!grown)
            return -1;
        b->data = grown;
        b->cap = cap;
    }
    memcpy(b->data + b->len, data, n);
    b->len += n;
    return 0;
}

static enum MHD_Result reply(struct MHD_Connection *connection, struct body *b)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(b->len, b->data,
                                                                    MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    b->data = NULL; /* the response's now */
    MHD_add_response_header(response, "Content-Type", "application/json");
    result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result step(void *cls, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *upload,
                            size_t *upload_len, void **request)
{
    struct body *b = *request;

    (void)cls, (void)url, (void)method, (void)version;
    if (!b) {
        *request = calloc(1, sizeof *b);
        return *request ? MHD_YES : MHD_NO;
    }
    if (*upload_len == 0)
        return reply(connection, b);
    if (append(b, upload, *upload_len) != 0)
        return MHD_NO;
    *upload_len = 0;
    return MHD_YES;
}

static void done(void *cls, struct MHD_Connection *connection, void **request,
                 enum MHD_RequestTerminationCode why)
{
    struct body *b = *request;

    (void)cls, (void)connection, (void)why;
    if (b)
        free(b->data);
    free(b);
}

static int listen_on(unsigned long port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1024) != 0) {
        perror("echo");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    unsigned long port = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long threads = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    int fd;

    if (port < 1 || port > 65535 || threads < 1 || threads > THREADS_MAX) {
        fputs("usage: echo PORT THREADS\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    fd = listen_on(port);
    for (unsigned long i = 0; i < threads; i++) {
        if (!MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_TURBO, 0, NULL,
                              NULL, step, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
                              MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                              MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                              MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_NOTIFY_COMPLETED, done,
                              NULL, MHD_OPTION_END)) {
            fputs("echo: cannot start libmicrohttpd\n", stderr);
            return 1;
        }
    }
    for (;;) /* until a signal ends the process, and with it everything that it holds */
        pause();
}
