/* gemm.c - the only file that includes <cblas.h>: the product, and what the BLAS says of itself.
 *
 * Knows OpenBLAS and nothing of layers. Invariant: dimensions fit an int, which axon_mlp_create()
 * has checked against AXON_GEMM_MAX. */
#include <cblas.h>
#include <string.h>
#include "axon/cpu.h"
#include "gemm.h"

enum { GEMV_FLOATS_MIN = 1 << 20 }; /* weights that leave the cache: 3.4 times faster at 2048^2 */

/* One row. c is zeroed and added to, because OpenBLAS's beta = 0 multiplies what stands in c, which
 * may be NaN. */
static void gemv(size_t n, size_t k, const float *a, const float *b, size_t ldb, float *c)
{
    memset(c, 0, n * sizeof *c);
    cblas_sgemv(CblasRowMajor, CblasTrans, (blasint)k, (blasint)n, 1.0f, b, (blasint)ldb, a, 1,
                1.0f, c, 1);
}

void axon__gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                size_t ldb, float *c, size_t ldc)
{
    if (m == 1 && k * n >= GEMV_FLOATS_MIN) {
        gemv(n, k, a, b, ldb, c);
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1.0f,
                a, (blasint)lda, b, (blasint)ldb, 0.0f, c, (blasint)ldc);
}

const char *axon_blas_version(void)
{
    return openblas_get_config();
}

const char *axon_blas_core(void)
{
    return openblas_get_corename();
}

void axon_blas_threads_set(int threads)
{
    openblas_set_num_threads(threads);
}
