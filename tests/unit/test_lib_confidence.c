/* test_lib_confidence.c - class, confidence and tempered confidence of rows, against doubles. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include "axon/confidence.h"
#include "axon/cpu.h"
#include "suite.h"

enum { ROWS = 37, CLASSES_MAX = 40 };

static uint32_t random_state = 11;

static double random_share(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (double)(random_state >> 8) / (1 << 24);
}

/* softmax(power * z), of which only the largest is wanted. */
static double largest_share(const double *z, size_t n, double power)
{
    double most = -INFINITY, sum = 0;

    for (size_t i = 0; i < n; i++)
        most = fmax(most, z[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp((z[i] - most) * power);
    return 1 / sum;
}

static size_t first_largest(const float *y, size_t n)
{
    size_t at = 0;

    for (size_t i = 1; i < n; i++)
        at = y[i] > y[at] ? i : at;
    return at;
}

static const struct {
    size_t n;
    double spread; /* of the logits */
    float power;
} cases[] = {{1, 1, 0.5f},   {2, 3, 1.7f},   {10, 5, 0.7f}, {10, 60, 0.4f}, {10, 300, 1},
             {17, 10, 2.5f}, {40, 8, 0.05f}, {3, 0, 1.3f},  {10, 20, 0}};

/* y from z: logits as they are, or what softmax makes of them. */
static void outputs(const double *z, float *y, size_t n, bool logits)
{
    double most = z[0], sum = 0;

    for (size_t i = 0; i < n; i++)
        most = fmax(most, z[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp(z[i] - most);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(logits ? z[i] : exp(z[i] - most) / sum);
}

static void compare(size_t n, double spread, float power, bool logits)
{
    static double z[ROWS][CLASSES_MAX];
    static float y[ROWS * CLASSES_MAX];
    uint32_t classes[ROWS];
    float confidence[ROWS], tempered[ROWS];

    for (size_t r = 0; r < ROWS; r++) {
        for (size_t i = 0; i < n; i++)
            z[r][i] = (double)(float)((random_share() - 0.5) * spread);
        outputs(z[r], y + r * n, n, logits);
    }
    axon_confidence_rows(
        &(struct axon_confidence){y, ROWS, n, logits, power, classes, confidence, tempered, false});
    for (size_t r = 0; r < ROWS; r++) {
        ck_assert_uint_eq(classes[r], first_largest(y + r * n, n));
        ck_assert_double_eq_tol((double)confidence[r], largest_share(z[r], n, 1), 1e-6);
        if (power > 0)
            ck_assert_double_eq_tol((double)tempered[r], largest_share(z[r], n, (double)power),
                                    2e-6);
    }
}

static const char *const *isas;
static size_t isas_count;

START_TEST(rows_are_as_in_double_precision)
{
    ck_assert_int_eq(axon_isa_select(isas[_i]), AXON_OK);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        compare(cases[c].n, cases[c].spread, cases[c].power, false);
        compare(cases[c].n, cases[c].spread, cases[c].power, true);
    }
}
END_TEST

/* One output for two classes, at its borders, too. */
START_TEST(one_output_speaks_for_the_second_of_two_classes)
{
    float y[ROWS] = {0.5f, 0, 1, 0x1p-140f, 0x1.fffffep-1f, 0.25f, NAN}, confidence[ROWS],
          tempered[ROWS];
    uint32_t classes[ROWS];
    double power = 1.6;

    ck_assert_int_eq(axon_isa_select(isas[_i]), AXON_OK);
    for (int logits = 0; logits < 2; logits++) {
        for (size_t r = 7; r < ROWS; r++)
            y[r] = (float)(logits ? (random_share() - 0.5) * 60 : random_share());
        axon_confidence_rows(&(struct axon_confidence){y, ROWS, 1, logits, (float)power, classes,
                                                       confidence, tempered, true});
        for (size_t r = 0; r < ROWS; r++) {
            double p = logits ? 1 / (1 + exp(-(double)y[r])) : (double)y[r], most = fmax(p, 1 - p);

            if (isnan(y[r])) {
                ck_assert(isnan(confidence[r]) && isnan(tempered[r]));
                continue;
            }
            ck_assert_uint_eq(classes[r], p >= 0.5);
            ck_assert_double_eq_tol((double)confidence[r], most, 1e-6);
            ck_assert_double_eq_tol((double)tempered[r],
                                    pow(most, power) / (pow(most, power) + pow(1 - most, power)),
                                    2e-6);
        }
    }
}
END_TEST

START_TEST(a_row_alone_and_in_any_company_is_the_same)
{
    float y[ROWS * 5], confidence[ROWS], tempered[ROWS], one, one_tempered;
    uint32_t classes[ROWS], class;

    ck_assert_int_eq(axon_isa_select(isas[_i]), AXON_OK);
    for (size_t i = 0; i < ROWS * 5; i++)
        y[i] = (float)random_share();
    axon_confidence_rows(
        &(struct axon_confidence){y, ROWS, 5, false, 0.8f, classes, confidence, tempered, false});
    for (size_t r = 0; r < ROWS; r++) {
        axon_confidence_rows(&(struct axon_confidence){y + 5 * r, 1, 5, false, 0.8f, &class, &one,
                                                       &one_tempered, false});
        ck_assert_uint_eq(class, classes[r]);
        ck_assert(one == confidence[r]);
        ck_assert(one_tempered == tempered[r]);
    }
}
END_TEST

START_TEST(a_row_that_is_not_finite_says_nothing_and_spoils_no_other)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};

    ck_assert_int_eq(axon_isa_select(isas[_i]), AXON_OK);
    for (size_t b = 0; b < 3; b++)
        for (size_t at = 0; at < 6; at++) {
            float y[6] = {0.2f, 0.5f, 0.3f, 0.6f, 0.1f, 0.3f}, confidence[2], tempered[2];
            uint32_t classes[2];

            y[at] = bad[b];
            axon_confidence_rows(
                &(struct axon_confidence){y, 2, 3, false, 1, classes, confidence, tempered, false});
            ck_assert(isnan(confidence[at / 3]) && isnan(tempered[at / 3]));
            ck_assert(confidence[1 - at / 3] == (at / 3 ? 0.5f : 0.6f));
        }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("confidence");
    TCase *tc = suite_case(s, "confidence");

    isas = axon_isa_list(&isas_count);
    tcase_add_loop_test(tc, rows_are_as_in_double_precision, 0, (int)isas_count);
    tcase_add_loop_test(tc, one_output_speaks_for_the_second_of_two_classes, 0, (int)isas_count);
    tcase_add_loop_test(tc, a_row_alone_and_in_any_company_is_the_same, 0, (int)isas_count);
    tcase_add_loop_test(tc, a_row_that_is_not_finite_says_nothing_and_spoils_no_other, 0,
                        (int)isas_count);
    return suite_run(s);
}
