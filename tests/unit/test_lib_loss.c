/* test_lib_loss.c - every loss against its formula in long double, with every option, in every
 * shape, and against its own slope. test_lib_loss_ends.c has PyTorch and the ends,
 * test_lib_loss_checks.c what is refused. */
#include <float.h>
#include "../oracle/guard.h"
#include "axon/cpu.h"
#include "test_lib_loss_batches.h"
#include "suite.h"

static float gradient[VALUES_MAX], per_row[VALUES_MAX], each[VALUES_MAX];

/* A loop test's number is that of an ISA and a loss. */
static size_t select_isa(int i)
{
    size_t isas;

    ck_assert_int_eq(axon_isa_select(axon_isa_list(&isas)[(size_t)i / LOSSES]), AXON_OK);
    return (size_t)i % LOSSES;
}

static struct axon_loss_result apply(const struct axon_loss *loss, const struct axon_loss_batch *b,
                                     const struct axon_loss_options *o)
{
    struct axon_loss_result result = {.losses = each, .per_row = per_row, .gradient = gradient};

    ck_assert_int_eq(axon_loss_apply(loss, b, o, &result), AXON_OK);
    return result;
}

/* ---- the formula ---- */

/* Rounded to float, and within 2^-36 of the terms before that. The references cancel below 1e-17.
 */
static void check_float(const char *name, const char *what, size_t i, float got, long double want,
                        long double size)
{
    long double most = 0x1.01p-24L * fabsl(want) + 2e-11L * size + 1e-17L;

    ck_assert_msg(fabsl((long double)got - want) <= most, "%s: %s[%zu] is %.9g, want %.17Lg", name,
                  what, i, (double)got, want);
}

static void check_rows(size_t loss, const struct axon_loss_batch *b,
                       const struct axon_loss_options *o, const struct outcome *losses)
{
    bool places = references[loss].place != NULL;
    size_t rows = places ? b->rows * b->inner : b->rows;
    size_t width = places ? 1 : b->outputs * b->inner;

    for (size_t r = 0; r < rows; r++) {
        long double sum = 0, size = 0, share = o->reduction == AXON_REDUCTION_MEAN ? width : 1;

        for (size_t i = r * width; i < (r + 1) * width; i++) {
            check_float(loss_at(loss)->name, "losses", i, each[i], losses[i].loss, losses[i].size);
            sum += losses[i].loss;
            size += losses[i].size;
        }
        check_float(loss_at(loss)->name, "per_row", r, per_row[r], sum / share, size / share);
    }
}

static void check_batch(size_t loss, const struct axon_loss_batch *b,
                        const struct axon_loss_options *o)
{
    static struct outcome losses[VALUES_MAX];
    static long double slopes[VALUES_MAX];
    size_t count = b->rows * b->inner * (references[loss].place ? 1 : b->outputs);
    long double divisor = reference_divisor(loss, b, o), sum = 0, size = 0;
    struct axon_loss_result result = apply(loss_at(loss), b, o);

    reference_losses(loss, b, o, losses, slopes);
    check_rows(loss, b, o, losses);
    for (size_t i = 0; i < count; i++) {
        sum += losses[i].loss;
        size += losses[i].size;
    }
    if (divisor == 0) { /* all labels are ignored */
        ck_assert(isnan(result.loss));
        return;
    }
    ck_assert_msg(fabsl((long double)result.loss - sum / divisor) <=
                      2e-11L * size / divisor + 1e-17L,
                  "%s: loss %.17g, want %.17Lg", loss_at(loss)->name, result.loss, sum / divisor);
    for (size_t i = 0; i < b->rows * b->outputs * b->inner; i++)
        check_float(loss_at(loss)->name, "gradient", i, gradient[i], slopes[i] / divisor,
                    (1 + fabsl(slopes[i])) / divisor);
}

START_TEST(losses_and_gradient_are_those_of_the_formula)
{
    static const double scales[] = {0.1, 1, 5, 20};
    size_t loss = select_isa(_i);

    for (size_t outputs = 1; outputs <= OUTPUTS_MAX; outputs += outputs < 18 ? 1 : 5)
        for (size_t rows = 1; rows <= ROWS_MAX; rows += 8)
            for (int variant = 0; variant < VARIANTS; variant++) {
                static const size_t inners[] = {1, 3, 1, INNER_MAX};
                size_t inner = inners[(outputs + (size_t)variant / 2) % 4];
                struct axon_loss_options o;
                struct axon_loss_batch b = random_batch(loss_at(loss), rows, outputs, inner,
                                                        scales[(outputs + rows) % 4], variant, &o);

                check_batch(loss, &b, &o);
            }
}
END_TEST

