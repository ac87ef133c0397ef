/* tensor_write.c - a float32 array as nested JSON arrays, without white space.
 *
 * May know: buf.h, tensor.h. Invariant: a value is written only after room for the longest text of
 * a whole chunk was made, so the inner loop has no checks. */
#include "codec/float_text.h"
#include "codec/tensor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 64 };

struct writer {
    struct buf *out;
    const float *start, *next;
    size_t rank;
    const size_t *shape;
    const char *name;
    enum non_finite policy;
    struct error *error;
};

static const char *value_name(float value)
{
    return isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

static enum error_id refuse(const struct writer *w)
{
    size_t offset = (size_t)(w->next - w->start), index[TENSOR_RANK_MAX] = {0};
    char path[ERROR_DETAIL_MAX] = "";
    int n = 0;

    for (size_t i = w->rank; i-- > 0; offset /= w->shape[i])
        index[i] = offset % w->shape[i];
    for (size_t i = 0; i < w->rank && n >= 0 && (size_t)n < sizeof path; i++)
        n += snprintf(path + n, sizeof path - (size_t)n, "[%zu]", index[i]);
    return error_set(w->error, ERROR_NON_FINITE,
                     "%s%s is %s; ?non_finite=null|string|token sends it", w->name, path,
                     value_name(*w->next));
}

static size_t write_non_finite(char *at, float value, enum non_finite policy)
{
    static const char *const quotes[] = {[NON_FINITE_STRING] = "\"", [NON_FINITE_TOKEN] = ""};
    const char *text = policy == NON_FINITE_NULL ? "null" : value_name(value);
    const char *quote = policy == NON_FINITE_NULL ? "" : quotes[policy];
    size_t q = strlen(quote), n = strlen(text);

    memcpy(at, quote, q);
    memcpy(at + q, text, n);
    memcpy(at + q + n, quote, q);
    return n + 2 * q;
}

/* n values, whole rows of `length`, with commas and brackets between them. What is written behind
 * the last goes. */
static enum error_id write_values(struct writer *w, size_t n, size_t length)
{
    struct float_rows rows = {length, length};

    for (size_t left = n; left > 0;) {
        size_t chunk = left < CHUNK ? left : CHUNK, finite;
        char *start = buf_reserve(w->out, chunk * (FLOAT_TEXT_MAX + FLOAT_ROW_END) + FLOAT_ROOM),
             *at = start;
        if (!start)
            return ERROR_OK;
        at += float_write_run(at, w->next, chunk, &rows, &finite);
        w->next += finite;
        left -= finite;
        if (left > 0 && !isfinite(*w->next)) {
            if (w->policy == NON_FINITE_STRICT)
                return refuse(w);
            at += write_non_finite(at, *w->next++, w->policy);
            *at++ = ',';
            at = float_row_next(at, &rows);
            left--;
        }
        w->out->len += (size_t)(at - start) - (left == 0 ? FLOAT_ROW_END : 0);
    }
    return ERROR_OK;
}

static void write_brackets(struct writer *w, char bracket, size_t n)
{
    char text[TENSOR_RANK_MAX];

    memset(text, bracket, sizeof text);
    buf_append(w->out, text, n);
}

/* Level of the innermost arrays: those of numbers, or the outermost that are empty. */
static size_t innermost(const struct writer *w)
{
    size_t level = 0;

    while (level + 1 < w->rank && w->shape[level] > 0)
        level++;
    return level;
}

static enum error_id write_arrays(struct writer *w)
{
    size_t index[TENSOR_RANK_MAX] = {0}, inner = innermost(w), level = 0;
    size_t brackets = inner + 1, length = w->shape[inner];
    /* All rows of a matrix are one run: short ones by themselves would cost a half more. */
    size_t outer = inner > 0 && length > 0 ? inner - 1 : inner;
    size_t values = outer < inner ? w->shape[outer] * length : length;

    while (!w->out->failed) {
        write_brackets(w, '[', brackets);
        enum error_id id = write_values(w, values, length);
        if (id)
            return id;
        brackets = inner - outer + 1;
        for (level = outer; level > 0 && ++index[level - 1] == w->shape[level - 1]; level--) {
            index[level - 1] = 0;
            brackets++;
        }
        write_brackets(w, ']', brackets);
        if (level == 0)
            break;
        buf_append(w->out, ",", 1);
    }
    return ERROR_OK;
}

enum error_id tensor_write(struct buf *out, const float *data, size_t rank, const size_t *shape,
                           const char *name, enum non_finite policy, struct error *error)
{
    struct writer w = {
        .out = out,
        .start = data,
        .next = data,
        .rank = rank,
        .shape = shape,
        .name = name,
        .policy = policy,
        .error = error,
    };

    if (rank > TENSOR_RANK_MAX)
        return error_set(error, ERROR_INTERNAL, "%s: rank %zu, at most %d", name, rank,
                         TENSOR_RANK_MAX);
    return rank == 0 ? write_values(&w, 1, 1) : write_arrays(&w);
}

size_t tensor_text_max(size_t rank, const size_t *shape)
{
    size_t arrays = 0, values = 1;

    for (size_t i = 0; i < rank; i++) {
        arrays += values;
        values *= shape[i];
    }
    return values * (FLOAT_TEXT_MAX + 1) + arrays * FLOAT_ROW_END + FLOAT_ROOM +
           (values < CHUNK ? values : CHUNK) * FLOAT_ROW_END;
}
