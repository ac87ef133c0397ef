/* rows_csv.c - rows of CSV, with a line of names or without one: body/csv.c's reader, of which the
 * rows are taken as they come. */
#include <stdlib.h>
#include <string.h>
#include "body/cell.h"
#include "body/csv.h"
#include "commands/rows_formats.h"

struct rows_csv {
    struct envelope_field field;
    struct envelope_features features;
    struct csv_reader reader;
    bool finished;
};

void rows_csv_free(struct rows_csv *csv)
{
    if (!csv)
        return;
    csv_fini(&csv->reader);
    tensor_fini(&csv->field.tensor);
    free(csv);
}

/* ---- the first line -------------------------------------------------------------------------- */

enum { LINE_BYTES_MAX = 1 << 26, NUMBERED_MIN = 3 };

/* Its cells; one that is no number is a name. */
struct first_line {
    size_t cells, names;
    bool begins_empty; /* as a table of pandas, whose first column is its index */
    bool numbered;     /* all but that are 0, 1, ... */
};

/* The length of the cell at p, quotes and all. */
static size_t cell_length(const char *p, size_t len)
{
    bool quoted = false;
    size_t n = 0;

    for (; n < len && (quoted || !strchr(",\r\n", p[n])); n++)
        quoted ^= p[n] == '"';
    return n;
}

static void look_at_cell(struct first_line *line, const char *p, size_t len)
{
    float value = cell_of_text(p, len);
    bool index = line->cells == 0 && len == 0;

    line->begins_empty |= index;
    line->names += cell_is_other(value);
    line->numbered &= index || !(value < (float)(line->cells - line->begins_empty) ||
                                 value > (float)(line->cells - line->begins_empty));
    line->cells++;
}

static enum error_id need_line(struct input *in, struct error *error)
{
    while (!memchr(input_at(in), '\n', input_left(in)) && !in->ended &&
           input_left(in) < LINE_BYTES_MAX)
        if (input_more(in, 1 << 16, error) != ERROR_OK)
            return error->id;
    input_at(in)[input_left(in)] = '\0'; /* a cell's reader may look at it */
    return ERROR_OK;
}

static enum error_id read_first_line(struct rows *r, struct first_line *line, struct error *error)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *p;
    size_t at = 0, len;

    if (need_line(r->in, error) != ERROR_OK)
        return error->id;
    p = input_at(r->in);
    len = input_left(r->in);
    if (strncmp(p, mark, strlen(mark)) == 0)
        at = strlen(mark);
    at += strspn(p + at, "\r\n");
    *line = (struct first_line){.numbered = true};
    for (;; at++) {
        size_t n = cell_length(p + at, len - at);

        look_at_cell(line, p + at, n);
        at += n;
        if (at >= len || p[at] != ',')
            return ERROR_OK;
    }
}

/* Names, or a table's numbers for want of names; fewer than three of these may as well be a row. */
static bool is_header(const struct first_line *line)
{
    return line->names > 0 || (line->numbered && line->cells >= NUMBERED_MIN);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static enum error_id fail(const struct rows_csv *csv, struct error *error)
{
    return error_set(error, csv->reader.error.id, INPUT_NAME ": %.480s", csv->reader.error.detail);
}

static enum error_id csv_open(struct rows *r, const struct first_line *line, struct error *error)
{
    static const struct tensor_limits limits = {.rank_max = 2, .elements_max = SIZE_MAX / 16};
    struct rows_csv *csv = r->csv;

    csv->field.path = INPUT_NAME;
    csv->features = (struct envelope_features){.names = r->wanted->columns, .count = r->width};
    csv_init(&csv->reader, &csv->field, &csv->features, &limits,
             r->wanted->missing ? NON_FINITE_TOKEN : NON_FINITE_STRICT);
    if (r->width == 0)
        return error_set(error, ERROR_BAD_TENSOR, INPUT_NAME ": no columns of numbers");
    if (r->header)
        return ERROR_OK;
    if (line->cells != r->width)
        return rows_check(r, 2, line->cells, error);
    return csv_without_header(&csv->reader) == ERROR_OK ? ERROR_OK : fail(csv, error);
}

enum error_id rows_csv_open(struct rows *r, struct error *error)
{
    size_t features = r->wanted->features;
    struct first_line line = {0};

    r->csv = calloc(1, sizeof *r->csv);
    if (!r->csv)
        return error_set(error, ERROR_OUT_OF_MEMORY, INPUT_NAME ": out of memory");
    if (read_first_line(r, &line, error) != ERROR_OK)
        return error->id;
    r->header = is_header(&line);
    r->rank = 2;
    r->width = features ? features : line.cells - (r->header && line.begins_empty);
    r->shape[1] = r->width;
    return csv_open(r, &line, error);
}

enum error_id rows_csv_read(struct rows *r, float *x, size_t room, size_t *got, struct error *error)
{
    enum { PIECE = 1 << 16 };
    struct rows_csv *csv = r->csv;
    struct input *in = r->in;

    while ((*got = csv_take(&csv->reader, x, room)) == 0 && !csv->finished) {
        if (input_left(in) == 0 && input_more(in, PIECE, error) != ERROR_OK)
            return error->id;
        csv_feed(&csv->reader, input_at(in), input_left(in));
        input_take(in, input_left(in));
        csv->finished = in->ended;
        if (csv->finished)
            csv_finish(&csv->reader, &csv->reader.error);
        if (csv->reader.error.id != ERROR_OK)
            return fail(csv, error);
    }
    return ERROR_OK;
}
