/* float_group.h - eight float32 at once as text, for float_write.c only; x86-64 with AVX2.
 *
 * The same arithmetic as there, a number in each 32-bit lane of a vector. The text of a number is
 * then one shuffle of 16 bytes, its digits and all else that may be in a text, by a row of a table
 * that its exponent and the count of its digits choose. Hence no branch depends on a number, and
 * only the places of the texts wait for one another. Invariant: integers only, as there. */
#ifndef TENSOR_FLOAT_GROUP_H
#define TENSOR_FLOAT_GROUP_H

#if defined(__x86_64__)
#include "tensor/float_text.h"
#include "tensor/pow10.h"

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GROUP_INLINE static inline __attribute__((always_inline, target("avx2")))

enum {
    GROUP = 8,
    GROUP_POINT_MIN = -2, /* below and from GROUP_POINT_MAX on, every text has an exponent */
    GROUP_POINT_MAX = 14,
    GROUP_ROWS = 9, /* by the count of digits */
};

/* In all lanes, and loaded where it is used: the compiler would make constants anew from
 * immediates, by shuffles, each time, or all at the start, which is too long for a few numbers. */
#define ALL_32(x)                                   \
    __extension__({                                 \
        static const uint32_t lane = (uint32_t)(x); \
        group_all(&lane);                           \
    })
#define ALL_16(x) ALL_32((x)*0x10001)

GROUP_INLINE __m256i group_all(const uint32_t *lane)
{
    __m256i all;

    __asm__ volatile("vpbroadcastd %1, %0" : "=x"(all) : "m"(*lane));
    return all;
}

/* ---- the digits ---- */

/* c * 2^q, as in float_write.c. Below a power of two the next float is only half a step away. */
struct group_values {
    __m256i c, q, power_of_two;
};

/* digits * 10^exponent */
struct group_decimals {
    __m256i digits, exponent;
};

/* Eight numbers: nine digits each, after how many of them the point stands, and 1 or 0 for the
 * sign. */
struct group {
    __m256i digits, point, negative;
};

/* 64-bit lanes: the upper halves of both, those of `even` in its own lower ones. */
GROUP_INLINE __m256i group_upper(__m256i even, __m256i odd)
{
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

GROUP_INLINE __m256i group_lower(__m256i even, __m256i odd)
{
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}

/* Upper half of a 32-bit product. */
GROUP_INLINE __m256i group_multiply_high(__m256i x, __m256i f)
{
    return group_upper(_mm256_mul_epu32(x, f), _mm256_mul_epu32(_mm256_srli_epi64(x, 32), f));
}

/* To be read one by one: the compiler would take the vector to pieces instead, which is slower. */
GROUP_INLINE void group_to_memory(uint32_t *to, __m256i lanes)
{
    _mm256_storeu_si256((__m256i *)(void *)to, lanes);
    __asm__("" : "+m"(*(uint32_t(*)[GROUP])(void *)to));
}

/* The powers of ten of the even and of the odd lanes: all 64 bits, and the upper ones. */
struct group_powers {
    __m256i even, even_high, odd, odd_high;
};

GROUP_INLINE __m128i group_power_2(uint32_t first, uint32_t second)
{
    __m128i low = _mm_loadl_epi64((const __m128i *)(const void *)(pow10_table + first));

    return _mm_castps_si128(
        _mm_loadh_pi(_mm_castsi128_ps(low), (const __m64 *)(const void *)(pow10_table + second)));
}

/* The entries at every second of eight offsets. */
GROUP_INLINE __m256i group_power_4(const uint32_t *at)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(group_power_2(at[0], at[2])),
                                   group_power_2(at[4], at[6]), 1);
}

/* Loads, because a gather takes longer since processors were mended against Downfall. */
GROUP_INLINE struct group_powers group_powers(__m256i k)
{
    uint32_t at[GROUP];

    group_to_memory(at, _mm256_sub_epi32(k, ALL_32(POW10_MIN)));
    __m256i even = group_power_4(at), odd = group_power_4(at + 1);
    return (struct group_powers){even, _mm256_srli_epi64(even, 32), odd,
                                 _mm256_srli_epi64(odd, 32)};
}

