/* error.h - how a part of the server tells why a request cannot be served, or a file not be read:
 * an id and a place.
 *
 * The id gives the HTTP status and the `code` of the error body; detail is the sentence for people,
 * naming the place and the two numbers that disagree. A text that reaches a client has no path of
 * the file system but those within a model's folder, no pointer and no internal name in it. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum error_id {
#define ERR(id, http, text) ERROR_##id,
#include "base/errors.def"
#undef ERR
    ERROR_COUNT
};

enum { ERROR_DETAIL_MAX = 512 };

struct error {
    enum error_id id;              /* ERROR_OK: nothing went wrong */
    char detail[ERROR_DETAIL_MAX]; /* "" : the row's own text */
};

unsigned error_http_status(enum error_id id);
const char *error_code(enum error_id id); /* "bad_json"; static storage */
const char *error_text(enum error_id id); /* the row's text */

/* Set id and detail, cut at its size; bytes that are no printable UTF-8 (control characters of C0
 * and C1, too) become '?'. The arguments may point into detail. Returns id, so that a failing
 * function can end with it. */
enum error_id error_set(struct error *error, enum error_id id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
