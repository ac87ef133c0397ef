/* csv.c - see csv.h. May know: columns.h, cell.h.
 *
 * Invariants: a cell that lies within one piece is never copied; memory grows with what has come;
 * with an error nothing is held. */
#include "body/csv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "body/cell.h"
#include "body/columns.h"

enum {
    CELL_BYTES_MAX = 4096, /* of a name, or of a number; others may be as long as they like */
    COLUMNS_MAX = 1
                  << 17, /* twice as many as a model may have features: names take time to match */
    ROWS_FIRST = 16
};

void csv_init(struct csv_reader *r, struct envelope_field *field,
              const struct envelope_features *features, const struct tensor_limits *limits,
              enum non_finite policy)
{
    *r = (struct csv_reader){.field = field,
                             .features = features,
                             .limits = *limits,
                             .policy = policy,
                             .cell = {.account = limits->account},
                             .header = {.account = limits->account},
                             .line = 1};
    field->tensor = (struct tensor){0};
    field->present = false;
}

void csv_fini(struct csv_reader *r)
{
    buf_fini(&r->cell);
    buf_fini(&r->header);
    free(r->names);
    free(r->feature_of);
    r->names = NULL;
    r->feature_of = NULL;
}

static enum error_id no_memory(struct csv_reader *r)
{
    return error_set(&r->error, ERROR_OUT_OF_MEMORY, "no memory for the CSV");
}

static enum error_id fail(struct csv_reader *r)
{
    csv_fini(r);
    tensor_fini(&r->field->tensor);
    return r->error.id;
}

/* ---- the header ---- */

/* The names stand one after another: where each begins. */
static enum error_id list_names(struct csv_reader *r)
{
    size_t each = sizeof *r->names + sizeof *r->feature_of;
    const char *name = r->header.data;

    if (!memory_take(r->limits.account, r->columns * each))
        return no_memory(r);
    r->names = calloc(r->columns, sizeof *r->names);
    r->feature_of = calloc(r->columns, sizeof *r->feature_of);
    if (!r->names || !r->feature_of)
        return no_memory(r);
    for (size_t i = 0; i < r->columns; i++) {
        r->names[i] = name;
        name += strlen(name) + 1;
    }
    return ERROR_OK;
}

/* A file without a header would lose its first row. */
static bool looks_like_a_row(const struct csv_reader *r, size_t first)
{
    for (size_t i = first; i < r->columns; i++) {
        float value = cell_of_text(r->names[i], strlen(r->names[i]));

        if (!*r->names[i] || cell_is_other(value))
            return false;
    }
    return !columns_are_numbered(r->names + first, r->columns - first);
}

static enum error_id end_header(struct csv_reader *r)
{
    size_t first;
    enum error_id id;

    r->columns = r->column + 1;
    if (r->header.failed || list_names(r))
        return no_memory(r);
    r->indexed = !*r->names[0] && r->columns > 1;
    first = r->indexed;
    id = columns_match(r->features, r->names + first, r->columns - first, "line 1",
                       r->feature_of + first, &r->error);
    if (r->indexed)
        r->feature_of[0] = COLUMN_IGNORED;
    if ((id != ERROR_OK || !r->features->names) && looks_like_a_row(r, first))
        return error_set(&r->error, ERROR_BAD_FIELD,
                         "line 1: expected a header with the names of the columns, found numbers");
    return id;
}

static enum error_id take_name(struct csv_reader *r, const char *text, size_t len)
{
    if (r->column >= COLUMNS_MAX)
        return error_set(&r->error, ERROR_LIMIT_EXCEEDED, "line 1: more than %d columns",
                         COLUMNS_MAX);
    if (memchr(text, '\0', len))
        return error_set(&r->error, ERROR_BAD_FIELD, "line 1: column %zu: a NUL in its name",
                         r->column);
    buf_append(&r->header, text, len);
    buf_append(&r->header, "", 1);
    return ERROR_OK;
}

/* ---- rows ---- */

static enum error_id grow(struct csv_reader *r)
{
    struct tensor *t = &r->field->tensor;
    size_t features = r->features->count;
    size_t cap = t->cap ? t->cap * 2 : features * ROWS_FIRST;
    float *data = NULL;

    if (cap > r->limits.elements_max)
        cap = r->limits.elements_max;
    if (cap - t->count < features)
        return error_set(&r->error, ERROR_LIMIT_EXCEEDED,
                         "line %zu: more than %zu elements "
                         "(elements_max)",
                         r->line, r->limits.elements_max);
    if (memory_take(r->limits.account, (cap - t->cap) * sizeof *data))
        data = realloc(t->data, cap * sizeof *data);
    if (!data)
        return no_memory(r);
    t->data = data;
    t->cap = cap;
    return ERROR_OK;
}

