/* read.c - the structure of a JSON text: objects and arrays, in one loop.
 *
 * May know: jansson's values, scalar.c, tensor_reader.h, window.h. Invariant: a container
 * hangs in the tree from the moment it is opened, so root owns everything and a failure needs no
 * unwinding; nothing is built before its token was charged to the budget. */
#include "json/fail.h"
#include "json/read.h"
#include "json/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum error_id no_memory(struct envelope_reader *r)
{
    return error_set(&r->error, ERROR_OUT_OF_MEMORY, "no memory for the JSON");
}

static enum error_id charge(struct envelope_reader *r)
{
    if (r->tokens++ < r->limits.tokens_max)
        return memory_take(r->limits.tensor.account, JSON_TOKEN_BYTES) ? ERROR_OK : no_memory(r);
    return json_fail(r, r->window.pos, ERROR_LIMIT_EXCEEDED, "more than %zu keys and values%s",
                     r->limits.tokens_max, r->file ? "" : " outside of tensors (json_tokens_max)");
}

/* A value, or the container that is closed, is complete. */
static void behind_value(struct envelope_reader *r)
{
    r->state = r->depth > 0 ? JSON_BEHIND : JSON_END;
}

/* Hang value (stolen) into the innermost container, or make it the root. */
static enum error_id attach(struct envelope_reader *r, json_t *value)
{
    json_t *parent = r->depth ? r->open[r->depth - 1] : NULL;

    if (!value)
        return no_memory(r);
    if (!parent) {
        r->root = value;
        return ERROR_OK;
    }
    if (json_is_array(parent) ? json_array_append_new(parent, value)
                              : json_object_set_new_nocheck(parent, r->key.data, value))
        return no_memory(r);
    json_consumed(&r->key);
    return ERROR_OK;
}

/* Room for one more container that is open. */
static enum error_id deepen(struct envelope_reader *r)
{
    bool few = r->open == r->few;
    size_t cap = r->depth_cap * 2;
    json_t **open;

    if (r->depth < r->depth_cap)
        return ERROR_OK;
    open = reallocarray(few ? NULL : r->open, cap, sizeof *open);
    if (!open)
        return no_memory(r);
    if (few)
        memcpy(open, r->few, sizeof r->few);
    r->open = open;
    r->depth_cap = cap;
    return ERROR_OK;
}

/* ---- the paths of tensors ---- */

/* The path's next segment after the one at `at`. */
static const char *next_segment(const char *at)
{
    at += at[0] == '[' ? 2 : strcspn(at, ".[");
    return at + (*at == '.');
}

/* The path's segment for a value within `depth` containers, of which the innermost is an array (key
 * NULL) or has it as key: where the path goes on, or NULL if it does not lead here. */
static const char *follow(const char *path, size_t depth, const char *key)
{
    size_t n = key ? strlen(key) : 0;

    for (; depth > 1; depth--)
        path = next_segment(path);
    if (key ? strcspn(path, ".[") != n || memcmp(path, key, n) != 0 : *path != '[')
        return NULL;
    return next_segment(path);
}

/* Which paths lead to what is in the container that is about to be opened. */
static void lead_into(struct envelope_reader *r)
{
    const json_t *parent = r->depth ? r->open[r->depth - 1] : NULL;
    const char *key = parent && json_is_object(parent) ? r->key.data : NULL, *rest;
    unsigned leads = 0;

    if (r->depth >= ENVELOPE_SEGMENTS_MAX)
        return;
    for (size_t i = 0; i < r->fields_count && (!parent || r->leads[r->depth]); i++) {
        rest = parent ? follow(r->fields[i].path, r->depth, key) : r->fields[i].path;
        if (rest && *rest && (!parent || r->leads[r->depth] >> i & 1))
            leads |= 1u << i;
    }
    r->leads[r->depth + 1] = (uint8_t)leads;
}

static enum error_id open_container(struct envelope_reader *r, json_t *container)
{
    size_t max = r->limits.depth_max < JSON_DEPTH_MAX ? r->limits.depth_max : JSON_DEPTH_MAX;

    if (r->depth >= max) {
        json_decref(container);
        return json_fail(r, r->window.pos, ERROR_LIMIT_EXCEEDED, "nested deeper than %zu levels%s",
                         max, r->file ? "" : " (json_depth_max)");
    }
    lead_into(r);
    enum error_id id = attach(r, container);
    if (!id)
        id = deepen(r);
    if (!id) {
        r->open[r->depth++] = container;
        r->state = JSON_OPENED;
        r->window.pos++;
    }
    return id;
}

/* The field that the key just read announces as a tensor: the first of its path that is free, or
 * the last; or NULL. */
static struct envelope_field *find_field(const struct envelope_reader *r)
{
    struct envelope_field *found = NULL;
    unsigned leads = r->depth <= ENVELOPE_SEGMENTS_MAX ? r->leads[r->depth] : 0;

