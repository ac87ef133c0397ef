/* test_lib_neurons.c - planted dead units, since load and in a window that slides, pauses and is
 * merged from several workers; what proves a unit dead. The clock is the test's. */
#include <stdint.h>
#include <string.h>
#include "axon/neurons.h"
#include "suite.h"

enum { UNITS = 5, WINDOW_S = 60, PART_S = WINDOW_S / AXON_NEURONS_PARTS, ROWS_MIN = 20 };

static struct axon_mlp *mlp;

/* features 2, one ReLU layer of 5 units, one output. Unit 2 is dead by its bias, unit 4 by its zero
 * weights; unit 0 fires for x0 > 0, unit 1 always, unit 3 for x1 > 0. */
static void setup(void)
{
    static const float weight[UNITS * 2] = {1, 0, 0, 0, 1, 1, 0, 1, 0, 0},
                                      ones[UNITS] = {1, 1, 1, 1, 1};
    static const float bias[UNITS] = {0, 1, -1000, 0, 0};
    struct axon_layer layers[] = {
        {.units = UNITS,
         .weight = weight,
         .bias = bias,
         .activation = axon_activation_find("relu")},
        {.units = 1, .weight = ones, .activation = axon_activation_find("relu")}};
    struct axon_mlp_spec spec = {.features = 2, .layers = layers, .layers_count = 2};

    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
}

static void teardown(void)
{
    axon_mlp_destroy(mlp);
}

static struct axon_neurons *create_for(const struct axon_mlp *of, uint64_t rows_min)
{
    struct axon_neurons *neurons = axon_neurons_create(
        of, &(struct axon_evidence){.window_s = WINDOW_S, .rows_min = rows_min});

    ck_assert_ptr_nonnull(neurons);
    return neurons;
}

static struct axon_neurons *create(void)
{
    return create_for(mlp, 1);
}

/* Rows x [rows, features] through the network, into a part, at time now_s. */
static void add(struct axon_neurons *neurons, const struct axon_mlp *of, const float *x,
                size_t rows, uint64_t part, double now_s)
{
    float y[8 * 4];
    void *scratch = aligned_alloc(64, axon_mlp_scratch_bytes(of));
    void *memory = malloc(axon_watch_bytes(of));
    struct axon_watch *watch = axon_watch_init(memory, of);

    ck_assert_uint_le(rows, 8);
    axon_mlp_predict(of, x, rows, y, scratch, watch);
    axon_neurons_add(neurons, watch, part, now_s);
    free(memory);
    free(scratch);
}

/* `rows` times the same row. */
static void serve(struct axon_neurons *neurons, float x0, float x1, size_t rows, uint64_t part,
                  double now_s)
{
    float x[2 * 8];

    for (size_t r = 0; r < 8; r++) {
        x[2 * r] = x0;
        x[2 * r + 1] = x1;
    }
    add(neurons, mlp, x, rows, part, now_s);
}

static void check_layer(const struct axon_neurons *neurons, enum axon_window window, double now_s,
                        uint64_t rows, uint64_t silent, uint64_t zero_outputs)
{
    struct axon_neurons_layer is = axon_neurons_layer(neurons, 0, window, now_s);

    ck_assert_uint_eq(is.units, UNITS);
    ck_assert_uint_eq(is.rows, rows);
    ck_assert_uint_eq(is.outputs, rows * UNITS);
    ck_assert_uint_eq(is.silent, silent);
    ck_assert_uint_eq(is.zero_outputs, zero_outputs);
}

static void check_verdict(const struct axon_neurons *neurons, enum axon_window window, double now_s,
                          bool verdict, uint64_t dead)
{
    struct axon_neurons_layer is = axon_neurons_layer(neurons, 0, window, now_s);

    ck_assert_int_eq(is.verdict, verdict);
    ck_assert_uint_eq(is.dead, dead);
    ck_assert_int_eq(axon_neurons_state(neurons, 0, 1, window, now_s),
                     is.rows ? AXON_UNIT_ALIVE : AXON_UNIT_SUSPECT);
    ck_assert_int_eq(axon_neurons_state(neurons, 0, 2, window, now_s),
                     verdict ? AXON_UNIT_DEAD : AXON_UNIT_SUSPECT);
}

