/* float_block.h - 64 bytes of numbers at once, for float_run.c only; x86-64 with AVX2 and BMI.
 *
 * A byte of the text is a bit of a mask, and the grammar is arithmetic of masks: where the numbers
 * are is known before any of them is read, so that none waits for the one in front of it. Then four
 * at a time are made. Invariant: a block is taken only if all of it is plain (at most 15 bytes a
 * number, no exponent), hence valid JSON and an exact quotient of two doubles. */
#ifndef TENSOR_FLOAT_BLOCK_H
#define TENSOR_FLOAT_BLOCK_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_INLINE static inline __attribute__((always_inline, target("avx2,bmi,bmi2")))

enum {
    BLOCK_BYTES = 64,
    BLOCK_GROUP = 4,
    BLOCK_NUMBER_MAX = 15, /* bytes between two separators */
    BLOCK_READABLE = 80,   /* from its first byte on: a number's 16 may begin after the last */
};

/* Bit i is what byte i is. */
struct block_marks {
    uint64_t digit, zero, point, minus, space, comma, close;
};

/* A block's numbers: their first digits, ends, points (or ends, where there is none) and signs (as
 * first digits). */
struct block {
    uint64_t first, end, point, negative;
    size_t bytes;  /* with the last number's separator */
    bool complete; /* that is a ']' */
};

BLOCK_INLINE uint64_t block_bits(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)_mm256_movemask_epi8(high) << 32;
}

/* The bytes to compare with. In memory, or the compiler makes them anew for every block. */
struct block_bytes {
    __m256i from_zero, ten, zero, point, minus, space, comma, close;
};

BLOCK_INLINE struct block_bytes block_bytes(void)
{
    struct block_bytes b = {
        .from_zero = _mm256_set1_epi8('0' - 128), /* so that signed comparisons do */
        .ten = _mm256_set1_epi8(10 - 128),
        .zero = _mm256_set1_epi8('0'),
        .point = _mm256_set1_epi8('.'),
        .minus = _mm256_set1_epi8('-'),
        .space = _mm256_set1_epi8(' '),
        .comma = _mm256_set1_epi8(','),
        .close = _mm256_set1_epi8(']'),
    };

    __asm__("" : "+m"(b));
    return b;
}

BLOCK_INLINE struct block_marks block_look(const struct block_bytes *b, const char *p)
{
    const __m256i *at = (const __m256i *)(const void *)p;
    __m256i l = _mm256_loadu_si256(at), h = _mm256_loadu_si256(at + 1);

#define MARKS(c) block_bits(_mm256_cmpeq_epi8(l, c), _mm256_cmpeq_epi8(h, c))
    return (struct block_marks){
        .digit = block_bits(_mm256_cmpgt_epi8(b->ten, _mm256_sub_epi8(l, b->from_zero)),
                            _mm256_cmpgt_epi8(b->ten, _mm256_sub_epi8(h, b->from_zero))),
        .zero = MARKS(b->zero),
        .point = MARKS(b->point),
        .minus = MARKS(b->minus),
        .space = MARKS(b->space),
        .comma = MARKS(b->comma),
        .close = MARKS(b->close),
    };
#undef MARKS
}

/* Are there 16 set bits in a row? */
BLOCK_INLINE bool block_long_run(uint64_t bits)
{
    bits &= bits >> 1;
    bits &= bits >> 2;
    bits &= bits >> 4;
    return bits & bits >> 8;
}

/* The ends of the numbers in a block, up to the array's last, and at most `room` (not 0). One
 * that would be a group of its own is left to the next block. */
BLOCK_INLINE uint64_t block_ends(const struct block_marks *m, size_t room)
{
    uint64_t end = (m->comma | m->close) & _blsmsk_u64(m->close);
    size_t n = (size_t)__builtin_popcountll(end);
    bool one_more = n > BLOCK_GROUP && n % BLOCK_GROUP == 1;

    if (__builtin_expect(n > room, 0))
        return end & _blsmsk_u64(_pdep_u64((uint64_t)1 << (room - 1), end));
    return end & ~((uint64_t)one_more << (63 - __builtin_clzll(end | 1)));
}

