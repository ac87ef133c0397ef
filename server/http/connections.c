/* connections.c - the list of open connections, and how many may be open.
 *
 * Knows sockets and limits, not HTTP. Invariant: a connection is in the list exactly while its
 * descriptor is open, so that whoever holds the mutex may shut it down without hitting a stranger.
 */
#include <dirent.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "base/clock.h"
#include "http/private.h"
#include "base/log.h"

/* Connections beyond connections_max, and beyond connections_per_address_max, that are still told
 * why; and descriptors that the rest of the
 * daemon may need at once: reloading models, reading /proc for a scrape, accepting. */
enum {
    SURPLUS_MAX = 64,
    SURPLUS_PER_ADDRESS_MAX = 8,
    RESERVE = 10,
    PER_THREAD = 4,
    VISIT_AT_ONCE = 64
};

static size_t descriptors_in_use(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/fd");

    if (!dir)
        return 16;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/* The descriptors that sockets may take, the soft limit raised as far as it helps. */
static size_t descriptors_left(size_t wanted, size_t reserved)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    if (limit.rlim_cur < wanted + reserved) {
        rlim_t soft = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max < wanted + reserved ? limit.rlim_max : wanted + reserved;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            limit.rlim_cur = soft;
    }
    return limit.rlim_cur > reserved ? (size_t)limit.rlim_cur - reserved : 1;
}

int connections_init(struct connections *list, const struct options *options, unsigned threads,
                     size_t *linger_max)
{
    size_t max = (size_t)options->connections_max;
    size_t surplus = max / 8 + 1 < SURPLUS_MAX ? max / 8 + 1 : SURPLUS_MAX;
    size_t wanted = max + surplus + LINGER_MAX;
    size_t left = descriptors_left(wanted,
                                   descriptors_in_use() + RESERVE + (size_t)PER_THREAD * threads);

    *linger_max = LINGER_MAX;
    if (left < wanted) {
        surplus = left / 16 < surplus ? left / 16 : surplus;
        *linger_max = left / 8 < LINGER_MAX ? left / 8 : LINGER_MAX;
        max = left - surplus - *linger_max;
        log_event(LOG_WARN, "connections_limited",
                  LOG_S("reason", "connections_max exceeds the limit of file descriptors"),
                  LOG_U("connections_max", options->connections_max),
                  LOG_U("connections_possible", max));
    }
    *list = (struct connections){.max = max,
                                 .surplus_max = surplus,
                                 .per_address_max = (size_t)options->connections_per_address_max};
    list->per_address_surplus_max = list->per_address_max / 8 + 1 < SURPLUS_PER_ADDRESS_MAX
                                        ? list->per_address_max / 8 + 1
                                        : SURPLUS_PER_ADDRESS_MAX;
    if (pthread_mutex_init(&list->mutex, NULL) != 0)
        return -1;
    return addresses_init(list);
}

void connections_fini(struct connections *list)
{
    free(list->items);
    list->items = NULL;
    addresses_fini(list);
    pthread_mutex_destroy(&list->mutex);
}

void connections_warn(struct http *http, const char *limit, const struct ip *ip)
{
    char text[IP_TEXT_MAX];

    if (!log_is_due(&http->limit_warned_ns))
        return;
    ip_write(ip, text);
    log_event(LOG_WARN, "connections_refused", LOG_S("limit", limit), LOG_S("client", text));
}

/* Nobody knows whose a proxy's connections are: client.c counts its requests instead. */
static size_t count_of(const struct http *http, const struct ip *ip)
{
    return networks_hold(&http->trusted, ip) ? 0 : addresses_count(&http->connections, ip);
}

bool connections_may_start(struct http *http, const struct sockaddr *address)
{
    struct connections *list = &http->connections;
    struct ip ip = {{0}};
    bool full, crowded;

    ip_of_socket(address, &ip);
    pthread_mutex_lock(&list->mutex);
    full = list->count >= list->max + list->surplus_max;
    crowded = count_of(http, &ip) >= list->per_address_max + list->per_address_surplus_max;
    pthread_mutex_unlock(&list->mutex);
    if (!full && !crowded)
        return true;
    metrics_add(METRIC_http_rejected_total,
                full ? REJECTED_CONNECTIONS : REJECTED_CONNECTIONS_PER_ADDRESS, 1);
    connections_warn(http, full ? "connections_max" : "connections_per_address_max", &ip);
    return false;
}

