/* buf.c - a growing byte buffer with an upper bound.
 *
 * May know: malloc. Invariant: data is NULL (len and cap 0), or cap bytes of which len are used and
 * at least one more is there for the NUL; len never passes max. */
#include "base/buf.h"

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

static void forget(struct buf *b)
{
    *b = (struct buf){.max = b->max, .account = b->account};
}

void buf_fini(struct buf *b)
{
    free(b->data);
    memory_give(b->account, b->cap);
    forget(b);
}

/* The longest that the buffer may become; no object is larger than PTRDIFF_MAX. */
static size_t len_max(const struct buf *b)
{
    return b->max && b->max < PTRDIFF_MAX ? b->max : PTRDIFF_MAX - 1;
}

/* The next capacity that holds need bytes: doubling, but no further than the longest and its NUL.
 */
static size_t next_cap(const struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : CAP_FIRST, cap_max = len_max(b) + 1;

    while (cap < need)
        cap = cap > cap_max / 2 ? cap_max : cap * 2;
    return cap < cap_max ? cap : cap_max;
}

/* Charged before it is allocated: a block that moves is there twice for a moment, which large ones
 * are not, since they are moved by the page table. */
static bool grow(struct buf *b, size_t cap)
{
    char *data;

    if (!memory_take(b->account, cap - b->cap))
        return false;
    data = realloc(b->data, cap);
    if (!data) {
        memory_give(b->account, cap - b->cap);
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->failed || n > len_max(b) - b->len) {
        b->failed = true;
        return NULL;
    }
    if (b->len + n + 1 > b->cap && !grow(b, next_cap(b, b->len + n + 1))) {
        b->failed = true;
        return NULL;
    }
    return b->data + b->len;
}

void buf_expect(struct buf *b, size_t n)
{
    if (b->cap == 0 && n < len_max(b) && !grow(b, n + 1))
        b->failed = true;
}

void buf_trim(struct buf *b)
{
    enum { LITTLE = 65536 };
    size_t spare = b->cap > b->len ? b->cap - b->len - 1 : 0;
    char *data = spare > LITTLE ? realloc(b->data, b->len + 1) : NULL;

    if (!data)
        return;
    b->data = data;
    b->cap -= spare;
    memory_give(b->account, spare);
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

void buf_number(struct buf *b, uint64_t number)
{
    char digits[20], *at = digits + sizeof digits; /* all that 64 bits need */

    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    buf_append(b, at, (size_t)(digits + sizeof digits - at));
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
        forget(b);
    }
    buf_fini(b);
    b->failed = failed;
    return data;
}