/* The numbers of the block that begins with one. False if there is none, and `bytes` 0, or any of
 * them is not plain. */
BLOCK_INLINE bool block_outline(struct block *b, const struct block_marks *m, size_t room)
{
    uint64_t end = block_ends(m, room), digit = m->digit, begin = end << 1 | 1;
    int rest = __builtin_clzll(end | 1);
    uint64_t all = ~(uint64_t)0 >> rest, space = ~(digit | m->point | m->minus | end) & all;
    uint64_t bad = 0, point = m->point & all, minus = m->minus & all;

    b->bytes = end ? BLOCK_BYTES - (size_t)rest : 0;
    if (space) { /* one may be after a separator */
        bad = space & ~(m->space & end << 1);
        begin = (begin & ~space) | space << 1;
    }
    /* perhaps a sign, then a digit, but no other after a zero */
    uint64_t first = begin + (begin & minus);
    bad |= (minus & ~begin) | (first & ~digit) | (first & m->zero & digit >> 1);
    /* digits on both sides of a point and in front of a separator */
    bad |= ((point | end) & ~(digit << 1)) | (point << 1 & ~digit);
    /* a carry runs through the digits after a point to what is after them: no other point */
    uint64_t behind = ((point << 1) + digit) & ~digit;
    bad |= behind & point;

    b->first = first & all;
    b->end = end;
    b->point = point | (end & ~behind);
    b->negative = minus << 1;
    b->complete = end & m->close;
    return end && !(bad & all) && !block_long_run(all & ~end);
}

/* ---- four numbers ---- */

/* Bit i of n as the sign of a float. */
#define SIGN(n, i) (((n) >> (i)) % 2u << 31)
#define SIGNS(n)                                       \
    {                                                  \
        SIGN(n, 0), SIGN(n, 1), SIGN(n, 2), SIGN(n, 3) \
    }

/* In one struct, so that one register finds them. */
static const struct {
    /* By the bytes from the point on (none, or one more than digits after it): how much further to
     * the left than those after the point are the digits in front of it; and what to divide by. */
    uint8_t shift[BLOCK_NUMBER_MAX + 1][16];
    double divisor[BLOCK_NUMBER_MAX + 1];
    /* From its length on: which byte of a number comes where, if its last comes last. */
    int8_t offset[BLOCK_NUMBER_MAX + 16];
    /* By the signs of a group. */
    uint32_t sign[1 << BLOCK_GROUP][BLOCK_GROUP];
} block_tables = {
    .shift =
        {
            [2] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
            [3] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
            [4] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
            [5] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
            [6] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
            [7] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
            [8] = {1, 1, 1, 1, 1, 1, 1, 1, 1},
            [9] = {1, 1, 1, 1, 1, 1, 1, 1},
            [10] = {1, 1, 1, 1, 1, 1, 1},
            [11] = {1, 1, 1, 1, 1, 1},
            [12] = {1, 1, 1, 1, 1},
            [13] = {1, 1, 1, 1},
            [14] = {1, 1, 1},
            [15] = {1, 1},
        },
    .divisor = {1e0, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13,
                1e14},
    .offset = {-16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1,
               0,   1,   2,   3,   4,   5,   6,   7,  8,  9,  10, 11, 12, 13, 14},
    .sign = {SIGNS(0), SIGNS(1), SIGNS(2), SIGNS(3), SIGNS(4), SIGNS(5), SIGNS(6), SIGNS(7),
             SIGNS(8), SIGNS(9), SIGNS(10), SIGNS(11), SIGNS(12), SIGNS(13), SIGNS(14), SIGNS(15)},
};
#undef SIGNS
#undef SIGN

/* Where a number begins, its bytes and how many of them are not in front of a point. */
struct block_number {
    size_t first, bytes, behind;
};

