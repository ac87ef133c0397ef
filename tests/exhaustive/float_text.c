/* tests/exhaustive/float_text.c - a program: the text of every float32.
 *
 *   float_text [-s STRIDE] [-p PART/PARTS]
 *
 * Each positive float (the sign is one byte in front, and a stride checks it) is written, must be
 * in the notation that is promised, must read back, no decimal with a digit less may read back, and
 * none with as many digits may be closer. Written and read is in runs, as tensors are.
 *
 * The judge is exact arithmetic of its own: with D digits at 10^E in the text, the value and the
 * ends of the interval that rounds to it are computed in units of 10^E to 64 bits after the point.
 * D must lie within the interval and within half a unit of the value; the two neighbours with a
 * digit less must lie outside. A value that is closer to a border than these bits can tell (an
 * exact tie, mostly), and every 100,003rd float, goes to a second judge: the C library's printf and
 * strtof. Stride 1 takes some minutes of one core: -p splits it over processes. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../unit/limbs.h"
#include "tensor/float_text.h"
#include "tensor/tensor.h"

#define POSITIVE UINT64_C(0x7f800000)

enum {
    TEXT_MAX = 64,
    FAILURES_SHOWN = 20,
    SIGN_STRIDE = 1009,
    SECOND_JUDGE_STRIDE = 100003,
    BATCH = 256,
    DIGITS_MAX = 9,
};

static uint32_t bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Digits of a decimal text without leading and trailing zeros. */
static int significant(const char *text, char *digits)
{
    int n = 0;

    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (n || *text != '0'))
            digits[n++] = *text;
    while (n && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    return n;
}

/* A decimal of `count` digits on either side of value that reads back to it: looked for where the
 * nearest one fails, which happens only next to a power of two. */
static int other_reads_back(float value, int count)
{
    char text[TEXT_MAX], *end;
    double unit, nearest;

    snprintf(text, sizeof text, "%.*e", count - 1, (double)value);
    nearest = strtod(text, &end);
    unit = pow(10, (double)(strtol(strchr(text, 'e') + 1, NULL, 10) - count + 1));
    for (int side = -1; side <= 1; side++) {
        snprintf(text, sizeof text, "%.*e", count - 1, nearest + side * unit);
        if (bits_of(strtof(text, NULL)) == bits_of(value))
            return 1;
    }
    return 0;
}

/* The fault of the text of value, or NULL. */
static const char *fault(float value, char text[TEXT_MAX])
{
    char digits[TEXT_MAX], best[TEXT_MAX], best_digits[TEXT_MAX];
    size_t length = float_write(text, value);
    float back = NAN;

    text[length] = '\0';
    if (length > FLOAT_TEXT_MAX)
        return "is too long";
    if (bits_of(strtof(text, NULL)) != bits_of(value))
        return "does not read back";
    if (float_read(text, length, &back) != length || bits_of(back) != bits_of(value))
        return "is misread by float_read";
    int count = significant(text, digits);
    if (count == 0)
        return NULL; /* zero has no digits that could be fewer */
    snprintf(best, sizeof best, "%.*e", count - 1, (double)value);
    significant(best, best_digits);
    if (strcmp(digits, best_digits) != 0 && bits_of(strtof(best, NULL)) == bits_of(value))
        return "is not the closest";
    if (count == 1)
        return NULL;
    snprintf(best, sizeof best, "%.*e", count - 2, (double)value);
    if (bits_of(strtof(best, NULL)) == bits_of(value))
        return "is not the shortest";
    return (bits_of(value) & 0x7fffff) == 0 && other_reads_back(value, count - 1)
               ? "is not the shortest"
               : NULL;
}

/* ---- the first judge ---- */

__extension__ typedef unsigned __int128 uint128;
__extension__ typedef __int128 int128;

enum { POWER_MIN = -40, POWER_MAX = 50, LIMB_BITS = 32, SCALE = 400, FRACTION = 64 };

#define DOUBT ((int128)1 << 24) /* of 2^64: far more than the sums below are off by */

/* 10^k is at least mantissa * 2^exponent and less than (mantissa + 1) * 2^exponent. */
static struct power {
    uint64_t high, low; /* of the mantissa */
    int exponent;
} powers[POWER_MAX - POWER_MIN + 1];

/* 2^400 * 10^k by schoolbook arithmetic; cutting after each division is the same as cutting once.
 */
static struct power power_of_ten(int k)
{
    uint32_t n[LIMBS] = {0};
    int top = LIMBS * LIMB_BITS - 1;
    uint128 mantissa = 0;

