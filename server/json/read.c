/* read.c - the structure of a JSON text: objects and arrays, in one loop.
 *
 * May know: jansson's values, scalar.c, window.h, float_read. Invariant: a container
 * hangs in the tree from the moment it is opened, so root owns everything and a failure needs no
 * unwinding; nothing is built before its token was charged to the budget. */
#include "json/fail.h"
#include "json/read.h"
#include "json/token.h"
#include "tensor/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum error_id json_no_memory(struct json_reader *r)
{
    return error_set(&r->error, ERROR_OUT_OF_MEMORY, "no memory for the JSON");
}

static enum error_id charge(struct json_reader *r)
{
    if (r->tokens++ < r->limits.tokens_max)
        return memory_take(r->limits.account, JSON_TOKEN_BYTES) ? ERROR_OK : json_no_memory(r);
    return json_fail(r, r->window.pos, ERROR_LIMIT_EXCEEDED, "more than %zu keys and values%s",
                     r->limits.tokens_max, r->file ? "" : " outside of tensors (json_tokens_max)");
}

/* A value, or the container that is closed, is complete. */
static void after_value(struct json_reader *r)
{
    r->state = r->depth > 0 ? JSON_BEHIND : JSON_END;
}

/* Hang value (stolen) into the innermost container, or make it the root. */
static enum error_id attach(struct json_reader *r, json_t *value)
{
    json_t *parent = r->depth ? r->open[r->depth - 1] : NULL;

    if (!value)
        return json_no_memory(r);
    if (!parent) {
        r->root = value;
        return ERROR_OK;
    }
    if (json_is_array(parent) ? json_array_append_new(parent, value)
                              : json_object_set_new_nocheck(parent, r->key.data, value))
        return json_no_memory(r);
    json_consumed(&r->key);
    return ERROR_OK;
}

/* Room for one more container that is open. */
static enum error_id deepen(struct json_reader *r)
{
    bool few = r->open == r->few;
    size_t cap = r->depth_cap * 2;
    json_t **open;

    if (r->depth < r->depth_cap)
        return ERROR_OK;
    open = reallocarray(few ? NULL : r->open, cap, sizeof *open);
    if (!open)
        return json_no_memory(r);
    if (few)
        memcpy(open, r->few, sizeof r->few);
    r->open = open;
    r->depth_cap = cap;
    return ERROR_OK;
}

/* After its first byte. */
static enum error_id open_container(struct json_reader *r, json_t *container)
{
    size_t max = r->limits.depth_max < JSON_DEPTH_MAX ? r->limits.depth_max : JSON_DEPTH_MAX;

    if (r->depth >= max) {
        json_decref(container);
        return json_fail(r, r->window.pos, ERROR_LIMIT_EXCEEDED, "nested deeper than %zu levels%s",
                         max, r->file ? "" : " (json_depth_max)");
    }
    if (r->hook)
        r->hook->opens(r);
    enum error_id id = attach(r, container);
    if (!id)
        id = deepen(r);
    if (!id) {
        r->open[r->depth++] = container;
        r->state = JSON_OPENED;
    }
    return id;
}

enum error_id json_give_back_array(struct json_reader *r)
{
    return open_container(r, json_array());
}

static enum error_id read_value(struct json_reader *r)
{
    json_t *value = NULL;
    char c = window_byte(&r->window);
    enum error_id id = charge(r);

    if (id)
        return id;
    if (r->state == JSON_VALUE && r->hook && r->hook->takes(r, c))
        return r->error.id;
    if (c == '{' || c == '[') {
        id = open_container(r, c == '{' ? json_object() : json_array());
        r->window.pos += !id;
        return id;
    }
    id = json_read_scalar(r, &value);
    after_value(r);
    return id ? id : attach(r, value);
}

enum error_id json_hooked(struct json_reader *r)
{
    after_value(r);
    return attach(r, json_true());
}

static enum error_id read_key(struct json_reader *r)
{
    const json_t *object = r->open[r->depth - 1];
    size_t start = r->window.pos;
    enum error_id id = charge(r);

