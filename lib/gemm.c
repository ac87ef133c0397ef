/* gemm.c - the only file that includes <cblas.h>: the product, and what the BLAS says of itself.
 *
 * Knows OpenBLAS and nothing of layers. Invariant: dimensions fit an int, which axon_mlp_create()
 * has checked against AXON_GEMM_MAX, and batches of rows are shorter still. */
#include <cblas.h>
#include "axon/cpu.h"
#include "gemm.h"

static enum CBLAS_TRANSPOSE transpose(enum axon__transposed transposed)
{
    return transposed == AXON_TRANSPOSED ? CblasTrans : CblasNoTrans;
}

void axon__gemm(enum axon__transposed trans_a, enum axon__transposed trans_b, size_t m, size_t n,
                size_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
                float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, transpose(trans_a), transpose(trans_b), (blasint)m, (blasint)n,
                (blasint)k, 1.0f, a, (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

const char *axon_blas_core(void)
{
    return openblas_get_corename();
}

void axon_blas_threads_set(int threads)
{
    openblas_set_num_threads(threads);
}
