/* test_lib_gated.c - every gated row on every ISA: the halved axis, accuracy, infinities and NaN,
 * both halves of the gradient, what is refused, buffer ends. */
#include "test_lib_lines.h"

static const struct axon_axis axes[] = {{1, 2, 1},  {3, 10, 1}, {2, 4, 5},   {1, 2, 16},
                                        {3, 6, 17}, {1, 34, 1}, {7, 2, 1},   {2, 64, 3},
                                        {1, 2, 99}, {4, 32, 1}, {1, 1000, 1}};

enum { AXES = sizeof axes / sizeof *axes, TENSOR_MAX = 1024 };

/* act's y of one line x [n], y [n / 2], as the header promises it. */
static void check_line(const struct axon_activation *act, const float *x, const float *y, size_t n)
{
    double wide[TENSOR_MAX], limit = act->ulp_max > 0.0f ? (double)act->ulp_max : 0.5;
    long double want[TENSOR_MAX];

    to_double(x, n, wide);
    oracle_line_for(act)->forward(wide, n, NULL, want);
    for (size_t i = 0; i < n / 2; i++)
        if (!(oracle_ulps(y[i], (double)want[i]) <= limit))
            ck_abort_msg("%s(%a, %a): %a, want %La: %.3f ulp", act->name, (double)x[i],
                         (double)x[n / 2 + i], (double)y[i], want[i],
                         oracle_ulps(y[i], (double)want[i]));
}

static void run(const struct axon_activation *act, const float *x, float *y, size_t n)
{
    ck_assert_int_eq(axon_activation_forward(act, x, y, (struct axon_axis){1, n, 1}, NULL, 0),
                     AXON_OK);
}

START_TEST(any_axis_is_halved)
{
    float x[TENSOR_MAX], y[TENSOR_MAX], line[TENSOR_MAX], out[TENSOR_MAX];
    const struct axon_activation *act = row_on_isa(_i, AXON_GATED);

    for (size_t a = 0; a < AXES; a++) {
        struct axon_axis half = axon_activation_output(act, axes[a]);

        ck_assert_uint_eq(half.length, axes[a].length / 2);
        ck_assert_uint_eq(half.outer * half.inner, axes[a].outer * axes[a].inner);
        fill(x, size_of(axes[a]), 6.0f);
        ck_assert_int_eq(axon_activation_forward(act, x, y, axes[a], NULL, 0), AXON_OK);
        for (size_t o = 0; o < half.outer; o++)
            for (size_t n = 0; n < half.inner; n++) {
                take_line(x, axes[a], o, n, line);
                take_line(y, half, o, n, out);
                check_line(act, line, out, axes[a].length);
            }
    }
}
END_TEST

/* Gates far below the floats times values that bring the product back, and every size between. */
START_TEST(any_range_is_as_accurate_as_promised)
{
    static const float values[] = {1e-42f, 1e-20f, 1.0f, 1e20f, FLT_MAX};
    static const float gates[] = {1e-42f, 1e-6f, 0.3f, 2.0f, 10.0f, 30.0f, 120.0f, 250.0f, FLT_MAX};
    float x[200], y[100];
    const struct axon_activation *act = row_on_isa(_i, AXON_GATED);

    for (size_t v = 0; v < sizeof values / sizeof *values; v++)
        for (size_t g = 0; g < sizeof gates / sizeof *gates; g++) {
            fill(x, 100, values[v]);
            fill(x + 100, 100, gates[g]);
            run(act, x, y, 200);
            check_line(act, x, y, 200);
        }
    for (float b = -200.0f; b < 40.0f; b += 0.0917f) {
        float pair[2] = {3.1e38f, b};

        run(act, pair, y, 2);
        check_line(act, pair, y, 2);
    }
}
END_TEST

