/* test_lib_kernels.c - every elementwise row of the registry, forward and derivative, on every ISA
 * of this machine: accuracy against the double-precision oracle, edges, positions, buffer ends.
 *
 * Walks the tables: a new row or ISA is covered by itself. tests/exhaustive does all 2^32 inputs.
 */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "axon/cpu.h"
#include "kernels/dispatch.h"
#include "kernels/probe.h"
#include "../oracle/guard.h"
#include "../oracle/oracle.h"
#include "suite.h"

enum {
    SWEEP_STRIDE = 20011, /* prime, so that all low bits occur: 214 thousand floats of 2^32 */
    CHUNK = 1024,
};

static const float edges[] = {
    0.0f,        -0.0f,       1.0f,         -1.0f,        0.5f,        -0.5f,        FLT_MIN,
    -FLT_MIN,    FLT_MIN / 8, -FLT_MIN / 8, 0x1p-149f,    -0x1p-149f,  FLT_MAX,      -FLT_MAX,
    88.72284f,   -88.72284f,  87.33655f,    -87.33655f,   103.97208f,  -103.97208f,  104.0f,
    -104.0f,     -103.0f,     -100.0f,      100.0f,       -109.99f,    -110.01f,     9.010913f,
    -9.010913f,  18.714973f,  -18.714973f,  20.0f,        -20.0f,      1e-4f,        -1e-4f,
    0.00034527f, -0.7517915f, -0.7517916f,  -0.7517914f,  -1.2784645f, -1.2784646f,  -1.2784644f,
    -0.7524614f, -0.7524615f, -0.7524613f,  -10.0f,       -13.0f,      -14.0f,       -14.2f,
    -14.5f,      -15.0f,      -16.0f,       5.5f,         -10.5f,      -10.8f,       -11.0f,
    -11.1f,      -0.6267915f, -0.8767915f,  1e10f,        -1e10f,      1e30f,        -1e30f,
    3.0f,        -3.0f,       2.9999998f,   -2.9999998f,  3.0000002f,  -3.0000002f,  6.0f,
    5.9999995f,  6.0000005f,  0.50000006f,  -0.50000006f, 0.99999994f, -0.99999994f, -1.5f,
    -1.5000001f, -2.5f,       2.5f,         INFINITY,     -INFINITY,   NAN,
};

enum { EDGES = sizeof edges / sizeof *edges };

/* One call of a kernel; the row's defaults as parameters. */
struct row {
    const struct axon_activation *act;
    const struct axon_kernel *kernel;
    const char *isa;
    float params[AXON_PARAMETERS_MAX];
    double exact[AXON_PARAMETERS_MAX];
    oracle_function *oracle[2]; /* f, f' */
};

static size_t isas_count(void)
{
    size_t count;

    axon__kernels_list(&count);
    return count;
}

static struct row row_of(size_t index, size_t isa)
{
    size_t count;
    const struct axon_activation *act = &axon_activation_table(&count)[index];
    const struct axon_kernels *kernels = axon__kernels_list(&count)[isa];
    const struct oracle *oracle = oracle_for(index);
    struct row row = {.act = act,
                      .kernel = &kernels->rows[index],
                      .isa = kernels->isa,
                      .oracle = {oracle->forward, oracle->derivative}};

    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        row.exact[k] = (double)(row.params[k] = act->parameters[k].value);
    return row;
}

/* d == 0: y = f(x); d == 1: y = f'(x) */
static void apply(const struct row *row, int d, const float *x, float *y, size_t n)
{
    struct axon_axis flat = {1, n, 1};

    if (d)
        row->kernel->gradient(x, NULL, y, flat, row->params, row->act->parameters_count);
    else
        row->kernel->forward(x, y, flat, row->params, row->act->parameters_count);
}

