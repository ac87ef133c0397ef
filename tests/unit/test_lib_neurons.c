/* test_lib_neurons.c - planted dead units, since load and in a window that slides, pauses, expires
 * and is merged from several workers. The clock is the test's. */
#include <stdint.h>
#include <string.h>
#include "axon/neurons.h"
#include "suite.h"

enum { UNITS = 5, WINDOW_S = 60, TICK_S = WINDOW_S / AXON_NEURONS_PARTS };

static struct axon_mlp *mlp;
static uint32_t *tally;

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
    tally = calloc(axon_mlp_tally_size(mlp), sizeof *tally);
    ck_assert_ptr_nonnull(tally);
}

static void teardown(void)
{
    free(tally);
    axon_mlp_destroy(mlp);
}

static struct axon_neurons *create(void)
{
    struct axon_neurons *neurons = axon_neurons_create(mlp, WINDOW_S);

    ck_assert_ptr_nonnull(neurons);
    return neurons;
}

/* `rows` times the same row through the network, at time now_s. */
static void serve(struct axon_neurons *neurons, float x0, float x1, size_t rows, double now_s)
{
    float x[2 * 8], y[8];
    void *scratch = aligned_alloc(64, axon_mlp_scratch_bytes(mlp));

    ck_assert_uint_le(rows, 8);
    for (size_t r = 0; r < rows; r++) {
        x[2 * r] = x0;
        x[2 * r + 1] = x1;
    }
    axon_mlp_predict(mlp, x, rows, y, scratch, tally);
    axon_neurons_add(neurons, tally, rows, now_s);
    free(scratch);
}

static void check_layer(const struct axon_neurons *neurons, enum axon_window window, double now_s,
                        uint64_t rows, uint64_t dead, uint64_t zero_outputs)
{
    struct axon_neurons_layer is = axon_neurons_layer(neurons, 0, window, now_s);

    ck_assert_uint_eq(is.units, UNITS);
    ck_assert_uint_eq(is.rows, rows);
    ck_assert_uint_eq(is.outputs, rows * UNITS);
    ck_assert_uint_eq(is.dead, dead);
    ck_assert_uint_eq(is.zero_outputs, zero_outputs);
}

