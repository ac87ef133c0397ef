/* platforms.c - what platforms ask of a container before they send it rows: /ping (SageMaker's,
 * Vertex AI's), /health and /version (MLflow's).
 *
 * Answered by the thread that reads it, whatever the workers do. */
#include "api/call.h"
#include "version.h"

/* Where models come and go, none of them is no reason to replace the container. */
enum error_id ping_get(struct api_call *call)
{
    enum error_id id = call->api->options->multi_model ? health_live(call) : health_ready(call);

    call->reply->body.len = 0; /* readiness in words; platforms look at the status alone */
    return id;
}

enum error_id health_get(struct api_call *call)
{
    enum error_id id = ping_get(call);

    if (id == ERROR_OK)
        buf_puts(&call->reply->body, "\n");
    return id;
}

enum error_id version_get(struct api_call *call)
{
    call->reply->headers[REPLY_CONTENT_TYPE] = "text/plain; charset=utf-8";
    buf_puts(&call->reply->body, AXOND_VERSION);
    return ERROR_OK;
}