    n[SCALE / LIMB_BITS] = 1u << SCALE % LIMB_BITS;
    for (int i = 0; i < k; i++)
        multiply(n, 10);
    for (int i = 0; i > k; i--)
        divide(n, 10);
    while (!(n[top / LIMB_BITS] >> top % LIMB_BITS & 1))
        top--;
    for (int i = 0; i < 128; i++)
        mantissa = mantissa << 1 | (n[(top - i) / LIMB_BITS] >> (top - i) % LIMB_BITS & 1);
    return (struct power){(uint64_t)(mantissa >> 64), (uint64_t)mantissa, top - 127 - SCALE};
}

/* c * 2^q in units of 10^e, times 2^64. */
static int128 in_units(uint32_t c, int q, int e)
{
    const struct power *p = &powers[-e - POWER_MIN];
    uint128 upper = (uint128)c * p->high + (uint64_t)(((uint128)c * p->low) >> 64);
    int shift = p->exponent + q + 64 + FRACTION;

    return (int128)(shift >= 0 ? upper << shift : upper >> -shift);
}

struct decimal {
    uint32_t digits; /* the last is not 0, unless it is the only one */
    int exponent, count;
};

/* The decimal of a text: false if it is none, or has too many digits. */
static bool parse(const char *text, size_t length, struct decimal *d)
{
    uint64_t digits = 0;
    int exponent = 0, e = 0, behind = 0;
    size_t i = 0;

    for (; i < length && text[i] != 'e'; i++) {
        if (text[i] == '.') {
            behind = 1;
        } else {
            digits = digits * 10 + (uint64_t)(text[i] - '0');
            exponent -= behind;
        }
    }
    if (i < length)
        e = (int)strtol(text + i + 1, NULL, 10);
    for (; digits && digits % 10 == 0; exponent++)
        digits /= 10;
    *d = (struct decimal){(uint32_t)digits, exponent + e, 0};
    for (uint64_t rest = digits; rest; rest /= 10)
        d->count++;
    return d->count >= 1 && d->count <= DIGITS_MAX && d->exponent >= -POWER_MAX &&
           d->exponent <= -POWER_MIN;
}

/* "1200", "1.2", "0.0012": the digits with zeros on either side as far as the point is. */
static int render_fixed(const char *digits, int n, int point, char *out)
{
    int at = 0;

    for (int i = point < 1 ? point - 1 : 0; i < n || i < point; i++) {
        if (i == point)
            out[at++] = '.';
        out[at++] = i >= 0 && i < n ? digits[i] : '0';
    }
    return at;
}

static int render_scientific(const char *digits, int n, int exponent, char *out)
{
    char power[TEXT_MAX] = "";
    int at = 0, k = 0;

    for (int i = 0; i < n; i++) {
        if (i == 1)
            out[at++] = '.';
        out[at++] = digits[i];
    }
    out[at++] = 'e';
    if (exponent < 0)
        out[at++] = '-';
    for (int e = abs(exponent); e || !k; e /= 10)
        power[k++] = (char)('0' + e % 10);
    while (k > 0)
        out[at++] = power[--k];
    return at;
}

/* The text that a decimal must have: the shorter notation, fixed if they are as long. */
static size_t render(const struct decimal *d, char out[TEXT_MAX])
{
    char digits[DIGITS_MAX + 1] = {0}, fixed[2 * TEXT_MAX];
    int n = d->count, point = n + d->exponent;
    uint32_t rest = d->digits;

    for (int i = n; i-- > 0; rest /= 10)
        digits[i] = (char)('0' + rest % 10);
    int f = render_fixed(digits, n, point, fixed);
    int s = render_scientific(digits, n, point - 1, out);
    if (f > s)
        return (size_t)s;
    memcpy(out, fixed, (size_t)f);
    return (size_t)f;
}

/* True if all is well for sure. */
static bool is_right(uint32_t bits, const char *text, size_t length)
{
    uint32_t fraction = bits & 0x7fffff, field = bits >> 23;
    uint32_t c = field ? fraction | 0x800000 : fraction;
    int q = field ? (int)field - 150 : -149;
    char want[TEXT_MAX];
    struct decimal d;

    if (c == 0)
        return length == 1 && *text == '0';
    if (!parse(text, length, &d) || render(&d, want) != length || memcmp(want, text, length) != 0)
        return false;
    int128 value = in_units(c, q, d.exponent), half = in_units(1, q, d.exponent) / 2;
    int128 half_below = fraction == 0 && field > 1 ? half / 2 : half;
    int128 off = value - ((int128)d.digits << FRACTION), one = (int128)1 << FRACTION;
    if (off > half_below - DOUBT || -off > half - DOUBT)
        return false; /* would not read back */
    if (off > one / 2 - DOUBT || -off > one / 2 - DOUBT)
        return false; /* another one is closer */
    int128 tens = (int128)(d.digits / 10 * 10) << FRACTION;
    return d.count == 1 ||
           (value - tens > half_below + DOUBT && tens + 10 * one - value > half + DOUBT);
}

