/* npy.h - NumPy's .npy: a tensor as a small text header and raw little-endian numbers.
 *
 * Format: NumPy Enhancement Proposal 1, versions 1 to 3. float32, float64, float16, integers and
 * booleans are read as float32; Fortran order is turned into row-major. NaN and infinity pass
 * untouched, finite numbers beyond float32 are refused. */
#ifndef TENSOR_NPY_H
#define TENSOR_NPY_H

#include "tensor/binary.h"
#include "tensor/tensor.h"

/* bytes [len] hold one array and nothing else; place is how errors call them. t is new; on failure
 * it is empty and error says what is wrong. */
enum error_id npy_read(struct tensor *t, const char *place, const char *bytes, size_t len,
                       const struct tensor_limits *limits, struct error *error);

/* The first of the arrays that *bytes [*len] hold, one after another, as numpy.save() writes them
 * to one file; both are moved past it. */
enum error_id npy_read_next(struct tensor *t, const char *place, const char **bytes, size_t *len,
                            const struct tensor_limits *limits, struct error *error);

/* An array as it lies in the bytes. */
struct npy_array {
    const struct npy_type {
        const char *descr; /* "<f4" */
        size_t width;      /* bytes */
        binary_load_fn *load;
    } * type;
    bool fortran_order;
    size_t rank, shape[TENSOR_RANK_MAX], count;
    const unsigned char *data; /* [data_bytes], not aligned */
    size_t data_bytes;
};

/* Where bytes [len], one array and nothing else, have it; place as above. limits'
 * account is not charged. */
enum error_id npy_find(struct npy_array *a, const char *place, const char *bytes, size_t len,
                       const struct tensor_limits *limits, struct error *error);

/* How many bytes of a file's beginning hold its header, as far as those that are there [len] tell:
 * once there are so many, npy_head() reads it. They need not be a .npy file. */
size_t npy_head_bytes(const char *bytes, size_t len);

/* The header that bytes [len] begin with, of numbers that may be still to come: a's data begins
 * after it, and data_bytes is what there should be. */
enum error_id npy_head(struct npy_array *a, const char *place, const char *bytes, size_t len,
                       struct error *error);

/* count numbers as they lie at bytes, the first of which is number `first` of a, in C order: to
 * [count], under the rules of npy_read(). */
enum error_id npy_load(const struct npy_array *a, const void *bytes, size_t first, size_t count,
                       float *to, const char *place, struct error *error);

/* Its numbers as they are, [data_bytes], in row-major order. */
void npy_row_major(const struct npy_array *a, unsigned char *to);

/* Append the header alone, padded as NumPy likes it; the numbers come after it. It has at most
 * NPY_HEADER_MAX bytes. */
enum { NPY_HEADER_MAX = 320 };
void npy_write_header(struct buf *out, const char *descr, size_t rank, const size_t *shape);

/* Append data [product(shape)] as '<f4', version 1.0, C order. */
void npy_write(struct buf *out, const float *data, size_t rank, const size_t *shape);

#endif
