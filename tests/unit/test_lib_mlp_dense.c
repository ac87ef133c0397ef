/* test_lib_mlp_dense.c - the matrix product of a layer, on every ISA: bits that do not depend on
 * the batch, values against double, ends of buffers, strides, NaN. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "kernels/dispatch.h"
#include "kernels/probe.h"
#include "../oracle/guard.h"
#include "suite.h"

enum { ROWS_MAX = 29, FEATURES_MAX = 300, UNITS_MAX = 144, GAP = 3 };

static float x[ROWS_MAX * (FEATURES_MAX + GAP) + 1], weight[FEATURES_MAX * UNITS_MAX];
static float panels[FEATURES_MAX * UNITS_MAX];
static float z[ROWS_MAX * (UNITS_MAX + GAP)], other[ROWS_MAX * (UNITS_MAX + GAP)];
static uint32_t random_state = 1;

static size_t random_below(size_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

/* Numbers of many magnitudes, so that any other order of sums gives other bits. */
static void fill(float *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = ldexpf((float)random_below(1 << 20) / (1 << 19) - 1.0f, (int)random_below(8));
}

/* weight [features, units] into panels, as mlp_internal.h describes them. */
static void pack(size_t features, size_t units)
{
    for (size_t u = 0; u < units; u++) {
        size_t first = u - u % AXON_PANEL;
        size_t width = units - first < AXON_PANEL ? units - first : (size_t)AXON_PANEL;

        for (size_t f = 0; f < features; f++)
            panels[first * features + f * width + u % AXON_PANEL] = weight[f * units + u];
    }
}

/* A product of random numbers, dense in memory; the caller may loosen the strides. */
static struct axon_dense random_product(size_t rows, size_t features, size_t units)
{
    fill(x, sizeof x / sizeof *x);
    fill(weight, features * units);
    pack(features, units);
    memset(z, 0xff, sizeof z); /* NaN: a product must not read it */
    return (struct axon_dense){.x = x,
                               .weight = panels,
                               .z = z,
                               .rows = rows,
                               .features = features,
                               .units = units,
                               .x_stride = features,
                               .z_stride = units};
}

static const struct axon_kernels *kernels_of(size_t isa)
{
    size_t count;

    return axon__kernels_list(&count)[isa];
}

static int isas_count(void)
{
    size_t count;

    axon__kernels_list(&count);
    return (int)count;
}

/* The same rows in random pieces, into `other`, at other strides and alignment. */
static void product_in_pieces(const struct axon_kernels *kernels, const struct axon_dense *whole)
{
    static float moved[ROWS_MAX * (FEATURES_MAX + GAP) + 1];
    struct axon_dense d = *whole;

    d.x_stride = whole->features + random_below(GAP + 1);
    d.z_stride = whole->units + random_below(GAP + 1);
    d.x = moved + random_below(2);
    for (size_t r = 0; r < whole->rows; r++)
        memcpy(moved + (d.x - moved) + r * d.x_stride, whole->x + r * whole->x_stride,
               whole->features * sizeof *moved);
    memset(other, 0xff, sizeof other);
    d.z = other;
    for (size_t left = whole->rows; left > 0; left -= d.rows) {
        d.rows = 1 + random_below(left);
        kernels->dense(&d);
        d.x += d.rows * d.x_stride;
        d.z += d.rows * d.z_stride;
    }
    for (size_t r = 0; r < whole->rows; r++)
        ck_assert_mem_eq(other + r * d.z_stride, whole->z + r * whole->z_stride,
                         whole->units * sizeof *z);
}

START_TEST(a_row_is_bitwise_the_same_in_any_batch)
{
    const struct axon_kernels *kernels = kernels_of((size_t)_i);

    for (size_t features = 1; features <= 130; features++)
        for (size_t units = 16; units <= UNITS_MAX; units += 16) {
            struct axon_dense d = random_product(1 + random_below(ROWS_MAX), features, units);

            kernels->dense(&d);
            product_in_pieces(kernels, &d);
        }
    for (size_t rows = 1; rows <= ROWS_MAX; rows++) { /* three blocks of features */
        struct axon_dense d = random_product(rows, FEATURES_MAX - rows, UNITS_MAX);

        kernels->dense(&d);
        product_in_pieces(kernels, &d);
    }
}
END_TEST

START_TEST(isas_that_multiply_and_add_at_once_agree_bitwise)
{
    size_t fused = 0;

    for (size_t isa = 0; isa < (size_t)isas_count(); isa++) {
        random_state = 5;
        struct axon_dense d = random_product(7, FEATURES_MAX, UNITS_MAX);

        if (strcmp(kernels_of(isa)->isa, "baseline") == 0)
            continue;
        kernels_of(isa)->dense(&d);
        if (fused++ > 0)
            ck_assert_mem_eq(z, other, 7 * UNITS_MAX * sizeof *z);
        memcpy(other, z, sizeof z);
    }
}
END_TEST

