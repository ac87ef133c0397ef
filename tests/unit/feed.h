/* feed.h - a body that is there, handed to a call a piece at a time. */
#ifndef FEED_H
#define FEED_H

#include "api/api.h"

/* False: the call is refused, and what is left of the body [bytes] was not looked at. */
static inline bool feed(struct api_call *call, const char *body, size_t bytes, size_t piece)
{
    size_t size;

    for (; bytes > 0; body += size, bytes -= size) {
        size = piece < bytes ? piece : bytes;
        if (!api_feed(call, body, &size))
            return false;
    }
    return true;
}

#endif
