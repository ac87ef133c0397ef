/* test_lib_health.c - the figures of hidden units and features against plain sums in double on the
 * same rows: every activation, every ISA, however rows are cut, with rows that are not finite. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "axon/cpu.h"
#include "axon/neurons.h"
#include "../oracle/oracle.h"
#include "suite.h"

enum { FEATURES = 5, UNITS = 19, OUTPUTS = 2, ROWS = 600, SAMPLE = 16 };

static const struct axon_activation *act;
static size_t row_of_table;
static struct axon_mlp *mlp;
static float weight[UNITS * FEATURES], bias[UNITS], out_weight[OUTPUTS * UNITS];
static float x[ROWS * FEATURES], y[ROWS * OUTPUTS];
static void *scratch;
static uint32_t random_state;

/* Multiples of 1/8: sums of products of them are exact in float, so zero is zero. */
static float eighths(uint32_t most)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (float)((random_state >> 8) % (2 * most + 1)) / 8.0f - (float)most / 8.0f;
}

static void create(size_t row)
{
    size_t count;
    const struct axon_activation *table = axon_activation_table(&count);
    struct axon_layer layers[2] = {
        {.units = UNITS, .weight = weight, .bias = bias, .activation = table + row},
        {.units = OUTPUTS, .weight = out_weight, .activation = axon_activation_find("identity")}};
    struct axon_mlp_spec spec = {.features = FEATURES, .layers = layers, .layers_count = 2};

    act = table + row;
    row_of_table = row;
    random_state = 3;
    for (size_t i = 0; i < UNITS * FEATURES; i++)
        weight[i] = eighths(16);
    for (size_t i = 0; i < UNITS; i++)
        bias[i] = i == 3 ? -64 : i == 5 ? 64 : eighths(8); /* one that never fires, one always */
    for (size_t i = 0; i < OUTPUTS * UNITS; i++)
        out_weight[i] = eighths(8);
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        x[i] = eighths(24);
    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
    scratch = aligned_alloc(64, axon_mlp_scratch_bytes(mlp));
    ck_assert_ptr_nonnull(scratch);
}

static void destroy(void)
{
    free(scratch);
    axon_mlp_destroy(mlp);
}

/* ---- the plain way ---- */

struct plain {
    double rows, sampled;
    double fired[UNITS], sum[UNITS], squares[UNITS], magnitude[UNITS], low[UNITS], high[UNITS];
    double all, all_squares, slopes, zeros;
    double least[FEATURES], most[FEATURES], feature_sum[FEATURES], feature_squares[FEATURES];
};

static bool has_zeros(void)
{
    return act->kind == AXON_ELEMENTWISE && axon_activation_has_zeros(act, NULL, 0);
}

static void plain_outputs(const float *row, double z[UNITS], double out[UNITS])
{
    double params[AXON_PARAMETERS_MAX];
    long double line[UNITS];

    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        params[k] = (double)act->parameters[k].value;
    for (size_t u = 0; u < UNITS; u++) {
        z[u] = (double)bias[u];
        for (size_t f = 0; f < FEATURES; f++)
            z[u] += (double)row[f] * (double)weight[u * FEATURES + f];
    }
    if (act->kind == AXON_ROWWISE)
        oracle_line_for(act)->forward(z, UNITS, params, line);
    for (size_t u = 0; u < UNITS; u++)
        out[u] = act->kind == AXON_ROWWISE ? (double)line[u]
                                           : oracle_for(row_of_table)->forward(z[u], params);
}

static double slope_at(double z)
{
    double params[AXON_PARAMETERS_MAX];

    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        params[k] = (double)act->parameters[k].value;
    return fabs(oracle_for(row_of_table)->derivative(z, params));
}

static void plain_ends(struct plain *p, size_t u, double out)
{
    double low = (double)act->saturation_low, high = (double)act->saturation_high;

    p->low[u] += out < low + (high - low) / 100;
    p->high[u] += out > high - (high - low) / 100;
}

