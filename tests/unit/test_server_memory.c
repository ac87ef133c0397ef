/* test_server_memory.c - the memory of all requests: what is charged, refused and given back. */
#include "base/memory.h"
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "base/buf.h"
#include "base/clock.h"
#include "suite.h"
#include "feed.h"

enum { LIMIT = 1 << 20, THREADS = 4, ROUNDS = 20000 };

static uint64_t charged(struct memory *memory)
{
    return atomic_load(&memory->charged);
}

START_TEST(what_is_used_is_charged_in_steps_and_all_of_it_given_back)
{
    struct memory memory = {.max = LIMIT};
    struct memory_account a = {.memory = &memory};

    ck_assert(memory_take(&a, 100));
    ck_assert_uint_ge(charged(&memory), 100);
    ck_assert_uint_lt(charged(&memory), 100000);
    ck_assert(memory_take(&a, 500000));
    ck_assert_uint_ge(charged(&memory), 500100);
    memory_give(&a, 500000);
    memory_settle(&a, 100);
    ck_assert_uint_lt(charged(&memory), 100000);
    memory_close(&a);
    ck_assert_uint_eq(charged(&memory), 0);
}
END_TEST

START_TEST(reserved_is_there_when_it_is_taken)
{
    struct memory memory = {.max = LIMIT};
    struct memory_account a = {.memory = &memory}, b = {.memory = &memory};

    ck_assert(memory_reserve(&a, LIMIT - 8192));
    ck_assert(!memory_take(&b, 16384));
    ck_assert_int_eq(b.refused, MEMORY_BUSY);
    ck_assert(memory_take(&a, LIMIT - 8192));
    ck_assert(!memory_take(&a, 8193));
    ck_assert_int_eq(a.refused, MEMORY_NEVER);
    ck_assert(memory_take(&b, 8192));
    memory_close(&a);
    memory_close(&b);
    ck_assert_uint_eq(charged(&memory), 0);
}
END_TEST

START_TEST(the_last_byte_can_be_taken)
{
    struct memory memory = {.max = 100001};
    struct memory_account a = {.memory = &memory};

    ck_assert(memory_take(&a, 100001));
    ck_assert(!memory_take(&a, 1));
    memory_close(&a);
}
END_TEST

START_TEST(no_number_overflows)
{
    struct memory memory = {.max = LIMIT};
    struct memory_account a = {.memory = &memory};

    ck_assert(memory_take(&a, 10));
    ck_assert(!memory_take(&a, UINT64_MAX));
    ck_assert(!memory_take(&a, UINT64_MAX - 10));
    ck_assert_int_eq(memory_look(&memory, UINT64_MAX), MEMORY_NEVER);
    memory_close(&a);
    ck_assert(memory_take(NULL, UINT64_MAX));
}
END_TEST

static void *take_often(void *context)
{
    struct memory *memory = context;

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct memory_account a = {.memory = memory};

        memory_take(&a, i * 7919u % LIMIT);
        ck_assert_uint_le(charged(memory), LIMIT);
        memory_close(&a);
    }
    return NULL;
}

START_TEST(threads_together_never_charge_more_than_the_limit)
{
    struct memory memory = {.max = LIMIT};
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_often, &memory), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(charged(&memory), 0);
}
END_TEST

START_TEST(buffers_charge_before_they_grow)
{
    struct memory memory = {.max = LIMIT};
    struct memory_account a = {.memory = &memory};
    struct buf b;

    buf_init(&b, 0);
    b.account = &a;
    buf_expect(&b, 500000);
    ck_assert_uint_eq(a.used, 500001);
    buf_append(&b, "abc", 3);
    buf_trim(&b);
    ck_assert_uint_eq(a.used, 4);
    ck_assert_ptr_null(buf_reserve(&b, LIMIT));
    ck_assert(b.failed);
    buf_fini(&b);
    ck_assert_uint_eq(a.used, 0);
    memory_close(&a);
}
END_TEST

/* ---- requests ------------------------------------------------------------------------------- */

static struct options options;
static struct memory memory;
static struct api api;

static void start(void)
{
    options_defaults(&options);
    options.bodies_bytes_max = memory.max = LIMIT;
    atomic_store(&memory.charged, 0);
    api = (struct api){.options = &options, .memory = &memory};
}

/* {TEXT"data": [1,1, ...]} of so many numbers */
static char *body_of(const char *text, size_t count)
{
    struct buf b;
    size_t size;

    buf_init(&b, 0);
    buf_printf(&b, "{%s\"data\": [", text);
    for (size_t i = 1; i < count; i++)
        buf_puts(&b, "1,");
    buf_puts(&b, "1]}");
    return buf_steal(&b, &size);
}

static unsigned ask(const char *body, char code[static 40])
{
    struct api_request request = {.method = "POST",
                                  .target = "/v1/activations/relu",
                                  .body = body,
                                  .body_bytes = strlen(body),
                                  .received_ns = clock_ns()};
    struct api_reply reply;
    unsigned status;

    api_handle(&api, &request, &reply);
    status = reply.http_status;
    snprintf(code, 40, "%s", error_code(reply.error));
    api_reply_fini(&reply);
    ck_assert_uint_eq(charged(&memory), 0);
    return status;
}

