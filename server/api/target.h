/* target.h - the request target, parsed once: path segments decoded, query split. Pure functions.
 *
 * Everything that looks at a URL looks at this struct, so that no two parts can read it
 * differently. */
#ifndef API_TARGET_H
#define API_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

enum { TARGET_BYTES_MAX = 2048, TARGET_SEGMENTS_MAX = 16, TARGET_QUERY_MAX = 16 };

struct target {
    char *segments[TARGET_SEGMENTS_MAX]; /* decoded; only the one of "/" is empty */
    size_t segments_count;
    unsigned odd; /* bit i: segment i holds other bytes than [A-Za-z0-9._~:-] */
    struct {
        const char *key, *value;
    } query[TARGET_QUERY_MAX];
    size_t query_count;
};

/* Parse text, the raw target in origin form ("/v1/models?x=1") or absolute form ("http://host/v1"):
 * it is decoded in place, and what t points into. Percent escapes are decoded once. A path that no
 * route can have (an empty segment, too many) is ERROR_UNKNOWN_PATH, a broken escape or query
 * ERROR_BAD_REQUEST. */
enum error_id target_parse(struct target *t, char *text, struct error *error);

/* Does it hold [A-Za-z0-9._~:-] alone? Other bytes come from percent escapes: only what takes a
 * segment as it is, without looking into it, may have them. */
static inline bool target_is_plain(const struct target *t, size_t segment)
{
    return !(t->odd >> segment & 1);
}

/* The value of a query key, or NULL. */
const char *target_query(const struct target *t, const char *key);

#endif
