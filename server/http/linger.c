/* linger.c - sockets on which an early reply has been sent while the client still writes.
 *
 * Closing a socket with unread bytes makes the kernel send a reset, which destroys the reply before
 * the client reads it. So a duplicate stays open, half closed, and what comes is thrown away until
 * the client has finished or a limit is reached. Invariant: at most max descriptors, each for at
 * most LINGER_NS and discard_bytes_max. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include "base/clock.h"
#include "http/private.h"

#define LINGER_NS UINT64_C(2000000000)
enum { READ_BYTES = 65536 };

void linger_init(struct linger_list *list, size_t max)
{
    pthread_mutex_init(&list->mutex, NULL);
    list->count = 0;
    list->max = max;
}

void linger_fini(struct linger_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        close(list->items[i].fd);
    list->count = 0;
    pthread_mutex_destroy(&list->mutex);
}

void linger_add(struct http *http, int fd)
{
    struct linger_list *list = &http->linger;
    int copy = -1;

    pthread_mutex_lock(&list->mutex);
    if (list->count < list->max)
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0)
        list->items[list->count++] = (struct lingering){
            .fd = copy,
            .until_ns = clock_ns() + LINGER_NS,
            .bytes_left = http->options->discard_bytes_max};
    pthread_mutex_unlock(&list->mutex);
    if (copy >= 0) {
        shutdown(copy, SHUT_WR);
        (void)eventfd_write(http->keeper_wake, 1);
    }
}

size_t linger_count(struct http *http)
{
    size_t n;

    pthread_mutex_lock(&http->linger.mutex);
    n = http->linger.count;
    pthread_mutex_unlock(&http->linger.mutex);
    return n;
}

size_t linger_poll(struct linger_list *list, struct pollfd *polls)
{
    size_t n;

    pthread_mutex_lock(&list->mutex);
    n = list->count;
    for (size_t i = 0; i < n; i++)
        polls[i] = (struct pollfd){.fd = list->items[i].fd, .events = POLLIN};
    pthread_mutex_unlock(&list->mutex);
    return n;
}

/* False: the client has finished, or may not go on. */
static bool read_some(struct lingering *item)
{
    static char sink[READ_BYTES]; /* the keeper's alone */
    ssize_t n = recv(item->fd, sink, sizeof sink, MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0 || (uint64_t)n > item->bytes_left)
        return false;
    item->bytes_left -= (uint64_t)n;
    return true;
}

/* Only the keeper removes, so the first count entries are those that it polled. */
void linger_read(struct http *http, const struct pollfd *polls, size_t count, uint64_t now_ns)
{
    struct linger_list *list = &http->linger;

    pthread_mutex_lock(&list->mutex);
    for (size_t i = count; i-- > 0;) {
        struct lingering *item = &list->items[i];
        if (now_ns < item->until_ns && (!polls[i].revents || read_some(item)))
            continue;
        close(item->fd);
        *item = list->items[--list->count];
    }
    pthread_mutex_unlock(&list->mutex);
}
