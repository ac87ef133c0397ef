/* test_lib_loss_checks.c - which batches and options are refused, and that nothing is written then;
 * names. */
#include "axon/activation.h"
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "axon/loss.h"
#include "suite.h"

static float input[4], targets[4], gradient[4], per_row[4];

/* The batch of 2 rows of 2 outputs, unless it says otherwise. */
static void refused_with(const char *name, struct axon_loss_batch b,
                         const struct axon_loss_options *options, enum axon_status want,
                         enum axon_loss_array array, size_t where)
{
    struct axon_loss_options defaults;
    struct axon_loss_place place = {AXON_LOSS_ARRAYS_COUNT, SIZE_MAX};
    struct axon_loss_result result = {.loss = 7, .per_row = per_row, .gradient = gradient};
    const struct axon_loss *loss = axon_loss_find(name, &defaults);

    b.input = b.input ? b.input : input;
    options = options ? options : &defaults;
    ck_assert_int_eq(axon_loss_check(loss, &b, options, &place), want);
    if (want == AXON_EPARAM) {
        ck_assert_uint_eq(place.index, where);
        ck_assert_int_eq(place.array, array);
    }
    gradient[0] = per_row[0] = 7;
    ck_assert_int_eq(axon_loss_apply(loss, &b, options, &result), want);
    ck_assert(result.loss == 7 && gradient[0] == 7 && per_row[0] == 7); /* nothing was written */
}

static void refused(const char *name, struct axon_loss_batch b, enum axon_status want, size_t where)
{
    refused_with(name, b, NULL, want, b.labels ? AXON_LOSS_LABELS : AXON_LOSS_TARGETS, where);
}

#define WITH(field, value)                                  \
    (struct axon_loss_batch)                                \
    {                                                       \
        .rows = 2, .outputs = 2, .inner = 1, .field = value \
    }

START_TEST(targets_outside_of_their_domain_are_refused)
{
    static const float half[] = {0.5f, 0.5f, 0.5f, 0.498f}, above[] = {0, 1, 1.5f, 0},
                       below[] = {0, 1, 1, -1e-30f}, nan[] = {0, NAN, 1, 0},
                       inf[] = {0, 1, 0, INFINITY}, two[] = {-1, 0, 1, 2};
    static const int32_t above_all[] = {1, 2}, below_all[] = {-1, 0}, ignored[] = {-100, -101};
    const struct axon_loss_batch neither = {.rows = 2, .outputs = 2, .inner = 1};

    refused("cross_entropy", WITH(labels, above_all), AXON_EPARAM, 1);
    refused("cross_entropy", WITH(labels, below_all), AXON_EPARAM, 0);
    refused("nll", WITH(labels, ignored), AXON_EPARAM, 1);
    refused("cross_entropy", WITH(targets, half), AXON_EPARAM, 2);
    refused("cross_entropy", WITH(targets, below), AXON_EPARAM, 3);
    refused("binary_cross_entropy", WITH(targets, above), AXON_EPARAM, 2);
    refused("binary_cross_entropy", WITH(targets, below), AXON_EPARAM, 3);
    refused("binary_cross_entropy", WITH(targets, nan), AXON_EPARAM, 1);
    refused("focal", WITH(targets, above), AXON_EPARAM, 2);
    refused("mse", WITH(targets, nan), AXON_EPARAM, 1);
    refused("mse", WITH(targets, inf), AXON_EPARAM, 3);
    refused("kl_div", WITH(targets, below), AXON_EPARAM, 3);
    refused("poisson_nll", WITH(targets, inf), AXON_EPARAM, 3);
    refused("hinge", WITH(targets, two), AXON_EPARAM, 3);
    refused("mse", WITH(labels, above_all), AXON_EUNSUPPORTED, 0);
    refused("binary_cross_entropy", WITH(labels, above_all), AXON_EUNSUPPORTED, 0);
    refused("nll", WITH(targets, targets), AXON_EUNSUPPORTED, 0);
    refused("gaussian_nll", WITH(targets, targets), AXON_EUNSUPPORTED, 0);
    refused("cross_entropy", neither, AXON_EUNSUPPORTED, 0);
}
END_TEST

