/* results.c - see results.h. */
#include "commands/results.h"
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum error_id fail_output(struct error *error)
{
    return error_set(error, ERROR_NOT_WRITABLE, "standard output: %s", strerror(errno));
}

enum error_id results_put(const char *bytes, size_t size, struct error *error)
{
    return size == 0 || fwrite(bytes, 1, size, stdout) == size ? ERROR_OK : fail_output(error);
}

static enum error_id spool(struct results *r, const void *bytes, size_t size, struct error *error)
{
    if (!r->spool)
        r->spool = tmpfile();
    return r->spool && fwrite(bytes, 1, size, r->spool) == size
               ? ERROR_OK
               : error_set(error, ERROR_NOT_WRITABLE, "temporary file: %s", strerror(errno));
}

/* The temporary file to standard output. */
static enum error_id unspool(struct results *r, struct error *error)
{
    char piece[1 << 14];
    size_t size;

    if (!r->spool)
        return ERROR_OK;
    rewind(r->spool);
    while ((size = fread(piece, 1, sizeof piece, r->spool)) > 0)
        if (results_put(piece, size, error) != ERROR_OK)
            return error->id;
    return ferror(r->spool)
               ? error_set(error, ERROR_NOT_WRITABLE, "temporary file: %s", strerror(errno))
               : ERROR_OK;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Rows [n] as JSON, or with policy TOKEN as all that has a text, without the outer brackets. The
 * text is r->text from the first byte on. */
static enum error_id write_text(struct results *r, const float *y, size_t rank, const size_t *shape,
                                enum non_finite policy, struct error *error)
{
    size_t begin = r->text.len;

    if (tensor_write(&r->text, y, rank, shape, r->wanted->name, policy, error) != ERROR_OK)
        return error->id;
    if (r->text.failed)
        return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    r->text.len--; /* ']' */
    memmove(r->text.data + begin, r->text.data + begin + 1, r->text.len - begin - 1);
    r->text.len--;
    return ERROR_OK;
}

/* The writer would tell the place in the piece. */
static enum error_id check_finite(const struct results *r, const float *y, size_t rows,
                                  struct error *error)
{
    const char *what;
    size_t i = 0;