START_TEST(infinities_and_nan_are_those_of_pytorch)
{
    /* a, b, and y of glu, reglu, geglu, swiglu */
    static const float cases[][6] = {
        {3, INFINITY, 3, INFINITY, INFINITY, INFINITY},
        {3, -INFINITY, 0, 0, 0, 0},
        {INFINITY, 1, INFINITY, INFINITY, INFINITY, INFINITY},
        {INFINITY, -INFINITY, NAN, NAN, NAN, NAN},
        {NAN, 1, NAN, NAN, NAN, NAN},
        {1, NAN, NAN, NAN, NAN, NAN},
        {0, INFINITY, 0, NAN, NAN, NAN},
    };
    static const char *const names[] = {"glu", "reglu", "geglu", "swiglu"};
    const struct axon_activation *act = row_on_isa(_i, AXON_GATED);
    size_t column = 0;

    while (column < 4 && strcmp(names[column], act->name) != 0)
        column++;
    ck_assert_uint_lt(column, 4);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        float want = cases[c][2 + column], y;

        run(act, cases[c], &y, 2);
        ck_assert_msg(isnan(want) ? isnan(y) : y == want, "%s(%g, %g) is %g", act->name,
                      (double)cases[c][0], (double)cases[c][1], (double)y);
    }
}
END_TEST

START_TEST(a_value_does_not_depend_on_its_place)
{
    float x[140], y[70], u[70], dx[140];
    const struct axon_activation *act = row_on_isa(_i, AXON_GATED);
    struct axon_axis all = {1, 140, 1}, one = {1, 2, 1};

    fill(x, 140, 4.0f);
    fill(u, 70, 2.0f);
    run(act, x, y, 140);
    ck_assert_int_eq(axon_activation_gradient(act, x, u, dx, all, NULL, 0), AXON_OK);
    for (size_t i = 0; i < 70; i++) {
        float pair[2] = {x[i], x[70 + i]}, alone, slopes[2];

        run(act, pair, &alone, 2);
        ck_assert_same(alone, y[i]);
        ck_assert_int_eq(axon_activation_gradient(act, pair, &u[i], slopes, one, NULL, 0), AXON_OK);
        ck_assert_same(slopes[0], dx[i]);
        ck_assert_same(slopes[1], dx[70 + i]);
    }
}
END_TEST

START_TEST(the_gradient_is_the_vector_jacobian_product)
{
    float x[TENSOR_MAX], u[TENSOR_MAX], dx[TENSOR_MAX], line[TENSOR_MAX];
    double wide[TENSOR_MAX], up[TENSOR_MAX];
    long double want[TENSOR_MAX], condition[TENSOR_MAX];
    const struct axon_activation *act = row_on_isa(_i, AXON_GATED);

    for (size_t a = 0; a < AXES; a++) {
        struct axon_axis axis = axes[a], half = axon_activation_output(act, axis);

        fill(x, size_of(axis), 6.0f);
        fill(u, size_of(half), 2.0f);
        ck_assert_int_eq(axon_activation_gradient(act, x, u, dx, axis, NULL, 0), AXON_OK);
        for (size_t o = 0; o < axis.outer; o++)
            for (size_t n = 0; n < axis.inner; n++) {
                take_line(x, axis, o, n, line);
                to_double(line, axis.length, wide);
                take_line(u, half, o, n, line);
                to_double(line, half.length, up);
                oracle_line_for(act)->product(wide, up, axis.length, NULL, want, condition);
                take_line(dx, axis, o, n, line);
                check_product(act, line, want, condition, axis.length);
            }
    }
}
END_TEST

START_TEST(the_oracle_agrees_with_finite_differences)
{
    const struct axon_activation *act = row_on_isa(_i, AXON_GATED);
    float x[10], u[5];
    double wide[10], up[5];

    for (int round = 0; round < 20; round++) {
        fill(x, 10, 3.0f);
        fill(u, 5, 2.0f);
        to_double(x, 10, wide);
        to_double(u, 5, up);
        check_differences(act, wide, 10, up, 5);
    }
}
END_TEST