    for (size_t i = 0; leads >> i && (!found || found->present); i++) {
        const char *rest = leads >> i & 1 ? follow(r->fields[i].path, r->depth, r->key.data) : NULL;

        if (rest && !*rest)
            found = &r->fields[i];
    }
    return found;
}

/* "inputs[0].data": the path with the elements that are open. */
static char *place_of(const struct envelope_reader *r, const char *path)
{
    char text[TENSOR_PLACE_MAX];
    size_t used = 0;

    for (size_t depth = 0; *path && used < sizeof text; path = next_segment(path), depth++) {
        size_t n = strcspn(path, ".[");

        if (n > 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", depth ? "." : "",
                                     (int)n, path);
        else
            used += (size_t)snprintf(text + used, sizeof text - used, "[%zu]",
                                     json_array_size(r->open[depth]) - 1);
    }
    return strdup(text);
}

static enum error_id begin_tensor(struct envelope_reader *r, struct envelope_field *field)
{
    if (field->present)
        return json_fail(r, r->window.pos, ERROR_LIMIT_EXCEEDED, "one more %s than this call takes",
                         field->path);
    if (r->depth > 1 && !(field->place = place_of(r, field->path)))
        return no_memory(r);
    tensor_reader_init(&r->tensor, &r->window, &field->tensor, envelope_field_place(field),
                       &r->limits.tensor, r->policy, &r->error);
    if (field->objects != ENVELOPE_NO_OBJECTS)
        r->tensor.object_depth = field->objects == ENVELOPE_OBJECT ? 0 : 1;
    r->field = field;
    r->state = JSON_TENSOR;
    return ERROR_OK;
}

static enum error_id read_tensor(struct envelope_reader *r)
{
    enum error_id id = tensor_reader_read(&r->tensor);

    if (r->tensor.state == TENSOR_KEY)
        r->state = JSON_ROW;
    if (r->tensor.state == TENSOR_CLOSE)
        r->state = JSON_ROW_END;
    if (id || r->tensor.state != TENSOR_DONE)
        return id;
    r->field->present = true;
    behind_value(r);
    return attach(r, json_true());
}

/* ---- objects that stand for an element: one key, the same in all ---------------------------- */

/* The string at pos to word. It is not kept: a million rows hold one key. */
static enum error_id read_row_string(struct envelope_reader *r)
{
    if (window_byte(&r->window) != '"')
        return json_expected(r, ERROR_BAD_JSON, "a key in quotes");
    if (json_read_string(r, &r->word))
        return r->error.id;
    r->strings_bytes -= r->word.len;
    memory_give(r->limits.tensor.account, r->word.len);
    return ERROR_OK;
}

static enum error_id read_row_key(struct envelope_reader *r)
{
    enum { MEMBER_MAX = 256 };
    struct tensor_reader *t = &r->tensor;
    char at[TENSOR_PLACE_MAX], first[TENSOR_PLACE_MAX];

    if (window_byte(&r->window) == '}')
        return error_set(&r->error, ERROR_BAD_FIELD,
                         "%s: an object without a key, expected the input's name",
                         tensor_reader_place(t, false, at));
    if (read_row_string(r))
        return r->error.id;
    if (r->word.len > MEMBER_MAX)
        return error_set(&r->error, ERROR_BAD_FIELD,
                         "%s: the key \"%.60s...\" has %zu bytes, an input's name at most %d",
                         tensor_reader_place(t, false, at), r->word.data, r->word.len, MEMBER_MAX);
    if (!r->field->member)
        r->field->member = strdup(r->word.data);
    if (!r->field->member)
        return no_memory(r);
    if (strcmp(r->field->member, r->word.data) != 0)
        return error_set(&r->error, ERROR_BAD_FIELD, "%s: the key \"%.60s\", %s has \"%.60s\"",
                         tensor_reader_place(t, false, at), r->word.data,
                         tensor_reader_place(t, true, first), r->field->member);
    t->member = r->field->member;
    json_consumed(&r->word);
    r->state = JSON_ROW_COLON;
    return ERROR_OK;
}

static enum error_id read_row_colon(struct envelope_reader *r)
{
    if (window_byte(&r->window) != ':')
        return json_expected(r, ERROR_BAD_JSON, "':'");
    r->window.pos++;
    tensor_reader_value(&r->tensor);
    r->state = JSON_TENSOR;
    return ERROR_OK;
}

static enum error_id read_row_end(struct envelope_reader *r)
{
    char c = window_byte(&r->window);

    if (c != '}' && c != ',')
        return json_expected(r, ERROR_BAD_JSON, "',' or '}'");
    r->window.pos++;
    r->state = JSON_ROW_MORE;
    if (c == '}') {
        tensor_reader_closed(&r->tensor);
        r->state = JSON_TENSOR;
    }
    return ERROR_OK;
}

