/* test_lib_softmax.c - the rowwise row, on every ISA: accuracy for any length, axis and
 * temperature, the masks and infinities of PyTorch, the vector-Jacobian product, buffer ends. */
#include <float.h>
#include <math.h>
#include <string.h>
#include "axon/activation.h"
#include "axon/cpu.h"
#include "../oracle/guard.h"
#include "../oracle/oracle.h"
#include "suite.h"

enum { LENGTH_MAX = 1024 };

static const struct axon_activation *softmax;

static void use_isa(int index)
{
    size_t count;
    const char *const *names = axon_isa_list(&count);

    ck_assert_int_eq(axon_isa_select(names[index]), AXON_OK);
    softmax = axon_activation_find("softmax");
}

/* Repeatable numbers in [-range, range). */
static void fill(float *x, size_t n, float range)
{
    static uint32_t state = 12345;

    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = range * ((float)(state >> 8) * 0x1p-23f - 1.0f);
    }
}

static void check_row(const float *x, const float *y, size_t n, double temperature)
{
    static long double want[LENGTH_MAX];

    oracle_softmax(x, n, temperature, want);
    for (size_t i = 0; i < n; i++) {
        double ulps = oracle_ulps(y[i], (double)want[i]);

        if (!(ulps <= (double)softmax->ulp_max))
            ck_abort_msg("softmax(%a) [%zu of %zu], temperature %g: %a, want %a: %.2f ulp",
                         (double)x[i], i, n, temperature, (double)y[i], (double)want[i], ulps);
    }
}

START_TEST(any_length_and_range_is_as_accurate_as_promised)
{
    static const size_t lengths[] = {1, 2, 3, 7, 8, 9, 10, 16, 17, 31, 100, 256, 1000, LENGTH_MAX};
    static const float ranges[] = {0.0f, 1e-3f, 1.0f, 10.0f, 60.0f, 200.0f, 1e6f, FLT_MAX};
    static float x[LENGTH_MAX], y[LENGTH_MAX];

    use_isa(_i);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
            struct axon_axis axis = {1, lengths[l], 1};

            fill(x, lengths[l], ranges[r]);
            ck_assert_int_eq(axon_activation_forward(softmax, x, y, axis, NULL, 0), AXON_OK);
            check_row(x, y, lengths[l], 1.0);
        }
}
END_TEST

START_TEST(temperatures_keep_the_accuracy)
{
    static const float temperatures[] = {1e-6f, 0.1f, 0.7f, 3.0f, 1000.0f, 1e6f};
    float x[50], y[50];
    struct axon_axis axis = {1, 50, 1};

    use_isa(_i);
    for (size_t t = 0; t < sizeof temperatures / sizeof *temperatures; t++) {
        fill(x, 50, 20.0f);
        ck_assert_int_eq(axon_activation_forward(softmax, x, y, axis, &temperatures[t], 1),
                         AXON_OK);
        check_row(x, y, 50, (double)temperatures[t]);
    }
}
END_TEST

/* Softmax along the middle axis equals softmax of each line taken out. */
static void check_axis(struct axon_axis axis)
{
    static float x[8192], y[8192], line[LENGTH_MAX], out[LENGTH_MAX];

    fill(x, axis.outer * axis.length * axis.inner, 8.0f);
    ck_assert_int_eq(axon_activation_forward(softmax, x, y, axis, NULL, 0), AXON_OK);
    for (size_t o = 0; o < axis.outer; o++)
        for (size_t n = 0; n < axis.inner; n++) {
            for (size_t i = 0; i < axis.length; i++) {
                line[i] = x[(o * axis.length + i) * axis.inner + n];
                out[i] = y[(o * axis.length + i) * axis.inner + n];
            }
            check_row(line, out, axis.length, 1.0);
        }
}

static const struct axon_axis axes[] = {{1, 1, 1},   {5, 10, 1}, {2, 3, 4},   {1, 10, 16},
                                        {3, 7, 17},  {2, 1, 9},  {1, 300, 2}, {4, 5, 33},
                                        {2, 64, 31}, {9, 17, 1}};