/* ---- all floats ---- */

static uint64_t failures, seconds;

static void fail(uint32_t bits, const char *text, size_t length, const char *what)
{
    if (failures++ < FAILURES_SHOWN)
        printf("%08x: %.*s %s\n", bits, (int)length, text, what);
}

static void second_judge(uint32_t bits, const char *text, size_t length)
{
    char own[TEXT_MAX], want[TEXT_MAX];
    struct decimal d;
    float value;

    memcpy(&value, &bits, sizeof value);
    const char *what = fault(value, own);
    seconds++;
    if (what)
        fail(bits, own, strlen(own), what);
    if (strlen(own) != length || memcmp(own, text, length) != 0)
        fail(bits, text, length, "differs from what float_write says");
    if (bits << 1 &&
        (!parse(text, length, &d) || render(&d, want) != length || memcmp(want, text, length) != 0))
        fail(bits, text, length, "is not in the notation that it should be in");
}

static void check(uint32_t bits, const char *text, size_t length)
{
    char negative[TEXT_MAX], positive[TEXT_MAX];
    float value;

    if (!is_right(bits, text, length) || bits % SECOND_JUDGE_STRIDE == 0)
        second_judge(bits, text, length);
    if (bits % SIGN_STRIDE != 0)
        return;
    memcpy(&value, &bits, sizeof value);
    size_t p = float_write(positive, value), n = float_write(negative, -value);
    if (p != length || memcmp(positive, text, p) != 0)
        fail(bits, text, length, "differs from what float_write says");
    if (n != length + 1 || *negative != '-' || memcmp(negative + 1, text, length) != 0)
        fail(bits, text, length, "is not the same with a sign");
}

/* As tensor_read does: runs, and where they stop a number. */
static void read_all(const char *p, const char *end, float *values, size_t n)
{
    for (size_t count = 0; count < n;) {
        struct float_run done;
        p = float_read_run(p, end, values + count, n - count, &done);
        count += done.count;
        if (done.complete || count == n)
            break;
        size_t length = float_read(p, (size_t)(end - p), &values[count++]);
        if (length == 0)
            break;
        p += length + 1;
    }
}

static void check_batch(const float *values, size_t n)
{
    static char text[BATCH * (FLOAT_TEXT_MAX + FLOAT_ROW_END) + FLOAT_ROOM];
    struct float_rows rows = {SIZE_MAX, SIZE_MAX};
    float back[BATCH] = {0};
    size_t written, length = float_write_run(text, values, n, &rows, &written);

    if (written != n) {
        failures++;
        return;
    }
    text[length - 1] = ']';
    text[length] = '\0';
    read_all(text, text + length, back, n);
    const char *p = text;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = bits_of(values[i]);
        size_t number = strcspn(p, ",]");
        check(bits, p, number);
        if (bits_of(back[i]) != bits)
            fail(bits, p, number, "is misread");
        p += number + 1;
    }
}

static void check_part(uint64_t from, uint64_t to, uint64_t stride)
{
    float values[BATCH];
    size_t n = 0;

    for (uint64_t i = from; i < to; i += stride) {
        uint32_t bits = (uint32_t)i;
        memcpy(&values[n++], &bits, sizeof bits);
        if (n == BATCH || i + stride >= to) {
            check_batch(values, n);
            n = 0;
        }
    }
}

int main(int argc, char **argv)
{
    unsigned long long stride = 1, part = 0, parts = 1;

    for (int option; (option = getopt(argc, argv, "s:p:")) != -1;) {
        char *slash = NULL;
        if (option == 's')
            stride = strtoull(optarg, NULL, 10);
        else if (option == 'p' && (part = strtoull(optarg, &slash, 10), *slash == '/'))
            parts = strtoull(slash + 1, NULL, 10);
        else
            return EXIT_FAILURE;
    }
    if (stride == 0 || parts == 0 || part >= parts)
        return EXIT_FAILURE;
    for (int k = POWER_MIN; k <= POWER_MAX; k++)
        powers[k - POWER_MIN] = power_of_ten(k);
    check_part(POSITIVE * part / parts, POSITIVE * (part + 1) / parts, stride);
    printf("float_text: %llu faults; the C library was asked %llu times\n",
           (unsigned long long)failures, (unsigned long long)seconds);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
