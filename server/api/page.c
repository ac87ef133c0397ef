/* page.c - the page of server/ui, and for whoever does not ask for HTML that the service is alive.
 *
 * A browser keeps what it has got and asks each time whether it has changed: after an upgrade
 * nobody sees the page of the version before. */
#include "api/call.h"
#include "base/accept.h"
#include "ui/assets.h"
#include "version.h"

static enum error_id write_asset(struct api_call *call, const struct asset *asset)
{
    struct api_reply *reply = call->reply;
    size_t size = (size_t)(asset->stored.last - asset->stored.bytes);

    api_vary(reply, VARY_ACCEPT);
    if (call_is_known(call, asset->stored.bytes, size, "no-cache"))
        return ERROR_OK;
    reply->headers[REPLY_CONTENT_TYPE] = asset->type;
    reply->headers[REPLY_TYPE_OPTIONS] = "nosniff";
    reply->headers[REPLY_SECURITY_POLICY] =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    call_reply_stored(call, &asset->stored);
    return ERROR_OK;
}

enum error_id page_get(struct api_call *call)
{
    if (accept_prefers(call->headers[REQUEST_ACCEPT], "text/html", NULL, "application/json"))
        return write_asset(call, asset_find("index.html"));
    api_vary(call->reply, VARY_ACCEPT);
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