static enum error_id refuse_row_key(struct envelope_reader *r)
{
    char at[TENSOR_PLACE_MAX];

    if (read_row_string(r))
        return r->error.id;
    return error_set(&r->error, ERROR_BAD_FIELD,
                     "%s: the key \"%.60s\" beside \"%.60s\", expected one key, the input's name",
                     tensor_reader_place(&r->tensor, false, at), r->word.data, r->field->member);
}

/* Does a value that begins so belong to the tensor reader? Also what only resembles a number: its
 * messages are the better ones. */
static bool begins_tensor(const struct envelope_field *field, char c)
{
    if (c == '{')
        return field->objects == ENVELOPE_OBJECT;
    return c != '\0' && strchr("[-0123456789+.NI", c) != NULL;
}

static enum error_id read_value(struct envelope_reader *r, struct envelope_field *field)
{
    json_t *value = NULL;
    char c = window_byte(&r->window);
    enum error_id id = charge(r);

    if (id)
        return id;
    if (field && begins_tensor(field, c))
        return begin_tensor(r, field);
    if (c == '{')
        return open_container(r, json_object());
    if (c == '[')
        return open_container(r, json_array());
    id = json_read_scalar(r, &value);
    behind_value(r);
    return id ? id : attach(r, value);
}

static enum error_id read_key(struct envelope_reader *r)
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

static enum error_id read_colon(struct envelope_reader *r)
{
    if (window_byte(&r->window) != ':')
        return json_expected(r, ERROR_BAD_JSON, "':'");
    r->window.pos++;
    r->state = JSON_VALUE;
    return ERROR_OK;
}

/* The innermost container's next member, or its end. */
static enum error_id read_member(struct envelope_reader *r)
{
    bool object = json_is_object(r->open[r->depth - 1]);
    char c = window_byte(&r->window);

    if (r->state != JSON_MEMBER && c == (object ? '}' : ']')) {
        r->window.pos++;
        r->depth--;
        behind_value(r);
        return ERROR_OK;
    }
    if (r->state != JSON_BEHIND)
        return object ? read_key(r) : read_value(r, NULL);
    if (c != ',')
        return json_expected(r, ERROR_BAD_JSON, object ? "',' or '}'" : "',' or ']'");
    r->window.pos++;
    r->state = JSON_MEMBER;
    return ERROR_OK;
}

/* Some editors put one in front of a text. Like all tokens it is taken when it is whole. False if
 * more of it may come. */
static bool skip_mark(struct envelope_reader *r)
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
static enum error_id read_start(struct envelope_reader *r)
{
    if (r->window.pos == r->window.len)
        return json_expected(r, ERROR_BAD_JSON, "a JSON object");
    if (window_byte(&r->window) != '{')
        return json_expected(r, begins_value(&r->window) ? ERROR_BAD_FIELD : ERROR_BAD_JSON,
                             "a JSON object");
    return read_value(r, NULL);
}

/* The token at the window's pos, which is whole. */
static enum error_id read_token(struct envelope_reader *r)
{
    switch (r->state) {
    case JSON_START:
        return read_start(r);
    case JSON_COLON:
        return read_colon(r);
    case JSON_VALUE:
        return read_value(r, find_field(r));
    case JSON_ROW:
        return read_row_key(r);
    case JSON_ROW_COLON:
        return read_row_colon(r);
    case JSON_ROW_END:
        return read_row_end(r);
    case JSON_ROW_MORE:
        return refuse_row_key(r);
    case JSON_END:
        return json_expected(r, ERROR_BAD_JSON, "the end behind the closing brace");
    default:
        return read_member(r);
    }
}

/* Where no string can be, the quote is all that a message needs. */
static bool has_token(struct envelope_reader *r)
{
    bool may_be_string = r->state == JSON_OPENED || r->state == JSON_MEMBER ||
                         r->state == JSON_VALUE || r->state == JSON_ROW ||
                         r->state == JSON_ROW_MORE;

    return may_be_string && window_byte(&r->window) == '"' ? window_has_string(&r->window)
                                                           : window_has_word(&r->window);
}

enum error_id json_read(struct envelope_reader *r)
{
    enum error_id id = ERROR_OK;

    r->tensor.run_ends = NULL;
    if (r->state == JSON_MARK && !skip_mark(r))
        return ERROR_OK;
    while (!id) {
        window_skip_space(&r->window);
        if (r->state == JSON_TENSOR) {
            id = read_tensor(r);
            if (r->state == JSON_TENSOR)
                break;
            continue;
        }
        if ((r->state == JSON_END && r->window.pos == r->window.len) || !has_token(r))
            break;
        id = read_token(r);
    }
    return id;
}
