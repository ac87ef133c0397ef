/* test_server_loader.c - the loader's queue: no question is lost, many are one, tasks come in their
 * turn and are over once, and a stop waits for what runs. Semaphores hold the scans. */
#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include "model/loader.h"
#include "suite.h"

static sem_t begun, go_on;
static int scans; /* of the loader's thread; read once it is joined, or between begun and go_on */

static void scan(void *context)
{
    ck_assert_ptr_eq(context, &scans);
    scans++;
    sem_post(&begun);
    sem_wait(&go_on);
}

static struct loader *start(void)
{
    struct loader *loader;

    sem_init(&begun, 0, 0);
    sem_init(&go_on, 0, 0);
    scans = 0;
    loader = loader_start(scan, &scans);
    ck_assert_ptr_nonnull(loader);
    return loader;
}

START_TEST(questions_during_a_scan_are_one_more_scan)
{
    struct loader *loader = start();

    loader_ask(loader);
    sem_wait(&begun);
    for (int i = 0; i < 1000; i++)
        loader_ask(loader);
    sem_post(&go_on);
    sem_wait(&begun);
    ck_assert_int_eq(scans, 2);
    sem_post(&go_on);
    loader_stop(loader);
    ck_assert_int_eq(scans, 2);
}
END_TEST

START_TEST(each_question_that_waits_for_the_last_answer_is_a_scan)
{
    struct loader *loader = start();

    for (int i = 1; i <= 50; i++) {
        loader_ask(loader);
        sem_wait(&begun);
        ck_assert_int_eq(scans, i);
        sem_post(&go_on);
    }
    loader_stop(loader);
    ck_assert_int_eq(scans, 50);
}
END_TEST

static void *stop(void *loader)
{
    loader_stop(loader);
    return NULL;
}

START_TEST(a_stop_waits_for_the_scan_and_forgets_what_is_asked)
{
    struct loader *loader = start();
    pthread_t thread;

    loader_ask(loader);
    sem_wait(&begun);
    loader_ask(loader);
    ck_assert_int_eq(pthread_create(&thread, NULL, stop, loader), 0);
    sem_post(&go_on);
    sem_post(&go_on); /* for a second scan, should one have begun before the stop */
    pthread_join(thread, NULL);
    ck_assert_int_le(scans, 2);
}
END_TEST

/* ---- tasks of clients ----------------------------------------------------------------------- */

static char order[8]; /* of what was run and was over: r, o */
static struct loader_task tasks[3];

static void note(char c)
{
    order[strlen(order)] = c;
}

static void run(void *context)
{
    ck_assert_ptr_eq(context, order);
    note('r');
}

static void over(void *context)
{
    ck_assert_ptr_eq(context, order);
    note('o');
    sem_post(&begun);
}

static void submit(struct loader *loader, size_t task)
{
    tasks[task] = (struct loader_task){.run = run, .over = over, .context = order};
    loader_submit(loader, &tasks[task]);
}

START_TEST(tasks_are_run_in_their_turn_and_then_over)
{
    struct loader *loader = start();

    loader_ask(loader);
    sem_wait(&begun);
    submit(loader, 0);
    loader_ask(loader);
    submit(loader, 1);
    ck_assert_str_eq(order, "");
    sem_post(&go_on);
    sem_wait(&begun); /* the first task */
    sem_wait(&begun); /* the second scan */
    ck_assert_str_eq(order, "ro");
    ck_assert_int_eq(scans, 2);
    sem_post(&go_on);
    sem_wait(&begun);
    ck_assert_str_eq(order, "roro");
    ck_assert(tasks[0].done && tasks[1].done);
    loader_stop(loader);
}
END_TEST

START_TEST(a_close_ends_what_waits_without_running_it)
{
    struct loader *loader = start();

    loader_ask(loader);
    sem_wait(&begun);
    submit(loader, 0);
    submit(loader, 1);
    loader_close(loader); /* does not wait for the scan, of which no client is to be told */
    ck_assert_str_eq(order, "oo");
    submit(loader, 2);
    ck_assert_str_eq(order, "ooo");
    ck_assert(!tasks[0].done && !tasks[1].done && !tasks[2].done);
    sem_post(&go_on);
    loader_stop(loader);
    ck_assert_int_eq(scans, 1);
}
END_TEST

static void run_slowly(void *context)
{
    run(context);
    sem_post(&begun);
    sem_wait(&go_on);
}

static void *close_it(void *loader)
{
    loader_close(loader);
    note('c');
    return NULL;
}

START_TEST(a_close_waits_for_the_task_that_runs)
{
    struct loader *loader = start();
    pthread_t thread;

    tasks[0] = (struct loader_task){.run = run_slowly, .over = over, .context = order};
    loader_submit(loader, &tasks[0]);
    sem_wait(&begun);
    ck_assert_int_eq(pthread_create(&thread, NULL, close_it, loader), 0);
    sem_post(&go_on);
    pthread_join(thread, NULL);
    ck_assert_str_eq(order, "roc");
    ck_assert(tasks[0].done);
    loader_stop(loader);
}
END_TEST

START_TEST(nobody_asks)
{
    struct loader *loader = start();

    loader_stop(loader);
    ck_assert_int_eq(scans, 0);
    loader_stop(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loader");
    TCase *tcase = suite_case(suite, "loader");

    tcase_add_test(tcase, questions_during_a_scan_are_one_more_scan);
    tcase_add_test(tcase, each_question_that_waits_for_the_last_answer_is_a_scan);
    tcase_add_test(tcase, a_stop_waits_for_the_scan_and_forgets_what_is_asked);
    tcase_add_test(tcase, tasks_are_run_in_their_turn_and_then_over);
    tcase_add_test(tcase, a_close_ends_what_waits_without_running_it);
    tcase_add_test(tcase, a_close_waits_for_the_task_that_runs);
    tcase_add_test(tcase, nobody_asks);
    return suite_run(suite);
}