START_TEST(planted_dead_units_are_found)
{
    struct axon_neurons *neurons = create();

    serve(neurons, 1, 1, 3, 0);  /* 0, 1 and 3 fire */
    serve(neurons, 1, -1, 2, 0); /* 0 and 1 fire */
    for (int w = 0; w < AXON_WINDOW_COUNT; w++) {
        check_layer(neurons, (enum axon_window)w, 0, 5, 2, 3 * 2 + 2 * 3);
        ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 0, (enum axon_window)w, 0), 5);
        ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 1, (enum axon_window)w, 0), 5);
        ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 2, (enum axon_window)w, 0), 0);
        ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 3, (enum axon_window)w, 0), 3);
        ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 4, (enum axon_window)w, 0), 0);
    }
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(without_rows_nothing_is_dead)
{
    struct axon_neurons *neurons = create();

    for (int w = 0; w < AXON_WINDOW_COUNT; w++)
        check_layer(neurons, (enum axon_window)w, 1e6, 0, 0, 0);
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(an_untallied_layer_says_nothing)
{
    struct axon_neurons *neurons = create();
    struct axon_neurons_layer is;

    serve(neurons, 1, 1, 1, 0);
    is = axon_neurons_layer(neurons, 1, AXON_WINDOW_LOAD, 0);
    ck_assert_uint_eq(is.units, 1);
    ck_assert(is.rows == 0 && is.outputs == 0 && is.dead == 0 && is.zero_outputs == 0);
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(adding_sets_the_tally_back)
{
    struct axon_neurons *neurons = create();

    serve(neurons, 1, 1, 2, 0);
    for (size_t i = 0; i < axon_mlp_tally_size(mlp); i++)
        ck_assert_uint_eq(tally[i], 0);
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(the_window_slides_in_tenths)
{
    struct axon_neurons *neurons = create();

    serve(neurons, 1, 1, 1, 0); /* part 0: unit 3 fires here only */
    for (int tick = 1; tick < AXON_NEURONS_PARTS; tick++)
        serve(neurons, 1, -1, 1, tick * TICK_S + 1);
    check_layer(neurons, AXON_WINDOW_SLIDING, WINDOW_S - 0.001, 10, 2, 2 + 9 * 3);
    check_layer(neurons, AXON_WINDOW_SLIDING, WINDOW_S, 9, 3, 9 * 3); /* part 0 has left */
    check_layer(neurons, AXON_WINDOW_LOAD, WINDOW_S, 10, 2, 2 + 9 * 3);
    ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 3, AXON_WINDOW_SLIDING, WINDOW_S), 0);
    ck_assert_uint_eq(axon_neurons_fired(neurons, 0, 3, AXON_WINDOW_LOAD, WINDOW_S), 1);
    serve(neurons, -1, -1, 1, WINDOW_S); /* its part is used again */
    check_layer(neurons, AXON_WINDOW_SLIDING, WINDOW_S, 10, 3, 9 * 3 + 4);
    check_layer(neurons, AXON_WINDOW_LOAD, WINDOW_S, 11, 2, 2 + 9 * 3 + 4);
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(a_pause_longer_than_the_window_empties_it)
{
    struct axon_neurons *neurons = create();

    for (int tick = 0; tick < AXON_NEURONS_PARTS; tick++)
        serve(neurons, 1, 1, 1, tick * TICK_S);
    check_layer(neurons, AXON_WINDOW_SLIDING, 10 * WINDOW_S, 0, 0, 0);
    check_layer(neurons, AXON_WINDOW_LOAD, 10 * WINDOW_S, 10, 2, 20);
    serve(neurons, 1, -1, 1, 10 * WINDOW_S + 3 * TICK_S);
    check_layer(neurons, AXON_WINDOW_SLIDING, 10 * WINDOW_S + 3 * TICK_S, 1, 3, 3);
    check_layer(neurons, AXON_WINDOW_LOAD, 10 * WINDOW_S + 3 * TICK_S, 11, 2, 23);
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(a_long_life_loses_nothing)
{
    struct axon_neurons *neurons = create();
    uint64_t rows = 0;

    for (int i = 0; i < 500; i++, rows += 2)
        serve(neurons, i % 100 == 0 ? 1 : -1, -1, 2, i * 1.7 * TICK_S);
    check_layer(neurons, AXON_WINDOW_LOAD, 500 * 1.7 * TICK_S, rows, 3,
                rows * UNITS - rows - 5 * 2);
    axon_neurons_destroy(neurons);
}
END_TEST

START_TEST(workers_are_merged)
{
    struct axon_neurons *a = create(), *b = create(), *sum = create();
    double now = 100 * TICK_S;

    serve(a, 1, -1, 2, now);               /* both in the current part */
    serve(b, -1, 1, 3, now);               /* unit 3 fires in b only */
    serve(a, -1, -1, 1, now - 3 * TICK_S); /* an older part: written out of order */
    axon_neurons_merge(sum, a, now);
    axon_neurons_merge(sum, b, now);
    check_layer(sum, AXON_WINDOW_SLIDING, now, 6, 2, 2 * 3 + 3 * 3 + 4);
    check_layer(sum, AXON_WINDOW_LOAD, now, 6, 2, 2 * 3 + 3 * 3 + 4);
    check_layer(a, AXON_WINDOW_LOAD, now, 3, 3, 2 * 3 + 4); /* from is left as it was */
    axon_neurons_destroy(a);
    axon_neurons_destroy(b);
    axon_neurons_destroy(sum);
}
END_TEST

START_TEST(merging_parts_of_different_ages_keeps_both_windows_right)
{
    struct axon_neurons *a = create(), *b = create(), *sum = create();
    double now = 200 * TICK_S;

    /* the same slot of the ring, a whole turn apart */
    serve(a, 1, 1, 1, now - AXON_NEURONS_PARTS * TICK_S);
    serve(b, 1, -1, 1, now);
    for (int order = 0; order < 2; order++) {
        sum = order ? create() : sum;
        axon_neurons_merge(sum, order ? b : a, now);
        axon_neurons_merge(sum, order ? a : b, now);
        check_layer(sum, AXON_WINDOW_SLIDING, now, 1, 3, 3);
        check_layer(sum, AXON_WINDOW_LOAD, now, 2, 2, 5);
        axon_neurons_destroy(sum);
    }
    axon_neurons_destroy(a);
    axon_neurons_destroy(b);
}
END_TEST

START_TEST(a_worker_whose_clock_is_a_little_ahead_is_in_the_window)
{
    struct axon_neurons *a = create(), *sum = create();
    double now = 50 * TICK_S - 0.001;

    serve(a, 1, 1, 1, now + 0.002);
    axon_neurons_merge(sum, a, now);
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
    uint32_t *counts;
    void *scratch;
    const float x[2] = {1, -1};
    float y[4];

    ck_assert_int_eq(axon_mlp_create(&spec, &deep), AXON_OK);
    neurons = axon_neurons_create(deep, 1);
    counts = calloc(axon_mlp_tally_size(deep), sizeof *counts);
    scratch = aligned_alloc(64, axon_mlp_scratch_bytes(deep));
    axon_mlp_predict(deep, x, 2, y, scratch, counts);
    axon_neurons_add(neurons, counts, 2, 5);
    ck_assert_uint_eq(axon_neurons_layer(neurons, 0, AXON_WINDOW_LOAD, 5).dead, 19);
    ck_assert_uint_eq(axon_neurons_layer(neurons, 1, AXON_WINDOW_LOAD, 5).dead, 0);
    ck_assert_uint_eq(axon_neurons_layer(neurons, 2, AXON_WINDOW_LOAD, 5).dead, 16);
    ck_assert_uint_eq(axon_neurons_fired(neurons, 2, 0, AXON_WINDOW_LOAD, 5), 1);
    axon_neurons_destroy(neurons);
    axon_neurons_destroy(NULL);
    axon_mlp_destroy(deep);
    free(counts);
    free(scratch);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("neurons");
    TCase *tcase = suite_case(suite, "neurons");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, planted_dead_units_are_found);
    tcase_add_test(tcase, without_rows_nothing_is_dead);
    tcase_add_test(tcase, an_untallied_layer_says_nothing);
    tcase_add_test(tcase, adding_sets_the_tally_back);
    tcase_add_test(tcase, the_window_slides_in_tenths);
    tcase_add_test(tcase, a_pause_longer_than_the_window_empties_it);
    tcase_add_test(tcase, a_long_life_loses_nothing);
    tcase_add_test(tcase, workers_are_merged);
    tcase_add_test(tcase, merging_parts_of_different_ages_keeps_both_windows_right);
    tcase_add_test(tcase, a_worker_whose_clock_is_a_little_ahead_is_in_the_window);
    tcase_add_test(tcase, a_model_of_many_layers_keeps_them_apart);
    return suite_run(suite);
}
