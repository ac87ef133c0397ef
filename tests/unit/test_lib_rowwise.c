/* test_lib_rowwise.c - every rowwise row on every ISA: accuracy for any length, axis and
 * temperature, masks and infinities as PyTorch has them, the vector-Jacobian product, independence
 * of layout and neighbours, buffer ends. */
#include "test_lib_lines.h"

enum { LENGTH_MAX = 1024, LONG = 1 << 20 };

static int is(const struct axon_activation *act, const char *name)
{
    return strcmp(act->name, name) == 0;
}

/* act's y of x [n] as the header promises it. */
static void check_row(const struct axon_activation *act, const float *x, const float *y, size_t n,
                      const float *temperature)
{
    static double wide[LONG], p[AXON_PARAMETERS_MAX];
    static long double want[LONG];
    double limit = act->ulp_max > 0.0f ? (double)act->ulp_max : 0.5;

    to_double(x, n, wide);
    oracle_parameters(act, temperature, p);
    oracle_line_for(act)->forward(wide, n, p, want);
    for (size_t i = 0; i < n; i++)
        if (!(oracle_ulps(y[i], (double)want[i]) <= limit) &&
            !(is(act, "sparsemax") && fabsl(y[i] - want[i]) <= 0x1p-50L))
            ck_abort_msg("%s(%a) [%zu of %zu]: %a, want %La: %.2f ulp", act->name, (double)x[i], i,
                         n, (double)y[i], want[i], oracle_ulps(y[i], (double)want[i]));
}

static void run(const struct axon_activation *act, const float *x, float *y, size_t n,
                const float *temperature)
{
    struct axon_axis axis = {1, n, 1};

    ck_assert_int_eq(axon_activation_forward(act, x, y, axis, temperature, temperature ? 1 : 0),
                     AXON_OK);
}

/* ---- accuracy ---- */

START_TEST(any_length_and_range_is_as_accurate_as_promised)
{
    static const size_t lengths[] = {1, 2, 3, 7, 8, 9, 10, 16, 17, 31, 100, 256, 1000, LENGTH_MAX};
    static const float ranges[] = {0.0f,  1e-42f, 1e-3f, 0.5f,   1.0f, 3.0f,
                                   10.0f, 60.0f,  90.0f, 200.0f, 1e6f, FLT_MAX};
    static float x[LENGTH_MAX], y[LENGTH_MAX];
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
            fill(x, lengths[l], ranges[r]);
            run(act, x, y, lengths[l], NULL);
            check_row(act, x, y, lengths[l], NULL);
        }
}
END_TEST

START_TEST(a_row_of_a_million_is_as_accurate_as_promised)
{
    static float x[LONG], y[LONG];
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    for (float range = 1e-7f; range < 50.0f; range *= 3e3f) {
        fill(x, LONG, range);
        run(act, x, y, LONG, NULL);
        check_row(act, x, y, LONG, NULL);
    }
}
END_TEST

/* One value far above the others: what is left of log_softmax's top is the others' sum. */
START_TEST(a_row_that_one_value_dominates_is_as_accurate_as_promised)
{
    float x[40], y[40];
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    for (float gap = 0.0f; gap < 120.0f; gap += 0.37f)
        for (size_t n = 2; n <= 40; n += 19) {
            fill(x, n, 0.5f);
            x[n / 2] = gap;
            run(act, x, y, n, NULL);
            check_row(act, x, y, n, NULL);
            for (size_t i = 0; i < n; i++)
                x[i] = -x[i]; /* the same for softmin */
            run(act, x, y, n, NULL);
            check_row(act, x, y, n, NULL);
        }
}
END_TEST

START_TEST(temperatures_keep_the_accuracy)
{
    static const float temperatures[] = {1e-6f, 0.1f, 0.7f, 3.0f, 1000.0f, 1e6f};
    float x[50], y[50];
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    if (act->parameters_count == 0)
        return;
    for (size_t t = 0; t < sizeof temperatures / sizeof *temperatures; t++)
        for (size_t n = 5; n <= 50; n += 45) {
            fill(x, n, 20.0f);
            run(act, x, y, n, &temperatures[t]);
            check_row(act, x, y, n, &temperatures[t]);
        }
}
END_TEST

