/* object.h - the members of a JSON object, read with errors that name the place and what was found:
 * once for requests, config.json, golden.json, axond.json and the headers of weights.
 *
 * It knows jansson's values and nothing of models. A member that is null is absent, and what is
 * absent leaves the result as it is: the caller's default. All functions but object_found() return
 * ERROR_OK, or the id of what they have set in the place's error. */
#ifndef JSON_OBJECT_H
#define JSON_OBJECT_H

#include <stddef.h>
#include <stdint.h>
#include "json/value.h"
#include "base/error.h"

enum { OBJECT_NAME_MAX = 64, OBJECT_PATH_MAX = 96 };

/* Where an object stands: "layers[1]" in "config.json". path "" is the top, file NULL a request's
 * body. All borrowed. */
struct place {
    const char *file, *path;
    struct error *error;
};

/* The type of a member that is read into the place that many bytes from the start of
 * object_read()'s struct. */
enum object_kind {
    OBJECT_ANY,     /* nothing: it may be there, and the caller looks for it */
    OBJECT_VALUE,   /* const json_t *, of any type                           */
    OBJECT_OBJECT,  /* const json_t *, or nothing at OBJECT_NOWHERE          */
    OBJECT_ARRAY,   /* the same                                              */
    OBJECT_STRING,  /* const char *, without a NUL in it                     */
    OBJECT_BOOLEAN, /* bool                                                  */
    OBJECT_FLOAT,   /* float, finite                                         */
    OBJECT_WHOLE,   /* uint64_t from min to max, however it is written       */
    OBJECT_SIZE,    /* the same as size_t                                    */
    OBJECT_NAME,    /* char [OBJECT_NAME_MAX + 1] of A-Z a-z 0-9 . _ -       */
    OBJECT_CHOICE   /* unsigned or an enum: the index of a name in choices   */
};

enum { OBJECT_NOWHERE = 0xffff }; /* an offset: the caller looks for it, once its type is known */

/* The names that a string may have: the first member of each row of a table, or plain strings. An
 * empty one is none. */
struct object_choices {
    const void *rows;
    size_t count, row_bytes;
};

struct object_key {
    const char *name; /* NULL: the end of the keys */
    enum object_kind kind;
    size_t offset;
    uint64_t min, max;
    struct object_choices choices;
    bool required;
};

/* Rows of keys: KEY("name", NAME, struct layer, name), and so on. */
/* clang-format off */
#define KEY_(key, as, at, ...) {.name = (key), .kind = OBJECT_##as, .offset = (at), __VA_ARGS__}
/* clang-format on */
#define KEY(key, as, type, member)          KEY_(key, as, offsetof(type, member), .required = false)
#define KEY_REQUIRED(key, as, type, member) KEY_(key, as, offsetof(type, member), .required = true)
#define KEY_RANGE(key, as, type, member, least, most, must) \
    KEY_(key, as, offsetof(type, member), .min = (least), .max = (most), .required = (must))
#define KEY_CHOICE(key, type, member, table, rows_count) \
    KEY_(key, CHOICE, offsetof(type, member), .choices = {table, rows_count, sizeof *(table)})
#define KEY_CHECKED(key, as) KEY_(key, as, OBJECT_NOWHERE, .required = false)
#define KEY_ANY(key)         KEY_(key, ANY, 0, .required = false)
#define KEY_END              KEY_(NULL, ANY, 0, .required = false)

/* "<file>: <path>.<key>: <message>" as the error; key may be NULL for the place itself. */
enum error_id object_fail(const struct place *at, const char *key, enum error_id id,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Parse the text [len] of a file as a JSON object, without duplicate keys and with at most
 * tokens_max values and keys, since each costs far more memory than its text. new, or NULL and
 * "<file>:<line>:<column>: what"; out of memory has no line. */
json_t *object_parse(const char *file, const char *text, size_t len, size_t tokens_max,
                     struct error *error);

/* Read the object's members by keys into a struct, in the object's order. A key that is not there
 * is refused, and the nearest suggested: "layer: unknown key; did you mean \"layers\"?"; a last key
 * "*" stands for all others. */
enum error_id object_read(const struct place *at, const json_t *object,
                          const struct object_key *keys, void *into);

/* The same of a single value, whose name is the key's; NULL is absent. */
enum error_id object_value(const struct place *at, const struct object_key *key,
                           const json_t *value, void *into);

/* A name of choices, as its index; in the same way. */
enum error_id object_choice(const struct place *at, const char *key, const json_t *value,
                            struct object_choices choices, unsigned *chosen);

/* Every key of the object must be in allowed, which ends with NULL: for keys that no table has. */
enum error_id object_keys(const struct place *at, const json_t *object, const char *const *allowed);

/* The refusal of a key that is none of names [count]. */
enum error_id object_unknown(const struct place *at, const char *key, const char *const *names,
                             size_t count);

bool object_name_valid(const char *name);

/* `what` is the value's name in an error ("scale[3]"): a finite float32; an array of exactly n of
 * them, or of rows [n] of them; of n whole numbers. Here null is what was found. */
enum error_id object_float(const struct place *at, const char *what, const json_t *value,
                           float *number);
enum error_id object_floats(const struct place *at, const char *what, const json_t *array,
                            float *numbers, size_t n);
enum error_id object_rows(const struct place *at, const char *what, const json_t *array,
                          float *numbers, size_t rows, size_t n);
enum error_id object_wholes(const struct place *at, const char *what, const json_t *array,
                            uint64_t min, uint64_t max, uint64_t *numbers, size_t n);

/* A value as errors quote it: "\"abc\"", "3", "an array of 2". Returns text, or a constant. */
enum { OBJECT_FOUND_MAX = 64 };
const char *object_found(const json_t *value, char text[static OBJECT_FOUND_MAX]);

#endif
