/* test_lib_loss.c - every loss against its formula in long double, against PyTorch's autograd
 * (tests/data/torch), against its own slope, and at the ends: huge logits, losses far below 1, NaN,
 * masks. test_lib_loss_checks.c has what is refused. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "../oracle/guard.h"
#include "../oracle/records.h"
#include "axon/cpu.h"
#include "axon/loss.h"
#include "suite.h"

enum { ROWS_MAX = 9, OUTPUTS_MAX = 33, VALUES_MAX = ROWS_MAX * OUTPUTS_MAX };

static uint32_t random_state = 1;

static double random_unit(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (double)(random_state >> 8) / 0x1p24;
}

/* ---- references: the textbook's formula, in long double ---- */

typedef long double reference(const struct axon_loss_batch *b, size_t r, long double *gradient);

static long double reference_cross_entropy(const struct axon_loss_batch *b, size_t r,
                                           long double *gradient)
{
    const float *x = b->input + r * b->outputs;
    long double sum = 0, loss = 0;

    for (size_t j = 0; j < b->outputs; j++)
        sum += expl((long double)x[j]);
    for (size_t j = 0; j < b->outputs; j++) {
        long double y = b->labels ? (long double)(b->labels[r] == j)
                                  : (long double)b->targets[r * b->outputs + j];

        loss += y * (logl(sum) - (long double)x[j]);
        gradient[j] = expl((long double)x[j]) / sum - y;
    }
    for (size_t j = 0; j < b->outputs && !b->labels; j++) { /* the targets' sum is 1 but for 1e-7 */
        long double total = 0;

        for (size_t k = 0; k < b->outputs; k++)
            total += (long double)b->targets[r * b->outputs + k];
        gradient[j] += (total - 1) * expl((long double)x[j]) / sum;
    }
    return loss;
}

static long double reference_binary_cross_entropy(const struct axon_loss_batch *b, size_t r,
                                                  long double *gradient)
{
    long double loss = 0, n = (long double)b->outputs;

    for (size_t j = 0; j < b->outputs; j++) {
        long double x = (long double)b->input[r * b->outputs + j];
        long double y = (long double)b->targets[r * b->outputs + j];
        long double p = 1 / (1 + expl(-x)), q = 1 / (1 + expl(x));

        loss -= (y * logl(p) + (1 - y) * logl(q)) / n;
        gradient[j] = (p - y) / n;
    }
    return loss;
}

static long double reference_mse(const struct axon_loss_batch *b, size_t r, long double *gradient)
{
    long double loss = 0, n = (long double)b->outputs;

    for (size_t j = 0; j < b->outputs; j++) {
        size_t i = r * b->outputs + j;

        gradient[j] = 2 * ((long double)b->input[i] - (long double)b->targets[i]) / n;
        loss += gradient[j] * gradient[j] * n / 4;
    }
    return loss;
}

static reference *const references[] = {
#define LOSS(id, ...) reference_##id,
#include "loss.def"
#undef LOSS
};

enum { LOSSES = sizeof references / sizeof *references };

/* A loop test's number is that of an ISA and a loss. */
static size_t select_isa(int i)
{
    size_t isas;

    ck_assert_int_eq(axon_isa_select(axon_isa_list(&isas)[(size_t)i / LOSSES]), AXON_OK);
    return (size_t)i % LOSSES;
}

static const struct axon_loss *loss_at(size_t i)
{
    size_t count;
    const struct axon_loss *table = axon_loss_table(&count);

    ck_assert_uint_eq(count, LOSSES);
    return &table[i];
}

/* ---- random batches ---- */

static float input[VALUES_MAX], targets[VALUES_MAX], gradient[VALUES_MAX], per_row[ROWS_MAX];
static uint32_t labels[ROWS_MAX];

/* Targets of the loss's kind; hard: 0 and 1 only. */
static void random_targets(const struct axon_loss *loss, size_t rows, size_t outputs, int hard)
{
    for (size_t r = 0; r < rows; r++) {
        float *y = targets + r * outputs;
        double sum = 0;

        labels[r] = (uint32_t)(random_unit() * (double)outputs);
        for (size_t j = 0; j < outputs; j++) {
            double u = random_unit();

            y[j] = (float)(loss->target == AXON_TARGET_FINITE ? 10 * u - 5 : hard ? round(u) : u);
            sum += (double)y[j];
        }
        for (size_t j = 0; loss->target == AXON_TARGET_DISTRIBUTION && j < outputs; j++)
            y[j] = hard ? (float)(labels[r] == j) : (float)((double)y[j] / sum);
    }
}