/* Newton's method for sparsemax takes the most steps when each drops few elements. */
START_TEST(geometric_rows_are_projected_exactly)
{
    static float x[LENGTH_MAX], y[LENGTH_MAX];
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    if (!is(act, "sparsemax"))
        return;
    for (double ratio = 0.5; ratio < 0.9999; ratio = 1 - (1 - ratio) / 1.7) {
        double value = 1, sum = 0;

        for (size_t i = 0; i < LENGTH_MAX; i++, value *= ratio)
            x[i] = -(float)value;
        run(act, x, y, LENGTH_MAX, NULL);
        check_row(act, x, y, LENGTH_MAX, NULL);
        for (size_t i = 0; i < LENGTH_MAX; i++)
            sum += (double)y[i];
        ck_assert_double_eq_tol(sum, 1.0, 1e-6);
    }
}
END_TEST

START_TEST(known_values_are_met)
{
    static const struct {
        const char *name;
        size_t n;
        float x[4], y[4];
    } cases[] = {
        {"log_softmax", 2, {1000, 0}, {0, -1000}},
        {"log_softmax", 1, {7}, {0}},
        {"log_softmax", 2, {50, 0}, {-1.928749847963918e-22f, -50}},
        {"log_softmax", 2, {0, -INFINITY}, {0, -INFINITY}},
        {"log_softmax", 4, {2, 2, 2, 2}, {-1.3862944f, -1.3862944f, -1.3862944f, -1.3862944f}},
        {"softmax", 2, {1000, 0}, {1, 0}},
        {"softmax", 2, {0, -100}, {1, 3.783506e-44f}}, /* a subnormal */
        {"softmin", 2, {1000, 0}, {0, 1}},
        {"softmin", 3, {INFINITY, 0, 0}, {0, 0.5f, 0.5f}},
        {"sparsemax", 3, {0.5f, 0.5f, -1}, {0.5f, 0.5f, 0}},
        {"sparsemax", 2, {2, 1}, {1, 0}},
        {"sparsemax", 2, {0.25f, 0}, {0.625f, 0.375f}},
        {"hardmax", 4, {1, 3, 3, 2}, {0, 1, 0, 0}},
        {"hardmax", 3, {-INFINITY, -INFINITY, -INFINITY}, {1, 0, 0}},
        {"hardmax", 3, {0, INFINITY, INFINITY}, {0, 1, 0}},
    };
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);
    float y[4];

    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        if (is(act, cases[c].name)) {
            run(act, cases[c].x, y, cases[c].n, NULL);
            for (size_t i = 0; i < cases[c].n; i++)
                ck_assert_msg(y[i] == cases[c].y[i], "%s, case %zu: y[%zu] is %.9g, not %.9g",
                              act->name, c, i, (double)y[i], (double)cases[c].y[i]);
        }
}
END_TEST

/* ---- layout ---- */

static const struct axon_axis axes[] = {{1, 1, 1},   {5, 10, 1}, {2, 3, 4},   {1, 10, 16},
                                        {3, 7, 17},  {2, 1, 9},  {1, 300, 2}, {4, 5, 33},
                                        {2, 64, 31}, {9, 17, 1}, {1, 16, 8},  {2, 33, 3},
                                        {35, 10, 1}, {50, 4, 1}, {34, 90, 1}, {3, 11, 20}};

enum { AXES = sizeof axes / sizeof *axes, TENSOR_MAX = 1 << 14 };
/* Longer than what softmax sums up in floats. */
static const struct axon_axis long_axis = {1, 5000, 3};

/* To the bit, but for the sign and payload of a NaN. */
static void check_same_bits(const struct axon_activation *act, const float *got, const float *want,
                            size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(memcmp(&got[i], &want[i], sizeof *got) == 0 ||
                          (isnan(got[i]) && isnan(want[i])),
                      "%s: [%zu of %zu] is %a in its company, %a alone", act->name, i, n,
                      (double)got[i], (double)want[i]);
}

