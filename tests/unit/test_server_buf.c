/* test_server_buf.c - the bricks below everything: buffers, UTF-8, error ids and their details. */
#include <check.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include "base/buf.h"
#include "base/error.h"
#include "starve.h"
#include "base/utf8.h"
#include "suite.h"

START_TEST(appended_bytes_are_there_with_a_nul_behind)
{
    struct buf b;
    char expected[4096] = "";

    buf_init(&b, 0);
    ck_assert_ptr_null(b.data);
    for (int i = 0; i < 300; i++) {
        buf_append(&b, "ab\0c", 4);
        buf_puts(&b, "d");
        buf_printf(&b, "%d", i % 10);
        memcpy(expected + i * 6, "ab\0cd", 5);
        expected[i * 6 + 5] = (char)('0' + i % 10);
        ck_assert(!b.failed && b.cap > b.len);
        ck_assert_int_eq(b.data[b.len], 0);
    }
    ck_assert_uint_eq(b.len, 1800);
    ck_assert_mem_eq(b.data, expected, 1800);
    buf_fini(&b);
    ck_assert(b.data == NULL && b.len == 0 && b.cap == 0);
}
END_TEST

START_TEST(a_number_has_its_digits)
{
    static const struct {
        uint64_t number;
        const char *text;
    } rows[] = {
        {0, "0"}, {9, "9"}, {10, "10"}, {1230, "1230"}, {UINT64_MAX, "18446744073709551615"}};
    struct buf b = {0};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        b.len = 0;
        buf_number(&b, rows[i].number);
        ck_assert_str_eq(b.data, rows[i].text);
    }
    buf_fini(&b);
}
END_TEST

START_TEST(printf_longer_than_the_room_is_whole)
{
    struct buf b;

    buf_init(&b, 0);
    buf_puts(&b, "x");
    buf_printf(&b, "%1000d|", 7);
    ck_assert_uint_eq(b.len, 1002);
    ck_assert_str_eq(b.data + 999, " 7|");
    buf_fini(&b);
}
END_TEST

START_TEST(max_is_a_bound_to_the_byte)
{
    for (size_t max = 1; max < 600; max += 7) {
        struct buf b;
        buf_init(&b, max);
        for (size_t i = 0; i < max; i++)
            buf_puts(&b, "y");
        ck_assert(!b.failed && b.len == max && b.cap <= max + 1);
        buf_puts(&b, "z");
        ck_assert(b.failed && b.len == max);
        ck_assert_int_eq(b.data[max], 0);
        buf_fini(&b);
        ck_assert(!b.failed && b.max == max);
        buf_printf(&b, "%*d", (int)max, 5);
        ck_assert(!b.failed && b.len == max);
        buf_printf(&b, "%d", 5);
        ck_assert(b.failed && b.len == max && strlen(b.data) == max);
        buf_fini(&b);
    }
}
END_TEST

START_TEST(after_a_failure_nothing_is_appended)
{
    struct buf b;

    buf_init(&b, 10);
    buf_puts(&b, "12345");
    buf_puts(&b, "1234567");
    ck_assert(b.failed);
    buf_puts(&b, "1");
    buf_printf(&b, "%d", 2);
    ck_assert_ptr_null(buf_reserve(&b, 1));
    ck_assert_uint_eq(b.len, 5);
    ck_assert_str_eq(b.data, "12345");
    buf_fini(&b);
}
END_TEST

START_TEST(a_size_that_overflows_is_refused)
{
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 4, SIZE_MAX / 2 + 1};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buf b;
        buf_init(&b, i % 2 ? SIZE_MAX : 0);
        buf_puts(&b, "1234");
        ck_assert_ptr_null(buf_reserve(&b, sizes[i]));
        ck_assert(b.failed && b.len == 4);
        buf_fini(&b);
    }
}
END_TEST

START_TEST(a_stolen_block_is_the_callers)
{
    struct buf b;
    size_t len = 9;

    buf_init(&b, 0);
    ck_assert_ptr_null(buf_steal(&b, &len));
    ck_assert_uint_eq(len, 0);
    char *at = buf_reserve(&b, 3);
    memcpy(at, "abcX", 4);
    b.len += 3;
    char *data = buf_steal(&b, &len);
    ck_assert_str_eq(data, "abc");
    ck_assert_uint_eq(len, 3);
    ck_assert(b.data == NULL && b.len == 0 && !b.failed);
    free(data);
    buf_init(&b, 2);
    buf_puts(&b, "ok");
    buf_puts(&b, "!");
    ck_assert_ptr_null(buf_steal(&b, &len));
    ck_assert(b.failed && b.data == NULL);
}
END_TEST

