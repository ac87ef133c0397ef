/* float_read.c - one JSON number as the nearest float32.
 *
 * May know: float_round.h. Invariant: the result is the correctly rounded one, because the
 * quick way computes an interval that holds the exact value and answers only if both of its ends
 * round to the same float32; all else goes to strtof, which is exact for any number of digits. */
#include "tensor/float_round.h"
#include "tensor/tensor.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIGITS_MAX = 19, /* the most that always fit into 64 bits */
    BIAS = 127,
    FRACTION_BITS = 23,
    EXPONENT_LEAST = -149, /* of the last bit of a subnormal */
};

/* Exponents saturate here: far outside of any float32, yet far from overflow when the count of
 * digits of the longest possible text is added. */
#define EXPONENT_BOUND ((int64_t)1 << 60)

/* The part of a number that was gathered: w * 10^exponent, or if cut anything from there up to but
 * without (w + 1) * 10^exponent. */
struct decimal {
    uint64_t w;
    int64_t exponent;
    unsigned digits; /* in w, leading zeros left out */
    bool cut;
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

/* Eight digits at once: every byte has 3 as its upper half, also after 6 has been added. */
static bool eight_digits(const char *p, uint64_t *value)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    if (((v & 0xf0f0f0f0f0f0f0f0) | (((v + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4)) !=
        0x3333333333333333)
        return false;
    v &= 0x0f0f0f0f0f0f0f0f;
    v = v * 10 + (v >> 8); /* pairs in bytes 0, 2, 4, 6 */
    v = ((v & 0x000000ff000000ff) * 0x000f424000000064 +
         ((v >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
        32;
    *value = v & 0xffffffff;
    return true;
}

/* Take the digits at p; each multiplies by ten what is there, or once w is full is dropped. Dropped
 * digits in front of the point raise the exponent, taken ones after it lower it. */
static const char *take_digits(struct decimal *d, const char *p, const char *end, bool fraction)
{
    uint64_t eight;

    for (; d->w == 0 && *p == '0'; p++)
        d->exponent -= fraction;
    while (end - p >= 8 && d->digits + 8 <= DIGITS_MAX && eight_digits(p, &eight)) {
        d->w = d->w * 100000000 + eight;
        d->digits += 8;
        d->exponent -= fraction ? 8 : 0;
        p += 8;
    }
    for (; is_digit(*p); p++) {
        if (d->digits < DIGITS_MAX) {
            d->w = d->w * 10 + (uint64_t)(*p - '0');
            d->digits++;
            d->exponent -= fraction;
        } else {
            d->cut |= *p != '0';
            d->exponent += !fraction;
        }
    }
    return p;
}

/* The exponent at p, after the 'e', or NULL. */
static const char *take_exponent(struct decimal *d, const char *p)
{
    bool negative = *p == '-';
    int64_t e = 0;

    if (*p == '-' || *p == '+')
        p++;
    if (!is_digit(*p))
        return NULL;
    for (; is_digit(*p); p++)
        if (e < EXPONENT_BOUND / 16)
            e = e * 10 + (*p - '0');
    d->exponent += negative ? -e : e;
    return p;
}

/* The number at p, after its sign; returns its end, or NULL if the grammar is not JSON's. */
static const char *take_number(struct decimal *d, const char *p, const char *end)
{
    if (!is_digit(*p))
        return NULL;
    p = *p == '0' ? p + 1 : take_digits(d, p, end, false);
    if (*p == '.') {
        if (!is_digit(*++p))
            return NULL;
        p = take_digits(d, p, end, true);
    }
    if (*p == 'e' || *p == 'E')
        p = take_exponent(d, p + 1);
    return p;
}

/* m * 2^e (m has at least 62 bits) rounded to nearest, ties to even. */
static float round_to_float(uint64_t m, int e)
{
    int top = 63 - __builtin_clzll(m) + e;
    int last = top - FRACTION_BITS > EXPONENT_LEAST ? top - FRACTION_BITS : EXPONENT_LEAST;
    int shift = last - e;

    if (top > BIAS)
        return INFINITY;
    if (shift > 64)
        return 0;
    uint64_t kept = shift < 64 ? m >> shift : 0;
    uint64_t rest = shift < 64 ? m << (64 - shift) : m;
    uint64_t half = (uint64_t)1 << 63;
    kept += rest > half || (rest == half && (kept & 1));
    /* A subnormal has exponent field 0 and no hidden bit: with `last` at its least both cases are
     * the same sum, and a carry out of the fraction goes up into the exponent as it should. */
    return binary_float((uint32_t)kept + ((uint32_t)(last - EXPONENT_LEAST) << FRACTION_BITS));
}

/* w * 10^exponent by one multiplication. With m = w << zeros and the table's 10^k within one unit
 * below its entry, the upper half of the product is at most one unit above the exact value and less
 * than one below; what was cut from w adds less than one unit of w. (An end past 2^64 rounds to
 * 2^64 as UINT64_MAX does.) */
static bool convert(const struct decimal *d, float *value)
{
    int k = (int)d->exponent, zeros = __builtin_clzll(d->w);
    uint64_t high = (uint64_t)(((uint128)(d->w << zeros) * pow10_get(k)) >> 64);
    int e = pow10_exponent(k) - 63 + 64 - zeros;
    uint64_t more = 1 + (d->cut ? (uint64_t)1 << zeros : 0);
    uint64_t above = high > UINT64_MAX - more ? UINT64_MAX : high + more;

    *value = round_to_float(high - 1, e);
    return *value == round_to_float(above, e);
}

static float magnitude(const struct decimal *d, const char *text)
{
    float value;

    if (d->w == 0 || d->exponent < POW10_MIN)
        return 0;
    if (d->exponent > POW10_MAX)
        return INFINITY;
    int zeros = __builtin_clzll(d->w);
    if (d->exponent == 0 && !d->cut)
        return round_to_float(d->w << zeros, -zeros);
    return convert(d, &value) ? value : strtof(text, NULL);
}

size_t float_read(const char *text, size_t len, float *value)
{
    struct decimal d = {0};
    const char *start = text + (len && *text == '-');
    const char *end = len ? take_number(&d, start, text + len) : NULL;

    if (!end)
        return 0;
    if (!d.cut && d.exponent >= POW10_MIN && d.exponent <= POW10_MAX &&
        float_round(d.w, (int)d.exponent, *text == '-', value))
        return (size_t)(end - text);
    float m = magnitude(&d, start);
    *value = *text == '-' ? -m : m;
    return (size_t)(end - text);
}
