/* test_server_forwarded.c - who asked, as proxies say: what is believed, and what is no such
 * header. */
#include <check.h>
#include <string.h>
#include "http/forwarded.h"
#include "suite.h"

/* The proxy 10.0.0.1 sends; 10.0.0.0/8 and fd00::/8 are trusted. */
static const struct {
    enum forwarded_header header;
    const char *lines[3];
    const char *client; /* NULL: refused */
} cases[] = {
    {X_FORWARDED_FOR, {NULL}, "10.0.0.1"},
    {X_FORWARDED_FOR, {""}, "10.0.0.1"},
    {X_FORWARDED_FOR, {" \t"}, "10.0.0.1"},
    {X_FORWARDED_FOR, {"203.0.113.9"}, "203.0.113.9"},
    {X_FORWARDED_FOR, {" 203.0.113.9 "}, "203.0.113.9"},
    {X_FORWARDED_FOR, {"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
    {X_FORWARDED_FOR, {"198.51.100.1,203.0.113.9,10.0.0.7 , 10.0.0.8"}, "203.0.113.9"},
    {X_FORWARDED_FOR, {"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
    {X_FORWARDED_FOR, {"198.51.100.1", "203.0.113.9", "10.0.0.7"}, "203.0.113.9"},
    {X_FORWARDED_FOR, {"10.0.0.9, 10.0.0.8"}, "10.0.0.9"},
    {X_FORWARDED_FOR, {"203.0.113.9:4711"}, "203.0.113.9"},
    {X_FORWARDED_FOR, {"2001:db8::1"}, "2001:db8::1"},
    {X_FORWARDED_FOR, {"[2001:db8::1]:4711"}, "2001:db8::1"},
    {X_FORWARDED_FOR, {"203.0.113.9, unknown"}, "10.0.0.1"},
    {X_FORWARDED_FOR, {"203.0.113.9, unknown, 10.0.0.7"}, "10.0.0.7"},
    {X_FORWARDED_FOR, {"::ffff:203.0.113.9"}, "203.0.113.9"},
    {X_FORWARDED_FOR, {"203.0.113.9,"}, NULL},
    {X_FORWARDED_FOR, {",203.0.113.9"}, NULL},
    {X_FORWARDED_FOR, {"203.0.113.9 198.51.100.1"}, NULL},
    {X_FORWARDED_FOR, {"203.0.113"}, NULL},
    {X_FORWARDED_FOR, {"203.0.113.9:"}, NULL},
    {X_FORWARDED_FOR, {"203.0.113.9:80:80"}, NULL},
    {X_FORWARDED_FOR, {"[203.0.113.9]"}, NULL},
    {X_FORWARDED_FOR, {"[2001:db8::1"}, NULL},
    {X_FORWARDED_FOR, {"[2001:db8::1]80"}, NULL},
    {X_FORWARDED_FOR, {"\"203.0.113.9\""}, NULL},
    {X_FORWARDED_FOR, {"example.com"}, NULL},
    {X_FORWARDED_FOR, {"<script>, 203.0.113.9"}, NULL},
    {X_FORWARDED_FOR, {"203.0.113.9", "nonsense"}, NULL},
    {FORWARDED, {"for=203.0.113.9"}, "203.0.113.9"},
    {FORWARDED, {"For=203.0.113.9;proto=http;by=10.0.0.1"}, "203.0.113.9"},
    {FORWARDED, {"proto=https;for=\"203.0.113.9:4711\""}, "203.0.113.9"},
    {FORWARDED, {"for=\"[2001:db8:cafe::17]:4711\""}, "2001:db8:cafe::17"},
    {FORWARDED, {"for=\"[2001:db8::1]\""}, "2001:db8::1"},
    {FORWARDED, {"for=198.51.100.1, for=203.0.113.9"}, "203.0.113.9"},
    {FORWARDED, {"for=198.51.100.1,for=203.0.113.9 , for=\"[fd00::7]\""}, "203.0.113.9"},
    {FORWARDED, {"for=198.51.100.1", "for=203.0.113.9"}, "203.0.113.9"},
    {FORWARDED, {"for=\"203\\.0.113.9\""}, "203.0.113.9"},
    {FORWARDED, {"for=203.0.113.9, for=unknown"}, "10.0.0.1"},
    {FORWARDED, {"for=203.0.113.9, for=_hidden"}, "10.0.0.1"},
    {FORWARDED, {"for=203.0.113.9, proto=http"}, "10.0.0.1"},
    {FORWARDED, {"for=\"_gazonk:_port\""}, "10.0.0.1"},
    {FORWARDED, {"for=\"1.2.3.4, for=203.0.113.9"}, NULL},
    {FORWARDED, {"for=\"1.2.3.4\\"}, NULL},
    {FORWARDED, {"for=203.0.113.9;for=198.51.100.1"}, NULL},
    {FORWARDED, {"for=203.0.113.9:80"}, NULL},
    {FORWARDED, {"for=2001:db8::1"}, NULL},
    {FORWARDED, {"for=\"2001:db8::1\""}, NULL},
    {FORWARDED, {"for=203.0.113.9; proto=http"}, NULL},
    {FORWARDED, {"for = 203.0.113.9"}, NULL},
    {FORWARDED, {"for="}, NULL},
    {FORWARDED, {"for"}, NULL},
    {FORWARDED, {"203.0.113.9"}, NULL},
    {FORWARDED, {"for=203.0.113.9,"}, NULL},
    {FORWARDED, {"for=203.0.113.9;"}, NULL},
    {FORWARDED, {"for=\"\""}, NULL},
};

START_TEST(the_rightmost_address_that_is_not_trusted_has_asked)
{
    struct forwarded list = {0};
    struct networks trusted;
    struct ip client;
    char text[IP_TEXT_MAX];

    ck_assert(networks_read("10.0.0.0/8, fd00::/8", &trusted));
    ck_assert(ip_read("10.0.0.1", strlen("10.0.0.1"), &client));
    for (size_t i = 0; i < 3 && cases[_i].lines[i]; i++)
        forwarded_add(&list, cases[_i].lines[i]);
    bool says, good = forwarded_client(cases[_i].header, &list, &trusted, &client, &says);
    ck_assert_msg(good == (cases[_i].client != NULL), "%s", cases[_i].lines[0]);
    if (!good)
        return;
    ip_write(&client, text);
    ck_assert_str_eq(text, cases[_i].client);
}
END_TEST

/* Clients may write as much as headers_bytes_max allows in front of what a proxy appends. */
START_TEST(only_the_end_of_a_long_list_matters)
{
    struct forwarded list = {0};
    struct networks trusted;
    struct ip client;
    char line[4096] = "", text[IP_TEXT_MAX];
    size_t bytes = 0;
    bool says;

    while (bytes < sizeof line - 32) {
        memcpy(line + bytes, "10.0.0.7, ", 10);
        bytes += 10;
    }
    memcpy(line + bytes, "203.0.113.9", sizeof "203.0.113.9");
    for (size_t i = 0; i < 2 * (size_t)FORWARDED_LINES; i++)
        forwarded_add(&list, i % 2 ? line : "10.0.0.7");
    ck_assert_uint_eq(list.count, FORWARDED_LINES);
    ck_assert(networks_read("10.0.0.0/8", &trusted));
    ck_assert(ip_read("10.0.0.1", strlen("10.0.0.1"), &client));
    ck_assert(forwarded_client(X_FORWARDED_FOR, &list, &trusted, &client, &says));
    ip_write(&client, text);
    ck_assert_str_eq(text, "203.0.113.9");
}
END_TEST

START_TEST(a_header_may_tell_of_no_client_at_all)
{
    struct forwarded list = {0};
    struct networks trusted;
    struct ip client, sender;
    bool says = true;

    forwarded_add(&list, "proto=https;host=example.com, by=10.0.0.2");
    ck_assert(networks_read("10.0.0.0/8", &trusted));
    ck_assert(ip_read("10.0.0.1", strlen("10.0.0.1"), &sender));
    client = sender;
    ck_assert(forwarded_client(FORWARDED, &list, &trusted, &client, &says));
    ck_assert(!says && ip_same(&client, &sender));
}
END_TEST

START_TEST(the_headers_are_known_in_any_case)
{
    enum forwarded_header header;

    ck_assert(forwarded_find("x-forwarded-for", &header) && header == X_FORWARDED_FOR);
    ck_assert(forwarded_find("FORWARDED", &header) && header == FORWARDED);
    ck_assert(!forwarded_find("X-Forwarded-Host", &header));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("forwarded");
    TCase *tc = suite_case(s, "forwarded");

    tcase_add_loop_test(tc, the_rightmost_address_that_is_not_trusted_has_asked, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(tc, only_the_end_of_a_long_list_matters);
    tcase_add_test(tc, a_header_may_tell_of_no_client_at_all);
    tcase_add_test(tc, the_headers_are_known_in_any_case);
    return suite_run(s);
}
