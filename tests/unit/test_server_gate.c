/* test_server_gate.c - the framing gate, field by field. tests/http/t1000-framing.sh tells
 * what libmicrohttpd makes of real bytes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "http/gate.h"
#include "suite.h"

static const struct gate_limits limits = {.headers_bytes_max = 1000, .headers_count_max = 8};

/* Run "Name: value\n..." through the gate as headers of a request. */
static enum error_id run(const char *headers, const char *target, const char *version,
                         struct gate_body *body)
{
    struct gate gate = {0};
    struct gate_request request = {
        .method = "POST", .target = target, .version = version, .header_bytes = 500};
    struct error error = {0};
    char copy[1024], *line, *rest = copy;
    enum error_id id;

    snprintf(copy, sizeof copy, "%s", headers);
    while ((line = strsep(&rest, "\n")) && *line) {
        char *value = strchr(line, ':');
        *value++ = '\0';
        value += strspn(value, " ");
        gate_header(&gate, line, strlen(line), value, strlen(value));
    }
    id = gate_check(&gate, &request, &limits, body, &error);
    ck_assert_int_eq(id, error.id);
    ck_assert(id == ERROR_OK || error.detail[0]);
    return id;
}

START_TEST(chunks_are_refused_where_nobody_checks_them)
{
    const struct gate_limits strict = {
        .headers_bytes_max = 1000, .headers_count_max = 8, .chunked_refused = true};
    const struct gate_request request = {.method = "POST", .target = "/", .version = "HTTP/1.1"};
    const struct {
        const char *name, *value;
        enum error_id id;
    } cases[] = {
        {"Transfer-Encoding", "chunked", ERROR_LENGTH_REQUIRED},
        {"Transfer-Encoding", "Chunked", ERROR_LENGTH_REQUIRED},
        {"Transfer-Encoding", "gzip", ERROR_BAD_FRAMING},
        {"Content-Length", "15", ERROR_OK},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gate gate = {0};
        struct gate_body body;
        struct error error = {0};
        gate_header(&gate, "Host", 4, "x", 1);
        gate_header(&gate, cases[i].name, strlen(cases[i].name), cases[i].value,
                    strlen(cases[i].value));
        ck_assert_int_eq(gate_check(&gate, &request, &strict, &body, &error), cases[i].id);
        if (cases[i].id == ERROR_LENGTH_REQUIRED)
            ck_assert_ptr_nonnull(strstr(error.detail, "chunked_bodies"));
    }
}
END_TEST

static const struct {
    const char *headers;
    enum error_id id;
    uint64_t bytes;
} framings[] = {
    {"Host: x\n", ERROR_OK, 0},
    {"Host: x\nContent-Length: 0\n", ERROR_OK, 0},
    {"Host: x\nContent-Length: 15\n", ERROR_OK, 15},
    {"Host: x\ncontent-LENGTH: 007\n", ERROR_OK, 7},
    {"Host: x\nContent-Length: 18446744073709551614\n", ERROR_OK, UINT64_MAX - 1},
    {"Host: x\nTransfer-Encoding: chunked\n", ERROR_OK, UINT64_MAX},
    {"Host: x\ntransfer-encoding: CHUNKED\n", ERROR_OK, UINT64_MAX},
    {"Host: x\nContent-Length: 18446744073709551615\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length: 18446744073709551616\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length: 99999999999999999999999\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length:\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length: -1\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length: +1\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length: 1 \n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length: 1,1\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length: 0x1\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length: 1e2\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length: 1\nContent-Length: 1\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length: 1\nContent-Length: 2\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length: 1\nTransfer-Encoding: chunked\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nTransfer-Encoding: gzip\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nTransfer-Encoding: gzip, chunked\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nTransfer-Encoding: identity\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nTransfer-Encoding: chunked \n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nTransfer-Encoding:\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nContent-Length : 1\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\n: 1\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nX A: 1\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nX\x80: 1\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nX: a\x01\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nX: a\rb\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nX: a\x7f\n", ERROR_BAD_FRAMING, 0},
    {"Host: x\nX: a\tb \xc3\xa9\n", ERROR_OK, 0},
    {"", ERROR_BAD_FRAMING, 0},
    {"Host: x\nHost: x\n", ERROR_BAD_FRAMING, 0},
    {"Host:\n", ERROR_OK, 0},
};