static void plain_unit(struct plain *p, size_t u, double z, double out, bool sampled)
{
    bool by_zero = has_zeros() || act->kind == AXON_ROWWISE;

    p->fired[u] += by_zero ? (float)out != 0 : z > 0;
    p->zeros += has_zeros() && (float)out == 0;
    p->sum[u] += out;
    p->squares[u] += out * out;
    p->magnitude[u] += fabs(out);
    p->all += out;
    p->all_squares += out * out;
    if (sampled && act->kind == AXON_ELEMENTWISE)
        p->slopes += slope_at(z);
    plain_ends(p, u, out);
}

static void plain_features(struct plain *p, const float *row)
{
    for (size_t f = 0; f < FEATURES; f++) {
        double v = (double)row[f];

        p->least[f] = p->rows == 0 ? v : fmin(p->least[f], v);
        p->most[f] = p->rows == 0 ? v : fmax(p->most[f], v);
        p->feature_sum[f] += v;
        p->feature_squares[f] += v * v;
    }
}

/* All rows that are finite; derivatives of all of them, or of one in 16. */
static struct plain plain(bool sampled)
{
    struct plain p = {0};
    double z[UNITS], out[UNITS];

    for (size_t r = 0; r < ROWS; r++) {
        bool counts = !sampled || r % SAMPLE == 0;

        if (!isfinite(x[r * FEATURES]))
            continue;
        plain_outputs(x + r * FEATURES, z, out);
        plain_features(&p, x + r * FEATURES);
        p.rows++;
        p.sampled += counts;
        for (size_t u = 0; u < UNITS; u++)
            plain_unit(&p, u, z[u], out[u], counts);
    }
    return p;
}

static double std_of(double sum, double squares, double n)
{
    return sqrt(fmax(squares / n - sum / n * (sum / n), 0));
}

/* ---- what is to be the same ---- */

/* Sums of a block are floats: some of their last digits go, and squares below 1e-38. */
static void close_to(const char *what, double got, double want, double size)
{
    ck_assert_msg(fabs(got - want) <= 6e-6 * (fabs(want) + size) + 1e-19, "%s: %s: %.9g, want %.9g",
                  act->name, what, got, want);
}
#define check_close(got, want, size) close_to(#got, got, want, size)

static void check_units(const struct axon_neurons *n, const struct plain *p)
{
    for (size_t u = 0; u < UNITS; u++) {
        struct axon_neurons_unit is = axon_neurons_unit(n, 0, u, AXON_WINDOW_LOAD, 1);
        double size = p->magnitude[u] / p->rows;

        ck_assert_same(is.rows, p->rows);
        ck_assert_msg(is.fired == (uint64_t)p->fired[u], "%s: unit %zu fired %d times, want %g",
                      act->name, u, (int)is.fired, p->fired[u]);
        check_close(is.mean, p->sum[u] / p->rows, size);
        check_close(is.std, std_of(p->sum[u], p->squares[u], p->rows), size);
        check_close(is.magnitude, size, size);
        if (!isnan(act->saturation_low)) {
            check_close(is.saturated_low, p->low[u] / p->rows, 0);
            check_close(is.saturated_high, p->high[u] / p->rows, 0);
        }
        ck_assert_int_eq(is.last_active_s < 0, is.fired == 0);
    }
}

static void check_layer(const struct axon_neurons *n, const struct plain *p)
{
    struct axon_neurons_layer is = axon_neurons_layer(n, 0, AXON_WINDOW_LOAD, 1);
    double outputs = p->rows * UNITS, size = sqrt(p->all_squares / outputs), silent = 0;

    for (size_t u = 0; u < UNITS; u++)
        silent += p->fired[u] == 0;
    ck_assert_same(is.outputs, outputs);
    ck_assert_same(is.silent, silent);
    ck_assert_same(is.dead, has_zeros() ? silent : 0);
    ck_assert_same(is.zero_outputs, p->zeros);
    check_close(is.mean, p->all / outputs, size);
    check_close(is.std, std_of(p->all, p->all_squares, outputs), size);
    ck_assert_int_eq(isnan(is.derivative_mean), act->kind == AXON_ROWWISE);
}

