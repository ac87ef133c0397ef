/* ask.h - a request of the daemon's own machine, answered at once. */
#ifndef ASK_H
#define ASK_H

#include <string.h>
#include "api/api.h"
#include "base/clock.h"

/* The reply is the caller's, for api_reply_fini(). */
static inline struct api_reply ask_for(struct api *api, const char *method, const char *target,
                                       const char *body)
{
    const struct api_request request = {.method = method,
                                        .target = target,
                                        .is_local = true,
                                        .body = body,
                                        .body_bytes = strlen(body),
                                        .received_ns = clock_ns()};
    struct api_reply reply;

    api_handle(api, &request, &reply);
    return reply;
}

#endif