/* Values of all sizes, and a few rows with NaN, infinities and masks. */
static void fill_wild(float *x, size_t n)
{
    fill(x, n, 3.0f);
    for (size_t i = 0; i < n; i++)
        x[i] *= i % 5 == 0 ? 40.0f : 1.0f;
    for (size_t i = 70; i < n; i += 91)
        x[i] = i % 2 ? -INFINITY : i % 3 ? INFINITY : NAN;
}

START_TEST(a_row_is_bitwise_the_same_alone_and_along_any_axis)
{
    static float x[TENSOR_MAX], u[TENSOR_MAX], y[TENSOR_MAX], dx[TENSOR_MAX];
    static float line[TENSOR_MAX], up[TENSOR_MAX], out[TENSOR_MAX], alone[TENSOR_MAX];
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    for (size_t a = 0; a <= AXES; a++) {
        struct axon_axis axis = a < AXES ? axes[a] : long_axis, one = {1, axis.length, 1};

        fill_wild(x, size_of(axis));
        fill(u, size_of(axis), 2.0f);
        ck_assert_int_eq(axon_activation_forward(act, x, y, axis, NULL, 0), AXON_OK);
        ck_assert_int_eq(axon_activation_gradient(act, x, u, dx, axis, NULL, 0), AXON_OK);
        for (size_t o = 0; o < axis.outer; o++)
            for (size_t n = 0; n < axis.inner; n++) {
                take_line(x, axis, o, n, line);
                take_line(u, axis, o, n, up);
                axon_activation_forward(act, line, alone, one, NULL, 0);
                take_line(y, axis, o, n, out);
                check_same_bits(act, out, alone, axis.length);
                axon_activation_gradient(act, line, up, alone, one, NULL, 0);
                take_line(dx, axis, o, n, out);
                check_same_bits(act, out, alone, axis.length);
            }
    }
}
END_TEST

START_TEST(alignment_does_not_matter)
{
    float x[70], y[70], shifted[70], u[70];
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    for (size_t n = 1; n <= 64; n += 9)
        for (size_t offset = 1; offset <= 5; offset += 2) {
            fill(x, n, 3.0f);
            fill(u + offset, n, 3.0f);
            run(act, x, y, n, NULL);
            memcpy(shifted + offset, x, n * sizeof *x);
            run(act, shifted + offset, shifted + offset, n, NULL);
            ck_assert_mem_eq(shifted + offset, y, n * sizeof *y);
            ck_assert_int_eq(axon_activation_gradient(act, x, u + offset, shifted + offset,
                                                      (struct axon_axis){1, n, 1}, NULL, 0),
                             AXON_OK);
        }
}
END_TEST

/* ---- masks, infinities, NaN ---- */

START_TEST(masked_entries_are_exactly_zero_and_the_rest_sums_to_one)
{
    float x[40], y[40];
    double sum = 0;
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);
    float mask = is(act, "softmin") ? INFINITY : -INFINITY;

    if (is(act, "log_softmax"))
        return;
    fill(x, 40, 3.0f);
    for (size_t i = 0; i < 40; i += 3)
        x[i] = mask;
    run(act, x, y, 40, NULL);
    check_row(act, x, y, 40, NULL);
    for (size_t i = 0; i < 40; i++) {
        sum += (double)y[i];
        ck_assert(i % 3 != 0 || (y[i] == 0.0f && !signbit(y[i])));
    }
    ck_assert_double_eq_tol(sum, 1.0, 1e-6);
}
END_TEST

/* Every value of the row is NaN, forward and backward, and the rows beside it are not touched. */
static void check_nan_row(const struct axon_activation *act, const float *bad_row, size_t n,
                          size_t inner)
{
    float x[3 * 40], y[3 * 40], u[3 * 40], dx[3 * 40];
    struct axon_axis axis = {inner == 1 ? 3 : 1, n, inner};

    fill(x, 3 * n, 2.0f);
    fill(u, 3 * n, 2.0f);
    for (size_t i = 0; i < n; i++)
        x[inner == 1 ? n + i : i * inner + 1] = bad_row[i];
    ck_assert_int_eq(axon_activation_forward(act, x, y, axis, NULL, 0), AXON_OK);
    ck_assert_int_eq(axon_activation_gradient(act, x, u, dx, axis, NULL, 0), AXON_OK);
    for (size_t i = 0; i < 3 * n; i++) {
        int bad = inner == 1 ? i / n == 1 : i % inner == 1;

        ck_assert_msg(!isnan(y[i]) == !bad && !isnan(dx[i]) == !bad,
                      "%s: element %zu of inner %zu is %g, its gradient %g", act->name, i, inner,
                      (double)y[i], (double)dx[i]);
    }
}

