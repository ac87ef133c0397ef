/* predict.c - see predict.h.
 *
 * Invariant: a row's bits are those of the service: model_run() for both. */
#include "commands/predict.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "commands/filter.h"
#include "commands/progress.h"

/* A run, from the command line on. */
struct run {
    const struct command_line *line;
    struct command_models models;
    struct input in;
    struct filter filter;
    struct rows rows;
    struct results results;
    float *x, *y; /* [room, ...] */
    size_t room, outputs;
};

static enum error_id read_top_k(struct run *run, struct error *error)
{
    const struct model *m = run->models.model;
    const char *text = run->line->arguments[ARGUMENT_TOP_K];
    size_t k = text ? strtoul(text, NULL, 10) : 0;

    if (k == 0)
        return ERROR_OK;
    if (m->labels_count == 0 || m->ranking == RANKING_NONE)
        return error_set(error, ERROR_BAD_FIELD, "--top-k: model '%s' has no labels with scores",
                         m->name);
    if (k > m->labels_count)
        return error_set(error, ERROR_BAD_PARAMETER,
                         "--top-k: expected a whole number within 1 .. %zu, the model's labels",
                         m->labels_count);
    if (run->filter.wanted.format == ROWS_NPY)
        return error_set(error, ERROR_BAD_FIELD,
                         "--top-k: a .npy file has no place for labels; "
                         "--output-format csv or json has");
    run->filter.wanted.top_k = k;
    return ERROR_OK;
}

static enum error_id read_line(struct run *run, struct error *error)
{
    if (filter_open(&run->filter, run->line, &run->in, error) != ERROR_OK)
        return error->id;
    run->filter.wanted.name = "predictions";
    run->filter.wanted.model = run->models.model;
    return read_top_k(run, error);
}

static enum error_id answer_request(struct run *run, struct error *error)
{
    const struct model *m = run->models.model;
    const char *policy = run->line->arguments[ARGUMENT_NON_FINITE];
    char target[256];
    struct local local;

    local_init(&local, &run->models.options, run->models.repository);
    snprintf(target, sizeof target, "/v1/models/%s/versions/%" PRIu64 ":predict?non_finite=%s",
             m->name, m->version, policy ? policy : "strict");
    return filter_request(&local, target, &run->in, error);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* So many numbers are computed at once. */
static enum error_id make_room(struct run *run, struct error *error)
{
    enum { NUMBERS = 1 << 17 };
    size_t most = run->rows.width > run->outputs ? run->rows.width : run->outputs;

    run->room = NUMBERS / (most + 1) + 1;
    run->x = reallocarray(NULL, run->room * (run->rows.width + 1), sizeof *run->x);
    run->y = reallocarray(NULL, run->room * (run->outputs + 1), sizeof *run->y);
    return run->x && run->y ? ERROR_OK : error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
}

static enum error_id open_rows(struct run *run, const struct rows_wanted *wanted,
                               struct error *error)
{
    size_t shape[2] = {0, run->outputs};

    if (rows_open(&run->rows, run->filter.format, &run->in, wanted, error) != ERROR_OK)
        return error->id;
    if (run->rows.inputs)
        run->filter.wanted.name = "outputs";
    run->filter.wanted.header = run->rows.header || run->filter.format != &rows_formats[ROWS_CSV];
    /* numbers are answered with numbers, rows with rows, as by the service */
    if (make_room(run, error) != ERROR_OK)
        return error->id;
    return results_open(&run->results, &run->filter.wanted,
                        run->rows.rank == 1 && run->outputs == 1 ? 1 : 2, shape, run->rows.count,
                        error);
}

static enum error_id predict_rows(struct run *run, struct error *error)
{
    struct progress progress;
    size_t got = 1;

    progress_start(&progress, &run->in);
    while (got > 0 && rows_read(&run->rows, run->x, run->room, &got, error) == ERROR_OK) {
        const struct model_rows part = {.x = run->x, .y = run->y, .rows = got};

        if (got > 0 && model_run(run->models.model, &part, 1) != 0)
            error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
        else
            results_write(&run->results, run->y, got, error);
        if (error->id != ERROR_OK)
            break;
        progress_tell(&progress, run->rows.done);
    }
    progress_stop(&progress);
    return error->id == ERROR_OK ? results_end(&run->results, error) : error->id;
}

static enum error_id answer_rows(struct run *run, struct error *error)
{
    const struct model *m = run->models.model;
    const struct rows_wanted wanted = {.features = axon_mlp_features(m->mlp),
                                       .columns = m->columns,
                                       .input_name = m->input_name,
                                       .missing = run->filter.wanted.policy == NON_FINITE_TOKEN};

    run->outputs = axon_mlp_outputs(m->mlp);
    if (open_rows(run, &wanted, error) == ERROR_OK)
        predict_rows(run, error);
    results_fini(&run->results);
    rows_fini(&run->rows);
    free(run->x);
    free(run->y);
    return error->id;
}

int predict(const struct options *options, const struct command_line *line, struct error *error)
{
    struct run run = {.line = line};

    if (command_open(&run.models, options, line->arguments[ARGUMENT_MODEL], error) == ERROR_OK &&
        input_open(&run.in, "rows.npy, rows.csv or rows.json", error) == ERROR_OK &&
        read_line(&run, error) == ERROR_OK) {
        /* a key that the body lacks is none of the request's */
        if (!run.filter.wanted.top_k && filter_is_request(&run.filter, &run.in))
            answer_request(&run, error);
        else
            answer_rows(&run, error);
    }
    input_fini(&run.in);
    command_close(&run.models);
    return 0;
}
