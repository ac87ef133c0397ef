/* float_write.c - a float32 as the shortest decimal that reads back to it.
 *
 * May know: pow10.h, float_group.h. The digits come from R. Giulietti's Schubfach ("The Schubfach
 * way to render doubles", 2020): of the decimals in the interval that rounds to the value only
 * four, next to it at two neighbouring powers of ten, can be the shortest and closest one. The
 * differences between numbers (which of the four, how many digits, where the point is) are chosen
 * without branches, since a branch predicted wrongly costs as much as half a number. Invariant:
 * integers only, so no rounding mode or compiler flag can change a digit. */
#include "tensor/float_group.h"
#include "tensor/float_text.h"
#include "tensor/pow10.h"
#include "tensor/tensor.h"

#include <stdint.h>
#include <string.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))

__extension__ typedef unsigned __int128 uint128;

enum {
    FRACTION_BITS = 23,
    EXPONENT_LEAST = -149, /* of the last bit of a subnormal */
    DIGITS_MAX = 9,        /* of a decimal here, once it is filled up with zeros */
    ASIDE = 24,            /* after the longest text */
    POINT_LEAST = -2,      /* of what is written without exponent */
};

#define NEGATIVE_ZERO 0x80000000u
#define BITS_1EM3     0x3a83126fu /* of 0.001f */
#define BITS_1E14     0x56b5e621u
#define DIGITS_LEAST  100000000u /* the least number with that many */

/* digits * 10^exponent */
struct decimal {
    uint32_t digits;
    int exponent;
};

/* ---- the digits ---- */

/* floor(log10(2^q)), or floor(log10(3/4 * 2^q)); exact for |q| <= 1500 */
static ALWAYS_INLINE int log10_of_pow2(int q, bool three_quarters)
{
    return (q * 1262611 - (three_quarters ? 524031 : 0)) >> 22;
}

/* Upper part of g * c, with its last bit set if anything was cut off: comparisons with multiples of
 * two then come out as with the exact product. The entry g is up to one unit too large, hence the
 * lower part, whose last 32 bits are below that, counts from 2. */
static ALWAYS_INLINE uint32_t multiply_to_odd(uint64_t g, uint32_t c)
{
    uint128 product = (uint128)g * c;

    return (uint32_t)(product >> 64) | ((uint64_t)product > 0x1ffffffff);
}

/* Shortest decimal of c * 2^q, perhaps with zeros after. near_below: the float below is only half
 * a step away. */
static ALWAYS_INLINE struct decimal shortest(uint32_t c, int q, bool near_below)
{
    int k = log10_of_pow2(q, near_below);
    int shift = q + pow10_exponent(-k) + 1;
    uint64_t g = pow10_get(-k);
    uint32_t odd = c & 1; /* the ends of the interval round to c only if c is even */
    uint32_t four = 4 * c << shift, two = 2u << shift;

    /* four times the value and the ends of its interval, in units of 10^k */
    uint32_t low = multiply_to_odd(g, four - (near_below ? two / 2 : two)) + odd;
    uint32_t mid = multiply_to_odd(g, four);
    uint32_t high = multiply_to_odd(g, four + two) - odd;

    /* Either neighbour at a power of ten more, if one of them is within and the other is not; with
     * one digit already that would gain nothing. */
    uint32_t s4 = mid & ~3u, tens = mid / 40, ten4 = 40 * tens;
    uint32_t down = low <= ten4, up = ten4 + 40 <= high;
    uint32_t coarse = 10 * (tens + up), fewer = -((down ^ up) & (mid >= 40));
    /* else the one at this power of ten, and of two that are within the closer one */
    down = low <= s4;
    up = s4 + 4 <= high;
    uint32_t nearest = mid + (mid >> 2 & 1) > s4 + 2;
    uint32_t fine = mid / 4 + ((up & ~down) | (nearest & ~(up ^ down)));

    return (struct decimal){(coarse & fewer) | (fine & ~fewer), k};
}

/* Fill up to nine digits. The decimal of a normal float has at least seven. */
static ALWAYS_INLINE struct decimal nine_digits(struct decimal d)
{
    static const uint32_t scale[] = {100, 10, 1};
    int more = (d.digits >= DIGITS_LEAST / 10) + (d.digits >= DIGITS_LEAST);

    return (struct decimal){d.digits * scale[more], d.exponent - 2 + more};
}

static struct decimal subnormal_digits(uint32_t fraction)
{
    struct decimal d = shortest(fraction, EXPONENT_LEAST, false);

    for (; d.digits < DIGITS_LEAST; d.exponent--)
        d.digits *= 10;
    return d;
}

static ALWAYS_INLINE struct decimal digits_of(uint32_t bits)
{
    uint32_t fraction = bits & 0x7fffff;
    int field = (int)(bits >> FRACTION_BITS);

    if (field == 0) /* zero: one digit in front of the point */
        return fraction ? subnormal_digits(fraction) : (struct decimal){0, 1 - DIGITS_MAX};
    if (fraction == 0)
        return nine_digits(shortest(0x800000, field - 1 + EXPONENT_LEAST, field > 1));
    return nine_digits(shortest(fraction | 0x800000, field - 1 + EXPONENT_LEAST, false));
}