/* g * c without its last 32 bits, in 64-bit lanes. */
GROUP_INLINE __m256i group_product(__m256i g, __m256i g_high, __m256i c)
{
    return _mm256_add_epi64(_mm256_mul_epu32(g_high, c),
                            _mm256_srli_epi64(_mm256_mul_epu32(g, c), 32));
}

/* multiply_to_odd() of float_write.c */
GROUP_INLINE __m256i group_multiply_to_odd(const struct group_powers *g, __m256i c)
{
    const __m256i two = ALL_32(2);
    __m256i even = group_product(g->even, g->even_high, c);
    __m256i odd = group_product(g->odd, g->odd_high, _mm256_srli_epi64(c, 32));
    __m256i cut = group_lower(even, odd);
    __m256i more = _mm256_cmpeq_epi32(_mm256_max_epu32(cut, two), cut);

    return _mm256_or_si256(group_upper(even, odd), _mm256_srli_epi32(more, 31));
}

GROUP_INLINE __m256i group_times_10(__m256i x)
{
    return _mm256_add_epi32(_mm256_slli_epi32(x, 3), _mm256_slli_epi32(x, 1));
}

/* Which of the four candidates: see shortest() of float_write.c. */
GROUP_INLINE __m256i group_choose(__m256i low, __m256i mid, __m256i high)
{
    const __m256i four = ALL_32(4), forty = ALL_32(40);
    /* mid / 40 */
    __m256i tens = _mm256_srli_epi32(
        group_multiply_high(_mm256_srli_epi32(mid, 3), ALL_32(0xcccccccd)), 2);
    __m256i ten4 = _mm256_slli_epi32(group_times_10(tens), 2);
    __m256i not_down = _mm256_cmpgt_epi32(low, ten4);
    __m256i not_up = _mm256_cmpgt_epi32(_mm256_add_epi32(ten4, forty), high);
    __m256i coarse = _mm256_add_epi32(_mm256_srli_epi32(ten4, 2),
                                      _mm256_andnot_si256(not_up, ALL_32(10)));
    __m256i fewer = _mm256_xor_si256(not_down, not_up);

    __m256i quarter = _mm256_srli_epi32(mid, 2), s4 = _mm256_slli_epi32(quarter, 2);
    not_down = _mm256_cmpgt_epi32(low, s4);
    not_up = _mm256_cmpgt_epi32(_mm256_add_epi32(s4, four), high);
    __m256i nearest = _mm256_cmpgt_epi32(
        _mm256_add_epi32(mid, _mm256_and_si256(quarter, ALL_32(1))),
        _mm256_add_epi32(s4, ALL_32(2)));
    __m256i one_more = _mm256_or_si256(
        _mm256_andnot_si256(not_up, not_down),
        _mm256_andnot_si256(_mm256_xor_si256(not_up, not_down), nearest));
    return _mm256_blendv_epi8(_mm256_sub_epi32(quarter, one_more), coarse, fewer);
}

GROUP_INLINE struct group_decimals group_shortest(const struct group_values *v)
{
    const __m256i one = ALL_32(1);
    /* log10_of_pow2() and pow10_exponent(), with factors of 16 bits: as exact for float32 */
    __m256i k = _mm256_sub_epi32(_mm256_madd_epi16(v->q, ALL_32(1233)),
                                 _mm256_and_si256(v->power_of_two, ALL_32(512)));
    k = _mm256_srai_epi32(k, 12);
    __m256i minus_k = _mm256_sub_epi32(_mm256_setzero_si256(), k);
    __m256i exponent = _mm256_srai_epi32(_mm256_madd_epi16(minus_k, ALL_32(27213)), 13);
    __m256i shift = _mm256_add_epi32(_mm256_add_epi32(v->q, exponent), one);
    struct group_powers g = group_powers(minus_k);

    __m256i four = _mm256_sllv_epi32(_mm256_slli_epi32(v->c, 2), shift);
    __m256i two = _mm256_sllv_epi32(ALL_32(2), shift);
    __m256i below = _mm256_blendv_epi8(two, _mm256_srli_epi32(two, 1), v->power_of_two);
    __m256i odd = _mm256_and_si256(v->c, one);
    __m256i low = group_multiply_to_odd(&g, _mm256_sub_epi32(four, below));
    __m256i mid = group_multiply_to_odd(&g, four);
    __m256i high = group_multiply_to_odd(&g, _mm256_add_epi32(four, two));

    return (struct group_decimals){
        group_choose(_mm256_add_epi32(low, odd), mid, _mm256_sub_epi32(high, odd)), k};
}

