/* encoding.c - see encoding.h. May know: zlib, memory; no HTTP but the two header values. */
#include "body/encoding.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include "base/accept.h"

enum { WINDOW_BITS_MAX = 15, WINDOW_BITS_MIN = 9 };

/* ---- names ---- */

static const struct coding {
    const char *name, *other;
    int window;
} codings[ENCODING_COUNT] = {
    [ENCODING_IDENTITY] = {"identity", NULL, 0},
#define ENCODING(id, ...) [ENCODING_##id] = {__VA_ARGS__},
#include "body/encodings.def"
#undef ENCODING
};

const char *encoding_name(enum encoding_id id)
{
    return codings[id].name;
}

const char *encoding_names(void)
{
    static const char names[] = ""
#define ENCODING(id, name, ...) ", " name
#include "body/encodings.def"
#undef ENCODING
        ;
    return names + strlen(", ");
}

bool encoding_find(const char *content_encoding, enum encoding_id *id)
{
    *id = ENCODING_IDENTITY;
    if (!content_encoding || !*content_encoding)
        return true;
    for (size_t i = 0; i < ENCODING_COUNT; i++)
        if (strcasecmp(content_encoding, codings[i].name) == 0 ||
            (codings[i].other && strcasecmp(content_encoding, codings[i].other) == 0)) {
            *id = (enum encoding_id)i;
            return true;
        }
    return false;
}

enum encoding_id encoding_choose(const char *accept_encoding)
{
    enum encoding_id best = ENCODING_IDENTITY;
    double q, best_q = 0;

    if (!accept_encoding)
        return ENCODING_IDENTITY;
    for (size_t i = ENCODING_IDENTITY + 1; i < ENCODING_COUNT; i++) {
        q = accept_quality(accept_encoding, codings[i].name);
        if (q < 0 && codings[i].other)
            q = accept_quality(accept_encoding, codings[i].other);
        if (q < 0)
            q = accept_quality(accept_encoding, "*");
        if (q > best_q) {
            best = (enum encoding_id)i;
            best_q = q;
        }
    }
    return accept_quality(accept_encoding, "identity") > best_q ? ENCODING_IDENTITY : best;
}

/* ---- zlib's memory ---- */

struct held {
    struct memory_account *account;
    size_t bytes;
};

static void *take(void *held, unsigned count, unsigned size)
{
    struct held *h = held;
    size_t bytes = (size_t)count * size;
    void *block = memory_take(h->account, bytes) ? malloc(bytes) : NULL;

    if (block)
        h->bytes += bytes;
    return block;
}

/* zlib does not say how much: all is given back when its stream ends. */
static void give(void *held, void *block)
{
    (void)held;
    free(block);
}

static void give_back(struct held *held)
{
    memory_give(held->account, held->bytes);
    held->bytes = 0;
}

/* ---- decoding ---- */

enum { HEAD_BYTES = 2 };

struct decoder {
    z_stream stream;
    struct held held;
    enum encoding_id id;
    enum {
        DECODER_HEAD, /* deflate: too few bytes to see the wrapper */
        DECODER_BODY,
        DECODER_ENDED, /* its stream; a member of gzip's may follow */
        DECODER_FAILED
    } at;
    unsigned char head[HEAD_BYTES];
    size_t head_bytes;
    uint64_t taken;   /* compressed bytes           */
    uint64_t members; /* streams that came to an end */
    struct error error;
    char piece[DECODER_PIECE_BYTES];
};

struct decoder *decoder_create(enum encoding_id id, struct memory_account *account)
{
    struct decoder *d = memory_take(account, sizeof *d) ? malloc(sizeof *d) : NULL;

    if (!d)
        return NULL;
    memset(d, 0, offsetof(struct decoder, piece));
    d->id = id;
    d->at = id == ENCODING_DEFLATE ? DECODER_HEAD : DECODER_BODY;
    d->held.account = account;
    d->stream.zalloc = take;
    d->stream.zfree = give;
    d->stream.opaque = &d->held;
    if (inflateInit2(&d->stream, WINDOW_BITS_MAX + codings[id].window) == Z_OK)
        return d;
    decoder_destroy(d);
    return NULL;
}

/* The 40 KiB that zlib holds are needed no more. */
static void release(struct decoder *d)
{
    inflateEnd(&d->stream);
    give_back(&d->held);
}

