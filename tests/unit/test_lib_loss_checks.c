/* test_lib_loss_checks.c - which batches are refused, and that nothing is written then; names. */
#include <math.h>
#include <stdint.h>
#include "axon/loss.h"
#include "suite.h"

static float input[4], targets[4], gradient[4], per_row[2];

static void refused(const char *name, struct axon_loss_batch b, enum axon_status want, size_t where)
{
    size_t bad = SIZE_MAX;
    double mean = 7;

    b.input = input;
    ck_assert_int_eq(axon_loss_check(axon_loss_find(name), &b, &bad), want);
    if (want == AXON_EPARAM)
        ck_assert_uint_eq(bad, where);
    gradient[0] = per_row[0] = 7;
    ck_assert_int_eq(axon_loss_apply(axon_loss_find(name), &b, &mean, per_row, gradient), want);
    ck_assert(mean == 7 && gradient[0] == 7 && per_row[0] == 7); /* nothing was written */
}

START_TEST(targets_outside_of_their_domain_are_refused)
{
    static const float half[] = {0.5f, 0.5f, 0.5f, 0.498f}, above[] = {0, 1, 1.5f, 0},
                       below[] = {0, 1, 1, -1e-30f}, nan[] = {0, NAN, 1, 0},
                       inf[] = {0, 1, 0, INFINITY};
    static const uint32_t classes[] = {1, 2};
    const struct axon_loss_batch b = {.rows = 2, .outputs = 2};
#define WITH(field, value) \
    (struct axon_loss_batch){.rows = b.rows, .outputs = b.outputs, .field = value}

    refused("cross_entropy", WITH(labels, classes), AXON_EPARAM, 1);
    refused("cross_entropy", WITH(targets, half), AXON_EPARAM, 2);
    refused("cross_entropy", WITH(targets, below), AXON_EPARAM, 3);
    refused("binary_cross_entropy", WITH(targets, above), AXON_EPARAM, 2);
    refused("binary_cross_entropy", WITH(targets, below), AXON_EPARAM, 3);
    refused("binary_cross_entropy", WITH(targets, nan), AXON_EPARAM, 1);
    refused("mse", WITH(targets, nan), AXON_EPARAM, 1);
    refused("mse", WITH(targets, inf), AXON_EPARAM, 3);
    refused("mse", WITH(labels, classes), AXON_EUNSUPPORTED, 0);
    refused("binary_cross_entropy", WITH(labels, classes), AXON_EUNSUPPORTED, 0);
    refused("cross_entropy", b, AXON_EUNSUPPORTED, 0);
#undef WITH
}
END_TEST

START_TEST(a_mean_over_nothing_is_refused)
{
    size_t count;
    const struct axon_loss *table = axon_loss_table(&count);

    for (size_t i = 0; i < count; i++) {
        const char *name = table[i].name;

        refused(name, (struct axon_loss_batch){.outputs = 2, .targets = targets}, AXON_ESHAPE, 0);
        refused(name, (struct axon_loss_batch){.rows = 2, .targets = targets}, AXON_ESHAPE, 0);
        refused(name,
                (struct axon_loss_batch){.rows = SIZE_MAX / 2, .outputs = 3, .targets = targets},
                AXON_ESHAPE, 0);
        refused(name,
                (struct axon_loss_batch){.rows = SIZE_MAX / 8, .outputs = 3, .targets = targets},
                AXON_ESHAPE, 0);
    }
}
END_TEST

START_TEST(outputs_that_overlap_what_is_read_are_refused)
{
    static float room[64];
    static uint32_t labels[4];
    struct axon_loss_batch b = {.rows = 4, .outputs = 4, .input = room + 20, .targets = room};
    struct axon_loss_batch classes = {.rows = 4, .outputs = 4, .input = room, .labels = labels};
    const struct axon_loss *mse = axon_loss_find("mse");

    ck_assert_int_eq(axon_loss_apply(mse, &b, NULL, NULL, room + 20), AXON_OK);
    ck_assert_int_eq(axon_loss_apply(mse, &b, NULL, room + 16, room), AXON_OK);
    for (size_t at = 0; at <= 48; at++) { /* input at 20 .. 35, targets at 0 .. 15 */
        int meets = (at > 4 && at < 36 && at != 20) || (at < 16 && at != 0);

        ck_assert_int_eq(axon_loss_apply(mse, &b, NULL, NULL, room + at),
                         meets ? AXON_EOVERLAP : AXON_OK);
        meets = at < 16 || (at > 16 && at < 36);
        ck_assert_int_eq(axon_loss_apply(mse, &b, NULL, room + at, NULL),
                         meets ? AXON_EOVERLAP : AXON_OK);
        meets = at > 36 && at < 56;
        if (at >= 36)
            ck_assert_int_eq(axon_loss_apply(mse, &b, NULL, room + at, room + 40),
                             meets ? AXON_EOVERLAP : AXON_OK);
    }
    ck_assert_int_eq(axon_loss_apply(axon_loss_find("cross_entropy"), &classes, NULL,
                                     (float *)(void *)labels, NULL),
                     AXON_EOVERLAP);
}
END_TEST

START_TEST(arrays_that_begin_amid_a_float_are_refused)
{
    static float room[64];
    float *amid = (float *)(void *)((char *)room + 2);
    struct axon_loss_batch b = {.rows = 2, .outputs = 2, .input = room, .targets = room + 8};
    const struct axon_loss *mse = axon_loss_find("mse");

    ck_assert_int_eq(axon_loss_apply(mse, &b, NULL, room + 16, room + 24), AXON_OK);
    ck_assert_int_eq(axon_loss_apply(mse, &b, NULL, amid + 16, NULL), AXON_EALIGN);
    ck_assert_int_eq(axon_loss_apply(mse, &b, NULL, NULL, amid + 16), AXON_EALIGN);
    b.targets = amid + 8;
    ck_assert_int_eq(axon_loss_check(mse, &b, NULL), AXON_EALIGN);
    b = (struct axon_loss_batch){.rows = 2, .outputs = 2, .input = amid, .targets = room + 8};
    ck_assert_int_eq(axon_loss_check(mse, &b, NULL), AXON_EALIGN);
}
END_TEST

START_TEST(names_and_aliases_are_found_and_nothing_else)
{
    size_t count;
    const struct axon_loss *table = axon_loss_table(&count);

    ck_assert_ptr_eq(axon_loss_find("bce"), axon_loss_find("binary_cross_entropy"));
    ck_assert_ptr_null(axon_loss_find("hinge"));
    ck_assert_ptr_null(axon_loss_find(""));
    for (size_t i = 0; i < count; i++) {
        ck_assert_ptr_eq(axon_loss_find(table[i].name), &table[i]);
        for (const char *const *alias = table[i].aliases; *alias; alias++)
            ck_assert_ptr_eq(axon_loss_find(*alias), &table[i]);
    }
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
    tcase_add_test(tcase, names_and_aliases_are_found_and_nothing_else);
    return suite_run(suite);
}
