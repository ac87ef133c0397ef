/* test_server_sample.c - GET .../sample.npz after requests: the rows that were answered are in it,
 * as they were posted and answered, and no others. */
#include <jansson.h>
#include <pthread.h>
#include "ask.h"
#include "clients.h"
#include "infer/work.h"
#include "model/record.h"
#include "starve.h"
#include "weights/formats.h"

#define ck_assert_float_same(got, want) ck_assert_double_eq((double)(got), (double)(want))

enum { RECORDED = 64, ASKERS = 16, ASKS = 20 };

static void put_recording(const char *name, size_t rows, const char *more)
{
    char path[128], text[512];

    snprintf(path, sizeof path, "%s/config.json", name);
    snprintf(text, sizeof text,
             "{\"input\": {\"features\": 2, \"scale\": 0.5}, \"layers\": [{\"name\": \"y\", "
             "\"units\": 1, \"activation\": \"identity\", \"weight\": [[2, 4]], \"bias\": [1]}], "
             "\"record\": {\"rows\": %zu}%s}",
             rows, more);
    folder_text(&root, path, text);
}

static void start_recording(void)
{
    start();
    put_recording("some", RECORDED, "");
    put_recording("all", ASKERS * ASKS, ", \"batching\": {\"queue_delay_us\": 1000}");
    repository_close(repository);
    open_repository();
    api.repository = repository;
    more_workers();
}

static unsigned post(const char *target, const char *body)
{
    struct api_reply reply = ask_for(&api, "POST", target, body);

    api_reply_fini(&reply);
    return reply.http_status;
}

/* The sample as this service's reader sees it. */
struct sample {
    struct api_reply reply;
    struct stored_file file;
    size_t rows;
};

static struct sample sample_of(const char *target)
{
    struct sample s = {.reply = ask_for(&api, "GET", target, "")};
    struct error error = {0};

    ck_assert_uint_eq(s.reply.http_status, 200);
    ck_assert_str_eq(s.reply.headers[REPLY_CONTENT_TYPE], "application/zip");
    ck_assert_msg(npz_read(&s.file, "s", s.reply.body.data, s.reply.body.len, &error) == ERROR_OK,
                  "%s", error.detail);
    ck_assert_uint_eq(s.file.tensors_count, 3);
    s.rows = s.file.tensors[0].shape[0];
    return s;
}

static void sample_fini(struct sample *s)
{
    stored_fini(&s->file);
    api_reply_fini(&s->reply);
}

/* Row i of an array of so many columns. */
static float number(const struct sample *s, const char *name, size_t i, size_t columns, size_t c)
{
    const struct stored *t = stored_find(&s->file, name);
    float x;

    ck_assert_ptr_nonnull(t);
    ck_assert_uint_eq(t->shape[0], s->rows);
    memcpy(&x, t->data + (i * columns + c) * sizeof x, sizeof x);
    return x;
}

static double time_of(const struct sample *s, size_t i)
{
    const struct stored *t = stored_find(&s->file, "unix_seconds");
    double x;

    ck_assert_ptr_nonnull(t);
    ck_assert_uint_eq(t->rank, 1);
    ck_assert_uint_eq(t->count, s->rows);
    memcpy(&x, t->data + i * sizeof x, sizeof x);
    return x;
}

START_TEST(rows_are_as_posted_with_outputs_and_times)
{
    double before = clock_unix_s();
    struct sample s;

    ck_assert_uint_eq(post("/v1/models/some:predict", "{\"instances\": [[1, 2], [3, 4]]}"), 200);
    ck_assert_uint_eq(post("/v2/models/some/infer",
                           "{\"inputs\": [{\"name\": \"input\", \"datatype\": \"FP32\", \"shape\": "
                           "[1, 2], \"data\": [5, 6]}]}"),
                      200);
    s = sample_of("/v1/models/some/sample.npz");
    ck_assert_uint_eq(s.rows, 3);
    for (size_t i = 0; i < 3; i++) {
        float x = (float)(2 * i + 1);

        ck_assert_float_same(number(&s, "inputs", i, 2, 0), x);
        ck_assert_float_same(number(&s, "inputs", i, 2, 1), x + 1);
        ck_assert_float_same(number(&s, "outputs", i, 1, 0), x + 2 * (x + 1) + 1);
        ck_assert_double_ge(time_of(&s, i), before);
        ck_assert_double_le(time_of(&s, i), clock_unix_s());
    }
    ck_assert_double_eq(time_of(&s, 0), time_of(&s, 1));
    sample_fini(&s);
}
END_TEST

