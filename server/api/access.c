/* access.c - who may ask: the hosts that the service answers for (--hosts), and who may change it.
 *
 * A page of a stranger reaches a service that is closed to the stranger: its name may resolve to
 * our address (the browser then sends it as Host), and its forms may be sent to us (with its own
 * name as Origin). Public routes are for everybody: probes of health name the address of a pod. */
#include <string.h>
#include <strings.h>
#include "api/route.h"
#include "base/hosts.h"

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
    if (origin && !holds_origin(hosts, origin))
        return call_fail(call, ERROR_CROSS_SITE,
                         "Origin '%.100s' is no host that is served here (hosts)", origin);
    return ERROR_OK;
}

/* No page of a browser, which speaks for whoever wrote it; no other machine; and nobody by way of a
 * proxy on this one, which speaks for whoever reaches it. */
static enum error_id check_admin(struct api_call *call, const struct api_request *request,
                                 bool hosting)
{
    const char *origin = request->headers[REQUEST_ORIGIN];
    bool anywhere = hosting && call->api->options->multi_model;

    if (origin)
        return call_fail(call, ERROR_CROSS_SITE,
                         "Origin '%.100s': pages may not change the service", origin);
    if (!anywhere && (request->headers[REQUEST_FORWARDED] ||
                      request->headers[REQUEST_X_FORWARDED_FOR] || !request->is_local))
        return call_fail(call, ERROR_FORBIDDEN,
                         "%s answers clients on the service's own machine only, and no proxy",
                         api_route_label(call->reply->route));
    return ERROR_OK;
}

enum error_id access_check(struct api_call *call, const struct route *route,
                           const struct api_request *request)
{
    enum route_access access = access_of(call->api, route);
    enum error_id id = access == ACCESS_PUBLIC ? ERROR_OK : check_hosts(call, request);

    if (id != ERROR_OK || access < ACCESS_ADMIN)
        return id;
    return check_admin(call, request, access == ACCESS_HOSTING);
}
