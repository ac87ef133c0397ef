/* test_server_encoded.c - requests whose bodies are compressed, and replies that are. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "base/clock.h"
#include "compressed.h"
#include "starve.h"
#include "suite.h"

static struct options options;
static struct memory memory;
static struct api api;

static void start(void)
{
    options_defaults(&options);
    options.bodies_bytes_max = memory.max = 1 << 24;
    atomic_store(&memory.charged, 0);
    api = (struct api){.options = &options, .memory = &memory};
}

static struct bytes json_of(size_t count)
{
    struct buf b;
    struct bytes text;

    buf_init(&b, 0);
    buf_puts(&b, "{\"data\": [");
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "%s%zu.%zu", i ? "," : "", i % 7, i * 7919 % 100003);
    buf_puts(&b, "]}");
    text.data = buf_steal(&b, &text.size);
    return text;
}

static struct api_reply ask(struct bytes body, const char *encoding, const char *accept)
{
    struct api_request request = {
        .method = "POST",
        .target = "/v1/activations/relu",
        .headers = {[REQUEST_CONTENT_ENCODING] = encoding, [REQUEST_ACCEPT_ENCODING] = accept},
        .body = body.data,
        .body_bytes = body.size,
        .received_ns = clock_ns()};
    struct api_reply reply;

    api_handle(&api, &request, &reply);
    if (starve_countdown == 0) /* libcheck allocates, too */
        ck_assert_uint_eq(atomic_load(&memory.charged), 0);
    return reply;
}

START_TEST(request_is_what_its_body_stands_for)
{
    struct bytes body = json_of(40000), in = compressed(body, forms[_i].bits);
    struct api_reply plain = ask(body, NULL, NULL);
    struct api_reply reply = ask(in, encoding_name(forms[_i].id), NULL);

    ck_assert_uint_eq(plain.http_status, 200);
    ck_assert_uint_eq(reply.http_status, 200);
    ck_assert_uint_eq(reply.body.len, plain.body.len);
    ck_assert(!memcmp(reply.body.data, plain.body.data, plain.body.len));
    api_reply_fini(&reply);
    api_reply_fini(&plain);
    free(in.data);
    free(body.data);
}
END_TEST

/* One byte stands for up to four repetitions of 258, and without zlib's wrapper none follows it. */
START_TEST(last_byte_is_read_wherever_a_piece_ends)
{
    enum { PIECES = 1 << 16, MORE = 1100 };
    static char text[PIECES + MORE];

    memset(mempcpy(text, "{\"data\": [1]}", strlen("{\"data\": [1]}")), ' ', sizeof text - 13);
    for (size_t more = 0; more < MORE; more++) {
        struct bytes in = compressed((struct bytes){text, PIECES + more}, RAW_BITS);
        struct api_reply reply = ask(in, "deflate", NULL);

        ck_assert_uint_eq(reply.http_status, 200);
        api_reply_fini(&reply);
        free(in.data);
    }
}
END_TEST

/* The limit counts what the bytes stand for, whether it is read as it comes or kept. */
START_TEST(bomb_is_413_before_its_bytes_are_there)
{
    static const char *const types[] = {"application/json", "application/x-npy"};
    struct bytes text = text_of(0, 1 << 21), in = compressed(text, forms[_i].bits);
    struct api_request request = {
        .method = "POST",
        .target = "/v1/activations/relu",
        .headers = {[REQUEST_CONTENT_ENCODING] = encoding_name(forms[_i].id)}};

    options.body_bytes_max = 1 << 20;
    for (size_t t = 0; t < 2; t++) {
        struct api_reply reply;
        struct api_call *call;
        size_t at = 0, size, calls = 0;
        bool fed = true;

        request.headers[REQUEST_CONTENT_TYPE] = types[t];
        call = api_admit(&api, &request, in.size, &reply);
        ck_assert_ptr_nonnull(call);
        for (; fed && at < in.size; at += size, calls++)
            fed = api_feed(call, in.data + at, (size = in.size - at, &size));
        ck_assert(!fed);
        ck_assert_uint_eq(reply.http_status, 413);
        ck_assert_uint_ge(calls, 10); /* others had their turn */
        api_end(call);
        api_reply_fini(&reply);
        ck_assert_uint_eq(atomic_load(&memory.charged), 0);
    }
    free(in.data);
    free(text.data);
}
END_TEST