static struct axon_loss_batch random_batch(const struct axon_loss *loss, size_t rows,
                                           size_t outputs, double scale, int variant)
{
    struct axon_loss_batch b = {.rows = rows, .outputs = outputs, .input = input};

    for (size_t i = 0; i < rows * outputs; i++)
        input[i] = (float)(scale * (2 * random_unit() - 1));
    random_targets(loss, rows, outputs, variant == 1);
    if (variant == 2 && loss->labels)
        b.labels = labels;
    else
        b.targets = targets;
    return b;
}

/* A float's gradient is within a rounding; where p - y cancels, within 2^-36 of p. */
static void check_batch(size_t loss, const struct axon_loss_batch *b)
{
    long double want[OUTPUTS_MAX], sum = 0, rows = (long double)b->rows;
    double mean;

    ck_assert_int_eq(axon_loss_apply(loss_at(loss), b, &mean, per_row, gradient), AXON_OK);
    for (size_t r = 0; r < b->rows; r++) {
        long double row = references[loss](b, r, want);

        sum += row;
        ck_assert_double_le(fabs((double)per_row[r] - (double)row),
                            0x1.01p-24 * (double)row + 1e-17); /* the reference cancels */
        for (size_t j = 0; j < b->outputs; j++) {
            double g = (double)(want[j] / rows), got = (double)gradient[r * b->outputs + j];

            ck_assert_msg(fabs(got - g) <= 0x1.01p-24 * fabs(g) + 2e-11,
                          "%s, row %zu of %zu, output %zu of %zu: gradient %.9g, want %.17g",
                          loss_at(loss)->name, r, b->rows, j, b->outputs, got, g);
        }
    }
    ck_assert_double_le(fabs(mean - (double)(sum / rows)), 2e-11 * fabs(mean) + 1e-17);
}

START_TEST(loss_and_gradient_are_those_of_the_formula)
{
    static const double scales[] = {0.1, 1, 5, 20};

    for (size_t outputs = 1; outputs <= OUTPUTS_MAX; outputs++)
        for (size_t rows = 1; rows <= ROWS_MAX; rows += 4)
            for (int variant = 0; variant < 3; variant++) {
                double scale = scales[(outputs + rows) % 4];
                struct axon_loss_batch b = random_batch(loss_at(select_isa(_i)), rows, outputs,
                                                        scale, variant);

                check_batch(select_isa(_i), &b);
            }
}
END_TEST

/* Longer than any block or product of terms; with logits of 0 every term of binary cross-entropy is
 * as large as it can be. */
START_TEST(a_row_may_be_long)
{
    enum { LONG = 5000 };
    static float x[LONG], y[LONG], g[LONG];
    static long double want[LONG];
    const struct axon_loss *loss = loss_at(select_isa(_i));
    uint32_t label = 4321;
    struct axon_loss_batch b = {.rows = 1, .outputs = LONG, .input = x};

    for (int scale = 0; scale < 12; scale += 4) {
        double mean, row;

        for (size_t i = 0; i < LONG; i++) {
            x[i] = (float)(scale * (2 * random_unit() - 1));
            y[i] = (float)random_unit();
        }
        b.labels = loss->labels ? &label : NULL;
        b.targets = loss->labels ? NULL : y;
        ck_assert_int_eq(axon_loss_apply(loss, &b, &mean, NULL, g), AXON_OK);
        row = (double)references[select_isa(_i)](&b, 0, want);
        ck_assert_double_le(fabs(mean - row), 2e-11 * row);
        for (size_t i = 0; i < LONG; i++)
            ck_assert_double_le(fabs((double)g[i] - (double)want[i]),
                                0x1.01p-24 * fabs((double)want[i]) + 2e-11);
    }
}
END_TEST