/* Derivatives come from all rows or from a sample: then from those rows alone. */
static void check_slopes(const struct axon_neurons *n)
{
    struct axon_neurons_layer is = axon_neurons_layer(n, 0, AXON_WINDOW_LOAD, 1);
    struct plain p = plain(is.derivative_rows < is.rows);

    if (act->kind == AXON_ROWWISE)
        return;
    ck_assert_same(is.derivative_rows, p.sampled);
    check_close(is.derivative_mean, p.slopes / p.sampled / UNITS, 0.1);
}

static void check_features(const struct axon_neurons *n, const struct plain *p)
{
    for (size_t f = 0; f < FEATURES; f++) {
        struct axon_neurons_feature is = axon_neurons_feature(n, f, AXON_WINDOW_LOAD, 1);

        ck_assert_same(is.rows, p->rows);
        ck_assert_same(is.min, p->least[f]);
        ck_assert_same(is.max, p->most[f]);
        check_close(is.mean, p->feature_sum[f] / p->rows, 1);
        check_close(is.std, std_of(p->feature_sum[f], p->feature_squares[f], p->rows), 1);
    }
}

static struct axon_watch *watch_create(void)
{
    return axon_watch_init(aligned_alloc(64, axon_watch_bytes(mlp)), mlp);
}

static struct axon_neurons *neurons_of(struct axon_watch *watch)
{
    struct axon_neurons *n = axon_neurons_create(
        mlp, &(struct axon_evidence){.window_s = 60, .rows_min = 100});

    ck_assert_ptr_nonnull(n);
    axon_neurons_add(n, watch, 0, 1);
    return n;
}

/* All rows in pieces of so many. */
static struct axon_neurons *serve(size_t rows_max)
{
    struct axon_watch *watch = watch_create();
    struct axon_neurons *n;

    for (size_t r = 0, some; r < ROWS; r += some) {
        some = ROWS - r < rows_max ? ROWS - r : rows_max;
        axon_watch_row(watch, r);
        axon_mlp_predict(mlp, x + r * FEATURES, some, y, scratch, watch);
    }
    n = neurons_of(watch);
    free(watch);
    return n;
}

static void check_pieces(size_t rows_max)
{
    struct plain p = plain(false);
    struct axon_neurons *n = serve(rows_max);

    check_units(n, &p);
    check_layer(n, &p);
    check_slopes(n);
    check_features(n, &p);
    axon_neurons_destroy(n);
}

static const size_t pieces[] = {ROWS, 1, 7, 256};

START_TEST(figures_are_those_of_plain_sums)
{
    size_t isas, count;
    const char *const *names = axon_isa_list(&isas);

    if (axon_activation_table(&count)[_i].kind == AXON_GATED)
        return;
    for (size_t i = 0; i < isas; i++) {
        ck_assert_int_eq(axon_isa_select(names[i]), AXON_OK);
        create((size_t)_i);
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++)
            check_pieces(pieces[k]);
        for (size_t r = 5; r < ROWS; r += 97) /* first, middle and last ones of a block */
            x[r * FEATURES] = r % 2 ? NAN : INFINITY;
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++)
            check_pieces(pieces[k]);
        destroy();
    }
    ck_assert_int_eq(axon_isa_select("auto"), AXON_OK);
}
END_TEST

/* ---- the rest of the watch ---- */

static size_t row_named(const char *name)
{
    size_t count;

    return (size_t)(axon_activation_find(name) - axon_activation_table(&count));
}

START_TEST(one_row_in_every_is_watched_across_blocks)
{
    struct axon_watch *watch, *want;

    create(row_named("tanh"));
    watch = watch_create();
    want = watch_create();
    axon_watch_every(watch, 7, 3);
    axon_mlp_predict(mlp, x, 100, y, scratch, watch);
    axon_mlp_predict(mlp, x + (size_t)100 * FEATURES, ROWS - 100, y, scratch, watch);
    for (size_t r = 3; r < ROWS; r += 7)
        axon_mlp_predict(mlp, x + r * FEATURES, 1, y, scratch, want);
    ck_assert_uint_eq(axon_watch_rows(watch), (ROWS - 3 + 6) / 7);
    ck_assert_uint_eq(axon_watch_rows(want), axon_watch_rows(watch));
    ck_assert_mem_eq(axon_watch_fired(watch, mlp, 0), axon_watch_fired(want, mlp, 0),
                     UNITS * sizeof(uint32_t));
    free(watch);
    free(want);
    destroy();
}
END_TEST

