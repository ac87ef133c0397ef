/* test_server_scrape.c - GET /metrics as work of the pool: who does it, in which pieces, and who
 * does not wait for it. Order is made by a refresh that waits, never by time. */
#include "clients.h"
#include "infer/work.h"
#include "metrics/registry.h"

/* ---- models with a refresh of ours ---------------------------------------------------------- */

enum { LARGE = 1 << 16 }; /* numbers: a piece */

static unsigned refreshes;

static void count_refresh(struct metrics_model *metrics, void *context)
{
    (void)metrics;
    (void)context;
    refreshes++;
}

static struct metrics_model *published(const char *name, size_t numbers,
                                       void (*refresh)(struct metrics_model *, void *),
                                       void *context)
{
    struct metrics_model *m = metrics_model_create(
        &(struct metrics_model_spec){.model = name,
                                     .version = "1",
                                     .task = "",
                                     .refresh = refresh,
                                     .context = context,
                                     .refresh_numbers = numbers});

    ck_assert_ptr_nonnull(m);
    metrics_model_publish(m);
    return m;
}

/* ---- who does it ---------------------------------------------------------------------------- */

struct gate {
    sem_t entered, open;
};

static void wait_at_gate(struct metrics_model *metrics, void *context)
{
    struct gate *g = context;

    (void)metrics;
    sem_post(&g->entered);
    sem_wait(&g->open);
}

static void post(void *context)
{
    sem_post(context);
}

static struct api_call *get(const char *target, struct api_reply *reply, bool waits)
{
    const struct api_request request = {
        .method = "GET", .target = target, .body = "", .received_ns = clock_ns()};
    struct api_call *call = api_admit(&api, &request, 0, reply);

    ck_assert_ptr_nonnull(call);
    ck_assert_int_eq(api_run(call, request.received_ns), waits);
    return call;
}

static unsigned at_once(const char *target)
{
    struct api_reply reply;

    api_end(get(target, &reply, false));
    api_reply_fini(&reply);
    return reply.http_status;
}

static void inline_us_max(uint64_t us)
{
    pool_stop(pool);
    pool = api.pool = pool_start(1, us, WORK_MAX);
    ck_assert_ptr_nonnull(pool);
}

