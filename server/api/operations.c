/* operations.c - for those who run the service: health, metrics, the API's own description.
 *
 * Health is answered by the thread that reads it, whatever the workers do. A scrape is a worker's:
 * it merges the counts of all units of all models. */
#include "api/call.h"
#include "metrics/metrics.h"
#include "model/repository.h"

/* The description is a file that people read and edit; the build puts the version into it. */
STORE(openapi, "openapi.json")

enum error_id health_live(struct api_call *call)
{
    buf_puts(&call->reply->body, "{\"live\":true}");
    return ERROR_OK;
}

enum error_id health_ready(struct api_call *call)
{
    if (atomic_load_explicit(&call->api->draining, memory_order_relaxed))
        return call_fail(call, ERROR_DRAINING, "the service is shutting down");
    if (!repository_serves(call->api->repository))
        return call_fail(call, ERROR_NOT_READY,
                         "no model of the repository serves; GET /v1/models tells why");
    buf_puts(&call->reply->body, "{\"ready\":true}");
    return ERROR_OK;
}

/* ---- metrics ---- */

_Static_assert(sizeof(struct metrics_scrape) <= CALL_STATE_MAX, "a call's state");

static struct metrics_scrape *scrape_of(const struct api_call *call)
{
    return (struct metrics_scrape *)(uintptr_t)call->state;
}

static enum error_id scrape_begin(struct api_call *call)
{
    metrics_scrape_begin(scrape_of(call), call->headers[REQUEST_ACCEPT]);
    return ERROR_OK;
}

static enum error_id scrape_refresh(struct api_call *call)
{
    call->again = metrics_scrape_refresh(scrape_of(call));
    return ERROR_OK;
}

static enum error_id scrape_write(struct api_call *call)
{
    struct metrics_scrape *s = scrape_of(call);

    call->reply->headers[REPLY_CONTENT_TYPE] = metrics_scrape_content_type(s);
    api_vary(call->reply, VARY_ACCEPT);
    call->again = metrics_scrape_write(s, &call->reply->body);
    return ERROR_OK;
}

static void nothing_held(struct api_call *call, bool answered)
{
    (void)call;
    (void)answered;
}

/* Some at most, since a long scrape is no reason to refuse others their numbers. */
static size_t elements(const struct api_call *call)
{
    enum { MANY = 1 << 20 };
    size_t numbers = metrics_scrape_numbers();

    (void)call;
    return numbers < MANY ? numbers : MANY;
}

static const struct call_post metrics = {
    .tensors = (const char *const[]){NULL},
    .state_bytes = sizeof(struct metrics_scrape),
    .phases =
        {[CALL_READ] = scrape_begin, [CALL_COMPUTE] = scrape_refresh, [CALL_WRITE] = scrape_write},
    .fini = nothing_held,
    .elements = elements,
    .always = true,
};

enum error_id metrics_get(struct api_call *call)
{
    return call_go_on(call, &metrics);
}

/* ---- the API's own description ---- */

enum error_id openapi_get(struct api_call *call)
{
    static const struct stored openapi = STORED(openapi);

    call_reply_stored(call, &openapi);
    return ERROR_OK;
}
