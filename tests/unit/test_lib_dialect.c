/* test_lib_dialect.c - what a name means in each framework: every row of the table is sound, and
 * the known traps are there with their numbers. */
#include <float.h>
#include <math.h>
#include <string.h>
#include "axon/dialect.h"
#include "suite.h"

static int dialects(void)
{
    size_t count;

    axon_dialect_table(&count);
    return (int)count;
}

START_TEST(a_dialect_is_found_by_its_name)
{
    size_t count;
    const struct axon_dialect *d = &axon_dialect_table(&count)[_i];

    ck_assert_ptr_eq(axon_dialect_find(d->name), d);
    ck_assert_uint_gt(strlen(d->title), 0);
}
END_TEST

START_TEST(torch_is_the_first_and_an_unknown_one_is_not_found)
{
    size_t count;

    ck_assert_str_eq(axon_dialect_table(&count)->name, "torch");
    ck_assert_ptr_null(axon_dialect_find("Keras2"));
    ck_assert_ptr_null(axon_dialect_find("keras"));
    ck_assert_ptr_null(axon_dialect_find(""));
}
END_TEST

START_TEST(a_meaning_is_complete_and_within_the_domain)
{
    size_t count, rows;
    const struct axon_dialect *d = &axon_dialect_table(&count)[_i];
    const struct axon_activation *table = axon_activation_table(&rows);

    for (size_t i = 0; i < rows; i++) {
        struct axon_meaning m, by_alias;

        memset(&m, 0xaa, sizeof m);
        ck_assert(axon_dialect_meaning(d, table[i].name, &m));
        ck_assert_ptr_nonnull(m.activation);
        ck_assert_msg(axon_activation_check(m.activation, m.params, m.activation->parameters_count,
                                            7, NULL) == AXON_OK,
                      "%s in %s", table[i].name, d->name);
        ck_assert(!m.note || strlen(m.note) > 0);
        for (size_t k = 0; table[i].aliases[k]; k++) {
            ck_assert(axon_dialect_meaning(d, table[i].aliases[k], &by_alias));
            ck_assert_ptr_eq(by_alias.activation, m.activation);
            ck_assert_ptr_eq(by_alias.note, m.note);
        }
    }
}
END_TEST

START_TEST(torch_and_null_mean_what_the_registry_says)
{
    size_t rows;
    const struct axon_activation *table = axon_activation_table(&rows);
    const struct axon_dialect *both[] = {NULL, axon_dialect_find("torch")};

    for (size_t i = 0; i < rows; i++)
        for (int k = 0; k < 2; k++) {
            struct axon_meaning m;

            ck_assert(axon_dialect_meaning(both[k], table[i].name, &m));
            ck_assert_ptr_eq(m.activation, &table[i]);
            ck_assert_ptr_null(m.note);
            ck_assert(m.channels == AXON_CHANNELS_SECOND);
            for (unsigned p = 0; p < table[i].parameters_count; p++)
                ck_assert_same(m.params[p], table[i].parameters[p].value);
        }
}
END_TEST

START_TEST(an_unknown_name_has_no_meaning)
{
    struct axon_meaning m;

    ck_assert(!axon_dialect_meaning(axon_dialect_find("jax"), "gelux", &m));
    ck_assert(!axon_dialect_meaning(NULL, "", &m));
}
END_TEST

/* The table of traps; x is one input at which the frameworks part, y what the dialect answers. */
static const struct trap {
    const char *dialect, *name, *means;
    float x, y;
} traps[] = {
    {"torch", "leaky_relu", "leaky_relu", -1, -0.01f},
    {"keras2", "leaky_relu", "leaky_relu", -1, -0.3f},
    {"keras3", "leaky_relu", "leaky_relu", -1, -0.2f},
    {"jax", "leaky_relu", "leaky_relu", -1, -0.01f},
    {"onnx", "leaky_relu", "leaky_relu", -1, -0.01f},
    {"torch", "gelu", "gelu", 1, 0.84134475f},
    {"keras2", "gelu", "gelu", 1, 0.84134475f},
    {"keras3", "gelu", "gelu", 1, 0.84134475f},
    {"jax", "gelu", "gelu_tanh", 1, 0.84119199f},
    {"onnx", "gelu", "gelu", 1, 0.84134475f},
    {"torch", "hard_sigmoid", "hard_sigmoid", 1, 0.6666667f},
    {"keras2", "hard_sigmoid", "hard_sigmoid", 1, 0.7f},
    {"keras3", "hard_sigmoid", "hard_sigmoid", 1, 0.6666667f},
    {"jax", "hard_sigmoid", "hard_sigmoid", 1, 0.6666667f},
    {"onnx", "hard_sigmoid", "hard_sigmoid", 1, 0.7f},
    {"torch", "prelu", "prelu", -1, -0.25f},
    {"keras2", "prelu", "prelu", -1, -0.0f},
    {"keras3", "prelu", "prelu", -1, -0.0f},
    {"torch", "thresholded_relu", "threshold", 0.5f, 0.5f},
    {"keras2", "thresholded_relu", "threshold", 0.5f, 0},
    {"onnx", "thresholded_relu", "threshold", 0.5f, 0},
};

