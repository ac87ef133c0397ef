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

#include <jansson.h>
#include "json/value.h"
#include "tensor/tensor_reader.h"

/* Where objects with one key each may stand for what is in them, as in {"inputs": {"x": [[1, 2]]}}
 * and {"instances": [{"x": [1, 2]}, {"x": [3, 4]}]}. */
enum envelope_objects { ENVELOPE_NO_OBJECTS, ENVELOPE_OBJECT, ENVELOPE_OBJECT_ROWS };

/* A path is keys and elements of arrays: "data", "inputs[].data". Fields of one path take what
 * stands there one after another, in the order of the body; if they do not suffice, that is an
 * error. */
enum { ENVELOPE_SEGMENTS_MAX = 4, ENVELOPE_FIELDS_MAX = 8 };

struct envelope_field {
    const char *path;
    enum envelope_objects objects;
    struct tensor tensor; /* out: what was read                                            */
    bool present;         /* out: there was a tensor                                       */
    char *member;         /* out: the key of its objects, the same in all; NULL: there are none */
    char *place;          /* out: "inputs[0].data"; NULL: it is the path                   */
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

enum {
    JSON_DEPTH_MAX = 512, /* bounds every configured depth: json_decref recurses */
    JSON_DEPTH_FEW = 4    /* no body that a handler takes is deeper */
};

/* The token that is expected next. */
enum json_state {
    JSON_MARK,   /* a byte order mark, or not                           */
    JSON_START,  /* the object                                          */
    JSON_OPENED, /* its first member, or the end of the container       */
    JSON_MEMBER, /* a key, or an array's value                          */
    JSON_COLON,
    JSON_VALUE,
    JSON_TENSOR, /* the rest of one                                     */
    JSON_ROW,    /* the key of an object that stands for an element     */
    JSON_ROW_COLON,
    JSON_ROW_END,  /* the end of such an object                          */
    JSON_ROW_MORE, /* a second key, which none may have                 */
    JSON_BEHIND,   /* a comma, or the end of the container                */
    JSON_END       /* nothing                                             */
};

/* A body on its way, in any pieces: envelope_reader_init(), envelope_feed() for each piece,
 * envelope_finish(). The members are the reader's own. Must not be moved in memory. */
struct envelope_reader {
    struct envelope_limits limits;
    enum non_finite policy;
    bool file;                     /* how errors begin: "2:7: " and not "line 2, column 7: " */
    struct envelope_field *fields; /* [fields_count], at most ENVELOPE_FIELDS_MAX */
    size_t fields_count;
    /* Bit i: the path of fields[i] leads into the container that is open at this depth. */
    uint8_t leads[ENVELOPE_SEGMENTS_MAX + 1];

    struct window window;
    struct buf carry; /* the token that a piece's end has cut, in front of the next piece */
    struct error error;
    enum json_state state;
    struct tensor_reader tensor; /* of the field, in JSON_TENSOR */
    struct envelope_field *field;
    size_t tokens;        /* keys and values read so far */
    size_t strings_bytes; /* in them */
    struct buf key, word; /* the current key, the current string */
    json_t *root;         /* owned */
    size_t depth, depth_cap;
    json_t **open; /* [depth_cap] the containers around the window's pos, borrowed from root */
    json_t *few[JSON_DEPTH_FEW]; /* what open is, or was until they were more */
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

/* The text [len] of a file as an object without tensors: new, or NULL and error, whose detail
 * begins with line and column, "2:11: expected ':', found '1'", as editors like to find them after
 * a file's name; out of memory has none. */
json_t *json_file_read(const char *text, size_t len, size_t tokens_max, struct error *error);

#endif
