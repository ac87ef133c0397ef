/* tensor_read.c - nested arrays of numbers to a flat float32 array, in one pass and one loop.
 *
 * May know: tensor.h, token.h. No recursion: the open arrays are a counter each. Invariant: memory
 * grows only with numbers that were read, and never past what the rest of the text could hold. */
#include "codec/float_text.h"
#include "codec/tensor.h"
#include "codec/token.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAP_FIRST = 64, PATH_MAX_BYTES = 256 };

struct reader {
    struct tensor *t;
    const char *text, *name;
    size_t len, pos;
    size_t rank_max, elements_max;
    enum non_finite policy;
    struct error *error;

    size_t depth;                  /* arrays that are open */
    size_t index[TENSOR_RANK_MAX]; /* of the current element in each of them */
    bool rank_known;               /* a number or an empty array was seen: t->rank holds */
    bool known[TENSOR_RANK_MAX];   /* an array of this level was closed: t->shape[level] holds */
};

void tensor_fini(struct tensor *t)
{
    free(t->data);
    *t = (struct tensor){0};
}

/* "data[1][0]": name and the first `depth` indices, or with `first` all zeros: the element that set
 * the shape which a later one does not fit. */
static const char *path(const struct reader *r, size_t depth, bool first,
                        char out[static PATH_MAX_BYTES])
{
    int n = snprintf(out, PATH_MAX_BYTES, "%s", r->name);

    for (size_t i = 0; i < depth && n >= 0 && n < PATH_MAX_BYTES; i++)
        n += snprintf(out + n, (size_t)(PATH_MAX_BYTES - n), "[%zu]", first ? 0 : r->index[i]);
    return out;
}

static void skip_space(struct reader *r)
{
    const char *p = r->text + r->pos;

    while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
        p++;
    r->pos = (size_t)(p - r->text);
}

static enum error_id expected(struct reader *r, enum error_id id, const char *what)
{
    char at[PATH_MAX_BYTES], found[TOKEN_TEXT_MAX];

    token_describe(found, r->text + r->pos, r->len - r->pos);
    return error_set(r->error, id, "%s: expected %s, found %s", path(r, r->depth, false, at), what,
                     found);
}

/* An element whose kind differs from that of the first one at its level. */
static enum error_id mixed(struct reader *r, const char *here, const char *there)
{
    char at[PATH_MAX_BYTES], first[PATH_MAX_BYTES];
    size_t level = r->depth;

    if (r->known[level - 1] && r->t->shape[level - 1] == 0)
        return error_set(r->error, ERROR_BAD_TENSOR, "%s: %s, but %s is empty",
                         path(r, level, false, at), here, path(r, level - 1, true, first));
    return error_set(r->error, ERROR_BAD_TENSOR, "%s: %s, but %s is %s", path(r, level, false, at),
                     here, path(r, level, true, first), there);
}

static enum error_id grow(struct reader *r)
{
    struct tensor *t = r->t;
    size_t cap = t->cap ? t->cap * 2 : CAP_FIRST; /* cannot overflow: bounded by the text below */
    size_t possible = t->count + (r->len - r->pos) / 2 + 1; /* each takes a digit and a comma */

    cap = cap < possible ? cap : possible;
    cap = cap < r->elements_max ? cap : r->elements_max;
    float *data = cap > SIZE_MAX / sizeof *data ? NULL : realloc(t->data, cap * sizeof *data);
    if (!data)
        return error_set(r->error, ERROR_OUT_OF_MEMORY, "%s: no memory for %zu numbers", r->name,
                         cap);
    t->data = data;
    t->cap = cap;
    return ERROR_OK;
}

/* NaN, Infinity or -Infinity at the reader; 0 if there is none of them. */
static size_t read_token(const struct reader *r, float *value)
{
    static const struct {
        const char *text;
        size_t length;
        float value;
    } tokens[] = {{"NaN", 3, NAN}, {"Infinity", 8, INFINITY}, {"-Infinity", 9, -INFINITY}};

    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        const char *p = r->text + r->pos;
        if (strncmp(p, tokens[i].text, tokens[i].length) == 0 &&
            !token_is_word(p[tokens[i].length])) {
            *value = tokens[i].value;
            return tokens[i].length;
        }
    }
    return 0;
}

static enum error_id refuse_range(struct reader *r)
{
    char at[PATH_MAX_BYTES], word[TOKEN_TEXT_MAX];

    return error_set(r->error, ERROR_BAD_TENSOR, "%s: %s is outside the range of float32",
                     path(r, r->depth, false, at),
                     token_word(word, r->text + r->pos, r->len - r->pos));
}

/* Is the next byte one of these? A NUL, which strchr() would find, is not. */
static bool one_of(const char *bytes, const struct reader *r)
{
    return r->pos < r->len && r->text[r->pos] != '\0' && strchr(bytes, r->text[r->pos]);
}

