/* cors.c - pages of other sites (--cors-origin): what browsers ask before they let such a page send
 * a request, and let it read the reply (https://fetch.spec.whatwg.org/#http-cors-protocol).
 *
 * Knows no resource. Cookies are nobody's here, so no reply allows credentials: a page that has a
 * key sends it itself, and "*" gives nothing away. */
#include "api/route.h"
#include "base/origins.h"

/* Those that the service reads, and any other, which does no harm: "*" stands for all but
 * Authorization, in browsers that know it. */
static const char request_headers[] =
    "Authorization, X-API-Key, Content-Type, Content-Encoding, Accept, If-None-Match, "
    "Inference-Header-Content-Length, X-Request-Id, traceparent, *";
/* Those that a page could not read otherwise. */
static const char reply_headers[] = "X-Request-Id, traceparent, Server-Timing, Retry-After, "
                                    "Inference-Header-Content-Length, Allow, "
                                    "WWW-Authenticate, ETag, Content-Encoding, Content-Length";
/* As long as browsers keep it at most (Chromium). */
static const char max_age_s[] = "7200";

void api_cors(const struct api *api, const char *origin, struct api_reply *reply)
{
    if (!api->origins)
        return;
    /* A cache must not hand to one page what was said to another. */
    if (!api->origins->any)
        api_vary(reply, VARY_ORIGIN);
    reply->headers[REPLY_CORS_ORIGIN] = origin ? origins_find(api->origins, origin) : NULL;
    reply->headers[REPLY_CORS_EXPOSE] = reply->headers[REPLY_CORS_ORIGIN] ? reply_headers : NULL;
}

enum error_id options_answer(struct api_call *call)
{
    struct api_reply *reply = call->reply;

    route_allow(route_at(reply->route), reply->allow, sizeof reply->allow);
    reply->headers[REPLY_ALLOW] = reply->allow;
    if (reply->headers[REPLY_CORS_ORIGIN] && call->headers[REQUEST_CORS_METHOD]) {
        reply->headers[REPLY_CORS_METHODS] = reply->allow;
        reply->headers[REPLY_CORS_HEADERS] = request_headers;
        reply->headers[REPLY_CORS_MAX_AGE] = max_age_s;
        reply->headers[REPLY_CORS_EXPOSE] = NULL;
    }
    reply->headers[REPLY_CONTENT_TYPE] = NULL;
    reply->http_status = 204;
    return ERROR_OK;
}
