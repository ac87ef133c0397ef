/* field.c - values of a JSON file, read with errors that name the file, the path and what was
 * found.
 *
 * It knows jansson and nothing of models. Nothing read here is trusted: types, ranges and sizes are
 * checked before a value leaves. */
#include "model/field.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "body/envelope.h"
#include "base/nearest.h"

int field_fail(const struct place *at, const char *key, const char *format, ...)
{
    char message[384];
    va_list args;
    const char *dot = *at->path && key ? "." : "", *colon = *at->path || key ? ": " : "";

    va_start(args, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 does not see va_start() here
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return model_error_set(at->error, "%s: %s%s%s%s%s", at->file, at->path, dot, key ? key : "",
                           colon, message);
}

json_t *field_parse(const char *file, const char *text, size_t len, size_t tokens_max,
                    struct model_error *error)
{
    struct error e = {0};
    json_t *json = json_file_read(text, len, tokens_max, &e);

    if (!json) /* the detail begins with line and column, but for memory */
        model_error_set(error, "%s:%s%s", file, e.id == ERROR_OUT_OF_MEMORY ? " " : "", e.detail);
    return json;
}

const char *field_found(const json_t *value, char text[static FIELD_FOUND_MAX])
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        snprintf(text, FIELD_FOUND_MAX, "an array of %zu", json_array_size(value));
        break;
    case JSON_STRING:
        snprintf(text, FIELD_FOUND_MAX, "\"%.40s\"", json_string_value(value));
        break;
    case JSON_INTEGER:
        snprintf(text, FIELD_FOUND_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        snprintf(text, FIELD_FOUND_MAX, "%.9g", json_real_value(value));
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

int field_keys(const struct place *at, const json_t *object, const char *const *allowed)
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
        char quoted[FIELD_NAME_MAX + 1];
        snprintf(quoted, sizeof quoted, "%s", key);
        const char *near = nearest(key, allowed, count);
        return near ? field_fail(at, quoted, "unknown key; did you mean \"%s\"?", near)
                    : field_fail(at, quoted, "unknown key");
    }
    return 0;
}

int field_typed(const struct place *at, const json_t *object, const char *key, json_type type,
                const json_t **value)
{
    static const char *const names[] = {[JSON_OBJECT] = "an object",
                                        [JSON_ARRAY] = "an array",
                                        [JSON_STRING] = "a string",
                                        [JSON_INTEGER] = "a whole number"};
    char found[FIELD_FOUND_MAX];

    *value = json_member(object, key);
    if (*value && json_typeof(*value) != type)
        return field_fail(at, key, "expected %s, found %s", names[type],
                          field_found(*value, found));
    return 0;
}

int field_whole(const struct place *at, const json_t *object, const char *key, uint64_t min,
                uint64_t max, uint64_t *value)
{
    const json_t *json = json_member(object, key);
    char found[FIELD_FOUND_MAX];
    int64_t whole;

    if (!json)
        return 0;
    if (!json_whole(json, &whole) || whole < 0 || (uint64_t)whole < min || (uint64_t)whole > max)
        return field_fail(at, key, "expected a whole number from %llu to %llu, found %s",
                          (unsigned long long)min, (unsigned long long)max,
                          field_found(json, found));
    *value = (uint64_t)whole;
    return 0;
}

int field_name_valid(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return name[n] == '\0' && n >= 1 && n <= FIELD_NAME_MAX;
}

int field_name(const struct place *at, const json_t *object, const char *key,
               char name[static FIELD_NAME_MAX + 1])
{
    const json_t *json = json_member(object, key);
    char found[FIELD_FOUND_MAX];

    if (!json)
        return 0;
    if (!json_is_string(json) || !field_name_valid(json_string_value(json)))
        return field_fail(at, key,
                          "expected a name of 1 to %d letters, digits, '.', '_' or '-', found %s",
                          FIELD_NAME_MAX, field_found(json, found));
    memcpy(name, json_string_value(json), json_string_length(json) + 1);
    return 0;
}

int field_float(const struct place *at, const char *what, const json_t *value, float *number)
{
    char found[FIELD_FOUND_MAX];

    if (!json_is_number(value))
        return field_fail(at, what, "expected a number, found %s", field_found(value, found));
    *number = json_float(value);
    if (!isfinite(*number))
        return field_fail(at, what, "%s is outside the range of float32",
                          field_found(value, found));
    return 0;
}

int field_floats(const struct place *at, const char *what, const json_t *array, float *numbers,
                 size_t n)
{
    char found[FIELD_FOUND_MAX], element[FIELD_PATH_MAX];
    size_t i;

    if (!json_is_array(array) || json_array_size(array) != n)
        return field_fail(at, what, "expected an array of %zu numbers, found %s", n,
                          field_found(array, found));
    for (i = 0; i < n; i++) {
        const json_t *value = json_array_get(array, i);
        numbers[i] = json_float(value); /* 0 for what is not a number */
        if (!json_is_number(value) || !isfinite(numbers[i]))
            break;
    }
    if (i == n)
        return 0;
    snprintf(element, sizeof element, "%s[%zu]", what, i);
    return field_float(at, element, json_array_get(array, i), &numbers[i]);
}