/* A sum of n rounded products errs by at most n + 1 roundings of the sum of their magnitudes. */
static void check_values(const struct axon_dense *d)
{
    for (size_t r = 0; r < d->rows; r++)
        for (size_t u = 0; u < d->units; u++) {
            double want = 0, size = 0, got = (double)d->z[r * d->z_stride + u];

            for (size_t f = 0; f < d->features; f++) {
                double product = (double)d->x[r * d->x_stride + f] *
                                 (double)weight[f * d->units + u];

                want += product;
                size += fabs(product);
            }
            ck_assert_msg(fabs(got - want) <= size * ldexp((double)d->features + 1, -24),
                          "row %zu, unit %zu of %zu x %zu x %zu: %g, want %g", r, u, d->rows,
                          d->features, d->units, got, want);
        }
}

START_TEST(products_are_as_accurate_as_sums_of_floats_can_be)
{
    for (size_t features = 1; features <= FEATURES_MAX; features += 1 + features / 16)
        for (size_t units = 16; units <= UNITS_MAX; units += 16) {
            struct axon_dense d = random_product(1 + random_below(9), features, units);

            kernels_of((size_t)_i)->dense(&d);
            check_values(&d);
        }
}
END_TEST

START_TEST(nothing_outside_of_the_buffers_is_touched)
{
    for (int side = 0; side < GUARD_SIDES; side++)
        for (size_t units = 16; units <= UNITS_MAX; units += 16)
            for (size_t rows = 1; rows <= 8; rows++) {
                size_t features = 1 + random_below(140);
                struct axon_dense d = random_product(rows, features, units);
                struct guard in = guard_create(rows * features, (enum guard_side)side);
                struct guard w = guard_create(features * units, (enum guard_side)side);
                struct guard out = guard_create(rows * units, (enum guard_side)side);

                memcpy(in.data, x, rows * features * sizeof *x);
                memcpy(w.data, panels, features * units * sizeof *x);
                d.x = in.data;
                d.weight = w.data;
                d.z = out.data;
                kernels_of((size_t)_i)->dense(&d);
                check_values(&d);
                guard_destroy(&in);
                guard_destroy(&w);
                guard_destroy(&out);
            }
}
END_TEST

START_TEST(gaps_between_rows_are_left_alone)
{
    struct axon_dense d = random_product(ROWS_MAX, 77, 80);
    float untouched;

    memset(&untouched, 0xff, sizeof untouched);
    d.x_stride += GAP;
    d.z_stride += GAP;
    kernels_of((size_t)_i)->dense(&d);
    check_values(&d);
    for (size_t r = 0; r < ROWS_MAX; r++)
        for (size_t u = 80; u < d.z_stride; u++)
            ck_assert_mem_eq(&z[r * d.z_stride + u], &untouched, sizeof untouched);
}
END_TEST

START_TEST(nan_and_infinity_stay_in_their_row)
{
    const struct axon_kernels *kernels = kernels_of((size_t)_i);
    static const float bad[] = {NAN, INFINITY, -INFINITY};

    for (size_t rows = 1; rows <= ROWS_MAX; rows++) {
        struct axon_dense d = random_product(rows, 150, 80);
        size_t row = random_below(rows);

        kernels->dense(&d);
        memcpy(other, z, sizeof z);
        x[row * 150 + random_below(150)] = bad[rows % 3];
        kernels->dense(&d);
        for (size_t r = 0; r < rows; r++)
            for (size_t u = 0; u < 80; u++)
                if (r == row)
                    ck_assert(!isfinite(z[r * 80 + u]));
                else
                    ck_assert(memcmp(&z[r * 80 + u], &other[r * 80 + u], sizeof *z) == 0);
    }
}
END_TEST

static void product_of_nothing(const struct axon_dense *d)
{
    for (size_t i = 0; i < d->rows * d->units; i++)
        d->z[i] = 0;
}

START_TEST(a_wrong_product_fails_the_probe)
{
    struct axon_kernels broken = *axon__kernels();

    broken.dense = product_of_nothing;
    ck_assert(!axon__kernels_agree(&broken));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mlp dense");
    TCase *tcase = suite_case(suite, "mlp dense");

    tcase_add_loop_test(tcase, a_row_is_bitwise_the_same_in_any_batch, 0, isas_count());
    tcase_add_test(tcase, isas_that_multiply_and_add_at_once_agree_bitwise);
    tcase_add_loop_test(tcase, products_are_as_accurate_as_sums_of_floats_can_be, 0, isas_count());
    tcase_add_loop_test(tcase, nothing_outside_of_the_buffers_is_touched, 0, isas_count());
    tcase_add_loop_test(tcase, gaps_between_rows_are_left_alone, 0, isas_count());
    tcase_add_loop_test(tcase, nan_and_infinity_stay_in_their_row, 0, isas_count());
    tcase_add_test(tcase, a_wrong_product_fails_the_probe);
    return suite_run(suite);
}