START_TEST(a_body_has_one_length_or_the_request_is_refused)
{
    struct gate_body body;

    for (size_t i = 0; i < sizeof framings / sizeof *framings; i++) {
        enum error_id id = run(framings[i].headers, "/", "HTTP/1.1", &body);
        ck_assert_msg(id == framings[i].id && body.bytes == framings[i].bytes,
                      "%s: error %d, %llu bytes", framings[i].headers, (int)id,
                      (unsigned long long)body.bytes);
    }
}
END_TEST

START_TEST(http_1_0_needs_no_host_and_knows_no_chunks)
{
    struct gate_body body;

    ck_assert_int_eq(run("", "/", "HTTP/1.0", &body), ERROR_OK);
    ck_assert_int_eq(run("Content-Length: 3\n", "/", "HTTP/1.0", &body), ERROR_OK);
    ck_assert_uint_eq(body.bytes, 3);
    ck_assert_int_eq(run("Host: x\nHost: y\n", "/", "HTTP/1.0", &body), ERROR_BAD_FRAMING);
    ck_assert_int_eq(run("Transfer-Encoding: chunked\n", "/", "HTTP/1.0", &body),
                     ERROR_BAD_FRAMING);
}
END_TEST

START_TEST(blanks_at_the_end_of_a_value_are_none_of_it)
{
    static const struct {
        enum request_header field;
        const char *name, *value, *want;
    } cases[] = {
        {REQUEST_X_REQUEST_ID, "X-Request-Id", "abc ", "abc"},
        {REQUEST_HOST, "Host", "example.com \t ", "example.com"},
        {REQUEST_CONTENT_TYPE, "Content-Type", "text/plain; charset=utf-8\t",
         "text/plain; charset=utf-8"},
        {REQUEST_ORIGIN, "Origin", " ", ""},
        {REQUEST_ACCEPT, "Accept", "a b", "a b"},
        {REQUEST_CONTENT_LENGTH, "Content-Length", "15 ", "15 "}, /* as the parser has read it */
    };
    char room[64];
    struct gate gate = {.spare = room, .spare_bytes = sizeof room};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gate_header(&gate, cases[i].name, strlen(cases[i].name), cases[i].value,
                    strlen(cases[i].value));
        ck_assert_str_eq(gate.value[cases[i].field], cases[i].want);
    }
    ck_assert(!gate.malformed);
    gate_header(&gate, "Expect", 6, "12345678901234567890123 ", 24); /* 3 + 1 + 11 + 1 + 25 + 2 */
    ck_assert(gate.malformed);
    ck_assert_ptr_null(gate.value[REQUEST_EXPECT]);
}
END_TEST

START_TEST(expect_is_read_on_http_1_1_only)
{
    struct gate_body body;

    run("Host: x\nExpect: 100-Continue\nContent-Length: 1\n", "/", "HTTP/1.1", &body);
    ck_assert(body.expect_continue);
    run("Host: x\nExpect: 200-ok\nContent-Length: 1\n", "/", "HTTP/1.1", &body);
    ck_assert(!body.expect_continue);
    run("Host: x\nExpect: 100-continue\nContent-Length: 1\n", "/", "HTTP/1.0", &body);
    ck_assert(!body.expect_continue);
}
END_TEST

