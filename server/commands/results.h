/* results.h - rows of numbers to standard output, in one of formats.def's formats, a piece at a
 * time.
 *
 * Where something stands after or in front of what is not known yet (classes after all predictions,
 * a .npy header with the count of rows), the rest is kept in a temporary file, not in memory. */
#ifndef COMMANDS_RESULTS_H
#define COMMANDS_RESULTS_H

#include <stdio.h>
#include "base/buf.h"
#include "commands/rows.h"
#include "model/model.h"

struct results_wanted {
    enum rows_id format;
    const char *name;          /* of the rows, in errors and as JSON's key */
    bool bare;                 /* JSON: the array alone, without a key */
    const struct model *model; /* whose labels are names, or NULL */
    size_t top_k;              /* 0: no classes */
    enum non_finite policy;    /* of JSON and NDJSON; CSV has NaN, Infinity and -Infinity */
    bool header;               /* CSV: begin with a line of names */
};

struct results {
    const struct results_wanted *wanted; /* borrowed */
    size_t rank, shape[TENSOR_RANK_MAX]; /* as of struct rows */
    size_t width;
    uint64_t count, done;
    struct buf text; /* of the piece */
    FILE *spool;     /* or NULL */
};

/* Rows [rank, shape] whose number is count, or ROWS_UNKNOWN. r is new, also on failure. */
enum error_id results_open(struct results *r, const struct results_wanted *wanted, size_t rank,
                           const size_t *shape, uint64_t count, struct error *error);

/* The next rows, y [rows, width], to standard output. */
enum error_id results_write(struct results *r, const float *y, size_t rows, struct error *error);

/* The rest, after the last row. */
enum error_id results_end(struct results *r, struct error *error);
void results_fini(struct results *r);

/* To standard output, or an error that tells why not. */
enum error_id results_put(const char *bytes, size_t size, struct error *error);

#endif