START_TEST(a_row_without_an_answer_is_nan_and_no_other_row_is)
{
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);
    float row[40] = {0}, winner = is(act, "softmin") ? -INFINITY : INFINITY;

    for (size_t n = 1; n <= 40; n += 13)
        for (size_t inner = 1; inner <= 3; inner += 2) {
            fill(row, n, 1.0f);
            row[n / 2] = NAN;
            check_nan_row(act, row, n, inner);
            if (is(act, "hardmax"))
                continue; /* has an answer for infinities: known_values_are_met */
            row[n / 2] = winner;
            check_nan_row(act, row, n, inner);
            for (size_t i = 0; i < n; i++)
                row[i] = -winner;
            check_nan_row(act, row, n, inner);
        }
}
END_TEST

/* ---- the vector-Jacobian product ---- */

static void check_gradient(const struct axon_activation *act, struct axon_axis axis,
                           const float *temperature)
{
    static float x[TENSOR_MAX], u[TENSOR_MAX], dx[TENSOR_MAX], line[LENGTH_MAX];
    static double wide[LENGTH_MAX], up[LENGTH_MAX];
    static long double want[LENGTH_MAX], condition[LENGTH_MAX];
    double p[AXON_PARAMETERS_MAX];

    fill(x, size_of(axis), is(act, "sparsemax") ? 0.3f : 5.0f);
    fill(u, size_of(axis), 2.0f);
    oracle_parameters(act, temperature, p);
    ck_assert_int_eq(
        axon_activation_gradient(act, x, u, dx, axis, temperature, temperature ? 1 : 0), AXON_OK);
    for (size_t o = 0; o < axis.outer; o++)
        for (size_t n = 0; n < axis.inner; n++) {
            take_line(x, axis, o, n, line);
            to_double(line, axis.length, wide);
            take_line(u, axis, o, n, line);
            to_double(line, axis.length, up);
            oracle_line_for(act)->product(wide, up, axis.length, p, want, condition);
            take_line(dx, axis, o, n, line);
            check_product(act, line, want, condition, axis.length);
        }
}

START_TEST(the_gradient_is_the_vector_jacobian_product)
{
    const float temperatures[] = {2.5f, 0.3f};
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    for (size_t a = 0; a < AXES; a++) {
        check_gradient(act, axes[a], NULL);
        for (size_t t = 0; act->parameters_count > 0 && t < 2; t++)
            check_gradient(act, axes[a], &temperatures[t]);
    }
}
END_TEST

START_TEST(the_oracle_agrees_with_finite_differences)
{
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);
    float x[9], u[9];
    double wide[9], up[9];

    for (int round = 0; round < 20; round++) {
        fill(x, 9, 0.7f);
        fill(u, 9, 2.0f);
        to_double(x, 9, wide);
        to_double(u, 9, up);
        check_differences(act, wide, 9, up, 9);
    }
}
END_TEST

/* ---- buffers ---- */

START_TEST(the_output_may_be_written_over_either_input)
{
    float x[60], u[60], dx[60], copy[60];
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    for (size_t inner = 1; inner <= 12; inner += inner == 1 ? 3 : 8) {
        struct axon_axis axis = {1, 60 / inner, inner};

        fill(x, 60, 3.0f);
        fill(u, 60, 3.0f);
        axon_activation_gradient(act, x, u, dx, axis, NULL, 0);
        memcpy(copy, x, sizeof x);
        ck_assert_int_eq(axon_activation_gradient(act, copy, u, copy, axis, NULL, 0), AXON_OK);
        ck_assert_mem_eq(copy, dx, sizeof dx);
        memcpy(copy, u, sizeof u);
        ck_assert_int_eq(axon_activation_gradient(act, x, copy, copy, axis, NULL, 0), AXON_OK);
        ck_assert_mem_eq(copy, dx, sizeof dx);
        memcpy(copy, x, sizeof x);
        axon_activation_forward(act, x, dx, axis, NULL, 0);
        ck_assert_int_eq(axon_activation_forward(act, copy, copy, axis, NULL, 0), AXON_OK);
        ck_assert_mem_eq(copy, dx, sizeof dx);
    }
}
END_TEST

