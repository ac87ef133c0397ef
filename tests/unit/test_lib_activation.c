/* test_lib_activation.c - the registry as a user sees it: names, metadata, parameters, gradients
 * with an upstream, channels. How accurate the numbers are is test_lib_kernels.c's. */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include "axon/activation.h"
#include "axon/cpu.h"
#include "axon/initializer.h"
#include "suite.h"

static const struct axon_activation *row(int index)
{
    size_t count;

    return &axon_activation_table(&count)[index];
}

static int rows(void)
{
    size_t count;

    axon_activation_table(&count);
    return (int)count;
}

static void check_text(const char *text)
{
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_gt(strlen(text), 0);
    ck_assert_msg(text[strlen(text) - 1] != '.', "ends with a full stop: %s", text);
}

START_TEST(the_catalogue_is_there_with_its_aliases)
{
    static const struct {
        const char *name, *alias;
    } want[] = {
        {"identity", "linear"},
        {"relu", NULL},
        {"relu6", NULL},
        {"leaky_relu", NULL},
        {"prelu", NULL},
        {"rrelu", NULL},
        {"sigmoid", "logistic"},
        {"hard_sigmoid", "hardsigmoid"},
        {"tanh", NULL},
        {"hard_tanh", "hardtanh"},
        {"silu", "swish"},
        {"hard_swish", "hard_silu"},
        {"gelu", NULL},
        {"gelu_tanh", NULL},
        {"hard_shrink", "hardshrink"},
        {"soft_shrink", "softshrink"},
        {"threshold", "thresholded_relu"},
        {"sparse_plus", NULL},
        {"sparse_sigmoid", NULL},
        {"softmax", NULL},
        {"log_sigmoid", "logsigmoid"},
        {"tanh_shrink", "tanhshrink"},
        {"softplus", NULL},
        {"softsign", "soft_sign"},
        {"mish", NULL},
        {"squareplus", NULL},
        {"exponential", "exp"},
        {"elu", NULL},
        {"selu", NULL},
        {"celu", NULL},
        {"quick_gelu", NULL},
        {"log_softmax", NULL},
        {"softmin", NULL},
        {"hardmax", NULL},
        {"sparsemax", NULL},
        {"glu", NULL},
        {"reglu", NULL},
        {"geglu", NULL},
        {"swiglu", NULL},
    };

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct axon_activation *act = axon_activation_find(want[i].name);

        ck_assert_msg(act != NULL, "%s is missing", want[i].name);
        ck_assert_str_eq(act->name, want[i].name);
        if (want[i].alias)
            ck_assert_ptr_eq(axon_activation_find(want[i].alias), act);
    }
}
END_TEST

START_TEST(no_two_rows_share_a_name)
{
    const struct axon_activation *act = row(_i);

    for (int i = 0; i < rows(); i++) {
        ck_assert(i == _i || strcmp(row(i)->name, act->name) != 0);
        for (size_t k = 0; row(i)->aliases[k]; k++)
            ck_assert_str_ne(row(i)->aliases[k], act->name);
    }
}
END_TEST

START_TEST(a_row_is_found_by_its_name_and_its_aliases)
{
    const struct axon_activation *act = row(_i);

    ck_assert_ptr_eq(axon_activation_find(act->name), act);
    for (size_t k = 0; act->aliases[k]; k++)
        ck_assert_ptr_eq(axon_activation_find(act->aliases[k]), act);
}
END_TEST

START_TEST(an_unknown_name_is_not_found)
{
    ck_assert_ptr_null(axon_activation_find(""));
    ck_assert_ptr_null(axon_activation_find("_"));
    ck_assert_ptr_null(axon_activation_find("re lu"));
    ck_assert_ptr_null(axon_activation_find("relu "));
    ck_assert_ptr_null(axon_activation_find("softsoft"));
    ck_assert_str_eq(axon_activation_find("linear")->name, "identity");
    ck_assert_str_eq(axon_activation_find("logistic")->name, "sigmoid");
    ck_assert_str_eq(axon_activation_find("swish")->name, "silu");
}
END_TEST

