/* npz.h - NumPy's .npz, written piece by piece: a ZIP archive of .npy arrays, stored as they are.
 *
 * Format: PKWARE's APPNOTE 6.3, as numpy.savez() uses it; what reads it is weights/npz.c. Without
 * ZIP64: an archive is shorter than 4 GiB, which the caller sees to. */
#ifndef TENSOR_NPZ_H
#define TENSOR_NPZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "tensor/tensor.h"

enum { NPZ_ARRAYS_MAX = 8, NPZ_NAME_MAX = 64 };

struct npz_array {
    const char *name;  /* its key, of at most NPZ_NAME_MAX bytes */
    const char *descr; /* "<f4" */
    size_t width;      /* bytes of a number */
    size_t rank, shape[TENSOR_RANK_MAX];
    const void *data; /* [product(shape)], row-major */
};

/* An upper bound of the archive's length. */
size_t npz_bytes_max(const struct npz_array *arrays, size_t count);

struct npz_writer {
    struct buf *out;
    const struct npz_array *arrays; /* borrowed */
    size_t count, index, written;   /* the array that is being written, and its bytes so far */
    size_t begin;                   /* of the archive in out */
    struct npz_entry {
        size_t offset, bytes; /* of the entry from begin; of its .npy file */
        uint32_t crc;
    } entries[NPZ_ARRAYS_MAX];
    bool done;
};

/* Append arrays [count] to out; count is at most NPZ_ARRAYS_MAX. */
void npz_writer_init(struct npz_writer *w, struct buf *out, const struct npz_array *arrays,
                     size_t count);

/* About so many bytes of them. Sets done after the last; no memory shows in out->failed, and is
 * done, too. */
void npz_writer_go_on(struct npz_writer *w, size_t bytes);

#endif
