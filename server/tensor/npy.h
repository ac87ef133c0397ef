/* npy.h - NumPy's .npy: a tensor as a small text header and raw little-endian numbers.
 *
 * Format: NumPy Enhancement Proposal 1, versions 1 to 3. float32, float64, float16, integers and
 * booleans are read as float32; Fortran order is turned into row-major. NaN and infinity pass
 * untouched, finite numbers beyond float32 are refused. */
#ifndef TENSOR_NPY_H
#define TENSOR_NPY_H

#include "tensor/tensor.h"

/* bytes [len] hold one array and nothing else. t is new; on failure it is empty and error says what
 * is wrong. */
enum error_id npy_read(struct tensor *t, const char *bytes, size_t len,
                       const struct tensor_limits *limits, struct error *error);

/* The first of the arrays that *bytes [*len] hold, one after another, as numpy.save() writes them
 * to one file; both are moved past it. */
enum error_id npy_read_next(struct tensor *t, const char **bytes, size_t *len,
                            const struct tensor_limits *limits, struct error *error);

/* Append data [product(shape)] as '<f4', version 1.0, C order. */
void npy_write(struct buf *out, const float *data, size_t rank, const size_t *shape);

#endif
