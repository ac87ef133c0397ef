/* test_lib_initializer.c - every scheme's mean, variance, bounds and shape; independence of draws,
 * seeds and streams; the same seed gives the same numbers for ever; gains.
 *
 * Seeds are fixed, so a test that passes once passes always. Bounds are such that another seed
 * would fail one in a million times. */
#include <float.h>
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

/* The scheme's distribution function at x, x in standard deviations. */
static double distribution(int uniform, double x)
{
    return uniform ? fmin(fmax(x / sqrt(12) + 0.5, 0), 1) : erfc(-x / sqrt(2)) / 2;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov: P(sqrt(n) D > t) = 2 exp(-2 t^2), 1e-6 at 2.69. And not too good. */
START_TEST(the_distribution_function_is_that_of_the_scheme)
{
    const char *name = name_of(_i);
    int uniform = strstr(name, "uniform") != NULL;
    double sigma = sqrt(variance_of(name)), farthest = 0, n = N;

    axon_initializer_fill(axon_initializer_find(name), 3, 5, FEATURES, UNITS, weight);
    qsort(weight, N, sizeof *weight, compare_floats);
    for (size_t i = 0; i < N; i++) {
        double p = distribution(uniform, (double)weight[i] / sigma);

        farthest = fmax(farthest, fmax((double)(i + 1) / n - p, p - (double)i / n));
    }
    ck_assert_double_le(sqrt(n) * farthest, 2.69);
    ck_assert_double_ge(sqrt(n) * farthest, 0.2);
}
END_TEST

/* Pearson's chi-square, 64 classes of equal probability, for pairs of successive draws (64 x 64 too
 * would see a lattice): mean 4095, standard deviation 90.5. */
START_TEST(pairs_of_draws_fill_the_square_evenly)
{
    enum { SIDE = 64 };
    static unsigned cells[SIDE][SIDE];
    const char *name = name_of(_i);
    int uniform = strstr(name, "uniform") != NULL;
    double sigma = sqrt(variance_of(name)), sum = 0, want = (double)(N / 2) / (SIDE * SIDE);

    axon_initializer_fill(axon_initializer_find(name), 11, 2, FEATURES, UNITS, weight);
    for (size_t i = 0; i + 1 < N; i += 2) {
        double p = distribution(uniform, (double)weight[i] / sigma);
        double q = distribution(uniform, (double)weight[i + 1] / sigma);

        cells[(size_t)fmin(p * SIDE, SIDE - 1)][(size_t)fmin(q * SIDE, SIDE - 1)]++;
    }
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        double off = (double)cells[i / SIDE][i % SIDE] - want;

        sum += off * off / want;
    }
    ck_assert_double_le(fabs(sum - (SIDE * SIDE - 1)), 5 * sqrt(2.0 * (SIDE * SIDE - 1)));
}
END_TEST

/* Seeds and streams that differ in one bit, or are exchanged: as unrelated as any. The first draws
 * of many streams are a sample of the scheme as well. */
