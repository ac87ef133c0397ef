/* headers.h - the places of a request's and a reply's headers. Expanded from headers.def.
 *
 * The table stands here and not in server/http, which is above: requests and replies hold headers,
 * whoever carries them. */
#ifndef API_HEADERS_H
#define API_HEADERS_H

enum request_header {
#define REQUEST_HEADER(id, name, use) REQUEST_##id,
#include "api/headers.def"
    REQUEST_HEADERS
};

enum reply_header {
#define REPLY_HEADER(id, name) REPLY_##id,
#include "api/headers.def"
    REPLY_HEADERS
};

#endif
