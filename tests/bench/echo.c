/* echo.c - the yardstick: nothing but libmicrohttpd, which answers each POST with its own body.
 *
 *   echo PORT THREADS [CONNECTION_MEMORY]
 *
 * POST / is answered with the body as it is, POST /N with the body cut or padded to N bytes, so
 * that its replies can be as long as axond's. One epoll daemon per thread on a shared listening
 * socket and TURBO, as in server/http/http.c; the memory per connection is libmicrohttpd's own
 * default, since what axond adds to that is axond's cost. Not for the open: it has no limits but
 * BODY_MAX. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BODY_MAX = 64 << 20,
    CONNECTION_MEMORY = 32768,
    CONNECTIONS_MAX = 16000,
    LISTEN_BACKLOG = 1024,
    THREADS_MAX = 256
};

struct body {
    char *data;
    size_t len, cap;
    size_t reply_len; /* 0: as long as the request's */
};

static int reserve(struct body *b, size_t cap)
{
    char *grown;

    if (cap <= b->cap)
        return 0;
    grown = realloc(b->data, cap);
    if (!grown)
        return -1;
    b->data = grown;
    b->cap = cap;
    return 0;
}

static int append(struct body *b, const char *data, size_t n)
{
    if (n > BODY_MAX - b->len)
        return -1;
    if (b->len + n > b->cap && reserve(b, (b->len + n) * 2) != 0)
        return -1;
    memcpy(b->data + b->len, data, n);
    b->len += n;
    return 0;
}

static int resize(struct body *b, size_t len)
{
    if (len > BODY_MAX || reserve(b, len) != 0)
        return -1;
    if (len > b->len)
        memset(b->data + b->len, ' ', len - b->len);
    b->len = len;
    return 0;
}

static enum MHD_Result reply(struct MHD_Connection *connection, struct body *b)
{
    struct MHD_Response *response;
    enum MHD_Result result;

    if (b->reply_len && resize(b, b->reply_len) != 0)
        return MHD_NO;
    response = MHD_create_response_from_buffer(b->len, b->data, MHD_RESPMEM_MUST_FREE);
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

    (void)cls, (void)method, (void)version;
    if (!b) {
        *request = b = calloc(1, sizeof *b);
        if (b)
            b->reply_len = strtoul(url + 1, NULL, 10);
        return b ? MHD_YES : MHD_NO;
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
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0) {
        perror("echo");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    unsigned long port = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long threads = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    size_t memory = argc > 3 ? strtoul(argv[3], NULL, 10) : CONNECTION_MEMORY;
    int fd;

    if (port < 1 || port > 65535 || threads < 1 || threads > THREADS_MAX) {
        fputs("usage: echo PORT THREADS [CONNECTION_MEMORY]\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    fd = listen_on(port);
    for (unsigned long i = 0; i < threads; i++) {
        if (!MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_TURBO, 0, NULL,
                              NULL, step, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
                              MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                              MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
                              MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_NOTIFY_COMPLETED, done,
                              NULL, MHD_OPTION_END)) {
            fputs("echo: cannot start libmicrohttpd\n", stderr);
            return 1;
        }
    }
    for (;;) /* until a signal ends the process, and with it everything that it holds */
        pause();
}
