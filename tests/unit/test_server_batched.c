/* test_server_batched.c - requests that workers compute, through the API: the same answer as from
 * the thread that read them, to whoever asked. */
#include <jansson.h>
#include <pthread.h>
#include "clients.h"
#include "starve.h"
#include "feed.h"

enum { CLIENTS = 64, ROUNDS = 8 };

/* ---- many at once ---------------------------------------------------------------------------- */

static void *ask_often(void *context)
{
    struct model *models[] = {find("plain"), find("other"), find("apart"), find("patient")};
    unsigned seed = *(unsigned *)context;

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct client *c = client_create(models[(seed + round) % 4], 1 + (seed * round) % 40,
                                         seed * ROUNDS + round);
        submit(c);
        expect_end(c, TASK_DONE);
        destroy(c);
    }
    return NULL;
}

START_TEST(rows_come_back_to_their_clients_as_if_they_had_been_alone)
{
    pthread_t threads[CLIENTS];
    unsigned seeds[CLIENTS];

    more_workers();
    for (unsigned i = 0; i < CLIENTS; i++) {
        seeds[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often, &seeds[i]), 0);
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_double_eq(metric("axond_queue_rows{model=\"plain\"}"), 0);
}
END_TEST

START_TEST(idle_workers_share_a_long_request)
{
    struct model *m = find("plain");
    struct client *big = client_create(m, 4096, 1);

    more_workers();
    submit(big);
    expect_end(big, TASK_DONE);
    destroy(big);
}
END_TEST

/* ---- the API -------------------------------------------------------------------------------- */

static char *body_of(const struct client *c)
{
    struct buf b;
    size_t size;

    buf_init(&b, 0);
    buf_puts(&b, "{\"instances\": [");
    for (size_t i = 0; i < c->job.rows * FEATURES; i++)
        buf_printf(&b, "%s%.9g%s",
                   i % FEATURES ? ", "
                   : i          ? ", ["
                                : "[",
                   (double)c->x[i], (i + 1) % FEATURES ? "" : "]");
    buf_puts(&b, "]}");
    return buf_steal(&b, &size);
}

static struct api_request request_for(const char *target, const char *body)
{
    return (struct api_request){.method = "POST",
                                .target = target,
                                .body = body,
                                .body_bytes = strlen(body),
                                .received_ns = clock_ns()};
}

/* Up to where it waits, or not. */
static struct api_call *begin(const struct api_request *request, struct api_reply *reply,
                              bool waits)
{
    struct api_call *call = api_admit(&api, request, request->body_bytes, reply);

    ck_assert_ptr_nonnull(call);
    feed(call, request->body, request->body_bytes, SIZE_MAX);
    ck_assert_int_eq(api_run(call, request->received_ns), waits);
    return call;
}

START_TEST(reply_of_a_worker_is_that_of_the_thread_that_read)
{
    const struct api without = {.options = &options, .repository = repository};
    struct client *c = client_create(find("plain"), 300, 5);
    char *body = body_of(c);
    struct api_request request = request_for("/v1/models/plain:predict", body);
    struct api_reply here, there;

    api_handle(&without, &request, &here);
    api_handle(&api, &request, &there);
    ck_assert_uint_eq(here.http_status, 200);
    ck_assert_uint_eq(there.http_status, 200);
    ck_assert_uint_eq(here.body.len, there.body.len);
    ck_assert_mem_eq(here.body.data, there.body.data, here.body.len);
    ck_assert_uint_eq(here.route, there.route);
    ck_assert_ptr_nonnull(strstr(here.headers[REPLY_SERVER_TIMING], "queue;dur=0.000"));
    ck_assert_ptr_nonnull(strstr(there.headers[REPLY_SERVER_TIMING], "queue;dur="));
    api_reply_fini(&here);
    api_reply_fini(&there);
    free(body);
    destroy(c);
}
END_TEST

static json_t *reply_json(const struct api *how, const struct api_request *request)
{
    struct api_reply reply;
    json_t *json;

    api_handle(how, request, &reply);
    ck_assert_msg(reply.http_status == 200, "%.200s", reply.body.data);
    json = json_loadb(reply.body.data, reply.body.len, 0, NULL);
    ck_assert_ptr_nonnull(json);
    api_reply_fini(&reply);
    return json;
}