static enum error_id refuse_cell(struct csv_reader *r, const char *text, size_t len, float value)
{
    bool missing = !cell_is_other(value) && value != value;

    return error_set(&r->error, ERROR_BAD_TENSOR,
                     "line %zu (row %zu), column \"%.100s\": expected a number, found %s%.*s%s",
                     r->line, r->taken + r->begin / r->features->count, r->names[r->column],
                     missing ? "no value; ?non_finite=token lets missing values in" : "\"",
                     missing    ? 0
                     : len < 40 ? (int)len
                                : 40,
                     text, missing ? "" : "\"");
}

static const char *first_line(const struct csv_reader *r)
{
    return r->without_header ? "first row" : "header";
}

static enum error_id take_value(struct csv_reader *r, const char *text, size_t len)
{
    struct tensor *t = &r->field->tensor;
    uint32_t feature;
    float value;

    if (r->column >= r->columns)
        return error_set(&r->error, ERROR_BAD_TENSOR,
                         "line %zu: more than %zu cells, the %s has so many", r->line, r->columns,
                         first_line(r));
    feature = r->feature_of[r->column];
    if (r->column == 0 && t->cap - t->count < r->features->count && grow(r))
        return r->error.id;
    if (feature == COLUMN_IGNORED)
        return ERROR_OK;
    value = cell_of_text(text, len);
    if (cell_is_other(value) || (r->policy == NON_FINITE_STRICT && !__builtin_isfinite(value)))
        return refuse_cell(r, text, len, value);
    t->data[r->begin + feature] = value;
    return ERROR_OK;
}

static enum error_id end_row(struct csv_reader *r)
{
    if (r->column + 1 != r->columns)
        return error_set(&r->error, ERROR_BAD_TENSOR, "line %zu: %zu cell%s, the %s has %zu",
                         r->line, r->column + 1, r->column ? "s" : "", first_line(r), r->columns);
    r->begin = r->field->tensor.count += r->features->count;
    return ERROR_OK;
}

/* ---- cells and lines ---- */

static bool is_ignored(const struct csv_reader *r)
{
    return r->columns > 0 && r->column < r->columns && r->feature_of[r->column] == COLUMN_IGNORED;
}

/* Keep the part of a cell that its end may be far from. */
static enum error_id keep(struct csv_reader *r, const char *text, size_t len)
{
    r->filled |= len > 0;
    if (is_ignored(r))
        return ERROR_OK;
    if (r->cell.len + len > CELL_BYTES_MAX)
        return error_set(&r->error, ERROR_LIMIT_EXCEEDED,
                         "line %zu: column %zu: a cell of more than %d bytes", r->line, r->column,
                         CELL_BYTES_MAX);
    buf_append(&r->cell, text, len);
    return r->cell.failed ? no_memory(r) : ERROR_OK;
}

/* The cell ends with text [len], in front of a comma or the line's end: c. */
static enum error_id end_cell(struct csv_reader *r, const char *text, size_t len, char c)
{
    bool blank = r->column == 0 && c != ',' && !r->quoted && !r->filled && len == 0;
    enum error_id id = ERROR_OK;

    if (r->cell.len > 0) {
        if (keep(r, text, len))
            return r->error.id;
        text = r->cell.data;
        len = r->cell.len;
    }
    if (!blank)
        id = r->columns ? take_value(r, text, len) : take_name(r, text, len);
    r->cell.len = 0;
    r->quoted = r->filled = false;
    r->state = CSV_BEGIN;
    if (c == ',') {
        r->column++;
        return id;
    }
    if (!blank && id == ERROR_OK)
        id = r->columns ? end_row(r) : end_header(r);
    r->column = 0;
    r->line++;
    r->after_cr = c == '\r';
    return id;
}

/* In front of a cell. Returns how many bytes were taken. */
static size_t begin_cell(struct csv_reader *r, const char *p)
{
    bool feed = r->after_cr && *p == '\n';

    r->after_cr = false;
    if (feed)
        return 1;
    r->quoted = *p == '"';
    r->state = r->quoted ? CSV_QUOTED : CSV_BARE;
    return r->quoted;
}

static bool ends_cell(char c)
{
    return c == ',' || c == '\n' || c == '\r';
}

static size_t read_bare(struct csv_reader *r, const char *p, size_t len)
{
    size_t n = 0;

    while (n < len && !ends_cell(p[n]))
        n++;
    if (n == len) {
        keep(r, p, n);
        return n;
    }
    if (n > CELL_BYTES_MAX && !is_ignored(r))
        keep(r, p, n);
    else
        end_cell(r, p, n, p[n]);
    return n + 1;
}

