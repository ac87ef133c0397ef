/* field.h - values of a JSON file, read with errors that name the file, the path and what was
 * found.
 *
 * It knows jansson and nothing of models. Every reader takes the place of an object and a key of
 * it; readers leave the result as it is (the caller's default) if the key is absent. */
#ifndef FIELD_H
#define FIELD_H

#include <stddef.h>
#include <stdint.h>
#include "json/value.h"
#include "model/model_error.h"

enum { FIELD_NAME_MAX = 64, FIELD_PATH_MAX = 96 };

/* Where an object stands: "layers[1]" in "config.json"; path "" is the top. */
struct place {
    const char *file;
    char path[FIELD_PATH_MAX];
    struct model_error *error;
};

/* "<file>: <path>.<key>: <message>"; key may be NULL for the place itself. Returns -1. */
int field_fail(const struct place *at, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Parse text [len] as a JSON object, without duplicate keys and with at most tokens_max values and
 * keys, since each costs far more memory than its text. new, or NULL and "<file>:<line>:<column>:
 * what". Below, a member that is null is absent. */
json_t *field_parse(const char *file, const char *text, size_t len, size_t tokens_max,
                    struct model_error *error);

/* 0 if every key of object is in allowed (NULL-terminated), else -1 and the nearest allowed one is
 * suggested. */
int field_keys(const struct place *at, const json_t *object, const char *const *allowed);

/* Of a JSON type, else -1: "expected an object, found 3". Absent is NULL and 0. */
int field_typed(const struct place *at, const json_t *object, const char *key, json_type type,
                const json_t **value);

int field_whole(const struct place *at, const json_t *object, const char *key, uint64_t min,
                uint64_t max, uint64_t *value);

/* 1 to FIELD_NAME_MAX of A-Z a-z 0-9 . _ - */
int field_name(const struct place *at, const json_t *object, const char *key,
               char name[static FIELD_NAME_MAX + 1]);
int field_name_valid(const char *name);

/* A JSON number as a finite float32; what is how to call the value in the error, "scale[3]". */
int field_float(const struct place *at, const char *what, const json_t *value, float *number);

/* An array of exactly n numbers. */
int field_floats(const struct place *at, const char *what, const json_t *array, float *numbers,
                 size_t n);

/* A value as errors quote it: "\"abc\"", "3", "an array of 2". Returns text. */
enum { FIELD_FOUND_MAX = 64 };
const char *field_found(const json_t *value, char text[static FIELD_FOUND_MAX]);

#endif
