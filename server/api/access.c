/* access.c - who may ask: the hosts that the service answers for (--hosts), the keys that it knows
 * (--keys), and without keys who may change it.
 *
 * A page of a stranger reaches a service that is closed to the stranger: its name may resolve to
 * our address (the browser then sends it as Host), and its forms may be sent to us (with its own
 * name as Origin). Public routes are for everybody: probes of health name the address of a pod. */
#include <stdatomic.h>
#include <string.h>
#include <strings.h>
#include "api/route.h"
#include "base/hosts.h"
#include "base/ip.h"
#include "base/log.h"
#include "keys/credential.h"
#include "keys/keys.h"
#include "metrics/metrics.h"

_Static_assert(sizeof((struct api_account *)0)->key == sizeof((struct key_owner *)0)->name,
               "an account holds any key's name");

/* "https://example.com:8000"; "null" has no host. */
static bool holds_origin(const char *hosts, const char *origin)
{
    const char *scheme_end = strstr(origin, "://");

    return scheme_end && hosts_hold(hosts, scheme_end + strlen("://"));
}

/* Those who watch the service are who --metrics-access says. An unknown path is asked as a model
 * is.
 */
static enum route_access access_of(const struct api *api, const struct route *route)
{
    static const char *const names[] = {
        [ACCESS_PUBLIC] = "public", [ACCESS_INFER] = "infer", [ACCESS_ADMIN] = "admin"};
    enum route_access access = route ? route->access : ACCESS_INFER;

    for (enum route_access a = 0; access == ACCESS_METRICS && a < ACCESS_METRICS; a++)
        if (strcmp(names[a], api->options->metrics_access) == 0)
            access = a;
    return access;
}

static enum error_id check_hosts(struct api_call *call, const struct api_request *request)
{
    const char *hosts = call->api->options->hosts;
    const char *host = request->headers[REQUEST_HOST], *origin = request->headers[REQUEST_ORIGIN];

    if (!*hosts)
        return ERROR_OK;
    if (!hosts_hold(hosts, host))
        return call_fail(call, ERROR_WRONG_HOST,
                         "Host '%.100s' is none that is served here (hosts)", host ? host : "");
    if (origin && !call->reply->headers[REPLY_CORS_ORIGIN] && !holds_origin(hosts, origin))
        return call_fail(call, ERROR_CROSS_SITE,
                         "Origin '%.100s' is no host that is served here (hosts)", origin);
    return ERROR_OK;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* The names under which clients put keys into URLs, which proxies, browsers and logs keep. */
static const char *key_in_query(const struct target *target)
{
    static const char *const names[] = {"key",    "keys",         "api_key",
                                        "apikey", "api-key",      "x-api-key",
                                        "token",  "access_token", "authorization"};

    for (size_t i = 0; i < target->query_count; i++)
        for (size_t n = 0; n < sizeof names / sizeof *names; n++)
            if (strcasecmp(target->query[i].key, names[n]) == 0)
                return names[n];
    return NULL;
}

/* Counted each time, logged once a second with how many there were since; never with a byte of the
 * key. */
static void tell(const struct api_call *call, const struct api_request *request,
                 enum metrics_key_refusal cause)
{
    static atomic_uint_fast64_t told_ns, untold;
    char client[IP_TEXT_MAX] = "";

    metrics_add(METRIC_keys_refused_total, cause, 1);
    atomic_fetch_add(&untold, 1);
    if (!log_is_due(&told_ns))
        return;
    if (request->client)
        ip_write(request->client, client);
    log_write(LOG_WARN, "key_refused",
              (const struct log_field[]){LOG_S("cause", metrics_key_refusal(cause)),
                                         LOG_S("client", client),
                                         LOG_S("route", api_route_label(call->reply->route)),
                                         LOG_U("count", atomic_exchange(&untold, 0)),
                                         LOG_S("key", call->reply->account.key)},
              *call->reply->account.key ? 5 : 4);
}

/* RFC 6750, 3.1. */
static enum error_id refuse_key(struct api_call *call, const struct api_request *request,
                                enum metrics_key_refusal cause, const char *why)
{
    static const char *const challenges[KEY_REFUSALS] = {
        [KEY_MISSING] = "Bearer realm=\"axond\"",
        [KEY_MALFORMED] = "Bearer realm=\"axond\", error=\"invalid_request\"",
        [KEY_UNKNOWN] = "Bearer realm=\"axond\", error=\"invalid_token\"",
        [KEY_SCOPE] = "Bearer realm=\"axond\", error=\"insufficient_scope\", scope=\"admin\""};

