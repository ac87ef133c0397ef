/* tensor_read.c - nested arrays of numbers to a flat float32 array, in one pass and one loop.
 *
 * May know: tensor_reader.h, token.h. No recursion: the open arrays are a counter each. Invariant:
 * memory grows only with the text that has come, and never past what the rest of it could hold. */
#include "tensor/float_text.h"
#include "tensor/tensor_reader.h"
#include "json/token.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CAP_FIRST = 64,
    PATH_MAX_BYTES = TENSOR_PLACE_MAX,
    NUMBER_BYTES = 8, /* what a number takes with its comma, more or less */
};

void tensor_fini(struct tensor *t)
{
    free(t->data);
    *t = (struct tensor){0};
}

/* "data[1][0]" or "data[1].x[0]": name and the first `depth` indices, or with `first` all zeros:
 * the element that set the shape which a later one does not fit. */
static const char *path(const struct tensor_reader *r, size_t depth, bool first,
                        char out[static PATH_MAX_BYTES])
{
    int n = snprintf(out, PATH_MAX_BYTES, "%s", r->name);

    for (size_t i = 0; i <= depth && n >= 0 && n < PATH_MAX_BYTES; i++) {
        if (i == r->object_depth && r->in_object && r->member)
            n += snprintf(out + n, (size_t)(PATH_MAX_BYTES - n), ".%.40s", r->member);
        bool zero = first && !(r->features && i < r->object_depth); /* a row's values are its own */
        if (i < depth && n < PATH_MAX_BYTES)
            n += snprintf(out + n, (size_t)(PATH_MAX_BYTES - n), "[%zu]", zero ? 0 : r->index[i]);
    }
    return out;
}

const char *tensor_reader_place(const struct tensor_reader *r, bool first,
                                char out[static TENSOR_PLACE_MAX])
{
    struct tensor_reader outside = *r;

    outside.in_object = false;
    return path(&outside, r->depth, first, out);
}

/* Is the next byte one of these? A NUL, which strchr() would find, is not. */
static bool one_of(const char *bytes, const struct tensor_reader *r)
{
    char c = window_byte(r->w);

    return c != '\0' && strchr(bytes, c);
}

/* Where objects may stand, clients that know TensorFlow Serving send {"b64": "..."} for bytes. */
static const char *bytes_hint(const struct tensor_reader *r)
{
    bool bytes = one_of("{", r) ||
                 (one_of("\"", r) && r->in_object && r->member && strcmp(r->member, "b64") == 0);

    return bytes && r->state == TENSOR_ELEMENT && r->object_depth != SIZE_MAX
               ? "; bytes ({\"b64\": ...}) are not supported, send numbers"
               : "";
}

static enum error_id expected(struct tensor_reader *r, enum error_id id, const char *what)
{
    char at[PATH_MAX_BYTES], found[TOKEN_TEXT_MAX];

    token_describe(found, r->w->text + r->w->pos, r->w->len - r->w->pos);
    return error_set(r->error, id, "%s: expected %s, found %s%s", path(r, r->depth, false, at),
                     what, found, bytes_hint(r));
}

/* An element whose kind differs from that of the first one at its level. */
static enum error_id mixed(struct tensor_reader *r, const char *here, const char *there)
{
    char at[PATH_MAX_BYTES], first[PATH_MAX_BYTES];
    size_t level = r->depth;

    if (r->known[level - 1] && r->t->shape[level - 1] == 0)
        return error_set(r->error, ERROR_BAD_TENSOR, "%s: %s, but %s is empty",
                         path(r, level, false, at), here, path(r, level - 1, true, first));
    return error_set(r->error, ERROR_BAD_TENSOR, "%s: %s, but %s is %s", path(r, level, false, at),
                     here, path(r, level, true, first), there);
}

/* Doubled, or at once as much as the bytes that have come are likely to hold; never more than the
 * rest of the text can hold, if its length is known: each number takes a digit and a comma. */