START_TEST(any_axis_will_do)
{
    use_isa(_i);
    for (size_t a = 0; a < sizeof axes / sizeof *axes; a++)
        check_axis(axes[a]);
}
END_TEST

START_TEST(masked_entries_are_exactly_zero_and_the_rest_sums_to_one)
{
    float x[40], y[40];
    struct axon_axis axis = {1, 40, 1};
    double sum = 0;

    use_isa(_i);
    fill(x, 40, 3.0f);
    for (size_t i = 0; i < 40; i += 3)
        x[i] = -INFINITY;
    ck_assert_int_eq(axon_activation_forward(softmax, x, y, axis, NULL, 0), AXON_OK);
    check_row(x, y, 40, 1.0);
    for (size_t i = 0; i < 40; i++) {
        sum += (double)y[i];
        ck_assert(i % 3 != 0 || (y[i] == 0.0f && !signbit(y[i])));
    }
    ck_assert_double_eq_tol(sum, 1.0, 1e-6);
}
END_TEST

/* Every value of the row is NaN, and the rows beside it are not touched by that. */
static void check_nan_row(const float *bad_row, size_t n, size_t inner)
{
    float x[3 * 40], y[3 * 40];
    struct axon_axis axis = {inner == 1 ? 3 : 1, n, inner};

    fill(x, 3 * n, 2.0f);
    for (size_t i = 0; i < n; i++)
        x[inner == 1 ? n + i : i * inner + 1] = bad_row[i];
    ck_assert_int_eq(axon_activation_forward(softmax, x, y, axis, NULL, 0), AXON_OK);
    for (size_t i = 0; i < 3 * n; i++) {
        int bad = inner == 1 ? i / n == 1 : i % inner == 1;

        ck_assert_msg(!isnan(y[i]) == !bad, "element %zu of inner %zu is %g", i, inner,
                      (double)y[i]);
    }
}

START_TEST(nan_plus_infinity_and_all_minus_infinity_give_nan_in_their_row_only)
{
    float row[40] = {0};

    use_isa(_i);
    for (size_t n = 1; n <= 40; n += 13)
        for (size_t inner = 1; inner <= 3; inner += 2) {
            for (size_t i = 0; i < n; i++)
                row[i] = -INFINITY;
            check_nan_row(row, n, inner);
            fill(row, n, 1.0f);
            row[n / 2] = INFINITY;
            check_nan_row(row, n, inner);
            row[n / 2] = NAN;
            check_nan_row(row, n, inner);
        }
}
END_TEST

static void check_gradient(struct axon_axis axis, float temperature)
{
    static float x[8192], u[8192], dx[8192], line[LENGTH_MAX], up[LENGTH_MAX];
    static long double want[LENGTH_MAX], condition[LENGTH_MAX];

    fill(x, axis.outer * axis.length * axis.inner, 5.0f);
    fill(u, axis.outer * axis.length * axis.inner, 2.0f);
    ck_assert_int_eq(axon_activation_gradient(softmax, x, u, dx, axis, &temperature, 1), AXON_OK);
    for (size_t o = 0; o < axis.outer; o++)
        for (size_t n = 0; n < axis.inner; n++) {
            for (size_t i = 0; i < axis.length; i++) {
                line[i] = x[(o * axis.length + i) * axis.inner + n];
                up[i] = u[(o * axis.length + i) * axis.inner + n];
            }
            oracle_softmax_gradient(line, up, axis.length, (double)temperature, want, condition);
            for (size_t i = 0; i < axis.length; i++) {
                float got = dx[(o * axis.length + i) * axis.inner + n];

                /* rounded once, plus what u_i - sum u_j p_j loses by cancellation in double */
                ck_assert_double_le(
                    fabs((double)(got - want[i])),
                    (double)(0x1p-23L * fabsl(want[i]) + 0x1p-32L * condition[i] + 0x1p-149L));
            }
        }
}

