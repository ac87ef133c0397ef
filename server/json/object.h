/* object.h - values of a JSON file, read with errors that name the file, the path and what was
 * found.
 *
 * It knows jansson and nothing of models. Every reader takes the place of an object and a key of
 * it; readers leave the result as it is (the caller's default) if the key is absent. */
#ifndef JSON_OBJECT_H
#define JSON_OBJECT_H

#include <stddef.h>
#include <stdint.h>
#include "json/value.h"
#include "base/error.h"

enum { OBJECT_NAME_MAX = 64, OBJECT_PATH_MAX = 96 };

/* Where an object stands: "layers[1]" in "config.json"; path "" is the top. */
struct place {
    const char *file;
    char path[OBJECT_PATH_MAX];
    struct error *error;
};

/* "<file>: <path>.<key>: <message>"; key may be NULL for the place itself. Returns id. */
enum error_id object_fail(const struct place *at, const char *key, enum error_id id,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Parse text [len] as a JSON object, without duplicate keys and with at most tokens_max values and
 * keys, since each costs far more memory than its text. new, or NULL and "<file>:<line>:<column>:
 * what". Below, a member that is null is absent. */
json_t *object_parse(const char *file, const char *text, size_t len, size_t tokens_max,
                     struct error *error);

/* ERROR_OK if every key of object is in allowed (NULL-terminated), else the nearest allowed one is
 * suggested. */
enum error_id object_keys(const struct place *at, const json_t *object, const char *const *allowed);

/* Of a JSON type, else an error: "expected an object, found 3". Absent is NULL. */
enum error_id object_typed(const struct place *at, const json_t *object, const char *key,
                           json_type type, const json_t **value);

enum error_id object_whole(const struct place *at, const json_t *object, const char *key,
                           uint64_t min, uint64_t max, uint64_t *value);

/* 1 to OBJECT_NAME_MAX of A-Z a-z 0-9 . _ - */
enum error_id object_name(const struct place *at, const json_t *object, const char *key,
                          char name[static OBJECT_NAME_MAX + 1]);
int object_name_valid(const char *name);

/* A JSON number as a finite float32; what is how to call the value in the error, "scale[3]". */
enum error_id object_float(const struct place *at, const char *what, const json_t *value,
                           float *number);

/* An array of exactly n numbers. */
enum error_id object_floats(const struct place *at, const char *what, const json_t *array,
                            float *numbers, size_t n);

/* A value as errors quote it: "\"abc\"", "3", "an array of 2". Returns text. */
enum { OBJECT_FOUND_MAX = 64 };
const char *object_found(const json_t *value, char text[static OBJECT_FOUND_MAX]);

#endif