START_TEST(seeds_and_streams_are_independent)
{
    enum { LENGTH = 4096, STREAMS = 12, FIRSTS = 20000 };
    static const uint64_t pairs[STREAMS][2] = {{0, 0}, {0, 1}, {1, 0},          {1, 1},
                                               {0, 2}, {2, 0}, {2, 1},          {1, 2},
                                               {3, 0}, {0, 3}, {UINT64_MAX, 0}, {0, UINT64_MAX}};
    static float rows[STREAMS][LENGTH];
    const struct axon_initializer *init = axon_initializer_find(name_of(_i));
    double sigma2 = variance_of(name_of(_i)), first[2] = {0}, sum;

    for (size_t s = 0; s < STREAMS; s++) {
        axon_initializer_fill(init, pairs[s][0], pairs[s][1], FEATURES, UNITS, weight);
        memcpy(rows[s], weight, sizeof rows[s]);
        for (size_t t = 0; t < s; t++)
            for (size_t lag = 0; lag < 3; lag++) {
                sum = 0;
                for (size_t i = 0; i + lag < LENGTH; i++)
                    sum += (double)rows[s][i] * (double)rows[t][i + lag] / sigma2;
                ck_assert_double_le(fabs(sum), 5.5 * sqrt(LENGTH));
            }
    }
    for (uint64_t s = 0; s < FIRSTS; s++) {
        axon_initializer_fill(init, s / 100, s % 100, 1, 1, weight);
        sum = (double)weight[0] * (double)weight[0]; /* one feature, one unit: He 2, others 1 */
        first[0] += (double)weight[0];
        first[1] += sum / (strncmp(name_of(_i), "he_", 3) == 0 ? 2 : 1);
    }
    ck_assert_double_le(fabs(first[0]), 5 * sqrt(2.0 * FIRSTS));
    ck_assert_double_le(fabs(first[1] - FIRSTS), 5 * sqrt(2.0 * FIRSTS));
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

/* ---- gains ---- */

START_TEST(a_gain_scales_every_weight)
{
    const struct axon_initializer *init = axon_initializer_find(name_of(_i));
    double own = strncmp(name_of(_i), "he_", 3) == 0 ? sqrt(2) : 1;

    axon_initializer_fill(init, 7, 1, FEATURES, UNITS, weight);
    ck_assert_int_eq(axon_initializer_fill_gain(init, 0.6 * own, 7, 1, FEATURES, UNITS, other),
                     AXON_OK);
    for (size_t i = 0; i < N; i++)
        ck_assert_double_le(fabs((double)other[i] - 0.6 * (double)weight[i]),
                            2e-7 * fabs((double)weight[i]));
    ck_assert_int_eq(axon_initializer_fill_gain(init, 0, 7, 1, 2, 2, other), AXON_OK);
    ck_assert(other[0] == 0 && other[3] == 0);
}
END_TEST

START_TEST(a_gain_that_is_no_gain_is_refused)
{
    static const double bad[] = {-1, -1e-300, NAN, INFINITY, -INFINITY};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        other[0] = 7;
        ck_assert_int_eq(axon_initializer_fill_gain(axon_initializer_find(name_of(0)), bad[i], 1, 1,
                                                    1, 1, other),
                         AXON_EPARAM);
        ck_assert(other[0] == 7);
    }
}
END_TEST

START_TEST(no_weight_is_infinite)
{
    static const double large[] = {1e37, 1e38, 3e38, 3.5e38, 1e39, 1e154, 1e300, DBL_MAX};
    const struct axon_initializer *init = axon_initializer_find(name_of(_i));

    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        other[0] = 7;
        if (axon_initializer_fill_gain(init, large[i], 3, 1, 1, N, other) == AXON_OK)
            for (size_t k = 0; k < N; k++)
                ck_assert(isfinite(other[k]));
        else
            ck_assert(large[i] > 1e37 && other[0] == 7);
        if (large[i] > (double)FLT_MAX)
            ck_assert_int_eq(axon_initializer_fill_gain(init, large[i], 3, 1, N, 1, other),
                             AXON_EPARAM);
    }
    ck_assert_int_eq(axon_initializer_fill_gain(init, 3e38, 3, 1, N, 1, other), AXON_OK);
    ck_assert_int_eq(axon_initializer_fill_gain(init, 1, 3, 1, 0, 1, other), AXON_OK);
    ck_assert_int_eq(axon_initializer_fill_gain(init, 0, 3, 1, 0, 0, other), AXON_OK);
}
END_TEST

static double gain(const char *name, const float *params, size_t count)
{
    const struct axon_activation *act = axon_activation_find(name);

    return act ? axon_initializer_gain(act, params, count) : (double)NAN;
}

/* torch.nn.init.calculate_gain() of PyTorch 1.13. */
START_TEST(gains_are_those_of_pytorch)
{
    const float fifth = 0.2f, one = 1;

    ck_assert_near(gain("identity", NULL, 0), 1, 1e-15);
    ck_assert_near(gain("sigmoid", NULL, 0), 1, 1e-15);
    ck_assert_near(gain("tanh", NULL, 0), 5.0 / 3, 1e-15);
    ck_assert_near(gain("relu", NULL, 0), 1.4142135623730951, 1e-15);
    ck_assert_near(gain("leaky_relu", NULL, 0), 1.4141428569978354, 1e-8);
    ck_assert_near(gain("leaky_relu", &fifth, 1), 1.3867504905630728, 1e-8);
    ck_assert_near(gain("leaky_relu", &one, 1), 1, 1e-15);
    if (axon_activation_find("selu"))
        ck_assert_near(gain("selu", NULL, 0), 0.75, 1e-15);
}
END_TEST