static void check_values(const struct row *row, const float *x, size_t n, double limit)
{
    float y[CHUNK];

    for (int d = 0; d < 2; d++) {
        apply(row, d, x, y, n);
        for (size_t i = 0; i < n; i++) {
            double want = row->oracle[d]((double)x[i], row->exact), ulps = oracle_ulps(y[i], want);

            if (!(ulps <= limit))
                ck_abort_msg("%s%s on %s: at %a %a, want %a: %.3f ulp > %.2f", row->act->name,
                             d ? "'" : "", row->isa, (double)x[i], (double)y[i], want, ulps, limit);
        }
    }
}

/* A promise of 0 is the exact value, rounded once. */
static double limit_of(const struct row *row)
{
    return row->act->ulp_max > 0.0f ? (double)row->act->ulp_max : 0.5;
}

static int elementwise(int index)
{
    size_t count;

    return axon_activation_table(&count)[index].kind == AXON_ELEMENTWISE;
}

START_TEST(a_sweep_over_all_floats_is_as_accurate_as_promised)
{
    float x[CHUNK];
    size_t n = 0;

    if (!elementwise(_i))
        return;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += SWEEP_STRIDE) {
        uint32_t word = (uint32_t)bits;

        memcpy(&x[n++], &word, sizeof word);
        if (n < CHUNK && bits + SWEEP_STRIDE <= UINT32_MAX)
            continue;
        for (size_t isa = 0; isa < isas_count(); isa++) {
            struct row row = row_of((size_t)_i, isa);

            check_values(&row, x, n, limit_of(&row));
        }
        n = 0;
    }
}
END_TEST

START_TEST(edges_are_as_accurate_as_promised)
{
    if (!elementwise(_i))
        return;
    for (size_t isa = 0; isa < isas_count(); isa++) {
        struct row row = row_of((size_t)_i, isa);

        check_values(&row, edges, EDGES, limit_of(&row));
    }
}
END_TEST

/* The zeros of silu', gelu', gelu_tanh', quick_gelu' and mish' are where a careless derivative has
 * no right digit. */
START_TEST(the_floats_around_a_zero_of_the_derivative_keep_their_accuracy)
{
    static const float zeros[] = {-1.2784645f, -0.7517915f, -0.7524614f, -0.7511543f, -1.1924312f};
    float x[CHUNK];

    if (!elementwise(_i))
        return;
    for (size_t z = 0; z < sizeof zeros / sizeof *zeros; z++) {
        x[0] = zeros[z];
        for (size_t i = 1; i < CHUNK; i++)
            x[i] = nextafterf(x[i - 1], i < CHUNK / 2 ? -INFINITY : i == CHUNK / 2 ? zeros[z] : 0);
        for (size_t isa = 0; isa < isas_count(); isa++) {
            struct row row = row_of((size_t)_i, isa);

            check_values(&row, x, CHUNK, limit_of(&row));
        }
    }
}
END_TEST

struct known {
    const char *name;
    float x, f;
};