/* Fill up to nine digits. */
GROUP_INLINE struct group_decimals group_nine_digits(struct group_decimals d)
{
    __m256i eight = _mm256_cmpgt_epi32(d.digits, ALL_32(9999999));
    __m256i nine = _mm256_cmpgt_epi32(d.digits, ALL_32(99999999));
    /* 100, 10 or 1 */
    __m256i scale = _mm256_sub_epi32(
        ALL_32(100),
        _mm256_add_epi32(_mm256_and_si256(eight, ALL_32(90)), _mm256_and_si256(nine, ALL_32(9))));
    __m256i exponent = _mm256_sub_epi32(d.exponent, ALL_32(2));

    exponent = _mm256_sub_epi32(_mm256_sub_epi32(exponent, eight), nine);
    return (struct group_decimals){_mm256_mullo_epi32(d.digits, scale), exponent};
}

/* Are there others than zeros and normal numbers? */
GROUP_INLINE bool group_is_rare(__m256i magnitude, __m256i is_zero)
{
    __m256i subnormal = _mm256_cmpgt_epi32(ALL_32(0x800000), magnitude);
    __m256i infinite = _mm256_cmpgt_epi32(magnitude, ALL_32(0x7f7fffff));
    __m256i rare = _mm256_or_si256(_mm256_andnot_si256(is_zero, subnormal), infinite);

    return !_mm256_testz_si256(rare, rare);
}

/* False if the scalar code must do some of them. */
GROUP_INLINE bool group_digits(struct group *group, __m256i bits)
{
    const __m256i zero = _mm256_setzero_si256(), one = ALL_32(1);
    __m256i magnitude = _mm256_and_si256(bits, ALL_32(0x7fffffff));
    __m256i fraction = _mm256_and_si256(bits, ALL_32(0x7fffff));
    __m256i is_zero = _mm256_cmpeq_epi32(magnitude, zero);

    if (__builtin_expect(group_is_rare(magnitude, is_zero), 0))
        return false;
    /* zeros as if they were normal, so that the power of ten is one that there is */
    __m256i field = _mm256_max_epi32(_mm256_srli_epi32(magnitude, 23), one);
    struct group_values v = {
        .c = _mm256_or_si256(fraction, ALL_32(0x800000)),
        .q = _mm256_sub_epi32(field, ALL_32(150)),
        .power_of_two = _mm256_and_si256(_mm256_cmpeq_epi32(fraction, zero),
                                         _mm256_cmpgt_epi32(field, one)),
    };
    struct group_decimals d = group_nine_digits(group_shortest(&v));
    __m256i negative = _mm256_srli_epi32(bits, 31); /* "0", but "-0.0": see put() */
    __m256i point = _mm256_add_epi32(d.exponent, ALL_32(GROUP_ROWS));
    *group = (struct group){
        .digits = _mm256_andnot_si256(is_zero, d.digits),
        .point = _mm256_blendv_epi8(point, _mm256_sub_epi32(one, negative), is_zero),
        .negative = negative,
    };
    return true;
}

/* ---- their text ---- */

/* Which byte comes where: the last four bits of these characters are its number among the 16 of
 * which a text is made. '1' to '9' are the digits, '*' is the 'e', 'k' and 'o' are the exponent's
 * tens and ones; the others are themselves. */
struct group_row {
    char from[15];
    uint8_t length;
};

#define ROW(text)              \
    {                          \
        text, sizeof(text) - 1 \
    }
