/* test_server_record.c - the flight recorder: which rows it keeps, counted exactly; that a row
 * stays with its outputs and time; and copies while rows come. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "base/random.h"
#include "model/record.h"
#include "starve.h"
#include "suite.h"

/* Row `number`: all its values tell which it is. */
static void add_one(struct record *r, unsigned number)
{
    const struct record_shape shape = record_shape(r);
    float x[8], y[8];

    for (size_t i = 0; i < shape.features; i++)
        x[i] = (float)number + (float)i / 16;
    for (size_t i = 0; i < shape.outputs; i++)
        y[i] = -(float)number - (float)i / 16;
    record_add(r, x, y, 1, number);
}

/* The number of row i of a complete copy, of which all values must agree. */
static unsigned number_of(const struct record_copy *c, size_t i, const struct record_shape *shape)
{
    unsigned number = (unsigned)c->unix_seconds[i];

    for (size_t k = 0; k < shape->features; k++)
        ck_assert_same(c->inputs[i * shape->features + k], (float)number + (float)k / 16);
    for (size_t k = 0; k < shape->outputs; k++)
        ck_assert_same(c->outputs[i * shape->outputs + k], -(float)number - (float)k / 16);
    return number;
}

/* A complete copy; free() it. */
static struct record_copy *copy_all(struct record *r)
{
    struct record_copy *c = record_copy_begin(r, malloc(record_copy_bytes(r)));

    while (record_copy_go_on(c, 3))
        ;
    record_copy_end(c);
    return c;
}

/* ---- which rows ------------------------------------------------------------------------------ */

/* Choices one after another, each bounded by what is asked for: all of them are walked through. */
struct walk {
    uint64_t choices[16], bounds[16];
    size_t depth;
};

static uint64_t walk_below(void *context, uint64_t n)
{
    struct walk *w = context;

    w->bounds[w->depth] = n;
    return w->choices[w->depth++];
}

/* The next sequence of choices; false: there is none. */
static bool walk_on(struct walk *w)
{
    while (w->depth > 0) {
        size_t last = --w->depth;

        if (++w->choices[last] < w->bounds[last])
            return true;
        w->choices[last] = 0;
    }
    return false;
}

static unsigned set_of(struct record *r)
{
    const struct record_shape shape = record_shape(r);
    struct record_copy *c = copy_all(r);
    unsigned set = 0;

    ck_assert_uint_eq(c->rows, shape.rows);
    for (size_t i = 0; i < c->rows; i++)
        set |= 1u << number_of(c, i, &shape);
    free(c);
    ck_assert_uint_eq((unsigned)__builtin_popcount(set), shape.rows); /* none is there twice */
    return set;
}

START_TEST(every_set_of_rows_is_as_probable_as_any_other)
{
    static const struct {
        size_t size;
        unsigned rows, sets, each; /* (rows over size) sets share rows! / size! choices */
    } cases[] = {{1, 6, 6, 120}, {2, 5, 10, 6}, {3, 6, 20, 6}, {4, 7, 35, 6}, {5, 5, 1, 1}};
    unsigned times[1 << 7] = {0}, sets = 0;
    struct walk walk = {.depth = 0};

    do {
        const struct record_choice choice = {walk_below, &walk};
        struct record *r = record_create(&(struct record_shape){cases[_i].size, 2, 1}, &choice);

        walk.depth = 0;
        for (unsigned row = 0; row < cases[_i].rows; row++)
            add_one(r, row);
        ck_assert_uint_eq(record_seen(r), cases[_i].rows);
        times[set_of(r)]++;
        record_destroy(r);
    } while (walk_on(&walk));
    for (unsigned set = 0; set < 1u << 7; set++) {
        sets += times[set] > 0;
        if (times[set] > 0)
            ck_assert_uint_eq(times[set], cases[_i].each);
    }
    ck_assert_uint_eq(sets, cases[_i].sets);
}
END_TEST

