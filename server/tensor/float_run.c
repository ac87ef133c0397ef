/* float_run.c - numbers with commas between them, as the innermost array of a tensor has them.
 *
 * May know: float_block.h, float_round.h, tensor.h. Invariant: a quick way reads only what it knows
 * to be a valid JSON number and to round correctly; at anything else it stops, and float_read
 * decides. Nothing branches on how many digits there are or where the point is, since these differ
 * from number to number and a branch predicted wrongly costs as much as a number. */
#include "tensor/float_round.h"
#include "tensor/float_text.h"
#include "tensor/tensor.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include "tensor/float_block.h"

#define ALWAYS_INLINE inline __attribute__((always_inline, target("ssse3")))

#define LAST_BIT    0x80000000u /* so that a mask is never empty */
#define DOUBLE_CUT  0x1fffffffu /* what a float32 has no room for */
#define DOUBLE_HALF 0x10000000u

enum {
    BLOCK = 16,
    READABLE = BLOCK_READABLE, /* bytes that may be looked at from a number's first on */
    HEAD_MAX = 1000,           /* with 16 digits more still below 2^64 */
};

/* A number's outline, as offsets from its sign or first digit. */
struct outline {
    unsigned end;      /* of its digits */
    unsigned point;    /* of the point, or `end` */
    unsigned negative; /* 1 or 0 */
};

static ALWAYS_INLINE __m128i load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Which of 16 bytes are no digits, and all after them. */
static ALWAYS_INLINE unsigned others(__m128i bytes)
{
    __m128i digits = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    __m128i same = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);

    return ~(unsigned)_mm_movemask_epi8(same);
}

static ALWAYS_INLINE unsigned points(__m128i bytes)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')));
}

/* The outline, from which of the next bytes (and all after them) are no digits and which points.
 * False if there is no digit in front of the point, or a zero and more, or no digit after it. */
static ALWAYS_INLINE bool outline_of(struct outline *o, const char *p, unsigned other,
                                     unsigned point)
{
    o->negative = *p == '-';
    other &= ~o->negative;
    unsigned is_point = other & -other & point;
    o->end = (unsigned)__builtin_ctz(other ^ is_point);
    o->point = (unsigned)__builtin_ctz(other);
    unsigned more_max = p[o->negative] == '0' ? 0 : 2 * BLOCK;
    return o->point - o->negative - 1 <= more_max && !(is_point << 1 & other);
}

/* The digits in front of offset `end` of a block (at most 16), without the byte at `point` if that
 * is below, as a number. Bytes that are no digits count as zeros. */
static ALWAYS_INLINE uint64_t digits_value(__m128i bytes, unsigned end, unsigned point)
{
    const __m128i offsets = _mm_setr_epi8(-17, -16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6,
                                          -5, -4, -3, -2);
    __m128i digits = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);
    /* to the right end of the block, those in front of the point by one more: where the offset gets
     * below zero, there comes a zero */
    __m128i from = _mm_add_epi8(offsets, _mm_set1_epi8((char)(end + (point >= end))));
    __m128i behind = _mm_cmpgt_epi8(from, _mm_set1_epi8((char)(point - 1)));
    __m128i ones = _mm_shuffle_epi8(_mm_and_si128(digits, is_digit), _mm_sub_epi8(from, behind));
    __m128i twos = _mm_maddubs_epi16(ones, _mm_set1_epi16(0x010a));
    __m128i fours = _mm_madd_epi16(twos, _mm_set1_epi32(0x00010064));
    __m128i eights = _mm_madd_epi16(_mm_packs_epi32(fours, fours), _mm_set1_epi32(0x00012710));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);

    return (uint32_t)both * (uint64_t)100000000 + (both >> 32);
}

/* Up to 31 bytes of digits: the last 16, and what is in front of them. */
static ALWAYS_INLINE bool long_value(const char *p, const struct outline *o, uint64_t *w)
{
    unsigned head = o->end - BLOCK;
    bool in_tail = o->point >= head && o->point < o->end;
    uint64_t front = digits_value(load(p), head, o->point);
    uint64_t tail = digits_value(load(p + head), BLOCK, in_tail ? o->point - head : BLOCK);

    *w = front * (in_tail ? 1000000000000000 : 10000000000000000) + tail;
    return front < HEAD_MAX;
}

