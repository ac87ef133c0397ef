/* test_lib_loss_ends.c - losses as PyTorch's autograd has them (tests/data/torch), and at the ends:
 * huge logits, losses far below 1, masks, ignored labels, weights of 0; and names. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "../oracle/records.h"
#include "axon/cpu.h"
#include "axon/loss.h"
#include "suite.h"

enum { VALUES_MAX = 512 };

static float gradient[VALUES_MAX], per_row[VALUES_MAX];

static void select_isa(int i)
{
    size_t isas;

    ck_assert_int_eq(axon_isa_select(axon_isa_list(&isas)[i]), AXON_OK);
}

/* ---- PyTorch ---- */

static const float *floats_of(const struct record *record, const char *key, size_t count)
{
    return record_find(record, key) ? record_get(record, key, count)->floats : NULL;
}

static void read_options(const struct record *record, const struct axon_loss *loss, size_t outputs,
                         struct axon_loss_options *o)
{
    for (unsigned i = 0; i < loss->parameters_count; i++)
        if (record_find(record, loss->parameters[i].name))
            o->values[i] = record_get(record, loss->parameters[i].name, 1)->values[0];
    o->reduction = (enum axon_reduction)record_get(record, "reduction", 1)->values[0];
    o->weight = floats_of(record, "weight", outputs);
    o->pos_weight = floats_of(record, "pos_weight", outputs);
}

static void read_batch(const struct record *record, struct axon_loss_batch *b)
{
    static int32_t labels[VALUES_MAX];
    size_t values;

    b->rows = (size_t)record_get(record, "rows", 1)->values[0];
    b->outputs = (size_t)record_get(record, "outputs", 1)->values[0];
    b->inner = (size_t)record_get(record, "inner", 1)->values[0];
    values = b->rows * b->outputs * b->inner;
    ck_assert_uint_le(values, VALUES_MAX);
    b->input = floats_of(record, "input", values);
    b->targets = floats_of(record, "targets", values);
    b->variances = floats_of(record, "variances", values);
    b->labels = b->targets ? NULL : labels;
    for (size_t i = 0; !b->targets && i < b->rows * b->inner; i++)
        labels[i] = (int32_t)record_get(record, "labels", b->rows * b->inner)->values[i];
}

static void check_record(const struct record *record)
{
    static float each[VALUES_MAX];
    struct axon_loss_options o;
    const struct axon_loss *loss = axon_loss_find(record->name, &o);
    struct axon_loss_batch b;
    struct axon_loss_result result = {.losses = each, .gradient = gradient};
    double want = record_get(record, "loss", 1)->values[0];
    const struct record_array *losses = record_find(record, "losses");
    const double *g;

    ck_assert_msg(loss != NULL, "%s", record->name);
    read_batch(record, &b);
    read_options(record, loss, b.outputs, &o);
    g = record_get(record, "gradient", b.rows * b.outputs * b.inner)->values;
    ck_assert_int_eq(axon_loss_apply(loss, &b, &o, &result), AXON_OK);
    ck_assert_msg(fabs(result.loss - want) <= 1e-9 * (1 + fabs(want)),
                  "%s: %.17g, PyTorch has %.10g", record->name, result.loss, want);
    for (size_t i = 0; i < losses->count; i++)
        ck_assert_double_le(fabs((double)each[i] - losses->values[i]),
                            1e-7 * fabs(losses->values[i]) + 1e-9);
    for (size_t i = 0; i < b.rows * b.outputs * b.inner; i++)
        ck_assert_double_le(fabs((double)gradient[i] - g[i]), 1e-7 * fabs(g[i]) + 1e-9);
}

START_TEST(pytorch_says_the_same)
{
    struct record record = {.count = 0};
    FILE *file = fopen("tests/data/torch/losses.txt", "r");
    size_t count, seen[64] = {0};
    const struct axon_loss *table = axon_loss_table(&count);

    select_isa(_i);
    ck_assert_ptr_nonnull(file);
    while (record_next(file, &record)) {
        check_record(&record);
        seen[axon_loss_find(record.name, NULL) - table]++;
    }
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(seen[i] >= 4, "%s: %zu cases", table[i].name, seen[i]);
    fclose(file);
}
END_TEST

/* ---- the ends ---- */

