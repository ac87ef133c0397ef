/* test_server_json_value.c - numbers that travel as jansson's values are rounded once; whole ones
 * however they are written; null is absent. */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "json/read.h"
#include "json/value.h"
#include "tensor/tensor.h"
#include "random.h"
#include "suite.h"

/* The member "x" of {"x": text}; the object is new. */
static json_t *read_number(const char *text, const json_t **number)
{
    struct error error = {0};
    char body[300];
    int n = snprintf(body, sizeof body, "{\"x\": %s}", text);
    json_t *object = json_file_read(body, (size_t)n, 3, &error);

    ck_assert_msg(object != NULL, "%s: %s", text, error.detail);
    *number = json_object_get(object, "x");
    ck_assert(json_is_number(*number));
    return object;
}

static void assert_float(const char *text, float want)
{
    const json_t *number;
    json_t *object = read_number(text, &number);
    float got = json_float(number);

    ck_assert_msg(memcmp(&got, &want, sizeof got) == 0, "%s: %a, want %a", text, (double)got,
                  (double)want);
    json_decref(object);
}

START_TEST(a_number_is_rounded_once)
{
    /* Above halfway between 1 and the next float, by less than a double can tell. */
    assert_float("1.00000005960464477539062500000001", 1 + FLT_EPSILON);
    assert_float("1.000000059604644775390625", 1);
    assert_float("-1.00000005960464477539062500000001", -1 - FLT_EPSILON);
    assert_float("1.00000017881393432617187499999999", 1 + FLT_EPSILON);
    /* ... as an integer of 64 bits, and as one that is longer */
    assert_float("9007199791611905", 0x1p53f + 0x1p30f);
    assert_float("9223372586610589697", 0x1p63f + 0x1p40f);
    assert_float("9223372586610589696", 0x1p63f);
    assert_float("9223372036854775808", 0x1p63f);
    assert_float("12345678901234567890", 12345678901234567890.0f);
    assert_float("-98765432109876543210", -98765432109876543210.0f);
    /* ... on the way to infinity and to the least subnormal */
    assert_float("3.4028235677973366163753939545814251e38", FLT_MAX);
    assert_float("3.40282356779733661637539395458142568448e38", INFINITY);
    assert_float("7.0064923216240853546186479164495806564013097093825788587853e-46", 0);
    assert_float("7.0064923216240853546186479164495806564013097093825788587854e-46", FLT_TRUE_MIN);
    assert_float("1e999", INFINITY);
    assert_float("-1e999", -INFINITY);
    assert_float("1e-999", 0);
    assert_float("-0", -0.0f);
}
END_TEST

START_TEST(any_number_is_the_float_that_the_tensors_have)
{
    char text[128];

    for (int i = 0; i < 200000; i++) {
        /* a point halfway between two floats, and digits that pull it aside */
        uint32_t bits = (uint32_t)random_bits() & 0x7fffffff;
        float at, nearest = 0;
        memcpy(&at, &bits, sizeof at);
        if (!isfinite(at))
            continue;
        double half = ((double)at + (double)nextafterf(at, INFINITY)) / 2;
        if (isinf(half))
            continue;
        int n = snprintf(text, sizeof text, "%.*e", 12 + (int)(random_bits() % 20), half);
        if (float_read(text, (size_t)n, &nearest) != (size_t)n || isinf(nearest))
            continue;
        assert_float(text, nearest);
    }
}
END_TEST

START_TEST(a_whole_number_is_whole_however_it_is_written)
{
    static const struct {
        const char *text;
        int64_t whole;
    } fine[] = {{"8", 8},
                {"8.0", 8},
                {"8.000e0", 8},
                {"1e1", 10},
                {"0.5E+1", 5},
                {"-2.0", -2},
                {"0.0", 0},
                {"-0", 0},
                {"9223372036854775807", INT64_MAX},
                {"1e18", 1000000000000000000},
                {"-9223372036854775808", INT64_MIN}};
    static const char *const odd[] = {"8.5",   "1e-1",  "9223372036854775808", "1e19",
                                      "1e999", "-1e19", "0.99999999999999"};
    int64_t whole = 0;
    const json_t *number;

    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        json_t *object = read_number(fine[i].text, &number);
        ck_assert_msg(json_whole(number, &whole) && whole == fine[i].whole, "%s", fine[i].text);
        json_decref(object);
    }
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        json_t *object = read_number(odd[i], &number);
        ck_assert_msg(!json_whole(number, &whole), "%s", odd[i]);
        json_decref(object);
    }
    ck_assert(!json_whole(json_true(), &whole) && !json_whole(NULL, &whole));
}
END_TEST

START_TEST(a_member_that_is_null_is_absent)
{
    json_t *object = json_pack("{s:i,s:n}", "a", 2, "c");

    ck_assert_ptr_null(json_member(object, "c"));
    ck_assert_ptr_null(json_member(object, "b"));
    ck_assert_ptr_nonnull(json_member(object, "a"));
    json_decref(object);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json values");
    TCase *t = suite_case(s, "numbers");

    tcase_add_test(t, a_number_is_rounded_once);
    tcase_add_test(t, any_number_is_the_float_that_the_tensors_have);
    tcase_add_test(t, a_whole_number_is_whole_however_it_is_written);
    tcase_add_test(t, a_member_that_is_null_is_absent);

    return suite_run(s);
}
