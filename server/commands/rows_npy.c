/* rows_npy.c - rows of a .npy file, read as they come if they lie one after another. */
#include <string.h>
#include "commands/rows_formats.h"

static enum error_id read_head(struct rows *r, struct error *error)
{
    struct input *in = r->in;
    size_t bytes = 0;

    /* first the prefix tells how long the header is, then it is there */
    while (bytes != npy_head_bytes(input_at(in), input_left(in)) && !in->ended) {
        bytes = npy_head_bytes(input_at(in), input_left(in));
        if (input_need(in, bytes, error) != ERROR_OK)
            return error->id;
    }
    if (npy_head(&r->npy, INPUT_NAME, input_at(in), input_left(in), error) != ERROR_OK)
        return error->id;
    r->rank = r->npy.rank;
    memcpy(r->shape, r->npy.shape, sizeof r->shape);
    r->count = r->rank ? r->shape[0] : 1;
    r->width = 1;
    for (size_t d = 1; d < r->rank; d++) /* no overflow: npy_head() has multiplied them */
        r->width *= r->shape[d];
    return ERROR_OK;
}

/* Rows in Fortran order lie across the whole file. */
static enum error_id hold(struct rows *r, struct error *error)
{
    static const struct tensor_limits limits = {.rank_max = TENSOR_RANK_MAX,
                                                .elements_max = SIZE_MAX / 16};
    size_t head = npy_head_bytes(input_at(r->in), input_left(r->in));

    if (r->npy.data_bytes > SIZE_MAX / 4)
        return error_set(error, ERROR_LIMIT_EXCEEDED, INPUT_NAME ": %zu bytes in Fortran order",
                         r->npy.data_bytes);
    if (input_need(r->in, head + r->npy.data_bytes + 1, error) != ERROR_OK)
        return error->id;
    if (npy_read(&r->held, INPUT_NAME, input_at(r->in), input_left(r->in), &limits, error))
        return error->id;
    input_take(r->in, input_left(r->in));
    return ERROR_OK;
}

enum error_id rows_npy_open(struct rows *r, struct error *error)
{
    if (read_head(r, error) != ERROR_OK || rows_check(r, r->rank, r->width, error) != ERROR_OK)
        return error->id;
    if (r->npy.fortran_order && r->rank > 1)
        return hold(r, error);
    input_take(r->in, npy_head_bytes(input_at(r->in), input_left(r->in)));
    return ERROR_OK;
}

static enum error_id at_end(struct rows *r, struct error *error)
{
    if (input_need(r->in, 1, error) == ERROR_OK && input_left(r->in) > 0)
        error_set(error, ERROR_SHAPE_MISMATCH,
                  INPUT_NAME ": bytes follow the %llu rows that the header tells",
                  (unsigned long long)r->count);
    return error->id;
}

enum error_id rows_npy_read(struct rows *r, float *x, size_t room, size_t *got, struct error *error)
{
    uint64_t left = r->count - r->done;
    size_t rows = left < room ? (size_t)left : room, row_bytes = r->width * r->npy.type->width;

    if (r->held.data && rows > 0) {
        memcpy(x, r->held.data + r->done * r->width, rows * r->width * sizeof *x);
        *got = rows;
        return ERROR_OK;
    }
    if (rows == 0)
        return at_end(r, error);
    if (input_need(r->in, row_bytes, error) != ERROR_OK)
        return error->id;
    if (input_left(r->in) < row_bytes)
        return error_set(error, ERROR_SHAPE_MISMATCH,
                         INPUT_NAME ": ends in row %llu of the %llu that the header tells; was it "
                                    "written completely?",
                         (unsigned long long)r->done, (unsigned long long)r->count);
    /* as many as are there: who reads from a pipe is not to wait for a full piece */
    if (row_bytes > 0 && input_left(r->in) / row_bytes < rows)
        rows = input_left(r->in) / row_bytes;
    if (npy_load(&r->npy, input_at(r->in), (size_t)r->done * r->width, rows * r->width, x,
                 INPUT_NAME, error) != ERROR_OK)
        return error->id;
    input_take(r->in, rows * row_bytes);
    *got = rows;
    return ERROR_OK;
}
