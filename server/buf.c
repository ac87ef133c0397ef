/* buf.c - a growing byte buffer with an upper bound.
 *
 * May know: malloc. Invariant: data is NULL (len and cap 0), or cap bytes of which len are used and
 * at least one more is there for the NUL; len never passes max. */
#include "buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAP_FIRST = 256 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

/* The next capacity that holds need bytes: doubling, but no further than max and its NUL. */
static size_t next_cap(const struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : CAP_FIRST;

    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (b->max && b->max < SIZE_MAX && cap > b->max + 1)
        cap = b->max + 1;
    return cap;
}

char *buf_reserve(struct buf *b, size_t n)
{
    size_t max = b->max && b->max < SIZE_MAX ? b->max : SIZE_MAX - 1;

    if (b->failed || n > max - b->len) {
        b->failed = true;
        return NULL;
    }
    if (b->len + n + 1 > b->cap) {
        size_t cap = next_cap(b, b->len + n + 1);
        char *data = realloc(b->data, cap);
        if (!data) {
            b->failed = true;
            return NULL;
        }
        b->data = data;
        b->cap = cap;
    }
    return b->data + b->len;
}

void buf_append(struct buf *b, const void *bytes, size_t n)
{
    char *at = buf_reserve(b, n);

    if (!at)
        return;
    if (n)
        memcpy(at, bytes, n);
    at[n] = '\0';
    b->len += n;
}

void buf_puts(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    size_t room = b->failed || !b->data ? 0 : b->cap - b->len;
    int n = vsnprintf(room ? b->data + b->len : NULL, room, format, args);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < room) {
        b->len += (size_t)n;
    } else {
        char *at = buf_reserve(b, (size_t)n);
        if (at)
            b->len += (size_t)vsnprintf(at, (size_t)n + 1, format, again);
        else if (room)
            b->data[b->len] = '\0';
    }
    va_end(again);
    va_end(args);
}

char *buf_steal(struct buf *b, size_t *len)
{
    bool failed = b->failed;
    char *data = NULL;

    *len = 0;
    if (!failed && b->len) {
        data = b->data;
        data[b->len] = '\0';
        *len = b->len;
        b->data = NULL;
    }
    buf_fini(b);
    b->failed = failed;
    return data;
}
