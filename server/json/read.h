/* read.h - JSON text to jansson's values under a budget, with a hook for tensors, one window
 * of the text after the other.
 *
 * Why not jansson's own parser: its lexer drops bytes when its buffer cannot grow and then reads
 * past the end (lex_save ignores strbuffer_append_byte, up to 2.14 at least), reports out of memory
 * as bad syntax, and knows no budget. Its values are used, so callers notice no difference. */
#ifndef JSON_READ_H
#define JSON_READ_H

#include "body/envelope.h"

/* The memory of a token of jansson's: an empty object's, the largest there is. */
enum { JSON_TOKEN_BYTES = 240 };

/* Read on, as far as the window's whole tokens go. After the last window the state is JSON_END, or
 * there is an error, which stands in r->error. */
enum error_id json_read(struct envelope_reader *r);

/* For the parts of the reader. A string at the window's pos, unescaped into out (NUL-terminated
 * even if empty). */
enum error_id json_read_string(struct envelope_reader *r, struct buf *out);

/* A literal, number or string there; *value is new. */
enum error_id json_read_scalar(struct envelope_reader *r, json_t **value);

/* The buffer's text has been taken over. The buffer is kept for the next token unless it is large:
 * a body that began with a giant string is not to hold its memory two or three times to the end. */
static inline void json_consumed(struct buf *b)
{
    enum { KEPT_MAX = 65536 };

    b->len = 0;
    if (b->cap > KEPT_MAX)
        buf_fini(b);
}

#endif