/* ---- their text ---- */

static const char pairs[201] = "0001020304050607080910111213141516171819202122232425262728293031323"
                               "3343536373839404142434445464748"
                               "4950515253545556575859606162636465666768697071727374757677787980818"
                               "2838485868788899091929394959697"
                               "9899";

static ALWAYS_INLINE uint64_t pair(uint32_t value)
{
    uint16_t bytes;

    memcpy(&bytes, pairs + 2 * (size_t)value, sizeof bytes);
    return bytes;
}

/* Eight digits to as many bytes, the first in the lowest. */
static ALWAYS_INLINE uint64_t eight_bytes(uint32_t digits)
{
    uint32_t high = digits / 10000, low = digits % 10000;

    return pair(high / 100) | pair(high % 100) << 16 | pair(low / 100) << 32 |
           pair(low % 100) << 48;
}

static ALWAYS_INLINE void store_8(char *at, uint64_t bytes)
{
    memcpy(at, &bytes, sizeof bytes);
}

static ALWAYS_INLINE void store_4(char *at, uint32_t bytes)
{
    memcpy(at, &bytes, sizeof bytes);
}

static const uint64_t zeros_8 = 0x3030303030303030;
static const uint32_t zeros_and_point = 0x30302e30; /* "0.00" */

/* A point within the digits, or in front of them: all digits, pushed back by "0.0" if it is in
 * front; and once more those after the point, or aside, where nobody looks. */
static ALWAYS_INLINE char *put_usual(char *out, char first, uint64_t rest, int n, int point)
{
    int front = point < 1 ? 2 - point : 0, tail = point < 1 ? ASIDE : point;

    store_4(out, zeros_and_point);
    out[front] = first;
    store_8(out + front + 1, rest);
    out[tail] = '.';
    store_8(out + tail + 1, rest >> (8 * (point - 1) & 63));
    return out + n + (front ? front : 1);
}

/* By the exponent in scientific notation: its text, and when that notation is the shorter one. */
struct scientific {
    char text[4];
    uint8_t length;
    int8_t fewer; /* for fewer digits and points than that in front of the 'e' */
};

enum { SCIENTIFIC_MIN = -45, SCIENTIFIC_MAX = 38 };

#define ABS(e)    ((e) < 0 ? -(e) : (e))
#define TENS(e)   (char)('0' + ABS(e) / 10)
#define ONES(e)   (char)('0' + ABS(e) % 10)
#define LEADS(e)  (ABS(e) < 10 ? ONES(e) : TENS(e))
#define LENGTH(e) (2 + ((e) < 0) + (ABS(e) >= 10))
/* d000: e + 1 bytes against n + (n > 1) + LENGTH(e); 0.00d: n + 1 - e against the same */
#define FEWER_AHEAD(e) (LENGTH(e) + 1 < 1 - (e) ? DIGITS_MAX + 2 : LENGTH(e) < 1 - (e) ? 2 : 0)
#define FEWER(e)       ((e) >= 0 ? (e) + 1 - LENGTH(e) : FEWER_AHEAD(e))
#define ROW(e)                                                                             \
    {                                                                                      \
        {'e', (e) < 0 ? '-' : LEADS(e), (e) < 0 ? LEADS(e) : ONES(e), ONES(e)}, LENGTH(e), \
            FEWER(e)                                                                       \
    }
#define ROWS_4(e)  ROW(e), ROW((e) + 1), ROW((e) + 2), ROW((e) + 3)
#define ROWS_12(e) ROWS_4(e), ROWS_4((e) + 4), ROWS_4((e) + 8)

static const struct scientific scientific[SCIENTIFIC_MAX - SCIENTIFIC_MIN + 1] = {
    ROWS_12(-45), ROWS_12(-33), ROWS_12(-21), ROWS_12(-9), ROWS_12(3), ROWS_12(15), ROWS_12(27),
};

static ALWAYS_INLINE char *put_scientific(char *out, char first, uint64_t rest, int n, int point)
{
    const struct scientific *s = &scientific[point - 1 - SCIENTIFIC_MIN];

    out[0] = first;
    out[1] = '.';
    store_8(out + 2, rest);
    out += n + (n > 1);
    memcpy(out, s->text, sizeof s->text);
    return out + s->length;
}

/* Integers, and the others that need an exponent. */
static char *put_rare(char *out, char first, uint64_t rest, int n, int point)
{
    if (n + (n > 1) < scientific[point - 1 - SCIENTIFIC_MIN].fewer)
        return put_scientific(out, first, rest, n, point);
    *out = first;
    store_8(out + 1, rest);
    store_8(out + DIGITS_MAX, zeros_8);
    return out + point;
}

