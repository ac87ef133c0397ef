/* object.c - see object.h. Nothing read here is trusted: types, ranges and sizes are checked before
 * a value leaves. A message is made only when something is wrong. */
#include "json/object.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "json/read.h"
#include "base/nearest.h"

/* ---- what is wrong ---- */

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
    return error_set(at->error, id, "%s%s%.100s%s%.100s%s%s", at->file ? at->file : "",
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
    if (!value)
        return "nothing";
    switch (json_typeof(value)) {
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

static const char *choice(const struct object_choices *choices, size_t i)
{
    const char *const *row = (const void *)((const char *)choices->rows + i * choices->row_bytes);

    return *row;
}

/* "one of a, b, c" */
static void expect_choice(const struct object_choices *choices, char *text, size_t size)
{
    const char *comma = "one of ";
    size_t used = 0;

    for (size_t i = 0; i < choices->count && used < size; i++) {
        if (!*choice(choices, i))
            continue;
        used += (size_t)snprintf(text + used, size - used, "%s%s", comma, choice(choices, i));
        comma = ", ";
    }
}

/* The values that a key takes, in words. */
enum { EXPECTED_MAX = 192, CHOICES_MAX = 32 };
static const char *expected(const struct object_key *key, char text[static EXPECTED_MAX])
{
    static const char *const kinds[] = {
        [OBJECT_ANY] = "a value",      [OBJECT_VALUE] = "a value",
        [OBJECT_OBJECT] = "an object", [OBJECT_ARRAY] = "an array",
        [OBJECT_STRING] = "a string",  [OBJECT_BOOLEAN] = "true or false",
        [OBJECT_FLOAT] = "a number",   [OBJECT_CHOICE] = "",
    };

    if (key->kind == OBJECT_CHOICE)
        expect_choice(&key->choices, text, EXPECTED_MAX);
    else if (key->kind == OBJECT_NAME)
        snprintf(text, EXPECTED_MAX, "a name of 1 to %d letters, digits, '.', '_' or '-'",
                 OBJECT_NAME_MAX);
    else if (key->max == UINT64_MAX)
        snprintf(text, EXPECTED_MAX, "a whole number of at least %llu",
                 (unsigned long long)key->min);
    else if (key->kind == OBJECT_WHOLE || key->kind == OBJECT_SIZE)
        snprintf(text, EXPECTED_MAX, "a whole number from %llu to %llu",
                 (unsigned long long)key->min, (unsigned long long)key->max);
    else
        return kinds[key->kind];
    return text;
}

/* "; known here: a, b", without those for which there is no room. */
static void list_names(char *text, size_t size, const char *const *names, size_t count)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count && used + strlen(names[i]) + sizeof "; known here: " < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s",
                                 i ? ", " : "; known here: ", names[i]);
}

enum error_id object_unknown(const struct place *at, const char *key, const char *const *names,
                             size_t count)
{
    enum { KNOWN_MAX = 200 };
    char hint[NEAREST_HINT_MAX], known[KNOWN_MAX];

    list_names(known, sizeof known, names, count);
    return object_fail(at, key, ERROR_BAD_FIELD, "unknown key%s",
                       nearest(key, names, count) ? nearest_hint(hint, key, names, count, "")
                                                  : known);
}

/* ---- single values ---- */

bool object_name_valid(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return name[n] == '\0' && n >= 1 && n <= OBJECT_NAME_MAX;
}

static bool take_pointer(const struct object_key *key, const void *value, bool ok, void *to)
{
    if (ok && key->offset != OBJECT_NOWHERE)
        memcpy(to, &value, sizeof value);
    return ok;
}

static bool take_whole(const struct object_key *key, const json_t *value, void *to)
{
    int64_t whole;
    uint64_t number;
    size_t size;

    if (!json_whole(value, &whole) || whole < 0 || (uint64_t)whole < key->min ||
        (uint64_t)whole > key->max)
        return false;
    number = (uint64_t)whole;
    size = (size_t)whole;
    memcpy(to, key->kind == OBJECT_SIZE ? (const void *)&size : &number,
           key->kind == OBJECT_SIZE ? sizeof size : sizeof number);
    return true;
}

static bool take_choice(const struct object_key *key, const json_t *value, void *to)
{
    const char *text = json_string_value(value);

    for (unsigned i = 0; text && *text && i < key->choices.count; i++)
        if (strcmp(choice(&key->choices, i), text) == 0)
            return memcpy(to, &i, sizeof i) != NULL;
    return false;
}

static bool take_name(const json_t *value, char *to)
{
    const char *name = json_string_value(value);

    return name && object_name_valid(name) && memcpy(to, name, strlen(name) + 1);
}

/* value into `to`, if it is of the key's kind. */
static bool take(const struct object_key *key, const json_t *value, void *to)
{
    const char *text = json_string_value(value);
    bool truth = json_is_true(value);

    switch (key->kind) {
    case OBJECT_ANY:
    case OBJECT_FLOAT: /* read_value()'s */
        return true;
    case OBJECT_VALUE:
        return take_pointer(key, value, true, to);
    case OBJECT_OBJECT:
        return take_pointer(key, value, json_is_object(value), to);
    case OBJECT_ARRAY:
        return take_pointer(key, value, json_is_array(value), to);
    case OBJECT_STRING:
        return take_pointer(key, text, text && strlen(text) == json_string_length(value), to);
    case OBJECT_BOOLEAN:
        return json_is_boolean(value) && memcpy(to, &truth, sizeof truth);
    case OBJECT_WHOLE:
    case OBJECT_SIZE:
        return take_whole(key, value, to);
    case OBJECT_NAME:
        return take_name(value, to);
    case OBJECT_CHOICE:
        return take_choice(key, value, to);
    }
    return false;
}

