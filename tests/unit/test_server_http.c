/* test_server_http.c - start and end of the network side when threads and memory are refused. Its
 * requests are the matter of tests/http. */
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "api/api.h"
#include "base/clock.h"
#include "http/http.h"
#include "base/log.h"
#include "starve.h"
#include "suite.h"

enum { THREADS = 3, DRAIN_S = 120, SOON_S = 60 };

static int threads_left = -1; /* -1: any number */

/* In place of the C library's, also for libmicrohttpd. */
#pragma GCC visibility push(default)
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *context)
{
    static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    void *symbol;

    if (!create) {
        symbol = dlsym(RTLD_NEXT, "pthread_create");
        memcpy(&create, &symbol, sizeof create);
    }
    if (threads_left == 0)
        return EAGAIN;
    threads_left -= threads_left > 0;
    return create(thread, attributes, run, context);
}
#pragma GCC visibility pop

static struct options options;
static struct api api = {.options = &options};

static struct http *start(struct error *error)
{
    options_defaults(&options);
    memcpy(options.listen, "127.0.0.1:0", sizeof "127.0.0.1:0");
    options.drain_timeout = DRAIN_S;
    return http_start(&api, &options, THREADS, error);
}

static size_t open_descriptors(void)
{
    size_t n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

START_TEST(each_thread_in_turn_cannot_be_started)
{
    struct error error = {0};
    struct http *http = NULL;
    size_t before = open_descriptors();
    int n;

    for (n = 0; !http && n < 10 * THREADS; n++) {
        threads_left = n;
        http = start(&error);
        threads_left = -1;
        ck_assert(http || strstr(error.detail, "cannot start"));
    }
    ck_assert_ptr_nonnull(http);
    ck_assert_int_gt(n, THREADS); /* they, and the keeper, have failed one after the other */
    http_destroy(http);
    /* libmicrohttpd does not tell whether a start that failed has closed the socket that it got. */
    ck_assert_uint_le(open_descriptors(), before + THREADS);
}
END_TEST

START_TEST(each_allocation_of_a_start_fails_in_turn)
{
    struct error error;
    struct http *http = NULL;
    long n;

    for (n = 1; !http && n < 1000; n++) {
        error = (struct error){0};
        starve_countdown = n;
        http = start(&error);
        starve_countdown = 0;
        ck_assert(http || error.id);
        if (http && n < 5 && STARVE_WORKS) { /* an allocation that nobody needs */
            http_destroy(http);
            http = NULL;
        }
    }
    ck_assert_ptr_nonnull(http);
    http_destroy(http);
}
END_TEST

/* A drain waits until no thread can hold a connection any more, also if one has no memory to tell.
 */
START_TEST(a_failed_allocation_does_not_stretch_a_drain)
{
    const volatile int cut_now = 0;
    struct error error;

    for (long n = 1; n <= 8; n++) {
        for (int others = 0; others < 2; others++) {
            struct http *http = start(&error);
            ck_assert_msg(http, "%s", error.detail);
            double began_s = clock_s();
            starve_exempt = true;
            starve_countdown = others ? 0 : n;
            atomic_store(&starve_others, others ? n : 0);
            ck_assert_uint_eq(http_drain(http, &cut_now), 0);
            starve_countdown = 0;
            atomic_store(&starve_others, 0);
            ck_assert_msg(clock_s() - began_s < SOON_S, "allocation %ld of %s: %.1f s", n,
                          others ? "the threads" : "the drain", clock_s() - began_s);
            http_destroy(http);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http");
    TCase *tc = suite_case(s, "start and end");

    log_init(LOG_ERROR, false);
    if (STARVE_WORKS) /* sanitizers have a pthread_create of their own */
        tcase_add_test(tc, each_thread_in_turn_cannot_be_started);
    tcase_add_test(tc, each_allocation_of_a_start_fails_in_turn);
    tcase_add_test(tc, a_failed_allocation_does_not_stretch_a_drain);
    return suite_run(s);
}