/* A seed makes the same numbers everywhere: 4.5 standard deviations hold today and tomorrow. */
START_TEST(random_numbers_are_uniform)
{
    enum { DRAWS = 300000, BELOW = 48 };
    struct random r = {.state = 20261130};
    unsigned counts[BELOW] = {0}, high = 0;

    for (unsigned i = 0; i < DRAWS; i++)
        counts[random_below(&r, BELOW)]++;
    for (unsigned i = 0; i < BELOW; i++)
        ck_assert_double_eq_tol(counts[i], (double)DRAWS / BELOW, 4.5 * 79.1);
    /* Three quarters of 2^64: without the second draw a third of the results is twice as probable.
     */
    for (unsigned i = 0; i < DRAWS; i++) {
        uint64_t n = random_below(&r, 3ull << 62);

        ck_assert_uint_lt(n, 3ull << 62);
        high += n % 3 == 0;
    }
    ck_assert_double_eq_tol(high, DRAWS / 3.0, 4.5 * 258.2);
    ck_assert_uint_eq(random_below(&r, 1), 0);
    ck_assert_uint_ne(random_seed().state, random_seed().state);
}
END_TEST

START_TEST(the_first_rows_are_all_kept)
{
    struct record *r = record_create(&(struct record_shape){5, 3, 2}, NULL);
    const struct record_shape shape = record_shape(r);

    for (unsigned rows = 0; rows <= 5; rows++) {
        struct record_copy *c = copy_all(r);

        ck_assert_uint_eq(c->rows, rows);
        ck_assert_uint_eq(record_rows(r), rows);
        for (unsigned i = 0; i < rows; i++)
            ck_assert_uint_eq(number_of(c, i, &shape), i);
        free(c);
        add_one(r, rows);
    }
    ck_assert_uint_eq(record_rows(r), 5);
    ck_assert_uint_eq(record_seen(r), 6);
    record_destroy(r);
}
END_TEST

/* ---- copies --------------------------------------------------------------------------------- */

static uint64_t zero_below(void *place, uint64_t n)
{
    (void)n;
    return *(uint64_t *)place;
}

START_TEST(a_copy_is_the_reservoir_at_one_moment)
{
    enum { ROWS = 7 };
    uint64_t place = 0;
    const struct record_choice choice = {zero_below, &place};
    struct record *r = record_create(&(struct record_shape){ROWS, 3, 2}, &choice);
    const struct record_shape shape = record_shape(r);
    struct record_copy *c, *later;
    unsigned number = 100;

    for (unsigned i = 0; i < ROWS; i++)
        add_one(r, i);
    c = record_copy_begin(r, malloc(record_copy_bytes(r)));
    do { /* each row is replaced, twice, between any two steps */
        for (place = 0; place < ROWS; place++, number++)
            add_one(r, number);
        for (place = 0; place < ROWS; place++, number++)
            add_one(r, number);
    } while (record_copy_go_on(c, (size_t)_i));
    later = copy_all(r);
    record_copy_end(c);
    for (unsigned i = 0; i < ROWS; i++) {
        ck_assert_uint_eq(number_of(c, i, &shape), i);
        ck_assert_uint_eq(number_of(later, i, &shape), number - ROWS + i);
    }
    free(c);
    free(later);
    record_destroy(r);
}
END_TEST

START_TEST(rows_that_come_while_it_fills_are_none_of_the_copy)
{
    struct record *r = record_create(&(struct record_shape){9, 3, 2}, NULL);
    const struct record_shape shape = record_shape(r);
    struct record_copy *c;

    add_one(r, 0);
    add_one(r, 1);
    c = record_copy_begin(r, malloc(record_copy_bytes(r)));
    for (unsigned i = 2; i < 40; i++)
        add_one(r, i);
    while (record_copy_go_on(c, 1))
        ;
    record_copy_end(c);
    ck_assert_uint_eq(c->rows, 2);
    ck_assert_uint_eq(number_of(c, 0, &shape), 0);
    ck_assert_uint_eq(number_of(c, 1, &shape), 1);
    free(c);
    record_destroy(r);
}
END_TEST

