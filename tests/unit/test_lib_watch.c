/* test_lib_watch.c - what a watch says of its rows: one bad row costs itself only, wherever it
 * stands and whoever watches the rows beside it; whether rows differ. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "axon/cpu.h"
#include "axon/watch.h"
#include "suite.h"

enum { FEATURES = 7, HIDDEN = 33, OUTPUTS = 3, ROWS = 600, LAYERS = 3 };

static struct axon_mlp *mlp;
static float x[ROWS * FEATURES], y[ROWS * OUTPUTS], again[ROWS * OUTPUTS];
static void *scratch;

static uint32_t random_state = 5;

static float random_float(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (float)(random_state >> 8) / (1 << 23) - 1.0f;
}

static void setup(void)
{
    static float weight[LAYERS][HIDDEN * HIDDEN];
    const struct axon_activation *relu = axon_activation_find("relu");
    struct axon_layer layers[LAYERS] = {
        {.units = HIDDEN, .weight = weight[0], .activation = relu},
        {.units = HIDDEN - 1, .weight = weight[1], .activation = relu},
        {.units = OUTPUTS, .weight = weight[2], .activation = axon_activation_find("softmax")}};
    struct axon_mlp_spec spec = {.features = FEATURES, .layers = layers, .layers_count = LAYERS};

    for (size_t l = 0; l < LAYERS; l++)
        for (size_t i = 0; i < HIDDEN * HIDDEN; i++)
            weight[l][i] = random_float();
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        x[i] = random_float();
    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
    scratch = aligned_alloc(64, axon_mlp_scratch_bytes(mlp));
    ck_assert_ptr_nonnull(scratch);
}

static void teardown(void)
{
    free(scratch);
    axon_mlp_destroy(mlp);
}

static struct axon_watch *watch_create(void)
{
    void *memory = aligned_alloc(64, axon_watch_bytes(mlp));

    ck_assert_ptr_nonnull(memory);
    return axon_watch_init(memory, mlp);
}

/* Rows first ... end - 1, one at a time; `bad` says which ones must not count. */
static struct axon_watch *watch_singly(size_t first, size_t end, bool (*bad)(size_t row))
{
    struct axon_watch *watch = watch_create();
    float one[OUTPUTS];

    for (size_t r = first; r < end; r++)
        if (!bad(r))
            axon_mlp_predict(mlp, x + r * FEATURES, 1, one, scratch, watch);
    return watch;
}

static void check_same(struct axon_watch *watch, struct axon_watch *want)
{
    ck_assert_uint_eq(axon_watch_rows(watch), axon_watch_rows(want));
    for (size_t l = 0; l + 1 < LAYERS; l++)
        ck_assert_mem_eq(axon_watch_fired(watch, mlp, l), axon_watch_fired(want, mlp, l),
                         (HIDDEN - l) * sizeof(uint32_t));
    ck_assert_ptr_null(axon_watch_fired(watch, mlp, LAYERS - 1));
}

static bool none(size_t row)
{
    (void)row;
    return false;
}

static bool first_of_64(size_t row)
{
    return row % 64 == 0;
}

static bool every_second(size_t row)
{
    return row % 2 == 1;
}

static bool all_but_one(size_t row)
{
    return row != ROWS / 2;
}

static bool all(size_t row)
{
    (void)row;
    return true;
}

static bool (*const patterns[])(size_t) = {none, first_of_64, every_second, all_but_one, all};
enum { PATTERNS = sizeof patterns / sizeof *patterns };

/* One NaN feature, or numbers too large: both end in outputs that are not finite. */
static void spoil(bool (*bad)(size_t row))
{
    for (size_t r = 0; r < ROWS; r++)
        if (bad(r))
            x[r * FEATURES + r % FEATURES] = r % 3 ? NAN : 3.4e38f;
        else
            x[r * FEATURES + r % FEATURES] = 0.5f;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t f = 0; bad(r) && r % 3 == 0 && f < FEATURES; f++)
            x[r * FEATURES + f] = 3.4e38f;
}

START_TEST(a_bad_row_costs_itself_only)
{
    size_t isas, bad = 0;
    const char *const *names = axon_isa_list(&isas);

    spoil(patterns[_i]);
    for (size_t r = 0; r < ROWS; r++)
        bad += patterns[_i](r);
    for (size_t i = 0; i < isas; i++) {
        struct axon_watch *watch = watch_create(), *want;

        ck_assert_int_eq(axon_isa_select(names[i]), AXON_OK);
        axon_mlp_predict(mlp, x, ROWS, y, scratch, watch);
        want = watch_singly(0, ROWS, patterns[_i]);
        check_same(watch, want);
        ck_assert_uint_eq(axon_watch_rows(watch), ROWS - bad);
        ck_assert_uint_eq(axon_watch_rows_skipped(watch), bad);
        axon_mlp_predict(mlp, x, ROWS, again, scratch, NULL);
        for (size_t v = 0; v < ROWS * OUTPUTS; v++) /* computed twice or once: the same */
            ck_assert(isnan(y[v]) ? isnan(again[v]) : !memcmp(y + v, again + v, sizeof *y));
        free(watch);
        free(want);
    }
    ck_assert_int_eq(axon_isa_select("auto"), AXON_OK);
}
END_TEST

START_TEST(each_watch_has_its_own_rows)
{
    static const size_t rows[] = {1, 1, 300, 0, 5, 200, 1, 92};
    enum { COUNT = sizeof rows / sizeof *rows };
    struct axon_watched list[COUNT];
    size_t first = 0, bad;

    spoil(patterns[_i]);
    for (size_t i = 0; i < COUNT; i++)
        list[i] = (struct axon_watched){rows[i], i == 4 ? NULL : watch_create()};
    axon_mlp_predict_watched(mlp, x, y, scratch, list, COUNT);
    for (size_t i = 0; i < COUNT; first += rows[i++]) {
        struct axon_watch *want = watch_singly(first, first + rows[i], patterns[_i]);

        bad = 0;
        for (size_t r = first; r < first + rows[i]; r++)
            bad += patterns[_i](r);
        if (list[i].watch) {
            check_same(list[i].watch, want);
            ck_assert_uint_eq(axon_watch_rows_skipped(list[i].watch), bad);
        }
        free(list[i].watch);
        free(want);
    }
    ck_assert_uint_eq(first, ROWS);
    axon_mlp_predict(mlp, x, ROWS, again, scratch, NULL);
    for (size_t v = 0; v < ROWS * OUTPUTS; v++)
        ck_assert(isnan(y[v]) ? isnan(again[v]) : !memcmp(y + v, again + v, sizeof *y));
}
END_TEST

START_TEST(no_list_is_a_no_op)
{
    axon_mlp_predict_watched(mlp, NULL, NULL, NULL, NULL, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("watch");
    TCase *tcase = suite_case(suite, "watch");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_bad_row_costs_itself_only, 0, PATTERNS);
    tcase_add_loop_test(tcase, each_watch_has_its_own_rows, 0, PATTERNS);
    tcase_add_test(tcase, no_list_is_a_no_op);
    return suite_run(suite);
}