START_TEST(reply_is_compressed_for_those_who_take_it)
{
    static const char *const accepts[] = {"gzip", "deflate", "gzip, deflate, br"};
    static const enum encoding_id ids[] = {ENCODING_GZIP, ENCODING_DEFLATE, ENCODING_GZIP};
    struct bytes body = json_of(40000);
    struct api_reply plain = ask(body, NULL, NULL);

    ck_assert_ptr_null(plain.headers[REPLY_VARY]);
    for (size_t i = 0; i < 3; i++) {
        struct api_reply reply = ask(body, NULL, accepts[i]);
        struct bytes in = {reply.body.data, reply.body.len};
        struct decoded back = decode(ids[i], in, in.size, in.size, NULL);

        ck_assert_uint_eq(reply.http_status, 200);
        ck_assert_str_eq(reply.headers[REPLY_CONTENT_ENCODING], encoding_name(ids[i]));
        ck_assert_str_eq(reply.headers[REPLY_VARY], "Accept-Encoding");
        ck_assert_uint_lt(in.size, plain.body.len * 6 / 10);
        ck_assert_int_eq(back.error.id, ERROR_OK);
        ck_assert_uint_eq(back.text.len, plain.body.len);
        ck_assert(!memcmp(back.text.data, plain.body.data, plain.body.len));
        buf_fini(&back.text);
        api_reply_fini(&reply);
    }
    api_reply_fini(&plain);
    free(body.data);
}
END_TEST

static bool is_encoded(struct bytes body, const char *accept)
{
    struct api_reply reply = ask(body, NULL, accept);
    bool encoded = reply.headers[REPLY_CONTENT_ENCODING] != NULL;

    api_reply_fini(&reply);
    return encoded;
}

START_TEST(reply_is_as_it_is_where_it_should_be)
{
    struct bytes small = json_of(50), large = json_of(5000), wrong = {"{\"data\": \"x\"}", 13};

    ck_assert(is_encoded(large, "gzip"));
    ck_assert(!is_encoded(small, "gzip"));
    options.compress_bytes_min = 10;
    ck_assert(is_encoded(small, "gzip"));
    ck_assert(!is_encoded(wrong, "gzip")); /* an error never is */
    ck_assert(!is_encoded(large, "br"));
    options.compress_level = 0;
    ck_assert(!is_encoded(large, "gzip"));
    free(small.data);
    free(large.data);
}
END_TEST

/* All the memory that is left holds the reply, and not the compressed one besides. */
START_TEST(reply_without_memory_for_it_is_as_it_is)
{
    struct bytes body = json_of(40000);
    struct api_reply plain = ask(body, NULL, NULL);
    bool seen[2] = {false, false};

    for (memory.max = 1 << 19; memory.max < 1 << 22; memory.max += 1 << 15) {
        struct api_reply reply = ask(body, NULL, "gzip");
        bool encoded = reply.headers[REPLY_CONTENT_ENCODING] != NULL;

        if (reply.http_status == 200) {
            seen[encoded] = true;
            ck_assert(encoded || (reply.body.len == plain.body.len &&
                                  !memcmp(reply.body.data, plain.body.data, plain.body.len)));
        }
        api_reply_fini(&reply);
    }
    ck_assert(seen[true] && seen[false]);
    api_reply_fini(&plain);
    free(body.data);
}
END_TEST

/* Every allocation fails in turn: the reply is the whole answer, compressed or not, or a 503. */
START_TEST(request_without_memory_is_503_or_answered)
{
    struct bytes body = json_of(3000), in = compressed(body, GZIP_BITS);
    struct api_reply whole = ask(in, "gzip", NULL);
    bool hit = true;

    ck_assert_uint_eq(whole.http_status, 200);
    for (long n = 1; STARVE_WORKS && hit; n++) {
        long live = starve_live;
        struct api_reply reply;

        starve_countdown = n;
        reply = ask(in, "gzip", "gzip");
        hit = starve_countdown == 0;
        starve_countdown = 0;
        if (reply.headers[REPLY_CONTENT_ENCODING]) {
            struct bytes got = {reply.body.data, reply.body.len};
            struct decoded back = decode(ENCODING_GZIP, got, got.size, got.size, NULL);

            ck_assert_uint_eq(back.text.len, whole.body.len);
            buf_fini(&back.text);
        } else {
            ck_assert(hit && (reply.http_status == 503 || reply.body.len == whole.body.len));
        }
        api_reply_fini(&reply);
        ck_assert_int_eq(starve_live, live);
    }
    api_reply_fini(&whole);
    free(in.data);
    free(body.data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("encoded");
    TCase *tc = suite_case(suite, "cases");

    tcase_add_checked_fixture(tc, start, NULL);
    tcase_add_loop_test(tc, request_is_what_its_body_stands_for, 0, FORMS);
    tcase_add_test(tc, last_byte_is_read_wherever_a_piece_ends);
    tcase_add_loop_test(tc, bomb_is_413_before_its_bytes_are_there, 0, FORMS);
    tcase_add_test(tc, reply_is_compressed_for_those_who_take_it);
    tcase_add_test(tc, reply_is_as_it_is_where_it_should_be);
    tcase_add_test(tc, reply_without_memory_for_it_is_as_it_is);
    tcase_add_test(tc, request_without_memory_is_503_or_answered);
    return suite_run(suite);
}