START_TEST(what_is_not_answered_is_not_recorded)
{
    struct sample s;
    struct api_reply reply;

    ck_assert_uint_eq(post("/v1/models/some:predict", "{\"instances\": [[3e38, 3e38]]}"), 400);
    ck_assert_uint_eq(post("/v1/models/some:predict", "{\"instances\": [[1, 2], [1]]}"), 400);
    ck_assert_uint_eq(post("/v1/models/some:predict", "{\"instances\": []}"), 200);
    reply = ask_for(&api, "GET", "/v2/health/ready", "");
    ck_assert_uint_eq(reply.http_status, 200);
    api_reply_fini(&reply);
    s = sample_of("/v1/models/some/versions/1/sample.npz");
    ck_assert_uint_eq(s.rows, 0);
    ck_assert_uint_eq(stored_find(&s.file, "inputs")->shape[1], 2);
    ck_assert_uint_eq(stored_find(&s.file, "outputs")->shape[1], 1);
    sample_fini(&s);
    /* The client wants the infinity: so it is answered, and recorded as it was answered. */
    ck_assert_uint_eq(
        post("/v1/models/some:predict?non_finite=null", "{\"instances\": [[3e38, 3e38]]}"), 200);
    s = sample_of("/v1/models/some/sample.npz");
    ck_assert_uint_eq(s.rows, 1);
    ck_assert(number(&s, "outputs", 0, 1, 0) > 3e38f);
    sample_fini(&s);
}
END_TEST

START_TEST(other_machines_get_no_rows)
{
    const struct api_request request = {
        .method = "GET", .target = "/v1/models/some/sample.npz", .body = "", .is_local = false};
    struct api_reply reply;

    api_handle(&api, &request, &reply);
    ck_assert_uint_eq(reply.http_status, 403);
    ck_assert_ptr_nonnull(strstr(reply.body.data, "\"forbidden\""));
    api_reply_fini(&reply);
}
END_TEST

static void *ask_often(void *context)
{
    unsigned first = *(unsigned *)context;
    char body[128];

    for (unsigned i = first; i < first + ASKS; i++) {
        snprintf(body, sizeof body, "{\"instances\": [[%u, %u]]}", i, 3 * i);
        ck_assert_uint_eq(post("/v1/models/all:predict", body), 200);
        ck_assert_uint_eq(post("/v1/models/some:predict", body), 200);
    }
    return NULL;
}

/* Each of the rows 0 to ASKERS * ASKS - 1 at most once, with its own output. */
static void expect_rows(const struct sample *s)
{
    bool there[ASKERS * ASKS] = {false};

    for (size_t i = 0; i < s->rows; i++) {
        float x = number(s, "inputs", i, 2, 0);

        ck_assert(x >= 0 && x < ASKERS * ASKS && !there[(size_t)x]);
        there[(size_t)x] = true;
        ck_assert_float_same(number(s, "inputs", i, 2, 1), 3 * x);
        ck_assert_float_same(number(s, "outputs", i, 1, 0), x + 6 * x + 1);
    }
}

START_TEST(many_clients_in_batches_lose_no_row_and_mix_none)
{
    pthread_t threads[ASKERS];
    unsigned firsts[ASKERS];
    struct sample s;

    for (unsigned i = 0; i < ASKERS; i++) {
        firsts[i] = i * ASKS;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often, &firsts[i]), 0);
    }
    do {
        s = sample_of("/v1/models/some/sample.npz");
        expect_rows(&s);
        sample_fini(&s);
    } while (record_seen(find("some")->record) < ASKERS * ASKS);
    for (unsigned i = 0; i < ASKERS; i++)
        pthread_join(threads[i], NULL);
    s = sample_of("/v1/models/all/sample.npz");
    ck_assert_uint_eq(s.rows, ASKERS * ASKS);
    expect_rows(&s);
    sample_fini(&s);
    s = sample_of("/v1/models/some/sample.npz");
    ck_assert_uint_eq(s.rows, RECORDED);
    sample_fini(&s);
}
END_TEST

