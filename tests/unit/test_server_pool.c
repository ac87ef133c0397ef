/* test_server_pool.c - queues and workers: what is computed together, in which order, and what
 * ends a wait. */
#include <math.h>
#include <pthread.h>
#include "clients.h"

/* ---- batches -------------------------------------------------------------------------------- */

/* Ten jobs wait for one that holds the worker: the batches that they take. */
static double batches_for_ten(const char *name)
{
    struct model *m = find(name);
    struct client *first = client_create(m, 1, 0), *c[10];
    char batches[128], waiting[128];
    double before;

    snprintf(batches, sizeof batches, "axond_inference_batches_total{model=\"%s\",version=\"1\"}",
             name);
    snprintf(waiting, sizeof waiting, "axond_queue_rows{model=\"%s\"}", name);
    for (unsigned i = 0; i < 10; i++)
        c[i] = client_create(m, 1 + i, 1 + i);
    before = metric(batches);
    hold(first);
    for (unsigned i = 0; i < 10; i++)
        submit(c[i]);
    ck_assert_double_eq(metric(waiting), 55);
    release(first);
    expect_end(first, TASK_DONE);
    for (unsigned i = 0; i < 10; i++) {
        expect_end(c[i], TASK_DONE);
        destroy(c[i]);
    }
    destroy(first);
    ck_assert_double_eq(metric(waiting), 0);
    return metric(batches) - before - 1;
}

START_TEST(what_waits_is_computed_together)
{
    ck_assert_double_eq(batches_for_ten("plain"), 1);
}
END_TEST

START_TEST(rows_max_1_keeps_requests_apart)
{
    ck_assert_double_eq(batches_for_ten("apart"), 10);
}
END_TEST

START_TEST(long_request_is_computed_in_pieces_and_nobody_waits_for_its_end)
{
    struct model *m = find("plain"), *n = find("other");
    struct client *first = client_create(m, 1, 0), *big = client_create(m, 4096, 1),
                  *small = client_create(m, 1, 2), *other = client_create(n, 2, 3);
    double before = metric("axond_inference_batches_total{model=\"plain\",version=\"1\"}");

    hold(first);
    submit(big);
    submit(small);
    submit(other);
    release(first);
    expect_end(first, TASK_DONE);
    expect_end(small, TASK_DONE);
    expect_end(other, TASK_DONE);
    expect_end(big, TASK_DONE);
    ck_assert_uint_lt(small->job.task.ended_ns, big->job.task.ended_ns);
    ck_assert_uint_lt(other->job.task.ended_ns, big->job.task.ended_ns);
    double pieces = ceil(4096.0 / (double)m->cost.piece_rows);
    double batches = metric("axond_inference_batches_total{model=\"plain\",version=\"1\"}") -
                     before;
    ck_assert(batches >= 1 + pieces && batches <= 2 + pieces);
    destroy(first);
    destroy(big);
    destroy(small);
    destroy(other);
}
END_TEST

/* The bounds are on one side only, or ten seconds: a machine that stalls fails neither test. */

START_TEST(queue_delay_is_waited_though_the_worker_is_idle)
{
    struct client *c = client_create(find("patient"), 1, 1);

    submit(c);
    expect_end(c, TASK_DONE);
    ck_assert_uint_ge(c->job.task.taken_ns - c->job.task.submitted_ns, 200000000);
    destroy(c);
}
END_TEST

START_TEST(company_of_rows_max_ends_the_queue_delay)
{
    static const char batches[] = "axond_inference_batches_total{model=\"calm\",version=\"1\"}";
    struct model *m = find("calm");
    struct client *a = client_create(m, 1, 1), *b = client_create(m, 7, 2),
                  *c = client_create(m, 8, 3);
    double before = metric(batches);

    submit(a);
    submit(b);
    expect_end(a, TASK_DONE);
    expect_end(b, TASK_DONE);
    ck_assert_double_eq(metric(batches), before + 1);
    ck_assert_uint_lt(a->job.task.taken_ns - a->job.task.submitted_ns, 10000000000);
    submit(c);
    expect_end(c, TASK_DONE);
    ck_assert_uint_lt(c->job.task.taken_ns - c->job.task.submitted_ns, 10000000000);
    destroy(a);
    destroy(b);
    destroy(c);
}
END_TEST