static size_t next_cap(const struct tensor_reader *r)
{
    const struct window *w = r->w;
    size_t here = w->len - w->pos, count = r->t->count;
    size_t cap = r->t->cap ? r->t->cap * 2 : CAP_FIRST, likely = count + here / NUMBER_BYTES;

    cap = cap > likely ? cap : likely;
    if (w->behind <= PTRDIFF_MAX) {
        size_t possible = count + (here + w->behind) / 2 + 1;
        cap = cap < possible ? cap : possible;
    }
    return cap < r->elements_max ? cap : r->elements_max;
}

static enum error_id grow(struct tensor_reader *r)
{
    struct tensor *t = r->t;
    size_t cap = next_cap(r);
    float *data = NULL;

    if (cap <= SIZE_MAX / sizeof *data && memory_take(r->account, (cap - t->cap) * sizeof *data))
        data = realloc(t->data, cap * sizeof *data);
    if (!data)
        return error_set(r->error, ERROR_OUT_OF_MEMORY, "%s: no memory for %zu numbers", r->name,
                         cap);
    t->data = data;
    t->cap = cap;
    return ERROR_OK;
}

/* NaN, Infinity or -Infinity at the window's pos; 0 if there is none of them. */
static size_t read_token(const struct window *w, float *value)
{
    static const struct {
        const char *text;
        size_t length;
        float value;
    } tokens[] = {{"NaN", 3, NAN}, {"Infinity", 8, INFINITY}, {"-Infinity", 9, -INFINITY}};

    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        const char *p = w->text + w->pos;
        if (strncmp(p, tokens[i].text, tokens[i].length) == 0 &&
            !token_is_word(p[tokens[i].length])) {
            *value = tokens[i].value;
            return tokens[i].length;
        }
    }
    return 0;
}

size_t tensor_token_length(const struct window *w)
{
    float ignored;

    return read_token(w, &ignored);
}

static enum error_id refuse_range(struct tensor_reader *r)
{
    char at[PATH_MAX_BYTES], word[TOKEN_TEXT_MAX];

    return error_set(r->error, ERROR_BAD_TENSOR, "%s: %s is outside the range of float32",
                     path(r, r->depth, false, at),
                     token_word(word, r->w->text + r->w->pos, r->w->len - r->w->pos));
}

/* Neither a number nor an array: tell what it is, and for what looks like a number why not. */
static enum error_id refuse_element(struct tensor_reader *r)
{
    char at[PATH_MAX_BYTES], word[TOKEN_TEXT_MAX];
    const char *what = r->rank_known && r->depth < r->t->rank ? "an array" : "a number";
    float token;

    if (read_token(r->w, &token))
        return error_set(r->error, ERROR_BAD_TENSOR,
                         "%s: %s is not JSON; ?non_finite=token lets it in",
                         path(r, r->depth, false, at),
                         token_word(word, r->w->text + r->w->pos, r->w->len - r->w->pos));
    if (one_of("-+.0123456789", r))
        return error_set(r->error, ERROR_BAD_JSON, "%s: malformed number %s",
                         path(r, r->depth, false, at),
                         token_word(word, r->w->text + r->w->pos, r->w->len - r->w->pos));
    return expected(r, one_of("\"{tfn", r) ? ERROR_BAD_TENSOR : ERROR_BAD_JSON, what);
}

/* Where the reader stands: after a number, or the bracket that closes an array. */
static void behind_element(struct tensor_reader *r)
{
    if (r->in_object && r->depth == r->object_depth)
        r->state = TENSOR_CLOSE;
    else
        r->state = r->depth > 0 ? TENSOR_BEHIND : TENSOR_DONE;
}

static enum error_id take(struct tensor_reader *r, float value)
{
    struct tensor *t = r->t;

    if (t->count == r->elements_max)
        return error_set(r->error, ERROR_LIMIT_EXCEEDED,
                         "%s: more than %zu elements (elements_max)", r->name, r->elements_max);
    if (t->count == t->cap && grow(r))
        return r->error->id;
    if (!r->rank_known) {
        r->rank_known = true;
        t->rank = r->depth;
    }
    t->data[t->count++] = value;
    behind_element(r);
    return ERROR_OK;
}

static enum error_id read_number(struct tensor_reader *r)
{
    const char *p = r->w->text + r->w->pos;
    float value = 0;
    size_t n = float_read(p, r->w->len - r->w->pos, &value);
    bool finite_text = n != 0;