static double mean_of(const char *name, size_t outputs, const float *x, const float *y,
                      const int32_t *label)
{
    struct axon_loss_options o;
    const struct axon_loss *loss = axon_loss_find(name, &o);
    struct axon_loss_batch b = {
        .rows = 1, .outputs = outputs, .inner = 1, .input = x, .targets = y, .labels = label};
    struct axon_loss_result result = {.per_row = per_row, .gradient = gradient};

    ck_assert_int_eq(axon_loss_apply(loss, &b, &o, &result), AXON_OK);
    return result.loss;
}

START_TEST(a_tiny_loss_is_not_lost)
{
    const float x[] = {100, 0, -5}, one = 1, zero = 0, plus = 100, minus = -100, near = 0x1p-30f;
    const int32_t first = 0;
    const double tiny = exp(-100.0);

    select_isa(_i);
    ck_assert_double_le(
        fabs(mean_of("cross_entropy", 3, x, NULL, &first) / (tiny + exp(-105.0)) - 1), 2e-11);
    ck_assert(gradient[0] < 0 && gradient[1] > 0); /* subnormal, not 0 */
    ck_assert_double_le(fabs(mean_of("binary_cross_entropy", 1, &plus, &one, NULL) / tiny - 1),
                        2e-11);
    ck_assert(gradient[0] < 0);
    ck_assert_double_le(fabs(mean_of("binary_cross_entropy", 1, &minus, &zero, NULL) / tiny - 1),
                        2e-11);
    ck_assert(gradient[0] > 0);
    ck_assert_double_le(fabs(mean_of("log_cosh", 1, &near, &zero, NULL) / 0x1p-61 - 1), 2e-11);
    ck_assert_double_le(fabs(mean_of("focal", 1, &plus, &one, NULL) / (tiny * tiny * tiny / 4) - 1),
                        1e-10);
}
END_TEST

START_TEST(huge_logits_do_not_overflow)
{
    const float x[] = {FLT_MAX, -FLT_MAX, 0}, one = 1, shares[] = {0.5f, 0.25f, 0.25f};
    const int32_t first = 0, second = 1;
    const double most = (double)FLT_MAX;

    select_isa(_i);
    ck_assert_same(mean_of("cross_entropy", 3, x, NULL, &first), 0);
    ck_assert_same(mean_of("cross_entropy", 3, x, NULL, &second), 2 * most);
    ck_assert(isinf(per_row[0])); /* it does not fit a float, and says so */
    ck_assert_same(gradient[0], 1);
    ck_assert_same(gradient[1], -1);
    ck_assert_same(gradient[2], 0);
    ck_assert_same(mean_of("cross_entropy", 3, x, shares, NULL), 0.75 * most);
    ck_assert_same(mean_of("binary_cross_entropy", 1, &x[1], &one, NULL), most);
    ck_assert_same(gradient[0], -1);
    ck_assert_same(mean_of("mse", 1, &x[0], &x[1], NULL), 4 * most * most);
    ck_assert(isinf(gradient[0]));
    ck_assert_same(mean_of("l1", 1, &x[0], &x[1], NULL), 2 * most);
    ck_assert_same(mean_of("log_cosh", 1, &x[0], &x[2], NULL), most);
    ck_assert_same(gradient[0], 1);
    ck_assert_same(mean_of("huber", 1, &x[1], &x[2], NULL), most);
    ck_assert_same(gradient[0], -1);
    ck_assert(isinf(mean_of("poisson_nll", 1, &x[0], &one, NULL)));
}
END_TEST

START_TEST(a_masked_class_has_no_say_unless_it_is_asked_for)
{
    const float x[] = {1, -INFINITY, 2}, shares[] = {0.5f, 0, 0.5f}, one = 1, zero = 0;
    const float plus = INFINITY, minus = -INFINITY, bad[] = {1, INFINITY, 2};
    const int32_t first = 0, masked = 1;

    select_isa(_i);
    ck_assert_double_le(fabs(mean_of("cross_entropy", 3, x, NULL, &first) - log1p(exp(1.0))),
                        2e-11);
    ck_assert_same(gradient[1], 0);
    ck_assert_double_le(fabs(mean_of("cross_entropy", 3, x, shares, NULL) + 0.5 - log1p(exp(1.0))),
                        2e-11);
    ck_assert(isinf(mean_of("cross_entropy", 3, x, NULL, &masked)));
    ck_assert_same(gradient[1], -1);
    ck_assert(isnan(mean_of("cross_entropy", 3, bad, NULL, &first)) && isnan(gradient[2]));
    ck_assert_same(mean_of("binary_cross_entropy", 1, &plus, &one, NULL), 0);
    ck_assert_same(gradient[0], 0);
    ck_assert(isinf(mean_of("binary_cross_entropy", 1, &plus, &zero, NULL)));
    ck_assert_same(gradient[0], 1);
    ck_assert_same(mean_of("kl_div", 1, &minus, &zero, NULL), 0);
    ck_assert_same(mean_of("poisson_nll", 1, &minus, &zero, NULL), 0);
}
END_TEST

