/* envelope.h - a JSON request body with tensors in it: tensors are decoded in place, the rest is
 * jansson's, and both while the body comes.
 *
 * The body must be one JSON object. The value at each path that the caller lists as a tensor, if it
 * begins like an array, a number, or an object where one may stand, is decoded straight to float32;
 * everything else, with those values replaced by true, becomes jansson's values under a budget of
 * tokens (keys and values) and depth. Keys are compared after unescaping; a key that is there twice
 * is refused. A byte order mark in front of the object is skipped. */
#ifndef BODY_ENVELOPE_H
#define BODY_ENVELOPE_H

#include "base/names.h"
#include "body/skip.h"
#include "json/read.h"
#include "tensor/tensor_reader.h"

/* Where objects with one key each may stand for what is in them, as in {"inputs": {"x": [[1, 2]]}}
 * and {"instances": [{"x": [1, 2]}, {"x": [3, 4]}]}; or objects are rows of features, as in
 * {"context": {"a": 1}, "examples": [{"b": 2, "c": [3]}, {"c": 5, "b": 4}]}. */
enum envelope_objects {
    ENVELOPE_NO_OBJECTS,
    ENVELOPE_OBJECT,
    ENVELOPE_OBJECT_ROWS,    /* rows of features, too, where there are several with names */
    ENVELOPE_OBJECT_OR_LIST, /* as the first; a list of objects is no tensor, but jansson's, and an
                                object without the input's name one of columns (series.h) */
    ENVELOPE_SKIPPED,        /* any value, which is checked and not kept */
    ENVELOPE_CELLS,          /* an array of rows, of any values: cell.h says which numbers stand
                                for those that are none */
    ENVELOPE_RECORD,         /* a row, of which features may be missing      */
    ENVELOPE_RECORDS,        /* an array of rows, each of all features; true, false and NaN are
                                values, too                              */
    ENVELOPE_EXAMPLES,       /* an array of rows, of which some may be missing */
};

/* The keys that a row of features may have; all others are ignored, whatever they hold, and a null
 * is no value. The value of a feature is a number, or an array of one. */
struct envelope_features {
    const struct names *names; /* [count]; NULL: they are "0", "1", ... */
    const char *all;           /* of all at once, an array [count]; NULL: there is none */
    size_t count;
};

/* A path is keys and elements of arrays: "data", "inputs[].data". Fields of one path take what
 * stands there one after another, in the order of the body; if they do not suffice, that is an
 * error. */
enum { ENVELOPE_SEGMENTS_MAX = 4, ENVELOPE_FIELDS_MAX = 8 };

/* Rows of features from the first that lacks one on, as they came: the tensor has their values
 * only, and records_complete() makes it [rows, features]. */
struct envelope_gaps {
    size_t whole; /* values of the tensor that are rows before the first; then come the others' */
    size_t count, cap;
    uint32_t places[]; /* [count] the feature of each value; UINT32_MAX after those of a row */
};

/* The columns of an object, whose tensor has one after the other. */
struct envelope_series {
    size_t count, rows, begin; /* begin: of the one that is being read */
    uint32_t order[];          /* [features] 1 + the place of the feature's column; 0: none came */
};

struct envelope_field {
    const char *path;
    enum envelope_objects objects;
    const struct envelope_features *features; /* of rows; borrowed until envelope_finish() */
    struct tensor tensor; /* out: what was read; of rows [rows, features]                   */
    bool present;         /* out: there was a tensor                                       */
    bool blob;            /* out: its bytes came after the JSON (blobs.h), so many:         */
    size_t blob_bytes;
    size_t input; /* out: the place among "inputs" of such a tensor */
    char *member; /* out: the key of its objects, the same in all; NULL: there are none.
                     In rows, the first key that is no feature's */
    char *place;  /* out: "inputs[0].data"; NULL: it is the path                   */
    struct envelope_gaps *gaps;     /* out: rows that lack values; NULL: none does */
    struct envelope_series *series; /* out: it was an object of columns; NULL: it was not */
};

/* How errors call it. */
static inline const char *envelope_field_place(const struct envelope_field *field)
{
    return field->place ? field->place : field->path;
}

/* Memory besides tensors is charged to the tensors' account, too, jansson's values as an estimate;
 * memory that is freed while reading may stay charged. */
struct envelope_limits {
    struct tensor_limits tensor;
    size_t depth_max, tokens_max;
};

