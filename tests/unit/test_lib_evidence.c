/* test_lib_evidence.c - what proves a unit dead: rows enough that are not all equal, and exact
 * zeros to be dead by. */
#include <math.h>
#include "test_lib_planted.h"

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

static const struct {
    const char *activation;
    float params[2];
    size_t params_count;
    int has_zeros;
} layers_by_parameters[] = {
    {"relu", {0}, 0, 1},         {"threshold", {0, 0}, 2, 1},
    {"threshold", {0, 5}, 2, 0}, /* its dead ratio would be 0 for ever */
    {"leaky_relu", {0}, 1, 1},   {"leaky_relu", {0.01f}, 1, 0},
    {"prelu", {0}, 1, 1},        {"prelu", {0.25f}, 1, 0},
    {"elu", {0}, 1, 1},          {"elu", {1}, 1, 0},
    {"hard_tanh", {0, 6}, 2, 1}, {"hard_tanh", {-1, 1}, 2, 0},
    {"hard_swish", {0}, 0, 1},   {"soft_shrink", {0.5f}, 1, 1},
    {"tanh", {0}, 0, 0},
};

START_TEST(parameters_tell_whether_a_unit_may_die)
{
    static const float ones[3] = {1, 1, 1};
    const float *params = layers_by_parameters[_i].params;
    size_t count = layers_by_parameters[_i].params_count;
    struct axon_layer layers[] = {
        {.units = 3,
         .weight = ones,
         .activation = axon_activation_find(layers_by_parameters[_i].activation),
         .params = count ? params : NULL,
         .params_count = count},
        {.units = 1, .weight = ones, .activation = axon_activation_find("relu")}};
    struct axon_mlp_spec spec = {.features = 1, .layers = layers, .layers_count = 2};
    struct axon_neurons *neurons;
    struct axon_mlp *of;

    ck_assert_int_eq(axon_mlp_create(&spec, &of), AXON_OK);
    neurons = create_for(of, 1);
    add(neurons, of, (float[]){1, -1, 2}, 3, 0, 0);
    ck_assert_int_eq(axon_mlp_layer_watched(of, 0), 1);
    ck_assert_int_eq(axon_neurons_layer(neurons, 0, AXON_WINDOW_LOAD, 0).has_zeros,
                     layers_by_parameters[_i].has_zeros);
    ck_assert_int_eq(axon_mlp_layer_watched(of, 1), 0); /* the output */
    axon_neurons_destroy(neurons);
    axon_mlp_destroy(of);
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

START_TEST(suspects_are_silent_units_until_there_is_a_verdict)
{
    struct axon_neurons *neurons = create_for(mlp, 3);
    struct axon_neurons_layer layer;

    serve(neurons, 1, 1, 1, 0, 5);
    serve(neurons, 1, 2, 1, 0, 5);
    layer = axon_neurons_layer(neurons, 0, AXON_WINDOW_LOAD, 5);
    ck_assert_uint_eq(layer.suspect, 2);
    ck_assert_uint_eq(layer.silent, 2);
    ck_assert(layer.watched);
    serve(neurons, 1, 3, 1, 0, 5);
    layer = axon_neurons_layer(neurons, 0, AXON_WINDOW_LOAD, 5);
    ck_assert_uint_eq(layer.suspect, 0);
    ck_assert_uint_eq(layer.dead, 2);
    ck_assert_uint_eq(axon_neurons_layers_count(neurons), 2);
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(no_firing_in_n_rows_bounds_the_rate)
{
    ck_assert_double_eq(axon_neurons_rate_upper95(0), 1);
    ck_assert_double_eq_tol(axon_neurons_rate_upper95(1), 0.95, 1e-15);
    ck_assert_double_eq_tol(axon_neurons_rate_upper95(2), 1 - sqrt(0.05), 1e-15);
    ck_assert_double_lt(axon_neurons_rate_upper95(300), 0.01); /* as neuron_rows_min promises */
    for (uint64_t rows = 1; rows < UINT64_MAX / 8; rows *= 7) {
        double rate = axon_neurons_rate_upper95(rows);

        ck_assert_double_eq_tol(log1p(-rate) * (double)rows, log(0.05), 1e-9);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("evidence");
    TCase *tcase = suite_case(suite, "evidence");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, few_rows_prove_nothing);
    tcase_add_test(tcase, equal_rows_prove_nothing);
    tcase_add_test(tcase, rows_that_differ_within_one_request_are_not_equal);
    tcase_add_test(tcase, other_rows_long_ago_do_not_count_for_the_sliding_window);
    tcase_add_test(tcase, a_part_is_over_once_it_is_long_and_full_enough);
    tcase_add_test(tcase, a_slow_model_has_a_verdict_that_stays_and_can_change);
    tcase_add_test(tcase, a_unit_without_exact_zeros_is_silent_not_dead);
    tcase_add_test(tcase, suspects_are_silent_units_until_there_is_a_verdict);
    tcase_add_test(tcase, no_firing_in_n_rows_bounds_the_rate);
    tcase_add_loop_test(tcase, parameters_tell_whether_a_unit_may_die, 0,
                        sizeof layers_by_parameters / sizeof *layers_by_parameters);
    return suite_run(suite);
}
