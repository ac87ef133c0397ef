/* test_server_plot.c - ticks stand at round numbers, curves go where f goes, and jumps are not
 * joined. tests/http/t5020-plot.sh reads whole drawings. */
#include <axon/activation.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "plot/curve.h"
#include "plot/path.h"
#include "plot/scale.h"
#include "suite.h"

/* ---- scale ---- */

static const struct {
    double low, high;
    unsigned ticks_max;
    const char *ticks;
} scales[] = {
    {-6, 6, 11, "-6 -4 -2 0 2 4 6"},
    {0, 1, 11, "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0"},
    {0, 1, 9, "0 0.2 0.4 0.6 0.8 1.0"},
    {-0.05, 1.07, 9, "0 0.2 0.4 0.6 0.8 1.0"},
    {1000, 1001, 6, "1000.0 1000.2 1000.4 1000.6 1000.8 1001.0"},
    {-1e-6, 1e-6, 5, "-1e-6 -5e-7 0 5e-7 1e-6"},
    {-1e6, 1e6, 5, "-1e6 -5e5 0 5e5 1e6"},
    {0, 3.4e38, 5, "0 1e38 2e38 3e38"},
    {1e7, 1.00002e7, 5, "1e7 1.000005e7 1.00001e7 1.000015e7 1.00002e7"},
    {0.3, 0.7, 5, "0.3 0.4 0.5 0.6 0.7"},
    {-999, -1, 6, "-800 -600 -400 -200"},
};

START_TEST(ticks_are_round_and_told_apart)
{
    struct scale scale;
    char all[256] = "", text[SCALE_TEXT_MAX];

    scale_init(&scale, scales[_i].low, scales[_i].high, 0, 100, scales[_i].ticks_max);
    for (long i = scale.first; i <= scale.last; i++) {
        size_t used = strlen(all);

        snprintf(all + used, sizeof all - used, "%s%s", used ? " " : "",
                 scale_text(&scale, i, text));
    }
    ck_assert_str_eq(all, scales[_i].ticks);
    ck_assert_uint_le((unsigned)(scale.last - scale.first + 1), scales[_i].ticks_max);
    ck_assert_double_eq_tol(scale_pixel(&scale, scales[_i].low), 0, 1e-9);
    ck_assert_double_eq_tol(scale_pixel(&scale, scales[_i].high), 100, 1e-9);
}
END_TEST

START_TEST(any_range_has_ticks_and_not_too_many)
{
    struct scale scale;

    for (double width = 1e-6; width < 1e39; width *= 1.37)
        for (int at = -3; at <= 3; at++) {
            scale_init(&scale, at * width, at * width + width, 0, 100, 9);
            ck_assert_int_ge(scale.last - scale.first, 1);
            ck_assert_int_le(scale.last - scale.first, 8);
        }
}
END_TEST

/* ---- curve ---- */

static struct curve sample(const char *name, bool derivative, double from, double to)
{
    struct plot_curve of = {.activation = axon_activation_find(name)};
    struct curve curve;

    for (unsigned i = 0; i < of.activation->parameters_count; i++)
        of.params[i] = of.activation->parameters[i].value;
    curve_sample(&curve, &of, derivative, from, to);
    return curve;
}

static size_t jumps(const struct curve *curve)
{
    size_t count = 0;

    for (size_t i = 1; i < curve->count; i++)
        count += curve->apart[i];
    return count;
}

static const struct {
    const char *name;
    bool derivative;
    size_t jumps;
    double at; /* where the first is */
} jumping[] = {
    {"relu", false, 0, 0},
    {"relu", true, 1, 0},
    {"relu6", true, 1, 0},
    {"leaky_relu", true, 1, 0},
    {"hard_shrink", false, 2, -0.5},
    {"soft_shrink", false, 0, 0},
    {"soft_shrink", true, 2, -0.5},
    {"hard_sigmoid", true, 2, -3},
    {"hard_swish", true, 2, -3},
    {"hardmax", false, 1, 1},
    {"sparsemax", false, 0, 0},
    {"sparsemax", true, 2, 0},
    {"sparse_plus", true, 0, 0},
    {"softsign", true, 0, 0},
    {"sigmoid", true, 0, 0},
    {"xielu", false, 0, 0},
    {"exponential", false, 0, 0},
    {"reglu", true, 1, 0},
    {"gelu", true, 0, 0},
    {"clip", false, 0, 0},
};

