/* client.c - who asked: the other end of a connection, or whom a trusted proxy names.
 *
 * Behind a proxy all clients share its connections, so their requests in flight count as
 * connections would. Invariant: an entry is taken at the headers and given back at the request's
 * end, once. */
#include <microhttpd.h>
#include <string.h>
#include "http/forwarded.h"
#include "http/private.h"

static enum MHD_Result see_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                  size_t name_bytes, const char *value, size_t value_bytes)
{
    struct forwarded *lists = cls;
    enum forwarded_header header;

    (void)kind;
    (void)name_bytes;
    (void)value_bytes;
    if (value && forwarded_find(name, &header))
        forwarded_add(&lists[header], value);
    return MHD_YES;
}

/* A proxy writes one of the two headers, and may hand on the other as its client sent it: what
 * disagrees is not to be believed, unless the operator says which one the proxy writes. */
static bool ask_proxy(struct connection *c, struct MHD_Connection *mhd)
{
    const char *only = c->http->options->trusted_proxy_header;
    struct forwarded lists[FORWARDED_HEADERS] = {{0}};
    struct ip named[FORWARDED_HEADERS] = {c->ip, c->ip};
    bool has[FORWARDED_HEADERS];

    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, see_header, lists);
    has[FORWARDED] = lists[FORWARDED].count > 0 && strcmp(only, "x-forwarded-for") != 0;
    has[X_FORWARDED_FOR] = lists[X_FORWARDED_FOR].count > 0 && strcmp(only, "forwarded") != 0;
    for (enum forwarded_header h = 0; h < FORWARDED_HEADERS; h++)
        if (has[h] && !forwarded_client(h, &lists[h], &c->http->trusted, &named[h], &has[h])) {
            body_refuse(c, ERROR_BAD_REQUEST,
                        h == FORWARDED ? "Forwarded, from a trusted proxy, is malformed"
                                       : "X-Forwarded-For, from a trusted proxy, is malformed");
            return false;
        }
    if (has[FORWARDED] && has[X_FORWARDED_FOR] &&
        !ip_same(&named[FORWARDED], &named[X_FORWARDED_FOR])) {
        body_refuse(c, ERROR_BAD_REQUEST,
                    "Forwarded and X-Forwarded-For, from a trusted proxy, name different clients "
                    "(trusted_proxy_header)");
        return false;
    }
    c->request.client = named[has[FORWARDED] ? FORWARDED : X_FORWARDED_FOR];
    return true;
}

static bool count_client(struct connection *c)
{
    struct connections *list = &c->http->connections;
    struct request *r = &c->request;
    bool crowded;

    pthread_mutex_lock(&list->mutex);
    crowded = addresses_count(list, &r->client) >= list->per_address_max;
    if (!crowded)
        r->proxied = addresses_add(list, &r->client);
    pthread_mutex_unlock(&list->mutex);
    if (crowded) {
        metrics_add(METRIC_http_rejected_total, REJECTED_CONNECTIONS_PER_ADDRESS, 1);
        connections_warn(c->http, "connections_per_address_max", &r->client);
        body_refuse(c, ERROR_OVERLOADED,
                    "too many requests of one address (connections_per_address_max)");
    } else if (!r->proxied) {
        body_refuse(c, ERROR_OUT_OF_MEMORY, "");
    }
    return r->proxied != NULL;
}

bool client_read(struct connection *c, struct MHD_Connection *mhd)
{
    if (!c->trusted)
        return true;
    return ask_proxy(c, mhd) && (ip_same(&c->request.client, &c->ip) || count_client(c));
}

void client_done(struct connection *c)
{
    if (!c->request.proxied)
        return;
    pthread_mutex_lock(&c->http->connections.mutex);
    addresses_remove(&c->http->connections, c->request.proxied);
    pthread_mutex_unlock(&c->http->connections.mutex);
    c->request.proxied = NULL;
}