/* From mpmath at 40 digits, independent of the oracle; what careless code gets wrong. */
static const struct known known[] = {
    {"sigmoid", -100.0f, 3.7200760e-44f},
    {"sigmoid", 100.0f, 1.0f},
    {"sigmoid", -87.0f, 1.6458114e-38f},
    {"sigmoid", 0.0f, 0.5f},
    {"sigmoid", -INFINITY, 0.0f},
    {"sigmoid", INFINITY, 1.0f},
    {"tanh", -0.0f, -0.0f},
    {"tanh", 1e-30f, 1e-30f},
    {"tanh", 0.5f, 0.46211717f},
    {"tanh", INFINITY, 1.0f},
    {"tanh", -INFINITY, -1.0f},
    {"silu", -100.0f, -3.7200760e-42f},
    {"silu", -INFINITY, -0.0f},
    {"silu", INFINITY, INFINITY},
    {"silu", -FLT_MAX, -0.0f},
    {"gelu", -10.0f, -7.6198530e-23f},
    {"gelu", -INFINITY, -0.0f},
    {"gelu", INFINITY, INFINITY},
    {"gelu", -14.0f, -1.0910952e-43f},
    {"gelu", 1.0f, 0.84134475f},
    {"gelu_tanh", 1.0f, 0.84119199f},
    {"gelu_tanh", -INFINITY, -0.0f},
    {"gelu_tanh", INFINITY, INFINITY},
    {"relu", -INFINITY, 0.0f},
    {"relu", INFINITY, INFINITY},
    {"relu", -0.0f, 0.0f},
    {"leaky_relu", -1.0f, -0.01f},
    {"leaky_relu", -INFINITY, -INFINITY},
    {"relu6", -INFINITY, 0.0f},
    {"relu6", INFINITY, 6.0f},
    {"relu6", 5.9999995f, 5.9999995f},
    {"rrelu", -1.0f, -0.22916667f},
    {"hard_sigmoid", -3.0f, 0.0f},
    {"hard_sigmoid", -2.9999998f, 3.9736431e-8f},
    {"hard_sigmoid", 2.9999998f, 0.99999994f},
    {"hard_sigmoid", 0.0f, 0.5f},
    {"hard_sigmoid", -INFINITY, 0.0f},
    {"hard_sigmoid", INFINITY, 1.0f},
    {"hard_tanh", -INFINITY, -1.0f},
    {"hard_tanh", INFINITY, 1.0f},
    {"hard_tanh", -0.0f, -0.0f},
    {"hard_swish", -INFINITY, -0.0f},
    {"hard_swish", INFINITY, INFINITY},
    {"hard_swish", -1.5f, -0.375f},
    {"hard_swish", -3.0f, -0.0f},
    {"hard_swish", -2.9999998f, -1.1920928e-7f},
    {"hard_swish", 1e-40f, 5e-41f},
    {"hard_shrink", 0.5f, 0.0f},
    {"hard_shrink", -0.50000006f, -0.50000006f},
    {"hard_shrink", -INFINITY, -INFINITY},
    {"soft_shrink", 0.5f, 0.0f},
    {"soft_shrink", -0.50000006f, -5.9604645e-8f},
    {"soft_shrink", INFINITY, INFINITY},
    {"threshold", -INFINITY, 0.0f},
    {"threshold", INFINITY, INFINITY},
    {"sparse_plus", -INFINITY, 0.0f},
    {"sparse_plus", INFINITY, INFINITY},
    {"sparse_plus", -0.99999994f, 8.8817842e-16f},
    {"sparse_plus", 0.0f, 0.25f},
    {"sparse_sigmoid", -INFINITY, 0.0f},
    {"sparse_sigmoid", 0.0f, 0.5f},
    {"sparse_sigmoid", INFINITY, 1.0f},
};

START_TEST(known_values_come_out_to_the_sign_of_zero)
{
    size_t count;
    const struct axon_activation *table = axon_activation_table(&count);
    const struct axon_activation *act = axon_activation_find(known[_i].name);

    for (size_t isa = 0; isa < isas_count(); isa++) {
        struct row row = row_of((size_t)(act - table), isa);
        float y;

        apply(&row, 0, &known[_i].x, &y, 1);
        ck_assert_msg(oracle_ulps(y, (double)known[_i].f) <= 1 &&
                          !signbit(y) == !signbit(known[_i].f),
                      "%s(%a) on %s is %a, want %a", act->name, (double)known[_i].x, row.isa,
                      (double)y, (double)known[_i].f);
    }
}
END_TEST

