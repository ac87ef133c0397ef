/* page.c - the page of server/ui, and for whoever does not ask for HTML that the service is alive.
 *
 * A browser keeps what it has got and asks each time whether it has changed: after an upgrade
 * nobody sees the page of the version before. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "api/call.h"
#include "base/accept.h"
#include "ui/assets.h"
#include "version.h"

/* FNV-1a; so small a file is hashed before anybody could notice. */
static uint64_t hash(const struct asset *asset)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (const char *at = asset->bytes; at < asset->last; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    return hash;
}

static enum error_id write_asset(struct api_call *call, const struct asset *asset)
{
    struct api_reply *reply = call->reply;
    const char *known = call->headers[REQUEST_IF_NONE_MATCH];

    snprintf(reply->etag, sizeof reply->etag, "\"%016llx\"", (unsigned long long)hash(asset));
    reply->headers[REPLY_ETAG] = reply->etag;
    reply->headers[REPLY_CACHE_CONTROL] = "no-cache";
    reply->headers[REPLY_VARY] = "Accept";
    if (known && (strcmp(known, "*") == 0 || strstr(known, reply->etag))) {
        reply->http_status = 304;
        reply->headers[REPLY_CONTENT_TYPE] = NULL;
        return ERROR_OK;
    }
    reply->headers[REPLY_CONTENT_TYPE] = asset->type;
    reply->headers[REPLY_TYPE_OPTIONS] = "nosniff";
    reply->headers[REPLY_SECURITY_POLICY] =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    buf_append(&reply->body, asset->bytes, (size_t)(asset->last - asset->bytes));
    return ERROR_OK;
}

enum error_id page_get(struct api_call *call)
{
    if (accept_prefers(call->headers[REQUEST_ACCEPT], "text/html", NULL, "application/json"))
        return write_asset(call, asset_find("index.html"));
    call->reply->headers[REPLY_VARY] = "Accept";
    buf_puts(&call->reply->body,
             "{\"status\":\"alive\",\"name\":\"axond\",\"version\":\"" AXOND_VERSION
             "\",\"description\":\"/openapi.json\"}");
    return ERROR_OK;
}

enum error_id page_asset(struct api_call *call)
{
    const struct asset *asset = asset_find(call->args[ARG_ASSET]);

    return asset ? write_asset(call, asset)
                 : call_fail(call, ERROR_UNKNOWN_PATH, "the page has no file '%s'",
                             call->args[ARG_ASSET]);
}
