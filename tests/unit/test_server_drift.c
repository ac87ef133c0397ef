/* test_server_drift.c - the formulas of drift and of calibration, on numbers that can be worked out
 * by hand. */
#include <math.h>
#include <stdlib.h>
#include "neurons/calibration.h"
#include "neurons/drift.h"
#include "suite.h"

START_TEST(a_unit_drifts_by_its_odds)
{
    /* p = 20.5/41 = 1/2, q = 8.5/34 = 1/4: (1/4) ln 2 + (-1/4) ln(2/3) */
    ck_assert_near(drift_of_unit(20, 40, 8 / 33.0, 33), 0.25 * log(2) - 0.25 * log(2 / 3.0), 1e-15);
    ck_assert_near(drift_of_unit(0, 300, 0, 300), 0, 1e-15);
    ck_assert_near(drift_of_unit(150, 300, 0.5, 300), 0, 1e-15);
    ck_assert(drift_of_unit(0, 300, 1, 300) > 5); /* finite, though it never fires and always did */
    ck_assert(isfinite(drift_of_unit(300, 300, 0, 1)));
}
END_TEST

/* A quarter of the values is 8, the others are 0: the bound of those that are not 0 is exact. */
START_TEST(a_feature_changes_at_least_as_often_as_its_spread_tells)
{
    float min[2] = {0, -1}, max[2] = {8, 1};
    double mean[2] = {2, 0}, std[2] = {sqrt(12), 0.5};
    const struct baseline_input input = {2, min, max, mean, std};

    ck_assert_near(drift_of_feature(&input, 0, 0), 0.25, 1e-15);
    ck_assert_near(drift_of_feature(&input, 0, 8), 0.75, 1e-15);
    ck_assert_near(drift_of_feature(&input, 1, 0), 0.25,
                   1e-15);                            /* at its mean: by the spread alone */
    ck_assert(drift_of_feature(&input, 0, 100) <= 1); /* where no row ever was */
    ck_assert(drift_of_feature(&input, 0, 100) > 0.9);
}
END_TEST

START_TEST(classes_drift_with_half_a_row_each)
{
    const uint64_t now[2] = {3, 0}, habit[2] = {0, 3}; /* 3.5/4 and 0.5/4 */

    ck_assert_near(drift_of_classes(now, habit, 2), 2 * 0.75 * log(7), 1e-14);
    ck_assert_near(drift_of_classes(now, now, 2), 0, 1e-15);
}
END_TEST

/* Rows of one probability, of which the first `wrong` belong to class 0, the others to class 1. */
static struct baseline calibrated(const float *y, size_t rows, size_t wrong)
{
    static const struct predictions_shape shape = {PREDICTIONS_CHANCE, 1, 2, 0};
    struct baseline b = {.rows = rows};
    uint32_t *classes = calloc(rows, sizeof *classes);

    for (size_t i = wrong; i < rows; i++)
        classes[i] = 1;
    ck_assert_int_eq(calibrate(&b, &shape, y, classes, rows), 0);
    free(classes);
    return b;
}

START_TEST(quantiles_are_ranks_of_whole_numbers)
{
    float y[99];
    struct baseline b;

    for (size_t i = 0; i < 99; i++)
        y[i] = 1 - (float)(i + 1) / 128; /* scores 1/128, 2/128, ... */
    b = calibrated(y, 99, 0);
    ck_assert_uint_eq(b.conformal_rows, 99);
    ck_assert_same(b.quantiles[0], 90 / 128.0); /* the (100 * 0.9)th of 99 */
    ck_assert_same(b.quantiles[1], 95 / 128.0);
    ck_assert_same(b.quantiles[2], 99 / 128.0);
    b = calibrated(y, 98, 0);                   /* 99 * 0.99 = 98.01: the 99th of 98 */
    ck_assert_same(b.quantiles[0], 90 / 128.0); /* 99 * 0.9 = 89.1 */
    ck_assert_same(b.quantiles[2], 1);
    b = calibrated(y, 9, 0); /* 10 * 0.9 is 9, whatever doubles make of it */
    ck_assert_same(b.quantiles[0], 9 / 128.0);
}
END_TEST

START_TEST(the_temperature_makes_confidence_right)
{
    float y[100];

    for (size_t i = 0; i < 100; i++)
        y[i] = 0.9f;
    /* 75 of 100 are right: sigma(ln 9 / T) = 3/4, T = ln 9 / ln 3 = 2 */
    ck_assert_near(calibrated(y, 100, 25).temperature, 2, 1e-6);
    ck_assert_near(calibrated(y, 100, 10).temperature, 1, 1e-6);
    ck_assert(calibrated(y, 100, 0).temperature < 0.06); /* never wrong: as cold as may be */
    ck_assert_near(calibrated(y, 100, 60).temperature, 20, 1e-6); /* worse than a coin */
}
END_TEST

START_TEST(a_certain_answer_that_is_wrong_is_no_infinite_loss)
{
    const float y[4] = {1, 1, 1, 1}; /* the other class has probability 0 */
    struct baseline b = calibrated(y, 4, 1);

    ck_assert(isfinite(b.temperature));
    ck_assert_same(b.quantiles[0], 1);
}
END_TEST

START_TEST(a_set_holds_what_the_quantile_lets_in)
{
    const double score = 1 - (double)0.3f;

    ck_assert(calibration_holds((double)0.3f, score));
    ck_assert(!calibration_holds((double)0.3f, nextafter(score, 0)));
    ck_assert(calibration_holds(0, 1));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("drift");
    TCase *tc = suite_case(s, "drift");

    tcase_add_test(tc, a_unit_drifts_by_its_odds);
    tcase_add_test(tc, a_feature_changes_at_least_as_often_as_its_spread_tells);
    tcase_add_test(tc, a_feature_changes_at_least_as_often_as_its_spread_tells);
    tcase_add_test(tc, classes_drift_with_half_a_row_each);
    tcase_add_test(tc, quantiles_are_ranks_of_whole_numbers);
    tcase_add_test(tc, the_temperature_makes_confidence_right);
    tcase_add_test(tc, a_certain_answer_that_is_wrong_is_no_infinite_loss);
    tcase_add_test(tc, a_set_holds_what_the_quantile_lets_in);
    return suite_run(s);
}
