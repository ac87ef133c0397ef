/* float_write.c - a float32 as the shortest decimal that reads back to it.
 *
 * May know: pow10.h. The digits come from R. Giulietti's Schubfach ("The Schubfach way to render
 * doubles", 2020): of the decimals in the interval that rounds to the value only four, next to it
 * at two neighbouring powers of ten, can be the shortest and closest one. Invariant: integers only,
 * so no rounding mode or compiler flag can change a digit. */
#include "codec/pow10.h"
#include "codec/tensor.h"

#include <stdint.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

enum { DIGITS_MAX = 9 };

/* digits * 10^exponent */
struct decimal {
    uint32_t digits;
    int exponent;
};

/* floor(log10(2^q)), or floor(log10(3/4 * 2^q)); exact for |q| <= 1500 */
static int log10_of_pow2(int q, bool three_quarters)
{
    return (q * 1262611 - (three_quarters ? 524031 : 0)) >> 22;
}

/* Upper part of g * c, with its last bit set if anything was cut off: comparisons with multiples of
 * two then come out as with the exact product. The entry g is up to one unit too large, hence the
 * lower part counts from 2. */
static uint32_t multiply_to_odd(uint64_t g, uint32_t c)
{
    uint128 product = (uint128)g * c;
    uint32_t cut = (uint32_t)(product >> 32);

    return (uint32_t)(product >> 64) | (cut > 1);
}

/* Shortest decimal of c * 2^q, c > 0. near_below: the float below is only half a step away. */
static struct decimal shortest(uint32_t c, int q, bool near_below)
{
    int k = log10_of_pow2(q, near_below);
    int shift = q + pow10_exponent(-k) + 1;
    uint64_t g = pow10_get(-k);
    uint32_t odd = c & 1; /* the ends of the interval round to c only if c is even */

    /* four times the value and the ends of its interval, in units of 10^k */
    uint32_t low = multiply_to_odd(g, (4 * c - (near_below ? 1 : 2)) << shift) + odd;
    uint32_t mid = multiply_to_odd(g, (4 * c) << shift);
    uint32_t high = multiply_to_odd(g, (4 * c + 2) << shift) - odd;

    uint32_t s = mid / 4, tens = s / 10;
    bool down = low <= 40 * tens, up = 40 * tens + 40 <= high;
    if (tens && down != up) /* with one digit already, a power of ten more gains nothing */
        return (struct decimal){tens + up, k + 1};
    down = low <= 4 * s;
    up = 4 * s + 4 <= high;
    if (down == up)
        up = mid > 4 * s + 2 || (mid == 4 * s + 2 && (s & 1));
    return (struct decimal){s + up, k};
}

static struct decimal decimal_of(uint32_t bits)
{
    uint32_t fraction = bits & 0x7fffff, field = bits >> 23 & 0xff;
    struct decimal d = field ? shortest(fraction | 0x800000, (int)field - 150,
                                        fraction == 0 && field > 1)
                             : shortest(fraction, -149, false);

    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    return d;
}

static char *put(char *out, const char *from, int n)
{
    memcpy(out, from, (size_t)n);
    return out + n;
}

static char *put_zeros(char *out, int n)
{
    memset(out, '0', (size_t)n);
    return out + n;
}

/* The point stands behind the digit number `point`, which may lie outside of the digits. */
static char *put_fixed(char *out, const char *digits, int n, int point)
{
    if (point >= n)
        return put_zeros(put(out, digits, n), point - n);
    if (point > 0) {
        out = put(out, digits, point);
        *out++ = '.';
        return put(out, digits + point, n - point);
    }
    return put(put_zeros(put(out, "0.", 2), -point), digits, n);
}

static char *put_scientific(char *out, const char *digits, int n, int exponent)
{
    *out++ = *digits;
    if (n > 1) {
        *out++ = '.';
        out = put(out, digits + 1, n - 1);
    }
    *out++ = 'e';
    if (exponent < 0)
        *out++ = '-';
    int e = exponent < 0 ? -exponent : exponent;
    if (e >= 10)
        *out++ = (char)('0' + e / 10);
    *out++ = (char)('0' + e % 10);
    return out;
}

static int fixed_length(int n, int point)
{
    if (point >= n)
        return point;
    return point > 0 ? n + 1 : n + 2 - point;
}

static int scientific_length(int n, int exponent)
{
    int e = exponent < 0 ? -exponent : exponent;

    return n + (n > 1) + 1 + (exponent < 0) + 1 + (e >= 10);
}

size_t float_write(char out[static FLOAT_TEXT_MAX], float value)
{
    char digits[DIGITS_MAX] = {0}, *p = out;
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    if (bits >> 31)
        *p++ = '-';
    if (bits << 1 == 0) {
        *p++ = '0';
        return (size_t)(p - out);
    }
    struct decimal d = decimal_of(bits & 0x7fffffff);
    int n = 0;
    for (uint32_t rest = d.digits; rest; rest /= 10)
        digits[DIGITS_MAX - ++n] = (char)('0' + rest % 10);
    const char *first = digits + DIGITS_MAX - n;
    int point = n + d.exponent;
    if (fixed_length(n, point) <= scientific_length(n, point - 1))
        p = put_fixed(p, first, n, point);
    else
        p = put_scientific(p, first, n, point - 1);
    return (size_t)(p - out);
}