START_TEST(headers_are_counted_and_measured)
{
    struct gate_request request = {.method = "GET", .target = "/", .version = "HTTP/1.1"};
    struct gate gate = {0};
    struct gate_body body;
    struct error error = {0};

    gate_header(&gate, "Host", 4, "x", 1);
    for (unsigned i = 1; i < limits.headers_count_max; i++)
        gate_header(&gate, "X", 1, "y", 1);
    request.header_bytes = 1000;
    ck_assert_int_eq(gate_check(&gate, &request, &limits, &body, &error), ERROR_OK);
    request.header_bytes = 1001;
    ck_assert_int_eq(gate_check(&gate, &request, &limits, &body, &error), ERROR_HEADERS_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(error.detail, "headers_bytes_max"));
    request.header_bytes = 1000;
    gate_header(&gate, "X", 1, "y", 1);
    ck_assert_int_eq(gate_check(&gate, &request, &limits, &body, &error), ERROR_HEADERS_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(error.detail, "headers_count_max"));
}
END_TEST

START_TEST(every_byte_of_a_target_is_allowed_or_refused_with_its_place)
{
    static const char marks[] = "-._~:/?[]@!$&'()*+,;=";
    size_t at;

    for (unsigned c = 1; c < 256; c++) {
        const char target[] = {'/', (char)c, 'x', '\0'};
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool allowed = letter || strchr(marks, (int)c);
        ck_assert_msg(gate_target_ok(target, &at) == allowed, "byte %u", c);
        ck_assert_uint_eq(at, allowed ? 3 : 1);
    }
    ck_assert(gate_target_ok("/%2e%2F%aF", &at));
    ck_assert(!gate_target_ok("/%2", &at));
    ck_assert(!gate_target_ok("/a%", &at));
    ck_assert(!gate_target_ok("/%g0", &at));
    ck_assert(!gate_target_ok("/%0g", &at));
    ck_assert(!gate_target_ok("", &at));
}
END_TEST

START_TEST(a_value_holds_no_control_byte_but_tabs)
{
    for (unsigned c = 0; c < 256; c++) {
        const char value[] = {'a', (char)c, 'b', '\0'};
        struct gate gate = {0};

        gate_header(&gate, "X", 1, value, 3);
        ck_assert_msg(gate.malformed == ((c < ' ' && c != '\t') || c == 0x7f), "byte %u", c);
    }
}
END_TEST

START_TEST(a_request_id_is_1_to_64_harmless_characters)
{
    char id[80];

    memset(id, 'a', sizeof id);
    id[64] = '\0';
    ck_assert(gate_request_id_ok(id));
    id[64] = 'a', id[65] = '\0';
    ck_assert(!gate_request_id_ok(id));
    ck_assert(!gate_request_id_ok(""));
    ck_assert(!gate_request_id_ok(NULL));
    for (int c = 1; c < 256; c++) {
        const char one[] = {(char)c, '\0'};
        bool ok = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  strchr("-._", c);
        ck_assert_msg(gate_request_id_ok(one) == ok, "byte %d", c);
    }
}
END_TEST

/* The buffer as a lenient parser leaves it: separators overwritten with NULs. Fields are given by
 * where they begin. */
static enum error_id tile(const char *text, size_t size, const char *const *names, size_t count)
{
    char block[256] = {0};
    struct gate gate = {0};
    struct gate_body body;
    struct error error = {0};
    struct gate_request request = {
        .method = block, .target = "/a?b", .version = block + 9, .header_bytes = size};

    memcpy(block, text, size);
    gate_begin_tiling(&gate, &request);
    for (size_t i = 0; i < count; i++) {
        char *name = memmem(block, size, names[i], strlen(names[i]) + 1);
        char *value = name + strlen(name) + 1;
        value += strspn(value, " \t");
        gate_header(&gate, name, strlen(name), value, strlen(value));
    }
    return gate_check(&gate, &request, &limits, &body, &error);
}

