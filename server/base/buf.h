/* buf.h - a growing byte buffer with an upper bound. It knows nothing but memory.
 *
 * Appends never return an error: the first that cannot be done (no memory, over max) sets `failed`
 * and the later ones do nothing, so a writer checks once, at the end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/memory.h"

struct buf {
    char *data; /* [len] bytes, followed by a NUL that len does not count; NULL while empty. Bytes
                   that the caller wrote after buf_reserve get their NUL from the next append or
                   steal */
    size_t len, cap;
    size_t max; /* 0: no bound */
    bool failed;
    struct memory_account *account; /* what cap is charged to; NULL: nothing is */
};

void buf_init(struct buf *b, size_t max); /* without an account */
void buf_fini(struct buf *b);             /* frees; the buffer is empty and usable again */

/* A buffer is going to hold n bytes, or little more: if it is empty, room for exactly these. As
 * with appends, no memory shows in failed only. */
void buf_expect(struct buf *b, size_t n);

/* No more will be appended: memory that is left over in quantity goes back. */
void buf_trim(struct buf *b);

/* Room for n more bytes at data + len (not counted in len until the caller adds what it wrote), or
 * NULL and failed. */
char *buf_reserve(struct buf *b, size_t n);

void buf_append(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *text);
void buf_number(struct buf *b, uint64_t number); /* in decimal; sooner than buf_printf() does */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The bytes as a malloc'ed block that the caller frees, and that stays charged; the buffer is empty
 * afterwards. NULL and *len 0 if the buffer is empty or has failed; `failed` stays as it was until
 * buf_fini. */
char *buf_steal(struct buf *b, size_t *len);

#endif
