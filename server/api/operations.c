/* operations.c - for those who run the service: health, metrics, the API's own description. */
#include <string.h>
#include "api/call.h"
#include "metrics/metrics.h"
#include "model/repository.h"
#include "version.h"

/* The description is a file that people read and edit; the assembler carries it into the binary. */
__asm__(".section .rodata\n"
        ".global axond_openapi_json\n"
        ".hidden axond_openapi_json\n"
        "axond_openapi_json:\n"
        ".incbin \"server/api/openapi.json\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char axond_openapi_json[];

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

enum error_id metrics_get(struct api_call *call)
{
    metrics_write(&call->reply->body, call->headers[REQUEST_ACCEPT],
                  &call->reply->headers[REPLY_CONTENT_TYPE]);
    return ERROR_OK;
}

enum error_id openapi_get(struct api_call *call)
{
    static const char version[] = "@VERSION@"; /* that of the binary stands there */
    const char *at = strstr(axond_openapi_json, version);

    buf_append(&call->reply->body, axond_openapi_json, (size_t)(at - axond_openapi_json));
    buf_puts(&call->reply->body, AXOND_VERSION);
    buf_puts(&call->reply->body, at + sizeof version - 1);
    return ERROR_OK;
}
