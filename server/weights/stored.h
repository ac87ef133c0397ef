/* stored.h - the tensors of a weights file by name, whatever its format, converted to float32.
 *
 * A format's reader fills in a struct stored_file; from then on every tensor lies within memory
 * that lives as long as the file, row-major and exactly as long as its shape says, so nobody checks
 * again. */
#ifndef WEIGHTS_STORED_H
#define WEIGHTS_STORED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"
#include "tensor/binary.h"

enum {
    STORED_RANK_MAX = 8,
    STORED_HEADER_BYTES_MAX = 100000000 /* of any format: safetensors' own bound */
};

/* A row of a format's table of types. */
struct stored_type {
    const char *name; /* as the format writes it: "F32", "<f4" */
    unsigned bits;
    binary_load_fn *load; /* NULL: cannot be weights */
};

struct stored {
    const char *name;
    const struct stored_type *type;
    size_t rank;
    uint64_t shape[STORED_RANK_MAX];
    uint64_t count;            /* product of shape */
    const unsigned char *data; /* not aligned */
    bool used;                 /* the caller's: some layer takes it */
};

struct stored_file {
    const char *path; /* how errors call it, borrowed; NULL: there is no file */
    struct stored *tensors;
    size_t tensors_count;
    void *held; /* the format's: what names and data point into */
    void (*release)(void *held);
};

/* A format: bytes [len], which must outlive *f, as tensors. ERROR_OK and *f is new, or error, with
 * nothing to release. */
typedef enum error_id stored_reader(struct stored_file *f, const char *path, const void *bytes,
                                    size_t len, struct error *error);

void stored_fini(struct stored_file *f); /* frees; zeros the struct */

struct stored *stored_find(const struct stored_file *f, const char *name);

/* "[128, 64]". Returns text. */
enum { STORED_SHAPE_MAX = 192 };
const char *stored_shape(const uint64_t *shape, size_t rank, char text[static STORED_SHAPE_MAX]);

/* t as float32 [t->count] to out. A type that cannot be weights, NaN, infinity and what is outside
 * the range of float32 are errors that name the element. */
enum error_id stored_floats(const struct stored_file *f, const struct stored *t, float *out,
                            struct error *error);

/* The same numbers without the rounding of doubles, once stored_floats() has taken them. */
void stored_doubles(const struct stored *t, double *out);

/* Could t be weights: is it of a type that stored_floats() converts? */
bool stored_is_floating(const struct stored *t);

#endif