/* Along the classes, which with an inner dimension are not neighbours. */
START_TEST(a_distribution_runs_along_the_outputs)
{
    static const float y[] = {0.25f, 0.5f, 0.75f, 0.5f};
    struct axon_loss_batch b = {.rows = 1, .outputs = 2, .inner = 2, .targets = y};
    struct axon_loss_result result = {.gradient = gradient};

    refused("cross_entropy", WITH(targets, y), AXON_EPARAM, 0);
    b.input = input;
    ck_assert_int_eq(axon_loss_apply(axon_loss_find("cross_entropy", NULL), &b, NULL, &result),
                     AXON_OK);
}
END_TEST

START_TEST(log_targets_may_be_negative)
{
    static const float y[] = {-1, -2, -0.5f, -3};
    struct axon_loss_batch b = WITH(targets, y);
    struct axon_loss_result result = {.gradient = gradient};
    struct axon_loss_options o;
    const struct axon_loss *loss = axon_loss_find("kl_div", &o);

    b.input = input;
    refused("kl_div", b, AXON_EPARAM, 0);
    o.values[axon_loss_parameter_find(loss, "log_target")] = 1;
    ck_assert_int_eq(axon_loss_apply(loss, &b, &o, &result), AXON_OK);
}
END_TEST

START_TEST(input_and_options_outside_of_their_domain_are_refused)
{
    static const float above[] = {0, 1, 0.5f, 1.5f}, low[] = {0.5f, 0.25f, 1, 0};
    static const float y[] = {1, 0, 1, 0}, negative[] = {1, -1}, nan[] = {NAN, 1};
    static const float negative_variance[] = {1, 1, 1, -1};
    struct axon_loss_batch b = WITH(targets, y);
    struct axon_loss_options o;

    axon_loss_find("binary_cross_entropy", &o);
    b.input = above;
    o.weight = negative;
    refused_with("binary_cross_entropy", b, &o, AXON_EPARAM, AXON_LOSS_WEIGHT, 1);
    o.weight = NULL;
    o.pos_weight = nan;
    refused_with("binary_cross_entropy", b, &o, AXON_EPARAM, AXON_LOSS_POS_WEIGHT, 0);
    refused_with("cross_entropy", b, &o, AXON_EUNSUPPORTED, 0, 0);
    o.pos_weight = NULL;
    o.values[0] = 0; /* from_logits */
    refused_with("binary_cross_entropy", b, &o, AXON_EPARAM, AXON_LOSS_INPUT, 3);
    axon_loss_find("cross_entropy", &o);
    o.values[0] = 0;
    b.input = low;
    refused_with("cross_entropy", b, &o, AXON_EPARAM, AXON_LOSS_INPUT, 0);
    o.values[0] = 0.5;
    refused_with("cross_entropy", b, &o, AXON_EPARAM, AXON_LOSS_PARAMETERS, 0);
    o.values[0] = 1;
    o.values[1] = 1.5;
    refused_with("cross_entropy", b, &o, AXON_EPARAM, AXON_LOSS_PARAMETERS, 1);
    o.values[1] = 0;
    o.reduction = AXON_REDUCTION_COUNT;
    refused_with("cross_entropy", b, &o, AXON_EUNSUPPORTED, 0, 0);
    axon_loss_find("gaussian_nll", &o);
    b.variances = negative_variance;
    refused_with("gaussian_nll", b, &o, AXON_EPARAM, AXON_LOSS_VARIANCES, 3);
}
END_TEST

START_TEST(a_mean_over_nothing_is_refused)
{
    static const struct axon_loss_batch bad[] = {
        {.outputs = 2, .inner = 1, .targets = targets},
        {.rows = 2, .inner = 1, .targets = targets},
        {.rows = 2, .outputs = 2, .targets = targets},
        {.rows = SIZE_MAX / 2, .outputs = 3, .inner = 1, .targets = targets},
        {.rows = 3, .outputs = 3, .inner = SIZE_MAX / 8, .targets = targets},
        {.rows = SIZE_MAX / 8, .outputs = 3, .inner = 1, .targets = targets}};
    size_t count;
    const struct axon_loss *table = axon_loss_table(&count);

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
            refused(table[i].name, bad[k], AXON_ESHAPE, 0);
}
END_TEST