START_TEST(the_guide_is_complete)
{
    const struct axon_activation *act = row(_i);

    for (const char *c = act->name; *c; c++)
        ck_assert(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
    check_text(act->formula);
    check_text(act->latex);
    check_text(act->derivative);
    check_text(act->range);
    check_text(act->pros);
    check_text(act->cons);
    check_text(act->use);
    check_text(act->source);
    ck_assert_ptr_nonnull(axon_initializer_find(act->initializer));
    ck_assert_double_gt(act->gain, 0);
    ck_assert(act->ulp_max >= 0.0f && act->ulp_max <= 2.0f);
}
END_TEST

START_TEST(parameters_have_a_name_and_a_default_in_their_domain)
{
    const struct axon_activation *act = row(_i);

    ck_assert_uint_le(act->parameters_count, AXON_PARAMETERS_MAX);
    for (unsigned k = 0; k < act->parameters_count; k++) {
        const struct axon_parameter *p = &act->parameters[k];

        check_text(p->name);
        check_text(p->description);
        ck_assert(isfinite(p->minimum) && isfinite(p->maximum));
        ck_assert(p->minimum <= p->value && p->value <= p->maximum);
    }
}
END_TEST

START_TEST(defaults_are_those_of_the_catalogue)
{
    static const struct {
        const char *name, *parameter;
        float value;
    } want[] = {
        {"leaky_relu", "alpha", 0.01f},
        {"prelu", "alpha", 0.25f},
        {"rrelu", "lower", 0.125f},
        {"rrelu", "upper", 0.33333334f},
        {"hard_sigmoid", "alpha", 0.16666667f},
        {"hard_sigmoid", "beta", 0.5f},
        {"hard_tanh", "min", -1.0f},
        {"hard_tanh", "max", 1.0f},
        {"hard_shrink", "lambda", 0.5f},
        {"soft_shrink", "lambda", 0.5f},
        {"threshold", "threshold", 0.0f},
        {"threshold", "value", 0.0f},
        {"silu", "beta", 1.0f},
        {"elu", "alpha", 1.0f},
        {"celu", "alpha", 1.0f},
        {"softplus", "beta", 1.0f},
        {"softplus", "threshold", 20.0f},
        {"squareplus", "b", 4.0f},
        {"softmax", "temperature", 1.0f},
    };

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct axon_activation *act = axon_activation_find(want[i].name);
        unsigned k = 0;

        while (k < act->parameters_count && strcmp(act->parameters[k].name, want[i].parameter) != 0)
            k++;
        ck_assert_msg(k < act->parameters_count, "%s has no %s", act->name, want[i].parameter);
        ck_assert_same(act->parameters[k].value, want[i].value);
    }
}
END_TEST

START_TEST(check_names_the_first_bad_parameter)
{
    const struct axon_activation *prelu = axon_activation_find("prelu");
    const float slopes[] = {0.1f, 0.2f, NAN, INFINITY};
    size_t bad = 99;

    ck_assert_int_eq(axon_activation_check(prelu, NULL, 0, 4, &bad), AXON_OK);
    ck_assert_int_eq(axon_activation_check(prelu, slopes, 1, 4, &bad), AXON_OK);
    ck_assert_int_eq(axon_activation_check(prelu, slopes, 2, 2, &bad), AXON_OK);
    ck_assert_uint_eq(bad, 99);
    ck_assert_int_eq(axon_activation_check(prelu, slopes, 4, 4, &bad), AXON_EPARAM);
    ck_assert_uint_eq(bad, 2);
    ck_assert_int_eq(axon_activation_check(prelu, slopes, 2, 4, &bad), AXON_EPARAM);
    ck_assert_uint_eq(bad, 2);
    ck_assert_int_eq(axon_activation_check(prelu, NULL, 1, 4, NULL), AXON_EPARAM);
}
END_TEST