/* 0 to 9, or more than that if c is no digit. */
static ALWAYS_INLINE unsigned digit(char c)
{
    return (unsigned)(unsigned char)c - '0';
}

/* One or two digits after the 'e' at p. Returns its length, or 0. */
static ALWAYS_INLINE size_t short_exponent(const char *p, int *exponent)
{
    bool negative = p[1] == '-';
    size_t at = negative || p[1] == '+' ? 2 : 1;
    unsigned first = digit(p[at]), second = digit(p[at + 1]);

    if (first > 9)
        return 0;
    at++;
    if (second <= 9) {
        first = first * 10 + second;
        at++;
    }
    *exponent += negative ? -(int)first : (int)first;
    return digit(p[at]) <= 9 ? 0 : at;
}

/* By the sign and the bytes from the point on: none, or one more than digits after it. */
static const double divisors[2][BLOCK] = {
    {1e0, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14},
    {-1e0, -1e0, -1e1, -1e2, -1e3, -1e4, -1e5, -1e6, -1e7, -1e8, -1e9, -1e10, -1e11, -1e12, -1e13,
     -1e14},
};

/* At most 15 digits without exponent: both operands are exact doubles, so the quotient is the
 * nearest double. Rounded once more it is the nearest float32, unless it lies halfway between two
 * of them: then it may have been on either side. It is far from being subnormal. */
static ALWAYS_INLINE bool short_value(uint64_t w, const struct outline *o, float *value)
{
    double quotient = (double)(int64_t)w / divisors[o->negative][o->end - o->point];
    uint64_t bits;

    memcpy(&bits, &quotient, sizeof bits);
    *value = (float)quotient;
    return (bits & DOUBLE_CUT) != DOUBLE_HALF;
}

static ALWAYS_INLINE bool ends_number(char c)
{
    return c == ',' || c == ']';
}

/* Up to 30 bytes of digits, or an exponent. */
static ALWAYS_INLINE const char *rare(const char *p, unsigned other, unsigned point, float *value)
{
    __m128i next = load(p + BLOCK);
    struct outline o;
    uint64_t w;

    if (!outline_of(&o, p, (other & 0xffff) | others(next) << BLOCK | LAST_BIT,
                    (point | points(next) << BLOCK) & ~LAST_BIT) ||
        o.end >= 2 * BLOCK - 1)
        return NULL;
    if (o.end < BLOCK)
        w = digits_value(load(p), o.end, o.point);
    else if (!long_value(p, &o, &w))
        return NULL;
    int exponent = o.point < o.end ? (int)o.point + 1 - (int)o.end : 0;
    size_t length = o.end;
    if ((p[length] | 0x20) == 'e') {
        size_t more = short_exponent(p + length, &exponent);
        if (!more)
            return NULL;
        length += more;
    }
    bool sure = ends_number(p[length]) && float_round(w, exponent, o.negative, value);
    return sure ? p + length : NULL;
}

/* The end of the number at p, with a comma or bracket after it; NULL if the quick way cannot tell.
 */
static ALWAYS_INLINE const char *quick(const char *p, float *value)
{
    __m128i block = load(p);
    unsigned other = others(block), point = points(block);
    struct outline o;

    bool fine = outline_of(&o, p, other, point);
    if (__builtin_expect(o.end >= BLOCK || !ends_number(p[o.end]), 0))
        return rare(p, other, point, value);
    if (__builtin_expect(!fine, 0))
        return NULL;
    return short_value(digits_value(block, o.end, o.point), &o, value) ? p + o.end : NULL;
}

/* Where a run has come to. */
struct run {
    const char *p, *last; /* the next number; the last place from where READABLE bytes are there */
    float *at, *full;
    bool complete;
};

/* One number after the other as long as they begin in front of `stop`. False at one that float_read
 * must decide on. */
static ALWAYS_INLINE bool take_singly(struct run *r, const char *stop)
{
    const char *p = r->p, *behind = p;
    float *at = r->at, *full = r->full;

    stop = stop <= r->last ? stop : r->last + 1;
    while (at < full && p < stop && (behind = quick(p, at))) {
        at++;
        p = behind;
        if (*p == ']') {
            r->complete = true;
            break;
        }
        if (*++p == ' ') {
            p++;
            __asm__("" : "+r"(p)); /* a branch, so that the next number need not wait for it */
        }
    }
    r->at = at;
    r->p = p;
    return behind;
}