/* A sampled row that is bad costs the sampled rows beside it nothing. */
START_TEST(bad_rows_of_a_sample_cost_themselves_only)
{
    struct axon_watch *watch;

    create(row_named("relu"));
    x[6 * FEATURES] = x[7 * FEATURES] = NAN; /* 6 is watched, 7 is not */
    watch = watch_create();
    axon_watch_every(watch, 3, 0);
    axon_mlp_predict(mlp, x, 30, y, scratch, watch);
    ck_assert_uint_eq(axon_watch_rows(watch), 9);
    ck_assert_uint_eq(axon_watch_rows_skipped(watch), 1);
    free(watch);
    destroy();
}
END_TEST

START_TEST(the_first_place_that_is_not_finite_is_told)
{
    struct axon_watch *watch, *other;
    struct axon_not_finite first;

    create(row_named("relu"));
    watch = watch_create();
    other = watch_create();
    axon_mlp_predict(mlp, x, 50, y, scratch, watch);
    ck_assert_uint_eq(axon_watch_not_finite(watch, &first), 0);
    ck_assert(!first.known);
    for (size_t f = 0; f < FEATURES; f++)
        x[40 * FEATURES + f] = x[30 * FEATURES + f] = weight[2 * FEATURES + f] > 0 ? 3e38f : -3e38f;
    axon_watch_row(watch, 100);
    axon_mlp_predict(mlp, x, 50, y, scratch, watch);
    ck_assert_uint_ge(axon_watch_not_finite(watch, &first), 4);
    ck_assert(first.known && first.layer == 0 && first.row == 130);
    ck_assert_uint_le(first.unit, 2);
    ck_assert_uint_eq(axon_watch_rows(watch), 98);
    axon_mlp_predict(mlp, x, 31, y, scratch, other); /* row 30 of its request */
    axon_watch_add(watch, other);
    axon_watch_not_finite(watch, &first);
    ck_assert_uint_eq(first.row, 30);
    free(watch);
    free(other);
    destroy();
}
END_TEST

START_TEST(a_part_that_bad_rows_alone_began_has_no_figures_of_an_older_one)
{
    struct axon_watch *watch;
    struct axon_neurons *n;
    double magnitude;

    create(row_named("tanh"));
    n = serve(ROWS); /* in part 0, of which the next one takes the place in the ring */
    magnitude = axon_neurons_unit(n, 0, 1, AXON_WINDOW_LOAD, 1).magnitude;
    x[0] = NAN;
    axon_mlp_predict(mlp, x, 1, y, scratch, watch = watch_create());
    axon_neurons_move_not_finite(n, watch, AXON_NEURONS_PARTS + 1, 2);
    ck_assert(axon_neurons_unit(n, 0, 1, AXON_WINDOW_LOAD, 2).magnitude == magnitude);
    axon_neurons_destroy(n);
    free(watch);
    destroy();
}
END_TEST

START_TEST(values_out_of_the_range_are_counted_of_rows_that_had_one)
{
    static const float low[FEATURES] = {-1, -1, -1, -1, -1}, high[FEATURES] = {1, 1, 1, 1, 2};
    uint64_t out = 0;
    struct axon_watch *watch;
    struct axon_neurons *n;

    create(row_named("relu"));
    watch = watch_create();
    axon_mlp_predict(mlp, x, 50, y, scratch, watch);
    axon_watch_range(watch, low, high);
    axon_mlp_predict(mlp, x, ROWS, y, scratch, watch);
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        out += x[i] < low[i % FEATURES] || x[i] > high[i % FEATURES];
    n = neurons_of(watch);
    ck_assert_uint_eq(axon_neurons_range(n, AXON_WINDOW_LOAD, 1).values, ROWS * FEATURES);
    ck_assert_uint_eq(axon_neurons_range(n, AXON_WINDOW_LOAD, 1).out, out);
    ck_assert_uint_gt(out, 0);
    axon_neurons_destroy(n);
    free(watch);
    destroy();
}
END_TEST

