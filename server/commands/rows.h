/* rows.h - rows of numbers on standard input, whatever their format, a piece at a time.
 *
 * formats.def has a row per format. One that can be read as it comes holds a piece in memory; JSON,
 * and .npy in Fortran order, are held as a whole. */
#ifndef COMMANDS_ROWS_H
#define COMMANDS_ROWS_H

#include "base/buf.h"
#include "base/names.h"
#include "commands/input.h"
#include "tensor/npy.h"
#include "tensor/tensor.h"

enum rows_id {
#define FORMAT(id, ...) ROWS_##id,
#include "commands/formats.def"
    ROWS_FORMATS
};

#define ROWS_UNKNOWN UINT64_MAX

/* The rows that are wanted. All but features 0, which stands for any number, is of a model. */
struct rows_wanted {
    size_t features;
    const struct names *columns; /* of the features, or NULL */
    const char *input_name;      /* or NULL */
    bool missing;                /* CSV: a cell may be no number at all, or infinite */
};

struct rows {
    const struct rows_format *format;
    struct input *in;                    /* borrowed */
    const struct rows_wanted *wanted;    /* borrowed */
    size_t rank, shape[TENSOR_RANK_MAX]; /* of all; shape[0] is told by count */
    size_t width;                        /* numbers of a row */
    uint64_t count;                      /* rows, or ROWS_UNKNOWN until the end */
    uint64_t done;                       /* rows that were read */
    bool inputs; /* JSON: they came as "inputs" and are answered as "outputs" */
    bool header; /* CSV: there is a line of names */
    /* of the formats */
    struct npy_array npy;
    struct tensor held;
    uint64_t line; /* lines that were read */
    struct rows_csv *csv;
};

struct rows_format {
    const char *name;
    enum error_id (*open)(struct rows *r, struct error *error);
    /* Up to `room` rows to x [room, width]; 0: there are no more. */
    enum error_id (*read)(struct rows *r, float *x, size_t room, size_t *got, struct error *error);
};
extern const struct rows_format rows_formats[ROWS_FORMATS];

/* The format of that name, which exists, or if it is NULL as the input's first bytes tell. */
enum error_id rows_find(const char *name, struct input *in, const struct rows_format **format,
                        struct error *error);

/* r is new, also on failure; format NULL: as rows_find() has it. Shape and width are known then,
 * and are what is wanted. */
enum error_id rows_open(struct rows *r, const struct rows_format *format, struct input *in,
                        const struct rows_wanted *wanted, struct error *error);
enum error_id rows_read(struct rows *r, float *x, size_t room, size_t *got, struct error *error);
void rows_fini(struct rows *r);

/* All rows that are left, as t, which is new. */
enum error_id rows_collect(struct rows *r, struct tensor *t, struct error *error);

/* The same of an input that is opened for it, as t, which is new. */
enum error_id rows_all(struct tensor *t, const char *format, const struct rows_wanted *wanted,
                       const char *should_be, struct error *error);

/* ---- for the formats ---- */

/* Is a row of so many numbers, in an array of that rank, one that is wanted? */
enum error_id rows_check(const struct rows *r, size_t rank, size_t width, struct error *error);

#endif