/* Longer than any block; with logits of 0 every term of binary cross-entropy is as large as it can
 * be. */
START_TEST(a_row_may_be_long)
{
    enum { LONG = 5000 };
    static float x[LONG], y[LONG], v[LONG], g[LONG];
    static long double want[LONG];
    static struct outcome losses[LONG];
    size_t loss = select_isa(_i);
    const struct axon_loss *row = loss_at(loss);
    const int32_t label = 4321;
    struct axon_loss_batch b = {.rows = 1, .outputs = LONG, .inner = 1, .input = x};
    struct axon_loss_options o;

    axon_loss_defaults(row, &o);
    for (int scale = 0; scale < 12; scale += 4) {
        struct axon_loss_result result = {.gradient = g};
        long double sum = 0, size = 0, n = references[loss].place ? 1 : LONG;

        for (size_t i = 0; i < LONG; i++) {
            x[i] = (float)(scale * (2 * random_unit() - 1));
            y[i] = (float)random_target(row->target, 1, row->target == AXON_TARGET_SIGN);
            v[i] = 1;
        }
        b.labels = row->labels ? &label : NULL;
        b.targets = row->labels ? NULL : y;
        b.variances = row->variances ? v : NULL;
        ck_assert_int_eq(axon_loss_apply(row, &b, NULL, &result), AXON_OK);
        reference_losses(loss, &b, &o, losses, want);
        for (size_t i = 0; i < (size_t)n; i++) {
            sum += losses[i].loss;
            size += losses[i].size;
        }
        ck_assert_double_le(fabs(result.loss - (double)(sum / n)), 2e-11 * (double)(size / n));
        for (size_t i = 0; i < LONG; i++)
            check_float(row->name, "gradient", i, g[i], want[i] / n, (1 + fabsl(want[i])) / n);
    }
}
END_TEST

/* ---- what a value depends on ---- */

/* The row alone, out of a batch of which inner is 1. */
static struct axon_loss_batch row_of(const struct axon_loss_batch *b, size_t r)
{
    struct axon_loss_batch one = *b;

    one.rows = 1;
    one.input += r * b->outputs;
    one.targets += b->targets ? r * b->outputs : 0;
    one.labels += b->labels ? r : 0;
    one.variances += b->variances ? r * b->outputs : 0;
    return one;
}

/* More rows than a kernel takes at once, narrow ones and wide ones. */
START_TEST(the_loss_of_a_row_does_not_depend_on_the_rows_beside_it)
{
    enum { MANY = 300 };
    static float all[VALUES_MAX], slopes[VALUES_MAX];
    const struct axon_loss *loss = loss_at(select_isa(_i));

    for (size_t outputs = 1; outputs <= 18; outputs += outputs < 11 ? 3 : 1) {
        struct axon_loss_options o;
        struct axon_loss_batch b = random_batch(loss, MANY, outputs, 1, 5, (int)outputs % VARIANTS,
                                                &o);

        o.reduction = AXON_REDUCTION_SUM;
        apply(loss, &b, &o);
        memcpy(all, per_row, sizeof all);
        memcpy(slopes, gradient, sizeof slopes);
        for (size_t r = 0; r < MANY; r++) {
            struct axon_loss_batch one = row_of(&b, r);

            apply(loss, &one, &o);
            ck_assert_same(per_row[0], all[r]);
            ck_assert_mem_eq(gradient, slopes + r * outputs, outputs * sizeof *slopes);
        }
    }
}
END_TEST