    if (r->wanted->policy != NON_FINITE_STRICT)
        return ERROR_OK;
    while (i < rows * r->width && isfinite(y[i]))
        i++;
    if (i == rows * r->width)
        return ERROR_OK;
    what = isnan(y[i]) ? "NaN" : y[i] > 0 ? "Infinity" : "-Infinity";
    if (r->rank < 2)
        return error_set(error, ERROR_NON_FINITE,
                         "%s[%llu] is %s; --non-finite null|string|token writes it",
                         r->wanted->name, (unsigned long long)r->done + i, what);
    return error_set(
        error, ERROR_NON_FINITE, "%s[%llu][%zu] is %s; --non-finite null|string|token writes it",
        r->wanted->name, (unsigned long long)r->done + i / r->width, i % r->width, what);
}

static void write_string(struct buf *out, const char *string)
{
    json_t *json = json_string(string);
    char *text = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;

    if (text)
        buf_puts(out, text);
    else
        out->failed = true;
    free(text);
    json_decref(json);
}

/* A score, or a score's place: the policy has been checked by then. */
static void write_number(struct buf *out, float value, enum non_finite policy)
{
    struct error unused = {0};

    tensor_write(out, &value, 0, NULL, "score",
                 policy == NON_FINITE_STRICT ? NON_FINITE_TOKEN : policy, &unused);
}

/* "[{"label":"3","score":0.9}]" of a row. */
static void write_classes(const struct results *r, struct buf *out, const float *y, size_t *best)
{
    const struct model *m = r->wanted->model;

    buf_puts(out, "[");
    ranking_best(m->ranking, y, m->labels_count, best, r->wanted->top_k);
    for (size_t k = 0; k < r->wanted->top_k; k++) {
        buf_puts(out, k ? ",{\"label\":" : "{\"label\":");
        write_string(out, m->labels[best[k]]);
        buf_puts(out, ",\"score\":");
        write_number(out, ranking_score(m->ranking, y, best[k]), r->wanted->policy);
        buf_puts(out, "}");
    }
    buf_puts(out, "]");
}

static size_t *best_create(const struct results *r, struct error *error)
{
    size_t *best = calloc(r->wanted->top_k + 1, sizeof *best);

    if (!best)
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    return best;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static enum error_id json_open(struct results *r, struct error *error)
{
    buf_puts(&r->text, r->wanted->bare ? "" : "{\"");
    buf_puts(&r->text, r->wanted->bare ? "" : r->wanted->name);
    buf_puts(&r->text, r->wanted->bare ? "" : "\":");
    buf_puts(&r->text, r->rank ? "[" : "");
    return results_put(r->text.data, r->text.len, error);
}

static enum error_id spool_classes(struct results *r, const float *y, size_t rows,
                                   struct error *error)
{
    size_t *best = best_create(r, error);
    struct buf text;

    if (!best)
        return error->id;
    buf_init(&text, 0);
    for (size_t row = 0; row < rows; row++) {
        buf_puts(&text, r->done + row ? "," : "");
        write_classes(r, &text, y + row * r->width, best);
    }
    if (text.failed)
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    else
        spool(r, text.data, text.len, error);
    buf_fini(&text);
    free(best);
    return error->id;
}

static enum error_id json_write(struct results *r, const float *y, size_t rows, struct error *error)
{
    size_t shape[TENSOR_RANK_MAX];

    memcpy(shape, r->shape, sizeof shape);
    shape[0] = rows;
    if (check_finite(r, y, rows, error) != ERROR_OK)
        return error->id;
    if (r->rank == 0) {
        write_number(&r->text, *y, r->wanted->policy);
        return results_put(r->text.data, r->text.len, error);
    }
    buf_puts(&r->text, r->done ? "," : "");
    if (write_text(r, y, r->rank, shape, r->wanted->policy, error) != ERROR_OK)
        return error->id;
    if (r->wanted->top_k && spool_classes(r, y, rows, error) != ERROR_OK)
        return error->id;
    return results_put(r->text.data, r->text.len, error);
}

static enum error_id json_end(struct results *r, struct error *error)
{
    const char *classes = r->wanted->top_k ? ",\"classes\":[" : "";
    const char *last = r->wanted->bare ? "\n" : r->wanted->top_k ? "]}\n" : "}\n";

    if (r->rank && results_put("]", 1, error) != ERROR_OK)
        return error->id;
    if (results_put(classes, strlen(classes), error) != ERROR_OK || unspool(r, error) != ERROR_OK)
        return error->id;
    return results_put(last, strlen(last), error);
}

/* ---- a line for each row --------------------------------------------------------------------- */

static enum error_id nothing(struct results *r, struct error *error)
{
    (void)r;
    return error->id;
}

static enum error_id ndjson_write(struct results *r, const float *y, size_t rows,
                                  struct error *error)
{
    size_t *best = best_create(r, error);
    size_t rank = r->rank > 0 ? r->rank - 1 : 0;

    if (!best || check_finite(r, y, rows, error) != ERROR_OK)
        goto out;
    for (size_t row = 0; row < rows; row++) {
        const float *at = y + row * r->width;

        buf_puts(&r->text, r->wanted->top_k ? "{\"prediction\":" : "");
        if (tensor_write(&r->text, at, rank, r->shape + 1, r->wanted->name, r->wanted->policy,
                         error) != ERROR_OK)
            goto out;
        if (r->wanted->top_k) {
            buf_puts(&r->text, ",\"classes\":");
            write_classes(r, &r->text, at, best);
            buf_puts(&r->text, "}");
        }
        buf_puts(&r->text, "\n");
    }
    if (r->text.failed)
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    else
        results_put(r->text.data, r->text.len, error);
out:
    free(best);
    return error->id;
}

/* A cell of text, in quotes if it holds what would end it (RFC 4180). */
static void write_cell(struct buf *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        buf_puts(out, text);
        return;
    }
    buf_puts(out, "\"");
    for (; *text; text++)
        buf_printf(out, *text == '"' ? "\"%c" : "%c", *text);
    buf_puts(out, "\"");
}

static enum error_id csv_open(struct results *r, struct error *error)
{
    const struct model *m = r->wanted->model;
    const char *name = m ? m->output_name : r->wanted->name;