/* ---- many at once --------------------------------------------------------------------------- */

enum { THREADS = 8, EACH = 4000 };

struct writer {
    struct record *record;
    unsigned first;
};

static void *add_many(void *context)
{
    const struct writer *w = context;

    for (unsigned i = 0; i < EACH; i++)
        add_one(w->record, w->first + i);
    return NULL;
}

/* Whole rows, none twice. */
static void expect_sample(struct record *r)
{
    const struct record_shape shape = record_shape(r);
    struct record_copy *c = copy_all(r);
    bool *there = calloc(THREADS * EACH, sizeof *there);

    for (size_t i = 0; i < c->rows; i++) {
        unsigned number = number_of(c, i, &shape);

        ck_assert_uint_lt(number, THREADS * EACH);
        ck_assert(!there[number]);
        there[number] = true;
    }
    free(there);
    free(c);
}

START_TEST(rows_stay_whole_while_many_threads_add_them)
{
    struct record *r = record_create(&(struct record_shape){_i ? THREADS * EACH : 100, 8, 3}, NULL);
    struct writer writers[THREADS];
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){r, i * EACH};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, &writers[i]), 0);
    }
    while (record_seen(r) < THREADS * EACH)
        expect_sample(r);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(record_seen(r), THREADS * EACH);
    ck_assert_uint_eq(record_rows(r), _i ? THREADS * EACH : 100);
    expect_sample(r);
    record_destroy(r);
}
END_TEST

START_TEST(rows_of_one_request_come_in_their_order_however_wide)
{
    enum { FEATURES = 70000, ROWS = 5 }; /* a row is more than a piece */
    struct record *r = record_create(&(struct record_shape){ROWS, FEATURES, 1}, NULL);
    float *x = calloc(ROWS, FEATURES * sizeof *x), y[ROWS];
    struct record_copy *c;

    for (size_t i = 0; i < ROWS; i++)
        y[i] = x[i * FEATURES] = x[i * FEATURES + FEATURES - 1] = (float)i + 1;
    record_add(r, x, y, 2, 5);
    record_add(r, x + 2 * FEATURES, y + 2, ROWS - 2, 6.5);
    record_add(r, x, y, 0, 7);
    ck_assert_uint_eq(record_seen(r), ROWS);
    c = copy_all(r);
    ck_assert_mem_eq(c->inputs, x, ROWS * FEATURES * sizeof *x);
    ck_assert_mem_eq(c->outputs, y, sizeof y);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert_double_eq(c->unix_seconds[i], i < 2 ? 5 : 6.5);
    free(c);
    free(x);
    record_destroy(r);
}
END_TEST

START_TEST(memory_is_what_it_says)
{
    const struct record_shape shape = {1000, 64, 10};

    ck_assert_uint_eq(record_bytes(&shape), 1000 * (74 * 4 + 8));
    if (!STARVE_WORKS)
        return;
    starve_countdown = 1;
    ck_assert_ptr_null(record_create(&shape, NULL));
    starve_countdown = 0;
    record_destroy(NULL);
    record_copy_end(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("record");
    TCase *tc = tcase_create("record");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_set_of_rows_is_as_probable_as_any_other, 0, 5);
    tcase_add_test(tc, random_numbers_are_uniform);
    tcase_add_test(tc, the_first_rows_are_all_kept);
    tcase_add_loop_test(tc, a_copy_is_the_reservoir_at_one_moment, 1, 9);
    tcase_add_test(tc, rows_that_come_while_it_fills_are_none_of_the_copy);
    tcase_add_loop_test(tc, rows_stay_whole_while_many_threads_add_them, 0, 2);
    tcase_add_test(tc, rows_of_one_request_come_in_their_order_however_wide);
    tcase_add_test(tc, memory_is_what_it_says);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