void decoder_destroy(struct decoder *d)
{
    if (!d)
        return;
    release(d);
    memory_give(d->held.account, sizeof *d);
    free(d);
}

size_t decoder_bytes(const struct decoder *d)
{
    return d ? sizeof *d + d->held.bytes : 0;
}

static bool fail(struct decoder *d, enum error_id id, const char *what)
{
    error_set(&d->error, id, "the %s body, byte %llu: %s", encoding_name(d->id),
              (unsigned long long)d->taken, what);
    d->at = DECODER_FAILED;
    release(d);
    return false;
}

static bool fail_data(struct decoder *d)
{
    if (d->members > 0 && d->stream.total_out == 0 && d->stream.total_in <= HEAD_BYTES) {
        d->taken -= d->stream.total_in;
        return fail(d, ERROR_BAD_ENCODING, "the stream ends here, and bytes that follow are none");
    }
    return fail(d, ERROR_BAD_ENCODING, d->stream.msg ? d->stream.msg : "malformed data");
}

/* So many bytes, or fewer if the piece is full or the stream ends. False: it is of no use to come
 * again with what is left of them. */
static bool inflate_some(struct decoder *d, const unsigned char *bytes, size_t size, size_t *taken)
{
    z_stream *z = &d->stream;
    int status;

    z->next_in = (unsigned char *)(uintptr_t)bytes;
    z->avail_in = size < UINT_MAX ? (unsigned)size : UINT_MAX;
    status = inflate(z, Z_NO_FLUSH);
    *taken = (size_t)(z->next_in - bytes);
    d->taken += *taken;
    switch (status) {
    case Z_STREAM_END:
        d->at = DECODER_ENDED;
        d->members++;
        return true;
    case Z_OK:
        return true;
    case Z_BUF_ERROR: /* there is nothing left to do */
        return false;
    case Z_MEM_ERROR:
        return fail(d, ERROR_OUT_OF_MEMORY, "out of memory");
    case Z_NEED_DICT:
        return fail(d, ERROR_BAD_ENCODING, "it needs a dictionary that only its sender has");
    default:
        return fail_data(d);
    }
}

/* Deflate's first two bytes tell whether it has zlib's wrapper (RFC 1950, 2.2). False: there are
 * not that many yet. */
static bool see_head(struct decoder *d, const char **bytes, size_t *size)
{
    size_t taken;

    while (*size > 0 && d->head_bytes < HEAD_BYTES) {
        d->head[d->head_bytes++] = (unsigned char)*(*bytes)++;
        --*size;
    }
    if (d->head_bytes < HEAD_BYTES)
        return false;
    if ((d->head[0] & 15) != Z_DEFLATED || (d->head[0] * 256 + d->head[1]) % 31 != 0)
        inflateReset2(&d->stream, -WINDOW_BITS_MAX);
    d->at = DECODER_BODY;
    inflate_some(d, d->head, HEAD_BYTES, &taken);
    return true;
}

/* After the end of a stream there may be another one of gzip's. */
static bool begin_member(struct decoder *d)
{
    if (d->id == ENCODING_GZIP && inflateReset(&d->stream) == Z_OK) {
        d->at = DECODER_BODY;
        return true;
    }
    return fail(d, ERROR_BAD_ENCODING, "the stream ends here, and bytes follow");
}

size_t decoder_next(struct decoder *d, const char **bytes, size_t *size, const char **piece)
{
    bool more = true;
    size_t taken;

    d->stream.next_out = (unsigned char *)d->piece;
    d->stream.avail_out = DECODER_PIECE_BYTES;
    *piece = d->piece;
    if (d->at == DECODER_HEAD)
        more = see_head(d, bytes, size);
    while (more && d->at < DECODER_FAILED && d->stream.avail_out > 0) {
        if (d->at == DECODER_ENDED && (*size == 0 || !begin_member(d)))
            break;
        more = inflate_some(d, (const unsigned char *)*bytes, *size, &taken);
        *bytes += taken;
        *size -= taken;
    }
    if (d->at != DECODER_FAILED)
        return DECODER_PIECE_BYTES - d->stream.avail_out;
    *bytes += *size;
    *size = 0;
    return 0;
}

bool decoder_failed(const struct decoder *d)
{
    return d->at == DECODER_FAILED;
}

