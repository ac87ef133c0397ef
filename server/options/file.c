/* file.c - options as a JSON file: reading --config's, writing --print-config's.
 *
 * Invariant: a file is refused as a whole, with file, line and key, if anything in it is wrong. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "json/object.h"
#include "options/table.h"

enum { FILE_BYTES_MAX = 1 << 20, FILE_TOKENS_MAX = 4096 };

/* Line of a key of the outermost object, which a json_t does not tell: 0 if it is spelt with
 * escapes. text is valid JSON. */
static unsigned line_of(const char *text, const char *key)
{
    size_t length = strlen(key);
    unsigned line = 1, depth = 0;

    for (; *text; text++) {
        line += *text == '\n';
        depth += *text == '{' || *text == '[';
        depth -= *text == '}' || *text == ']';
        if (*text != '"')
            continue;
        const char *start = text + 1;
        for (text = start; *text && *text != '"'; text++)
            text += text[0] == '\\' && text[1];
        if (!*text)
            break;
        if (depth == 1 && (size_t)(text - start) == length && memcmp(start, key, length) == 0 &&
            text[1 + strspn(text + 1, " \t\r\n")] == ':')
            return line;
    }
    return 0;
}

/* Numbers may also be given as text, for "64M" and "30s". */
static enum error_id set(struct options *options, const struct option_row *row, const json_t *value,
                         struct error *why)
{
    static const char *const expected[] = {
        [OPTION_TEXT] = "expected a string",
        [OPTION_ADDRESS] = "expected a string",
        [OPTION_LIST] = "expected a string",
        [OPTION_PATH] = "expected a string",
        [OPTION_SIZE] = "expected a whole number",
        [OPTION_TIME] = "expected a number of seconds, or a string such as \"30s\"",
        [OPTION_FLAG] = "expected true or false",
    };
    int64_t whole;

    if (json_is_string(value))
        return option_set(options, row, json_string_value(value), why);
    if (row->type == OPTION_SIZE && json_whole(value, &whole) && whole >= 0)
        return option_set_size(options, row, (uint64_t)whole, why);
    if (row->type == OPTION_FLAG && json_is_boolean(value))
        return option_set_flag(options, row, json_is_true(value)), ERROR_OK;
    if (row->type == OPTION_TIME && json_is_number(value))
        return option_set_time(options, row, json_number_value(value), why);
    return error_set(why, ERROR_BAD_FIELD, "%s", expected[row->type]);
}

static enum error_id apply(struct options *options, const struct place *at, const char *key,
                           const json_t *value)
{
    const char *names[OPTION_COUNT];
    char found[OBJECT_FOUND_MAX];
    struct error why;
    size_t i = 0;

    for (; i < OPTION_COUNT && strcmp(option_rows[i].id, key) != 0; i++)
        names[i] = option_rows[i].id;
    if (i == OPTION_COUNT)
        return object_unknown(at, key, names, OPTION_COUNT);
    if (i == OPTION_config)
        return object_fail(at, key, ERROR_BAD_FIELD,
                           "a file cannot name another; use --config or AXOND_CONFIG");
    if (json_is_null(value) || !set(options, &option_rows[i], value, &why))
        return ERROR_OK;
    return object_fail(at, key, why.id, "%s, found %s", why.detail, object_found(value, found));
}

/* The whole file, followed by a NUL; new. NULL and errno if it cannot be read. */
static char *read_all(const char *path, size_t *length)
{
    char *text = malloc(FILE_BYTES_MAX + 1);
    int fd = text ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t got = -1;

    *length = 0;
    if (!text)
        errno = ENOMEM;
    if (fd < 0)
        goto out;
    while ((got = read(fd, text + *length, FILE_BYTES_MAX + 1 - *length)) > 0)
        if ((*length += (size_t)got) > FILE_BYTES_MAX) {
            errno = EFBIG;
            got = -1;
            break;
        }
out:
    if (fd >= 0) {
        int cause = errno;
        close(fd);
        errno = cause;
    }
    if (got < 0) {
        free(text);
        return NULL;
    }
    text[*length] = '\0';
    return text;
}

static enum error_id read_members(struct options *options, const char *path, const char *text,
                                  json_t *root, struct error *error)
{
    const char *key;
    json_t *value;

    json_object_foreach (root, key, value) {
        char file[PATH_MAX + 16];
        const struct place at = {file, "", error};
        unsigned line = line_of(text, key);

        snprintf(file, sizeof file, line ? "%.*s:%u" : "%.*s", PATH_MAX, path, line);
        if (apply(options, &at, key, value))
            return error->id;
    }
    return ERROR_OK;
}

enum error_id options_read_file(struct options *options, const char *path, struct error *error)
{
    size_t length;
    char *text = read_all(path, &length);
    json_t *root;
    enum error_id id;

    if (!text && errno == ENOMEM)
        return error_set(error, ERROR_OUT_OF_MEMORY, "%s: out of memory", path);
    if (!text)
        return error_set(error, ERROR_NOT_READY, "%s: %s", path, strerror(errno));
    root = object_parse(path, text, length, FILE_TOKENS_MAX, error);
    id = root ? read_members(options, path, text, root, error) : error->id;
    json_decref(root);
    free(text);
    return id;
}

static json_t *value_of(const struct options *options, const struct option_row *row)
{
    const char *place = (const char *)options + row->offset;
    uint64_t size;
    double time;

    if (option_is_text(row))
        return json_string(place);
    if (row->type == OPTION_FLAG)
        return json_boolean(*(const bool *)place);
    if (row->type == OPTION_TIME) {
        memcpy(&time, place, sizeof time);
        return json_real(time);
    }
    memcpy(&size, place, sizeof size);
    return json_integer((json_int_t)size);
}

char *options_print(const struct options *options)
{
    json_t *root = json_object();
    char *text = NULL;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (i != OPTION_config &&
            json_object_set_new(root, option_rows[i].id, value_of(options, &option_rows[i])) != 0)
            goto out;
    text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
out:
    json_decref(root);
    return text;
}