START_TEST(the_gain_of_a_row_is_that_of_its_default_parameters)
{
    size_t count;
    const struct axon_activation *act = &axon_activation_table(&count)[_i];

    ck_assert_msg(fabs(axon_initializer_gain(act, NULL, 0) - act->gain) <= 1e-7 * act->gain,
                  "%s: %.17g, the row has %.17g", act->name, axon_initializer_gain(act, NULL, 0),
                  act->gain);
}
END_TEST

START_TEST(slopes_of_channels_are_averaged)
{
    const float slopes[] = {0, 1, -0.5f, 0.25f}, bad[] = {0, NAN};
    double mean = (1 + 0.25 + 0.0625) / 4;

    ck_assert_near(gain("prelu", slopes, 4), sqrt(2 / (1 + mean)), 1e-15);
    ck_assert_near(gain("prelu", slopes + 1, 1), 1, 1e-15);
    ck_assert(isnan(gain("prelu", bad, 2)));
    ck_assert(isnan(gain("relu", slopes, 1)));
}
END_TEST

/* The purpose of the gain: twenty layers of 256 units keep the mean square of their signal within
 * the noise of so few weights, a factor of 16 (relu's gain at a slope of 0.5 would be 1.25^20 = 87
 * off, none at all at a slope of 0 2^20). */
START_TEST(the_mean_square_survives_twenty_layers)
{
    enum { WIDTH = 256, DEPTH = 20 };
    static const float slopes[] = {0.0f, 0.01f, 0.5f, -0.7f};
    const struct axon_activation *act = axon_activation_find("leaky_relu");
    const struct axon_initializer *init = axon_initializer_find("he_normal");
    static float x[WIDTH], next[WIDTH];
    double square = 0;

    axon_initializer_fill_gain(axon_initializer_find("lecun_normal"), 1, 9, 99, 1, WIDTH, x);
    for (uint64_t l = 0; l < DEPTH; l++) {
        axon_initializer_fill_gain(init, axon_initializer_gain(act, &slopes[_i], 1), 9, l, WIDTH,
                                   WIDTH, weight);
        for (size_t u = 0; u < WIDTH; u++) {
            double sum = 0;

            for (size_t f = 0; f < WIDTH; f++)
                sum += (double)weight[u * WIDTH + f] * (double)x[f];
            next[u] = (float)sum;
        }
        axon_activation_forward(act, next, x, (struct axon_axis){1, WIDTH, 1}, &slopes[_i], 1);
    }
    for (size_t u = 0; u < WIDTH; u++)
        square += (double)next[u] * (double)next[u] / WIDTH;
    /* Before its activation the last layer has gain^2 times as much. */
    square /= pow(axon_initializer_gain(act, &slopes[_i], 1), 2);
    ck_assert_double_ge(square, 1 / 16.0);
    ck_assert_double_le(square, 16.0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("initializer");
    TCase *tcase = suite_case(suite, "every scheme"), *gains = suite_case(suite, "gains");
    size_t count;

    tcase_add_loop_test(tcase, the_moments_are_those_of_the_scheme, 0, SCHEMES);
    tcase_add_loop_test(tcase, the_distribution_has_the_right_shape, 0, SCHEMES);
    tcase_add_loop_test(tcase, the_distribution_function_is_that_of_the_scheme, 0, SCHEMES);
    tcase_add_loop_test(tcase, pairs_of_draws_fill_the_square_evenly, 0, SCHEMES);
    tcase_add_loop_test(tcase, seeds_and_streams_are_independent, 0, SCHEMES);
    tcase_add_loop_test(tcase, neighbours_are_uncorrelated, 0, SCHEMES);
    tcase_add_loop_test(tcase, seed_and_stream_decide_the_numbers, 0, SCHEMES);
    tcase_add_test(tcase, the_numbers_never_change);
    tcase_add_test(tcase, an_unknown_name_is_not_found);
    axon_activation_table(&count);
    tcase_add_loop_test(tcase, a_gain_scales_every_weight, 0, SCHEMES);
    tcase_add_test(gains, a_gain_that_is_no_gain_is_refused);
    tcase_add_loop_test(gains, no_weight_is_infinite, 0, SCHEMES);
    tcase_add_test(gains, gains_are_those_of_pytorch);
    tcase_add_loop_test(gains, the_gain_of_a_row_is_that_of_its_default_parameters, 0, (int)count);
    tcase_add_test(gains, slopes_of_channels_are_averaged);
    tcase_add_loop_test(gains, the_mean_square_survives_twenty_layers, 0, 4);
    return suite_run(suite);
}
