/* test_server_float.c - one number as text: reading is correctly rounded, writing is shortest.
 *
 * tests/exhaustive/float_text.c does the same over all floats; here a stride, the edges and random
 * texts against the C library. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tensor/pow10.h"
#include "tensor/tensor.h"
#include "limbs.h"
#include "random.h"
#include "text.h"
#include "suite.h"

/* Sanitizers slow this down eight times. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLOWER = 8 };
#else
enum { SLOWER = 1 };
#endif

static uint32_t bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static void check_read(const char *text)
{
    float got = NAN, want = strtof(text, NULL);

    ck_assert_msg(float_read(text, strlen(text), &got) == strlen(text), "%.80s: length", text);
    ck_assert_msg(bits_of(got) == bits_of(want), "%.80s: read %a, want %a", text, (double)got,
                  (double)want);
}

static void check_write(float value, const char *want)
{
    char text[FLOAT_TEXT_MAX + 1];

    text[float_write(text, value)] = '\0';
    ck_assert_str_eq(text, want);
}

START_TEST(random_numbers_read_as_strtof_reads_them)
{
    char text[128];

    for (int i = 0; i < 1000000 / SLOWER; i++) {
        uint64_t r = random_bits(), shape = random_bits();
        int before = (int)(shape % 20) - 9, behind = (int)(shape / 32 % 24);
        int e = (int)(shape / 1024 % 120) - 70;
        int n = snprintf(text, sizeof text, "%s%llu", shape >> 63 ? "-" : "",
                         (unsigned long long)(before > 0 ? r >> (before * 3) : r >> 44));
        if (behind)
            n += snprintf(text + n, sizeof text - (size_t)n, ".%0*llu", behind,
                          (unsigned long long)(random_bits() >> (shape >> 58)));
        if (shape >> 20 & 3)
            snprintf(text + n, sizeof text - (size_t)n, "%c%s%d", shape >> 22 & 1 ? 'e' : 'E',
                     e > 0 && (shape >> 23 & 1) ? "+" : "", e);
        check_read(text);
    }
}
END_TEST

/* The point halfway to the next float, exactly, and a hair to either side. */
START_TEST(halfway_cases_go_to_even_and_a_hair_decides)
{
    char text[512], digits[400];

    for (int i = 0; i < 20000 / SLOWER; i++) {
        uint32_t bits = (uint32_t)(random_bits() % 0x7f7fffff);
        double half = (double)float_of(bits) / 2 + (double)float_of(bits + 1) / 2;
        int n = snprintf(digits, sizeof digits, "%.160e", half);
        char *e = strchr(digits, 'e');
        check_read(digits);
        snprintf(text, sizeof text, "%.*s1%s", (int)(e - digits), digits, e);
        check_read(text);
        ck_assert_int_lt(n, (int)sizeof digits);
        snprintf(text, sizeof text, "%.17e", nextafter(half, 0));
        check_read(text);
        snprintf(text, sizeof text, "%.17e", nextafter(half, INFINITY));
        check_read(text);
        snprintf(text, sizeof text, "%.18e", half);
        check_read(text);
    }
}
END_TEST

static const char *const edges[] = {
    "0",
    "-0",
    "0.0",
    "-0.0e5",
    "0e999999999999999999999",
    "1",
    "-1",
    "16777217",
    "16777219",
    "33554434",
    "33554438",
    "18446744073709551615",
    "18446744073709551616",
    "9999999999999999999",
    "99999999999999999999",
    "1e22",
    "1e23",
    "1e-22",
    "1e-23",
    "1e38",
    "3.4028234e38",
    "3.4028235e38",
    "3.4028235677973366e38",
    "3.4028235677973365e38",
    "3.4028235677973367e38",
    "340282356779733661637539395458142568447",
    "340282356779733661637539395458142568448",
    "1e39",
    "-1e39",
    "1e45",
    "1e46",
    "1e999",
    "1e99999999999999999999",
    "-1e99999999999999999999",
    "1e-999",
    "-1e-999",
    "1e-99999999999999999999",
    "1.1754943508222875e-38",
    "1.1754942e-38",
    "1.17549429e-38",
    "1.4e-45",
    "1e-45",
    "7.0064923216240853e-46",
    "7.0064923216240854e-46",
    "7.1e-46",
    "7.0064923216240862e-46",
    "7e-46",
    "1e-46",
    "9999999999999999999e-65",
    "9999999999999999999e-66",
    "0.00000000000000000000000000000000000000000000000001e50",
    "100000000000000000000000000000000000000000000000000e-50",
    "1E+5",
    "1e+0",
    "1e-0",
    "1e05",
    "0.1",
    "0.3",
    "2.5",
    "123456789.123456789",
    "1.00000005960464477539062500",
    "1.0000000596046447753906251",
    "1.00000017881393432617187499",
};

