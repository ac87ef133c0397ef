/* test_server_loader.c - the loader's queue: no question is lost, many are one, and a stop waits
 * for the scan that runs. Semaphores hold the scans. */
#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
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
    tcase_add_test(tcase, nobody_asks);
    return suite_run(suite);
}