START_TEST(planted_dead_units_are_found)
{
    struct axon_neurons *neurons = create();

    serve(neurons, 1, 1, 3, 0, 0);  /* 0, 1 and 3 fire */
    serve(neurons, 1, -1, 2, 0, 0); /* 0 and 1 fire */
    for (int w = 0; w < AXON_WINDOW_COUNT; w++) {
        enum axon_window window = (enum axon_window)w;

        check_layer(neurons, window, 0, 5, 2, 3 * 2 + 2 * 3);
        check_verdict(neurons, window, 0, true, 2);
        ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 0, window, 0), 5);
        ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 1, window, 0), 5);
        ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 2, window, 0), 0);
        ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 3, window, 0), 3);
        ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 4, window, 0), 0);
    }
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(without_rows_there_is_no_verdict)
{
    struct axon_neurons *neurons = create();

    for (int w = 0; w < AXON_WINDOW_COUNT; w++) {
        check_layer(neurons, (enum axon_window)w, 1e6, 0, UNITS, 0);
        check_verdict(neurons, (enum axon_window)w, 1e6, false, 0);
    }
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(few_rows_prove_nothing)
{
    struct axon_neurons *neurons = create_for(mlp, ROWS_MIN);

    for (int row = 1; row <= ROWS_MIN; row++) {
        serve(neurons, (float)row, 1, 1, 0, 1);
        check_layer(neurons, AXON_WINDOW_LOAD, 1, (uint64_t)row, 2, 2 * (uint64_t)row);
        for (int w = 0; w < AXON_WINDOW_COUNT; w++)
            check_verdict(neurons, (enum axon_window)w, 1, row == ROWS_MIN,
                          row == ROWS_MIN ? 2 : 0);
    }
    axon_neurons_destroy(neurons);
}
END_TEST

/* A canary sends one row for ever, to several workers and through all parts. */
START_TEST(equal_rows_prove_nothing)
{
    struct axon_neurons *a = create_for(mlp, ROWS_MIN), *b = create_for(mlp, ROWS_MIN), *sum;

    for (uint64_t part = 0; part < 30; part++) {
        serve(a, 1, 0.0f, 4, part, (double)part);
        serve(b, 1, -0.0f, 4, part, (double)part); /* the same number */
    }
    sum = create_for(mlp, ROWS_MIN);
    axon_neurons_merge(sum, a);
    axon_neurons_merge(sum, b);
    for (int w = 0; w < AXON_WINDOW_COUNT; w++) {
        check_verdict(a, (enum axon_window)w, 29, false, 0);
        check_verdict(sum, (enum axon_window)w, 29, false, 0);
    }
    serve(b, 1, -1, 1, 29, 29); /* one other row, of one worker */
    axon_neurons_merge(sum, b);
    for (int w = 0; w < AXON_WINDOW_COUNT; w++)
        check_verdict(sum, (enum axon_window)w, 29, true, 3);
    axon_neurons_destroy(a);
    axon_neurons_destroy(b);
    axon_neurons_destroy(sum);
}
END_TEST

START_TEST(rows_that_differ_within_one_request_are_not_equal)
{
    struct axon_neurons *neurons = create_for(mlp, 8);
    static const float x[8][2] = {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 2}};

    add(neurons, mlp, x[0], 7, 0, 0);
    serve(neurons, 1, 1, 1, 0, 0);
    check_verdict(neurons, AXON_WINDOW_LOAD, 0, false, 0);
    add(neurons, mlp, x[0], 8, 0, 0);
    check_verdict(neurons, AXON_WINDOW_LOAD, 0, true, 2);
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(other_rows_long_ago_do_not_count_for_the_sliding_window)
{
    struct axon_neurons *neurons = create_for(mlp, ROWS_MIN);

    serve(neurons, 2, 2, 8, 0, 0);
    for (uint64_t part = 1; part < 40; part++)
        serve(neurons, 1, 1, 8, part, (double)part * PART_S);
    check_verdict(neurons, AXON_WINDOW_LOAD, 39 * PART_S, true, 2);
    check_verdict(neurons, AXON_WINDOW_SLIDING, 39 * PART_S, false, 0);
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(a_part_is_over_once_it_is_long_and_full_enough)
{
    const struct axon_evidence evidence = {.window_s = 60, .rows_min = 300};
    const struct axon_evidence odd = {.window_s = 60, .rows_min = 301};
    const struct axon_evidence most = {.window_s = 1, .rows_min = UINT64_MAX};

    ck_assert(axon_neurons_part_is_over(&evidence, 6, 30));
    ck_assert(!axon_neurons_part_is_over(&evidence, 5.99, 1000000));
    ck_assert(!axon_neurons_part_is_over(&evidence, 1e9, 29));
    ck_assert(!axon_neurons_part_is_over(&odd, 6, 30));
    ck_assert(axon_neurons_part_is_over(&odd, 6, 31));
    ck_assert(!axon_neurons_part_is_over(&most, 1, UINT64_MAX / 10));
}
END_TEST

START_TEST(an_unwatched_layer_says_nothing)
{
    struct axon_neurons *neurons = create();
    struct axon_neurons_layer is;

    serve(neurons, 1, 1, 1, 0, 0);
    is = axon_neurons_layer(neurons, 1, AXON_WINDOW_LOAD, 0);
    ck_assert_uint_eq(is.units, 1);
    ck_assert(is.rows == 0 && is.outputs == 0 && is.silent == 0 && is.zero_outputs == 0);
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(the_window_slides_in_parts)
{
    struct axon_neurons *neurons = create();
    double end = WINDOW_S + 1;

    serve(neurons, 1, 1, 1, 0, 1); /* part 0: unit 3 fires here only */
    for (uint64_t part = 1; part < AXON_NEURONS_PARTS; part++)
        serve(neurons, 1, -1, 1, part, (double)part * PART_S + 1);
    check_layer(neurons, AXON_WINDOW_SLIDING, end - 0.001, 10, 2, 2 + 9 * 3);
    check_layer(neurons, AXON_WINDOW_SLIDING, end, 9, 3, 9 * 3); /* part 0 has left */
    check_layer(neurons, AXON_WINDOW_LOAD, end, 10, 2, 2 + 9 * 3);
    ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 3, AXON_WINDOW_SLIDING, end), 0);
    ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 3, AXON_WINDOW_LOAD, end), 1);
    serve(neurons, -1, -1, 1, 11, end + PART_S); /* its place in the ring is used again */
    check_layer(neurons, AXON_WINDOW_SLIDING, end + PART_S, 9, 3, 8 * 3 + 4);
    check_layer(neurons, AXON_WINDOW_LOAD, end + PART_S, 11, 2, 2 + 9 * 3 + 4);
    axon_neurons_destroy(neurons);
}
END_TEST