/* Neither a number nor an array: tell what it is, and for what looks like a number why not. */
static enum error_id refuse_element(struct reader *r)
{
    char at[PATH_MAX_BYTES], word[TOKEN_TEXT_MAX];
    const char *what = r->rank_known && r->depth < r->t->rank ? "an array" : "a number";
    float token;

    if (read_token(r, &token))
        return error_set(
            r->error, ERROR_BAD_TENSOR, "%s: %s is not JSON; ?non_finite=token lets it in",
            path(r, r->depth, false, at), token_word(word, r->text + r->pos, r->len - r->pos));
    if (one_of("-+.0123456789", r))
        return error_set(r->error, ERROR_BAD_JSON, "%s: malformed number %s",
                         path(r, r->depth, false, at),
                         token_word(word, r->text + r->pos, r->len - r->pos));
    return expected(r, one_of("\"{tfn", r) ? ERROR_BAD_TENSOR : ERROR_BAD_JSON, what);
}

static enum error_id read_number(struct reader *r)
{
    struct tensor *t = r->t;
    const char *p = r->text + r->pos;
    float value = 0;
    size_t n = float_read(p, r->len - r->pos, &value);
    bool finite_text = n != 0;

    if (!n && r->policy == NON_FINITE_TOKEN)
        n = read_token(r, &value);
    if (!n || token_is_word(p[n])) /* 01, 1x: the number ends, the word goes on */
        return refuse_element(r);
    if (r->rank_known && r->depth < t->rank)
        return mixed(r, "a number", "an array");
    if (finite_text && isinf(value))
        return refuse_range(r);
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
    r->pos += n;
    return ERROR_OK;
}

/* The current array ends with `count` elements: the first of a level sets its shape. */
static enum error_id close_array(struct reader *r, size_t count)
{
    char at[PATH_MAX_BYTES], first[PATH_MAX_BYTES];
    struct tensor *t = r->t;
    size_t level = --r->depth;

    r->pos++;
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

/* '[' at the reader. Afterwards it stands at the first element, or *closed: behind "[]". */
static enum error_id open_array(struct reader *r, bool *closed)
{
    if (r->rank_known && r->depth == r->t->rank)
        return mixed(r, "an array", "a number");
    if (r->depth == r->rank_max)
        return error_set(r->error, ERROR_LIMIT_EXCEEDED, "%s: rank %zu, at most %zu", r->name,
                         r->depth + 1, r->rank_max);
    r->index[r->depth++] = 0;
    r->pos++;
    skip_space(r);
    *closed = r->text[r->pos] == ']';
    if (!*closed)
        return ERROR_OK;
    if (!r->rank_known) {
        r->rank_known = true;
        r->t->rank = r->depth;
    }
    return close_array(r, 0);
}

/* Behind an element: go to the next one, closing what ends here. */
static enum error_id next_element(struct reader *r)
{
    while (r->depth > 0) {
        skip_space(r);
        char c = r->text[r->pos];
        if (c == ',') {
            r->pos++;
            r->index[r->depth - 1]++;
            return ERROR_OK;
        }
        if (c != ']')
            return expected(r, ERROR_BAD_JSON, "',' or ']'");
        enum error_id id = close_array(r, r->index[r->depth - 1] + 1);
        if (id)
            return id;
    }
    return ERROR_OK;
}

/* Numbers of an innermost array, as many as have room: the first of a tensor, and those that need
 * room or a message, are read_number's. True if the last of the array was among them. */
static bool read_run(struct reader *r)
{
    struct tensor *t = r->t;
    struct float_run done;

    if (!r->rank_known || r->depth < t->rank || r->depth == 0 || t->count == t->cap)
        return false;
    const char *p = float_read_run(r->text + r->pos, r->text + r->len, t->data + t->count,
                                   t->cap - t->count, &done);
    r->pos = (size_t)(p - r->text);
    r->index[r->depth - 1] += done.count - done.complete;
    t->count += done.count;
    return done.complete;
}

static enum error_id read_element(struct reader *r, bool *complete)
{
    *complete = true;
    skip_space(r);
    if (read_run(r))
        return ERROR_OK;
    skip_space(r);
    return r->text[r->pos] == '[' ? open_array(r, complete) : read_number(r);
}

enum error_id tensor_read(struct tensor *t, const char *text, size_t len, size_t *pos,
                          const char *name, const struct tensor_limits *limits,
                          enum non_finite policy, struct error *error)
{
    struct reader r = {
        .t = t,
        .text = text,
        .name = name,
        .len = len,
        .pos = *pos,
        .rank_max = limits->rank_max < TENSOR_RANK_MAX ? limits->rank_max : TENSOR_RANK_MAX,
        .elements_max = limits->elements_max,
        .policy = policy,
        .error = error,
    };
    enum error_id id = ERROR_OK;
    bool complete;

    *t = (struct tensor){0};
    do {
        id = read_element(&r, &complete);
        if (!id && complete)
            id = next_element(&r);
    } while (!id && r.depth > 0);
    *pos = r.pos;
    if (id)
        tensor_fini(t);
    return id;
}