static enum axon_status apply_to(const struct axon_loss_batch *b, float *losses, float *rows,
                                 float *slopes)
{
    struct axon_loss_result result = {.losses = losses, .per_row = rows, .gradient = slopes};

    return axon_loss_apply(axon_loss_find(b->labels ? "cross_entropy" : "mse", NULL), b, NULL,
                           &result);
}

START_TEST(outputs_that_overlap_what_is_read_are_refused)
{
    static float room[64];
    static int32_t labels[4];
    struct axon_loss_batch b = {
        .rows = 4, .outputs = 4, .inner = 1, .input = room + 20, .targets = room};
    struct axon_loss_batch classes = {
        .rows = 4, .outputs = 4, .inner = 1, .input = room, .labels = labels};

    ck_assert_int_eq(apply_to(&b, NULL, NULL, room + 20), AXON_OK);
    ck_assert_int_eq(apply_to(&b, NULL, room + 16, room), AXON_OK);
    for (size_t at = 0; at <= 48; at++) { /* input at 20 .. 35, targets at 0 .. 15 */
        int meets = (at > 4 && at < 36) || at < 16;

        ck_assert_int_eq(apply_to(&b, room + at, NULL, NULL), meets ? AXON_EOVERLAP : AXON_OK);
        meets = meets && at != 0 && at != 20;
        ck_assert_int_eq(apply_to(&b, NULL, NULL, room + at), meets ? AXON_EOVERLAP : AXON_OK);
        meets = at < 16 || (at > 16 && at < 36);
        ck_assert_int_eq(apply_to(&b, NULL, room + at, NULL), meets ? AXON_EOVERLAP : AXON_OK);
        meets = at > 36 && at < 56;
        if (at >= 36)
            ck_assert_int_eq(apply_to(&b, NULL, room + at, room + 40),
                             meets ? AXON_EOVERLAP : AXON_OK);
    }
    ck_assert_int_eq(apply_to(&classes, NULL, (float *)(void *)labels, NULL), AXON_EOVERLAP);
}
END_TEST

START_TEST(arrays_that_begin_amid_a_float_are_refused)
{
    static float room[64];
    float *amid = (float *)(void *)((char *)room + 2);
    struct axon_loss_batch b = {
        .rows = 2, .outputs = 2, .inner = 1, .input = room, .targets = room + 8};
    struct axon_loss_options o;
    const struct axon_loss *mse = axon_loss_find("mse", &o);

    ck_assert_int_eq(apply_to(&b, NULL, room + 16, room + 24), AXON_OK);
    ck_assert_int_eq(apply_to(&b, NULL, amid + 16, NULL), AXON_EALIGN);
    ck_assert_int_eq(apply_to(&b, NULL, NULL, amid + 16), AXON_EALIGN);
    ck_assert_int_eq(apply_to(&b, amid + 16, NULL, NULL), AXON_EALIGN);
    b.targets = amid + 8;
    ck_assert_int_eq(axon_loss_check(mse, &b, &o, NULL), AXON_EALIGN);
    b.targets = room + 8;
    b.input = amid;
    ck_assert_int_eq(axon_loss_check(mse, &b, &o, NULL), AXON_EALIGN);
}
END_TEST

/* ---- names ---- */

static void is(const char *name, const char *want)
{
    const struct axon_loss *loss = axon_loss_find(name, NULL);

    ck_assert_msg(loss && strcmp(loss->name, want) == 0, "%s: %s", name, loss ? loss->name : "-");
}