START_TEST(pieces_of_any_size_give_the_same_bits)
{
    static float all[VALUES_MAX], slopes[VALUES_MAX];
    const struct axon_loss *loss = loss_at(select_isa(_i));

    for (int variant = 0; variant < VARIANTS; variant++) {
        struct axon_loss_options o;
        struct axon_loss_batch b = random_batch(loss, 5, 7, 1 + 2 * (size_t)variant % 3, 5, variant,
                                                &o);
        double whole = apply(loss, &b, &o).loss;

        memcpy(all, per_row, sizeof all);
        memcpy(slopes, gradient, sizeof slopes);
        for (size_t size = 0; size < 80; size += 13) {
            struct axon_loss_result result = {.per_row = per_row, .gradient = gradient};
            struct axon_loss_pass pass;

            ck_assert_int_eq(axon_loss_start(&pass, loss, &b, &o, &result, NULL), AXON_OK);
            while (axon_loss_advance(&pass, size))
                continue;
            ck_assert_same(result.loss, whole);
            ck_assert_mem_eq(per_row, all, sizeof all);
            ck_assert_mem_eq(gradient, slopes, sizeof slopes);
        }
    }
}
END_TEST

/* Has the loss a kink between x - h and x + h? There a slope is no difference. */
static bool has_kink(const struct axon_loss *loss)
{
    return strcmp(loss->name, "l1") == 0 || strcmp(loss->name, "huber") == 0 ||
           strcmp(loss->name, "smooth_l1") == 0 || strcmp(loss->name, "hinge") == 0;
}

/* Steps that are exact in float, the slope by Richardson: no room for a factor of rows or outputs.
 * One slope in ten may differ for a loss with a kink. */
START_TEST(the_gradient_is_the_slope_of_the_loss)
{
    enum { N = 30 };
    static const float steps[] = {0x1p-9f, -0x1p-9f, 0x1p-10f, -0x1p-10f};
    const struct axon_loss *loss = loss_at(select_isa(_i));

    for (int variant = 0; variant < VARIANTS; variant++) {
        struct axon_loss_options o;
        struct axon_loss_batch b = random_batch(loss, 3, 5, 2, 4, variant, &o);
        size_t off = 0;

        if (is_off(loss, &o, "from_logits") && loss->target == AXON_TARGET_DISTRIBUTION)
            continue; /* a step leaves the distributions */
        for (size_t i = 0; i < N; i++) {
            variances[i] = fmaxf(variances[i], 0.125f);
            input[i] = roundf(input[i] * 256) / 256 + (is_off(loss, &o, "log_input") ? 1 : 0);
        }
        for (size_t i = 0; i < N && is_off(loss, &o, "from_logits"); i++)
            input[i] = fminf(fmaxf(input[i], 0.125f), 0.875f);
        for (size_t i = 0; i < N; i++) {
            double mean[4], slope;
            float x = input[i], got;

            for (size_t k = 0; k < 4; k++) {
                input[i] = x + steps[k];
                mean[k] = apply(loss, &b, &o).loss;
            }
            input[i] = x;
            apply(loss, &b, &o);
            got = gradient[i];
            slope = (4 * (mean[2] - mean[3]) / 0x1p-9 - (mean[0] - mean[1]) / 0x1p-8) / 3;
            if (fabs(slope - (double)got) > 2e-7 * (1 + fabs(slope)))
                off++;
        }
        ck_assert_msg(off <= (has_kink(loss) ? N / 10 : 0), "%s, variant %d: %zu of %d slopes",
                      loss->name, variant, off, N);
    }
}
END_TEST

/* ---- NaN, and memory ---- */

START_TEST(nan_stays_in_its_row)
{
    const struct axon_loss *loss = loss_at(select_isa(_i));

    for (size_t k = 0; k < 4; k++) {
        struct axon_loss_options o;
        struct axon_loss_batch b = random_batch(loss, 3, 4, 1, 3, 0, &o);
        float clean[12];

        labels[0] = 0, labels[1] = (int32_t)k, labels[2] = 1;
        apply(loss, &b, &o);
        memcpy(clean, gradient, sizeof clean);
        input[4 + k] = NAN;
        ck_assert(isnan(apply(loss, &b, &o).loss));
        ck_assert(isfinite(per_row[0]) && isnan(per_row[1]) && isfinite(per_row[2]));
        ck_assert_mem_eq(gradient, clean, 4 * sizeof *clean);
        ck_assert_mem_eq(gradient + 8, clean + 8, 4 * sizeof *clean);
        for (size_t j = 4; j < 8 && loss->labels && !loss->labels_only; j++)
            ck_assert(isnan(gradient[j]));
        if (!loss->labels_only)
            ck_assert(isnan(gradient[4 + k]));
    }
}
END_TEST