/* ---- what ends a wait ----------------------------------------------------------------------- */

START_TEST(full_queue_takes_no_more_but_an_empty_one_takes_anything)
{
    struct model *m = find("narrow");

    ck_assert_int_eq(batch_reserve(pool, m, 100), TASK_QUEUED);
    ck_assert_int_eq(batch_reserve(pool, m, 1), TASK_FULL);
    batch_give_back(pool, m, 100);
    ck_assert_int_eq(batch_reserve(pool, m, 3), TASK_QUEUED);
    ck_assert_int_eq(batch_reserve(pool, m, 2), TASK_FULL);
    ck_assert_int_eq(batch_reserve(pool, m, 1), TASK_QUEUED);
    batch_give_back(pool, m, 4);
    ck_assert_double_eq(metric("axond_queue_rows{model=\"narrow\"}"), 0);
    ck_assert_double_eq(metric("axond_queue_rows_max{model=\"narrow\"}"), 4);
}
END_TEST

START_TEST(small_work_is_done_where_it_was_read)
{
    struct model *m = find("plain"), *patient = find("patient");

    ck_assert_int_eq(batch_reserve(NULL, m, 1000), TASK_HERE);
    pool_stop(pool);
    pool = pool_start(1, 60, WORK_MAX);
    ck_assert_ptr_nonnull(pool);
    m->cost = (struct cost){.fixed_s = 1e-6, .row_s = 1e-6, .piece_rows = 256};
    ck_assert_int_eq(batch_reserve(pool, m, 1), TASK_HERE);
    ck_assert_int_eq(batch_reserve(pool, m, 1000), TASK_QUEUED);
    batch_give_back(pool, m, 1000);
    patient->cost = m->cost;
    ck_assert_int_eq(batch_reserve(pool, patient, 1), TASK_QUEUED); /* queue_delay_us */
    batch_give_back(pool, patient, 1);
}
END_TEST

START_TEST(inline_us_max_0_queues_everything)
{
    struct model *m = find("plain");

    m->cost = (struct cost){.fixed_s = 1e-9, .row_s = 1e-9, .piece_rows = 256};
    ck_assert_int_eq(batch_reserve(pool, m, 1), TASK_QUEUED);
    batch_give_back(pool, m, 1);
}
END_TEST

START_TEST(deadline_ends_a_wait_though_no_worker_gets_there)
{
    struct model *m = find("plain");
    struct client *first = client_create(m, 1, 0), *late = client_create(m, 5, 1),
                  *later = client_create(m, 5, 2);

    hold(first);
    late->job.task.deadline_ns = 1000;
    later->job.task.deadline_ns = UINT64_MAX - 1;
    submit(late);
    submit(later);
    ck_assert_uint_eq(pool_look(pool, 999), 1000);
    ck_assert_int_eq(sem_trywait(&late->woken), -1);
    ck_assert_uint_eq(pool_look(pool, 1000), UINT64_MAX - 1);
    expect_end(late, TASK_DEADLINE);
    ck_assert_double_eq(metric("axond_queue_rows{model=\"plain\"}"), 5);
    release(first);
    expect_end(later, TASK_DONE);
    expect_end(first, TASK_DONE);
    ck_assert_uint_eq(pool_look(pool, clock_ns()), UINT64_MAX);
    destroy(first);
    destroy(late);
    destroy(later);
}
END_TEST

START_TEST(deadline_that_passed_in_the_queue_is_not_computed)
{
    struct model *m = find("plain");
    struct client *late = client_create(m, 5, 1);
    double before = metric("axond_inference_rows_total{model=\"plain\",version=\"1\"}");

    late->job.task.deadline_ns = clock_ns();
    submit(late);
    expect_end(late, TASK_DEADLINE);
    ck_assert_double_eq(metric("axond_inference_rows_total{model=\"plain\",version=\"1\"}"),
                        before);
    destroy(late);
}
END_TEST