START_TEST(a_probability_of_0_is_dear_and_not_infinite)
{
    static const float p[] = {0, 1}, y[] = {1, 0};
    const int32_t first = 0;
    struct axon_loss_options o;
    const struct axon_loss *loss = axon_loss_find("bce_loss", &o);
    struct axon_loss_batch b = {.rows = 2, .outputs = 1, .inner = 1, .input = p, .targets = y};
    struct axon_loss_result result = {.gradient = gradient};

    select_isa(_i);
    o.values[0] = 0;
    ck_assert_int_eq(axon_loss_apply(loss, &b, &o, &result), AXON_OK);
    ck_assert_same(result.loss, 100);
    ck_assert_same(gradient[0], -0.5e12f);
    loss = axon_loss_find("cross_entropy", &o);
    o.values[0] = 0;
    b = (struct axon_loss_batch){.rows = 1, .outputs = 2, .inner = 1, .input = p, .labels = &first};
    ck_assert_int_eq(axon_loss_apply(loss, &b, &o, &result), AXON_OK);
    ck_assert_same(result.loss, 100);
}
END_TEST

/* An ignored place does not count, not even its NaN; nor does a class of weight 0. */
START_TEST(what_does_not_count_is_not_seen)
{
    static const float x[] = {1, 2, NAN, 0, 3, -INFINITY}, weight[] = {1, 0};
    static const int32_t some[] = {0, -100, 1}, none[] = {-100, -100, -100};
    static const char *const names[] = {"cross_entropy", "nll"};

    select_isa(_i);
    for (size_t i = 0; i < 2; i++) {
        struct axon_loss_options o;
        const struct axon_loss *loss = axon_loss_find(names[i], &o);
        struct axon_loss_batch b = {
            .rows = 3, .outputs = 2, .inner = 1, .input = x, .labels = some};
        struct axon_loss_result result = {.per_row = per_row, .gradient = gradient};

        o.weight = weight;
        ck_assert_int_eq(axon_loss_apply(loss, &b, &o, &result), AXON_OK);
        ck_assert_near(result.loss, i ? -1 : log1p(exp(1.0)), 2e-11);
        ck_assert_same(per_row[1], 0);
        ck_assert_same(per_row[2], 0); /* -inf at a class that weighs nothing */
        ck_assert_same(gradient[2], 0);
        b.labels = none;
        ck_assert_int_eq(axon_loss_apply(loss, &b, &o, &result), AXON_OK);
        ck_assert(isnan(result.loss));
        ck_assert_same(gradient[0], 0);
        o.reduction = AXON_REDUCTION_SUM;
        ck_assert_int_eq(axon_loss_apply(loss, &b, &o, &result), AXON_OK);
        ck_assert_same(result.loss, 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loss_ends");
    TCase *tcase = suite_case(suite, "every ISA");
    size_t isas;

    axon_isa_list(&isas);
    tcase_add_loop_test(tcase, pytorch_says_the_same, 0, (int)isas);
    tcase_add_loop_test(tcase, a_tiny_loss_is_not_lost, 0, (int)isas);
    tcase_add_loop_test(tcase, huge_logits_do_not_overflow, 0, (int)isas);
    tcase_add_loop_test(tcase, a_masked_class_has_no_say_unless_it_is_asked_for, 0, (int)isas);
    tcase_add_loop_test(tcase, a_probability_of_0_is_dear_and_not_infinite, 0, (int)isas);
    tcase_add_loop_test(tcase, what_does_not_count_is_not_seen, 0, (int)isas);
    return suite_run(suite);
}