START_TEST(nan_in_gives_nan_out_also_in_the_derivative)
{
    for (size_t isa = 0; isa < isas_count(); isa++) {
        struct row row = row_of((size_t)_i, isa);
        /* quiet, negative, with every payload bit set, and signalling */
        static const uint32_t bits[] = {0x7fc00000, 0xffc00000, 0x7fffffff, 0xffffffff, 0x7f800001};

        for (size_t i = 0; elementwise(_i) && i < sizeof bits / sizeof *bits; i++)
            for (int d = 0; d < 2; d++) {
                float x, y = 0;

                memcpy(&x, &bits[i], sizeof x);
                apply(&row, d, &x, &y, 1);
                ck_assert_msg(isnan(y), "%s%s(NaN %#x) on %s is %a", row.act->name, d ? "'" : "",
                              bits[i], row.isa, (double)y);
            }
    }
}
END_TEST

START_TEST(position_in_batch_does_not_matter)
{
    if (!elementwise(_i))
        return;
    for (size_t isa = 0; isa < isas_count(); isa++) {
        struct row row = row_of((size_t)_i, isa);

        for (int d = 0; d < 2; d++) {
            float all[EDGES];

            apply(&row, d, edges, all, EDGES);
            for (size_t i = 0; i < EDGES; i++) {
                float alone;

                apply(&row, d, &edges[i], &alone, 1);
                if (!isnan(alone) || !isnan(all[i])) /* a NaN's sign is nobody's promise */
                    ck_assert_mem_eq(&alone, &all[i], sizeof alone);
            }
        }
    }
}
END_TEST

/* Kernels have cold ways for what is huge or NaN: those beside it in a vector must not take them.
 */
START_TEST(a_neighbour_does_not_matter)
{
    enum { VALUES = 2048 };
    static const float strange[] = {NAN, INFINITY, -INFINITY, FLT_MAX, -1e30f, 0x1p-149f};

    for (size_t isa = 0; elementwise(_i) && isa < isas_count(); isa++) {
        struct row row = row_of((size_t)_i, isa);

        for (size_t s = 0; s < 2 * sizeof strange / sizeof *strange; s++) {
            float plain[VALUES], x[VALUES], want[VALUES], y[VALUES];
            int d = (int)(s & 1);

            for (size_t i = 0; i < VALUES; i++) {
                plain[i] = (float)i * 0.0937f - 96.0f;
                x[i] = i % 4 == 3 ? strange[s / 2] : plain[i];
            }
            apply(&row, d, plain, want, VALUES);
            apply(&row, d, x, y, VALUES);
            for (size_t i = 0; i < VALUES; i++)
                if (i % 4 != 3)
                    ck_assert_msg(memcmp(&want[i], &y[i], sizeof *y) == 0,
                                  "%s%s(%a) on %s beside %a is %a, else %a", row.act->name,
                                  d ? "'" : "", (double)x[i], row.isa, (double)strange[s / 2],
                                  (double)y[i], (double)want[i]);
        }
    }
}
END_TEST

START_TEST(nothing_outside_of_the_buffers_is_touched)
{
    enum { LONGEST = 67 };

    for (size_t n = 0; n <= LONGEST; n++)
        for (int side = 0; side < GUARD_SIDES; side++) {
            struct guard x = guard_create(n, (enum guard_side)side);
            struct guard u = guard_create(n, (enum guard_side)side);
            struct guard y = guard_create(n, (enum guard_side)side);

            for (size_t i = 0; i < n; i++)
                x.data[i] = u.data[i] = edges[i % EDGES];
            for (size_t isa = 0; n > 0 && isa < isas_count(); isa++) {
                struct row row = row_of((size_t)_i, isa);
                struct axon_axis flat = {1, n, 1}, wide = {1, 1, n};
                unsigned count = row.act->parameters_count;

                row.kernel->forward(x.data, y.data, flat, row.params, count);
                row.kernel->gradient(x.data, u.data, y.data, flat, row.params, count);
                row.kernel->forward(x.data, y.data, wide, row.params, count);
                row.kernel->gradient(x.data, u.data, y.data, wide, row.params, count);
            }
            guard_destroy(&x);
            guard_destroy(&u);
            guard_destroy(&y);
        }
}
END_TEST

