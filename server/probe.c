/* probe.c - the probe of --health, so that a container image needs no curl.
 *
 * Plain sockets and one total deadline: a service that accepts and then says nothing is not ready
 * either. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "probe.h"

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/* A wildcard address listens on loopback as well. */
static socklen_t address_make(const struct listen_address *listen, union address *address)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, *listen->host ? listen->host : "127.0.0.1", &address->four.sin_addr) ==
        1) {
        if (address->four.sin_addr.s_addr == htonl(INADDR_ANY))
            address->four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address->four.sin_family = AF_INET;
        address->four.sin_port = htons(listen->port);
        return sizeof address->four;
    }
    if (inet_pton(AF_INET6, listen->host, &address->six.sin6_addr) != 1)
        return 0;
    if (IN6_IS_ADDR_UNSPECIFIED(&address->six.sin6_addr))
        address->six.sin6_addr = in6addr_loopback;
    address->six.sin6_family = AF_INET6;
    address->six.sin6_port = htons(listen->port);
    return sizeof address->six;
}

/* 0 once fd is ready for the events, -1 and ETIMEDOUT after the deadline. */
static int wait_for(int fd, short events, uint64_t deadline_ns)
{
    for (;;) {
        uint64_t now = clock_ns();
        struct pollfd p = {.fd = fd, .events = events};
        int left_ms = now < deadline_ns ? (int)((deadline_ns - now) / 1000000) + 1 : 0;
        int ready = left_ms ? poll(&p, 1, left_ms) : 0;
        if (ready > 0)
            return 0;
        if (ready == 0)
            errno = ETIMEDOUT;
        if (ready == 0 || errno != EINTR)
            return -1;
    }
}

static int connect_to(int fd, const union address *address, socklen_t length, uint64_t deadline_ns)
{
    int failure = 0;
    socklen_t failure_bytes = sizeof failure;

    if (connect(fd, &address->any, length) == 0)
        return 0;
    if (errno != EINPROGRESS || wait_for(fd, POLLOUT, deadline_ns) != 0)
        return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &failure_bytes) != 0)
        return -1;
    errno = failure;
    return failure ? -1 : 0;
}

static int send_all(int fd, const char *text, uint64_t deadline_ns)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t sent = send(fd, text, left, MSG_NOSIGNAL);
        if (sent < 0 && (errno != EAGAIN || wait_for(fd, POLLOUT, deadline_ns) != 0))
            return -1;
        text += sent > 0 ? sent : 0;
        left -= sent > 0 ? (size_t)sent : 0;
    }
    return 0;
}

/* The status line; what follows does not matter. */
static int read_status(int fd, uint64_t deadline_ns, char *line, size_t line_bytes)
{
    size_t length = 0;

    while (length < line_bytes - 1 && !memchr(line, '\n', length)) {
        ssize_t got = recv(fd, line + length, line_bytes - 1 - length, 0);
        if (got == 0)
            break;
        if (got < 0 && (errno != EAGAIN || wait_for(fd, POLLIN, deadline_ns) != 0))
            return -1;
        length += got > 0 ? (size_t)got : 0;
    }
    line[length] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return 0;
}

static int ask(const char *address_text, struct error *error)
{
    uint64_t deadline_ns = clock_ns() + (uint64_t)PROBE_TIMEOUT_MS * 1000000;
    struct listen_address listen;
    union address address;
    socklen_t length;
    char request[256], line[256] = "";
    int fd = -1, result = 1;

    if (!options_listen(address_text, &listen) || listen.port == 0 ||
        (length = address_make(&listen, &address)) == 0) {
        error_set(error, ERROR_NOT_READY, "%s: no address to ask", address_text);
        return 1;
    }
    snprintf(request, sizeof request,
             "GET /v2/health/ready HTTP/1.1\r\nHost: %s%s%s:%u\r\nConnection: close\r\n\r\n",
             strchr(listen.host, ':') ? "[" : "", *listen.host ? listen.host : "localhost",
             strchr(listen.host, ':') ? "]" : "", listen.port);
    fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect_to(fd, &address, length, deadline_ns) != 0 ||
        send_all(fd, request, deadline_ns) != 0 ||
        read_status(fd, deadline_ns, line, sizeof line) != 0) {
        error_set(error, ERROR_NOT_READY, "%s: %s", address_text, strerror(errno));
    } else if (strncmp(line, "HTTP/1.1 200", 12) != 0 || (line[12] && line[12] != ' ')) {
        error_set(error, ERROR_NOT_READY, "%s: not ready: %.100s", address_text,
                  *line ? line : "the connection was closed without an answer");
    } else {
        result = 0;
    }
    if (fd >= 0)
        close(fd);
    return result;
}

int probe_health(const struct options *options, const char *also, struct error *error)
{
    struct error unused;

    if (ask(options->listen, error) == 0)
        return 0;
    if (!*also || ask(also, &unused) != 0)
        return 1;
    error->id = ERROR_OK;
    return 0;
}
