/* rows_ndjson.c - a JSON array of numbers in each line, or a number for rows of one. Empty lines
 * are skipped. Errors call lines "line 3", as editors do, and rows "row 2". */
#include <stdio.h>
#include <string.h>
#include "commands/rows_formats.h"

enum { LINE_BYTES_MAX = 1 << 28 };

/* The next line that is not empty, in place and followed by a NUL; *bytes 0: there is none. */
static enum error_id next_line(struct rows *r, size_t *bytes, bool wait, struct error *error)
{
    struct input *in = r->in;
    size_t looked = 0;
    char *end = NULL;

    *bytes = 0;
    for (;;) {
        end = memchr(input_at(in) + looked, '\n', input_left(in) - looked);
        if (end || in->ended)
            break;
        looked = input_left(in);
        if (looked > LINE_BYTES_MAX)
            return error_set(error, ERROR_LIMIT_EXCEEDED,
                             INPUT_NAME ": line %llu: more than %d bytes",
                             (unsigned long long)r->line + 1, LINE_BYTES_MAX);
        if (!wait)
            return ERROR_OK;
        if (input_more(in, 1 << 16, error) != ERROR_OK)
            return error->id;
    }
    *bytes = end ? (size_t)(end - input_at(in)) + 1 : input_left(in);
    if (end)
        *end = '\0';
    input_at(in)[*bytes] = end ? input_at(in)[*bytes] : '\0';
    return ERROR_OK;
}

static enum error_id read_row(struct rows *r, const char *line, size_t len, struct tensor *t,
                              struct error *error)
{
    static const struct tensor_limits limits = {.rank_max = 1, .elements_max = SIZE_MAX / 16};
    char name[64];
    size_t pos = 0;

    snprintf(name, sizeof name, INPUT_NAME ": line %llu", (unsigned long long)r->line);
    if (tensor_read(t, line, len, &pos, name, &limits, NON_FINITE_TOKEN, error) != ERROR_OK)
        return error->id;
    if (line[pos + strspn(line + pos, " \t\r")] == '\0')
        return ERROR_OK;
    tensor_fini(t);
    return error_set(error, ERROR_BAD_JSON, "%s: expected the line's end, found '%.1s'", name,
                     line + pos + strspn(line + pos, " \t\r"));
}

/* The numbers of the next row, new; none at the end, or where nobody is to wait. */
static enum error_id next_row(struct rows *r, struct tensor *t, bool wait, struct error *error)
{
    size_t bytes = 1;

    while (bytes > 0) {
        const char *line = NULL;
        size_t blanks;

        if (next_line(r, &bytes, wait, error) != ERROR_OK || bytes == 0)
            return error->id;
        line = input_at(r->in);
        blanks = strspn(line, " \t\r");
        r->line++;
        if (line[blanks] && read_row(r, line, strlen(line), t, error) != ERROR_OK)
            return error->id;
        input_take(r->in, bytes);
        if (line[blanks])
            return ERROR_OK;
    }
    return ERROR_OK;
}

enum error_id rows_ndjson_open(struct rows *r, struct error *error)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};

    if (input_need(r->in, sizeof mark, error) != ERROR_OK)
        return error->id;
    if (input_left(r->in) >= sizeof mark && memcmp(input_at(r->in), mark, sizeof mark) == 0)
        input_take(r->in, sizeof mark);
    if (next_row(r, &r->held, true, error) != ERROR_OK)
        return error->id;
    r->rank = r->held.rank + 1;
    r->width = r->held.count;
    r->shape[1] = r->width;
    if (r->width == 0)
        return error_set(error, ERROR_BAD_TENSOR, INPUT_NAME ": no row of numbers");
    return rows_check(r, r->rank, r->width, error);
}

enum error_id rows_ndjson_read(struct rows *r, float *x, size_t room, size_t *got,
                               struct error *error)
{
    for (*got = 0; *got < room; ++*got) {
        /* the first row was read to see how long it is */
        if (!r->held.data && next_row(r, &r->held, *got == 0, error) != ERROR_OK)
            return error->id;
        if (!r->held.data)
            return ERROR_OK;
        if (r->held.count != r->width || r->held.rank + 1 != r->rank)
            return error_set(error, ERROR_SHAPE_MISMATCH,
                             INPUT_NAME ": line %llu: %zu numbers, the rows before have %zu",
                             (unsigned long long)r->line, r->held.count, r->width);
        memcpy(x + *got * r->width, r->held.data, r->width * sizeof *x);
        tensor_fini(&r->held);
    }
    return ERROR_OK;
}