    if (!n && r->policy == NON_FINITE_TOKEN)
        n = read_token(r->w, &value);
    if (!n || token_is_word(p[n])) /* 01, 1x: the number ends, the word goes on */
        return refuse_element(r);
    if (r->rank_known && r->depth < r->t->rank)
        return mixed(r, "a number", "an array");
    if (finite_text && isinf(value))
        return refuse_range(r);
    if (take(r, value))
        return r->error->id;
    r->w->pos += n;
    return ERROR_OK;
}

/* Does what stands there, where a number may, belong to the reader's owner? */
static bool is_cell(const struct tensor_reader *r)
{
    enum { ROWS = 2 };

    if (!r->cells)
        return false;
    return r->in_object ? one_of("tf", r) : r->depth == ROWS && one_of("\"tfn[{", r);
}

enum error_id tensor_reader_cell(struct tensor_reader *r, float value)
{
    enum error_id id = take(r, value);

    if (id)
        tensor_fini(r->t);
    return id;
}

/* The current array ends with `count` elements: the first of a level sets its shape. */
static enum error_id close_array(struct tensor_reader *r, size_t count)
{
    char at[PATH_MAX_BYTES], first[PATH_MAX_BYTES];
    struct tensor *t = r->t;
    size_t level = --r->depth;

    r->w->pos++;
    behind_element(r);
    if (!r->known[level]) {
        r->known[level] = true;
        t->shape[level] = count;
    }
    if (t->shape[level] == count)
        return ERROR_OK;
    const char *unit = level + 1 == t->rank ? "value" : "array";
    return error_set(r->error, ERROR_BAD_TENSOR, "%s: %zu %s%s, %s has %zu",
                     path(r, level, false, at), count, unit, count == 1 ? "" : "s",
                     path(r, level, true, first), t->shape[level]);
}

/* '[' at the reader */
static enum error_id open_array(struct tensor_reader *r)
{
    if (r->rank_known && r->depth == r->t->rank)
        return mixed(r, "an array", "a number");
    if (r->features && r->depth > r->object_depth)
        return expected(r, ERROR_BAD_TENSOR, "a number");
    if (r->depth == r->rank_max)
        return error_set(r->error, ERROR_LIMIT_EXCEEDED, "%s: rank %zu, at most %zu", r->name,
                         r->depth + 1, r->rank_max);
    r->index[r->depth++] = 0;
    r->w->pos++;
    r->state = TENSOR_OPENED;
    return ERROR_OK;
}

/* Elements that an object may stand for are all objects, or none of them is. */
static enum error_id check_form(struct tensor_reader *r, bool object)
{
    enum tensor_form form = object ? TENSOR_OBJECTS : TENSOR_PLAIN;
    char at[PATH_MAX_BYTES], first[PATH_MAX_BYTES];

    if (r->form == TENSOR_ANY)
        r->form = form;
    if (r->form == form)
        return ERROR_OK;
    return error_set(r->error, ERROR_BAD_TENSOR, "%s: %s, but %s is %s",
                     tensor_reader_place(r, false, at), object ? "an object" : "no object",
                     tensor_reader_place(r, true, first), object ? "none" : "one");
}

/* '{' at the reader */
static enum error_id open_object(struct tensor_reader *r)
{
    r->in_object = true;
    r->w->pos++;
    r->state = TENSOR_KEY;
    return ERROR_OK;
}

void tensor_reader_value(struct tensor_reader *r)
{
    r->state = TENSOR_ELEMENT;
    if (r->features) {
        r->rank_known = false;
        r->known[r->depth] = false;
    }
}

void tensor_reader_closed(struct tensor_reader *r)
{
    r->in_object = false;
    behind_element(r);
}

static enum error_id close_empty(struct tensor_reader *r)
{
    if (!r->rank_known) {
        r->rank_known = true;
        r->t->rank = r->depth;
    }
    return close_array(r, 0);
}

/* After an element: to the next one, or out of the array that ends here. */
static enum error_id next_element(struct tensor_reader *r)
{
    char c = window_byte(r->w);

    if (c == ']')
        return close_array(r, r->index[r->depth - 1] + 1);
    if (c != ',')
        return expected(r, ERROR_BAD_JSON, "',' or ']'");
    r->w->pos++;
    r->index[r->depth - 1]++;
    r->state = TENSOR_ELEMENT;
    return ERROR_OK;
}