/* More rows than a kernel takes at once, narrow ones and wide ones. */
START_TEST(the_loss_of_a_row_does_not_depend_on_the_rows_beside_it)
{
    enum { MANY = 300, WIDE = 18 };
    static float x[MANY * WIDE], y[MANY * WIDE], all[MANY];
    const struct axon_loss *loss = loss_at(select_isa(_i));

    for (size_t outputs = 1; outputs <= WIDE; outputs++) {
        struct axon_loss_batch b = {.rows = MANY, .outputs = outputs, .input = x, .targets = y};
        double mean, sum = 0;

        for (size_t r = 0; r < MANY; r++) {
            random_targets(loss, 1, outputs, 0);
            memcpy(y + r * outputs, targets, outputs * sizeof *y);
            for (size_t j = 0; j < outputs; j++)
                x[r * outputs + j] = (float)(20 * random_unit() - 10);
        }
        ck_assert_int_eq(axon_loss_apply(loss, &b, &mean, all, NULL), AXON_OK);
        b.rows = 1;
        for (size_t r = 0; r < MANY; r++) {
            float alone;
            double one;

            b.input = x + r * outputs;
            b.targets = y + r * outputs;
            ck_assert_int_eq(axon_loss_apply(loss, &b, &one, &alone, NULL), AXON_OK);
            ck_assert_same(alone, all[r]);
            sum += one;
        }
        ck_assert_double_le(fabs(sum / MANY - mean), 1e-14 * mean);
    }
}
END_TEST

/* Steps that are exact in float, the slope by Richardson: no room for a factor of rows or outputs.
 */
START_TEST(the_gradient_is_the_slope_of_the_mean)
{
    const struct axon_loss *loss = loss_at(select_isa(_i));

    for (int variant = 0; variant < 3; variant++) {
        struct axon_loss_batch b = random_batch(loss, 3, 5, 4, variant);
        double mean[4];

        for (size_t i = 0; i < 15; i++)
            input[i] = roundf(input[i] * 256) / 256;
        ck_assert_int_eq(axon_loss_apply(loss, &b, NULL, NULL, gradient), AXON_OK);
        for (size_t i = 0; i < 15; i++) {
            static const float steps[] = {0x1p-9f, -0x1p-9f, 0x1p-10f, -0x1p-10f};
            float x = input[i];
            double slope;

            for (size_t k = 0; k < 4; k++) {
                input[i] = x + steps[k];
                ck_assert_int_eq(axon_loss_apply(loss, &b, &mean[k], NULL, NULL), AXON_OK);
            }
            input[i] = x;
            slope = (4 * (mean[2] - mean[3]) / 0x1p-9 - (mean[0] - mean[1]) / 0x1p-8) / 3;
            ck_assert_double_le(fabs(slope - (double)gradient[i]), 1e-9 + 1e-7 * fabs(slope));
        }
    }
}
END_TEST

/* ---- PyTorch ---- */

static void check_record(const struct record *record)
{
    const struct axon_loss *loss = axon_loss_find(record->name);
    struct axon_loss_batch b = {.rows = (size_t)record_get(record, "rows", 1)->values[0],
                                .outputs = (size_t)record_get(record, "outputs", 1)->values[0]};
    const double *rows = record_get(record, "per_row", b.rows)->values;
    const double *g = record_get(record, "gradient", b.rows * b.outputs)->values;
    double mean, want = record_get(record, "loss", 1)->values[0];

    ck_assert_ptr_nonnull(loss);
    b.input = record_get(record, "input", b.rows * b.outputs)->floats;
    if (record_find(record, "labels")) {
        for (size_t r = 0; r < b.rows; r++)
            labels[r] = (uint32_t)record_get(record, "labels", b.rows)->values[r];
        b.labels = labels;
    } else {
        b.targets = record_get(record, "targets", b.rows * b.outputs)->floats;
    }
    ck_assert_int_eq(axon_loss_apply(loss, &b, &mean, per_row, gradient), AXON_OK);
    ck_assert_double_le(fabs(mean - want), 1e-9 * want);
    for (size_t r = 0; r < b.rows; r++)
        ck_assert_double_le(fabs((double)per_row[r] - rows[r]), 1e-7 * rows[r] + 1e-15);
    for (size_t i = 0; i < b.rows * b.outputs; i++)
        ck_assert_double_le(fabs((double)gradient[i] - g[i]), 1e-7 * fabs(g[i]) + 1e-9);
}

START_TEST(pytorch_says_the_same)
{
    struct record record = {.count = 0};
    FILE *file = fopen("tests/data/torch/losses.txt", "r");
    size_t cases = 0, seen[LOSSES] = {0};

    select_isa(_i * LOSSES);
    ck_assert_ptr_nonnull(file);
    for (; record_next(file, &record); cases++) {
        check_record(&record);
        seen[axon_loss_find(record.name) - loss_at(0)]++;
    }
    for (size_t i = 0; i < LOSSES; i++)
        ck_assert_uint_ge(seen[i], 4);
    fclose(file);
}
END_TEST