START_TEST(names_that_people_paste_are_found)
{
    size_t count;
    const struct axon_loss *table = axon_loss_table(&count);
    static const char *const pasted[][2] = {{"bce", "binary_cross_entropy"},
                                            {"BCEWithLogitsLoss", "binary_cross_entropy"},
                                            {"BinaryCrossentropy", "binary_cross_entropy"},
                                            {"CrossEntropyLoss", "cross_entropy"},
                                            {"sparse_categorical_crossentropy", "cross_entropy"},
                                            {"SoftmaxCrossEntropyLoss", "cross_entropy"},
                                            {"NegativeLogLikelihoodLoss", "nll"},
                                            {"NLLLoss", "nll"},
                                            {"mae", "l1"},
                                            {"MeanAbsoluteError", "l1"},
                                            {"SmoothL1Loss", "smooth_l1"},
                                            {"HuberLoss", "huber"},
                                            {"KLDivLoss", "kl_div"},
                                            {"PoissonNLLLoss", "poisson_nll"},
                                            {"GaussianNLLLoss", "gaussian_nll"},
                                            {"logcosh", "log_cosh"},
                                            {"sigmoid_focal_loss", "focal"},
                                            {"Hinge", "hinge"}};

    for (size_t i = 0; i < sizeof pasted / sizeof *pasted; i++)
        is(pasted[i][0], pasted[i][1]);
    for (size_t i = 0; i < count; i++) {
        is(table[i].name, table[i].name);
        for (const char *const *alias = table[i].aliases; *alias; alias++)
            is(*alias, table[i].name);
        for (unsigned k = 0; k < table[i].variants_count; k++)
            is(table[i].variants[k].name, table[i].name);
    }
    ck_assert_ptr_null(axon_loss_find("hinge2", NULL));
    ck_assert_ptr_null(axon_loss_find("hing", NULL));
    ck_assert_ptr_null(axon_loss_find("", NULL));
}
END_TEST

/* Keras's names of losses whose defaults are not PyTorch's. */
START_TEST(the_guide_is_complete)
{
    size_t count;
    const struct axon_loss *table = axon_loss_table(&count);

    for (size_t i = 0; i < count; i++) {
        const char *const texts[] = {table[i].pros, table[i].cons, table[i].use, table[i].source};

        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
            ck_assert_msg(texts[k] && strlen(texts[k]) > 8, "%s", table[i].name);
        ck_assert_ptr_nonnull(axon_activation_find(table[i].activation));
    }
}
END_TEST

START_TEST(a_variant_means_other_defaults)
{
    struct axon_loss_options o;
    const struct axon_loss *loss = axon_loss_find("KLDivergence", &o);

    ck_assert_same(o.values[axon_loss_parameter_find(loss, "log_input")], 0);
    ck_assert_int_eq(o.reduction, AXON_REDUCTION_BATCHMEAN);
    loss = axon_loss_find("kl_div", &o);
    ck_assert_same(o.values[axon_loss_parameter_find(loss, "log_input")], 1);
    ck_assert_int_eq(o.reduction, AXON_REDUCTION_MEAN);
    for (unsigned i = 0; i < AXON_REDUCTION_COUNT; i++)
        ck_assert_ptr_nonnull(axon_reduction_name((enum axon_reduction)i));
    ck_assert_ptr_null(axon_reduction_name(AXON_REDUCTION_COUNT));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loss_checks");
    TCase *tcase = suite_case(suite, "checks");

    tcase_add_test(tcase, targets_outside_of_their_domain_are_refused);
    tcase_add_test(tcase, a_mean_over_nothing_is_refused);
    tcase_add_test(tcase, outputs_that_overlap_what_is_read_are_refused);
    tcase_add_test(tcase, arrays_that_begin_amid_a_float_are_refused);
    tcase_add_test(tcase, a_distribution_runs_along_the_outputs);
    tcase_add_test(tcase, log_targets_may_be_negative);
    tcase_add_test(tcase, input_and_options_outside_of_their_domain_are_refused);
    tcase_add_test(tcase, names_that_people_paste_are_found);
    tcase_add_test(tcase, a_variant_means_other_defaults);
    tcase_add_test(tcase, the_guide_is_complete);
    return suite_run(suite);
}