START_TEST(the_gradient_may_be_written_over_x)
{
    float x[60], u[30], dx[60];
    struct axon_axis axis = {3, 4, 5};
    const struct axon_activation *act = row_on_isa(_i, AXON_GATED);

    fill(x, 60, 3.0f);
    fill(u, 30, 3.0f);
    ck_assert_int_eq(axon_activation_gradient(act, x, u, dx, axis, NULL, 0), AXON_OK);
    ck_assert_int_eq(axon_activation_gradient(act, x, u, x, axis, NULL, 0), AXON_OK);
    ck_assert_mem_eq(x, dx, sizeof x);
}
END_TEST

START_TEST(what_cannot_be_is_refused_and_writes_nothing)
{
    float x[24] = {0}, y[24], u[24] = {0};
    const struct axon_axis odd = {2, 3, 2}, axis = {2, 6, 2};
    const struct axon_activation *act = row_on_isa(_i, AXON_GATED);

    memset(y, 0x5a, sizeof y);
    ck_assert_int_eq(axon_activation_forward(act, x, y, odd, NULL, 0), AXON_ESHAPE);
    ck_assert_int_eq(axon_activation_gradient(act, x, u, y, odd, NULL, 0), AXON_ESHAPE);
    ck_assert_int_eq(axon_activation_gradient(act, x, NULL, y, axis, NULL, 0), AXON_EPARAM);
    for (size_t i = 0; i < sizeof y; i++)
        ck_assert_int_eq(((unsigned char *)y)[i], 0x5a);
    ck_assert_int_eq(axon_activation_forward(act, x, x, axis, NULL, 0), AXON_EOVERLAP);
    ck_assert_int_eq(axon_activation_forward(act, x, x + 12, axis, NULL, 0), AXON_EOVERLAP);
    ck_assert_int_eq(axon_activation_gradient(act, x, u, u, axis, NULL, 0), AXON_EOVERLAP);
    ck_assert_int_eq(
        axon_activation_gradient(act, x, u, u + 11, (struct axon_axis){1, 12, 1}, NULL, 0),
        AXON_OK);
    ck_assert_int_eq(axon_activation_forward(act, NULL, NULL, (struct axon_axis){2, 0, 3}, NULL, 0),
                     AXON_OK);
    ck_assert_int_eq(
        axon_activation_forward(act, x, y, (struct axon_axis){SIZE_MAX, 2, SIZE_MAX}, NULL, 0),
        AXON_ESHAPE);
}
END_TEST

START_TEST(nothing_outside_of_the_buffers_is_touched)
{
    const struct axon_activation *act = row_on_isa(_i, AXON_GATED);

    for (size_t n = 1; n <= 35; n++)
        for (int side = 0; side < GUARD_SIDES; side++) {
            struct axon_axis axis = {2, 2, n};
            struct guard x = guard_create(4 * n, (enum guard_side)side);
            struct guard u = guard_create(2 * n, (enum guard_side)side);
            struct guard y = guard_create(2 * n, (enum guard_side)side);
            struct guard dx = guard_create(4 * n, (enum guard_side)side);

            fill(x.data, 4 * n, 2.0f);
            fill(u.data, 2 * n, 2.0f);
            ck_assert_int_eq(axon_activation_forward(act, x.data, y.data, axis, NULL, 0), AXON_OK);
            ck_assert_int_eq(axon_activation_gradient(act, x.data, u.data, dx.data, axis, NULL, 0),
                             AXON_OK);
            guard_destroy(&x);
            guard_destroy(&u);
            guard_destroy(&y);
            guard_destroy(&dx);
        }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        any_axis_is_halved,
        any_range_is_as_accurate_as_promised,
        infinities_and_nan_are_those_of_pytorch,
        a_value_does_not_depend_on_its_place,
        the_gradient_is_the_vector_jacobian_product,
        the_oracle_agrees_with_finite_differences,
        the_gradient_may_be_written_over_x,
        what_cannot_be_is_refused_and_writes_nothing,
        nothing_outside_of_the_buffers_is_touched,
    };
    Suite *suite = suite_create("gated");
    TCase *tcase = suite_case(suite, "every row on every ISA");

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_loop_test(tcase, tests[i], 0, rows_on_isas(AXON_GATED));
    return suite_run(suite);
}