/* 300 rows are more than a worker takes at once, and than are captured at once. */
START_TEST(captured_values_are_those_of_their_rows)
{
    const struct api without = {.options = &options, .repository = repository};
    struct client *c = client_create(find("plain"), 300, 5);
    char *rows = body_of(c), body[200000];
    struct api_request request = request_for("/v1/models/plain:predict", body);
    json_t *here, *there;

    snprintf(body, sizeof body, "{\"capture\": [\"y\", \"h\"], %s", rows + 1);
    request.body_bytes = strlen(body);
    here = reply_json(&without, &request);
    there = reply_json(&api, &request);
    ck_assert(json_equal(here, there));
    const json_t *captured = json_object_get(there, "captured");
    ck_assert(json_equal(json_object_get(captured, "y"), json_object_get(there, "predictions")));
    ck_assert_uint_eq(json_array_size(json_object_get(captured, "h")), 300);
    for (size_t i = 0; i < 300; i += 37) { /* alone, a row's are the same */
        json_t *alone = json_pack("{s:[o], s:[s]}", "inputs", json_array(), "capture", "h");
        json_t *row = json_array_get(json_object_get(alone, "inputs"), 0);
        for (size_t k = 0; k < FEATURES; k++)
            json_array_append_new(row, json_real((double)c->x[i * FEATURES + k]));
        char *text = json_dumps(alone, 0);
        struct api_request one = request_for("/v1/models/plain:predict", text);
        json_t *single = reply_json(&api, &one);
        const json_t *h = json_object_get(json_object_get(single, "captured"), "h");
        ck_assert(
            json_equal(json_array_get(h, 0), json_array_get(json_object_get(captured, "h"), i)));
        json_decref(single);
        json_decref(alone);
        free(text);
    }
    json_decref(here);
    json_decref(there);
    free(rows);
    destroy(c);
}
END_TEST

START_TEST(full_queue_is_429_with_retry_after)
{
    struct client *c = client_create(find("narrow"), 3, 5);
    char *body = body_of(c);
    struct api_request request = request_for("/v1/models/narrow:predict", body);
    struct api_call *first;
    struct api_reply reply, refused;

    first = begin(&request, &reply, true);
    ck_assert_uint_ge(api_call_bytes(first), 3 * (FEATURES + OUTPUTS) * sizeof(float));
    api_end(begin(&request, &refused, false));
    ck_assert_uint_eq(refused.http_status, 429);
    ck_assert_str_eq(refused.headers[REPLY_RETRY_AFTER], "1");
    ck_assert_ptr_nonnull(strstr(refused.body.data, "\"code\":\"queue_full\""));
    api_reply_fini(&refused);
    api_end(first);
    api_reply_fini(&reply);
    api_handle(&api, &request, &reply);
    ck_assert_uint_eq(reply.http_status, 200);
    api_reply_fini(&reply);
    ck_assert_double_eq(metric("axond_inference_requests_total{model=\"narrow\",version=\"1\","
                               "outcome=\"rejected\"}"),
                        2);
    free(body);
    destroy(c);
}
END_TEST

/* A request that was submitted, and how its wait ended: what it is answered, if at all. */
static void answer_after(struct client *blocker, enum task_end end, unsigned status,
                         const char *outcome)
{
    struct client *c = client_create(find("plain"), 3, 5);
    char *body = body_of(c), series[128];
    struct api_request request = request_for("/v1/models/plain:predict", body);
    const struct api_waiter waiter = {.wake = woken, .is_here = is_here, .context = c};
    struct api_call *call;
    struct api_reply reply;

    hold(blocker);
    call = begin(&request, &reply, true);
    c->leave = end == TASK_GONE;
    api_submit(call, &waiter);
    if (end == TASK_DEADLINE)
        api_look(&api, UINT64_MAX - 1);
    release(blocker);
    sem_wait(&c->woken);
    ck_assert_int_eq(api_resume(call), status != 0);
    api_end(call);
    if (status)
        ck_assert_uint_eq(reply.http_status, status);
    snprintf(series, sizeof series,
             "axond_inference_requests_total{model=\"plain\",version=\"1\",outcome=\"%s\"}",
             outcome);
    ck_assert_double_eq(metric(series), 1);
    api_reply_fini(&reply);
    expect_end(blocker, TASK_DONE);
    free(body);
    destroy(c);
    destroy(blocker);
}

START_TEST(deadline_in_the_queue_is_504)
{
    answer_after(client_create(find("plain"), 1, 0), TASK_DEADLINE, 504, "deadline");
}
END_TEST

START_TEST(client_that_has_gone_is_counted_and_gets_nothing)
{
    answer_after(client_create(find("plain"), 1, 0), TASK_GONE, 0, "cancelled");
}
END_TEST

/* ---- what is refused counts nothing --------------------------------------------------------- */

/* How a request fails all of whose rows have been computed. */
enum failure { FAIL_NOT_FINITE, FAIL_DEADLINE, FAIL_LEFT, FAILURES };

