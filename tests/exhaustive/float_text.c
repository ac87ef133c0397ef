/* tests/exhaustive/float_text.c - a program: the text of every float32.
 *
 *   float_text [-s STRIDE] [-p PART/PARTS]
 *
 * Each positive float (the sign is one byte in front, and a stride checks it) is written, must read
 * back by strtof and by float_read, no decimal with a digit less may read back, and none with as
 * many digits may be closer. The references are the C library's exact printf and strtof. Stride 1
 * takes an hour and a half of one core: -p splits it over processes. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "codec/tensor.h"

#define POSITIVE UINT64_C(0x7f800000)

enum { TEXT_MAX = 64, FAILURES_SHOWN = 20, SIGN_STRIDE = 1009 };

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

/* What is wrong with the text of value, or NULL. */
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

static uint64_t check(uint32_t bits)
{
    static uint64_t failures;
    char text[TEXT_MAX];
    float value;

    memcpy(&value, &bits, sizeof value);
    const char *what = fault(value, text);
    if (what && failures++ < FAILURES_SHOWN)
        printf("%08x: %s %s\n", bits, text, what);
    return failures;
}

int main(int argc, char **argv)
{
    unsigned long long stride = 1, part = 0, parts = 1;
    uint64_t failures = 0;

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
    uint64_t to = POSITIVE * (part + 1) / parts;
    for (uint64_t i = POSITIVE * part / parts; i < to; i += stride) {
        failures = check((uint32_t)i);
        if (i % SIGN_STRIDE == 0)
            failures = check((uint32_t)i | 0x80000000);
    }
    printf("float_text: %llu faults\n", (unsigned long long)failures);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
