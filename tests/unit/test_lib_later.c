/* test_lib_later.c - rows that are counted later, together with others, are counted as they would
 * have been at once: in the same part of the window, with the same time, wherever a reader comes
 * between, whatever is not finite among them. */
#include <math.h>
#include <stdlib.h>
#include "random.h"
#include "test_lib_planted.h"

enum { STEPS = 4000, ROWS_MOST = 6, FEATURES = 2 };

static unsigned below(unsigned n)
{
    return (unsigned)(random_bits() % n);
}

/* Small numbers, and now and then one that is not finite, or makes a square that is not. */
static void rows_fill(float *x, size_t rows)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, -0.0f};

    for (size_t i = 0; i < rows * FEATURES; i++)
        x[i] = below(60) ? (float)below(17) - 8 : odd[below(sizeof odd / sizeof *odd)];
}

/* One request. */
struct request {
    float x[ROWS_MOST * FEATURES];
    size_t rows;
    uint64_t part;
    double now_s;
    bool ranged;
};

typedef void adds(struct axon_neurons *, struct axon_watch *, uint64_t part, double now_s);

/* Through the network, as a service does it. */
static void count(struct axon_neurons *neurons, const struct request *r, adds *add_to)
{
    static const float low[FEATURES] = {-2, -3}, high[FEATURES] = {4, 3};
    float y[ROWS_MOST];
    void *scratch = aligned_alloc(64, axon_mlp_scratch_bytes(mlp));
    struct axon_watch *watch = axon_watch_init(aligned_alloc(64, axon_watch_bytes(mlp)), mlp);

    if (r->ranged)
        axon_watch_range(watch, low, high);
    axon_mlp_predict(mlp, r->x, r->rows, y, scratch, watch);
    if (axon_watch_not_finite(watch, NULL) > 0)
        axon_neurons_move_not_finite(neurons, watch, r->part, r->now_s);
    add_to(neurons, watch, r->part, r->now_s);
    free(watch);
    free(scratch);
}

/* ---- the same figures ----------------------------------------------------------------------- */

/* Sums of floats in another order. */
static bool is_near(double a, double b)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-4 * (1 + fabs(a));
}

static void check_units(const struct axon_neurons *a, const struct axon_neurons *b,
                        enum axon_window w, double now_s)
{
    for (size_t u = 0; u < UNITS; u++) {
        struct axon_neurons_unit p = axon_neurons_unit(a, 0, u, w, now_s);
        struct axon_neurons_unit q = axon_neurons_unit(b, 0, u, w, now_s);

        ck_assert_uint_eq(p.rows, q.rows);
        ck_assert_uint_eq(p.fired, q.fired);
        ck_assert_int_eq(p.state, q.state);
        ck_assert_double_eq(p.last_active_s, q.last_active_s);
        ck_assert(is_near(p.mean, q.mean) && is_near(p.std, q.std));
    }
    for (size_t f = 0; f < FEATURES; f++) {
        struct axon_neurons_feature p = axon_neurons_feature(a, f, w, now_s);
        struct axon_neurons_feature q = axon_neurons_feature(b, f, w, now_s);

        ck_assert(p.rows == 0 ||
                  (p.min <= q.min && p.min >= q.min && p.max <= q.max && p.max >= q.max));
        ck_assert(is_near(p.mean, q.mean) && is_near(p.std, q.std));
    }
}

static void check_same(struct axon_neurons *a, struct axon_neurons *b, double now_s)
{
    axon_neurons_settle(b);
    for (enum axon_window w = 0; w < AXON_WINDOW_COUNT; w++) {
        struct axon_neurons_layer p = axon_neurons_layer(a, 0, w, now_s);
        struct axon_neurons_layer q = axon_neurons_layer(b, 0, w, now_s);
        struct axon_neurons_range in = axon_neurons_range(a, w, now_s);
        struct axon_neurons_range other = axon_neurons_range(b, w, now_s);

        ck_assert_uint_eq(p.rows, q.rows);
        ck_assert_uint_eq(p.zero_outputs, q.zero_outputs);
        ck_assert_uint_eq(p.non_finite, q.non_finite);
        ck_assert_uint_eq(in.values, other.values);
        ck_assert_uint_eq(in.out, other.out);
        ck_assert(is_near(p.mean, q.mean) && is_near(p.std, q.std));
        check_units(a, b, w, now_s);
    }
}

START_TEST(later_is_as_good_as_at_once)
{
    struct axon_neurons *now = create_for(mlp, ROWS_MIN), *later = create_for(mlp, ROWS_MIN);
    struct request r = {.now_s = 1};

    random_state = (uint64_t)_i;
    for (int step = 0; step < STEPS; step++) {
        r.rows = 1 + below(ROWS_MOST);
        r.ranged = below(2);
        r.now_s += below(4) ? 0.1 : (double)below(2 * PART_S);
        r.part += below(10) ? 0 : below(3); /* and now and then a worker is late */
        rows_fill(r.x, r.rows);
        r.part -= r.part > 0 && step % 7 == 0;
        count(now, &r, axon_neurons_add);
        count(later, &r, axon_neurons_add_later);
        r.part += step % 7 == 0;
        if (below(30) == 0)
            check_same(now, later, r.now_s);
    }
    check_same(now, later, r.now_s);
    axon_neurons_destroy(now);
    axon_neurons_destroy(later);
}
END_TEST

/* Who merges need not know. */
START_TEST(merging_sees_what_is_to_be_counted)
{
    struct axon_neurons *workers[2] = {create(), create()}, *sum = create(), *all = create();
    struct request r = {.rows = 1, .now_s = 1};

    for (unsigned i = 0; i < 70; i++) {
        r.x[0] = (float)i - 20;
        r.x[1] = 7 - (float)i;
        count(workers[i % 2], &r, axon_neurons_add_later);
        count(all, &r, axon_neurons_add);
    }
    for (size_t i = 0; i < 2; i++)
        axon_neurons_merge(sum, workers[i]);
    check_same(all, sum, 1);
    axon_neurons_destroy(sum);
    axon_neurons_destroy(all);
    for (size_t i = 0; i < 2; i++)
        axon_neurons_destroy(workers[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("later");
    TCase *tcase = suite_case(suite, "later");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, later_is_as_good_as_at_once, 0, 20);
    tcase_add_test(tcase, merging_sees_what_is_to_be_counted);
    return suite_run(suite);
}
