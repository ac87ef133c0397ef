/* origins.h - the sites whose pages may use the service, as --cors-origin has them.
 *
 * Pure. An origin is what browsers call a site: "https://example.com", "http://localhost:3000", in
 * lower case and without a default port. */
#ifndef BASE_ORIGINS_H
#define BASE_ORIGINS_H

#include <stdbool.h>
#include <stddef.h>

enum { ORIGINS_MAX = 64, ORIGINS_TEXT_MAX = 1024 };

struct origins {
    bool any; /* "*" */
    size_t count;
    const char *items[ORIGINS_MAX]; /* within text */
    char text[ORIGINS_TEXT_MAX];
};

/* Commas between; "*" alone is everybody's; "" is nobody's. False if an item is no origin: without
 * a scheme, with a path, a default port or a wildcard; or if there are too many. */
bool origins_read(const char *list, struct origins *origins);

/* The answer for a page of that origin: "*", or the item that it is, as long as origins live; NULL:
 * it is in none. */
const char *origins_find(const struct origins *origins, const char *origin);

#endif
