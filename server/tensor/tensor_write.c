/* tensor_write.c - a float32 array as nested JSON arrays, without white space.
 *
 * May know: buf.h, tensor.h. Invariant: a value is written only after room for the longest text of
 * a whole chunk was made, so the inner loop has no checks. */
#include "tensor/float_text.h"
#include "tensor/tensor.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 64 };

static const char *value_name(float value)
{
    return isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

static enum error_id refuse(const struct tensor_writer *w)
{
    size_t offset = (size_t)(w->next - w->start), index[TENSOR_RANK_MAX] = {0};
    char path[ERROR_DETAIL_MAX] = "";
    int n = 0;

    for (size_t i = w->rank; i-- > 0;) {
        size_t length = w->shape[i] > 0 ? w->shape[i] : 1; /* there is a value, so none is 0 */

        index[i] = offset % length;
        offset /= length;
    }
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

/* Up to n values of the run, with commas and brackets between them. A comma or bracket after the
 * last of the run goes. */
static enum error_id write_values(struct tensor_writer *w, size_t n)
{
    struct float_rows rows = {.length = w->length, .left = w->row_left};

    n = n < w->run_left ? n : w->run_left;
    w->run_left -= n;
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
        w->out->len += (size_t)(at - start) - (left + w->run_left == 0 ? FLOAT_ROW_END : 0);
    }
    w->row_left = rows.left;
    return ERROR_OK;
}

static void write_brackets(struct tensor_writer *w, char bracket, size_t n)
{
    char text[TENSOR_RANK_MAX];

    memset(text, bracket, sizeof text);
    buf_append(w->out, text, n);
}

/* Level of the innermost arrays: those of numbers, or the outermost that are empty. */
static size_t innermost(const struct tensor_writer *w)
{
    size_t level = 0;

    while (level + 1 < w->rank && w->shape[level] > 0)
        level++;
    return level;
}

/* The next run of values is about to be written, after its opening brackets. */
static void begin_run(struct tensor_writer *w, size_t brackets)
{
    write_brackets(w, '[', brackets);
    w->run_left = w->outer < w->inner ? w->shape[w->outer] * w->length : w->length;
    w->row_left = w->length;
}

/* A run is complete: its closing brackets, and the next run or the end. */
static void end_run(struct tensor_writer *w)
{
    size_t brackets = w->inner - w->outer + 1, level;

    for (level = w->outer; level > 0 && ++w->index[level - 1] == w->shape[level - 1]; level--) {
        w->index[level - 1] = 0;
        brackets++;
    }
    write_brackets(w, ']', brackets);
    w->done = level == 0;
    if (w->done)
        return;
    buf_append(w->out, ",", 1);
    begin_run(w, brackets);
}

enum error_id tensor_writer_init(struct tensor_writer *w, struct buf *out, const float *data,
                                 size_t rank, const size_t *shape, const char *name,
                                 enum non_finite policy, struct error *error)
{
    *w = (struct tensor_writer){
        .out = out,
        .start = data,
        .next = data,
        .rank = rank,
        .name = name,
        .policy = policy,
        .error = error,
    };
    if (rank > TENSOR_RANK_MAX)
        return error_set(error, ERROR_INTERNAL, "%s: rank %zu, at most %d", name, rank,
                         TENSOR_RANK_MAX);
    if (rank == 0) {
        w->length = w->run_left = w->row_left = 1;
        return ERROR_OK;
    }
    memcpy(w->shape, shape, rank * sizeof *shape);
    w->inner = innermost(w);
    w->length = shape[w->inner];
    /* All rows of a matrix are one run: short ones by themselves would cost a half more. */
    w->outer = w->inner > 0 && w->length > 0 ? w->inner - 1 : w->inner;
    begin_run(w, w->inner + 1);
    return ERROR_OK;
}

enum error_id tensor_writer_go_on(struct tensor_writer *w, size_t values)
{
    enum error_id id = ERROR_OK;

    while (!w->done && !w->out->failed && values > 0 && id == ERROR_OK) {
        size_t before = w->run_left;

        id = write_values(w, values);
        values -= before - w->run_left < values ? before - w->run_left : values;
        if (id == ERROR_OK && w->run_left == 0) {
            if (w->rank == 0)
                w->done = true;
            else
                end_run(w);
        }
    }
    return id;
}

enum error_id tensor_write(struct buf *out, const float *data, size_t rank, const size_t *shape,
                           const char *name, enum non_finite policy, struct error *error)
{
    struct tensor_writer w;
    enum error_id id = tensor_writer_init(&w, out, data, rank, shape, name, policy, error);

    return id == ERROR_OK ? tensor_writer_go_on(&w, SIZE_MAX) : id;
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
