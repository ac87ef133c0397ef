/* tensor.h - tensors as JSON text: numbers straight to float32 and back, never through a DOM.
 *
 * All number policy of tensors lives here: strict JSON grammar, correct rounding to float32 for
 * every input, shortest text that reads back to the same float32, and what to do with NaN and
 * infinity. */
#ifndef TENSOR_TENSOR_H
#define TENSOR_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/error.h"

enum { TENSOR_RANK_MAX = 8 };

struct tensor {
    float *data; /* [count] row-major; NULL if count == 0 */
    size_t count, cap;
    size_t rank; /* 0: a single number */
    size_t shape[TENSOR_RANK_MAX];
};

void tensor_fini(struct tensor *t); /* frees; zeros the struct */

struct tensor_limits {
    size_t rank_max, elements_max;
    struct memory_account *account; /* what is allocated for tensors is charged to; NULL: nothing */
};

/* How non-finite numbers travel. STRICT: refused both ways; NULL: written as null; STRING: written
 * as "NaN", "Infinity", "-Infinity"; TOKEN: bare NaN, Infinity, -Infinity, written and read. */
enum non_finite { NON_FINITE_STRICT, NON_FINITE_NULL, NON_FINITE_STRING, NON_FINITE_TOKEN };

/* Read one JSON value that starts at text[*pos] (white space allowed before it): a number or nested
 * rectangular arrays of numbers. On success *pos is after it and t is new. On failure t is empty,
 * *pos is where it went wrong and error names the place by index: "data[1][0]: expected a number,
 * found a string", "data[1]: 1 value, data[0] has 2", "data: rank 9, at most 8", "data[3]: 1e39 is
 * outside the range of float32".
 *
 *   text  [len] bytes followed by a NUL
 *   name  how to call the tensor in errors: "data" */
enum error_id tensor_read(struct tensor *t, const char *text, size_t len, size_t *pos,
                          const char *name, const struct tensor_limits *limits,
                          enum non_finite policy, struct error *error);

/* Append data [product(shape)] as nested arrays (rank 0: a bare number). With NON_FINITE_STRICT the
 * first non-finite value is an ERROR_NON_FINITE that names name and index. As with every writer, no
 * memory shows in out->failed only. */
enum error_id tensor_write(struct buf *out, const float *data, size_t rank, const size_t *shape,
                           const char *name, enum non_finite policy, struct error *error);

/* tensor_write() in pieces. The members are the writer's own. */
struct tensor_writer {
    struct buf *out;
    const float *start, *next;
    size_t rank, shape[TENSOR_RANK_MAX];
    const char *name;
    enum non_finite policy;
    struct error *error;
    size_t inner, outer, length;   /* levels of rows and runs; values of a row */
    size_t run_left, row_left;     /* values                                   */
    size_t index[TENSOR_RANK_MAX]; /* of the run                               */
    bool done;
};

/* All but shape is borrowed until the text is complete. */
enum error_id tensor_writer_init(struct tensor_writer *w, struct buf *out, const float *data,
                                 size_t rank, const size_t *shape, const char *name,
                                 enum non_finite policy, struct error *error);

/* Append up to so many values more; w->done: the text is complete. Fails as tensor_write() does. */
enum error_id tensor_writer_go_on(struct tensor_writer *w, size_t values);

/* The longest text that tensor_write() can append for this shape, and its room for writing it. */
size_t tensor_text_max(size_t rank, const size_t *shape);

/* One float32 as the shortest JSON number; NaN and infinities are the caller's. Returns the length,
 * at most FLOAT_TEXT_MAX, not NUL-terminated. */
enum { FLOAT_TEXT_MAX = 16 };
size_t float_write(char out[static FLOAT_TEXT_MAX], float value);

/* One JSON number at text (text[len] is readable and cannot go on a number; it is the body's NUL):
 * the nearest float32, ties to even. Returns the number's length; 0 if there is no valid JSON
 * number, and *value = +-infinity if it is outside the range of float32. */
size_t float_read(const char *text, size_t len, float *value);

#endif