START_TEST(bounds_must_not_cross)
{
    static const char *const names[] = {"rrelu", "hard_tanh"};
    const float crossed[] = {0.5f, 0.25f}, equal[] = {0.25f, 0.25f}, far[] = {-1e6f, 1e6f};
    struct axon_axis axis = {1, 1, 1};
    float x = 1, y = 42;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct axon_activation *act = axon_activation_find(names[i]);
        size_t bad = 99;

        ck_assert_int_eq(axon_activation_check(act, crossed, 2, 1, &bad), AXON_EPARAM);
        ck_assert_uint_eq(bad, 1);
        ck_assert_int_eq(axon_activation_forward(act, &x, &y, axis, crossed, 2), AXON_EPARAM);
        ck_assert_int_eq(axon_activation_check(act, equal, 2, 1, NULL), AXON_OK);
        ck_assert_int_eq(axon_activation_check(act, far, 2, 1, NULL), AXON_OK);
    }
    ck_assert_same(y, 42.0f);
}
END_TEST

START_TEST(parameters_outside_of_the_domain_are_refused)
{
    const struct axon_activation *softmax = axon_activation_find("softmax");
    const struct axon_activation *relu = axon_activation_find("relu");
    const float bad[] = {0.0f, -1.0f, NAN, INFINITY, 1e-7f, 1e7f};
    const float good[] = {1e-6f, 1e6f, 0.5f};
    struct axon_axis axis = {1, 1, 1};
    float x = 1, y = 42;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(axon_activation_check(softmax, &bad[i], 1, 1, NULL), AXON_EPARAM);
        ck_assert_int_eq(axon_activation_forward(softmax, &x, &y, axis, &bad[i], 1), AXON_EPARAM);
        ck_assert_int_eq(axon_activation_gradient(softmax, &x, &x, &y, axis, &bad[i], 1),
                         AXON_EPARAM);
    }
    ck_assert_same(y, 42.0f);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_int_eq(axon_activation_check(softmax, &good[i], 1, 1, NULL), AXON_OK);
    ck_assert_int_eq(axon_activation_check(relu, good, 1, 1, NULL), AXON_EPARAM);
}
END_TEST

START_TEST(an_empty_tensor_is_a_no_op)
{
    static const struct axon_axis empty[] = {{0, 4, 2}, {2, 0, 3}, {2, 4, 0}};
    float unused = 7;

    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        ck_assert_int_eq(axon_activation_forward(row(_i), &unused, &unused, empty[i], NULL, 0),
                         AXON_OK);
        ck_assert_int_eq(
            axon_activation_gradient(row(_i), &unused, &unused, &unused, empty[i], NULL, 0),
            AXON_OK);
    }
    ck_assert_same(unused, 7.0f);
}
END_TEST

enum { N = 60 };

static void fill(float *x, size_t n, float from, float step)
{
    for (size_t i = 0; i < n; i++)
        x[i] = from + step * (float)i;
}

START_TEST(arrays_that_begin_amid_a_float_are_refused)
{
    static float x[8], u[8], y[8];
    float *amid = (float *)(void *)((char *)x + 1);
    struct axon_axis axis = {1, 4, 1};
    size_t count;
    const struct axon_activation *act = &axon_activation_table(&count)[_i];

    ck_assert_int_eq(axon_activation_forward(act, amid, y, axis, NULL, 0), AXON_EALIGN);
    ck_assert_int_eq(axon_activation_forward(act, y, amid, axis, NULL, 0), AXON_EALIGN);
    ck_assert_int_eq(axon_activation_gradient(act, amid, u, y, axis, NULL, 0), AXON_EALIGN);
    ck_assert_int_eq(axon_activation_gradient(act, u, amid, y, axis, NULL, 0), AXON_EALIGN);
    ck_assert_int_eq(axon_activation_gradient(act, u, y, amid, axis, NULL, 0), AXON_EALIGN);
}
END_TEST

