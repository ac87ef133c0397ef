/* forwarded.h - who asked, as the proxies between say: Forwarded (RFC 7239) and X-Forwarded-For.
 *
 * Pure functions over header values: no sockets, no libmicrohttpd, no memory. Anybody can send
 * these headers, so each name in them counts only if the one who appended it, on its right, is
 * trusted. */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "base/ip.h"

enum forwarded_header { FORWARDED, X_FORWARDED_FOR, FORWARDED_HEADERS };

/* The lines of one such header, in the order in which they came; NUL-terminated. If more
 * come than fit, the first are forgotten: they are the least trustworthy. */
enum { FORWARDED_LINES = 16 };
struct forwarded {
    size_t count;
    const char *lines[FORWARDED_LINES];
};

/* "forwarded" or "x-forwarded-for" in any case. */
bool forwarded_find(const char *name, enum forwarded_header *header);
void forwarded_add(struct forwarded *list, const char *line);

/* The rightmost address that is not trusted; if all are, the leftmost. *client begins as the
 * trusted one that sent the request, and stays so where nobody, or somebody without an address
 * ("unknown", "_hidden"), is named. *says: whether the header tells of clients at all, which one
 * with nothing but proto= or host= does not. False if a line does not hold what the header's syntax
 * asks for. */
bool forwarded_client(enum forwarded_header header, const struct forwarded *list,
                      const struct networks *trusted, struct ip *client, bool *says);

#endif