START_TEST(every_isa_agrees_with_baseline_on_the_probe)
{
    size_t count;
    const struct axon_kernels *const *list = axon__kernels_list(&count);

    ck_assert(axon__kernels_agree(list[_i]));
}
END_TEST

static void wrong_product(const struct axon_dense *d)
{
    struct axon_dense less = *d;

    less.features--;
    axon__kernels()->dense(&less);
}

static void wrong_affine(const float *x, const float *scale, const float *offset, float *y,
                         size_t rows, size_t n)
{
    (void)offset;
    axon__kernels()->affine(x, scale, scale, y, rows, n);
}

static bool wrong_columns(struct axon_columns *c)
{
    struct axon_columns less = *c;

    less.rows--;
    return axon__kernels()->columns(&less);
}

static void wrong_loss(const struct axon_loss_part *part, double *losses)
{
    struct axon_loss_part less = *part;

    less.scale *= 0.5; /* of the gradient only */
    axon__kernels()->losses[AXON_LOSS_ID_mse](&less, losses);
}

START_TEST(a_wrong_kernel_fails_the_probe)
{
    struct axon_kernels broken = *axon__kernels();

    broken.rows[AXON_ID_tanh].forward = broken.rows[AXON_ID_sigmoid].forward;
    ck_assert(!axon__kernels_agree(&broken));
    broken = *axon__kernels();
    broken.rows[AXON_ID_gelu].gradient = broken.rows[AXON_ID_gelu_tanh].gradient;
    ck_assert(!axon__kernels_agree(&broken));
    broken = *axon__kernels();
    broken.rows[AXON_ID_relu].epilogue = broken.rows[AXON_ID_identity].epilogue;
    ck_assert(!axon__kernels_agree(&broken));
    broken = *axon__kernels();
    broken.rows[AXON_ID_softmax].forward = broken.rows[AXON_ID_identity].forward;
    ck_assert(!axon__kernels_agree(&broken));
    broken = *axon__kernels();
    broken.dense = wrong_product;
    ck_assert(!axon__kernels_agree(&broken));
    broken = *axon__kernels();
    broken.affine = wrong_affine;
    ck_assert(!axon__kernels_agree(&broken));
    broken = *axon__kernels();
    broken.columns = wrong_columns;
    ck_assert(!axon__kernels_agree(&broken));
    broken = *axon__kernels();
    broken.losses[AXON_LOSS_ID_mse] = wrong_loss;
    ck_assert(!axon__kernels_agree(&broken));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernels");
    TCase *tcase = suite_case(suite, "every row, every ISA");

    tcase_add_loop_test(tcase, a_sweep_over_all_floats_is_as_accurate_as_promised, 0,
                        AXON_ID_COUNT);
    tcase_add_loop_test(tcase, edges_are_as_accurate_as_promised, 0, AXON_ID_COUNT);
    tcase_add_loop_test(tcase, the_floats_around_a_zero_of_the_derivative_keep_their_accuracy, 0,
                        AXON_ID_COUNT);
    tcase_add_loop_test(tcase, known_values_come_out_to_the_sign_of_zero, 0,
                        sizeof known / sizeof *known);
    tcase_add_loop_test(tcase, nan_in_gives_nan_out_also_in_the_derivative, 0, AXON_ID_COUNT);
    tcase_add_loop_test(tcase, position_in_batch_does_not_matter, 0, AXON_ID_COUNT);
    tcase_add_loop_test(tcase, a_neighbour_does_not_matter, 0, AXON_ID_COUNT);
    tcase_add_loop_test(tcase, nothing_outside_of_the_buffers_is_touched, 0, AXON_ID_COUNT);
    tcase_add_loop_test(tcase, every_isa_agrees_with_baseline_on_the_probe, 0, (int)isas_count());
    tcase_add_test(tcase, a_wrong_kernel_fails_the_probe);
    return suite_run(suite);
}