START_TEST(the_gradient_is_the_derivative_times_upstream)
{
    const struct axon_activation *act = row(_i);
    struct axon_axis axis = {3, 5, 4};
    float x[N], u[N], slope[N], dx[N], in_place[N];

    if (act->kind != AXON_ELEMENTWISE)
        return;
    fill(x, N, -3.1f, 0.11f);
    fill(u, N, 2.0f, -0.07f);
    ck_assert_int_eq(axon_activation_gradient(act, x, NULL, slope, axis, NULL, 0), AXON_OK);
    ck_assert_int_eq(axon_activation_gradient(act, x, u, dx, axis, NULL, 0), AXON_OK);
    for (size_t i = 0; i < N; i++) {
        volatile float product = slope[i] * u[i];

        ck_assert_same(dx[i], product);
    }
    memcpy(in_place, x, sizeof x);
    ck_assert_int_eq(axon_activation_gradient(act, in_place, u, in_place, axis, NULL, 0), AXON_OK);
    ck_assert_mem_eq(in_place, dx, sizeof dx);
    memcpy(in_place, u, sizeof u);
    ck_assert_int_eq(axon_activation_gradient(act, x, in_place, in_place, axis, NULL, 0), AXON_OK);
    ck_assert_mem_eq(in_place, dx, sizeof dx);
}
END_TEST

START_TEST(the_gradient_is_the_slope_of_the_function)
{
    const struct axon_activation *act = row(_i);
    struct axon_axis axis = {1, N, 1};
    const float h = 1.0f / 512;
    float x[N], left[N], right[N], slope[N];

    if (act->kind != AXON_ELEMENTWISE)
        return;
    fill(x, N, -3.05f, 0.1f);
    for (size_t i = 0; i < N; i++)
        left[i] = x[i] - h, right[i] = x[i] + h;
    axon_activation_gradient(act, x, NULL, slope, axis, NULL, 0);
    for (size_t i = 0; i < N; i++)
        slope[i] *= right[i] - left[i];
    axon_activation_forward(act, left, left, axis, NULL, 0);
    axon_activation_forward(act, right, right, axis, NULL, 0);
    for (size_t i = 0; i < N; i++)
        if (fabsf(x[i]) > 2 * h) /* not across the kink of the relu family */
            ck_assert_near(slope[i], right[i] - left[i], 2e-6f * fmaxf(1.0f, fabsf(right[i])));
}
END_TEST

START_TEST(forward_in_place_equals_forward)
{
    struct axon_axis axis = {3, 5, 4};
    float x[N], y[N];

    if (row(_i)->kind == AXON_GATED)
        return; /* what it writes is half as long */
    fill(x, N, -3.1f, 0.11f);
    ck_assert_int_eq(axon_activation_forward(row(_i), x, y, axis, NULL, 0), AXON_OK);
    ck_assert_int_eq(axon_activation_forward(row(_i), x, x, axis, NULL, 0), AXON_OK);
    ck_assert_mem_eq(x, y, sizeof y);
}
END_TEST

START_TEST(a_kink_has_the_derivative_that_pytorch_takes)
{
    static const struct {
        const char *name;
        float x, slope;
    } want[] = {
        {"relu", 0, 0},           {"relu", -0.0f, 0},        {"leaky_relu", 0, 0.01f},
        {"prelu", -0.0f, 0.25f},  {"rrelu", 0, 11.0f / 48},  {"relu6", 0, 0},
        {"relu6", 6, 0},          {"hard_tanh", -1, 0},      {"hard_tanh", 1, 0},
        {"hard_sigmoid", -3, 0},  {"hard_sigmoid", 3, 0},    {"hard_swish", -3, 0},
        {"hard_swish", 3, 1},     {"hard_shrink", -0.5f, 0}, {"hard_shrink", 0.5f, 0},
        {"threshold", 0, 0},      {"soft_shrink", -0.5f, 0}, {"soft_shrink", 0.5f, 0},
        {"sparse_plus", -1, 0},   {"sparse_sigmoid", -1, 0}, {"sparse_plus", 1, 1},
        {"sparse_sigmoid", 1, 0},
    };

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        float slope = 42;

        axon_activation_gradient(axon_activation_find(want[i].name), &want[i].x, NULL, &slope,
                                 (struct axon_axis){1, 1, 1}, NULL, 0);
        ck_assert_msg(slope == want[i].slope, "%s'(%g) is %g, want %g", want[i].name,
                      (double)want[i].x, (double)slope, (double)want[i].slope);
    }
}
END_TEST