START_TEST(a_jump_is_found_where_it_is_and_a_kink_is_none)
{
    struct curve curve = sample(jumping[_i].name, jumping[_i].derivative, -5.9, 5.7);
    const char *what = jumping[_i].name;

    ck_assert_msg(jumps(&curve) == jumping[_i].jumps, "%s: %zu jumps", what, jumps(&curve));
    for (size_t i = 1; i < curve.count; i++)
        if (curve.apart[i]) {
            ck_assert_msg(fabs((double)curve.x[i] - jumping[_i].at) < 1e-6, "%s: at %g", what,
                          (double)curve.x[i]);
            ck_assert(curve.x[i] - curve.x[i - 1] <= 1e-6f);
            break;
        }
}
END_TEST

START_TEST(of_a_row_the_first_output_is_drawn_and_of_a_gate_the_gate)
{
    struct curve softmax = sample("softmax", false, -6, 6), glu = sample("glu", false, -6, 6),
                 slope = sample("softmax", true, -6, 6);

    for (size_t i = 0; i < softmax.count; i++) {
        double x = (double)softmax.x[i], p = exp(x) / (exp(x) + 1 + exp(1));

        ck_assert_near(softmax.y[i], p, 1e-6);
        ck_assert_near(slope.y[i], p * (1 - p), 1e-6);
    }
    for (size_t i = 0; i < glu.count; i++)
        ck_assert_near(glu.y[i], 1 / (1 + exp(-(double)glu.x[i])), 1e-6);
}
END_TEST

START_TEST(values_beyond_float_are_left_out)
{
    struct curve curve = sample("exponential", false, -6, 200);

    ck_assert_uint_gt(curve.count, 100);
    ck_assert(curve.x[curve.count - 1] <= 88.8f);
    for (size_t i = 0; i < curve.count; i++)
        ck_assert(isfinite(curve.y[i]));
}
END_TEST

/* ---- path ---- */

START_TEST(a_straight_piece_takes_two_points)
{
    static const struct {
        const char *name;
        bool derivative;
        const char *path;
    } want[] = {{"identity", false, "M0 100L520 0"},
                {"relu", false, "M0 50L260 50L520 0"},
                {"relu", true, "M0 50L260 50M260 41.7L520 41.7"}};

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct curve curve = sample(want[i].name, want[i].derivative, -6, 6);
        struct scale x, y;
        struct buf out;

        scale_init(&x, -6, 6, 0, CURVE_STEPS, 9);
        scale_init(&y, -6, 6, 100, 0, 9);
        buf_init(&out, 0);
        path_write(&out, &curve, &x, &y);
        ck_assert_str_eq(out.data, want[i].path);
        buf_fini(&out);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plot");
    TCase *tc = suite_case(suite, "plot");

    tcase_add_loop_test(tc, ticks_are_round_and_told_apart, 0, sizeof scales / sizeof *scales);
    tcase_add_test(tc, any_range_has_ticks_and_not_too_many);
    tcase_add_loop_test(tc, a_jump_is_found_where_it_is_and_a_kink_is_none, 0,
                        sizeof jumping / sizeof *jumping);
    tcase_add_test(tc, of_a_row_the_first_output_is_drawn_and_of_a_gate_the_gate);
    tcase_add_test(tc, values_beyond_float_are_left_out);
    tcase_add_test(tc, a_straight_piece_takes_two_points);
    return suite_run(suite);
}