START_TEST(each_framework_gets_its_own_answer)
{
    const struct trap *t = &traps[_i];
    struct axon_meaning m;
    float y = NAN;

    ck_assert(axon_dialect_meaning(axon_dialect_find(t->dialect), t->name, &m));
    ck_assert_str_eq(m.activation->name, t->means);
    ck_assert_int_eq(axon_activation_forward(m.activation, &t->x, &y, (struct axon_axis){1, 1, 1},
                                             m.params, m.activation->parameters_count),
                     AXON_OK);
    ck_assert_msg(fabsf(y - t->y) <= 6e-8f, "%s in %s: %.9g, want %.9g", t->name, t->dialect,
                  (double)y, (double)t->y);
}
END_TEST

START_TEST(prelu_has_its_channels_where_the_framework_has_them)
{
    static const struct {
        const char *dialect;
        enum axon_channels channels;
    } want[] = {{"torch", AXON_CHANNELS_SECOND},
                {"keras2", AXON_CHANNELS_ALL},
                {"keras3", AXON_CHANNELS_ALL},
                {"onnx", AXON_CHANNELS_LAST}};

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct axon_meaning m;

        ck_assert(axon_dialect_meaning(axon_dialect_find(want[i].dialect), "prelu", &m));
        ck_assert_int_eq(m.channels, want[i].channels);
    }
}
END_TEST

START_TEST(softplus_is_linear_nowhere_but_in_torch)
{
    static const char *const names[] = {"keras2", "keras3", "jax", "onnx"};
    struct axon_meaning m;

    ck_assert(axon_dialect_meaning(NULL, "softplus", &m));
    ck_assert_same(m.params[1], 20.0f);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const float x[] = {-50, 0, 19, 30, 1e30f};
        float y[5];

        ck_assert(axon_dialect_meaning(axon_dialect_find(names[i]), "softplus", &m));
        ck_assert_same(m.params[1], FLT_MAX);
        axon_activation_forward(m.activation, x, y, (struct axon_axis){1, 5, 1}, m.params, 2);
        ck_assert(y[0] > 1.92e-22f && y[0] < 1.93e-22f && y[3] == 30 && y[4] == 1e30f);
    }
}
END_TEST

START_TEST(nan_stays_nan_in_every_dialect)
{
    size_t count, rows;
    const struct axon_dialect *d = &axon_dialect_table(&count)[_i];
    const struct axon_activation *table = axon_activation_table(&rows);

    for (size_t i = 0; i < rows; i++) {
        const float x[] = {1, NAN};
        struct axon_meaning m;
        float y[2] = {0, 0};

        ck_assert(axon_dialect_meaning(d, table[i].name, &m));
        axon_activation_forward(m.activation, x, y, (struct axon_axis){1, 2, 1}, m.params,
                                m.activation->parameters_count);
        ck_assert_msg(isnan(y[m.activation->kind != AXON_GATED]), "%s in %s", table[i].name,
                      d->name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dialect");
    TCase *tcase = suite_case(suite, "table");

    tcase_add_loop_test(tcase, a_dialect_is_found_by_its_name, 0, dialects());
    tcase_add_test(tcase, torch_is_the_first_and_an_unknown_one_is_not_found);
    tcase_add_loop_test(tcase, a_meaning_is_complete_and_within_the_domain, 0, dialects());
    tcase_add_test(tcase, torch_and_null_mean_what_the_registry_says);
    tcase_add_test(tcase, an_unknown_name_has_no_meaning);
    tcase_add_loop_test(tcase, each_framework_gets_its_own_answer, 0, sizeof traps / sizeof *traps);
    tcase_add_test(tcase, prelu_has_its_channels_where_the_framework_has_them);
    tcase_add_test(tcase, softplus_is_linear_nowhere_but_in_torch);
    tcase_add_loop_test(tcase, nan_stays_nan_in_every_dialect, 0, dialects());
    return suite_run(suite);
}