START_TEST(a_slope_of_0_is_flat_at_infinity_too)
{
    const struct axon_activation *act = axon_activation_find("hard_sigmoid");
    const float x[] = {INFINITY, -INFINITY}, params[] = {0.0f, 0.25f};
    size_t count;
    const char *const *isas = axon_isa_list(&count);

    for (size_t i = 0; i < count; i++) {
        float y[] = {42, 42};

        ck_assert_int_eq(axon_isa_select(isas[i]), AXON_OK);
        axon_activation_forward(act, x, y, (struct axon_axis){1, 2, 1}, params, 2);
        ck_assert_same(y[0], 0.25f);
        ck_assert_same(y[1], 0.25f);
    }
}
END_TEST

static void check_prelu(struct axon_axis axis)
{
    const struct axon_activation *prelu = axon_activation_find("prelu");
    size_t n = axis.outer * axis.length * axis.inner;
    float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y), *dx = malloc(n * sizeof *dx);
    float *slopes = malloc(axis.length * sizeof *slopes);

    ck_assert(x && y && dx && slopes);
    fill(x, n, -1.0f, 2.1f / (float)n);
    fill(slopes, axis.length, -0.5f, 0.125f);
    ck_assert_int_eq(axon_activation_forward(prelu, x, y, axis, slopes, axis.length), AXON_OK);
    ck_assert_int_eq(axon_activation_gradient(prelu, x, x, dx, axis, slopes, axis.length), AXON_OK);
    for (size_t i = 0; i < n; i++) {
        float slope = slopes[i / axis.inner % axis.length];
        volatile float want = x[i] < 0 ? x[i] * slope : x[i];

        ck_assert_same(y[i], want);
        want = (x[i] > 0 ? 1 : slope) * x[i];
        ck_assert_same(dx[i], want);
    }
    free(x);
    free(y);
    free(dx);
    free(slopes);
}

START_TEST(prelu_takes_one_slope_per_channel)
{
    static const struct axon_axis axes[] = {{1, 1, 1},  {7, 3, 1},  {2, 37, 1}, {3, 4, 5},
                                            {1, 5, 40}, {2, 16, 1}, {1, 3, 16}, {4, 2, 33}};

    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++)
        check_prelu(axes[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("activation");
    TCase *tcase = suite_case(suite, "registry");

    tcase_add_test(tcase, the_catalogue_is_there_with_its_aliases);
    tcase_add_loop_test(tcase, no_two_rows_share_a_name, 0, rows());
    tcase_add_loop_test(tcase, a_row_is_found_by_its_name_and_its_aliases, 0, rows());
    tcase_add_test(tcase, an_unknown_name_is_not_found);
    tcase_add_loop_test(tcase, the_guide_is_complete, 0, rows());
    tcase_add_loop_test(tcase, parameters_have_a_name_and_a_default_in_their_domain, 0, rows());
    tcase_add_test(tcase, defaults_are_those_of_the_catalogue);
    tcase_add_test(tcase, check_names_the_first_bad_parameter);
    tcase_add_test(tcase, bounds_must_not_cross);
    tcase_add_test(tcase, parameters_outside_of_the_domain_are_refused);
    tcase_add_loop_test(tcase, an_empty_tensor_is_a_no_op, 0, rows());
    tcase_add_loop_test(tcase, arrays_that_begin_amid_a_float_are_refused, 0, rows());
    tcase_add_loop_test(tcase, the_gradient_is_the_derivative_times_upstream, 0, rows());
    tcase_add_loop_test(tcase, the_gradient_is_the_slope_of_the_function, 0, rows());
    tcase_add_loop_test(tcase, forward_in_place_equals_forward, 0, rows());
    tcase_add_test(tcase, a_kink_has_the_derivative_that_pytorch_takes);
    tcase_add_test(tcase, a_slope_of_0_is_flat_at_infinity_too);
    tcase_add_test(tcase, prelu_takes_one_slope_per_channel);
    return suite_run(suite);
}