#define LINE "GET\0/a\0b\0HTTP/1.1\0\0" /* the '?' is overwritten as well */
#define TILE(text, ...)                                                        \
    tile(LINE text, sizeof(LINE text) - 1, (const char *const[]){__VA_ARGS__}, \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

START_TEST(fields_of_a_lenient_parser_must_tile_the_block)
{
    ck_assert_int_eq(TILE("Host\0 x\0\0\0\0", "Host"), ERROR_OK);
    ck_assert_int_eq(TILE("Host\0x\0\0Accept\0 \t y\0\0\0\0", "Host", "Accept"), ERROR_OK);
    ck_assert_int_eq(TILE("Host\0\0\0\0\0", "Host"), ERROR_OK);
    /* a hidden field between or after them, bare line feeds, a NUL in a value */
    ck_assert_int_eq(TILE("Host\0 x\0\0X\0 z\0\0Accept\0 y\0\0\0\0", "Host", "Accept"),
                     ERROR_BAD_FRAMING);
    ck_assert_int_eq(TILE("Host\0 x\0\0\0 z\0\0", "Host"), ERROR_BAD_FRAMING);
    ck_assert_int_eq(TILE("Host\0 x\0\0\0\0\0", "Host"), ERROR_BAD_FRAMING);
    ck_assert_int_eq(TILE("Host\0 x\0\0", "Host"), ERROR_BAD_FRAMING);
    ck_assert_int_eq(TILE("Host\0 x\0Accept\0 y\0\0\0\0", "Host", "Accept"), ERROR_BAD_FRAMING);
    ck_assert_int_eq(TILE("Host\0 x\0y\0\0\0\0", "Host"), ERROR_BAD_FRAMING);
}
END_TEST

START_TEST(a_name_that_lies_elsewhere_was_folded)
{
    static const char text[] = LINE "Host\0 x\0\0 1\0\0\0\0", moved[] = "Host1\0";
    struct gate gate = {0};
    struct gate_request request = {
        .method = text, .target = "/a?b", .version = text + 9, .header_bytes = sizeof text - 1};
    gate_begin_tiling(&gate, &request);
    ck_assert(!gate.malformed);
    gate_header(&gate, moved, 5, text + 26, 1);
    ck_assert(gate.malformed);
}
END_TEST

START_TEST(a_target_that_a_nul_has_cut_is_noticed)
{
    static const char text[] = "GET\0/a\0evil\0HTTP/1.1\0\0";
    struct gate gate = {0};
    struct gate_request request = {
        .method = text, .target = "/a", .version = text + 12, .header_bytes = sizeof text - 1};

    gate_begin_tiling(&gate, &request);
    ck_assert(gate.malformed);
}
END_TEST

static const struct {
    const char *text;
    bool ok;
} traceparents[] = {
    {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
    {"00-00000000000000000000000000000001-0000000000000001-00", true},
    {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
    {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
    {"00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
    {"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
    {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-", false},
    {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", false},
    {"00 4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
    {"", false},
    {NULL, false},
};

START_TEST(a_traceparent_is_version_00s)
{
    ck_assert_int_eq(gate_traceparent_ok(traceparents[_i].text), traceparents[_i].ok);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gate");
    TCase *tc = tcase_create("gate");

    tcase_add_test(tc, chunks_are_refused_where_nobody_checks_them);
    tcase_add_test(tc, a_body_has_one_length_or_the_request_is_refused);
    tcase_add_test(tc, http_1_0_needs_no_host_and_knows_no_chunks);
    tcase_add_test(tc, blanks_at_the_end_of_a_value_are_none_of_it);
    tcase_add_test(tc, expect_is_read_on_http_1_1_only);
    tcase_add_test(tc, headers_are_counted_and_measured);
    tcase_add_test(tc, every_byte_of_a_target_is_allowed_or_refused_with_its_place);
    tcase_add_test(tc, a_value_holds_no_control_byte_but_tabs);
    tcase_add_test(tc, a_request_id_is_1_to_64_harmless_characters);
    tcase_add_loop_test(tc, a_traceparent_is_version_00s, 0,
                        sizeof traceparents / sizeof *traceparents);
    tcase_add_test(tc, fields_of_a_lenient_parser_must_tile_the_block);
    tcase_add_test(tc, a_name_that_lies_elsewhere_was_folded);
    tcase_add_test(tc, a_target_that_a_nul_has_cut_is_noticed);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
