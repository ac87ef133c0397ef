/* skip.c - see skip.h. May know: json/'s parts of a reader. */
#include "body/skip.h"
#include <jansson.h>
#include "json/fail.h"
#include "json/read.h"
#include "tensor/tensor_reader.h"

static bool in_object(const struct skip *s)
{
    return s->depth > 0 && (s->objects >> (s->depth - 1) & 1) != 0;
}

static void after_value(struct skip *s)
{
    s->state = s->depth > 0 ? SKIP_BEHIND : SKIP_DONE;
}

static enum error_id open_container(struct skip *s, struct json_reader *r, bool object)
{
    size_t max = r->limits.depth_max < SKIP_DEPTH_MAX ? r->limits.depth_max : SKIP_DEPTH_MAX;

    if (s->depth >= max)
        return json_fail(r, r->window.pos, ERROR_LIMIT_EXCEEDED,
                         "nested deeper than %zu levels (json_depth_max)", max);
    s->objects &= ~(UINT64_C(1) << s->depth);
    s->objects |= (uint64_t)object << s->depth++;
    s->state = SKIP_OPENED;
    r->window.pos++;
    return ERROR_OK;
}

static enum error_id close_container(struct skip *s, struct json_reader *r)
{
    s->depth--;
    r->window.pos++;
    after_value(s);
    return ERROR_OK;
}

/* A string is not kept: its memory is given back to the account. */
static enum error_id skip_scalar(struct skip *s, struct json_reader *r, enum non_finite policy)
{
    size_t strings = r->strings_bytes,
           token = policy == NON_FINITE_TOKEN ? tensor_token_length(&r->window) : 0;
    json_t *value = NULL;
    enum error_id id = ERROR_OK;

    if (token > 0)
        r->window.pos += token;
    else
        id = json_read_scalar(r, &value);
    json_decref(value);
    memory_give(r->limits.account, r->strings_bytes - strings);
    r->strings_bytes = strings;
    after_value(s);
    return id;
}

static enum error_id skip_key(struct skip *s, struct json_reader *r)
{
    if (window_byte(&r->window) != '"')
        return json_expected(r, ERROR_BAD_JSON, "a key in quotes");
    enum error_id id = skip_scalar(s, r, NON_FINITE_STRICT);
    s->state = SKIP_COLON;
    return id;
}

static enum error_id skip_value(struct skip *s, struct json_reader *r, enum non_finite policy)
{
    char c = window_byte(&r->window);

    return c == '{' || c == '[' ? open_container(s, r, c == '{') : skip_scalar(s, r, policy);
}

static enum error_id skip_colon(struct skip *s, struct json_reader *r)
{
    if (window_byte(&r->window) != ':')
        return json_expected(r, ERROR_BAD_JSON, "':'");
    r->window.pos++;
    s->state = SKIP_VALUE;
    return ERROR_OK;
}

enum error_id skip_token(struct skip *s, struct json_reader *r, enum non_finite policy)
{
    bool object = in_object(s), closed = window_byte(&r->window) == (object ? '}' : ']');

    switch (s->state) {
    case SKIP_OPENED:
        if (closed)
            return close_container(s, r);
        return object ? skip_key(s, r) : skip_value(s, r, policy);
    case SKIP_KEY:
        return skip_key(s, r);
    case SKIP_COLON:
        return skip_colon(s, r);
    case SKIP_BEHIND:
        if (closed)
            return close_container(s, r);
        if (window_byte(&r->window) != ',')
            return json_expected(r, ERROR_BAD_JSON, object ? "',' or '}'" : "',' or ']'");
        r->window.pos++;
        s->state = object ? SKIP_KEY : SKIP_VALUE;
        return ERROR_OK;
    default:
        return skip_value(s, r, policy);
    }
}