/* LIMIT holds 4 bytes a number, its gradient as much, and 17 for the text of each. */
START_TEST(results_and_the_longest_reply_count_before_they_are_made)
{
    static const struct {
        const char *text;
        size_t count;
        unsigned status;
    } cases[] = {
        {"", 30000, 200},
        {"", 60000, 413},
        {"\"gradient\": true, ", 20000, 200},
        {"\"gradient\": true, ", 30000, 413},
        {"", 300000, 413},
    };
    char code[40];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *body = body_of(cases[i].text, cases[i].count);

        ck_assert_uint_eq(ask(body, code), cases[i].status);
        ck_assert_str_eq(code, cases[i].status == 200 ? "ok" : "body_too_large");
        free(body);
    }
}
END_TEST

/* Probes and scrapes: a service that is busy with bodies is not ill. */
START_TEST(health_and_metrics_need_no_room)
{
    static const char *const targets[] = {"/v2/health/live", "/metrics", "/openapi.json"};
    struct memory_account others = {.memory = &memory};

    ck_assert(memory_take(&others, LIMIT));
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct api_request request = {
            .method = "GET", .target = targets[i], .received_ns = clock_ns()};
        struct api_reply reply;

        api_handle(&api, &request, &reply);
        ck_assert_uint_eq(reply.http_status, 200);
        api_reply_fini(&reply);
    }
    memory_close(&others);
    ck_assert_uint_eq(charged(&memory), 0);
}
END_TEST

START_TEST(what_fits_only_when_others_are_gone_is_503)
{
    struct memory_account other = {.memory = &memory};
    char *body = body_of("", 30000), code[40];
    struct api_request request = {.method = "POST", .target = "/v1/activations/relu"};
    struct api_reply reply;
    struct api_call *call;

    ck_assert(memory_take(&other, LIMIT / 2));
    call = api_admit(&api, &request, API_BODY_UNKNOWN, &reply);
    ck_assert_ptr_nonnull(call);
    ck_assert(feed(call, body, strlen(body), SIZE_MAX));
    ck_assert(!api_run(call, clock_ns()));
    ck_assert_uint_eq(reply.http_status, 503);
    ck_assert_str_eq(reply.headers[REPLY_RETRY_AFTER], "1");
    api_end(call);
    api_reply_fini(&reply);
    memory_close(&other);
    ck_assert_uint_eq(ask(body, code), 200);
    free(body);
}
END_TEST

START_TEST(body_that_finds_no_memory_is_refused_in_the_middle_of_it)
{
    struct memory_account other = {.memory = &memory};
    struct api_request request = {.method = "POST", .target = "/v1/activations/relu"};
    struct api_reply reply;
    char *body = body_of("", 100000);
    struct api_call *call;

    ck_assert(memory_take(&other, LIMIT * 7 / 8));
    call = api_admit(&api, &request, API_BODY_UNKNOWN, &reply);
    ck_assert_ptr_nonnull(call);
    ck_assert(!feed(call, body, strlen(body), SIZE_MAX));
    ck_assert_uint_eq(reply.http_status, 503);
    api_end(call);
    api_reply_fini(&reply);
    ck_assert_ptr_null(api_admit(&api, &request, LIMIT / 4, &reply)); /* its length tells */
    ck_assert_uint_eq(reply.http_status, 503);
    api_reply_fini(&reply);
    memory_close(&other);
    ck_assert_uint_eq(charged(&memory), 0);
    free(body);
}
END_TEST

START_TEST(reply_is_charged_until_the_end_of_the_call)
{
    struct api_request request = {.method = "POST", .target = "/v1/activations/relu"};
    struct api_reply reply;
    char *body = body_of("", 20000);
    struct api_call *call = api_admit(&api, &request, strlen(body), &reply);

    ck_assert_ptr_nonnull(call);
    ck_assert(feed(call, body, strlen(body), SIZE_MAX));
    ck_assert(!api_run(call, clock_ns()));
    ck_assert_uint_eq(reply.http_status, 200);
    ck_assert_uint_ge(charged(&memory), reply.body.len);
    ck_assert_uint_le(charged(&memory), reply.body.cap + 16384);
    api_end(call);
    ck_assert_uint_eq(charged(&memory), 0);
    api_reply_fini(&reply);
    free(body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tc = suite_case(suite, "cases");

    tcase_add_checked_fixture(tc, start, NULL);
    tcase_add_test(tc, what_is_used_is_charged_in_steps_and_all_of_it_given_back);
    tcase_add_test(tc, reserved_is_there_when_it_is_taken);
    tcase_add_test(tc, the_last_byte_can_be_taken);
    tcase_add_test(tc, no_number_overflows);
    tcase_add_test(tc, threads_together_never_charge_more_than_the_limit);
    tcase_add_test(tc, buffers_charge_before_they_grow);
    tcase_add_test(tc, results_and_the_longest_reply_count_before_they_are_made);
    tcase_add_test(tc, health_and_metrics_need_no_room);
    tcase_add_test(tc, what_fits_only_when_others_are_gone_is_503);
    tcase_add_test(tc, body_that_finds_no_memory_is_refused_in_the_middle_of_it);
    tcase_add_test(tc, reply_is_charged_until_the_end_of_the_call);
    return suite_run(suite);
}
