/* test_lib_mlp_batch.c - a row's prediction is bitwise the same alone and in any batch: random
 * networks, random splits, every ISA, with rows of NaN and infinity
 * beside it. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "axon/cpu.h"
#include "axon/watch.h"
#include "kernels/dispatch.h"
#include "suite.h"

enum { DEPTH_MAX = 3, WIDTH_MAX = 300, ROWS_MAX = 600, NETWORKS = 40 };

static const char *const activations[] = {"relu",       "gelu",    "softmax",  "tanh",
                                          "leaky_relu", "sigmoid", "sparsemax"};

static float weight[DEPTH_MAX][WIDTH_MAX * WIDTH_MAX], bias[WIDTH_MAX];
static float x[ROWS_MAX * WIDTH_MAX], whole[ROWS_MAX * WIDTH_MAX];
static float pieces[ROWS_MAX * WIDTH_MAX];
static uint32_t random_state = 3;

static size_t random_below(size_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static void fill(float *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)random_below(1 << 20) / (1 << 19) - 1.0f;
}

static struct axon_mlp *random_network(size_t sizes_end)
{
    struct axon_layer layers[DEPTH_MAX];
    struct axon_mlp_spec spec = {.features = 1 + random_below(sizes_end),
                                 .layers = layers,
                                 .layers_count = 1 + random_below(DEPTH_MAX)};
    struct axon_mlp *mlp;

    fill(bias, WIDTH_MAX);
    spec.scale = spec.offset = random_below(2) ? bias : NULL;
    for (size_t l = 0; l < spec.layers_count; l++) {
        fill(weight[l], sizeof weight[l] / sizeof *weight[l]);
        layers[l] = (struct axon_layer){
            .units = 1 + random_below(sizes_end),
            .weight = weight[l],
            .bias = bias,
            .activation = axon_activation_find(
                activations[random_below(sizeof activations / sizeof *activations)])};
        ck_assert_ptr_nonnull(layers[l].activation);
    }
    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
    return mlp;
}

static void predict_in_pieces(const struct axon_mlp *mlp, size_t rows, size_t rows_max,
                              void *scratch, struct axon_watch *watch)
{
    size_t some;

    for (size_t at = 0; at < rows; at += some) {
        size_t end = rows - at < rows_max ? rows - at : rows_max;

        some = 1 + random_below(end);
        axon_mlp_predict(mlp, x + at * axon_mlp_features(mlp), some,
                         pieces + at * axon_mlp_outputs(mlp), scratch, watch);
    }
}

static void check_counts(const struct axon_mlp *mlp, struct axon_watch *got,
                         struct axon_watch *want)
{
    ck_assert_uint_eq(axon_watch_rows(got), axon_watch_rows(want));
    ck_assert_uint_eq(axon_watch_rows_skipped(got), axon_watch_rows_skipped(want));
    for (size_t l = 0; l + 1 < axon_mlp_layers_count(mlp); l++)
        ck_assert_mem_eq(axon_watch_fired(got, mlp, l), axon_watch_fired(want, mlp, l),
                         axon_mlp_layer_units(mlp, l) * sizeof(uint32_t));
}

static void check_splits(const struct axon_mlp *mlp, size_t rows)
{
    static const size_t longest[] = {1, 3, 40, ROWS_MAX};
    size_t bytes = rows * axon_mlp_outputs(mlp) * sizeof *whole;
    size_t watch_bytes = axon_watch_bytes(mlp);
    void *scratch = aligned_alloc(64, axon_mlp_scratch_bytes(mlp));
    void *memory = aligned_alloc(64, watch_bytes), *other = aligned_alloc(64, watch_bytes);
    struct axon_watch *watch = axon_watch_init(memory, mlp);

    ck_assert(scratch && memory && other);
    axon_mlp_predict(mlp, x, rows, whole, scratch, watch);
    for (size_t i = 0; i < sizeof longest / sizeof *longest; i++) {
        memset(pieces, 0xff, bytes);
        predict_in_pieces(mlp, rows, longest[i], scratch, axon_watch_init(other, mlp));
        ck_assert_mem_eq(pieces, whole, bytes);
        check_counts(mlp, other, watch);
    }
    free(scratch);
    free(memory);
    free(other);
}

START_TEST(a_row_is_bitwise_the_same_alone_and_in_any_batch)
{
    size_t count;

    ck_assert_int_eq(axon_isa_select(axon_isa_list(&count)[_i]), AXON_OK);
    for (size_t i = 0; i < NETWORKS; i++) {
        struct axon_mlp *mlp = random_network(i % 2 ? WIDTH_MAX : 20);

        fill(x, ROWS_MAX * axon_mlp_features(mlp));
        check_splits(mlp, i == 0 ? ROWS_MAX : 1 + random_below(300));
        axon_mlp_destroy(mlp);
    }
}
END_TEST

START_TEST(rows_of_nan_and_infinity_beside_it_change_no_bit)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    static float before[ROWS_MAX * WIDTH_MAX];
    size_t count;

    ck_assert_int_eq(axon_isa_select(axon_isa_list(&count)[_i]), AXON_OK);
    for (size_t i = 0; i < NETWORKS; i++) {
        struct axon_mlp *mlp = random_network(WIDTH_MAX);
        size_t features = axon_mlp_features(mlp), outputs = axon_mlp_outputs(mlp), rows = 40;
        void *scratch = aligned_alloc(64, axon_mlp_scratch_bytes(mlp));

        ck_assert_ptr_nonnull(scratch);
        fill(x, rows * features);
        axon_mlp_predict(mlp, x, rows, before, scratch, NULL);
        for (size_t r = 0; r < rows; r += 2)
            x[r * features + random_below(features)] = bad[r / 2 % 3];
        axon_mlp_predict(mlp, x, rows, whole, scratch, NULL);
        for (size_t r = 1; r < rows; r += 2)
            ck_assert_mem_eq(whole + r * outputs, before + r * outputs, outputs * sizeof *whole);
        free(scratch);
        axon_mlp_destroy(mlp);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mlp batch");
    TCase *tcase = suite_case(suite, "mlp batch");
    size_t isas;

    axon_isa_list(&isas);
    tcase_add_loop_test(tcase, a_row_is_bitwise_the_same_alone_and_in_any_batch, 0, (int)isas);
    tcase_add_loop_test(tcase, rows_of_nan_and_infinity_beside_it_change_no_bit, 0, (int)isas);
    return suite_run(suite);
}