/* ---- the ends ---- */

static double mean_of(const char *name, size_t outputs, const float *x, const float *y,
                      const uint32_t *label)
{
    struct axon_loss_batch b = {
        .rows = 1, .outputs = outputs, .input = x, .targets = y, .labels = label};
    double mean;

    ck_assert_int_eq(axon_loss_apply(axon_loss_find(name), &b, &mean, per_row, gradient), AXON_OK);
    return mean;
}

START_TEST(a_tiny_loss_is_not_lost)
{
    const float x[] = {100, 0, -5};
    const uint32_t first = 0;
    const float one = 1, zero = 0, plus = 100, minus = -100;
    const double tiny = exp(-100.0);

    select_isa(_i * LOSSES);
    ck_assert_double_le(
        fabs(mean_of("cross_entropy", 3, x, NULL, &first) / (tiny + exp(-105.0)) - 1), 2e-11);
    ck_assert(gradient[0] < 0 && gradient[1] > 0); /* subnormal, not 0 */
    ck_assert_double_le(fabs(mean_of("binary_cross_entropy", 1, &plus, &one, NULL) / tiny - 1),
                        2e-11);
    ck_assert(gradient[0] < 0);
    ck_assert_double_le(fabs(mean_of("binary_cross_entropy", 1, &minus, &zero, NULL) / tiny - 1),
                        2e-11);
    ck_assert(gradient[0] > 0);
}
END_TEST

START_TEST(huge_logits_do_not_overflow)
{
    const float x[] = {FLT_MAX, -FLT_MAX, 0};
    const uint32_t first = 0, second = 1;
    const float one = 1, shares[] = {0.5f, 0.25f, 0.25f};

    select_isa(_i * LOSSES);
    ck_assert_same(mean_of("cross_entropy", 3, x, NULL, &first), 0);
    ck_assert_same(mean_of("cross_entropy", 3, x, NULL, &second), 2 * (double)FLT_MAX);
    ck_assert(isinf(per_row[0])); /* it does not fit a float, and says so */
    ck_assert_same(gradient[0], 1);
    ck_assert_same(gradient[1], -1);
    ck_assert_same(gradient[2], 0);
    ck_assert_same(mean_of("cross_entropy", 3, x, shares, NULL), 0.75 * (double)FLT_MAX);
    ck_assert_same(mean_of("binary_cross_entropy", 1, &x[1], &one, NULL), (double)FLT_MAX);
    ck_assert_same(gradient[0], -1);
    ck_assert_same(mean_of("mse", 1, &x[0], &x[1], NULL), 4 * (double)FLT_MAX * (double)FLT_MAX);
    ck_assert(isinf(gradient[0]));
}
END_TEST

START_TEST(a_masked_class_has_no_say_unless_it_is_asked_for)
{
    const float x[] = {1, -INFINITY, 2}, shares[] = {0.5f, 0, 0.5f};
    const uint32_t first = 0, masked = 1;
    const float one = 1, zero = 0, plus = INFINITY;

    select_isa(_i * LOSSES);
    ck_assert_double_le(fabs(mean_of("cross_entropy", 3, x, NULL, &first) - log1p(exp(1.0))),
                        2e-11);
    ck_assert_same(gradient[1], 0);
    ck_assert_double_le(fabs(mean_of("cross_entropy", 3, x, shares, NULL) + 0.5 - log1p(exp(1.0))),
                        2e-11);
    ck_assert(isinf(mean_of("cross_entropy", 3, x, NULL, &masked)));
    ck_assert_same(gradient[1], -1);
    ck_assert_same(mean_of("binary_cross_entropy", 1, &plus, &one, NULL), 0);
    ck_assert_same(gradient[0], 0);
    ck_assert(isinf(mean_of("binary_cross_entropy", 1, &plus, &zero, NULL)));
    ck_assert_same(gradient[0], 1);
}
END_TEST