START_TEST(buffers_that_overlap_otherwise_are_refused)
{
    float x[20] = {0}, u[20] = {0}, y[20] = {0}, *out[] = {x + 1, x + 9};
    struct axon_axis axis = {2, 5, 1};
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(axon_activation_forward(act, x, out[i], axis, NULL, 0), AXON_EOVERLAP);
        ck_assert_int_eq(axon_activation_forward(act, out[i], x, axis, NULL, 0), AXON_EOVERLAP);
        ck_assert_int_eq(axon_activation_gradient(act, x, u, out[i], axis, NULL, 0), AXON_EOVERLAP);
        ck_assert_int_eq(axon_activation_gradient(act, u, x, out[i], axis, NULL, 0), AXON_EOVERLAP);
        ck_assert_int_eq(axon_activation_forward(act, x, x + 10, axis, NULL, 0), AXON_OK);
        ck_assert_int_eq(axon_activation_gradient(act, x, x, y, axis, NULL, 0), AXON_OK);
    }
}
END_TEST

START_TEST(the_gradient_needs_an_upstream)
{
    float x = 1, dx = 5;
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    ck_assert_int_eq(
        axon_activation_gradient(act, &x, NULL, &dx, (struct axon_axis){1, 1, 1}, NULL, 0),
        AXON_EPARAM);
    ck_assert_same(dx, 5.0f);
}
END_TEST

static void check_bounds(const struct axon_activation *act, struct axon_axis axis,
                         enum guard_side side)
{
    size_t n = size_of(axis);
    struct guard x = guard_create(n, side), u = guard_create(n, side), y = guard_create(n, side);

    fill(x.data, n, 2.0f);
    fill(u.data, n, 2.0f);
    ck_assert_int_eq(axon_activation_forward(act, x.data, y.data, axis, NULL, 0), AXON_OK);
    ck_assert_int_eq(axon_activation_gradient(act, x.data, u.data, y.data, axis, NULL, 0), AXON_OK);
    guard_destroy(&x);
    guard_destroy(&u);
    guard_destroy(&y);
}

START_TEST(nothing_outside_of_the_buffers_is_touched)
{
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    for (size_t n = 1; n <= 35; n++)
        for (int side = 0; side < GUARD_SIDES; side++) {
            check_bounds(act, (struct axon_axis){2, n, 1}, (enum guard_side)side);
            check_bounds(act, (struct axon_axis){2, 3, n}, (enum guard_side)side);
        }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        any_length_and_range_is_as_accurate_as_promised,
        a_row_of_a_million_is_as_accurate_as_promised,
        a_row_that_one_value_dominates_is_as_accurate_as_promised,
        temperatures_keep_the_accuracy,
        geometric_rows_are_projected_exactly,
        known_values_are_met,
        a_row_is_bitwise_the_same_alone_and_along_any_axis,
        alignment_does_not_matter,
        masked_entries_are_exactly_zero_and_the_rest_sums_to_one,
        a_row_without_an_answer_is_nan_and_no_other_row_is,
        the_gradient_is_the_vector_jacobian_product,
        the_oracle_agrees_with_finite_differences,
        the_output_may_be_written_over_either_input,
        buffers_that_overlap_otherwise_are_refused,
        the_gradient_needs_an_upstream,
        nothing_outside_of_the_buffers_is_touched,
    };
    Suite *suite = suite_create("rowwise");
    TCase *tcase = suite_case(suite, "every row on every ISA");

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_loop_test(tcase, tests[i], 0, rows_on_isas(AXON_ROWWISE));
    return suite_run(suite);
}
