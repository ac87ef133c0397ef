/* compressed.h - texts, compressed by zlib itself, and decoded by body/encoding.h in any pieces. */
#ifndef COMPRESSED_H
#define COMPRESSED_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "body/encoding.h"

enum { GZIP_BITS = 31, ZLIB_BITS = 15, RAW_BITS = -15 };

struct bytes {
    char *data; /* [size] new */
    size_t size;
};

/* Numbers, then something that repeats itself, longer than a piece. */
static inline struct bytes text_of(size_t numbers, size_t zeros)
{
    struct buf b;
    struct bytes text;

    buf_init(&b, 0);
    for (size_t i = 0; i < numbers; i++)
        buf_printf(&b, "%zu,", i * i * 2654435761u % 1000003);
    for (size_t i = 0; i < zeros; i++)
        buf_puts(&b, "0");
    text.data = buf_steal(&b, &text.size);
    return text;
}

static inline struct bytes compressed(struct bytes text, int bits)
{
    z_stream z = {.next_in = (unsigned char *)text.data, .avail_in = (unsigned)text.size};
    struct bytes out = {malloc(text.size + 1000), 0};

    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = (unsigned char *)out.data;
    z.avail_out = (unsigned)text.size + 1000;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.size = z.total_out;
    deflateEnd(&z);
    return out;
}

static inline struct bytes joined(struct bytes a, struct bytes b)
{
    struct bytes both = {malloc(a.size + b.size + 1), a.size + b.size};

    memcpy(mempcpy(both.data, a.data, a.size), b.data, b.size);
    return both;
}

/* ---- decoding -------------------------------------------------------------------------------- */

struct decoded {
    struct buf text;
    struct error error;
    size_t held_max;
    bool odd; /* a promise was not kept; libcheck's own macros would allocate meanwhile */
};

/* A first piece of the bytes, then pieces of `rest`. */
static inline struct decoded decode(enum encoding_id id, struct bytes in, size_t first, size_t rest,
                                    struct memory_account *account)
{
    struct decoder *d = decoder_create(id, account);
    struct decoded got = {.held_max = 0};

    buf_init(&got.text, 0);
    if (!d) {
        error_set(&got.error, ERROR_OUT_OF_MEMORY, "out of memory");
        return got;
    }
    for (size_t at = 0, n = first; at < in.size; at += n, n = rest) {
        const char *bytes = in.data + at, *piece;
        size_t left, length;

        n = n < in.size - at ? n : in.size - at;
        left = n;
        while ((length = decoder_next(d, &bytes, &left, &piece)) > 0) {
            got.odd |= length > DECODER_PIECE_BYTES;
            buf_append(&got.text, piece, length);
            if (decoder_bytes(d) > got.held_max)
                got.held_max = decoder_bytes(d);
        }
        got.odd |= left != 0 || bytes != in.data + at + n;
        if (n == 0 && rest == 0)
            break;
    }
    decoder_finish(d, id, &got.error);
    got.odd |= got.error.id != ERROR_OK && !got.error.detail[0];
    decoder_destroy(d);
    return got;
}

/* The forms in which a text may come. */
static const struct {
    enum encoding_id id;
    int bits;
} forms[] = {
    {ENCODING_GZIP, GZIP_BITS}, {ENCODING_DEFLATE, ZLIB_BITS}, {ENCODING_DEFLATE, RAW_BITS}};
enum { FORMS = sizeof forms / sizeof *forms };

#endif