/* Take the first number out of the block. Where there is none, an empty one after the block. */
BLOCK_INLINE struct block_number block_next(struct block *b)
{
    size_t first = _tzcnt_u64(b->first), end = _tzcnt_u64(b->end), point = _tzcnt_u64(b->point);

    b->first = _blsr_u64(b->first);
    b->end = _blsr_u64(b->end);
    b->point = _blsr_u64(b->point);
    return (struct block_number){first, end - first, end - point};
}

BLOCK_INLINE __m256i block_load_2(const void *low, const void *high)
{
    __m128i a = _mm_loadu_si128(low), b = _mm_loadu_si128(high);

    return _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
}

/* Two numbers as 16 digits each, in four groups of four. */
BLOCK_INLINE __m256i block_fours(const char *p, struct block_number a, struct block_number b)
{
    __m256i bytes = block_load_2(p + a.first, p + b.first);
    __m256i offset = block_load_2(block_tables.offset + a.bytes, block_tables.offset + b.bytes);
    __m256i shift = block_load_2(block_tables.shift[a.behind], block_tables.shift[b.behind]);
    /* zeros where the offset is negative */
    __m256i ones = _mm256_shuffle_epi8(_mm256_sub_epi8(bytes, _mm256_set1_epi8('0')),
                                       _mm256_sub_epi8(offset, shift));
    __m256i twos = _mm256_maddubs_epi16(ones, _mm256_set1_epi16(0x010a));

    return _mm256_madd_epi16(twos, _mm256_set1_epi32(0x00010064));
}

BLOCK_INLINE __m128d block_divisors(struct block_number a, struct block_number b)
{
    return _mm_loadh_pd(_mm_load_sd(&block_tables.divisor[a.behind]),
                        &block_tables.divisor[b.behind]);
}

/* The next four of the block, without signs, and which of the quotients lie halfway between two
 * float32: the exact value may have been on either side. */
BLOCK_INLINE __m128 block_group(struct block *b, const char *p, __m256i *doubt)
{
    const __m256i eights_apart = _mm256_setr_epi32(0, 4, 2, 6, 1, 5, 3, 7);
    const __m256i cut = _mm256_set1_epi64x(0x1fffffff), half = _mm256_set1_epi64x(0x10000000);
    struct block_number n0 = block_next(b), n1 = block_next(b);
    struct block_number n2 = block_next(b), n3 = block_next(b);

    __m256d divisor = _mm256_set_m128d(block_divisors(n2, n3), block_divisors(n0, n1));
    __m256i fours = _mm256_packs_epi32(block_fours(p, n0, n1), block_fours(p, n2, n3));
    __m256i eights = _mm256_madd_epi16(fours, _mm256_set1_epi32(0x00012710));
    __m256i apart = _mm256_permutevar8x32_epi32(eights, eights_apart);
    __m256d high = _mm256_cvtepi32_pd(_mm256_castsi256_si128(apart));
    __m256d low = _mm256_cvtepi32_pd(_mm256_extracti128_si256(apart, 1));
    __m256d whole = _mm256_add_pd(_mm256_mul_pd(high, _mm256_set1_pd(1e8)), low);
    __m256d quotient = _mm256_div_pd(whole, divisor);
    __m256i rest = _mm256_and_si256(_mm256_castpd_si256(quotient), cut);

    *doubt = _mm256_or_si256(*doubt, _mm256_cmpeq_epi64(rest, half));
    return _mm256_cvtpd_ps(quotient);
}

/* All numbers of the block at p to values, where there is room for three more. Returns false if
 * any of them is too difficult. */
BLOCK_INLINE bool block_values(struct block b, const char *p, float *values)
{
    uint64_t signs = b.negative ? _pext_u64(b.negative, b.first) : 0;
    __m256i doubt = _mm256_setzero_si256();

    for (; b.end; values += BLOCK_GROUP, signs >>= BLOCK_GROUP) {
        const uint32_t *sign = block_tables.sign[signs % (1 << BLOCK_GROUP)];
        _mm_storeu_ps(values, _mm_xor_ps(block_group(&b, p, &doubt),
                                         _mm_loadu_ps((const float *)(const void *)sign)));
    }
    return _mm256_testz_si256(doubt, doubt);
}

#endif
#endif