static const char *choice_hint(const struct object_key *key, const json_t *value,
                               char hint[static NEAREST_HINT_MAX])
{
    const char *names[CHOICES_MAX], *text = json_string_value(value);
    size_t count = 0;

    for (; count < key->choices.count && count < CHOICES_MAX; count++)
        names[count] = choice(&key->choices, count);
    return text ? nearest_hint(hint, text, names, count, "") : "";
}

static enum error_id read_value(const struct place *at, const struct object_key *key,
                                const json_t *value, void *to)
{
    char want[EXPECTED_MAX], found[OBJECT_FOUND_MAX], hint[NEAREST_HINT_MAX];

    if (key->kind == OBJECT_FLOAT)
        return object_float(at, key->name, value, to);
    if (take(key, value, to))
        return ERROR_OK;
    return object_fail(at, key->name, ERROR_BAD_FIELD, "expected %s, found %s%s",
                       expected(key, want), object_found(value, found),
                       choice_hint(key, value, hint));
}

enum error_id object_value(const struct place *at, const struct object_key *key,
                           const json_t *value, void *into)
{
    bool absent = !value || json_is_null(value);

    return absent ? ERROR_OK : read_value(at, key, value, (char *)into + key->offset);
}

enum error_id object_choice(const struct place *at, const char *key, const json_t *value,
                            struct object_choices choices, unsigned *chosen)
{
    const struct object_key row = {.name = key, .kind = OBJECT_CHOICE, .choices = choices};

    return object_value(at, &row, value, chosen);
}

/* ---- objects ---- */

enum { KEYS_MAX = 48 };

static const struct object_key *key_find(const struct object_key *keys, const char *name)
{
    while (keys->name && strcmp(keys->name, name) != 0 && strcmp(keys->name, "*") != 0)
        keys++;
    return keys;
}

static enum error_id key_unknown(const struct place *at, const char *name,
                                 const struct object_key *keys)
{
    const char *names[KEYS_MAX];
    size_t count = 0;

    for (; count < KEYS_MAX && keys[count].name; count++)
        names[count] = keys[count].name;
    return object_unknown(at, name, names, count);
}

enum error_id object_read(const struct place *at, const json_t *object,
                          const struct object_key *keys, void *into)
{
    json_t *walk = (json_t *)(uintptr_t)object; /* jansson's iterators are not const-correct */
    char want[EXPECTED_MAX];

    for (void *i = json_object_iter(walk); i; i = json_object_iter_next(walk, i)) {
        struct object_key key = *key_find(keys, json_object_iter_key(i));

        if (!key.name)
            return key_unknown(at, json_object_iter_key(i), keys);
        key.name = json_object_iter_key(i);
        if (object_value(at, &key, json_object_iter_value(i), into))
            return at->error->id;
    }
    for (; keys->name; keys++)
        if (keys->required && !json_member(object, keys->name))
            return object_fail(at, keys->name, ERROR_BAD_FIELD, "missing; expected %s",
                               expected(keys, want));
    return ERROR_OK;
}

enum error_id object_keys(const struct place *at, const json_t *object, const char *const *allowed)
{
    json_t *walk = (json_t *)(uintptr_t)object;

    for (void *i = json_object_iter(walk); i; i = json_object_iter_next(walk, i)) {
        const char *key = json_object_iter_key(i);
        size_t count = 0;

        while (allowed[count] && strcmp(allowed[count], key) != 0)
            count++;
        if (!allowed[count])
            return object_unknown(at, key, allowed, count);
    }
    return ERROR_OK;
}

/* ---- numbers ---- */

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

enum error_id object_rows(const struct place *at, const char *what, const json_t *array,
                          float *numbers, size_t rows, size_t n)
{
    char found[OBJECT_FOUND_MAX], element[OBJECT_PATH_MAX];

    if (!json_is_array(array) || json_array_size(array) != rows)
        return object_fail(at, what, ERROR_BAD_FIELD, "expected an array of %zu rows, found %s",
                           rows, object_found(array, found));
    for (size_t r = 0; r < rows; r++) {
        snprintf(element, sizeof element, "%s[%zu]", what, r);
        if (object_floats(at, element, json_array_get(array, r), numbers + r * n, n))
            return at->error->id;
    }
    return ERROR_OK;
}

enum error_id object_wholes(const struct place *at, const char *what, const json_t *array,
                            uint64_t min, uint64_t max, uint64_t *numbers, size_t n)
{
    char element[OBJECT_PATH_MAX];
    const struct object_key key = {.name = element, .kind = OBJECT_WHOLE, .min = min, .max = max};

    for (size_t i = 0; i < n; i++) {
        snprintf(element, sizeof element, "%s[%zu]", what, i);
        if (read_value(at, &key, json_array_get(array, i), &numbers[i]))
            return at->error->id;
    }
    return ERROR_OK;
}