struct envelope {
    json_t *json; /* the rest; tensor values are true there. Borrowed while the envelope lives */
    struct envelope_field *fields; /* the caller's, borrowed */
    size_t fields_count;
};

/* The reader whose turn it is within a tensor: tensor_reader's, or that of an object that stands
 * for an element. */
enum envelope_row {
    ENVELOPE_NO_ROW,
    ENVELOPE_ROW_KEY,
    ENVELOPE_ROW_COLON,
    ENVELOPE_ROW_END,
    ENVELOPE_ROW_MORE,     /* a second key, which none may have */
    ENVELOPE_CELL,         /* a value that is no number, or that nobody wants */
    ENVELOPE_SERIES_COLON, /* of a column that nobody wants */
    ENVELOPE_SERIES_SKIP,  /* in front of its value         */
    ENVELOPE_FEATURE_KEY,
    ENVELOPE_FEATURE_NEXT, /* a key after a comma */
    ENVELOPE_FEATURE_COLON,
    ENVELOPE_FEATURE_VALUE,
    ENVELOPE_FEATURE_SKIP, /* a value that nobody wants */
    ENVELOPE_FEATURE_END,
};

/* A row of features on its way. Values stand in the tensor in the order in which they come, until
 * the row is closed: most come in the order of the features. */
struct records {
    const struct envelope_features *of;
    size_t begin;       /* of the row in the tensor                                        */
    size_t given;       /* values of the row                                               */
    bool ordered;       /* they are those of features 0, 1, ..., given - 1                 */
    size_t feature;     /* whose value comes                                               */
    size_t guess;       /* the feature after it                                            */
    size_t value_begin; /* in the tensor                                                   */
    size_t rows;
    uint32_t *order; /* [count] the features of the row's values, if it is not ordered  */
    uint32_t *seen;  /* [count] 1 + the last such row that gave it                      */
    float *values;   /* [count] the row, while it is put in order; all NULL: none was, yet */
    char number[24]; /* the name of a feature without one */
    struct skip skip;
};

/* A body on its way, in any pieces: envelope_reader_init(), envelope_feed() for each piece,
 * envelope_finish(). The members are the reader's own. Must not be moved in memory. */
struct envelope_reader {
    struct json_reader json; /* the first: what tensors.c is given */
    struct tensor_limits limits;
    enum non_finite policy;
    struct envelope_field *fields; /* [fields_count], at most ENVELOPE_FIELDS_MAX */
    size_t fields_count;
    /* Bit i: the path of fields[i] leads into the container that is open at this depth. */
    uint8_t leads[ENVELOPE_SEGMENTS_MAX + 1];
    struct tensor_reader tensor; /* of the field that is being read */
    struct envelope_field *field;
    enum envelope_row row;
    float cell;             /* what the value that is being skipped stands for */
    struct records records; /* of a field with features */
};

/* fields [fields_count] is borrowed until envelope_finish(); bytes: how long the body will be
 * at most, or WINDOW_UNKNOWN. That only bounds memory, which grows with what has come. */
void envelope_reader_init(struct envelope_reader *r, struct envelope_field *fields,
                          size_t fields_count, const struct envelope_limits *limits,
                          enum non_finite policy, size_t bytes);

/* The next bytes [len] of the body; they need no NUL after them and are not needed afterwards.
 * From the first error on, which is returned and kept, nothing more is read and nothing held. */
enum error_id envelope_feed(struct envelope_reader *r, const char *bytes, size_t len);

/* The body is complete: *e is new, and r is released. On failure everything is released already and
 * error says what and where: line and column of the body for grammar, the index path for tensors,
 * the key for duplicates; the same for every way to cut the body into pieces. Out of memory is
 * ERROR_OUT_OF_MEMORY. */
enum error_id envelope_finish(struct envelope_reader *r, struct envelope *e, struct error *error);

/* Instead of envelope_finish(); fine after it. */
void envelope_reader_fini(struct envelope_reader *r);

/* Memory that is held for what has come, jansson's as an estimate. */
size_t envelope_reader_bytes(const struct envelope_reader *r);

/* All of the above for a body [len] that is there at once. */
enum error_id envelope_read(struct envelope *e, struct envelope_field *fields, size_t fields_count,
                            const char *body, size_t len, const struct envelope_limits *limits,
                            enum non_finite policy, struct error *error);
void envelope_fini(struct envelope *e); /* releases json and the fields' tensors */

#endif
