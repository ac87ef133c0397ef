/* http.h - the network: libmicrohttpd adaptor with framing gate, limits, total deadlines and drain.
 *
 * The only module that knows libmicrohttpd. Bytes go to server/api, replies come back. */
#ifndef HTTP_H
#define HTTP_H

#include <stddef.h>
#include "api/api.h"

struct http;

/* Listen and serve with `threads` epoll threads. new; NULL and a one-line message that names
 * address and cause ("127.0.0.1:8000: Address already in use"). api stays the caller's and must
 * outlive it. */
struct http *http_start(struct api *api, const struct options *options, unsigned threads,
                        struct error *error);

/* The address that it really listens on: "127.0.0.1:8000". Borrowed. */
const char *http_address(const struct http *http);

/* Drain (api->draining was set by the caller): no new connection, every accepted request is
 * answered with Connection: close, idle connections are closed; returns the number of connections
 * that were cut because drain_timeout passed or *cut_now became true. Then nothing serves any more.
 */
size_t http_drain(struct http *http, const volatile int *cut_now);

void http_destroy(struct http *http); /* after http_drain(), or to cut at once; NULL is fine */

#endif
