/* window.h - the piece of a text that can be looked at while more of it may come. Knows token.h.
 *
 * A reader takes whole tokens only: what may go on after the window stays in it, and its owner
 * presents it again with more bytes after it. So no reader has to stop within a token, and a text
 * is read alike however it comes in pieces. */
#ifndef JSON_WINDOW_H
#define JSON_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include "json/token.h"

#define WINDOW_UNKNOWN ((size_t)-1)

struct window {
    const char *text; /* [len]; if it is the last, followed by a NUL */
    size_t len, pos;
    bool last;           /* the text ends with it                                          */
    size_t behind;       /* bytes that are to come, or WINDOW_UNKNOWN                      */
    size_t scanned;      /* of the token at pos, which has no end yet: known to belong to it */
    size_t line, column; /* of text[0], from 1; columns are characters                     */
};

/* Skip white space. */
static inline void window_skip_space(struct window *w)
{
    const char *p = w->text + w->pos, *end = w->text + w->len;

    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    w->pos = (size_t)(p - w->text);
}

/* The byte at pos; 0 at the end. */
static inline char window_byte(const struct window *w)
{
    return w->pos < w->len ? w->text[w->pos] : '\0';
}

/* Is all of the token at pos there, and if it is a word (a number, a literal) a byte after it, or
 * the end of the text, or more of it than any word has that is no number? The first costs no more
 * for a token that comes byte by byte. */
bool window_word_ends(struct window *w);
static inline bool window_has_word(struct window *w)
{
    /* most are brackets and commas */
    return (w->pos < w->len && !token_is_word(w->text[w->pos])) || window_word_ends(w);
}
bool window_has_string(struct window *w); /* the byte at pos is a quote */

/* Line and column of text[pos], pos <= len. */
void window_place(const struct window *w, size_t pos, size_t *line, size_t *column);

/* Go on at pos with another text: what is in front of pos has been read. */
void window_move(struct window *w, const char *text, size_t len);

#endif
