/* test_server_origins.c - the sites whose pages may use the service. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include "base/origins.h"
#include "suite.h"

static struct origins origins;

static const struct {
    const char *list;
    bool ok;
} lists[] = {
    {"", true},
    {"*", true},
    {" * ", true},
    {"https://example.com", true},
    {"HTTPS://Example.COM", true},
    {"https://example.com, http://localhost:3000 http://[::1]:8080,http://127.0.0.1:1", true},
    {"http://example.com:443,https://example.com:80", true},
    {"https://example.com,*", false},
    {"*,*", true},
    {"null", false},
    {"example.com", false},
    {"ftp://example.com", false},
    {"https://", false},
    {"https://example.com/", false},
    {"https://example.com/path", false},
    {"https://example.com?x", false},
    {"https://user@example.com", false},
    {"https://*.example.com", false},
    {"https://example.com:443", false},
    {"http://example.com:80", false},
    {"http://example.com:", false},
    {"http://example.com:0", false},
    {"http://example.com:123456", false},
    {"http://example.com:80a", false},
    {"http://:80", false},
    {"http://::1", false},
    {"http://[::1", false},
    {"http://[::1]x", false},
    {"https://exa mple.com", false},
    {"https://b\xc3\xbc"
     "cher.example",
     false},
};

START_TEST(item_is_an_origin_as_browsers_write_it)
{
    ck_assert_msg(origins_read(lists[_i].list, &origins) == lists[_i].ok, "%s", lists[_i].list);
}
END_TEST

START_TEST(origin_is_found_whole)
{
    static const char *const held[] = {"https://example.com", "http://localhost:3000",
                                       "http://[::1]:8080"};
    static const char *const others[] = {"",
                                         "null",
                                         "*",
                                         "http://example.com",
                                         "https://example.com:8443",
                                         "https://example.com.evil.net",
                                         "https://example.co",
                                         "https://www.example.com",
                                         "http://localhost",
                                         "http://localhost:30000",
                                         "https://example.com,http://localhost:3000"};

    ck_assert(
        origins_read("https://Example.com,http://localhost:3000,http://[::1]:8080", &origins));
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        ck_assert_pstr_eq(origins_find(&origins, held[i]), held[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!origins_find(&origins, others[i]), "%s", others[i]);
    ck_assert(origins_read("*", &origins));
    ck_assert_pstr_eq(origins_find(&origins, "null"), "*");
    ck_assert(origins_read("", &origins));
    ck_assert_ptr_null(origins_find(&origins, "https://example.com"));
}
END_TEST

START_TEST(list_is_bounded)
{
    char list[ORIGINS_TEXT_MAX + 1] = "", *at = list;

    for (int i = 0; i < ORIGINS_MAX; i++)
        at += snprintf(at, sizeof list - (size_t)(at - list), "http://a%d,", i);
    ck_assert(origins_read(list, &origins));
    snprintf(at, sizeof list - (size_t)(at - list), "http://b");
    ck_assert(!origins_read(list, &origins));
    memset(list, 'a', ORIGINS_TEXT_MAX);
    memcpy(list, "http://", 7);
    ck_assert(!origins_read(list, &origins));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("origins");
    TCase *tc = suite_case(s, "origins");

    tcase_add_loop_test(tc, item_is_an_origin_as_browsers_write_it, 0,
                        sizeof lists / sizeof *lists);
    tcase_add_test(tc, origin_is_found_whole);
    tcase_add_test(tc, list_is_bounded);
    return suite_run(s);
}