/* The next block, if all of it is plain; else false and where it would have ended. */
BLOCK_INLINE bool take_block(struct run *r, const struct block_bytes *bytes, const char **stop)
{
    struct block_marks marks = block_look(bytes, r->p);
    struct block b;
    float few[BLOCK_BYTES / 2 + BLOCK_GROUP - 1];
    size_t room = (size_t)(r->full - r->at);

    bool plain = block_outline(&b, &marks, room);
    *stop = r->p + b.bytes + !b.bytes;
    if (!plain)
        return false;
    size_t n = (size_t)__builtin_popcountll(b.end);
    if (__builtin_expect(room >= n + BLOCK_GROUP - 1, 1)) {
        if (!block_values(b, r->p, r->at))
            return false;
    } else {
        if (!block_values(b, r->p, few))
            return false;
        memcpy(r->at, few, n * sizeof *few);
    }
    r->at += n;
    r->p += b.bytes - b.complete;
    r->p += !b.complete && *r->p == ' ';
    r->complete = b.complete;
    return true;
}

typedef void take_fn(struct run *r);

__attribute__((target("ssse3"))) static void take_ssse3(struct run *r)
{
    take_singly(r, r->last + 1);
}

__attribute__((noinline, target("avx2,bmi,bmi2"))) static bool take_singly_avx2(struct run *r,
                                                                                const char *stop)
{
    return take_singly(r, stop);
}

__attribute__((target("avx2,bmi,bmi2"))) static void take_avx2(struct run *r)
{
    const struct block_bytes bytes = block_bytes();
    const char *stop;
    size_t more = 0;

    while (!r->complete && r->at < r->full && r->p <= r->last) {
        if (take_block(r, &bytes, &stop)) {
            more = 0;
        } else {
            if (!take_singly_avx2(r, stop + more))
                break;
            more = 4 * (more + BLOCK_BYTES); /* the next is not likely to be plain either */
        }
    }
}

/* The bytes after the last place with READABLE ones, from a copy that has as many. */
static void take_rest(take_fn *take, struct run *r, const char *end)
{
    char copy[2 * READABLE] = {0};
    size_t n = (size_t)(end - r->p);
    struct run rest = {.p = copy, .last = copy + n - 1, .at = r->at, .full = r->full};

    memcpy(copy, r->p, n);
    take(&rest);
    r->p += rest.p - copy;
    r->at = rest.at;
    r->complete = rest.complete;
}

static const char *run(take_fn *take, const char *p, const char *end, float *values, size_t room,
                       struct float_run *done)
{
    struct run r = {.p = p, .at = values, .full = values + room};

    if (end - p >= READABLE) {
        r.last = end - READABLE;
        take(&r);
    }
    if (!r.complete && r.at < r.full && r.p < end && end - r.p < READABLE)
        take_rest(take, &r, end);
    *done = (struct float_run){(size_t)(r.at - values), r.complete};
    return r.p;
}

const char *float_read_run_ssse3(const char *p, const char *end, float *values, size_t room,
                                 struct float_run *done)
{
    return run(take_ssse3, p, end, values, room, done);
}

const char *float_read_run_avx2(const char *p, const char *end, float *values, size_t room,
                                struct float_run *done)
{
    return run(take_avx2, p, end, values, room, done);
}

#endif

const char *float_read_run_portable(const char *p, const char *end, float *values, size_t room,
                                    struct float_run *done)
{
    *done = (struct float_run){0};
    while (done->count < room && p < end && !done->complete) {
        float *value = &values[done->count];
        size_t length = float_read(p, (size_t)(end - p), value);
        if (!length || (p[length] != ',' && p[length] != ']') || isinf(*value))
            break;
        done->count++;
        done->complete = p[length] == ']';
        p += length + !done->complete;
    }
    return p;
}

const char *float_read_run(const char *p, const char *end, float *values, size_t room,
                           struct float_run *done)
{
#if defined(__x86_64__)
    if (_mm_getcsr() & _MM_ROUND_MASK) /* somebody changed how doubles are rounded */
        return float_read_run_portable(p, end, values, room, done);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2"))
        return run(take_avx2, p, end, values, room, done);
    if (__builtin_cpu_supports("ssse3"))
        return run(take_ssse3, p, end, values, room, done);
#endif
    return float_read_run_portable(p, end, values, room, done);
}