START_TEST(edges_read_as_they_should)
{
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        check_read(edges[i]);
}
END_TEST

START_TEST(eight_hundred_digits_count_to_the_last)
{
    static char text[600100];
    const size_t counts[] = {18, 19, 20, 21, 100, 799, 300000};

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        size_t n = counts[i];
        int head = snprintf(text, sizeof text, "1.000000059604644775390625");
        memset(text + head, '0', n);
        memcpy(text + head + n, "1", 2); /* above halfway by its last digit only */
        check_read(text);
        text[head + (int)n] = '0';
        check_read(text);
        memset(text, '9', n);
        snprintf(text + n, 32, "e-%zu", n);
        check_read(text);
        memcpy(text, "0.", 2);
        memset(text + 2, '0', n);
        snprintf(text + 2 + n, 32, "123e%zu", n);
        check_read(text);
        memset(text, '7', n);
        memcpy(text + n, ".5", 3);
        check_read(text);
    }
}
END_TEST

START_TEST(every_decimal_exponent_and_length_is_right)
{
    char text[64];

    for (int e = -75; e <= 50; e++)
        for (int n = 1; n <= 21; n++)
            for (int d = 1; d <= 9; d += 4) {
                for (int i = 0; i < n; i++)
                    text[i] = (char)('0' + (d + i * 7) % 10);
                text[0] = (char)('0' + d);
                snprintf(text + n, sizeof text - (size_t)n, "e%d", e);
                check_read(text);
            }
}
END_TEST

START_TEST(what_is_no_json_number_is_refused)
{
    static const char *const bad[] = {"",    "-",   "+1",  ".5",  "-.5", "1.",  "1.e5", "1e",
                                      "1e+", "1e-", "e5",  "--1", "-a",  "NaN", "inf",  "Infinity",
                                      " 1",  "x",   "-e1", "0.",  "0.e", "1e ", "1.-",  "\xff"};
    static const struct {
        const char *text;
        size_t length;
    } part[] = {{"01", 1},    {"-012", 2},  {"0x10", 1}, {"1x", 1},  {"1 2", 1},  {"1,2", 1},
                {"1.5.5", 3}, {"1e5e5", 3}, {"1-2", 1},  {"0b1", 1}, {"12p3", 2}, {"1e5.5", 3}};
    float value;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(float_read(bad[i], strlen(bad[i]), &value) == 0, "'%s'", bad[i]);
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        ck_assert_msg(float_read(part[i].text, strlen(part[i].text), &value) == part[i].length,
                      "'%s'", part[i].text);
}
END_TEST

START_TEST(no_byte_behind_the_nul_is_read)
{
    static const char whole[] = "-1234567890123456789012345.67890123456789012345e-12";

    for (size_t n = 0; n < sizeof whole; n++) {
        struct text t = text_create(whole, n);
        float value = NAN;
        size_t got = float_read(t.data, t.len, &value);
        ck_assert(got == 0 || got == n);
        if (got)
            ck_assert_uint_eq(bits_of(value), bits_of(strtof(t.data, NULL)));
        text_destroy(&t);
    }
}
END_TEST

