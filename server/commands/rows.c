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

enum { SNIFF_BYTES = 4096 };

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && strchr(" \t\r\n", *p))
        p++;
    return p;
}

/* A row in the first line, and something after it: "[1, 2]\n[3, 4]". A matrix begins with "[[". */
static bool is_ndjson(struct input *in, const char *p, const char *end)
{
    const char *line_end = memchr(p, '\n', (size_t)(end - p)), *inner = skip_space(p + 1, end);
    const char *last = line_end;

    if (!line_end || (inner < end && *inner == '['))
        return false;
    while (last > p && strchr(" \t\r\n", *last))
        last--;
    return *last == ']' && (skip_space(line_end, end) < end || !in->ended);
}

static enum rows_id sniff(struct input *in)
{
    static const char magic[] = {'\x93', 'N', 'U', 'M', 'P', 'Y'},
                      mark[] = {'\xef', '\xbb', '\xbf'};
    const char *p = input_at(in), *end = p + input_left(in);

    if (input_left(in) >= sizeof magic && memcmp(p, magic, sizeof magic) == 0)
        return ROWS_NPY;
    if (input_left(in) >= sizeof mark && memcmp(p, mark, sizeof mark) == 0)
        p += sizeof mark;
    p = skip_space(p, end);
    if (p < end && *p == '[' && is_ndjson(in, p, end))
        return ROWS_NDJSON;
    return p < end && (*p == '{' || *p == '[') ? ROWS_JSON : ROWS_CSV;
}

enum error_id rows_find(const char *name, struct input *in, const struct rows_format **format,
                        struct error *error)
{
    *format = rows_formats;
    for (size_t i = 0; name && i < ROWS_FORMATS; i++)
        if (strcmp(name, rows_formats[i].name) == 0)
            *format = &rows_formats[i];
    if (name)
        return ERROR_OK;
    /* a line may come by and by: what tells is within its first bytes, or its end */
    while (input_left(in) < SNIFF_BYTES && !in->ended &&
           !memchr(input_at(in), '\n', input_left(in)))
        if (input_more(in, SNIFF_BYTES, error) != ERROR_OK)
            return error->id;
    *format = &rows_formats[sniff(in)];
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

/* Room for the rows that there are, or for twice as many as before. */
static enum error_id grow(struct tensor *t, const struct rows *r, struct error *error)
{
    enum { FIRST = 1024 };
    size_t rows = r->count != ROWS_UNKNOWN ? (size_t)r->count : 2 * (size_t)r->done + FIRST, cap;
    float *grown = NULL;

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
