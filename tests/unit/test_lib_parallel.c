/* test_lib_parallel.c - a call on several threads: the same bits as on one, every line once, no
 * thread that was not asked for, no signal taken away from the program, no thread needed. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include "axon/activation.h"
#include "axon/cpu.h"
#include "kernels/kernels.h"
#include "parallel.h"
#include "suite.h"

enum { SLICE = AXON_STREAM_MIN, HUGE = 3 * SLICE + 1037 };

/* ---- threads that cannot be made ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { REFUSAL_WORKS = 0 }; /* a sanitizer has its own pthread_create() */
static int refuse_after;
#else
enum { REFUSAL_WORKS = 1 };

static int refuse_after = -1; /* so many more threads can be made; negative: any number */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument)
{
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    void *symbol = dlsym(RTLD_NEXT, "pthread_create");

    memcpy(&create, &symbol, sizeof create);
    if (refuse_after == 0)
        return EAGAIN;
    if (refuse_after > 0)
        refuse_after--;
    return create(thread, attributes, run, argument);
}
#endif

/* ---- slices ---- */

/* What the slices of one call were. */
struct record {
    pthread_t caller;
    atomic_size_t lines, slices, others, shortest, faults;
};

static void take(const void *work, size_t first, size_t count)
{
    struct record *r = *(struct record *const *)work;
    bool own = pthread_equal(pthread_self(), r->caller) != 0;
    sigset_t blocked;
    size_t shortest;

    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    if (!own && (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGUSR1) ||
                 !sigismember(&blocked, SIGPROF) || sigismember(&blocked, SIGSEGV)))
        r->faults++;
    if (own && sigismember(&blocked, SIGTERM))
        r->faults++;
    r->slices++;
    r->others += !own;
    /* The sum of all lines' numbers plus one: with the sum of the counts it shows gaps. */
    r->lines += (first + 1 + first + count) * count / 2;
    for (shortest = r->shortest; count < shortest;)
        atomic_compare_exchange_weak(&r->shortest, &shortest, count);
}

static void record(struct record *r, size_t lines, size_t elements)
{
    *r = (struct record){.caller = pthread_self(), .shortest = SIZE_MAX};
    axon__parallel(take, &r, lines, elements);
    ck_assert_uint_eq(r->lines, lines * (lines + 1) / 2);
    ck_assert_uint_eq(r->faults, 0);
}

START_TEST(one_thread_is_the_default_and_the_number_has_bounds)
{
    struct record r;

    ck_assert_uint_eq(axon_threads(), 1);
    record(&r, 64 * (size_t)SLICE, 1);
    ck_assert_uint_eq(r.slices, 1);
    ck_assert_uint_eq(r.others, 0);
    axon_threads_set(5);
    ck_assert_uint_eq(axon_threads(), 5);
    axon_threads_set(0);
    ck_assert_uint_eq(axon_threads(), 1);
    axon_threads_set(UINT32_MAX);
    ck_assert_uint_eq(axon_threads(), AXON_THREADS_MAX);
}
END_TEST

static const struct {
    unsigned threads;
    size_t lines, elements, slices;
} shapes[] = {
    {2, 1, 1, 1},
    {2, 2 * SLICE - 1, 1, 1},
    {2, 2 * SLICE, 1, 2},
    {2, 100 * (size_t)SLICE + 7, 1, 2},
    {3, 2 * SLICE, 1, 2},
    {3, HUGE, 1, 3},
    {64, HUGE, 1, 3},
    {64, 63 * (size_t)SLICE, 1, 63},
    {64, 999 * (size_t)SLICE, 1, 64},
    {4, 2, SLICE, 2},
    {4, 2, SLICE - 1, 1},
    {4, 3, 100 * (size_t)SLICE, 3},
    {4, 1, 100 * (size_t)SLICE, 1},
    {4, SLICE, 3, 2},
    {4, SLICE + 3, 3, 3},
    {4, 8195, 1000, 3},
    {4, 4 * SLICE / 256, 256, 4},
};

START_TEST(every_line_is_in_one_slice_and_no_slice_is_short)
{
    struct record r;

    axon_threads_set(shapes[_i].threads);
    record(&r, shapes[_i].lines, shapes[_i].elements);
    ck_assert_uint_eq(r.slices, shapes[_i].slices);
    ck_assert_uint_eq(r.others, shapes[_i].slices - 1);
    ck_assert(r.slices == 1 || r.shortest * shapes[_i].elements >= SLICE);
}
END_TEST

START_TEST(the_caller_does_what_no_thread_can_be_made_for)
{
    struct record r;

    axon_threads_set(4);
    for (int made = 0; made < 4 && REFUSAL_WORKS; made++) {
        refuse_after = made;
        record(&r, 4 * (size_t)SLICE, 1);
        ck_assert_uint_eq(r.slices, 4);
        ck_assert_uint_eq(r.others, (size_t)made);
    }
}
END_TEST

