/* object.c - values of a JSON file, read with errors that name the file, the path and what was
 * found.
 *
 * It knows jansson and nothing of models. Nothing read here is trusted: types, ranges and sizes are
 * checked before a value leaves. */
#include "json/object.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "body/envelope.h"
#include "base/nearest.h"

enum error_id object_fail(const struct place *at, const char *key, enum error_id id,
                          const char *format, ...)
{
    char message[ERROR_DETAIL_MAX];
    va_list args;
    const char *dot = *at->path && key ? "." : "", *colon = *at->path || key ? ": " : "";

    va_start(args, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 does not see va_start() here
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return error_set(at->error, id, "%s%s%s%s%s%s%s", at->file ? at->file : "",
                     at->file ? ": " : "", at->path, dot, key ? key : "", colon, message);
}

json_t *object_parse(const char *file, const char *text, size_t len, size_t tokens_max,
                     struct error *error)
{
    json_t *json = json_file_read(text, len, tokens_max, error);

    if (!json) /* the detail begins with line and column, but for memory */
        error_set(error, error->id, "%s:%s%s", file, error->id == ERROR_OUT_OF_MEMORY ? " " : "",
                  error->detail);
    return json;
}

const char *object_found(const json_t *value, char text[static OBJECT_FOUND_MAX])
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        snprintf(text, OBJECT_FOUND_MAX, "an array of %zu", json_array_size(value));
        break;
    case JSON_STRING:
        snprintf(text, OBJECT_FOUND_MAX, "\"%.40s\"", json_string_value(value));
        break;
    case JSON_INTEGER:
        snprintf(text, OBJECT_FOUND_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        snprintf(text, OBJECT_FOUND_MAX, "%.9g", json_real_value(value));
        break;
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    }
    return text;
}

enum error_id object_keys(const struct place *at, const json_t *object, const char *const *allowed)
{
    const char *key;
    const json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        size_t count = 0;
        while (allowed[count] && strcmp(allowed[count], key) != 0)
            count++;
        if (allowed[count])
            continue;
        char quoted[OBJECT_NAME_MAX + 1];
        snprintf(quoted, sizeof quoted, "%s", key);
        const char *near = nearest(key, allowed, count);
        return near ? object_fail(at, quoted, ERROR_BAD_FIELD, "unknown key; did you mean \"%s\"?",
                                  near)
                    : object_fail(at, quoted, ERROR_BAD_FIELD, "unknown key");
    }
    return ERROR_OK;
}

enum error_id object_typed(const struct place *at, const json_t *object, const char *key,
                           json_type type, const json_t **value)
{
    static const char *const names[] = {[JSON_OBJECT] = "an object",
                                        [JSON_ARRAY] = "an array",
                                        [JSON_STRING] = "a string",
                                        [JSON_INTEGER] = "a whole number"};
    char found[OBJECT_FOUND_MAX];

    *value = json_member(object, key);
    if (*value && json_typeof(*value) != type)
        return object_fail(at, key, ERROR_BAD_FIELD, "expected %s, found %s", names[type],
                           object_found(*value, found));
    return ERROR_OK;
}

enum error_id object_whole(const struct place *at, const json_t *object, const char *key,
                           uint64_t min, uint64_t max, uint64_t *value)
{
    const json_t *json = json_member(object, key);
    char found[OBJECT_FOUND_MAX];
    int64_t whole;

    if (!json)
        return ERROR_OK;
    if (!json_whole(json, &whole) || whole < 0 || (uint64_t)whole < min || (uint64_t)whole > max)
        return object_fail(
            at, key, ERROR_BAD_FIELD, "expected a whole number from %llu to %llu, found %s",
            (unsigned long long)min, (unsigned long long)max, object_found(json, found));
    *value = (uint64_t)whole;
    return ERROR_OK;
}

int object_name_valid(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return name[n] == '\0' && n >= 1 && n <= OBJECT_NAME_MAX;
}

enum error_id object_name(const struct place *at, const json_t *object, const char *key,
                          char name[static OBJECT_NAME_MAX + 1])
{
    const json_t *json = json_member(object, key);
    char found[OBJECT_FOUND_MAX];

    if (!json)
        return ERROR_OK;
    if (!json_is_string(json) || !object_name_valid(json_string_value(json)))
        return object_fail(at, key, ERROR_BAD_FIELD,
                           "expected a name of 1 to %d letters, digits, '.', '_' or '-', found %s",
                           OBJECT_NAME_MAX, object_found(json, found));
    memcpy(name, json_string_value(json), json_string_length(json) + 1);
    return ERROR_OK;
}

enum error_id object_float(const struct place *at, const char *what, const json_t *value,
                           float *number)
{
    char found[OBJECT_FOUND_MAX];

    if (!json_is_number(value))
        return object_fail(at, what, ERROR_BAD_FIELD, "expected a number, found %s",
                           object_found(value, found));
    *number = json_float(value);
    if (!isfinite(*number))
        return object_fail(at, what, ERROR_BAD_PARAMETER, "%s is outside the range of float32",
                           object_found(value, found));
    return ERROR_OK;
}

enum error_id object_floats(const struct place *at, const char *what, const json_t *array,
                            float *numbers, size_t n)
{
    char found[OBJECT_FOUND_MAX], element[OBJECT_PATH_MAX];
    size_t i;

    if (!json_is_array(array) || json_array_size(array) != n)
        return object_fail(at, what, ERROR_BAD_FIELD, "expected an array of %zu numbers, found %s",
                           n, object_found(array, found));
    for (i = 0; i < n; i++) {
        const json_t *value = json_array_get(array, i);
        numbers[i] = json_float(value); /* 0 for what is not a number */
        if (!json_is_number(value) || !isfinite(numbers[i]))
            break;
    }
    if (i == n)
        return ERROR_OK;
    snprintf(element, sizeof element, "%s[%zu]", what, i);
    return object_float(at, element, json_array_get(array, i), &numbers[i]);
}