START_TEST(the_gradient_is_the_vector_jacobian_product)
{
    use_isa(_i);
    for (size_t a = 0; a < sizeof axes / sizeof *axes; a++) {
        check_gradient(axes[a], 1.0f);
        check_gradient(axes[a], 2.5f);
    }
}
END_TEST

START_TEST(the_gradient_may_be_written_over_either_input)
{
    float x[60], u[60], dx[60], copy[60];

    use_isa(_i);
    for (size_t inner = 1; inner <= 4; inner += 3) {
        struct axon_axis axis = {1, 60 / inner, inner};

        fill(x, 60, 3.0f);
        fill(u, 60, 3.0f);
        axon_activation_gradient(softmax, x, u, dx, axis, NULL, 0);
        memcpy(copy, x, sizeof x);
        axon_activation_gradient(softmax, copy, u, copy, axis, NULL, 0);
        ck_assert_mem_eq(copy, dx, sizeof dx);
        memcpy(copy, u, sizeof u);
        axon_activation_gradient(softmax, x, copy, copy, axis, NULL, 0);
        ck_assert_mem_eq(copy, dx, sizeof dx);
        memcpy(copy, x, sizeof x);
        axon_activation_forward(softmax, x, dx, axis, NULL, 0);
        axon_activation_forward(softmax, copy, copy, axis, NULL, 0);
        ck_assert_mem_eq(copy, dx, sizeof dx);
    }
}
END_TEST

START_TEST(the_gradient_needs_an_upstream)
{
    float x = 1, dx = 5;

    use_isa(0);
    ck_assert_int_eq(
        axon_activation_gradient(softmax, &x, NULL, &dx, (struct axon_axis){1, 1, 1}, NULL, 0),
        AXON_EPARAM);
    ck_assert_same(dx, 5.0f);
}
END_TEST

static void check_bounds(struct axon_axis axis, enum guard_side side)
{
    size_t n = axis.outer * axis.length * axis.inner;
    struct guard x = guard_create(n, side), u = guard_create(n, side), y = guard_create(n, side);

    fill(x.data, n, 2.0f);
    fill(u.data, n, 2.0f);
    ck_assert_int_eq(axon_activation_forward(softmax, x.data, y.data, axis, NULL, 0), AXON_OK);
    ck_assert_int_eq(axon_activation_gradient(softmax, x.data, u.data, y.data, axis, NULL, 0),
                     AXON_OK);
    guard_destroy(&x);
    guard_destroy(&u);
    guard_destroy(&y);
}

START_TEST(nothing_outside_of_the_buffers_is_touched)
{
    use_isa(_i);
    for (size_t n = 1; n <= 35; n++)
        for (int side = 0; side < GUARD_SIDES; side++) {
            check_bounds((struct axon_axis){2, n, 1}, (enum guard_side)side);
            check_bounds((struct axon_axis){2, 3, n}, (enum guard_side)side);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("softmax");
    TCase *tcase = suite_case(suite, "every ISA");
    size_t count;

    axon_isa_list(&count);
    tcase_add_loop_test(tcase, any_length_and_range_is_as_accurate_as_promised, 0, (int)count);
    tcase_add_loop_test(tcase, temperatures_keep_the_accuracy, 0, (int)count);
    tcase_add_loop_test(tcase, any_axis_will_do, 0, (int)count);
    tcase_add_loop_test(tcase, masked_entries_are_exactly_zero_and_the_rest_sums_to_one, 0,
                        (int)count);
    tcase_add_loop_test(tcase, nan_plus_infinity_and_all_minus_infinity_give_nan_in_their_row_only,
                        0, (int)count);
    tcase_add_loop_test(tcase, the_gradient_is_the_vector_jacobian_product, 0, (int)count);
    tcase_add_loop_test(tcase, the_gradient_may_be_written_over_either_input, 0, (int)count);
    tcase_add_test(tcase, the_gradient_needs_an_upstream);
    tcase_add_loop_test(tcase, nothing_outside_of_the_buffers_is_touched, 0, (int)count);
    return suite_run(suite);
}