START_TEST(deadline_amid_a_long_request_drops_the_rest_of_it)
{
    struct model *m = find("plain");
    struct client *big = client_create(m, 4096, 0);
    double before = metric("axond_inference_rows_total{model=\"plain\",version=\"1\"}");

    big->job.task.deadline_ns = UINT64_MAX - 1;
    hold(big); /* with its first piece */
    pool_look(pool, UINT64_MAX - 1);
    ck_assert_int_eq(sem_trywait(&big->woken), -1); /* the worker still has it */
    ck_assert_double_eq(metric("axond_queue_rows{model=\"plain\"}"), 0);
    release(big);
    expect_end(big, TASK_DEADLINE);
    ck_assert(metric("axond_inference_rows_total{model=\"plain\",version=\"1\"}") - before <= 256);
    destroy(big);
}
END_TEST

START_TEST(work_of_a_client_that_has_gone_is_not_done)
{
    struct model *m = find("plain");
    struct client *first = client_create(m, 1, 0), *gone = client_create(m, 5, 1),
                  *here = client_create(m, 2, 2);
    double before = metric("axond_inference_rows_total{model=\"plain\",version=\"1\"}");

    gone->leave = true;
    hold(first);
    submit(gone);
    submit(here);
    release(first);
    expect_end(gone, TASK_GONE);
    expect_end(here, TASK_DONE);
    expect_end(first, TASK_DONE);
    ck_assert_double_eq(metric("axond_inference_rows_total{model=\"plain\",version=\"1\"}"),
                        before + 3);
    destroy(first);
    destroy(gone);
    destroy(here);
}
END_TEST

static void *close_all(void *context)
{
    (void)context;
    pool_close(pool);
    return NULL;
}

START_TEST(closing_wakes_everybody_and_waits_for_the_piece_under_way)
{
    struct model *m = find("plain");
    struct client *first = client_create(m, 1, 0), *c[5], *after = client_create(m, 1, 9);
    pthread_t closing;

    hold(first);
    for (unsigned i = 0; i < 5; i++) {
        c[i] = client_create(m, 300, i);
        submit(c[i]);
    }
    ck_assert_int_eq(pthread_create(&closing, NULL, close_all, NULL), 0);
    for (unsigned i = 0; i < 5; i++) {
        expect_end(c[i], TASK_CUT);
        destroy(c[i]);
    }
    ck_assert_int_eq(sem_trywait(&first->woken), -1);
    release(first);
    pthread_join(closing, NULL);
    ck_assert_int_eq(sem_trywait(&first->woken), 0);
    ck_assert_int_eq(first->job.task.end, TASK_DONE);
    submit(after);
    expect_end(after, TASK_CUT);
    ck_assert_double_eq(metric("axond_queue_rows{model=\"plain\"}"), 0);
    destroy(first);
    destroy(after);
}
END_TEST

/* ---- what is counted ------------------------------------------------------------------------ */

enum { COUNTS = 5 };
static const char *const counted[COUNTS] = {
    "axond_neuron_rows_total{model=\"plain\",version=\"1\"}",
    "axond_relu_outputs_total{model=\"plain\",version=\"1\",layer=\"h\"}",
    "axond_relu_zero_outputs_total{model=\"plain\",version=\"1\",layer=\"h\"}",
    "axond_inference_rows_total{model=\"plain\",version=\"1\"}",
    "axond_neuron_rows_skipped_total{model=\"plain\",version=\"1\"}",
};

struct counts {
    double value[COUNTS];
};

static struct counts counts_now(void)
{
    struct counts counts;

    for (size_t i = 0; i < COUNTS; i++)
        counts.value[i] = metric(counted[i]);
    return counts;
}

static struct counts counts_since(const struct counts *before)
{
    struct counts counts = counts_now();

    for (size_t i = 0; i < COUNTS; i++)
        counts.value[i] -= before->value[i];
    return counts;
}

/* The counts of these requests when each is served by itself. */
static struct counts counts_alone(struct client *const *clients, size_t count)
{
    struct counts before = counts_now();

    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(serve_rows(clients[i]->job.model, clients[i]->x, clients[i]->job.rows,
                                    clients[i]->alone),
                         0);
    return counts_since(&before);
}

