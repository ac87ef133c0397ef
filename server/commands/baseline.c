/* baseline.c - see baseline.h.
 *
 * Invariant: nothing is written before every row, every label and every answer is known to be good.
 */
#include "commands/baseline.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/write.h"
#include "commands/rows.h"
#include "model/digest.h"
#include "neurons/calibration.h"
#include "neurons/drift.h"
#include "neurons/neurons.h"

enum { ROWS_MIN = 300 };
static const size_t INPUT_BYTES_MAX = (size_t)1 << 30;
static const char file_name[] = INPUT_NAME;

/* The rows, and what the model says of them. */
struct job {
    struct model *model;
    size_t rows, features, outputs;
    struct tensor x;   /* [rows, features] */
    float *y;          /* [rows, outputs]  */
    uint32_t *classes; /* [rows], or NULL  */
    struct baseline *result;
};

/* ---- what is read ---------------------------------------------------------------------------- */

static enum error_id check_shape(const struct job *j, struct error *error)
{
    const struct tensor *x = &j->x;
    size_t columns = x->rank == 2 ? x->shape[1] : x->rank == 1 ? 1 : 0;

    if (columns != j->features)
        return error_set(error, ERROR_SHAPE_MISMATCH,
                         "%s: rank %zu, %zu numbers a row; model '%s' takes [rows, %zu]", file_name,
                         x->rank, columns, j->model->name, j->features);
    if (x->shape[0] < ROWS_MIN)
        return error_set(error, ERROR_NO_EVIDENCE,
                         "%s: %zu rows, a baseline needs at least %d, none of which the network "
                         "was trained on",
                         file_name, x->shape[0], ROWS_MIN);
    return ERROR_OK;
}

/* Rows of which each is the one before it. */
static bool rows_are_equal(const struct job *j)
{
    const float *x = j->x.data;
    size_t i = j->features;

    while (i < j->x.count && x[i] == x[i - j->features])
        i++;
    return i == j->x.count;
}

static enum error_id read_rows(struct job *j, const char *format, struct error *error)
{
    const struct rows_wanted wanted = {
        .features = j->features, .columns = j->model->columns, .input_name = j->model->input_name};

    if (rows_all(&j->x, format, &wanted, "rows.npy, rows.csv or rows.json", error) != ERROR_OK)
        return error->id;
    if (check_shape(j, error) != ERROR_OK)
        return error->id;
    j->rows = j->x.shape[0];
    for (size_t i = 0; i < j->x.count; i++)
        if (!isfinite(j->x.data[i]))
            return error_set(error, ERROR_NON_FINITE, "%s: row %zu, feature %zu: %g is not finite",
                             file_name, i / j->features, i % j->features, (double)j->x.data[i]);
    if (rows_are_equal(j))
        return error_set(error, ERROR_NO_EVIDENCE,
                         "%s: the %zu rows are all equal, which proves nothing", file_name,
                         j->rows);
    return ERROR_OK;
}

/* path is what errors call them. */
static enum error_id take_labels(struct job *j, const char *path, const struct tensor *t,
                                 struct error *error)
{
    size_t classes = j->model->answers.classes;

    if (t->count != j->rows || t->rank == 0 || t->shape[0] != j->rows)
        return error_set(error, ERROR_SHAPE_MISMATCH, "%s: %zu labels, there are %zu rows", path,
                         t->count, j->rows);
    j->classes = calloc(j->rows, sizeof *j->classes);
    if (!j->classes)
        return error_set(error, ERROR_OUT_OF_MEMORY, "%s: out of memory", path);
    for (size_t i = 0; i < j->rows; i++) {
        float label = t->data[i];

        if (!(label >= 0 && label < (float)classes && floorf(label) >= label))
            return error_set(error, ERROR_BAD_TARGET,
                             "%s: label %zu: expected a class index from 0 to %zu, found %.9g",
                             path, i, classes - 1, (double)label);
        j->classes[i] = (uint32_t)label;
    }
    return ERROR_OK;
}

static enum error_id read_labels(struct job *j, const char *path, struct error *error)
{
    char name[256];
    struct tensor t = {0};
    enum error_id id;

    if (!path)
        return ERROR_OK;
    snprintf(name, sizeof name, "--labels: %.200s", path);
    if (j->model->answers.classes == 0)
        return error_set(error, ERROR_BAD_FIELD,
                         "--labels: model '%s' gives no probabilities of classes that exclude each "
                         "other",
                         j->model->name);
    if (command_npy(&t, path, name, "labels.npy", INPUT_BYTES_MAX, error) != ERROR_OK)
        return error->id;
    id = take_labels(j, name, &t, error);
    tensor_fini(&t);
    return id;
}

/* ---- the rows -------------------------------------------------------------------------------- */

/* A piece at a time, as the pool does, and counted as a request that is answered. */
static enum error_id run(struct job *j, struct error *error)
{
    struct model *m = j->model;
    size_t piece = m->cost.piece_rows;

    j->y = calloc(j->rows * j->outputs, sizeof *j->y);
    for (size_t row = 0; j->y && row < j->rows; row += piece) {
        struct model_rows some = {.x = j->x.data + row * j->features,
                                  .y = j->y + row * j->outputs,
                                  .rows = j->rows - row < piece ? j->rows - row : piece,
                                  .tally = model_tally_create(m)};
        bool done = some.tally && model_run(m, &some, 1) == 0;

        if (done)
            model_count(m, some.tally);
        model_tally_destroy(some.tally);
        if (!done)
            return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    }
    for (size_t i = 0; j->y && i < j->rows * j->outputs; i++)
        if (!isfinite(j->y[i]))
            return error_set(error, ERROR_NON_FINITE, "%s: row %zu: output %zu is %g", file_name,
                             i / j->outputs, i % j->outputs, (double)j->y[i]);
    return j->y ? ERROR_OK : error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
}