    call->reply->headers[REPLY_WWW_AUTHENTICATE] = challenges[cause];
    tell(call, request, cause);
    return call_fail(call, cause == KEY_SCOPE ? ERROR_FORBIDDEN : ERROR_UNAUTHORIZED, "%s", why);
}

static enum error_id refuse_place(struct api_call *call, const struct api_request *request,
                                  const char *name)
{
    tell(call, request, KEY_MALFORMED);
    return call_fail(call, ERROR_BAD_REQUEST,
                     "query: '%s': a key belongs in a header, Authorization: Bearer KEY or "
                     "X-API-Key: KEY, since URLs are written down on their way",
                     name);
}

/* The request's key opens `needed`; the log tells its name. */
static enum error_id check_key(struct api_call *call, const struct api_request *request,
                               enum key_scope needed)
{
    struct credential c = credential_read(request->headers[REQUEST_AUTHORIZATION],
                                          request->headers[REQUEST_X_API_KEY]);
    const char *name = key_in_query(&call->target);
    struct key_owner owner;

    if (name)
        return refuse_place(call, request, name);
    if (c.kind == CREDENTIAL_NONE)
        return refuse_key(call, request, KEY_MISSING,
                          "a key is needed, as Authorization: Bearer KEY or X-API-Key: KEY");
    if (c.kind == CREDENTIAL_AMBIGUOUS) {
        tell(call, request, KEY_MALFORMED);
        return call_fail(call, ERROR_BAD_REQUEST, "%s", c.why);
    }
    if (c.kind == CREDENTIAL_MALFORMED)
        return refuse_key(call, request, KEY_MALFORMED, c.why);
    if (!keys_find(call->api->keys, c.secret, c.bytes, &owner))
        return refuse_key(call, request, KEY_UNKNOWN, "the key is not known here");
    memcpy(call->reply->account.key, owner.name, sizeof owner.name);
    return owner.scope >= needed ? ERROR_OK
                                 : refuse_key(call, request, KEY_SCOPE,
                                              "the key is one for inference, and this needs one of "
                                              "the scope admin");
}

/* A browser asks whether its page may ask: without a key, for it has none. */
static bool is_preflight(const struct api_call *call, const struct api_request *request)
{
    return call->reply->headers[REPLY_CORS_ORIGIN] && request->headers[REQUEST_CORS_METHOD] &&
           strcmp(call->method, "OPTIONS") == 0;
}

/* ---- without keys ---------------------------------------------------------------------------- */

/* No page of a browser, which speaks for whoever wrote it; no other machine; and nobody by way of a
 * proxy on this one, which speaks for whoever reaches it. */
static enum error_id check_admin(struct api_call *call, const struct api_request *request,
                                 bool hosting)
{
    const char *origin = request->headers[REQUEST_ORIGIN];
    bool anywhere = hosting && call->api->options->multi_model;

    call->reply->headers[REPLY_CORS_ORIGIN] = call->reply->headers[REPLY_CORS_EXPOSE] = NULL;
    if (origin)
        return call_fail(call, ERROR_CROSS_SITE,
                         "Origin '%.100s': pages may not change the service", origin);
    if (!anywhere && (request->headers[REQUEST_FORWARDED] ||
                      request->headers[REQUEST_X_FORWARDED_FOR] || !request->is_local))
        return call_fail(
            call, ERROR_FORBIDDEN,
            "%s answers clients on the service's own machine only, and no proxy, unless "
            "there are keys (--keys)",
            api_route_label(call->reply->route));
    return ERROR_OK;
}

enum error_id access_check(struct api_call *call, const struct route *route,
                           const struct api_request *request)
{
    enum route_access access = access_of(call->api, route);
    enum error_id id = access == ACCESS_PUBLIC ? ERROR_OK : check_hosts(call, request);

    if (id != ERROR_OK || access == ACCESS_PUBLIC)
        return id;
    if (!call->api->keys)
        return access < ACCESS_ADMIN ? ERROR_OK
                                     : check_admin(call, request, access == ACCESS_HOSTING);
    return is_preflight(call, request)
               ? ERROR_OK
               : check_key(call, request, access < ACCESS_ADMIN ? KEY_INFER : KEY_ADMIN);
}
