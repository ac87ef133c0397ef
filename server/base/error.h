/* error.h - how a part of the server tells why a request cannot be served: an id and a place.
 *
 * The id gives the HTTP status and the `code` of the error body; detail is the sentence for people,
 * naming the place and the two numbers that disagree. Never put a path of the file system, a
 * pointer or an internal name in it. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum error_id {
#define ERR(id, http, text) ERROR_##id,
#include "base/errors.def"
#undef ERR
    ERROR_COUNT
};

enum { ERROR_DETAIL_MAX = 256 };

struct error {
    enum error_id id;              /* ERROR_OK: nothing went wrong */
    char detail[ERROR_DETAIL_MAX]; /* "" : the row's own text */
};

unsigned error_http_status(enum error_id id);
const char *error_code(enum error_id id); /* "bad_json"; static storage */
const char *error_text(enum error_id id); /* the row's text */

/* Set id and detail (cut at its size, bytes outside of printable ASCII replaced by '?' unless valid
 * UTF-8); returns id. */
enum error_id error_set(struct error *error, enum error_id id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
