/* json_read.c - the structure of a JSON text: objects and arrays, in one loop.
 *
 * May know: jansson's values, json_scalar.c, tensor.h. Invariant: a container hangs in the tree
 * from the moment it is opened, so root owns everything and a failure needs no unwinding; nothing
 * is built before its token was charged to the budget. */
#include "codec/json_read.h"
#include "codec/token.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum error_id json_fail(struct json_reader *r, size_t pos, enum error_id id, const char *format,
                        ...)
{
    char what[ERROR_DETAIL_MAX];
    size_t line = 1, column = 1;
    va_list args;

    for (size_t i = 0; i < pos; i++) {
        if (r->text[i] == '\n') {
            line++;
            column = 1;
        } else {
            column += ((unsigned char)r->text[i] & 0xc0) != 0x80; /* characters, not bytes */
        }
    }
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return error_set(r->error, id, "line %zu, column %zu: %s", line, column, what);
}

enum error_id json_expected(struct json_reader *r, const char *what)
{
    char found[TOKEN_TEXT_MAX];

    token_describe(found, r->text + r->pos, r->len - r->pos);
    return json_fail(r, r->pos, ERROR_BAD_JSON, "expected %s, found %s", what, found);
}

static enum error_id no_memory(struct json_reader *r)
{
    return error_set(r->error, ERROR_OUT_OF_MEMORY, "no memory for the request's JSON");
}

char json_skip_space(struct json_reader *r)
{
    const char *p = r->text + r->pos;

    while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
        p++;
    r->pos = (size_t)(p - r->text);
    return *p;
}

static enum error_id charge(struct json_reader *r)
{
    if (r->tokens++ < r->limits->tokens_max)
        return ERROR_OK;
    return json_fail(r, r->pos, ERROR_LIMIT_EXCEEDED,
                     "more than %zu keys and values outside of tensors (json_tokens_max)",
                     r->limits->tokens_max);
}

/* Hang value (stolen) into the innermost container, or make it the root. */
static enum error_id attach(struct json_reader *r, json_t *value)
{
    json_t *parent = r->depth ? r->open[r->depth - 1] : NULL;

    if (!value)
        return no_memory(r);
    if (!parent)
        r->root = value;
    else if (json_is_array(parent) ? json_array_append_new(parent, value)
                                   : json_object_set_new_nocheck(parent, r->key.data, value))
        return no_memory(r);
    return ERROR_OK;
}

static enum error_id open_container(struct json_reader *r, json_t *container)
{
    size_t max = r->limits->depth_max < JSON_DEPTH_MAX ? r->limits->depth_max : JSON_DEPTH_MAX;

    if (r->depth >= max) {
        json_decref(container);
        return json_fail(r, r->pos, ERROR_LIMIT_EXCEEDED,
                         "nested deeper than %zu levels (json_depth_max)", max);
    }
    enum error_id id = attach(r, container);
    if (!id) {
        r->open[r->depth++] = container;
        r->fresh = true;
        r->pos++;
    }
    return id;
}

/* The field that the key just read announces as a tensor, or NULL. */
static struct envelope_field *find_field(const struct json_reader *r)
{
    for (size_t i = 0; i < r->fields_count && r->depth == 1; i++)
        if (strcmp(r->fields[i].key, r->key.data) == 0)
            return &r->fields[i];
    return NULL;
}

static enum error_id read_tensor(struct json_reader *r, struct envelope_field *field)
{
    enum error_id id = tensor_read(&field->tensor, r->text, r->len, &r->pos, field->key,
                                   &r->limits->tensor, r->policy, r->error);

    if (id)
        return id;
    field->present = true;
    return attach(r, json_null());
}

/* Does a value that begins so belong to the tensor reader? Also what only resembles a number: its
 * messages are the better ones. */
static bool begins_tensor(char c)
{
    return c != '\0' && strchr("[-0123456789+.NI", c) != NULL;
}

static enum error_id read_value(struct json_reader *r, struct envelope_field *field)
{
    json_t *value = NULL;
    char c = json_skip_space(r);
    enum error_id id = charge(r);

    if (id)
        return id;
    if (field && begins_tensor(c))
        return read_tensor(r, field);
    if (c == '{')
        return open_container(r, json_object());
    if (c == '[')
        return open_container(r, json_array());
    id = json_read_scalar(r, &value);
    return id ? id : attach(r, value);
}

/* "key" and the colon. */
static enum error_id read_key(struct json_reader *r)
{
    size_t start = r->pos;
    enum error_id id = charge(r);

    if (id)
        return id;
    if (r->text[r->pos] != '"')
        return json_expected(r, "a key in quotes");
    id = json_read_string(r, &r->key);
    if (id)
        return id;
    if (json_object_get(r->open[r->depth - 1], r->key.data))
        return json_fail(r, start, ERROR_BAD_JSON, "the key \"%.100s\" is there twice",
                         r->key.data);
    if (json_skip_space(r) != ':')
        return json_expected(r, "':'");
    r->pos++;
    return ERROR_OK;
}

/* Go on in the innermost container: its next member, or its end. */
static enum error_id read_member(struct json_reader *r)
{
    bool object = json_is_object(r->open[r->depth - 1]), first = r->fresh;
    char close = object ? '}' : ']', c = json_skip_space(r);

    r->fresh = false;
    if (c == close) {
        r->pos++;
        r->depth--;
        return ERROR_OK;
    }
    if (!first) {
        if (c != ',')
            return json_expected(r, object ? "',' or '}'" : "',' or ']'");
        r->pos++;
        json_skip_space(r);
    }
    if (!object)
        return read_value(r, NULL);
    enum error_id id = read_key(r);
    return id ? id : read_value(r, find_field(r));
}

enum error_id json_read_object(struct json_reader *r)
{
    enum error_id id;

    if (json_skip_space(r) == '\0' && r->pos == r->len)
        return error_set(r->error, ERROR_BAD_JSON, "the body is empty, expected a JSON object");
    if (r->text[r->pos] != '{')
        return json_expected(r, "a JSON object");
    id = read_value(r, NULL);
    while (!id && r->depth > 0)
        id = read_member(r);
    if (id)
        return id;
    json_skip_space(r);
    return r->pos == r->len ? ERROR_OK : json_expected(r, "the end behind the closing brace");
}
