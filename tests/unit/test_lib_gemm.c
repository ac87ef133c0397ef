/* test_lib_gemm.c - the general product, by kernels of our own and by OpenBLAS: each operand as it
 * is and transposed, c overwritten and added to, rows further apart than they are long. */
#include <dlfcn.h>
#include <math.h>
#include <string.h>
#include "axon/cpu.h"
#include "gemm.h"
#include "suite.h"

enum { LENGTH_MAX = 140, FLOATS = LENGTH_MAX * LENGTH_MAX };

/* Small whole numbers: every sum is exact. */
static void fill(float *to, size_t seed)
{
    for (size_t i = 0; i < FLOATS; i++)
        to[i] = (float)((i * 7 + i / 11 + seed) % 9) - 4.0f;
}

static double element(const float *from, int transposed, size_t row, size_t column)
{
    return (double)(transposed ? from[column * LENGTH_MAX + row] : from[row * LENGTH_MAX + column]);
}

static void check_product(int trans_a, int trans_b, float beta, size_t m, size_t n, size_t k)
{
    static float a[FLOATS], b[FLOATS], c[FLOATS], before[FLOATS];
    size_t wrong = 0;

    fill(a, m);
    fill(b, n);
    fill(c, k);
    for (size_t i = 0; beta == 0 && i < FLOATS; i++)
        c[i] = NAN; /* must not be read */
    memcpy(before, c, sizeof c);
    axon__gemm(trans_a ? AXON_TRANSPOSED : AXON_PLAIN, trans_b ? AXON_TRANSPOSED : AXON_PLAIN, m, n,
               k, a, LENGTH_MAX, b, LENGTH_MAX, beta, c, LENGTH_MAX);
    for (size_t i = 0; i < LENGTH_MAX; i++)
        for (size_t j = 0; j < LENGTH_MAX; j++) {
            size_t at = i * LENGTH_MAX + j;
            double want = beta == 0 ? 0 : (double)beta * (double)before[at];

            for (size_t l = 0; l < k; l++)
                want += element(a, trans_a, i, l) * element(b, trans_b, l, j);
            if (i < m && j < n)
                wrong += (double)c[at] != want;
            else /* as before, NaN or not */
                wrong += memcmp(&c[at], &before[at], sizeof *c) != 0;
        }
    ck_assert_msg(wrong == 0, "%zu x %zu x %zu, beta %g: %zu wrong", m, n, k, (double)beta, wrong);
}

static void check_products(int trans_a, int trans_b)
{
    static const size_t lengths[] = {1, 7, 16, 33, LENGTH_MAX};
    static const float betas[] = {0.0f, 1.0f, 0.5f};

    for (size_t m = 0; m < 5; m++)
        for (size_t n = 0; n < 5; n++)
            for (size_t k = 0; k < 5; k++)
                for (size_t beta = 0; beta < 3; beta++)
                    check_product(trans_a, trans_b, betas[beta], lengths[m], lengths[n],
                                  lengths[k]);
}

/* A program whose OpenBLAS is that of this machine; its test is a process of its own. */
static void load_openblas(void)
{
    void *library = dlopen("libopenblas.so.0", RTLD_NOW);

    ck_assert_msg(library != NULL, "%s", dlerror());
    ck_assert_int_eq(axon_blas_bind(dlsym, library), AXON_OK);
    axon_blas_threads_set(1);
    ck_assert_str_ne(axon_blas_core(), "");
}

START_TEST(products_of_any_operands_are_exact_where_they_can_be)
{
    check_products(_i & 1, _i & 2);
}
END_TEST

START_TEST(so_are_those_of_openblas)
{
    load_openblas();
    check_products(_i & 1, _i & 2);
}
END_TEST

static void *lacks_one(void *missing, const char *name)
{
    return strcmp(name, missing) == 0 ? NULL : dlsym(dlopen("libopenblas.so.0", RTLD_NOW), name);
}

START_TEST(a_library_that_lacks_a_function_is_no_openblas)
{
    static char names[][32] = {"cblas_sgemm", "openblas_get_corename", "openblas_set_num_threads"};

    ck_assert_int_eq(axon_blas_bind(lacks_one, names[_i]), AXON_EUNSUPPORTED);
    ck_assert_str_eq(axon_blas_core(), "");
    axon_blas_threads_set(1); /* has nobody to tell */
}
END_TEST

START_TEST(there_is_one_blas_for_good)
{
    load_openblas();
    ck_assert_int_eq(axon_blas_bind(dlsym, dlopen("libopenblas.so.0", RTLD_NOW)),
                     AXON_EUNSUPPORTED);
    ck_assert_str_ne(axon_blas_core(), "");
}
END_TEST

START_TEST(an_empty_product_touches_nothing)
{
    float c = 5;

    axon__gemm(AXON_PLAIN, AXON_PLAIN, 0, 1, 1, &c, 1, &c, 1, 0, &c, 1);
    axon__gemm(AXON_TRANSPOSED, AXON_PLAIN, 1, 0, 1, &c, 1, &c, 1, 0, &c, 1);
    ck_assert_same(c, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gemm");
    TCase *tcase = suite_case(suite, "gemm");

    tcase_add_loop_test(tcase, products_of_any_operands_are_exact_where_they_can_be, 0, 4);
    tcase_add_loop_test(tcase, so_are_those_of_openblas, 0, 4);
    tcase_add_loop_test(tcase, a_library_that_lacks_a_function_is_no_openblas, 0, 3);
    tcase_add_test(tcase, there_is_one_blas_for_good);
    tcase_add_test(tcase, an_empty_product_touches_nothing);
    return suite_run(suite);
}