/* Part 0: unit 3 fires. Nothing later is needed for ROWS_MIN rows but the last parts. */
START_TEST(the_window_holds_the_last_rows_however_old)
{
    struct axon_neurons *neurons = create_for(mlp, ROWS_MIN);
    double now = 11 * 3600.0;

    for (uint64_t part = 0; part <= AXON_NEURONS_PARTS; part++)
        serve(neurons, 1, part == 0 ? 1 : -(float)part, 2, part, (double)part * 3600);
    /* one row in half an hour: ten parts of two rows are needed, the eleventh is not */
    check_layer(neurons, AXON_WINDOW_SLIDING, now, 20, 3, 20 * 3);
    check_verdict(neurons, AXON_WINDOW_SLIDING, now, true, 3);
    serve(neurons, 1, -20, 8, 11, now); /* a burst */
    serve(neurons, 1, -21, 8, 11, now);
    serve(neurons, 1, -22, 8, 11, now);
    check_layer(neurons, AXON_WINDOW_SLIDING, now, 24, 3, 24 * 3);
    check_layer(neurons, AXON_WINDOW_SLIDING, now + 1e6, 24, 3, 24 * 3);
    check_verdict(neurons, AXON_WINDOW_SLIDING, now + 1e6, true, 3);
    check_layer(neurons, AXON_WINDOW_LOAD, now, 46, 2, 2 * 2 + 44 * 3);
    axon_neurons_destroy(neurons);
}
END_TEST

