/* test_lib_initializer.c - every scheme's mean, variance, bounds and shape; the same seed gives the
 * same numbers for ever, another stream gives others. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "axon/initializer.h"
#include "suite.h"

enum { FEATURES = 400, UNITS = 300, N = FEATURES * UNITS, SCHEMES = 6 };

static float weight[N], other[N];

static const char *name_of(int index)
{
    size_t count;
    const char *const *names = axon_initializer_names(&count);

    ck_assert_uint_eq(count, SCHEMES);
    return names[index];
}

static double variance_of(const char *name)
{
    if (strncmp(name, "he_", 3) == 0)
        return 2.0 / FEATURES;
    return strncmp(name, "lecun_", 6) == 0 ? 1.0 / FEATURES : 2.0 / (FEATURES + UNITS);
}

/* Bounds are six standard errors of each estimate: one seed in a hundred million is unlucky. */
START_TEST(the_moments_are_those_of_the_scheme)
{
    const char *name = name_of(_i);
    int uniform = strstr(name, "uniform") != NULL;
    double variance = variance_of(name), kurtosis = uniform ? 1.8 : 3.0, sigma = sqrt(variance);
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0, n = N;

    axon_initializer_fill(axon_initializer_find(name), 42, 3, FEATURES, UNITS, weight);
    for (size_t i = 0; i < N; i++) {
        double z = (double)weight[i] / sigma;

        m1 += z / n;
        m2 += z * z / n;
        m3 += z * z * z / n;
        m4 += z * z * z * z / n;
    }
    ck_assert_double_le(fabs(m1), 6 / sqrt(n));
    ck_assert_double_le(fabs(m2 - 1), 6 * sqrt((kurtosis - 1) / n));
    ck_assert_double_le(fabs(m3), 6 * sqrt(15 / n));
    ck_assert_double_le(fabs(m4 - kurtosis), 6 * sqrt(96 / n));
}
END_TEST

static size_t within(double limit)
{
    size_t count = 0;

    for (size_t i = 0; i < N; i++)
        count += fabs((double)weight[i]) <= limit;
    return count;
}

START_TEST(the_distribution_has_the_right_shape)
{
    const char *name = name_of(_i);
    double sigma = sqrt(variance_of(name)), n = N;

    axon_initializer_fill(axon_initializer_find(name), 1, 0, FEATURES, UNITS, weight);
    if (strstr(name, "uniform")) {
        double bound = sigma * sqrt(3);

        ck_assert_uint_eq(within(bound * (1 + 1e-7)), N);
        ck_assert_uint_lt(within(bound * 0.9999), N);
        ck_assert_double_le(fabs((double)within(bound / 2) - n / 2), 6 * sqrt(n / 4));
    } else {
        for (double z = 0.5; z <= 3; z += 0.5) {
            double share = erf(z / sqrt(2));

            ck_assert_double_le(fabs((double)within(z * sigma) - n * share),
                                6 * sqrt(n * share * (1 - share)));
        }
        ck_assert_uint_lt(within(4 * sigma), N); /* not truncated */
    }
}
END_TEST

START_TEST(neighbours_are_uncorrelated)
{
    double sum = 0, sigma2 = variance_of(name_of(_i));

    axon_initializer_fill(axon_initializer_find(name_of(_i)), 5, 1, FEATURES, UNITS, weight);
    for (size_t lag = 1; lag <= 3; lag++) {
        sum = 0;
        for (size_t i = 0; i + lag < N; i++)
            sum += (double)weight[i] * (double)weight[i + lag] / sigma2;
        ck_assert_double_le(fabs(sum), 6 * sqrt((double)N));
    }
}
END_TEST

START_TEST(seed_and_stream_decide_the_numbers)
{
    const struct axon_initializer *init = axon_initializer_find(name_of(_i));

    axon_initializer_fill(init, 7, 1, FEATURES, UNITS, weight);
    axon_initializer_fill(init, 7, 1, FEATURES, UNITS, other);
    ck_assert_mem_eq(weight, other, sizeof weight);
    axon_initializer_fill(init, 8, 1, FEATURES, UNITS, other);
    ck_assert_mem_ne(weight, other, sizeof weight);
    axon_initializer_fill(init, 7, 2, FEATURES, UNITS, other);
    ck_assert_mem_ne(weight, other, sizeof weight);
    axon_initializer_fill(init, 1, 7, FEATURES, UNITS, other);
    ck_assert_mem_ne(weight, other, sizeof weight);
}
END_TEST

/* Written down once: a model that is described by its seed must stay the same model. */
START_TEST(the_numbers_never_change)
{
    static const uint32_t normal[] = {0x3f36f585, 0x3dbf7738, 0x3fbb42fd, 0xbf1261da};
    static const uint32_t uniform[] = {0x3f8882ac, 0x3e0edb82, 0x3f1d9790, 0xbe766107};
    float w[4];

    axon_initializer_fill(axon_initializer_find("he_normal"), 1, 0, 2, 2, w);
    ck_assert_mem_eq(w, normal, sizeof w);
    axon_initializer_fill(axon_initializer_find("glorot_uniform"), 1, 0, 2, 2, w);
    ck_assert_mem_eq(w, uniform, sizeof w);
}
END_TEST

START_TEST(an_unknown_name_is_not_found)
{
    ck_assert_ptr_null(axon_initializer_find("he"));
    ck_assert_ptr_null(axon_initializer_find(""));
    ck_assert_ptr_null(axon_initializer_find("xavier"));
    for (int i = 0; i < SCHEMES; i++)
        ck_assert_ptr_nonnull(axon_initializer_find(name_of(i)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("initializer");
    TCase *tcase = suite_case(suite, "every scheme");

    tcase_add_loop_test(tcase, the_moments_are_those_of_the_scheme, 0, SCHEMES);
    tcase_add_loop_test(tcase, the_distribution_has_the_right_shape, 0, SCHEMES);
    tcase_add_loop_test(tcase, neighbours_are_uncorrelated, 0, SCHEMES);
    tcase_add_loop_test(tcase, seed_and_stream_decide_the_numbers, 0, SCHEMES);
    tcase_add_test(tcase, the_numbers_never_change);
    tcase_add_test(tcase, an_unknown_name_is_not_found);
    return suite_run(suite);
}
