/* test_server_hosts.c - the names that the service answers for. */
#include <check.h>
#include "base/hosts.h"
#include "suite.h"

static const char list[] = "example.com, *.example.org,127.0.0.1, [::1],fd00::7";

static const struct {
    const char *authority;
    bool held;
} cases[] = {
    {"example.com", true},
    {"EXAMPLE.com:8000", true},
    {"example.com.", true},
    {"example.com:", true},
    {"127.0.0.1:8000", true},
    {"[::1]:8000", true},
    {"[0:0::1]", true},
    {"[fd00::7]:1", true},
    {"a.example.org", true},
    {"a.b.Example.org:80", true},
    {"example.org", false},
    {".example.org", false},
    {"badexample.org", false},
    {"www.example.com", false},
    {"example.com.evil.net", false},
    {"example.co", false},
    {"127.0.0.2", false},
    {"127.0.0.1.", true},
    {"127.0.0.1:80:80", false},
    {"example.com:80a", false},
    {"example.com@evil.net", false},
    {"[::1", false},
    {"[::1]x", false},
    {"localhost", false},
    {"", false},
    {"*", false},
    {NULL, false},
};

START_TEST(a_host_is_in_the_list_or_not)
{
    ck_assert(hosts_ok(list));
    ck_assert_msg(hosts_hold(list, cases[_i].authority) == cases[_i].held, "%s",
                  cases[_i].authority ? cases[_i].authority : "none");
    ck_assert(!hosts_hold("", cases[_i].authority));
}
END_TEST

START_TEST(a_list_holds_names_and_addresses)
{
    static const char *const good[] = {"",      "localhost", "a-b.c_d", "*.a",   "::1",
                                       "[::1]", "10.0.0.1",  "a,b",     "a , b,"};
    static const char *const bad[] = {"*",    "*.", "a*.b", "http://a", "a:80",
                                      "a..b", ".a", "[::1", "a/b",      "a;b"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(hosts_ok(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!hosts_ok(bad[i]), "%s", bad[i]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hosts");
    TCase *tc = suite_case(s, "hosts");

    tcase_add_loop_test(tc, a_host_is_in_the_list_or_not, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tc, a_list_holds_names_and_addresses);
    return suite_run(s);
}