/* The thread that reads goes on while the only worker merges the counts of a large model. */
START_TEST(nobody_waits_for_the_refresh_of_a_large_model)
{
    struct api_reply reply;
    struct api_call *call;
    struct gate gate;
    sem_t done;

    inline_us_max(60);
    sem_init(&gate.entered, 0, 0);
    sem_init(&gate.open, 0, 0);
    sem_init(&done, 0, 0);
    struct metrics_model *m = published("large", LARGE, wait_at_gate, &gate);
    call = get("/metrics", &reply, true);
    api_submit(call, &(struct api_waiter){.wake = post, .context = &done});
    sem_wait(&gate.entered);
    ck_assert_uint_eq(at_once("/v2/health/live"), 200);
    ck_assert_uint_eq(at_once("/v1/models"), 200);
    metrics_model_add(m, METRIC_inference_rows_total, 0, 7);
    ck_assert_int_ne(sem_trywait(&done), 0);
    sem_post(&gate.open);
    sem_wait(&done);
    ck_assert(api_resume(call));
    ck_assert_uint_eq(reply.http_status, 200);
    ck_assert_str_eq(reply.headers[REPLY_CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    ck_assert_ptr_nonnull(
        strstr(reply.body.data, "axond_inference_rows_total{model=\"large\",version=\"1\"} 7\n"));
    api_end(call);
    api_reply_fini(&reply);
    metrics_model_destroy(m);
    sem_destroy(&gate.entered);
    sem_destroy(&gate.open);
    sem_destroy(&done);
}
END_TEST

START_TEST(a_small_scrape_is_done_at_once)
{
    inline_us_max(1000000);
    ck_assert_uint_eq(at_once("/metrics"), 200);
}
END_TEST

/* Who is overloaded wants to know it. */
START_TEST(a_scrape_is_taken_however_much_waits)
{
    struct client *held = client_create(find("plain"), 1, 0);
    struct api_reply reply;
    struct api_call *call;
    sem_t done;

    sem_init(&done, 0, 0);
    hold(held);
    ck_assert_int_eq(work_reserve(pool, WORK_MAX), TASK_QUEUED);
    ck_assert_int_eq(work_reserve(pool, 1), TASK_FULL);
    call = get("/metrics", &reply, true);
    api_submit(call, &(struct api_waiter){.wake = post, .context = &done});
    work_give_back(pool, WORK_MAX);
    release(held);
    expect_end(held, TASK_DONE);
    sem_wait(&done);
    ck_assert(api_resume(call));
    ck_assert_uint_eq(reply.http_status, 200);
    api_end(call);
    api_reply_fini(&reply);
    destroy(held);
    sem_destroy(&done);
}
END_TEST

/* ---- pieces --------------------------------------------------------------------------------- */

START_TEST(large_models_are_refreshed_one_by_one)
{
    struct metrics_model *a = published("a", LARGE, count_refresh, NULL),
                         *b = published("b", LARGE, count_refresh, NULL),
                         *c = published("c", LARGE, count_refresh, NULL);
    struct metrics_scrape s;

    refreshes = 0;
    metrics_scrape_begin(&s, NULL);
    ck_assert(metrics_scrape_refresh(&s));
    ck_assert_uint_eq(refreshes, 1);
    metrics_model_destroy(b); /* it goes between two pieces */
    while (metrics_scrape_refresh(&s))
        ;
    ck_assert_uint_eq(refreshes, 2);
    metrics_model_destroy(a);
    metrics_model_destroy(c);
}
END_TEST

START_TEST(scrapes_that_come_together_share_a_refresh)
{
    struct metrics_model *m = published("a", LARGE, count_refresh, NULL);
    struct metrics_scrape first, second, third;

    refreshes = 0;
    metrics_scrape_begin(&first, NULL);
    metrics_scrape_begin(&second, NULL);
    while (metrics_scrape_refresh(&first))
        ;
    metrics_scrape_begin(&third, NULL);
    while (metrics_scrape_refresh(&second))
        ;
    ck_assert_uint_eq(refreshes, 1);
    while (metrics_scrape_refresh(&third)) /* it came after the refresh had begun */
        ;
    ck_assert_uint_eq(refreshes, 2);
    metrics_model_destroy(m);
}
END_TEST

static unsigned times_in(const char *text, const char *part)
{
    unsigned count = 0;

    for (const char *at = text; (at = strstr(at, part)); at++)
        count++;
    return count;
}

START_TEST(families_are_whole_though_models_go_between_the_pieces)
{
    enum { MANY = 200 };
    struct metrics_model *m[MANY];
    struct metrics_scrape s;
    struct buf out;
    unsigned pieces = 0;

    for (unsigned i = 0; i < MANY; i++) {
        char name[16];

        snprintf(name, sizeof name, "many%u", i);
        m[i] = published(name, 0, NULL, NULL);
    }
    buf_init(&out, 0);
    metrics_scrape_begin(&s, NULL);
    while (metrics_scrape_write(&s, &out) && pieces < MANY)
        metrics_model_destroy(m[pieces++]);
    ck_assert_uint_ge(pieces, 2);
    for (enum metric i = 0; i < METRIC_COUNT; i++) {
        char type[128];

        snprintf(type, sizeof type, "# TYPE %s ", metric_rows[i].name);
        ck_assert_uint_le(times_in(out.data, type), 1);
    }
    ck_assert_uint_eq(times_in(out.data, "axond_inference_rows_total{model=\"many"), MANY);
    ck_assert_uint_eq(times_in(out.data, "# TYPE process_start_time_seconds "), 1);
    while (pieces < MANY)
        metrics_model_destroy(m[pieces++]);
    buf_fini(&out);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("scrape");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, nobody_waits_for_the_refresh_of_a_large_model);
    tcase_add_test(tc, a_small_scrape_is_done_at_once);
    tcase_add_test(tc, a_scrape_is_taken_however_much_waits);
    tcase_add_test(tc, large_models_are_refreshed_one_by_one);
    tcase_add_test(tc, scrapes_that_come_together_share_a_refresh);
    tcase_add_test(tc, families_are_whole_though_models_go_between_the_pieces);
    return run_suite("scrape", tc);
}