static void expect_counts(const struct counts *got, const struct counts *want)
{
    for (size_t i = 0; i < COUNTS; i++)
        ck_assert_msg(!(got->value[i] < want->value[i]) && !(got->value[i] > want->value[i]),
                      "%s: %g, want %g", counted[i], got->value[i], want->value[i]);
}

static void run_together(struct client *const *clients, size_t count)
{
    struct client *first = client_create(find("other"), 1, 0);

    hold(first);
    for (size_t i = 0; i < count; i++)
        submit(clients[i]);
    release(first);
    expect_end(first, TASK_DONE);
    for (size_t i = 0; i < count; i++)
        expect_end(clients[i], TASK_DONE);
    destroy(first);
}

/* b's second row is not finite: `refused` if its client does not take that. */
static void check_company(bool refused)
{
    struct model *m = find("plain");
    struct client *a = client_create(m, 3, 1), *bad = client_create(m, 2, 2),
                  *c = client_create(m, 4, 3);
    struct client *const all[] = {a, bad, c}, *const served[] = {a, c};
    struct counts before, got, want;

    bad->x[FEATURES] = NAN;
    bad->refused = refused;
    want = counts_alone(refused ? served : all, refused ? 2 : 3);
    ck_assert_int_eq(model_run(m, &(struct model_rows){.x = bad->x, .y = bad->alone, .rows = 2}, 1),
                     0);
    ck_assert_double_eq(want.value[0], refused ? 7 : 8);
    ck_assert_double_eq(want.value[COUNTS - 1], refused ? 0 : 1);
    before = counts_now();
    run_together(all, 3);
    got = counts_since(&before);
    expect_counts(&got, &want);
    destroy(a);
    destroy(bad);
    destroy(c);
}

START_TEST(row_that_is_not_finite_costs_itself_only)
{
    check_company(false);
}
END_TEST

START_TEST(request_that_is_refused_counts_nothing_and_its_company_all)
{
    check_company(true);
}
END_TEST

START_TEST(pieces_of_several_workers_count_as_the_whole)
{
    struct model *m = find("plain");
    struct client *big = client_create(m, 3000, 1), *small = client_create(m, 5, 2);
    struct client *const both[] = {big, small};
    struct counts want, got, before;

    big->x[FEATURES * 1000] = big->x[FEATURES * 2999] = NAN;
    want = counts_alone(both, 2);
    ck_assert_double_eq(want.value[0], 3003);
    more_workers();
    before = counts_now();
    submit(big);
    submit(small);
    expect_end(big, TASK_DONE);
    expect_end(small, TASK_DONE);
    got = counts_since(&before);
    expect_counts(&got, &want);
    destroy(big);
    destroy(small);
}
END_TEST

/* ---- the suite ------------------------------------------------------------------------------ */

int main(void)
{
    TCase *tc = tcase_create("cases");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, what_waits_is_computed_together);
    tcase_add_test(tc, rows_max_1_keeps_requests_apart);
    tcase_add_test(tc, long_request_is_computed_in_pieces_and_nobody_waits_for_its_end);
    tcase_add_test(tc, queue_delay_is_waited_though_the_worker_is_idle);
    tcase_add_test(tc, company_of_rows_max_ends_the_queue_delay);
    tcase_add_test(tc, full_queue_takes_no_more_but_an_empty_one_takes_anything);
    tcase_add_test(tc, small_work_is_done_where_it_was_read);
    tcase_add_test(tc, inline_us_max_0_queues_everything);
    tcase_add_test(tc, deadline_ends_a_wait_though_no_worker_gets_there);
    tcase_add_test(tc, deadline_that_passed_in_the_queue_is_not_computed);
    tcase_add_test(tc, deadline_amid_a_long_request_drops_the_rest_of_it);
    tcase_add_test(tc, work_of_a_client_that_has_gone_is_not_done);
    tcase_add_test(tc, closing_wakes_everybody_and_waits_for_the_piece_under_way);
    tcase_add_test(tc, row_that_is_not_finite_costs_itself_only);
    tcase_add_test(tc, request_that_is_refused_counts_nothing_and_its_company_all);
    tcase_add_test(tc, pieces_of_several_workers_count_as_the_whole);
    return run_suite("pool", tc);
}
