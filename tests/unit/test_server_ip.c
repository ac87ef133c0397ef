/* test_server_ip.c - addresses and networks as numbers. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include "base/ip.h"
#include "suite.h"

static struct ip ip_of(const char *text)
{
    struct ip ip = {{0}};

    ck_assert_msg(ip_read(text, strlen(text), &ip), "%s", text);
    return ip;
}

START_TEST(an_address_has_one_form)
{
    static const char *const texts[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"2001:DB8:0::1", "2001:db8::1"},
        {"::", "::"},
        {"255.255.255.255", "255.255.255.255"},
    };
    char text[IP_TEXT_MAX];

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ip ip = ip_of(texts[i][0]);
        ip_write(&ip, text);
        ck_assert_str_eq(text, texts[i][1]);
    }
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    static const char *const texts[] = {"",
                                        "1",
                                        "1.2.3",
                                        "1.2.3.4.5",
                                        "256.1.1.1",
                                        "1.2.3.04x",
                                        " 1.2.3.4",
                                        "1.2.3.4 ",
                                        "1.2.3.4:80",
                                        "[::1]",
                                        ":::",
                                        "2001:db8::1::2",
                                        "fe80::1%eth0",
                                        "localhost",
                                        "unknown",
                                        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa"};
    struct ip ip;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(!ip_read(texts[i], strlen(texts[i]), &ip), "%s", texts[i]);
    ck_assert(!ip_read("1.2.3.4\0", 8, &ip));
}
END_TEST

START_TEST(a_socket_tells_its_address)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct ip a, b;

    inet_pton(AF_INET, "192.0.2.1", &four.sin_addr);
    inet_pton(AF_INET6, "::ffff:192.0.2.1", &six.sin6_addr);
    ck_assert(ip_of_socket((const struct sockaddr *)&four, &a));
    ck_assert(ip_of_socket((const struct sockaddr *)&six, &b));
    ck_assert(ip_same(&a, &b) && ip_is_four(&a));
    ck_assert(!ip_of_socket(&other, &a));
    ck_assert(!ip_of_socket(NULL, &a));
}
END_TEST

START_TEST(loopback_is_this_machine_in_both_families)
{
    static const struct {
        const char *ip;
        bool is;
    } cases[] = {{"127.0.0.1", true},    {"127.255.255.254", true},
                 {"::1", true},          {"::ffff:127.0.0.1", true},
                 {"128.0.0.1", false},   {"0.0.0.0", false},
                 {"::", false},          {"::2", false},
                 {"::127.0.0.1", false}, {"fe80::1", false}};
    struct ip ip;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert(ip_read(cases[i].ip, strlen(cases[i].ip), &ip));
        ck_assert_msg(ip_is_loopback(&ip) == cases[i].is, "%s", cases[i].ip);
    }
}
END_TEST

START_TEST(a_network_holds_what_its_prefix_says)
{
    static const struct {
        const char *networks, *ip;
        bool held;
    } cases[] = {
        {"", "127.0.0.1", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"172.16.0.0/12", "172.31.255.255", true},
        {"172.16.0.0/12", "172.32.0.0", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"192.0.2.1/32", "192.0.2.1", true},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"::1/128", "::1", true},
        {"10.0.0.0/8,fd00::/8 , 127.0.0.1", "127.0.0.1", true},
        {" 10.0.0.0/8 ", "10.0.0.1", true},
    };
    struct networks networks;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ip ip = ip_of(cases[i].ip);
        ck_assert_msg(networks_read(cases[i].networks, &networks), "%s", cases[i].networks);
        ck_assert_msg(networks_hold(&networks, &ip) == cases[i].held, "%s in %s", cases[i].ip,
                      cases[i].networks);
    }
}
END_TEST

START_TEST(what_is_no_network_is_refused)
{
    static const char *const texts[] = {
        ",",           "10.0.0.0/",    "10.0.0.0/33", "10.0.0.0/08x", "10.0.0.1/8",
        "10.0.0.0/-1", "fd00::/129",   "fd00::1/64",  "10.0.0.0/8,",  "10.0.0.0/8,,::1",
        "localhost",   "10.0.0.0 ::1", "/8",          "10.0.0.0/0008"};
    struct networks networks;
    char many[NETWORKS_MAX * 4 + 8] = "::1";

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(!networks_read(texts[i], &networks), "%s", texts[i]);
    for (size_t i = 1; i < NETWORKS_MAX; i++)
        memcpy(many + i * 4 - 1, ",::1", 5);
    ck_assert(networks_read(many, &networks));
    memcpy(many + NETWORKS_MAX * 4 - 1, ",::1", 5);
    ck_assert(!networks_read(many, &networks));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ip");
    TCase *tc = suite_case(s, "ip");

    tcase_add_test(tc, an_address_has_one_form);
    tcase_add_test(tc, what_is_no_address_is_refused);
    tcase_add_test(tc, a_socket_tells_its_address);
    tcase_add_test(tc, loopback_is_this_machine_in_both_families);
    tcase_add_test(tc, a_network_holds_what_its_prefix_says);
    tcase_add_test(tc, what_is_no_network_is_refused);
    return suite_run(s);
}