static size_t read_quoted(struct csv_reader *r, const char *p, size_t len)
{
    const char *quote = memchr(p, '"', len);
    size_t n = quote ? (size_t)(quote - p) : len;

    for (const char *feed = p; (feed = memchr(feed, '\n', n - (size_t)(feed - p))) != NULL; feed++)
        r->line++;
    keep(r, p, n);
    if (quote)
        r->state = CSV_UNQUOTED;
    return quote ? n + 1 : n;
}

static size_t read_unquoted(struct csv_reader *r, const char *p)
{
    if (*p == '"') {
        keep(r, p, 1);
        r->state = CSV_QUOTED;
    } else if (ends_cell(*p)) {
        end_cell(r, "", 0, *p);
    } else {
        error_set(&r->error, ERROR_BAD_TENSOR,
                  "line %zu: column %zu: expected a comma or the line's end after the quote",
                  r->line, r->column);
    }
    return 1;
}

enum error_id csv_without_header(struct csv_reader *r)
{
    r->columns = r->features->count;
    r->without_header = true;
    for (size_t i = 0; i < r->columns; i++) {
        buf_printf(&r->header, "%zu", i);
        buf_append(&r->header, "", 1);
    }
    if (r->header.failed || list_names(r) != ERROR_OK) {
        no_memory(r);
        return fail(r);
    }
    for (size_t i = 0; i < r->columns; i++)
        r->feature_of[i] = (uint32_t)i;
    return ERROR_OK;
}

size_t csv_take(struct csv_reader *r, float *x, size_t rows)
{
    struct tensor *t = &r->field->tensor;
    size_t features = r->features->count;
    size_t there = t->data ? r->begin / features : 0; /* with an error nothing is */
    size_t left, taken = there < rows ? there : rows;

    if (taken == 0)
        return 0;
    memcpy(x, t->data, taken * features * sizeof *x);
    /* after the complete rows stand the values of one that is being read */
    left = t->cap - taken * features;
    memmove(t->data, t->data + taken * features, left * sizeof *x);
    t->count -= taken * features;
    r->begin -= taken * features;
    r->taken += taken;
    return taken;
}

/* Some editors put one in front of a text. Three bytes at most are kept to tell. */
static size_t skip_mark(struct csv_reader *r, const char *p)
{
    static const char mark[] = "\xef\xbb\xbf";

    if (*p == mark[r->cell.len]) {
        keep(r, p, 1);
        if (r->cell.len == strlen(mark)) {
            r->cell.len = 0;
            r->filled = false;
            r->state = CSV_BEGIN;
        }
        return 1;
    }
    r->state = r->cell.len > 0 ? CSV_BARE : CSV_BEGIN;
    return 0;
}

enum error_id csv_feed(struct csv_reader *r, const char *bytes, size_t len)
{
    for (size_t at = 0; at < len && !r->error.id;) {
        const char *p = bytes + at;

        switch (r->state) {
        case CSV_MARK:
            at += skip_mark(r, p);
            break;
        case CSV_BEGIN:
            at += begin_cell(r, p);
            break;
        case CSV_BARE:
            at += read_bare(r, p, len - at);
            break;
        case CSV_QUOTED:
            at += read_quoted(r, p, len - at);
            break;
        case CSV_UNQUOTED:
            at += read_unquoted(r, p);
            break;
        }
    }
    return r->error.id ? fail(r) : ERROR_OK;
}

/* The last line may lack its end. */
static void finish(struct csv_reader *r)
{
    if (r->state == CSV_QUOTED)
        error_set(&r->error, ERROR_BAD_TENSOR, "line %zu: column %zu: its quotes do not end",
                  r->line, r->column);
    else if (r->state != CSV_MARK && (r->column > 0 || r->state != CSV_BEGIN))
        end_cell(r, "", 0, '\n');
    if (!r->error.id && !r->columns)
        error_set(&r->error, ERROR_BAD_FIELD,
                  "expected a header line with the names of the columns");
}

enum error_id csv_finish(struct csv_reader *r, struct error *error)
{
    struct tensor *t = &r->field->tensor;

    if (!r->error.id)
        finish(r);
    if (r->error.id) {
        *error = r->error;
        return fail(r);
    }
    t->rank = 2;
    t->shape[0] = t->count / r->features->count;
    t->shape[1] = r->features->count;
    r->field->present = true;
    csv_fini(r);
    return ERROR_OK;
}
