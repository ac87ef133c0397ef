/* file.c - options as a JSON file: reading --config's, writing --print-config's.
 *
 * Invariant: a file is refused as a whole, with file, line and key, if anything in it is wrong. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/nearest.h"
#include "options/table.h"

enum { FILE_BYTES_MAX = 1 << 20 };

/* Line of a key of the outermost object, which jansson does not tell: 0 if it is spelt with
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

struct source {
    const char *path, *text;
    char *error;
    size_t error_bytes;
};

static int refuse(const struct source *source, const char *key, const char *why)
{
    unsigned line = line_of(source->text, key);
    char at[16] = "";

    if (line)
        snprintf(at, sizeof at, ":%u", line);
    snprintf(source->error, source->error_bytes, "%s%s: %.100s: %s", source->path, at, key, why);
    return OPTIONS_CONFIG;
}

static int refuse_unknown(const struct source *source, const char *key)
{
    const char *names[OPTION_COUNT];
    char why[128];

    for (size_t i = 0; i < OPTION_COUNT; i++)
        names[i] = option_rows[i].id;
    const char *near = nearest(key, names, OPTION_COUNT);
    snprintf(why, sizeof why, "no such option%s%s%s", near ? " (nearest: " : "", near ? near : "",
             near ? ")" : "");
    return refuse(source, key, why);
}

/* A whole number in any spelling: 8, 8.0, 8e0. */
static bool is_whole(const json_t *value, uint64_t *whole)
{
    double real = json_is_real(value) ? json_real_value(value) : -1;

    if (json_is_integer(value) && json_integer_value(value) >= 0)
        *whole = (uint64_t)json_integer_value(value);
    else if (real >= 0 && real < 0x1p53 && real == floor(real))
        *whole = (uint64_t)real;
    else
        return false;
    return true;
}

/* Numbers may also be given as text, for "64M" and "30s". null is the default, as if absent. */
static bool set(struct options *options, const struct option_row *row, const json_t *value,
                char *why, size_t why_bytes)
{
    static const char *const expected[] = {
        [OPTION_TEXT] = "expected a string",
        [OPTION_ADDRESS] = "expected a string",
        [OPTION_LIST] = "expected a string",
        [OPTION_SIZE] = "expected a whole number",
        [OPTION_TIME] = "expected a number of seconds, or a string such as \"30s\"",
        [OPTION_FLAG] = "expected true or false",
    };
    uint64_t whole;

    if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value))
        return option_set(options, row, json_string_value(value), why, why_bytes);
    if (json_is_null(value))
        return true;
    if (row->type == OPTION_SIZE && is_whole(value, &whole))
        return option_set_size(options, row, whole, why, why_bytes);
    if (row->type == OPTION_FLAG && json_is_boolean(value))
        return option_set_flag(options, row, json_is_true(value)), true;
    if (row->type == OPTION_TIME && json_is_number(value))
        return option_set_time(options, row, json_number_value(value), why, why_bytes);
    snprintf(why, why_bytes, "%s", expected[row->type]);
    return false;
}

static int apply(struct options *options, const struct source *source, const char *key,
                 const json_t *value)
{
    char why[256];

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(option_rows[i].id, key) != 0)
            continue;
        if (i == OPTION_config)
            return refuse(source, key, "a file cannot name another; use --config or AXOND_CONFIG");
        if (set(options, &option_rows[i], value, why, sizeof why))
            return OPTIONS_OK;
        return refuse(source, key, why);
    }
    return refuse_unknown(source, key);
}

/* The whole file, followed by a NUL; new. NULL and errno if it cannot be read. */
static char *read_all(const char *path, size_t *length)
{
    char *text = malloc(FILE_BYTES_MAX + 1);
    int fd = text ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t got = -1;

    *length = 0;
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

int options_read_file(struct options *options, const char *path, char *error, size_t error_bytes)
{
    size_t length;
    json_error_t at;
    json_t *root = NULL, *value;
    const char *key;
    int status = OPTIONS_CONFIG;
    char *text = read_all(path, &length);

    if (!text) {
        snprintf(error, error_bytes, "%s: %s", path, strerror(errno));
        return OPTIONS_CONFIG;
    }
    size_t mark = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* of byte order */
    root = json_loadb(text + mark, length - mark, JSON_REJECT_DUPLICATES, &at);
    if (!root) {
        snprintf(error, error_bytes, "%s:%d: %s", path, at.line > 0 ? at.line : 1,
                 *at.text ? at.text : "out of memory");
        goto out;
    }
    if (!json_is_object(root)) {
        snprintf(error, error_bytes, "%s:1: expected an object of options", path);
        goto out;
    }
    struct source source = {path, text, error, error_bytes};
    status = OPTIONS_OK;
    json_object_foreach(root, key, value)
    {
        status = apply(options, &source, key, value);
        if (status != OPTIONS_OK)
            break;
    }
out:
    json_decref(root);
    free(text);
    return status;
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