START_TEST(nan_stays_in_its_row)
{
    static const float bad[] = {NAN, INFINITY};
    const struct axon_loss *loss = loss_at(select_isa(_i));

    for (size_t k = 0; k < 2 * 4; k++) {
        struct axon_loss_batch b = random_batch(loss, 3, 4, 3, 0);
        float clean[12];
        double mean;

        axon_loss_apply(loss, &b, NULL, NULL, clean);
        input[4 + k % 4] = bad[k / 4];
        ck_assert_int_eq(axon_loss_apply(loss, &b, &mean, per_row, gradient), AXON_OK);
        ck_assert(isfinite(per_row[0]) && !isfinite(per_row[1]) && isfinite(per_row[2]));
        ck_assert(!isfinite(mean));
        ck_assert_mem_eq(gradient, clean, 4 * sizeof *clean);
        ck_assert_mem_eq(gradient + 8, clean + 8, 4 * sizeof *clean);
        for (size_t j = 4; j < 8 && loss->labels; j++)
            ck_assert(isnan(gradient[j]));
        if (k / 4 == 0)
            ck_assert(isnan(gradient[4 + k % 4]) && isnan(mean));
    }
}
END_TEST

START_TEST(the_gradient_may_take_the_place_of_what_it_comes_from)
{
    const struct axon_loss *loss = loss_at(select_isa(_i));
    struct axon_loss_batch b = random_batch(loss, 9, 33, 8, 0);
    float want[VALUES_MAX], copy[VALUES_MAX];

    memcpy(copy, input, sizeof copy);
    axon_loss_apply(loss, &b, NULL, NULL, want);
    axon_loss_apply(loss, &b, NULL, NULL, input);
    ck_assert_mem_eq(input, want, sizeof want);
    memcpy(input, copy, sizeof copy);
    axon_loss_apply(loss, &b, NULL, NULL, targets);
    ck_assert_mem_eq(targets, want, sizeof want);
}
END_TEST

START_TEST(nothing_outside_of_the_buffers_is_touched)
{
    const struct axon_loss *loss = loss_at(select_isa(_i));

    for (int side = 0; side < GUARD_SIDES; side++)
        for (size_t outputs = 1; outputs < 6; outputs++) {
            struct axon_loss_batch b = random_batch(loss, 3, outputs, 2, 1);
            struct guard x = guard_create(3 * outputs, (enum guard_side)side);
            struct guard y = guard_create(3 * outputs, (enum guard_side)side);
            struct guard g = guard_create(3 * outputs, (enum guard_side)side);
            struct guard rows = guard_create(3, (enum guard_side)side);

            memcpy(x.data, input, 3 * outputs * sizeof(float));
            memcpy(y.data, targets, 3 * outputs * sizeof(float));
            b.input = x.data;
            b.targets = y.data;
            ck_assert_int_eq(axon_loss_apply(loss, &b, NULL, rows.data, g.data), AXON_OK);
            guard_destroy(&x);
            guard_destroy(&y);
            guard_destroy(&g);
            guard_destroy(&rows);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loss");
    TCase *each = suite_case(suite, "every loss"), *rest = suite_case(suite, "the ends");
    size_t isas;

    axon_isa_list(&isas);
    tcase_add_loop_test(each, loss_and_gradient_are_those_of_the_formula, 0, (int)isas * LOSSES);
    tcase_add_loop_test(each, a_row_may_be_long, 0, (int)isas * LOSSES);
    tcase_add_loop_test(each, the_loss_of_a_row_does_not_depend_on_the_rows_beside_it, 0,
                        (int)isas * LOSSES);
    tcase_add_loop_test(each, the_gradient_is_the_slope_of_the_mean, 0, (int)isas * LOSSES);
    tcase_add_loop_test(each, nan_stays_in_its_row, 0, (int)isas * LOSSES);
    tcase_add_loop_test(each, the_gradient_may_take_the_place_of_what_it_comes_from, 0,
                        (int)isas * LOSSES);
    tcase_add_loop_test(each, nothing_outside_of_the_buffers_is_touched, 0, (int)isas * LOSSES);
    tcase_add_loop_test(rest, pytorch_says_the_same, 0, (int)isas);
    tcase_add_loop_test(rest, a_tiny_loss_is_not_lost, 0, (int)isas);
    tcase_add_loop_test(rest, huge_logits_do_not_overflow, 0, (int)isas);
    tcase_add_loop_test(rest, a_masked_class_has_no_say_unless_it_is_asked_for, 0, (int)isas);
    return suite_run(suite);
}
