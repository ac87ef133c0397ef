/* gemm.h - matrix product on whatever BLAS this library was built with; internal to lib/.
 *
 * gemm.c is the only file that knows the BLAS, so that another BLAS is a change of one file. */
#ifndef AXON_GEMM_H
#define AXON_GEMM_H

#include <stddef.h>

/* Most rows, columns or depth of a product: BLAS counts in int. */
enum { AXON_GEMM_MAX = 1 << 30 };

/* c = a b; a [m, k] with lda floats from row to row, b [k, n] with ldb, c [m, n] with ldc; c is
 * written without being read. Any number of threads at once, each with its own c. */
void axon__gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                size_t ldb, float *c, size_t ldc);

#endif