START_TEST(without_memory_a_buffer_fails_and_keeps_what_it_has)
{
    long n = 0;

    for (bool done = false; !done;) {
        struct buf b;
        long before = starve_live;
        buf_init(&b, 0);
        starve_countdown = ++n;
        for (int i = 0; i < 2000; i++)
            buf_puts(&b, "0123456789");
        done = starve_countdown > 0 || !STARVE_WORKS;
        starve_countdown = 0;
        bool failed = b.failed, whole = b.len % 10 == 0 && b.len <= 20000;
        buf_fini(&b);
        long after = starve_live;
        ck_assert(failed == !done && whole && after == before);
    }
    ck_assert(!STARVE_WORKS || n > 5);
}
END_TEST

START_TEST(every_character_of_utf8_has_its_length_and_nothing_else_has)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"", 1},
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xee\x80\x80", 3},
        {"\xef\xbf\xbf", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0},
        {"\xbf", 0},
        {"\xc0\x80", 0},
        {"\xc1\xbf", 0},
        {"\xc2", 0},
        {"\xc2 ", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xe1\x80", 0},
        {"\xed\xa0\x80", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xf1\x80\x80", 0},
        {"\xf1\x80\x80 ", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(utf8_length(cases[i].text) == cases[i].length, "case %zu: %zu", i,
                      utf8_length(cases[i].text));
}
END_TEST

START_TEST(every_error_has_a_status_a_snake_case_code_and_a_text)
{
    for (size_t i = 0; i < ERROR_COUNT; i++) {
        enum error_id id = (enum error_id)i;
        const char *code = error_code(id);
        ck_assert(error_http_status(id) >= 200 && error_http_status(id) < 600);
        ck_assert(*code && *error_text(id));
        for (const char *p = code; *p; p++)
            ck_assert_msg(islower((unsigned char)*p) || *p == '_', "%s", code);
    }
    ck_assert_str_eq(error_code(ERROR_BAD_JSON), "bad_json");
    ck_assert_uint_eq(error_http_status(ERROR_OUT_OF_MEMORY), 503);
    ck_assert_str_eq(error_code((enum error_id)ERROR_COUNT), "internal");
}
END_TEST

START_TEST(a_detail_is_printable_utf8)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain", "plain"},
        {"a\nb\tc\x1b[0m", "a?b?c?[0m"},
        {"\x7f\xc2\x85", "???"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac "
                                                             "\xf0\x9f\x98\x80"},
        {"\xff\xc3", "??"},
        {"\xed\xa0\x80", "???"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e;
        ck_assert_int_eq(error_set(&e, ERROR_BAD_JSON, "%s", cases[i].in), ERROR_BAD_JSON);
        ck_assert_int_eq(e.id, ERROR_BAD_JSON);
        ck_assert_str_eq(e.detail, cases[i].out);
    }
}
END_TEST

START_TEST(a_detail_is_cut_between_characters)
{
    static const char *const units[] = {"a", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

    for (size_t u = 0; u < 4; u++)
        for (size_t lead = 0; lead < 5; lead++) {
            char text[1024] = "";
            struct error e;
            memset(text, 'x', lead);
            for (size_t i = lead; i < 600; i += u + 1)
                memcpy(text + i, units[u], u + 1);
            error_set(&e, ERROR_BAD_JSON, "%s", text);
            size_t n = strlen(e.detail);
            ck_assert(n < ERROR_DETAIL_MAX && n + u + 1 >= ERROR_DETAIL_MAX);
            ck_assert_uint_eq((n - lead) % (u + 1), 0);
            ck_assert_mem_eq(e.detail, text, n);
        }
}
END_TEST

START_TEST(a_detail_may_be_made_of_itself)
{
    struct error e;

    error_set(&e, ERROR_BAD_TENSOR, "inner");
    error_set(&e, ERROR_BAD_FIELD, "outer: %s", e.detail);
    ck_assert_str_eq(e.detail, "outer: inner");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("buffers and errors");
    TCase *t = tcase_create("bricks");

    tcase_add_test(t, appended_bytes_are_there_with_a_nul_behind);
    tcase_add_test(t, a_number_has_its_digits);
    tcase_add_test(t, printf_longer_than_the_room_is_whole);
    tcase_add_test(t, max_is_a_bound_to_the_byte);
    tcase_add_test(t, after_a_failure_nothing_is_appended);
    tcase_add_test(t, a_size_that_overflows_is_refused);
    tcase_add_test(t, a_stolen_block_is_the_callers);
    tcase_add_test(t, without_memory_a_buffer_fails_and_keeps_what_it_has);
    tcase_add_test(t, every_character_of_utf8_has_its_length_and_nothing_else_has);
    tcase_add_test(t, every_error_has_a_status_a_snake_case_code_and_a_text);
    tcase_add_test(t, a_detail_is_printable_utf8);
    tcase_add_test(t, a_detail_is_cut_between_characters);
    tcase_add_test(t, a_detail_may_be_made_of_itself);
    suite_add_tcase(s, t);

    return suite_run(s);
}