/* One row a second, parts opened as the daemon does: once there, the verdict never goes away. */
START_TEST(a_slow_model_has_a_verdict_that_stays_and_can_change)
{
    const struct axon_evidence evidence = {.window_s = WINDOW_S, .rows_min = 300};
    struct axon_neurons *neurons = axon_neurons_create(mlp, &evidence);
    uint64_t part = 0, rows = 0;
    double opened = 0;

    for (int second = 1; second <= 4000; second++) {
        double now = second;
        struct axon_neurons_layer is;

        if (axon_neurons_part_is_over(&evidence, now - opened, rows)) {
            part++;
            rows = 0;
            opened = now;
        }
        serve(neurons, (float)(1 + second % 7), second < 2000 ? 1 : -1, 1, part, now);
        rows++;
        is = axon_neurons_layer(neurons, 0, AXON_WINDOW_SLIDING, now);
        ck_assert_int_eq(is.verdict, second >= 300);
        if (second < 2299 || second > 2330) /* in between the last row that it fired on leaves */
            ck_assert_uint_eq(is.dead, second < 300 ? 0 : second < 2299 ? 2 : 3);
        ck_assert_uint_le(is.rows, 330);
    }
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(a_long_life_loses_nothing)
{
    struct axon_neurons *neurons = create();
    uint64_t rows = 0;

    for (uint64_t i = 0; i < 500; i++, rows += 2)
        serve(neurons, i % 100 == 0 ? 1 : -1, -1, 2, i * 17 / 10, (double)i * 1.7 * PART_S);
    check_layer(neurons, AXON_WINDOW_LOAD, 500 * 1.7 * PART_S, rows, 3,
                rows * UNITS - rows - 5 * 2);
    axon_neurons_destroy(neurons);
}
END_TEST

/* More rows in one part than its counts can hold: what is too much counts since load. */
START_TEST(a_part_of_billions_of_rows_loses_nothing)
{
    struct axon_neurons *neurons = create(), *sum = create();
    struct axon_watch *watch = axon_watch_init(malloc(axon_watch_bytes(mlp)), mlp);
    struct axon_watch *copy = malloc(axon_watch_bytes(mlp));
    void *scratch = aligned_alloc(64, axon_mlp_scratch_bytes(mlp));
    const float x[2] = {1, -1};
    const uint64_t half = (uint64_t)1 << 31;
    float y;

    axon_mlp_predict(mlp, x, 1, &y, scratch, watch);
    for (int i = 0; i < 31; i++) {
        memcpy(copy, watch, axon_watch_bytes(mlp));
        axon_watch_add(watch, copy);
    }
    for (int i = 0; i < 3; i++)
        axon_neurons_add(neurons, watch, 7, 1);
    check_layer(neurons, AXON_WINDOW_LOAD, 1, 3 * half, 3, 3 * 3 * half);
    check_layer(neurons, AXON_WINDOW_SLIDING, 1, half, 3, 3 * half);
    axon_neurons_merge(sum, neurons);
    axon_neurons_merge(sum, neurons);
    check_layer(sum, AXON_WINDOW_LOAD, 1, 6 * half, 3, 3 * 6 * half);
    ck_assert_uint_eq(axon_neurons_fired(sum, 0, 0, AXON_WINDOW_LOAD, 1), 6 * half);
    free(scratch);
    free(copy);
    free(watch);
    axon_neurons_destroy(neurons);
    axon_neurons_destroy(sum);
}
END_TEST

START_TEST(workers_are_merged)
{
    struct axon_neurons *a = create(), *b = create(), *sum = create();
    double now = 100 * PART_S;

    serve(a, 1, -1, 2, 100, now);              /* both in the current part */
    serve(b, -1, 1, 3, 100, now);              /* unit 3 fires in b only */
    serve(a, -1, -1, 1, 97, now - 3 * PART_S); /* an older part: written out of order */
    axon_neurons_merge(sum, a);
    axon_neurons_merge(sum, b);
    check_layer(sum, AXON_WINDOW_SLIDING, now, 6, 2, 2 * 3 + 3 * 3 + 4);
    check_layer(sum, AXON_WINDOW_LOAD, now, 6, 2, 2 * 3 + 3 * 3 + 4);
    check_layer(a, AXON_WINDOW_LOAD, now, 3, 3, 2 * 3 + 4); /* from is left as it was */
    axon_neurons_destroy(a);
    axon_neurons_destroy(b);
    axon_neurons_destroy(sum);
}
END_TEST

/* The same place of the ring, a whole turn apart, and a part that is older than the ring. */
START_TEST(merging_parts_of_different_ages_keeps_both_windows_right)
{
    struct axon_neurons *a = create(), *b = create();
    const uint64_t ring = AXON_NEURONS_PARTS + 1;
    double now = 200 * PART_S;

    serve(a, 1, 1, 1, 200 - ring, now - WINDOW_S);
    serve(a, 1, 1, 1, 3, 3 * PART_S);
    serve(b, 1, -1, 1, 200, now);
    for (int order = 0; order < 2; order++) {
        struct axon_neurons *sum = create();

        axon_neurons_merge(sum, order ? b : a);
        axon_neurons_merge(sum, order ? a : b);
        check_layer(sum, AXON_WINDOW_SLIDING, now, 1, 3, 3);
        check_layer(sum, AXON_WINDOW_LOAD, now, 3, 2, 2 + 2 + 3);
        axon_neurons_destroy(sum);
    }
    axon_neurons_destroy(a);
    axon_neurons_destroy(b);
}
END_TEST

START_TEST(a_worker_whose_clock_is_a_little_ahead_is_in_the_window)
{
    struct axon_neurons *a = create(), *sum = create();
    double now = 50 * PART_S - 0.001;

    serve(a, 1, 1, 1, 50, now + 0.002);
    axon_neurons_merge(sum, a);
    check_layer(sum, AXON_WINDOW_SLIDING, now, 1, 2, 2);
    check_layer(sum, AXON_WINDOW_LOAD, now, 1, 2, 2);
    axon_neurons_destroy(a);
    axon_neurons_destroy(sum);
}
END_TEST

START_TEST(a_model_of_many_layers_keeps_them_apart)
{
    const struct axon_activation *relu = axon_activation_find("relu");
    const struct axon_activation *tanh = axon_activation_find("tanh");
    static const float weight[20 * 20] = {1};
    struct axon_layer layers[] = {{.units = 20, .weight = weight, .activation = relu},
                                  {.units = 3, .weight = weight, .activation = tanh},
                                  {.units = 17, .weight = weight, .activation = relu},
                                  {.units = 2, .weight = weight, .activation = relu}};
    struct axon_mlp_spec spec = {.features = 1, .layers = layers, .layers_count = 4};
    struct axon_mlp *deep;
    struct axon_neurons *neurons;
    const float x[2] = {1, -1};

    ck_assert_int_eq(axon_mlp_create(&spec, &deep), AXON_OK);
    neurons = create_for(deep, 1);
    add(neurons, deep, x, 2, 0, 5);
    ck_assert_uint_eq(axon_neurons_layer(neurons, 0, AXON_WINDOW_LOAD, 5).dead, 19);
    ck_assert_uint_eq(axon_neurons_layer(neurons, 1, AXON_WINDOW_LOAD, 5).silent, 0);
    ck_assert_uint_eq(axon_neurons_layer(neurons, 2, AXON_WINDOW_LOAD, 5).dead, 16);
    ck_assert_uint_eq(axon_neurons_fired(neurons, 2, 0, AXON_WINDOW_LOAD, 5), 1);
    axon_neurons_destroy(neurons);
    axon_neurons_destroy(NULL);
    axon_mlp_destroy(deep);
}
END_TEST

/* prelu with a slope for each channel: where it is 0 the unit is a ReLU, elsewhere it cannot die,
 * though zero weights keep it at 0. */
START_TEST(a_unit_without_exact_zeros_is_silent_not_dead)
{
    static const float slopes[3] = {0, 0.25f, 0}, weight[3] = {0, 0, 1}, ones[3] = {1, 1, 1};
    struct axon_layer layers[] = {
        {.units = 3,
         .weight = weight,
         .activation = axon_activation_find("prelu"),
         .params = slopes,
         .params_count = 3},
        {.units = 1, .weight = ones, .activation = axon_activation_find("identity")}};
    struct axon_mlp_spec spec = {.features = 1, .layers = layers, .layers_count = 2};
    struct axon_mlp *mixed;
    struct axon_neurons *neurons;
    const float x[2] = {1, -1};

    ck_assert_int_eq(axon_mlp_create(&spec, &mixed), AXON_OK);
    neurons = create_for(mixed, 2);
    add(neurons, mixed, x, 2, 0, 5);
    ck_assert_uint_eq(axon_neurons_layer(neurons, 0, AXON_WINDOW_LOAD, 5).silent, 2);
    ck_assert_uint_eq(axon_neurons_layer(neurons, 0, AXON_WINDOW_LOAD, 5).dead, 1);
    ck_assert_int_eq(axon_neurons_state(neurons, 0, 0, AXON_WINDOW_LOAD, 5), AXON_UNIT_DEAD);
    ck_assert_int_eq(axon_neurons_state(neurons, 0, 1, AXON_WINDOW_LOAD, 5), AXON_UNIT_SILENT);
    ck_assert_int_eq(axon_neurons_state(neurons, 0, 2, AXON_WINDOW_LOAD, 5), AXON_UNIT_ALIVE);
    axon_neurons_destroy(neurons);
    axon_mlp_destroy(mixed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("neurons");
    TCase *tcase = suite_case(suite, "neurons");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, planted_dead_units_are_found);
    tcase_add_test(tcase, without_rows_there_is_no_verdict);
    tcase_add_test(tcase, few_rows_prove_nothing);
    tcase_add_test(tcase, equal_rows_prove_nothing);
    tcase_add_test(tcase, rows_that_differ_within_one_request_are_not_equal);
    tcase_add_test(tcase, other_rows_long_ago_do_not_count_for_the_sliding_window);
    tcase_add_test(tcase, a_part_is_over_once_it_is_long_and_full_enough);
    tcase_add_test(tcase, an_unwatched_layer_says_nothing);
    tcase_add_test(tcase, the_window_slides_in_parts);
    tcase_add_test(tcase, the_window_holds_the_last_rows_however_old);
    tcase_add_test(tcase, a_slow_model_has_a_verdict_that_stays_and_can_change);
    tcase_add_test(tcase, a_long_life_loses_nothing);
    tcase_add_test(tcase, a_part_of_billions_of_rows_loses_nothing);
    tcase_add_test(tcase, workers_are_merged);
    tcase_add_test(tcase, merging_parts_of_different_ages_keeps_both_windows_right);
    tcase_add_test(tcase, a_worker_whose_clock_is_a_little_ahead_is_in_the_window);
    tcase_add_test(tcase, a_model_of_many_layers_keeps_them_apart);
    tcase_add_test(tcase, a_unit_without_exact_zeros_is_silent_not_dead);
    return suite_run(suite);
}