    for (size_t i = 0; r->wanted->header && i < r->width; i++) {
        buf_puts(&r->text, i ? "," : "");
        if (m && m->labels_count == r->width)
            write_cell(&r->text, m->labels[i]);
        else
            write_cell(&r->text, name);
        if (!(m && m->labels_count == r->width) && r->width > 1)
            buf_printf(&r->text, "_%zu", i);
    }
    for (size_t k = 1; r->wanted->header && k <= r->wanted->top_k; k++)
        buf_printf(&r->text, ",label_%zu,score_%zu", k, k);
    buf_puts(&r->text, r->wanted->header ? "\n" : "");
    return results_put(r->text.data, r->text.len, error);
}

static void write_best_cells(struct results *r, const float *y, size_t *best)
{
    const struct model *m = r->wanted->model;

    if (r->wanted->top_k == 0)
        return;
    ranking_best(m->ranking, y, m->labels_count, best, r->wanted->top_k);
    for (size_t k = 0; k < r->wanted->top_k; k++) {
        buf_puts(&r->text, ",");
        write_cell(&r->text, m->labels[best[k]]);
        buf_puts(&r->text, ",");
        write_number(&r->text, ranking_score(m->ranking, y, best[k]), NON_FINITE_TOKEN);
    }
}

static enum error_id csv_write(struct results *r, const float *y, size_t rows, struct error *error)
{
    size_t *best = best_create(r, error);

    for (size_t row = 0; best && row < rows; row++) {
        const float *at = y + row * r->width;

        if (write_text(r, at, 1, &r->width, NON_FINITE_TOKEN, error) != ERROR_OK)
            break;
        write_best_cells(r, at, best);
        buf_puts(&r->text, "\n");
    }
    free(best);
    if (error->id == ERROR_OK && r->text.failed)
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    return error->id == ERROR_OK ? results_put(r->text.data, r->text.len, error) : error->id;
}

/* ---- .npy ------------------------------------------------------------------------------------ */

static enum error_id npy_head_out(struct results *r, uint64_t count, struct error *error)
{
    size_t shape[TENSOR_RANK_MAX];

    memcpy(shape, r->shape, sizeof shape);
    shape[0] = (size_t)count;
    npy_write_header(&r->text, "<f4", r->rank, shape);
    return r->text.failed ? error_set(error, ERROR_OUT_OF_MEMORY, "out of memory")
                          : results_put(r->text.data, r->text.len, error);
}

static enum error_id npy_open(struct results *r, struct error *error)
{
    return r->count == ROWS_UNKNOWN ? ERROR_OK : npy_head_out(r, r->count, error);
}

static enum error_id npy_rows(struct results *r, const float *y, size_t rows, struct error *error)
{
    size_t bytes = rows * r->width * sizeof *y;

    return r->count == ROWS_UNKNOWN ? spool(r, y, bytes, error)
                                    : results_put((const char *)y, bytes, error);
}

static enum error_id npy_end(struct results *r, struct error *error)
{
    if (r->count == ROWS_UNKNOWN && npy_head_out(r, r->done, error) != ERROR_OK)
        return error->id;
    return unspool(r, error);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static const struct {
    enum error_id (*open)(struct results *r, struct error *error);
    enum error_id (*write)(struct results *r, const float *y, size_t rows, struct error *error);
    enum error_id (*end)(struct results *r, struct error *error);
} writers[ROWS_FORMATS] = {
    [ROWS_JSON] = {json_open, json_write, json_end},
    [ROWS_NDJSON] = {nothing, ndjson_write, nothing},
    [ROWS_NPY] = {npy_open, npy_rows, npy_end},
    [ROWS_CSV] = {csv_open, csv_write, nothing},
};

enum error_id results_open(struct results *r, const struct results_wanted *wanted, size_t rank,
                           const size_t *shape, uint64_t count, struct error *error)
{
    *r = (struct results){.wanted = wanted, .rank = rank, .count = count, .width = 1};
    memcpy(r->shape, shape, rank * sizeof *shape);
    for (size_t d = 1; d < rank; d++)
        r->width *= shape[d];
    buf_init(&r->text, 0);
    return writers[wanted->format].open(r, error);
}

enum error_id results_write(struct results *r, const float *y, size_t rows, struct error *error)
{
    r->text.len = 0;
    if (rows > 0 && writers[r->wanted->format].write(r, y, rows, error) != ERROR_OK)
        return error->id;
    r->done += rows;
    return fflush(stdout) == 0 ? ERROR_OK : fail_output(error);
}

enum error_id results_end(struct results *r, struct error *error)
{
    r->text.len = 0;
    return writers[r->wanted->format].end(r, error);
}

void results_fini(struct results *r)
{
    buf_fini(&r->text);
    if (r->spool)
        fclose(r->spool);
    *r = (struct results){NULL};
}