/* Where a run has to stop, since no number in front of it goes on after the window. */
static const char *run_end(const struct window *w)
{
    const char *start = w->text + w->pos, *end = w->text + w->len;

    while (!w->last && end > start && end[-1] != ',' && end[-1] != ']' && end[-1] != '[')
        end--;
    return end;
}

/* Numbers of an innermost array, as many as have room: the first of a tensor, and those that need
 * room or a message, are read_number's. */
static void read_run(struct tensor_reader *r)
{
    struct tensor *t = r->t;
    struct window *w = r->w;
    struct float_run done;

    if (!r->rank_known || r->depth < t->rank || r->depth == 0 || t->count == t->cap || w->scanned)
        return;
    if (r->depth == r->object_depth && r->form == TENSOR_OBJECTS)
        return;
    if (!r->run_ends)
        r->run_ends = run_end(w);
    const char *start = w->text + w->pos;
    if (start >= r->run_ends)
        return;
    const char *p = float_read_run(start, r->run_ends, t->data + t->count, t->cap - t->count,
                                   &done);
    w->pos += (size_t)(p - start);
    r->index[r->depth - 1] += done.count - done.complete;
    t->count += done.count;
    if (done.complete)
        r->state = TENSOR_BEHIND;
}

/* In the place of an object of features */
static enum error_id refuse_row(struct tensor_reader *r)
{
    return expected(r, one_of("[\"tfn-0123456789", r) ? ERROR_BAD_TENSOR : ERROR_BAD_JSON,
                    "an object of features");
}

/* The token at the window's pos, which is whole. */
static enum error_id read_token_at(struct tensor_reader *r)
{
    char c = window_byte(r->w);

    if (r->state == TENSOR_BEHIND)
        return next_element(r);
    if (r->state == TENSOR_OPENED && c == ']')
        return close_empty(r);
    if (r->state == TENSOR_OPENED) {
        r->state = TENSOR_ELEMENT;
        return ERROR_OK;
    }
    if (r->depth == r->object_depth && !r->in_object) {
        if (c == '{')
            return check_form(r, true) ? r->error->id : open_object(r);
        if (r->features)
            return refuse_row(r);
        if (r->form != TENSOR_PLAIN && one_of("[-0123456789NI", r) && check_form(r, false))
            return r->error->id;
    }
    if (is_cell(r)) {
        r->state = TENSOR_CELL;
        return ERROR_OK;
    }
    return c == '[' ? open_array(r) : read_number(r);
}

enum error_id tensor_reader_read(struct tensor_reader *r)
{
    enum error_id id = ERROR_OK;
    while (!id && r->state < TENSOR_KEY) {
        window_skip_space(r->w);
        if (r->state == TENSOR_ELEMENT) {
            read_run(r);
            window_skip_space(r->w);
        }
        if (!window_has_word(r->w))
            return ERROR_OK;
        id = read_token_at(r);
    }
    if (id)
        tensor_fini(r->t);
    return id;
}

void tensor_reader_init(struct tensor_reader *r, struct window *w, struct tensor *t,
                        const char *name, const struct tensor_limits *limits,
                        enum non_finite policy, struct error *error)
{
    *t = (struct tensor){0};
    *r = (struct tensor_reader){
        .w = w,
        .t = t,
        .name = name,
        .rank_max = limits->rank_max < TENSOR_RANK_MAX ? limits->rank_max : TENSOR_RANK_MAX,
        .elements_max = limits->elements_max,
        .account = limits->account,
        .policy = policy,
        .error = error,
        .object_depth = SIZE_MAX,
    };
}

enum error_id tensor_read(struct tensor *t, const char *text, size_t len, size_t *pos,
                          const char *name, const struct tensor_limits *limits,
                          enum non_finite policy, struct error *error)
{
    struct window w = {.text = text, .len = len, .pos = *pos, .last = true};
    struct tensor_reader r;

    tensor_reader_init(&r, &w, t, name, limits, policy, error);
    enum error_id id = tensor_reader_read(&r);
    *pos = w.pos;
    return id;
}
