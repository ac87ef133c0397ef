/* safetensors.h - a .safetensors file in memory: its tensors by name, converted to float32.
 *
 * It knows the format (design: u64 LE header length, JSON header, tensors that tile the rest of the
 * file exactly) and no models. Any byte sequence gives tensors or an error. */
#ifndef WEIGHTS_SAFETENSORS_H
#define WEIGHTS_SAFETENSORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

enum {
    SAFETENSORS_HEADER_BYTES_MAX = 100000000, /* the format's own bound */
    SAFETENSORS_HEADER_TOKENS_MAX = 1 << 18,  /* far above any network's header */
    SAFETENSORS_RANK_MAX = 8
};

struct safetensor {
    const char *name; /* borrowed from the header */
    size_t dtype;     /* row of safetensors.c's table */
    size_t rank;
    uint64_t shape[SAFETENSORS_RANK_MAX];
    uint64_t count;      /* product of shape */
    uint64_t begin, end; /* in the data */
    bool used;           /* the caller's: some layer takes it */
};

struct safetensors {
    const char *file;           /* how errors call it; borrowed */
    struct safetensor *tensors; /* in the order of the data */
    size_t tensors_count;
    const unsigned char *data; /* [data_bytes], borrowed; not aligned */
    size_t data_bytes;
    json_t *header;
};

/* Read bytes [len], which must outlive *s. ERROR_OK and *s is new, or error. */
enum error_id safetensors_read(struct safetensors *s, const char *file, const void *bytes,
                               size_t len, struct error *error);
void safetensors_fini(struct safetensors *s);

struct safetensor *safetensors_find(const struct safetensors *s, const char *name);

/* "[128, 64]". Returns text. */
enum { SAFETENSORS_SHAPE_MAX = 192 };
const char *safetensors_shape(const uint64_t *shape, size_t rank,
                              char text[static SAFETENSORS_SHAPE_MAX]);

/* t as float32 [t->count] to out. F32, F16, BF16 and F64 are converted; other types, NaN, infinity
 * and what is outside the range of float32 are errors that name the element. */
enum error_id safetensors_floats(const struct safetensors *s, const struct safetensor *t,
                                 float *out, struct error *error);

/* The same numbers without the rounding of F64, once safetensors_floats() has taken them. */
void safetensors_doubles(const struct safetensors *s, const struct safetensor *t, double *out);

/* Could t be weights: is it of a type that safetensors_floats() converts? */
bool safetensors_is_floating(const struct safetensor *t);
const char *safetensors_dtype(const struct safetensor *t); /* "F32" */

#endif