enum { COUNTS = 5 };
static const char *const counted[COUNTS] = {
    "axond_neuron_rows_total{model=\"plain\",version=\"1\"}",
    "axond_neuron_rows_skipped_total{model=\"plain\",version=\"1\"}",
    "axond_relu_zero_outputs_total{model=\"plain\",version=\"1\",layer=\"h\"}",
    "axond_inference_rows_total{model=\"plain\",version=\"1\"}",
    "axond_inference_batches_total{model=\"plain\",version=\"1\"}",
};

static void counts_read(double counts[static COUNTS])
{
    for (size_t i = 0; i < COUNTS; i++)
        counts[i] = metric(counted[i]);
}

/* Reads the reply, or leaves, after a worker has computed the rows. */
static void fail_after_compute(struct api_call *call, const struct api_reply *reply,
                               enum failure how)
{
    static const unsigned status[FAILURES] = {400, 504, 0};

    if (how == FAIL_LEFT) {
        api_end(call);
        return;
    }
    if (how == FAIL_DEADLINE)
        options.request_timeout = 0;
    ck_assert(api_resume(call));
    api_end(call);
    ck_assert_uint_eq(reply->http_status, status[how]);
}

/* In one batch with a request that is answered, which counts as if it were alone. */
START_TEST(request_that_fails_after_it_was_computed_counts_nothing)
{
    struct client *blocker = client_create(find("other"), 1, 0),
                  *answered = client_create(find("plain"), 4, 7),
                  *c = client_create(find("plain"), 3, 5);
    const struct api_waiter waiter = {.wake = woken, .context = c};
    double before[COUNTS], alone[COUNTS], after[COUNTS];
    struct api_request request;
    struct api_call *call;
    struct api_reply reply;
    char *body;

    find("plain")->cost.fixed_s = 1; /* a worker computes, but this thread writes */
    find("other")->cost.fixed_s = 1;
    pool_stop(pool);
    pool = api.pool = pool_start(1, 60, WORK_MAX);
    for (size_t f = 0; _i == FAIL_NOT_FINITE && f < FEATURES; f++)
        c->x[FEATURES + f] = 3.4e38f;
    body = body_of(c);
    request = request_for("/v1/models/plain:predict", body);
    counts_read(before);
    ck_assert_int_eq(serve_rows(find("plain"), answered->x, 4, answered->alone), 0);
    counts_read(alone);
    hold(blocker);
    call = begin(&request, &reply, true);
    api_submit(call, &waiter);
    submit(answered);
    release(blocker);
    sem_wait(&c->woken);
    expect_end(answered, TASK_DONE);
    fail_after_compute(call, &reply, (enum failure)_i);
    counts_read(after);
    for (size_t i = 0; i < COUNTS - 1; i++)
        ck_assert_double_eq(after[i] - alone[i], alone[i] - before[i]);
    /* the pass that they shared is either's to count */
    ck_assert_double_le(after[COUNTS - 1] - alone[COUNTS - 1], 1);
    api_reply_fini(&reply);
    expect_end(blocker, TASK_DONE);
    free(body);
    destroy(blocker);
    destroy(answered);
    destroy(c);
}
END_TEST

START_TEST(reload_leaves_waiting_requests_the_version_that_they_asked_for)
{
    struct client *blocker = client_create(find("other"), 1, 0),
                  *c = client_create(find("plain"), 3, 5);
    char *body = body_of(c);
    struct api_request request = request_for("/v1/models/plain:predict", body);
    const struct api_waiter waiter = {.wake = woken, .context = c};
    struct api_call *call;
    struct api_reply reply;

    hold(blocker);
    call = begin(&request, &reply, true);
    api_submit(call, &waiter);
    folder_remove(&root, "plain");
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    release(blocker);
    sem_wait(&c->woken);
    ck_assert(api_resume(call));
    api_end(call);
    ck_assert_uint_eq(reply.http_status, 200);
    api_reply_fini(&reply);
    api_handle(&api, &request, &reply);
    ck_assert_uint_eq(reply.http_status, 404);
    api_reply_fini(&reply);
    expect_end(blocker, TASK_DONE);
    free(body);
    destroy(blocker);
    destroy(c);
}
END_TEST

static void post(void *semaphore)
{
    sem_post(semaphore);
}

static bool wait_and_resume(struct api_call *call)
{
    sem_t done;

    sem_init(&done, 0, 0);
    api_submit(call, &(struct api_waiter){.wake = post, .context = &done});
    sem_wait(&done);
    sem_destroy(&done);
    return api_resume(call);
}

