/* apply.c - see apply.h.
 *
 * Invariant: whatever is computed is asked of the API, a piece or all of it as a .npy body. */
#include "commands/apply.h"
#include <axon/activation.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "commands/filter.h"
#include "commands/local.h"
#include "commands/progress.h"

struct run {
    const struct command_line *line;
    struct local local;
    struct buf target;
    struct filter filter;
    struct input in;
    struct rows rows;
    struct results results;
    bool opened; /* results */
};

/* ---- the target ------------------------------------------------------------------------------ */

/* As a path or a query has it. */
static void escape(struct buf *out, const char *text, size_t length)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; length > 0; text++, length--)
        if (*text && strchr(plain, *text))
            buf_append(out, text, 1);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
}

static enum error_id write_target(struct run *run, struct error *error)
{
    const char *const *given = run->line->arguments;
    const char *policy = given[ARGUMENT_NON_FINITE];

    buf_puts(&run->target, "/v1/activations/");
    escape(&run->target, given[ARGUMENT_ACTIVATION], strlen(given[ARGUMENT_ACTIVATION]));
    buf_printf(&run->target, "?non_finite=%s", policy ? policy : "strict");
    if (given[ARGUMENT_GRADIENT])
        buf_puts(&run->target, "&gradient=true");
    for (size_t i = 0; i < run->line->words_count; i++) {
        const char *word = run->line->words[i];
        size_t name = strcspn(word, "=");

        buf_puts(&run->target, "&");
        escape(&run->target, word, name);
        buf_puts(&run->target, "=");
        escape(&run->target, word + name + 1, strlen(word + name + 1));
    }
    return run->target.failed ? error_set(error, ERROR_OUT_OF_MEMORY, "out of memory") : ERROR_OK;
}

/* ---- a tensor -------------------------------------------------------------------------------- */

static bool has_word(const struct command_line *line, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < line->words_count; i++)
        if (strncmp(line->words[i], name, length) == 0 && line->words[i][length] == '=')
            return true;
    return false;
}

/* Nothing joins the rows: the activation works on each number, or along the last axis of several.
 */
static bool is_divisible(const struct run *run)
{
    const struct axon_activation *act = axon_activation_find(
        run->line->arguments[ARGUMENT_ACTIVATION]);

    if (!act || run->rows.rank == 0 || has_word(run->line, "axis") ||
        has_word(run->line, "dialect"))
        return false;
    return act->kind == AXON_ELEMENTWISE || run->rows.rank > 1;
}

/* The reply's last array: the gradient, if one was asked for. */
static enum error_id read_reply(const struct buf *reply, struct tensor *y, struct error *error)
{
    static const struct tensor_limits limits = {.rank_max = TENSOR_RANK_MAX,
                                                .elements_max = SIZE_MAX / 16};
    const char *bytes = reply->data;
    size_t left = reply->len;

    *y = (struct tensor){NULL};
    while (left > 0) {
        tensor_fini(y);
        if (npy_read_next(y, "reply", &bytes, &left, &limits, error) != ERROR_OK)
            return error->id;
    }
    return ERROR_OK;
}

static enum error_id write_reply(struct run *run, const struct tensor *y, uint64_t count,
                                 struct error *error)
{
    if (!run->opened && run->filter.wanted.format == ROWS_CSV && y->rank > 2)
        return error_set(error, ERROR_BAD_FIELD,
                         "--output-format csv: the result has rank %zu, a table has 2", y->rank);
    if (!run->opened && results_open(&run->results, &run->filter.wanted, y->rank, y->shape, count,
                                     error) != ERROR_OK)
        return error->id;
    run->opened = true;
    return results_write(&run->results, y->data, y->rank ? y->shape[0] : 1, error);
}

/* x [rows, ...] of a tensor with so many rows in all. */
static enum error_id apply_piece(struct run *run, const float *x, size_t rows, uint64_t count,
                                 struct error *error)
{
    size_t shape[TENSOR_RANK_MAX];
    struct buf body, reply;
    struct tensor y = {NULL};

    memcpy(shape, run->rows.shape, sizeof shape);
    shape[0] = rows;
    buf_init(&body, 0);
    buf_init(&reply, 0);
    npy_write(&body, x, run->rows.rank, shape);
    if (body.failed)
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    else if (local_post(&run->local, run->target.data, "application/x-npy", NULL, body.data,
                        body.len, &reply, error) == ERROR_OK &&
             read_reply(&reply, &y, error) == ERROR_OK)
        write_reply(run, &y, count, error);
    tensor_fini(&y);
    buf_fini(&reply);
    buf_fini(&body);
    return error->id;
}

static enum error_id apply_whole(struct run *run, struct error *error)
{
    struct tensor x;

    if (rows_collect(&run->rows, &x, error) == ERROR_OK)
        apply_piece(run, x.data, x.shape[0], ROWS_UNKNOWN, error);
    tensor_fini(&x);
    return error->id;
}

static enum error_id apply_pieces(struct run *run, struct error *error)
{
    enum { NUMBERS = 1 << 17 };
    size_t room = NUMBERS / (run->rows.width + 1) + 1, got = 1;
    float *x = reallocarray(NULL, room * (run->rows.width + 1), sizeof *x);
    struct progress progress;

    if (!x)
        return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    progress_start(&progress, &run->in);
    while (got > 0 && rows_read(&run->rows, x, room, &got, error) == ERROR_OK) {
        if ((got > 0 || !run->opened) &&
            apply_piece(run, x, got, run->rows.count, error) != ERROR_OK)
            break;
        progress_tell(&progress, run->rows.done);
    }
    progress_stop(&progress);
    free(x);
    return error->id;
}

static enum error_id apply_tensor(struct run *run, struct error *error)
{
    const struct rows_wanted any = {.missing = run->filter.wanted.policy == NON_FINITE_TOKEN};

    if (rows_open(&run->rows, run->filter.format, &run->in, &any, error) == ERROR_OK) {
        run->filter.wanted.header = run->rows.header;
        if (is_divisible(run))
            apply_pieces(run, error);
        else
            apply_whole(run, error);
    }
    if (error->id == ERROR_OK)
        results_end(&run->results, error);
    results_fini(&run->results);
    rows_fini(&run->rows);
    return error->id;
}

int apply(const struct options *options, const struct command_line *line, struct error *error)
{
    struct run run = {.line = line};

    log_level_set(LOG_WARN);
    local_init(&run.local, options, NULL);
    buf_init(&run.target, 0);
    if (write_target(&run, error) == ERROR_OK &&
        input_open(&run.in, "tensor.npy, or JSON or CSV", error) == ERROR_OK &&
        filter_open(&run.filter, line, &run.in, error) == ERROR_OK) {
        run.filter.wanted.name = line->arguments[ARGUMENT_GRADIENT] ? "gradient" : "data";
        run.filter.wanted.bare = true;
        if (filter_is_request(&run.filter, &run.in))
            filter_request(&run.local, run.target.data, &run.in, error);
        else
            apply_tensor(&run, error);
    }
    input_fini(&run.in);
    buf_fini(&run.target);
    return 0;
}