START_TEST(the_shorter_notation_is_chosen_and_fixed_on_a_tie)
{
    static const struct {
        float value;
        const char *text;
    } cases[] = {
        {0.0f, "0"},
        {-0.0f, "-0.0"},
        {1.0f, "1"},
        {3.0f, "3"},
        {-0.4f, "-0.4"},
        {0.1f, "0.1"},
        {100.0f, "100"},
        {1000.0f, "1e3"},
        {1e5f, "1e5"},
        {1e-7f, "1e-7"},
        {1.5e10f, "1.5e10"},
        {0.01f, "0.01"},
        {0.001f, "1e-3"},
        {0.012f, "0.012"},
        {0.0012f, "0.0012"},
        {0.00012f, "1.2e-4"},
        {1234.5f, "1234.5"},
        {16777216.0f, "16777216"},
        {1.0f / 3, "0.33333334"},
        {FLT_MAX, "3.4028235e38"},
        {-FLT_MAX, "-3.4028235e38"},
        {FLT_MIN, "1.1754944e-38"},
        {FLT_TRUE_MIN, "1e-45"},
        {-1.1754942e-38f, "-1.1754942e-38"},
        {1073741824.0f, "1073741800"},
        {123456.0f, "123456"},
        {1200.0f, "1200"},
        {12000.0f, "12000"},
        {120000.0f, "1.2e5"},
        {9.0e9f, "9e9"},
        {1.0e10f, "1e10"},
        {3.1415927f, "3.1415927"},
        {8388608.0f, "8388608"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_write(cases[i].value, cases[i].text);
}
END_TEST

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

static void check_shortest(uint32_t bits)
{
    char text[FLOAT_TEXT_MAX + 1], digits[40], other[64], other_digits[64];
    float value = float_of(bits), back = NAN;
    size_t n = float_write(text, value);

    ck_assert_uint_le(n, FLOAT_TEXT_MAX);
    text[n] = '\0';
    ck_assert_msg(bits_of(strtof(text, NULL)) == bits, "%08x: %s reads back differently", bits,
                  text);
    ck_assert(float_read(text, n, &back) == n && bits_of(back) == bits);
    int count = significant(text, digits);
    snprintf(other, sizeof other, "%.*e", count - 1, (double)value);
    significant(other, other_digits);
    if (bits_of(strtof(other, NULL)) == bits)
        ck_assert_msg(strcmp(digits, other_digits) == 0, "%08x: %s, closer is %s", bits, text,
                      other);
    if (count > 1) {
        snprintf(other, sizeof other, "%.*e", count - 2, (double)value);
        ck_assert_msg(bits_of(strtof(other, NULL)) != bits, "%08x: %s, shorter is %s", bits, text,
                      other);
    }
}

START_TEST(written_text_is_shortest_closest_and_reads_back)
{
    for (uint32_t field = 0; field < 255; field++)
        for (uint32_t low = 0; low < 8; low++) {
            if (field || low)
                check_shortest(field << 23 | low);
            check_shortest(field << 23 | (0x7fffff - low));
            check_shortest(0x80000000 | field << 23 | 0x400000 | low);
        }
    for (uint32_t bits = 1; bits < 0x7f800000; bits += 10007 * SLOWER)
        check_shortest(bits);
    for (uint32_t i = 1; i < 100000; i += 7 * SLOWER) {
        check_shortest(bits_of((float)i));
        check_shortest(bits_of((float)i / 100));
    }
}
END_TEST

/* 2^400 * 10^k by schoolbook arithmetic; its upper 64 bits plus one are the entry. Cutting after
 * each division by ten is the same as cutting once. */
START_TEST(powers_of_ten_are_exact)
{
    for (int k = POW10_MIN; k <= POW10_MAX; k++) {
        uint32_t n[LIMBS] = {0};
        uint64_t high = 0;
        int top = LIMBS * 32 - 1;
        n[400 / 32] = 1u << 400 % 32;
        for (int i = 0; i < k; i++)
            multiply(n, 10);
        for (int i = 0; i > k; i--)
            divide(n, 10);
        while (!(n[top / 32] >> top % 32 & 1))
            top--;
        for (int i = 0; i < 64; i++)
            high = high << 1 | (n[(top - i) / 32] >> (top - i) % 32 & 1);
        ck_assert_int_eq(pow10_exponent(k), top - 400);
        ck_assert_msg(pow10_get(k) == high + 1, "10^%d", k);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("numbers");
    TCase *read = tcase_create("read"), *write = tcase_create("write");

    tcase_set_timeout(read, 120);
    tcase_add_test(read, random_numbers_read_as_strtof_reads_them);
    tcase_add_test(read, halfway_cases_go_to_even_and_a_hair_decides);
    tcase_add_test(read, edges_read_as_they_should);
    tcase_add_test(read, eight_hundred_digits_count_to_the_last);
    tcase_add_test(read, every_decimal_exponent_and_length_is_right);
    tcase_add_test(read, what_is_no_json_number_is_refused);
    tcase_add_test(read, no_byte_behind_the_nul_is_read);
    suite_add_tcase(s, read);
    tcase_set_timeout(write, 120);
    tcase_add_test(write, the_shorter_notation_is_chosen_and_fixed_on_a_tie);
    tcase_add_test(write, written_text_is_shortest_closest_and_reads_back);
    tcase_add_test(write, powers_of_ten_are_exact);
    suite_add_tcase(s, write);

    return suite_run(s);
}