#define SCIENTIFIC_1(end) ROW("1" end)
#define SCIENTIFIC_2(end) SCIENTIFIC_1(end), ROW("1.2" end)
#define SCIENTIFIC_3(end) SCIENTIFIC_2(end), ROW("1.23" end)
#define SCIENTIFIC_4(end) SCIENTIFIC_3(end), ROW("1.234" end)
#define SCIENTIFIC_5(end) SCIENTIFIC_4(end), ROW("1.2345" end)
#define SCIENTIFIC_6(end) SCIENTIFIC_5(end), ROW("1.23456" end)
#define SCIENTIFIC_7(end) SCIENTIFIC_6(end), ROW("1.234567" end)
#define SCIENTIFIC_8(end) SCIENTIFIC_7(end), ROW("1.2345678" end)
#define SCIENTIFIC_9(end) SCIENTIFIC_8(end), ROW("1.23456789" end)
#define TWICE(text)       ROW(text), ROW(text)
#define THRICE(text)      TWICE(text), ROW(text)
#define BEHIND(front)                                                             \
    ROW(front "12,"), ROW(front "123,"), ROW(front "1234,"), ROW(front "12345,"), \
        ROW(front "123456,"), ROW(front "1234567,"), ROW(front "12345678,"),      \
        ROW(front "123456789,")

/* By the place of the point and the count of digits. */
static const struct group_row group_rows[][GROUP_ROWS] = {
    {SCIENTIFIC_9("*-ko,")},
    {SCIENTIFIC_9("*-o,")},
    {SCIENTIFIC_1("*-o,"), BEHIND("0.00")},
    {ROW("0.01,"), BEHIND("0.0")},
    {ROW("0.1,"), BEHIND("0.")},
    {SCIENTIFIC_9(",")},
    {TWICE("12,"), ROW("12.3,"), ROW("12.34,"), ROW("12.345,"), ROW("12.3456,"), ROW("12.34567,"),
     ROW("12.345678,"), ROW("12.3456789,")},
    {THRICE("123,"), ROW("123.4,"), ROW("123.45,"), ROW("123.456,"), ROW("123.4567,"),
     ROW("123.45678,"), ROW("123.456789,")},
    {SCIENTIFIC_1("*o,"), THRICE("1234,"), ROW("1234.5,"), ROW("1234.56,"), ROW("1234.567,"),
     ROW("1234.5678,"), ROW("1234.56789,")},
    {SCIENTIFIC_1("*o,"), TWICE("12345,"), TWICE("12345,"), ROW("12345.6,"), ROW("12345.67,"),
     ROW("12345.678,"), ROW("12345.6789,")},
    {SCIENTIFIC_2("*o,"), TWICE("123456,"), TWICE("123456,"), ROW("123456.7,"), ROW("123456.78,"),
     ROW("123456.789,")},
    {SCIENTIFIC_3("*o,"), TWICE("1234567,"), TWICE("1234567,"), ROW("1234567.8,"),
     ROW("1234567.89,")},
    {SCIENTIFIC_4("*o,"), TWICE("12345678,"), TWICE("12345678,"), ROW("12345678.9,")},
    {SCIENTIFIC_5("*o,"), TWICE("123456789,"), TWICE("123456789,")},
    {SCIENTIFIC_6("*o,"), THRICE("1234567890,")},
    {SCIENTIFIC_6("*ko,"), THRICE("12345678900,")},
    {SCIENTIFIC_7("*ko,"), TWICE("123456789000,")},
    {SCIENTIFIC_8("*ko,"), ROW("1234567890000,")},
    {SCIENTIFIC_9("*ko,")},
};
#undef BEHIND
#undef THRICE
#undef TWICE
#undef SCIENTIFIC_9
#undef SCIENTIFIC_8
#undef SCIENTIFIC_7
#undef SCIENTIFIC_6
#undef SCIENTIFIC_5
#undef SCIENTIFIC_4
#undef SCIENTIFIC_3
#undef SCIENTIFIC_2
#undef SCIENTIFIC_1
#undef ROW

/* The nine digits of eight numbers: the first, and a byte for each of the others, in 64-bit lanes
 * of the numbers 0, 1, 4, 5 and 2, 3, 6, 7. */
