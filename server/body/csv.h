/* csv.h - text/csv in pieces: a header line with the names of the columns, then a line for each
 * row, straight to a tensor [rows, features].
 *
 * As RFC 4180 has it: a cell may be in quotes, in which two stand for one; lines end with LF, CR LF
 * or CR. Empty lines are passed over, and a byte order mark in front. A first column without a name
 * is an index, as pandas writes one, and is ignored. */
#ifndef BODY_CSV_H
#define BODY_CSV_H

#include <stdint.h>
#include "base/buf.h"
#include "body/envelope.h"

enum csv_state {
    CSV_MARK,     /* the byte order mark, or not      */
    CSV_BEGIN,    /* a cell begins                    */
    CSV_BARE,     /* within a cell                    */
    CSV_QUOTED,   /* within its quotes                */
    CSV_UNQUOTED, /* after a quote that may be the last */
};

/* A text on its way: csv_init(), csv_feed() for each piece, csv_finish(). The members are the
 * reader's own. */
struct csv_reader {
    struct envelope_field *field;             /* borrowed */
    const struct envelope_features *features; /* borrowed: the columns that are wanted */
    struct tensor_limits limits;
    enum non_finite policy;
    struct error error;
    enum csv_state state;
    bool after_cr;        /* an LF belongs to the line before */
    struct buf cell;      /* what is kept of a cell that a piece's end, or quotes, have cut */
    bool quoted, filled;  /* the cell is; it has bytes, whether they are kept or not */
    size_t line;          /* from 1 */
    size_t column;        /* the cell's */
    size_t columns;       /* of the header; 0: it is being read */
    struct buf header;    /* the columns' names, a NUL after each */
    const char **names;   /* [columns] in it */
    uint32_t *feature_of; /* [columns] */
    bool indexed;         /* the first column is an index */
    bool without_header;
    size_t begin; /* of the row in the tensor */
    size_t taken; /* rows that csv_take() has taken out of it */
};

/* features are looked at from the first byte on. */
void csv_init(struct csv_reader *r, struct envelope_field *field,
              const struct envelope_features *features, const struct tensor_limits *limits,
              enum non_finite policy);

/* The text begins with the first row: its columns are the features in their order. ERROR_OK, or no
 * memory, which csv_feed() tells, too. */
enum error_id csv_without_header(struct csv_reader *r);

/* Move up to so many rows that are complete out of the tensor, to x [rows, features]: a text of any
 * length then takes little memory. Also after csv_finish(). Returns how many; 0 from an error on.
 */
size_t csv_take(struct csv_reader *r, float *x, size_t rows);

/* The next bytes [len]. From the first error on, which is returned and kept, nothing more is read
 * and nothing held. */
enum error_id csv_feed(struct csv_reader *r, const char *bytes, size_t len);

/* The text is complete: the field is present, and r is released; or error says by line and column
 * what is wrong, the same for every way to cut the text into pieces. */
enum error_id csv_finish(struct csv_reader *r, struct error *error);

/* Instead of csv_finish(); fine after it. The field keeps what it has. */
void csv_fini(struct csv_reader *r);

#endif