static enum error_id conclude(struct job *j, struct error *error)
{
    const struct model *m = j->model;
    double now_s = clock_s();
    struct digest digest;
    struct axon_neurons *n = neurons_merge(m->neurons);
    struct predictions *answers = neurons_predictions(m->neurons);

    digest_start(&digest);
    while (digest_advance(&digest, m))
        ;
    if (n && answers)
        j->result = drift_baseline(&m->baseline, n, answers, AXON_WINDOW_LOAD, now_s, NULL);
    axon_neurons_destroy(n);
    predictions_destroy(answers);
    if (!j->result || (j->classes && calibrate(j->result, &m->answers, j->y, j->classes, j->rows)))
        return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    if (j->result->rows == j->rows)
        return ERROR_OK;
    return error_set(error, ERROR_NON_FINITE,
                     "%s: %zu of %zu rows have an output of a hidden layer that is not finite",
                     file_name, j->rows - (size_t)j->result->rows, j->rows);
}

/* ---- what is written ------------------------------------------------------------------------- */

/* Into the folder of a file that is there, or is to be, in one step. */
static int replace_file(char *path, const struct buf *text)
{
    char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path, *parent = slash == path ? "/" : slash ? path : ".";
    int folder, cause;

    if (slash)
        *slash = '\0';
    folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return errno;
    cause = write_over(folder, name, text->data, text->len);
    close(folder);
    return cause;
}

/* A device or a pipe is written to: nothing in it could be lost. */
static int write_into(const char *path, const struct buf *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), cause = fd < 0 ? errno : 0;

    if (fd < 0)
        return cause;
    cause = write_all(fd, text->data, text->len);
    return close(fd) != 0 && cause == 0 ? errno : cause;
}

/* A link stays: the file that it names is the one that is written. */
static enum error_id write_file(const char *path, const struct buf *text, struct error *error)
{
    struct stat is;
    bool is_there = stat(path, &is) == 0;
    char *real = is_there ? realpath(path, NULL) : strdup(path);
    int cause;

    if (!real)
        cause = errno;
    else if (is_there && S_ISDIR(is.st_mode))
        cause = EISDIR;
    else if (is_there && !S_ISREG(is.st_mode))
        cause = write_into(path, text);
    else
        cause = replace_file(real, text);
    free(real);
    return cause == 0
               ? ERROR_OK
               : error_set(error, ERROR_NOT_WRITABLE, "--output: %s: %s", path, strerror(cause));
}

static enum error_id store(const struct job *j, const struct options *options, const char *path,
                           struct error *error)
{
    struct baseline_writer writer;
    struct buf text;
    enum error_id id;

    buf_init(&text, 0);
    baseline_writer_init(&writer, j->result, &text);
    baseline_writer_go_on(&writer, SIZE_MAX);
    if (text.failed)
        id = error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    else
        id = path ? write_file(path, &text, error)
                  : model_baseline_write(j->model, options, &text, error);
    buf_fini(&text);
    return id;
}

static void print(const struct job *j, const char *path)
{
    const struct baseline *b = j->result;
    double *p = calloc(j->model->answers.classes + 1, sizeof *p);
    size_t right = 0;

    printf("model %s version %" PRIu64 ", %zu rows", j->model->name, j->model->version, j->rows);
    if (b->has_confidence)
        printf(", mean confidence %.4f", b->confidence_mean);
    for (size_t row = 0; p && j->classes && row < j->rows; row++) {
        size_t best = 0;

        predictions_row(&j->model->answers, j->y + row * j->outputs, p);
        for (size_t i = 1; i < j->model->answers.classes; i++)
            best = p[i] > p[best] ? i : best;
        right += best == j->classes[row];
    }
    if (p && j->classes)
        printf(", accuracy %.4f, temperature %.4f", (double)right / (double)j->rows,
               b->temperature);
    printf("\n%s is %s\n", path ? path : "baseline.json",
           path ? "written" : "beside the weights; a service that runs reads it on SIGHUP");
    free(p);
}

int baseline(const struct options *options, const struct command_line *line, struct error *error)
{
    struct options own = *options;
    struct job j = {NULL};

    snprintf(own.neuron_stats, sizeof own.neuron_stats, "all");
    j.model = command_model(&own, line->arguments[ARGUMENT_MODEL], error);
    if (!j.model)
        return 0;
    j.features = axon_mlp_features(j.model->mlp);
    j.outputs = axon_mlp_outputs(j.model->mlp);
    if (read_rows(&j, line->arguments[ARGUMENT_FORMAT], error) == ERROR_OK &&
        read_labels(&j, line->arguments[ARGUMENT_LABELS], error) == ERROR_OK &&
        run(&j, error) == ERROR_OK && conclude(&j, error) == ERROR_OK &&
        store(&j, options, line->arguments[ARGUMENT_OUTPUT], error) == ERROR_OK)
        print(&j, line->arguments[ARGUMENT_OUTPUT]);
    baseline_unref(j.result);
    tensor_fini(&j.x);
    free(j.y);
    free(j.classes);
    model_unref(j.model);
    return 0;
}