struct group_bytes {
    __m256i first, rest[2];
};

/* Two digits, below 100 together, to two bytes. */
GROUP_INLINE __m256i group_two_bytes(__m256i pairs)
{
    __m256i tens = _mm256_mulhi_epu16(pairs, ALL_16(6554));

    /* tens + 256 * (pair - 10 * tens) */
    return _mm256_sub_epi16(_mm256_slli_epi16(pairs, 8), _mm256_mullo_epi16(tens, ALL_16(2559)));
}

GROUP_INLINE struct group_bytes group_split(__m256i digits)
{
    const __m256i ten4 = ALL_32(10000);
    /* the first five and what is after them, of which there are 16 bits only */
    __m256i high = _mm256_srli_epi32(group_multiply_high(digits, ALL_32(0xd1b71759)), 13);
    __m256i low = _mm256_sub_epi16(digits, _mm256_mullo_epi16(high, ten4));
    __m256i first = _mm256_srli_epi16(_mm256_mulhi_epu16(_mm256_srli_epi32(high, 4), ALL_32(6711)),
                                      6);
    __m256i middle = _mm256_sub_epi16(high, _mm256_mullo_epi16(first, ten4));
    __m256i fours = _mm256_blend_epi16(middle, _mm256_slli_epi32(low, 16), 0xaa);
    __m256i left = _mm256_srli_epi16(_mm256_mulhi_epu16(fours, ALL_16(5243)), 3);
    __m256i right = _mm256_sub_epi16(fours, _mm256_mullo_epi16(left, ALL_16(100)));

    return (struct group_bytes){first,
                                {group_two_bytes(_mm256_unpacklo_epi16(left, right)),
                                 group_two_bytes(_mm256_unpackhi_epi16(left, right))}};
}

/* 16 times the number of digits up to the last that is not zero, and a constant more. */
GROUP_INLINE __m256i group_count_16(const struct group_bytes *b)
{
    const __m256i zero = _mm256_setzero_si256(), order = _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7);
    uint32_t zeros_low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b->rest[0], zero));
    uint32_t zeros_high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b->rest[1], zero));
    uint64_t others = ~(zeros_low | (uint64_t)zeros_high << 32);
    __m256i masks = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)others));
    /* bit 0 is the first digit */
    __m256i nine = _mm256_or_si256(_mm256_slli_epi32(masks, 1), ALL_32(1));
    __m256i bits = _mm256_castps_si256(_mm256_cvtepi32_ps(nine)); /* exact: 9 bits */

    bits = _mm256_and_si256(_mm256_srli_epi32(bits, 19), ALL_32(-16));
    return _mm256_permutevar8x32_epi32(bits, order);
}

/* Offsets into group_rows. */
GROUP_INLINE __m256i group_offsets(__m256i point, __m256i count_16)
{
    enum { COUNT_0 = 127 * 16 }; /* what count_16 says of one digit */
    __m256i near = _mm256_max_epi32(_mm256_min_epi32(point, ALL_32(GROUP_POINT_MAX)),
                                    ALL_32(GROUP_POINT_MIN - 1));
    __m256i long_exponent = _mm256_cmpgt_epi32(ALL_32(-8), point);
    __m256i place = _mm256_add_epi32(_mm256_add_epi32(near, long_exponent),
                                     ALL_32(2 - GROUP_POINT_MIN));
    __m256i row = _mm256_mullo_epi16(place, ALL_32(sizeof *group_rows));

    return _mm256_add_epi32(row, _mm256_sub_epi32(count_16, ALL_32(COUNT_0)));
}

/* The 16 bytes that each text is made of, of the numbers i and i + 4. */
struct group_sources {
    __m256i pair[GROUP / 2];
};

GROUP_INLINE __m256i group_rotate_2(__m256i bytes)
{
    return _mm256_alignr_epi8(bytes, bytes, 14);
}