enum error_id decoder_finish(const struct decoder *d, enum encoding_id id, struct error *error)
{
    if (d && d->at == DECODER_FAILED) {
        *error = d->error;
        return error->id;
    }
    if (d && d->at == DECODER_ENDED)
        return ERROR_OK;
    return error_set(
        error, ERROR_BAD_ENCODING, "the %s body ends after %llu bytes, in the middle of its stream",
        encoding_name(id),
        d ? (unsigned long long)(d->at == DECODER_HEAD ? d->head_bytes : d->taken) : 0ULL);
}

/* ---- encoding ---- */

struct encoder {
    z_stream stream;
    struct held held;
    int level;
    bool judged;
};

/* The window need not be longer than the text: of 4 KB it takes 25 KB, which are ready in 1 us, and
 * of 64 KB 270 KB, in 30. */
static int window_bits(size_t text_bytes)
{
    int bits = WINDOW_BITS_MIN;

    while (bits < WINDOW_BITS_MAX && (size_t)1 << bits < text_bytes)
        bits++;
    return bits;
}

struct encoder *encoder_create(enum encoding_id id, int level, size_t text_bytes,
                               struct memory_account *account)
{
    enum { MEMORY_BELOW_WINDOW = 7 }; /* zlib's own choice: 15 bits and level 8 */
    struct encoder *e = memory_take(account, sizeof *e) ? calloc(1, sizeof *e) : NULL;
    int bits = window_bits(text_bytes);

    if (!e)
        return NULL;
    e->level = level;
    e->held.account = account;
    e->stream.zalloc = take;
    e->stream.zfree = give;
    e->stream.opaque = &e->held;
    if (deflateInit2(&e->stream, level, Z_DEFLATED, bits + codings[id].window,
                     bits - MEMORY_BELOW_WINDOW, Z_DEFAULT_STRATEGY) == Z_OK)
        return e;
    encoder_destroy(e);
    return NULL;
}

void encoder_destroy(struct encoder *e)
{
    if (!e)
        return;
    deflateEnd(&e->stream);
    give_back(&e->held);
    memory_give(e->held.account, sizeof *e);
    free(e);
}

/* Room for the next bytes of out, *bytes of them, or NULL and out->failed. */
static unsigned char *room(struct buf *out, size_t *bytes)
{
    enum { ROOM_BYTES = 4096 };
    size_t most = out->max ? out->max - out->len : UINT_MAX;

    *bytes = out->cap > out->len + ROOM_BYTES ? out->cap - out->len - 1 : ROOM_BYTES;
    *bytes = *bytes < most ? *bytes : most + !most; /* of a bound that is reached, too much */
    return (unsigned char *)buf_reserve(out, *bytes);
}

static void deflate_some(struct encoder *e, struct buf *out, int flush)
{
    z_stream *z = &e->stream;
    size_t bytes;

    do {
        unsigned char *at = room(out, &bytes);

        if (!at)
            return;
        z->next_out = at;
        z->avail_out = (unsigned)bytes;
        deflate(z, flush);
        out->len += (size_t)(z->next_out - at);
    } while (z->avail_out == 0);
}

/* The first bytes tell of the others. Decimal digits that do not repeat take log2(10) of 8 bits: a
 * text that has not become shorter than that is numbers, for which a search for repetitions finds
 * nothing and takes a third of the time; of numbers in binary, two thirds. */
static void judge(struct encoder *e, struct buf *out)
{
    enum { FAST = 3 };
    const double digits = 0.4;
    z_stream *z = &e->stream;

    e->judged = true;
    deflate_some(e, out, Z_BLOCK);
    if (out->failed || e->level > FAST || (double)z->total_out < digits * (double)z->total_in)
        return;
    const unsigned char *at = z->next_out; /* where room is left */
    deflateParams(z, e->level, Z_HUFFMAN_ONLY);
    out->len += (size_t)(z->next_out - at);
}

void encoder_go_on(struct encoder *e, struct buf *out, const char *text, size_t size, bool last)
{
    enum { SAMPLE_BYTES = 8192 };

    e->stream.next_in = (unsigned char *)(uintptr_t)text;
    if (!e->judged && size > SAMPLE_BYTES) {
        e->stream.avail_in = SAMPLE_BYTES;
        deflate_some(e, out, Z_NO_FLUSH);
        judge(e, out);
        size -= SAMPLE_BYTES;
    }
    e->stream.avail_in = (unsigned)size;
    deflate_some(e, out, last ? Z_FINISH : Z_NO_FLUSH);
}
