/* test_server_slot.c - numbers, scratch memory and spare blocks of threads. */
#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/slot.h"
#include "suite.h"

enum { MORE = SLOTS_MAX + 20 };

static pthread_barrier_t all_have_one;

static void *hold_number(void *context)
{
    unsigned *number = context;

    *number = slot_index();
    pthread_barrier_wait(&all_have_one);
    ck_assert_uint_eq(slot_index(), *number);
    return NULL;
}

/* n threads at once; numbers[n] are theirs. */
static void run(unsigned *numbers, unsigned n)
{
    pthread_t threads[MORE];

    pthread_barrier_init(&all_have_one, NULL, n);
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hold_number, &numbers[i]), 0);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&all_have_one);
}

START_TEST(numbers_are_unique_while_threads_live)
{
    unsigned numbers[64], seen[SLOTS_MAX] = {0};

    run(numbers, 64);
    for (unsigned i = 0; i < 64; i++) {
        ck_assert_uint_lt(numbers[i], SLOTS_MAX);
        ck_assert_uint_eq(seen[numbers[i]]++, 0);
    }
}
END_TEST

START_TEST(numbers_come_back_when_threads_end)
{
    unsigned numbers[16];

    for (int round = 0; round < 64; round++) {
        run(numbers, 16);
        for (unsigned i = 0; i < 16; i++)
            ck_assert_uint_lt(numbers[i], 17); /* this thread may hold one */
    }
}
END_TEST

START_TEST(threads_beyond_the_last_number_share_it)
{
    unsigned numbers[MORE], shared = 0;

    run(numbers, MORE);
    for (unsigned i = 0; i < MORE; i++) {
        ck_assert_uint_lt(numbers[i], SLOTS_MAX);
        shared += numbers[i] == SLOTS_MAX - 1;
    }
    ck_assert_uint_ge(shared, 21);
    ck_assert_uint_le(shared, 22);
}
END_TEST

START_TEST(scratch_is_aligned_and_grows)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, 100, 1 << 20, 1};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *scratch = slot_scratch(sizes[i]);
        ck_assert_ptr_nonnull(scratch);
        ck_assert_uint_eq((uintptr_t)scratch % 64, 0);
        memset(scratch, 0xa5, sizes[i]);
    }
}
END_TEST

START_TEST(scratch_that_is_large_enough_stays)
{
    char *large = slot_scratch(1 << 16);

    ck_assert_ptr_eq(slot_scratch(100), large);
    ck_assert_ptr_eq(slot_scratch(1 << 16), large);
}
END_TEST

START_TEST(absurd_sizes_are_out_of_memory)
{
    ck_assert_ptr_null(slot_scratch(SIZE_MAX));
    ck_assert_ptr_null(slot_scratch(SIZE_MAX - 62));
    ck_assert_ptr_null(slot_scratch(SIZE_MAX / 2 + 1));
    ck_assert_ptr_nonnull(slot_scratch(64));
}
END_TEST

START_TEST(a_block_that_was_given_back_is_taken_again)
{
    void *one = slot_take(5000), *two = slot_take(5000), *other;

    ck_assert_ptr_ne(one, two);
    slot_give(one, 5000);
    other = slot_take(5001);
    ck_assert_ptr_ne(other, one);
    ck_assert_ptr_eq(slot_take(5000), one);
    slot_give(one, 5000);
    slot_give(two, 5000); /* the last one stays */
    ck_assert_ptr_eq(slot_take(5000), two);
    slot_give(two, 5000);
    slot_give(other, 5001);
    slot_give(NULL, 5001);
    ck_assert_ptr_eq(slot_take(5001), other);
    slot_give(other, 5001);
    slot_give(slot_take((size_t)1 << 20), (size_t)1 << 20); /* so large a block does not stay */
    ck_assert_ptr_eq(slot_take(5001), other);
    slot_give(other, 5001);
}
END_TEST

static pthread_key_t late;

static void use_again(void *context)
{
    (void)context;
    ck_assert_uint_lt(slot_index(), SLOTS_MAX);
    ck_assert_ptr_nonnull(slot_scratch(1000));
}

static void *end_late(void *context)
{
    slot_index();
    pthread_setspecific(late, context);
    return slot_scratch(10) ? context : NULL;
}

START_TEST(a_destructor_that_runs_later_may_use_it_again)
{
    unsigned numbers[SLOTS_MAX];

    slot_index(); /* its key is older than ours, so it is destroyed first */
    ck_assert_int_eq(pthread_key_create(&late, use_again), 0);
    for (int i = 0; i < 2 * SLOTS_MAX; i++) {
        pthread_t thread;
        void *result;
        ck_assert_int_eq(pthread_create(&thread, NULL, end_late, numbers), 0);
        pthread_join(thread, &result);
        ck_assert_ptr_nonnull(result);
    }
    run(numbers, 16);
    for (unsigned i = 0; i < 16; i++)
        ck_assert_uint_lt(numbers[i], 17); /* none was lost */
    pthread_key_delete(late);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("slot");
    TCase *tc = tcase_create("slot");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, numbers_are_unique_while_threads_live);
    tcase_add_test(tc, numbers_come_back_when_threads_end);
    tcase_add_test(tc, threads_beyond_the_last_number_share_it);
    tcase_add_test(tc, scratch_is_aligned_and_grows);
    tcase_add_test(tc, scratch_that_is_large_enough_stays);
    tcase_add_test(tc, absurd_sizes_are_out_of_memory);
    tcase_add_test(tc, a_block_that_was_given_back_is_taken_again);
    tcase_add_test(tc, a_destructor_that_runs_later_may_use_it_again);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