START_TEST(signals_and_cancelling_are_as_before)
{
    struct record r;
    sigset_t set;
    int state;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    axon_threads_set(2);
    record(&r, 2 * SLICE, 1);
    ck_assert_uint_eq(r.others, 1);
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    ck_assert(sigismember(&set, SIGUSR2) && !sigismember(&set, SIGTERM));
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    ck_assert_int_eq(state, PTHREAD_CANCEL_ENABLE);
}
END_TEST

/* ---- activations ---- */

/* x, upstream, and what comes out; HUGE floats each. */
static float *x, *u, *want, *got;

static void setup(void)
{
    x = malloc(HUGE * sizeof *x);
    u = malloc(HUGE * sizeof *u);
    want = malloc(HUGE * sizeof *want);
    got = malloc(HUGE * sizeof *got);
    ck_assert(x && u && want && got);
    for (uint32_t i = 0; i < HUGE; i++) {
        x[i] = (float)(i * 2654435761u % 16777216) / 1048576 - 8;
        u[i] = (float)(i * 2246822519u % 16777216) / 1048576 - 8;
    }
}

static void teardown(void)
{
    free(x);
    free(u);
    free(want);
    free(got);
}

/* Each has three slices, and where it can be a rest. */
static const struct {
    const char *name;
    struct axon_axis axis;
    size_t params_count; /* 0: the defaults */
} calls[] = {
    {"relu", {1, HUGE, 1}, 0},         {"gelu", {1, HUGE, 1}, 0},
    {"mish", {HUGE, 1, 1}, 0},         {"hard_sigmoid", {1, 1, HUGE}, 2},
    {"prelu", {1, 1, HUGE}, 1},        {"prelu", {6145, 8, 128}, 8},
    {"prelu", {24577, 256, 1}, 256},   {"softmax", {6145, 1024, 1}, 1},
    {"sparsemax", {6, 1024, 1024}, 0}, {"swiglu", {6145, 1024, 1}, 0},
    {"glu", {3, 2, SLICE / 2}, 0},
};

static void compute(int i, unsigned threads, const float *from, const float *upstream,
                    bool gradient, float *to)
{
    static float params[256];
    const struct axon_activation *act = axon_activation_find(calls[i].name);
    const float *p = calls[i].params_count ? params : NULL;

    for (size_t k = 0; k < sizeof params / sizeof *params; k++)
        params[k] = 0.125f + (float)k / 256;
    axon_threads_set(threads);
    ck_assert_int_eq(
        gradient ? axon_activation_gradient(act, from, upstream, to, calls[i].axis, p,
                                            calls[i].params_count)
                 : axon_activation_forward(act, from, to, calls[i].axis, p, calls[i].params_count),
        AXON_OK);
}

/* Elsewhere, in place of x and in place of upstream, wherever that may be. */
static void check(int i, unsigned threads, const float *upstream, bool gradient)
{
    const struct axon_activation *act = axon_activation_find(calls[i].name);
    struct axon_axis axis = calls[i].axis;
    size_t n = axis.outer * axis.length * axis.inner;
    size_t bytes = (act->kind == AXON_GATED && !gradient ? n / 2 : n) * sizeof *want;

    memset(got, 0xff, HUGE * sizeof *got);
    compute(i, threads, x, upstream, gradient, got);
    ck_assert_mem_eq(got, want, bytes);
    if (act->kind != AXON_GATED || gradient) {
        memcpy(got, x, n * sizeof *got);
        compute(i, threads, got, upstream, gradient, got);
        ck_assert_mem_eq(got, want, bytes);
    }
    if (act->kind != AXON_GATED && upstream) {
        memcpy(got, upstream, n * sizeof *got);
        compute(i, threads, x, got, gradient, got);
        ck_assert_mem_eq(got, want, bytes);
    }
}

static void check_all(int i, const float *upstream, bool gradient)
{
    compute(i, 1, x, upstream, gradient, want);
    check(i, 2, upstream, gradient);
    check(i, 3, upstream, gradient);
}

START_TEST(results_are_the_same_to_the_last_bit)
{
    check_all(_i, NULL, false);
    check_all(_i, u, true);
    if (axon_activation_find(calls[_i].name)->kind == AXON_ELEMENTWISE)
        check_all(_i, NULL, true);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("parallel");
    TCase *tc = suite_case(s, "slices");

    tcase_add_test(tc, one_thread_is_the_default_and_the_number_has_bounds);
    tcase_add_loop_test(tc, every_line_is_in_one_slice_and_no_slice_is_short, 0,
                        (int)(sizeof shapes / sizeof *shapes));
    tcase_add_test(tc, the_caller_does_what_no_thread_can_be_made_for);
    tcase_add_test(tc, signals_and_cancelling_are_as_before);
    tc = suite_case(s, "activations");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, results_are_the_same_to_the_last_bit, 0,
                        (int)(sizeof calls / sizeof *calls));
    return suite_run(s);
}
