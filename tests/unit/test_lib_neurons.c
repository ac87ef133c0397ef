/* test_lib_neurons.c - planted dead units, since load and in a window that slides, pauses and is
 * merged from several workers. */
#include "test_lib_planted.h"

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
    struct axon_watch *watch = axon_watch_init(aligned_alloc(64, axon_watch_bytes(mlp)), mlp);
    struct axon_watch *copy = aligned_alloc(64, axon_watch_bytes(mlp));
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
    ck_assert_uint_eq(axon_neurons_layer(neurons, 1, AXON_WINDOW_LOAD, 5).silent, 2);
    ck_assert_uint_eq(axon_neurons_layer(neurons, 1, AXON_WINDOW_LOAD, 5).dead, 0);
    ck_assert_uint_eq(axon_neurons_layer(neurons, 2, AXON_WINDOW_LOAD, 5).dead, 16);
    ck_assert_uint_eq(axon_neurons_fired(neurons, 2, 0, AXON_WINDOW_LOAD, 5), 1);
    axon_neurons_destroy(neurons);
    axon_neurons_destroy(NULL);
    axon_mlp_destroy(deep);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("neurons");
    TCase *tcase = suite_case(suite, "neurons");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, planted_dead_units_are_found);
    tcase_add_test(tcase, without_rows_there_is_no_verdict);
    tcase_add_test(tcase, an_unwatched_layer_says_nothing);
    tcase_add_test(tcase, the_window_slides_in_parts);
    tcase_add_test(tcase, the_window_holds_the_last_rows_however_old);
    tcase_add_test(tcase, a_long_life_loses_nothing);
    tcase_add_test(tcase, a_part_of_billions_of_rows_loses_nothing);
    tcase_add_test(tcase, workers_are_merged);
    tcase_add_test(tcase, merging_parts_of_different_ages_keeps_both_windows_right);
    tcase_add_test(tcase, a_worker_whose_clock_is_a_little_ahead_is_in_the_window);
    tcase_add_test(tcase, a_model_of_many_layers_keeps_them_apart);
    return suite_run(suite);
}
