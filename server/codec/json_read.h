/* json_read.h - JSON text to jansson's values under a budget, with a hook for tensors.
 *
 * Why not jansson's own parser: its lexer drops bytes when its buffer cannot grow and then reads
 * past the end (lex_save ignores strbuffer_append_byte, up to 2.14 at least), reports out of memory
 * as bad syntax, and knows no budget. Its values are used, so callers notice no difference. */
#ifndef CODEC_JSON_READ_H
#define CODEC_JSON_READ_H

#include "codec/envelope.h"

enum { JSON_DEPTH_MAX = 512 }; /* bounds every configured depth: json_decref recurses */

struct json_reader {
    const char *text; /* [len] bytes followed by a NUL */
    size_t len, pos;
    const struct envelope_limits *limits;
    struct error *error;

    struct envelope_field *fields; /* [fields_count] top-level keys that may hold tensors */
    size_t fields_count;
    enum non_finite policy;

    size_t tokens;        /* keys and values read so far */
    struct buf key, word; /* the current key, the current string */
    json_t *root;         /* owned */
    bool fresh;           /* the innermost container was just opened */
    size_t depth;
    json_t *open[JSON_DEPTH_MAX]; /* the containers around pos, borrowed from root */
};

/* Read one JSON object, with white space around it, up to the end of the text. The caller sets text
 * to policy above and zeros the rest; it releases root, key and word, also on failure. */
enum error_id json_read_object(struct json_reader *r);

/* For the parts of the reader. White space is skipped; the returned byte is 0 at the end. */
char json_skip_space(struct json_reader *r);

/* A string at pos, unescaped into out (NUL-terminated even if empty). */
enum error_id json_read_string(struct json_reader *r, struct buf *out);

/* A literal, number or string at pos; *value is new. */
enum error_id json_read_scalar(struct json_reader *r, json_t **value);

/* Set the error "line 2, column 7: <format>" for the place pos; returns id. */
enum error_id json_fail(struct json_reader *r, size_t pos, enum error_id id, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));

/* "expected <what>, found <what is there>" at pos */
enum error_id json_expected(struct json_reader *r, const char *what);

#endif