START_TEST(request_keeps_the_model_that_it_found_at_its_headers)
{
    struct client *c = client_create(find("plain"), 3, 5);
    char *body = body_of(c);
    struct api_request request = request_for("/v1/models/plain:predict", body);
    struct api_reply reply;
    struct api_call *call = api_admit(&api, &request, request.body_bytes, &reply);
    size_t half = request.body_bytes / 2;

    ck_assert_ptr_nonnull(call);
    feed(call, body, half, SIZE_MAX);
    folder_remove(&root, "plain");
    ck_assert_int_eq(repository_reload(repository, NULL), 0);
    feed(call, body + half, request.body_bytes - half, SIZE_MAX);
    ck_assert(api_run(call, clock_ns()));
    ck_assert(wait_and_resume(call));
    ck_assert_uint_eq(reply.http_status, 200);
    api_end(call);
    api_reply_fini(&reply);
    free(body);
    destroy(c);
}
END_TEST

/* Blocks that a request holds while it waits. */
static long blocks_of(const char *body)
{
    struct api_request request = request_for("/v1/models/plain:predict", body);
    struct api_call *call;
    struct api_reply reply;
    long before, held;

    call = begin(&request, &reply, true); /* after which this thread has a spare tally */
    api_end(call);
    api_reply_fini(&reply);
    before = starve_live;
    call = begin(&request, &reply, true);
    held = starve_live - before;
    api_end(call);
    api_reply_fini(&reply);
    ck_assert_int_eq(starve_live, before);
    return held;
}

START_TEST(request_that_waits_holds_its_tensors_and_nothing_else_of_its_body)
{
    struct client *c = client_create(find("plain"), 3, 5);
    char *body = body_of(c), *named;
    struct buf b;
    size_t size;

    buf_init(&b, 0);
    buf_printf(&b, "{\"parameters\": {\"note\": \"%0*d\"}, %s", 100000, 0, body + 1);
    named = buf_steal(&b, &size);
    blocks_of(body); /* what a thread allocates once */
    ck_assert_int_eq(blocks_of(named), blocks_of(body));
    ck_assert(!STARVE_WORKS || blocks_of(body) > 0);
    free(named);
    free(body);
    destroy(c);
}
END_TEST

/* Blocks are counted by thread: what this one allocates it must free, so it writes the reply. */
START_TEST(request_without_memory_is_503_and_leaves_nothing)
{
    struct client *c = client_create(find("plain"), 3, 5);
    char *rows = body_of(c), body[4000];
    snprintf(body, sizeof body, "{\"capture\": [\"h\"], %s", rows + 1);
    struct api_request request = request_for("/v1/models/plain:predict", body);
    struct api_reply reply;
    bool starving = STARVE_WORKS;
    long live;

    find("plain")->cost.fixed_s = 1;
    pool_stop(pool);
    pool = api.pool = pool_start(1, 60, WORK_MAX);
    api_handle(&api, &request, &reply);
    ck_assert_uint_eq(reply.http_status, 200);
    api_reply_fini(&reply);
    for (long n = 1; starving; n++) {
        live = starve_live;
        starve_countdown = n;
        api_handle(&api, &request, &reply);
        starving = starve_countdown == 0;
        starve_countdown = 0;
        ck_assert_uint_eq(reply.http_status, starving ? 503 : 200);
        api_reply_fini(&reply);
        ck_assert_int_eq(starve_live, live);
    }
    ck_assert_double_eq(metric("axond_queue_rows{model=\"plain\"}"), 0);
    free(rows);
    destroy(c);
}
END_TEST

/* ---- the suite ------------------------------------------------------------------------------ */

int main(void)
{
    TCase *tc = tcase_create("cases");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, rows_come_back_to_their_clients_as_if_they_had_been_alone);
    tcase_add_test(tc, idle_workers_share_a_long_request);
    tcase_add_test(tc, reply_of_a_worker_is_that_of_the_thread_that_read);
    tcase_add_test(tc, captured_values_are_those_of_their_rows);
    tcase_add_test(tc, full_queue_is_429_with_retry_after);
    tcase_add_test(tc, deadline_in_the_queue_is_504);
    tcase_add_test(tc, client_that_has_gone_is_counted_and_gets_nothing);
    tcase_add_loop_test(tc, request_that_fails_after_it_was_computed_counts_nothing, 0, FAILURES);
    tcase_add_test(tc, reload_leaves_waiting_requests_the_version_that_they_asked_for);
    tcase_add_test(tc, request_keeps_the_model_that_it_found_at_its_headers);
    tcase_add_test(tc, request_that_waits_holds_its_tensors_and_nothing_else_of_its_body);
    tcase_add_test(tc, request_without_memory_is_503_and_leaves_nothing);
    return run_suite("batched", tc);
}