/* More rows than one piece, computed and written by workers, which free their memory. */
START_TEST(a_long_request_is_recorded_whole)
{
    enum { ROWS = 5000 };
    struct sample s;
    struct buf body;

    put_recording("long", ROWS, "");
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    buf_init(&body, 0);
    for (unsigned i = 0; i < ROWS; i++)
        buf_printf(&body, "%s[%u,1]", i ? "," : "{\"instances\":[", i);
    buf_puts(&body, "]}");
    ck_assert_uint_eq(post("/v1/models/long:predict", body.data), 200);
    /* others' numbers wait; 5 a row more of them would be too many, were they text */
    ck_assert_int_eq(work_reserve(pool, WORK_MAX - ROWS * 5 / 2), TASK_QUEUED);
    s = sample_of("/v1/models/long/sample.npz");
    work_give_back(pool, WORK_MAX - ROWS * 5 / 2);
    ck_assert_uint_eq(s.rows, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        ck_assert_float_same(number(&s, "inputs", i, 2, 0), (float)i);
        ck_assert_float_same(number(&s, "outputs", i, 1, 0), (float)i + 3);
    }
    sample_fini(&s);
    buf_fini(&body);
}
END_TEST

START_TEST(no_memory_is_told_and_nothing_is_left)
{
    starve_exempt = true;
    ck_assert_uint_eq(post("/v1/models/some:predict", "{\"instances\": [[1, 2]]}"), 200);
    for (long n = 1; STARVE_WORKS && n < 1000; n++) {
        struct api_reply reply;
        long live = starve_live;

        starve_countdown = n;
        reply = ask_for(&api, "GET", "/v1/models/some/sample.npz", "");
        if (starve_countdown > 0) {
            starve_countdown = 0;
            ck_assert_uint_eq(reply.http_status, 200);
            api_reply_fini(&reply);
            return;
        }
        ck_assert(reply.http_status == 503 || reply.http_status == 200);
        api_reply_fini(&reply);
        ck_assert_int_eq(starve_live, live);
    }
    ck_assert(!STARVE_WORKS);
}
END_TEST

START_TEST(its_memory_is_charged_to_that_of_all_requests)
{
    struct memory memory = {.max = 12000}; /* less than 320 rows twice: a copy, and the reply */
    struct api_reply reply;

    api.memory = &memory;
    reply = ask_for(&api, "GET", "/v1/models/all/sample.npz", "");
    ck_assert_uint_eq(reply.http_status, 413);
    ck_assert_uint_eq(memory.charged, 0);
    api_reply_fini(&reply);
    memory.max = 100000;
    reply = ask_for(&api, "GET", "/v1/models/all/sample.npz", "");
    ck_assert_uint_eq(reply.http_status, 200);
    api_reply_fini(&reply);
    ck_assert_uint_eq(memory.charged, 0);
    api.memory = NULL;
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("sample");

    tcase_set_timeout(tc, 300);
    tcase_add_checked_fixture(tc, start_recording, stop);
    tcase_add_test(tc, rows_are_as_posted_with_outputs_and_times);
    tcase_add_test(tc, what_is_not_answered_is_not_recorded);
    tcase_add_test(tc, other_machines_get_no_rows);
    tcase_add_test(tc, many_clients_in_batches_lose_no_row_and_mix_none);
    tcase_add_test(tc, a_long_request_is_recorded_whole);
    tcase_add_test(tc, no_memory_is_told_and_nothing_is_left);
    tcase_add_test(tc, its_memory_is_charged_to_that_of_all_requests);
    return run_suite("sample", tc);
}
