/* rows.c - which format an input has, and what all formats share. */
#include "commands/rows.h"
#include <stdlib.h>
#include <string.h>
#include "commands/progress.h"
#include "commands/rows_formats.h"

const struct rows_format rows_formats[ROWS_FORMATS] = {
#define FORMAT(id, name_) {#name_, rows_##name_##_open, rows_##name_##_read},
#include "commands/formats.def"
};

/* ---- which format ---------------------------------------------------------------------------- */

enum { PIECE_BYTES = 4096 };

static size_t spaces(const struct input *in, size_t at)
{
    while (at < input_left(in) && strchr(" \t\r\n", input_at(in)[at]) && input_at(in)[at])
        at++;
    return at;
}

/* The place of the first byte that is no space, from `at` on; the input may have to come for it. */
static enum error_id next_byte(struct input *in, size_t *at, struct error *error)
{
    while ((*at = spaces(in, *at)) == input_left(in) && !in->ended)
        if (input_more(in, PIECE_BYTES, error) != ERROR_OK)
            return error->id;
    return ERROR_OK;
}

static char byte_at(const struct input *in, size_t at)
{
    return at < input_left(in) ? input_at(in)[at] : '\0';
}

/* The line's last byte that is no space, of the one in which `at` is. */
static enum error_id last_of_line(struct input *in, size_t at, char *last, size_t *line_end,
                                  struct error *error)
{
    const char *end;

    while (!(end = memchr(input_at(in) + at, '\n', input_left(in) - at)) && !in->ended)
        if (input_more(in, PIECE_BYTES, error) != ERROR_OK)
            return error->id;
    *line_end = end ? (size_t)(end - input_at(in)) : input_left(in);
    at = *line_end;
    while (at > 0 && strchr(" \t\r\n", byte_at(in, at)))
        at--;
    *last = byte_at(in, at);
    return ERROR_OK;
}

/* "[1, 2]\n[3, 4]": a whole array of numbers in the first line, and something after it; a matrix
 * begins with "[[". An array alone is waited for: whether more comes tells. */
static enum error_id tell_json(struct input *in, size_t at, enum rows_id *id, struct error *error)
{
    size_t inner = at + 1, after;
    char last = '\0';

    *id = ROWS_JSON;
    if (byte_at(in, at) == '{' || next_byte(in, &inner, error) != ERROR_OK ||
        byte_at(in, inner) == '[' || last_of_line(in, at, &last, &after, error) != ERROR_OK ||
        last != ']' || next_byte(in, &after, error) != ERROR_OK)
        return error->id;
    if (after < input_left(in))
        *id = ROWS_NDJSON;
    return ERROR_OK;
}

static enum error_id sniff(struct input *in, enum rows_id *id, struct error *error)
{
    static const char magic[] = "\x93NUMPY", mark[] = "\xef\xbb\xbf";
    size_t at = 0;

    if (input_need(in, strlen(mark), error) != ERROR_OK)
        return error->id;
    if (byte_at(in, 0) == *magic && input_need(in, strlen(magic), error) != ERROR_OK)
        return error->id;
    *id = ROWS_NPY;
    if (input_left(in) >= strlen(magic) && memcmp(input_at(in), magic, strlen(magic)) == 0)
        return ERROR_OK;
    *id = ROWS_CSV;
    if (input_left(in) >= strlen(mark) && memcmp(input_at(in), mark, strlen(mark)) == 0)
        at = strlen(mark);
    if (next_byte(in, &at, error) != ERROR_OK)
        return error->id;
    return byte_at(in, at) == '{' || byte_at(in, at) == '[' ? tell_json(in, at, id, error)
                                                            : ERROR_OK;
}

enum error_id rows_find(const char *name, struct input *in, const struct rows_format **format,
                        struct error *error)
{
    enum rows_id id = ROWS_JSON;

