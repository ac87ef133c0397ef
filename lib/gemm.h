/* gemm.h - the general matrix product; internal to lib/.
 *
 * gemm.c is the only file that knows the BLAS, and mlp_backward.c the only one that calls gemm.c.
 * Nothing links OpenBLAS: its constructor chooses its kernels and starts threads, with all signals
 * open, before main. A program that wants it loads it and hands it over, when it is first needed
 * (axon_blas_bind() in axon/cpu.h): 1.4 to 2.5 times as fast at 32 to 256 rows, on AVX-512. */
#ifndef AXON_GEMM_H
#define AXON_GEMM_H

#include <stddef.h>

/* Most rows, columns or depth of a product: BLAS counts in int. */
enum { AXON_GEMM_MAX = 1 << 30 };

/* Whether a matrix is given as it is, or as its transpose. */
enum axon__transposed { AXON_PLAIN, AXON_TRANSPOSED };

/* c = a b + beta c; all row-major:
 *
 *   a  [m, k] with lda floats from row to row; AXON_TRANSPOSED: stored as [k, m]
 *   b  [k, n] with ldb; AXON_TRANSPOSED: stored as [n, k]
 *   c  [m, n] with ldc; beta == 0: written without being read, so it may hold NaN
 *
 * Dimensions are at most AXON_GEMM_MAX; m or n 0 is a no-op. The last bits of a row of c may depend
 * on m: the forward pass calls kernels/dense.c itself. Any number of
 * threads at once, each with its own c. */
void axon__gemm(enum axon__transposed trans_a, enum axon__transposed trans_b, size_t m, size_t n,
                size_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
                float *c, size_t ldc);

/* axon_blas_core_advice() on a CPU with these features: a pure function, for tests. */
const char *axon__blas_core_for(const char *core, int has_avx512, int has_avx2_fma);

#endif
