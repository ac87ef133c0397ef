/* socket.c - the listening socket, and what the kernel knows of a connection's progress.
 *
 * Knows sockets, not HTTP. <linux/tcp.h> instead of <netinet/tcp.h>: glibc's tcp_info ends before
 * the byte counts. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "http/private.h"

enum { BACKLOG = 4096 };

/* Every address of the host: IPv6's takes IPv4 clients, too, where there is IPv6. */
static const char *any_address(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP), off = 0;
    bool dual = fd >= 0 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0 &&
                bind(fd, (struct sockaddr *)&any, sizeof any) == 0;

    if (fd >= 0)
        close(fd);
    return dual ? "::" : "0.0.0.0";
}

static struct addrinfo *resolve(const char *text)
{
    struct listen_address address;
    char port[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found;

    if (!options_listen(text, &address))
        return NULL;
    snprintf(port, sizeof port, "%u", (unsigned)address.port);
    return getaddrinfo(*address.host ? address.host : any_address(), port, &hints, &found) == 0
               ? found
               : NULL;
}

void socket_address_text(const struct sockaddr *address, char text[static SOCKET_ADDRESS_MAX])
{
    struct sockaddr_in6 six = {0};
    struct sockaddr_in four = {0};
    char host[INET6_ADDRSTRLEN] = "";
    bool is_six = address->sa_family == AF_INET6;

    *text = '\0';
    if (is_six)
        memcpy(&six, address, sizeof six);
    else if (address->sa_family == AF_INET)
        memcpy(&four, address, sizeof four);
    else
        return;
    if (is_six && IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
        memcpy(&four.sin_addr, six.sin6_addr.s6_addr + 12, sizeof four.sin_addr);
        four.sin_port = six.sin6_port;
        is_six = false;
    }
    if (is_six && inet_ntop(AF_INET6, &six.sin6_addr, host, sizeof host))
        snprintf(text, SOCKET_ADDRESS_MAX, "[%s]:%u", host, ntohs(six.sin6_port));
    else if (inet_ntop(AF_INET, &four.sin_addr, host, sizeof host))
        snprintf(text, SOCKET_ADDRESS_MAX, "%s:%u", host, ntohs(four.sin_port));
}

/* The bound address as clients write it, the port that the kernel chose included. */
static bool read_name(int fd, char name[static SOCKET_ADDRESS_MAX])
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return false;
    socket_address_text((struct sockaddr *)&address, name);
    return true;
}

int socket_listen(const char *listen_text, char name[static SOCKET_ADDRESS_MAX],
                  struct error *error)
{
    struct addrinfo *at = resolve(listen_text);
    int fd = -1, on = 1, off = 0;

    if (!at) {
        error_set(error, ERROR_NOT_READY, "%s: not an address and port", listen_text);
        return -1;
    }
    fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    /* "[::]:8000" means every address, too, whatever net.ipv6.bindv6only says. */
    if (fd >= 0 && at->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0 ||
        !read_name(fd, name)) {
        error_set(error, ERROR_NOT_READY, "%s: %s", listen_text, strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(at);
    return fd;
}

/* As netinet/tcp.h numbers them, which does not go with the kernel's header and its newer fields.
 */
enum { STATE_SYN_RECEIVED = 3, STATE_CLOSE_WAIT = 8 };

/* Lines of one table of the kernel's: `number: address:port address:port state ...`, in hex. */
static size_t count_handshakes(const char *path, unsigned port)
{
    FILE *table = fopen(path, "re");
    char line[512];
    size_t count = 0;

    while (table && fgets(line, sizeof line, table)) {
        char *local = strchr(line, ':'), *remote, *end;

        local = local ? strchr(local + 1, ':') : NULL;
        remote = local ? strchr(local + 1, ':') : NULL;
        if (remote && strtoul(local + 1, NULL, 16) == port) {
            (void)strtoul(remote + 1, &end, 16);
            count += strtoul(end, NULL, 16) == STATE_SYN_RECEIVED;
        }
    }
    if (table)
        fclose(table);
    return count;
}

size_t socket_handshakes(int listen_fd)
{
    struct sockaddr_in6 six = {0}; /* has its port where an IPv4 address has it */
    socklen_t length = sizeof six;
    unsigned port;

    if (getsockname(listen_fd, (struct sockaddr *)&six, &length) != 0)
        return 0;
    port = ntohs(six.sin6_port);
    return count_handshakes("/proc/self/net/tcp", port) +
           count_handshakes("/proc/self/net/tcp6", port);
}

bool socket_has_unread(int fd)
{
    int unread = 0;

    return ioctl(fd, FIONREAD, &unread) == 0 && unread > 0;
}

bool socket_progress(int fd, struct socket_progress *progress)
{
    struct tcp_info info;
    socklen_t length = sizeof info;

    memset(&info, 0, sizeof info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return false;
    *progress = (struct socket_progress){.received = info.tcpi_bytes_received,
                                         .acked = info.tcpi_bytes_acked,
                                         .sent = info.tcpi_bytes_sent,
                                         .silent_ms = info.tcpi_last_data_recv};
    progress->farewell = info.tcpi_state == STATE_CLOSE_WAIT && !socket_has_unread(fd);
    return true;
}

uint64_t socket_bytes_read(int fd)
{
    struct socket_progress before, after;
    int unread = 0;

    /* More may come between the two questions. */
    do {
        if (!socket_progress(fd, &before) || ioctl(fd, FIONREAD, &unread) != 0 ||
            !socket_progress(fd, &after))
            return 0;
    } while (before.received != after.received);
    return after.received - (uint64_t)unread;
}

uint64_t socket_bytes_untaken(int fd)
{
    int untaken = 0;

    return ioctl(fd, TIOCOUTQ, &untaken) == 0 && untaken > 0 ? (uint64_t)untaken : 0;
}