    if (id)
        return id;
    if (window_byte(&r->window) != '"')
        return json_expected(r, ERROR_BAD_JSON, "a key in quotes");
    id = json_read_string(r, &r->key);
    if (id)
        return id;
    if (json_object_size(object) > 0 && json_object_get(object, r->key.data)) /* it is hashed */
        return json_fail(r, start, ERROR_BAD_FIELD, "the key \"%.100s\" is there twice",
                         r->key.data);
    r->state = JSON_COLON;
    return ERROR_OK;
}

static enum error_id read_colon(struct json_reader *r)
{
    if (window_byte(&r->window) != ':')
        return json_expected(r, ERROR_BAD_JSON, "':'");
    r->window.pos++;
    r->state = JSON_VALUE;
    return ERROR_OK;
}

/* The innermost container's next member, or its end. */
static enum error_id read_member(struct json_reader *r)
{
    bool object = json_is_object(r->open[r->depth - 1]);
    char c = window_byte(&r->window);

    if (r->state != JSON_MEMBER && c == (object ? '}' : ']')) {
        r->window.pos++;
        r->depth--;
        after_value(r);
        return ERROR_OK;
    }
    if (r->state != JSON_BEHIND)
        return object ? read_key(r) : read_value(r);
    if (c != ',')
        return json_expected(r, ERROR_BAD_JSON, object ? "',' or '}'" : "',' or ']'");
    r->window.pos++;
    r->state = JSON_MEMBER;
    return ERROR_OK;
}

/* Some editors put one in front of a text. Like all tokens it is taken when it is whole. False if
 * more of it may come. */
static bool skip_mark(struct json_reader *r)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    struct window *w = &r->window;
    size_t n = w->len < sizeof mark ? w->len : sizeof mark;
    bool is_mark = memcmp(w->text, mark, n) == 0;

    if (is_mark && n < sizeof mark && !w->last)
        return false;
    if (is_mark && n == sizeof mark) {
        w->pos += n;
        w->column--; /* no editor counts it */
    }
    r->state = JSON_START;
    return true;
}

/* Does a JSON value begin at the window's pos? Arrays, objects and strings are judged by that
 * alone. */
static bool begins_value(const struct window *w)
{
    static const char *const words[] = {"true", "false", "null"};
    const char *p = w->text + w->pos;
    size_t length = 0, left = w->len - w->pos;
    float ignored;

    if (*p == '[' || *p == '{' || *p == '"')
        return true;
    while (length < left && token_is_word(p[length]))
        length++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (length == strlen(words[i]) && memcmp(p, words[i], length) == 0)
            return true;
    return length > 0 && float_read(p, left, &ignored) == length;
}

/* Another value than an object is JSON, yet nothing that could have fields. */
static enum error_id read_start(struct json_reader *r)
{
    if (r->window.pos == r->window.len)
        return json_expected(r, ERROR_BAD_JSON, "a JSON object");
    if (window_byte(&r->window) != '{')
        return json_expected(r, begins_value(&r->window) ? ERROR_BAD_FIELD : ERROR_BAD_JSON,
                             "a JSON object");
    return read_value(r);
}

/* The token at the window's pos, which is whole. */
static enum error_id read_token(struct json_reader *r)
{
    switch (r->state) {
    case JSON_START:
        return read_start(r);
    case JSON_COLON:
        return read_colon(r);
    case JSON_VALUE:
        return read_value(r);
    case JSON_END:
        return json_expected(r, ERROR_BAD_JSON, "the end after the closing brace");
    default:
        return read_member(r);
    }
}

/* Where no string can be, the quote is all that a message needs. */
static bool has_token(struct json_reader *r)
{
    bool may_be_string = r->state == JSON_OPENED || r->state == JSON_MEMBER ||
                         r->state == JSON_VALUE;

    return may_be_string && window_byte(&r->window) == '"' ? window_has_string(&r->window)
                                                           : window_has_word(&r->window);
}

enum error_id json_read(struct json_reader *r)
{
    enum error_id id = ERROR_OK;

    if (r->state == JSON_MARK && !skip_mark(r))
        return ERROR_OK;
    while (!id) {
        window_skip_space(&r->window);
        if (r->state == JSON_HOOKED) {
            id = r->hook->read(r);
            if (r->state == JSON_HOOKED)
                break;
            continue;
        }
        if ((r->state == JSON_END && r->window.pos == r->window.len) || !has_token(r))
            break;
        id = read_token(r);
    }
    return id;
}