GROUP_INLINE struct group_sources group_sources(const struct group_bytes *b, __m256i point)
{
    const __m256i digit_0 = ALL_32(0x30303030);
    const __m256i low = ALL_32('e' | '0' << 8 | ',' << 16 | '-' << 24);
    const __m256i high = ALL_32('.' | '0' << 8 | '0' << 16 | '0' << 24);
    __m256i power = _mm256_abs_epi32(_mm256_sub_epi32(point, ALL_32(1)));
    __m256i tens = _mm256_mulhi_epu16(power, ALL_32(6554));
    __m256i ones = _mm256_sub_epi32(power, group_times_10(tens));
    /* bytes 10 to 15, and 0 and 1 */
    __m256i front = _mm256_add_epi32(low, _mm256_slli_epi32(tens, 8));
    __m256i back = _mm256_add_epi32(high, _mm256_slli_epi32(ones, 8));
    back = _mm256_add_epi32(back, _mm256_slli_epi32(b->first, 24));
    __m256i others_0 = _mm256_unpacklo_epi32(front, back);
    __m256i others_1 = _mm256_unpackhi_epi32(front, back);
    __m256i rest_0 = _mm256_or_si256(b->rest[0], digit_0);
    __m256i rest_1 = _mm256_or_si256(b->rest[1], digit_0);

    return (struct group_sources){{
        group_rotate_2(_mm256_unpacklo_epi64(rest_0, others_0)),
        group_rotate_2(_mm256_unpackhi_epi64(rest_0, others_0)),
        group_rotate_2(_mm256_unpacklo_epi64(rest_1, others_1)),
        group_rotate_2(_mm256_unpackhi_epi64(rest_1, others_1)),
    }};
}

GROUP_INLINE const struct group_row *group_row(uint32_t offset)
{
    return (const struct group_row *)(const void *)((const char *)group_rows + offset);
}

GROUP_INLINE __m128i group_load(const struct group_row *row)
{
    return _mm_loadu_si128((const __m128i *)(const void *)row);
}

/* The texts of the numbers i and i + 4. */
GROUP_INLINE __m256i group_text(__m256i source, const uint32_t *offset)
{
    __m256i from = _mm256_castsi128_si256(group_load(group_row(offset[0])));

    from = _mm256_inserti128_si256(from, group_load(group_row(offset[GROUP / 2])), 1);
    return _mm256_shuffle_epi8(source, from);
}

/* The places of eight texts depend on these. */
struct group_lengths {
    uint32_t offset[GROUP], negative[GROUP];
};

GROUP_INLINE void group_texts(__m128i text[GROUP], struct group_lengths *l,
                              const struct group *group)
{
    struct group_bytes b = group_split(group->digits);
    struct group_sources s = group_sources(&b, group->point);

    group_to_memory(l->negative, group->negative);
    group_to_memory(l->offset, group_offsets(group->point, group_count_16(&b)));
#pragma GCC unroll 4
    for (size_t i = 0; i < GROUP / 2; i++) {
        __m256i two = group_text(s.pair[i], l->offset + i);
        text[i] = _mm256_castsi256_si128(two);
        text[i + GROUP / 2] = _mm256_extracti128_si256(two, 1);
    }
}

GROUP_INLINE char *group_store(char *out, __m128i text, const struct group_lengths *l, size_t i)
{
    *out = '-';
    out += l->negative[i];
    _mm_storeu_si128((__m128i *)(void *)out, text);
    return out + group_row(l->offset[i])->length;
}

/* The first n of eight, each with what is after it in its row, to `out`, where 16 bytes after
 * them are written over. Returns their end. */
GROUP_INLINE char *group_put(char *out, const struct group *group, size_t n,
                             struct float_rows *rows)
{
    struct group_lengths l;
    __m128i text[GROUP];

    group_texts(text, &l, group);
    if (n == GROUP && rows->left > GROUP) {
#pragma GCC unroll 8
        for (size_t i = 0; i < GROUP; i++)
            out = group_store(out, text[i], &l, i);
        rows->left -= GROUP;
        return out;
    }
    for (size_t i = 0; i < n; i++)
        out = float_row_next(group_store(out, text[i], &l, i), rows);
    return out;
}

#undef ALL_16
#undef ALL_32

#endif
#endif