START_TEST(the_gradient_may_take_the_place_of_what_it_comes_from)
{
    const struct axon_loss *loss = loss_at(select_isa(_i));

    for (int variant = 0; variant < VARIANTS; variant++) {
        struct axon_loss_options o;
        struct axon_loss_batch b = random_batch(loss, 9, 33, variant % 2 ? 3 : 1, 8, variant, &o);
        struct axon_loss_result in_place = {.gradient = input};
        size_t bytes = b.rows * b.outputs * b.inner * sizeof(float);
        static float copy[VALUES_MAX];

        memcpy(copy, input, sizeof copy);
        apply(loss, &b, &o);
        ck_assert_int_eq(axon_loss_apply(loss, &b, &o, &in_place), AXON_OK);
        ck_assert_mem_eq(input, gradient, bytes);
        memcpy(input, copy, sizeof copy);
        in_place.gradient = targets;
        if (b.targets) {
            ck_assert_int_eq(axon_loss_apply(loss, &b, &o, &in_place), AXON_OK);
            ck_assert_mem_eq(targets, gradient, bytes);
        }
    }
}
END_TEST

/* A copy of data that ends, or begins, where an unreadable page does; NULL of NULL. */
static float *guarded(struct guard *g, size_t count, int side, const void *data)
{
    *g = guard_create(count, (enum guard_side)side);
    if (data)
        memcpy(g->data, data, count * sizeof(float));
    return data ? g->data : NULL;
}

static void check_guarded(const struct axon_loss *loss, struct axon_loss_batch b,
                          struct axon_loss_options o, int side)
{
    struct guard g[9];
    size_t places = b.rows * b.inner, values = places * b.outputs, used = 0;
    size_t losses = loss->kind == AXON_LOSS_CLASSWISE ? places : values;
    size_t rows = loss->kind == AXON_LOSS_CLASSWISE ? places : b.rows;
    struct axon_loss_result result;

    b.input = guarded(&g[used++], values, side, b.input);
    b.targets = guarded(&g[used++], values, side, b.targets);
    b.labels = (const int32_t *)(const void *)guarded(&g[used++], places, side, b.labels);
    b.variances = guarded(&g[used++], values, side, b.variances);
    o.weight = guarded(&g[used++], b.outputs, side, o.weight);
    o.pos_weight = guarded(&g[used++], b.outputs, side, o.pos_weight);
    result.gradient = guarded(&g[used++], values, side, gradient);
    result.per_row = guarded(&g[used++], rows, side, per_row);
    result.losses = guarded(&g[used++], losses, side, each);
    ck_assert_int_eq(axon_loss_apply(loss, &b, &o, &result), AXON_OK);
    while (used > 0)
        guard_destroy(&g[--used]);
}

START_TEST(nothing_outside_of_the_buffers_is_touched)
{
    const struct axon_loss *loss = loss_at(select_isa(_i));

    for (int side = 0; side < GUARD_SIDES; side++)
        for (size_t outputs = 1; outputs < 20; outputs += 6)
            for (int variant = 0; variant < VARIANTS; variant += 3) {
                struct axon_loss_options o;
                struct axon_loss_batch b = random_batch(loss, 3, outputs, variant % 2 ? 1 : 5, 2,
                                                        variant, &o);

                check_guarded(loss, b, o, side);
            }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loss");
    TCase *each_loss = suite_case(suite, "every loss");
    size_t isas;

    axon_isa_list(&isas);
#define ADD(test) tcase_add_loop_test(each_loss, test, 0, (int)isas *LOSSES)
    ADD(losses_and_gradient_are_those_of_the_formula);
    ADD(a_row_may_be_long);
    ADD(the_loss_of_a_row_does_not_depend_on_the_rows_beside_it);
    ADD(pieces_of_any_size_give_the_same_bits);
    ADD(the_gradient_is_the_slope_of_the_loss);
    ADD(nan_stays_in_its_row);
    ADD(the_gradient_may_take_the_place_of_what_it_comes_from);
    ADD(nothing_outside_of_the_buffers_is_touched);
    return suite_run(suite);
}
