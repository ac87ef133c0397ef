/* target.c - see target.h. Knows bytes only; a segment that gets out of here holds no NUL, no "/"
 * if it is plain, and is not empty but for that of the path "/", so that routes can compare whole
 * segments. */
#include "api/target.h"
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode the escapes of text in place. A NUL cannot come out: it would cut the text short. */
static bool decode(char *text)
{
    char *out = strchrnul(text, '%');

    for (const char *in = out; *in; in++) {
        char c = *in;

        if (c == '%') {
            int high = hex_digit(in[1]), low = high < 0 ? -1 : hex_digit(in[2]);

            if (low < 0 || high * 16 + low == 0)
                return false;
            c = (char)(high * 16 + low);
            in += 2;
        }
        *out++ = c;
    }
    *out = '\0';
    return true;
}

static const bool segment_bytes[256] = {
    ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true, ['.'] = true,
    ['_'] = true,         ['~'] = true,         [':'] = true,         ['-'] = true,
};

static bool is_plain(const char *at)
{
    while (segment_bytes[(unsigned char)*at])
        at++;
    return *at == '\0';
}

/* "http://host:port" in front of the path says nothing that the connection does not. */
static char *without_authority(char *text)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i]);

        if (strncasecmp(text, schemes[i], length) == 0) {
            char *path = text + length + strcspn(text + length, "/?");

            return *path == '/' ? path : memcpy(text, "/", sizeof "/");
        }
    }
    return text;
}

/* The piece before the next separator, and *text after it: strsep(), which takes any number of
 * separators and three times as long. */
static char *split(char **text, char separator)
{
    char *piece = *text;

    if (piece)
        *text = strchr(piece, separator);
    if (*text)
        *(*text)++ = '\0';
    return piece;
}

static enum error_id parse_query(struct target *t, char *text, struct error *error)
{
    for (char *pair; (pair = split(&text, '&')) != NULL;) {
        char *value = strchr(pair, '=');

        if (*pair == '\0')
            continue;
        if (t->query_count == TARGET_QUERY_MAX)
            return error_set(error, ERROR_BAD_REQUEST, "query: more than %d parameters",
                             TARGET_QUERY_MAX);
        if (value)
            *value++ = '\0';
        if (!decode(pair) || (value && !decode(value)))
            return error_set(error, ERROR_BAD_REQUEST, "query: broken percent escape");
        if (target_query(t, pair))
            return error_set(error, ERROR_BAD_REQUEST, "query: '%s' is given twice", pair);
        t->query[t->query_count].key = pair;
        t->query[t->query_count].value = value ? value : "";
        t->query_count++;
    }
    return ERROR_OK;
}

static enum error_id parse_path(struct target *t, char *text, struct error *error)
{
    if (*text++ != '/')
        return error_set(error, ERROR_BAD_REQUEST, "the request target is not a path");
    for (char *segment; (segment = split(&text, '/')) != NULL;) {
        if (!decode(segment))
            return error_set(error, ERROR_BAD_REQUEST, "path: broken percent escape");
        bool is_root = *segment == '\0' && t->segments_count == 0 && !text;

        if (t->segments_count == TARGET_SEGMENTS_MAX || (!is_root && *segment == '\0'))
            return error_set(error, ERROR_UNKNOWN_PATH, "no such path");
        t->odd |= (unsigned)!is_plain(segment) << t->segments_count;
        t->segments[t->segments_count++] = segment;
    }
    return ERROR_OK;
}

enum error_id target_parse(struct target *t, char *text, struct error *error)
{
    char *query;
    size_t length;
    enum error_id id;

    if (*text != '/')
        text = without_authority(text);
    t->segments_count = 0;
    t->odd = 0;
    t->query_count = 0;
    length = strlen(text);
    if (length > TARGET_BYTES_MAX)
        return error_set(error, ERROR_BAD_REQUEST, "the request target has %zu bytes, at most %d",
                         length, TARGET_BYTES_MAX);
    query = memchr(text, '?', length);
    if (query)
        *query++ = '\0';
    id = parse_path(t, text, error);
    return id == ERROR_OK && query ? parse_query(t, query, error) : id;
}

const char *target_query(const struct target *t, const char *key)
{
    for (size_t i = 0; i < t->query_count; i++)
        if (strcmp(t->query[i].key, key) == 0)
            return t->query[i].value;
    return NULL;
}