static bool grow(struct connections *list)
{
    size_t cap = list->cap ? list->cap * 2 : 64;
    struct connection **items;

    if (list->count < list->cap)
        return true;
    items = realloc(list->items, cap * sizeof *items);
    if (!items)
        return false;
    list->items = items;
    list->cap = cap;
    return true;
}

/* Under the mutex. */
static bool enlist(struct connection *c)
{
    struct connections *list = &c->http->connections;

    if (!grow(list))
        return false;
    if (list->count >= list->max)
        c->surplus = SURPLUS_ALL;
    else if (count_of(c->http, &c->ip) >= list->per_address_max)
        c->surplus = SURPLUS_ADDRESS;
    if (!c->trusted && !(c->address = addresses_add(list, &c->ip)))
        return false;
    c->slot = list->count;
    list->items[list->count++] = c;
    return true;
}

struct connection *connection_start(struct http *http, int fd, const struct sockaddr *address)
{
    struct connection *c = calloc(1, sizeof *c);
    bool listed;

    if (!c)
        return NULL;
    c->http = http;
    c->fd = fd;
    ip_of_socket(address, &c->ip);
    c->trusted = networks_hold(&http->trusted, &c->ip);
    atomic_init(&c->state, (clock_ns() & ~(uint64_t)7) | PHASE_NEW);
    pthread_mutex_lock(&http->connections.mutex);
    listed = enlist(c);
    pthread_mutex_unlock(&http->connections.mutex);
    if (!listed) {
        free(c);
        return NULL;
    }
    metrics_gauge_add(METRIC_http_connections, 1);
    return c;
}

/* Bytes have come that never became a request: a line that libmicrohttpd could not read, upon which
 * it closes without a word, or of which the rest did not come. Where it has answered, its log line
 * was counted. A farewell counts as a byte, and an empty line before a request is none of it. */
static void count_unread_line(const struct connection *c)
{
    enum { NO_LINE_BYTES = 3 };
    enum phase phase = phase_of(atomic_load(&c->state));
    struct socket_progress progress;

    if ((phase == PHASE_NEW || phase == PHASE_IDLE) && socket_progress(c->fd, &progress) &&
        progress.received > atomic_load(&c->asked) + NO_LINE_BYTES &&
        (phase == PHASE_IDLE || progress.sent == 0))
        metrics_add(METRIC_http_rejected_total, REJECTED_REQUEST_LINE, 1);
}

void connection_end(struct connection *c)
{
    struct connections *list = &c->http->connections;

    count_unread_line(c);
    reply_settle(c, true);
    pthread_mutex_lock(&list->mutex);
    list->items[c->slot] = list->items[--list->count];
    list->items[c->slot]->slot = c->slot;
    if (c->address)
        addresses_remove(list, c->address);
    pthread_mutex_unlock(&list->mutex);
    metrics_gauge_add(METRIC_http_connections, -1);
    free(c);
}

size_t connections_count(struct connections *list)
{
    size_t n;

    pthread_mutex_lock(&list->mutex);
    n = list->count;
    pthread_mutex_unlock(&list->mutex);
    return n;
}

/* The mutex is let go between groups, or ten thousand connections would stall every accept. One
 * that changes its slot meanwhile may be missed; the next visit sees it. */
void connections_visit(struct connections *list,
                       void (*visit)(struct connection *connection, void *context), void *context)
{
    size_t from = 0, count;

    do {
        pthread_mutex_lock(&list->mutex);
        count = list->count;
        for (size_t i = from; i < count && i < from + VISIT_AT_ONCE; i++)
            visit(list->items[i], context);
        pthread_mutex_unlock(&list->mutex);
        from += VISIT_AT_ONCE;
    } while (from < count);
}