    if (!name && sniff(in, &id, error) != ERROR_OK)
        return error->id;
    while (name && strcmp(name, rows_formats[id].name) != 0)
        id++;
    *format = &rows_formats[id];
    return ERROR_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

enum error_id rows_check(const struct rows *r, size_t rank, size_t width, struct error *error)
{
    size_t features = r->wanted->features;

    if (features == 0 || (rank <= 2 && width == features))
        return ERROR_OK;
    if (rank > 2)
        return error_set(error, ERROR_SHAPE_MISMATCH,
                         INPUT_NAME ": rank %zu, the model takes [rows, %zu]", rank, features);
    return error_set(error, ERROR_SHAPE_MISMATCH,
                     INPUT_NAME ": %zu numbers a row, the model takes [rows, %zu]%s", width,
                     features, rank == 1 ? "; put a single row into an array of rows" : "");
}

enum error_id rows_open(struct rows *r, const struct rows_format *format, struct input *in,
                        const struct rows_wanted *wanted, struct error *error)
{
    *r = (struct rows){.format = format, .in = in, .wanted = wanted, .count = ROWS_UNKNOWN};
    if (!format && rows_find(NULL, in, &r->format, error) != ERROR_OK)
        return error->id;
    return r->format->open(r, error);
}

enum error_id rows_read(struct rows *r, float *x, size_t room, size_t *got, struct error *error)
{
    *got = 0;
    if (r->format->read(r, x, room, got, error) != ERROR_OK)
        return error->id;
    r->done += *got;
    if (*got == 0)
        r->count = r->done;
    return ERROR_OK;
}

void rows_fini(struct rows *r)
{
    tensor_fini(&r->held);
    rows_csv_free(r->csv);
    *r = (struct rows){NULL};
}

/* Room for twice as many rows as before, or for all that there are: a header that tells of more
 * than follow takes no memory for them. */
static enum error_id grow(struct tensor *t, const struct rows *r, struct error *error)
{
    enum { FIRST = 1024 };
    size_t rows = 2 * (size_t)r->done + FIRST, cap;
    float *grown = NULL;

    if (r->count < rows)
        rows = (size_t)r->count;
    if (!__builtin_mul_overflow(rows + 2, r->width + 1, &cap))
        grown = reallocarray(t->data, cap, sizeof *grown);
    if (!grown)
        return error_set(error, ERROR_OUT_OF_MEMORY, INPUT_NAME ": out of memory for %zu rows",
                         rows);
    t->data = grown;
    t->cap = cap;
    return ERROR_OK;
}

enum error_id rows_collect(struct rows *r, struct tensor *t, struct error *error)
{
    struct progress progress;
    size_t got = 1;

    progress_start(&progress, r->in);
    *t = (struct tensor){.rank = r->rank};
    while (got > 0) {
        if (t->cap < t->count + r->width + 1 && grow(t, r, error) != ERROR_OK)
            break;
        if (rows_read(r, t->data + t->count, (t->cap - t->count) / (r->width + !r->width), &got,
                      error) != ERROR_OK)
            break;
        t->count += got * r->width;
        progress_tell(&progress, r->done);
    }
    progress_stop(&progress);
    memcpy(t->shape, r->shape, sizeof t->shape);
    t->shape[0] = (size_t)r->done;
    if (error->id != ERROR_OK)
        tensor_fini(t);
    return error->id;
}

enum error_id rows_all(struct tensor *t, const char *format, const struct rows_wanted *wanted,
                       const char *should_be, struct error *error)
{
    const struct rows_format *f = NULL;
    struct rows r = {NULL};
    struct input in;

    *t = (struct tensor){NULL};
    if (input_open(&in, should_be, error) == ERROR_OK &&
        rows_find(format, &in, &f, error) == ERROR_OK &&
        rows_open(&r, f, &in, wanted, error) == ERROR_OK)
        rows_collect(&r, t, error);
    rows_fini(&r);
    input_fini(&in);
    return error->id;
}