/* Sums of floats about 0 would leave nothing of it. */
START_TEST(a_small_spread_far_from_0_is_seen)
{
    struct axon_neurons *n;

    create(row_named("identity"));
    for (size_t i = 0; i < UNITS; i++)
        bias[i] = 0;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t f = 0; f < FEATURES; f++)
            x[r * FEATURES + f] = 4096.0f + (float)(r % 2) / 128;
    n = serve(ROWS);
    for (size_t f = 0; f < FEATURES; f++)
        ck_assert_near(axon_neurons_feature(n, f, AXON_WINDOW_LOAD, 1).std, 1.0 / 256, 1e-9);
    axon_neurons_destroy(n);
    destroy();
}
END_TEST

START_TEST(huge_outputs_are_no_reason_to_lose_rows)
{
    struct axon_neurons *n;
    struct axon_neurons_unit is;

    create(row_named("identity"));
    for (size_t r = 0; r < ROWS; r++)
        for (size_t f = 0; f < FEATURES; f++)
            x[r * FEATURES + f] = f ? 0 : r % 2 ? 1e30f : -1e30f;
    n = serve(ROWS);
    is = axon_neurons_unit(n, 0, 1, AXON_WINDOW_LOAD, 1);
    ck_assert_uint_eq(is.rows, ROWS);
    ck_assert_near(is.std, fabs((double)weight[FEATURES]) * 1e30, 1e24);
    axon_neurons_destroy(n);
    destroy();
}
END_TEST

START_TEST(a_proven_unit_is_dead_until_it_fires)
{
    bool proven[UNITS] = {false};
    struct axon_watch *watch;
    struct axon_neurons *n;

    create(row_named("relu"));
    watch = watch_create();
    n = neurons_of(watch);
    proven[3] = proven[5] = true; /* 3 never fires, 5 always does */
    axon_neurons_prove(n, 0, proven);
    ck_assert_int_eq(axon_neurons_state(n, 0, 3, AXON_WINDOW_LOAD, 1), AXON_UNIT_PROVEN_DEAD);
    ck_assert_uint_eq(axon_neurons_layer(n, 0, AXON_WINDOW_LOAD, 1).proven_dead, 2);
    ck_assert_uint_eq(axon_neurons_layer(n, 0, AXON_WINDOW_LOAD, 1).dead, 0); /* no verdict */
    axon_mlp_predict(mlp, x, ROWS, y, scratch, watch);
    axon_neurons_add(n, watch, 0, 1);
    ck_assert_int_eq(axon_neurons_state(n, 0, 5, AXON_WINDOW_LOAD, 1), AXON_UNIT_ALIVE);
    ck_assert_uint_eq(axon_neurons_layer(n, 0, AXON_WINDOW_LOAD, 1).proven_dead, 1);
    ck_assert_uint_eq(axon_neurons_layer(n, 0, AXON_WINDOW_LOAD, 1).dead, 1);
    axon_neurons_destroy(n);
    free(watch);
    destroy();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("health");
    TCase *tcase = suite_case(suite, "health");
    size_t count;

    axon_activation_table(&count);
    tcase_add_loop_test(tcase, figures_are_those_of_plain_sums, 0, (int)count);
    tcase_add_test(tcase, one_row_in_every_is_watched_across_blocks);
    tcase_add_test(tcase, bad_rows_of_a_sample_cost_themselves_only);
    tcase_add_test(tcase, the_first_place_that_is_not_finite_is_told);
    tcase_add_test(tcase, a_part_that_bad_rows_alone_began_has_no_figures_of_an_older_one);
    tcase_add_test(tcase, values_out_of_the_range_are_counted_of_rows_that_had_one);
    tcase_add_test(tcase, a_small_spread_far_from_0_is_seen);
    tcase_add_test(tcase, huge_outputs_are_no_reason_to_lose_rows);
    tcase_add_test(tcase, a_proven_unit_is_dead_until_it_fires);
    return suite_run(suite);
}