/* Is it so small or large that it needs an exponent whatever its digits are? A guess that proves
 * wrong here costs less than one about the digits, which are known much later. */
static ALWAYS_INLINE bool is_far(uint32_t magnitude)
{
    return magnitude - BITS_1EM3 >= BITS_1E14 - BITS_1EM3 && magnitude != 0;
}

/* Writes up to FLOAT_ROOM bytes; returns the end of the text among them. */
static ALWAYS_INLINE char *put(char *out, uint32_t bits)
{
    struct decimal d = digits_of(bits & 0x7fffffff);
    uint32_t first = d.digits / DIGITS_LEAST;
    uint64_t rest = eight_bytes(d.digits - first * DIGITS_LEAST);
    /* those from the second to the last that is not zero */
    int n = 1 + (63 - __builtin_clzll((rest & ~zeros_8) << 1 | 1) + 7) / 8;
    /* "-0.0", since many readers take "-0" for an integer, which has no sign */
    int point = d.exponent + DIGITS_MAX - (bits == NEGATIVE_ZERO);

    *out = '-';
    out += bits >> 31;
    first += '0';
    if (is_far(bits & 0x7fffffff))
        return put_scientific(out, (char)first, rest, n, point);
    /* 0.0d and 0.00dd are never longer than in scientific notation, 0.00d is */
    if (__builtin_expect(point >= POINT_LEAST + (n == 1) && point < n, 1))
        return put_usual(out, (char)first, rest, n, point);
    return put_rare(out, (char)first, rest, n, point);
}

static ALWAYS_INLINE uint32_t bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

size_t float_write(char out[static FLOAT_TEXT_MAX], float value)
{
    char room[FLOAT_ROOM];
    size_t n = (size_t)(put(room, bits_of(value)) - room);

    memcpy(out, room, FLOAT_TEXT_MAX);
    return n;
}

/* The end of the texts of n values, or of those in front of the first that is not finite. */
static char *put_run(char *at, const float *values, size_t n, struct float_rows *rows,
                     size_t *written)
{
    size_t i = 0;

    for (; i < n; i++) {
        uint32_t bits = bits_of(values[i]);
        if ((bits & 0x7f800000) == 0x7f800000)
            break;
        at = put(at, bits);
        *at++ = ',';
        at = float_row_next(at, rows);
    }
    *written = i;
    return at;
}

size_t float_write_run_portable(char *out, const float *values, size_t n, struct float_rows *rows,
                                size_t *written)
{
    return (size_t)(put_run(out, values, n, rows, written) - out);
}

#if defined(__x86_64__)
enum {
    GROUPS = 8,
    GROUP_LEAST = 4, /* as quick as so many, one after the other */
    REST_LEAST = 2,  /* the same after other groups, which it overlaps */
};

/* The first eight of n values, or what there is of them and zeros. */
GROUP_INLINE __m256i load(const float *values, size_t n)
{
    const __m256i order = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const int *from = (const int *)(const void *)values;

    if (n >= GROUP)
        return _mm256_loadu_si256((const __m256i *)(const void *)from);
    return _mm256_maskload_epi32(from, _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), order));
}

/* Some of n numbers, in groups in which the scalar code need not do any: first the digits of all
 * groups, then their texts, so that the processor has several under way at once. */
GROUP_INLINE char *put_groups(char *at, const float *values, size_t n, struct float_rows *rows,
                              size_t *written)
{
    struct group groups[GROUPS];
    size_t ready = 0, i = 0;

    while (ready < GROUPS && i + REST_LEAST <= n &&
           group_digits(&groups[ready], load(values + i, n - i))) {
        ready++;
        i += GROUP;
    }
    size_t left = i < n ? i : n;
    *written = left;
    for (size_t g = 0; g < ready; g++, left -= GROUP)
        at = group_put(at, &groups[g], left < GROUP ? left : GROUP, rows);
    return at;
}

__attribute__((target("avx2"))) static size_t run_avx2(char *out, const float *values, size_t n,
                                                       struct float_rows *rows, size_t *written)
{
    char *at = out;
    size_t i = 0;

    while (i < n) {
        size_t some;
        at = put_groups(at, values + i, n - i, rows, &some);
        i += some;
        if (some == (size_t)GROUPS * GROUP)
            continue;
        /* a rare one stopped it, or what is left is too little */
        size_t rest = n - i < GROUP ? n - i : GROUP;
        at = put_run(at, values + i, rest, rows, &some);
        i += some;
        if (some < rest)
            break;
    }
    *written = i;
    return (size_t)(at - out);
}
#endif

size_t float_write_run(char *out, const float *values, size_t n, struct float_rows *rows,
                       size_t *written)
{
#if defined(__x86_64__)
    if (n >= GROUP_LEAST && __builtin_cpu_supports("avx2"))
        return run_avx2(out, values, n, rows, written);
#endif
    return float_write_run_portable(out, values, n, rows, written);
}
