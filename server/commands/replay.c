/* replay.c - see replay.h.
 *
 * Invariant: an array is read only after its type and shape are known to fit the model. */
#include "commands/replay.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "commands/command.h"
#include "weights/formats.h"

static const size_t INPUT_BYTES_MAX = (size_t)1 << 30;
static const char file_name[] = "standard input";

/* A sample, and what the model says now. */
struct comparison {
    const struct model *model;
    size_t rows, features, outputs;
    float *x;         /* [rows, features] */
    float *was, *now; /* [rows, outputs]  */
    size_t rows_differ, classes_differ;
    struct difference {
        double size;
        size_t row, output;
    } absolute, relative;
    size_t class_row; /* the first one with another class */
};

/* ---- the sample ------------------------------------------------------------------------------ */

static enum error_id fail(struct error *error, const char *array, const char *what)
{
    return error_set(error, ERROR_BAD_TENSOR, "%s: %s: %s", file_name, array, what);
}

static struct stored *find(const struct stored_file *f, const char *name, struct error *error)
{
    struct stored *t = stored_find(f, name);

    if (!t)
        fail(error, name, "no such array; a sample has inputs, outputs and unix_seconds");
    else if (!stored_is_floating(t))
        fail(error, name, "an integer type, expected <f4");
    else
        return t;
    return NULL;
}

static enum error_id check_shape(const struct stored *t, size_t columns, struct error *error)
{
    char shape[STORED_SHAPE_MAX];

    if (t->rank == 2 && t->shape[1] == columns)
        return ERROR_OK;
    return error_set(error, ERROR_SHAPE_MISMATCH, "%s: %s: shape %s, expected [rows, %zu]",
                     file_name, t->name, stored_shape(t->shape, t->rank, shape), columns);
}

/* Outputs that were NaN or infinite are as good as others. */
static float *numbers(const struct stored *t, struct error *error)
{
    size_t width = t->type->bits / 8;
    float *to = calloc(t->count + 1, sizeof *to);

    if (!to)
        error_set(error, ERROR_OUT_OF_MEMORY, "%s: %s: out of memory", file_name, t->name);
    for (size_t i = 0; to && i < t->count; i++)
        to[i] = t->type->load(t->data + i * width);
    return to;
}

static enum error_id read_arrays(struct comparison *c, const struct stored_file *f,
                                 struct error *error)
{
    const struct stored *x = find(f, "inputs", error);
    const struct stored *y = x ? find(f, "outputs", error) : NULL;

    if (!x || !y || check_shape(x, c->features, error) || check_shape(y, c->outputs, error))
        return error->id;
    if (x->shape[0] != y->shape[0])
        return error_set(error, ERROR_SHAPE_MISMATCH,
                         "%s: %" PRIu64 " rows of inputs, but %" PRIu64 " of outputs", file_name,
                         x->shape[0], y->shape[0]);
    if (x->shape[0] == 0)
        return fail(error, "inputs", "no rows, so there is nothing to compare");
    c->rows = (size_t)x->shape[0];
    c->x = numbers(x, error);
    c->was = c->x ? numbers(y, error) : NULL;
    return c->was ? ERROR_OK : error->id;
}

static enum error_id read_sample(struct comparison *c, struct error *error)
{
    struct stored_file f;
    struct buf in;

    if (command_input(&in, "sample.npz", INPUT_BYTES_MAX, error) != ERROR_OK)
        return error->id;
    if (npz_read(&f, file_name, in.data, in.len, error) == ERROR_OK) {
        read_arrays(c, &f, error);
        stored_fini(&f);
    }
    buf_fini(&in);
    return error->id;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static enum error_id predict(struct comparison *c, struct model *m, struct error *error)
{
    size_t piece = m->cost.piece_rows;

    c->now = calloc(c->rows * c->outputs, sizeof *c->now);
    for (size_t row = 0; c->now && row < c->rows; row += piece) {
        const struct model_rows some = {.x = c->x + row * c->features,
                                        .y = c->now + row * c->outputs,
                                        .rows = c->rows - row < piece ? c->rows - row : piece};

        if (model_run(m, &some, 1) != 0)
            return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
    }
    return c->now ? ERROR_OK : error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
}

static void largest(struct difference *d, double size, size_t row, size_t output)
{
    if (size > d->size)
        *d = (struct difference){size, row, output};
}

/* Outputs a and b, of which the bits differ: a NaN, or an infinity, is infinitely far from any
 * other. */
static void measure(struct comparison *c, double a, double b, size_t row, size_t output)
{
    double size = fabs(a - b), scale = fmax(fabs(a), fabs(b));

    if (!isfinite(size))
        size = (double)INFINITY;
    largest(&c->absolute, size, row, output);
    if (isfinite(size)) /* 0 and -0 have other bits, and no distance */
        size = scale > 0 ? size / scale : 0;
    largest(&c->relative, size, row, output);
}

#define NO_CLASS SIZE_MAX

/* The class of a row's outputs, for tasks that have classes that exclude each other. An output that
 * is no number speaks for none. */
static size_t class_of(const struct model *m, const float *y, size_t outputs)
{
    size_t best = 0;

    if (m->task != MODEL_BINARY && m->task != MODEL_MULTICLASS)
        return 0;
    for (size_t i = 0; i < outputs; i++) {
        if (isnan(y[i]))
            return NO_CLASS;
        if (y[i] > y[best])
            best = i;
    }
    return outputs > 1 ? best : y[0] >= (m->ranking == RANKING_LOGIT ? 0 : 0.5f);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void compare(struct comparison *c)
{
    c->absolute.size = c->relative.size = -1;
    for (size_t row = 0; row < c->rows; row++) {
        const float *was = c->was + row * c->outputs, *now = c->now + row * c->outputs;

        if (memcmp(was, now, c->outputs * sizeof *was) == 0)
            continue;
        c->rows_differ++;
        for (size_t i = 0; i < c->outputs; i++)
            if (bits_of(was[i]) != bits_of(now[i]))
                measure(c, (double)was[i], (double)now[i], row, i);
        if (class_of(c->model, was, c->outputs) != class_of(c->model, now, c->outputs) &&
            c->classes_differ++ == 0)
            c->class_row = row;
    }
}

/* ---- the answer ------------------------------------------------------------------------------ */

static double without_sign_of_nan(float value)
{
    return isnan(value) ? (double)NAN : (double)value;
}

static void print_difference(const struct comparison *c, const char *kind,
                             const struct difference *d)
{
    size_t at = d->row * c->outputs + d->output;

    printf("largest %s difference: %.9g, of row %zu, output %zu: recorded %.9g, now %.9g\n", kind,
           d->size, d->row, d->output, without_sign_of_nan(c->was[at]),
           without_sign_of_nan(c->now[at]));
}

static const char *label_of(const struct model *m, size_t class, char text[static 24])
{
    if (class == NO_CLASS)
        return "none";
    snprintf(text, 24, "%zu", class);
    return class < m->labels_count ? m->labels[class] : text;
}

static void print_classes(const struct comparison *c)
{
    const float *was = c->was + c->class_row * c->outputs;
    const float *now = c->now + c->class_row * c->outputs;
    char texts[2][24];

    printf("%zu rows have another class", c->classes_differ);
    if (c->classes_differ > 0)
        printf(", the first is row %zu: recorded %s, now %s", c->class_row,
               label_of(c->model, class_of(c->model, was, c->outputs), texts[0]),
               label_of(c->model, class_of(c->model, now, c->outputs), texts[1]));
    printf("\n");
}

static void print(const struct comparison *c)
{
    printf("model %s version %" PRIu64 ", %zu rows: ", c->model->name, c->model->version, c->rows);
    if (c->rows_differ == 0) {
        printf("all outputs are equal bit for bit\n");
        return;
    }
    printf("%zu differ\n", c->rows_differ);
    print_difference(c, "absolute", &c->absolute);
    print_difference(c, "relative", &c->relative);
    if (c->model->task == MODEL_BINARY || c->model->task == MODEL_MULTICLASS)
        print_classes(c);
}

int replay(const struct options *options, const struct command_line *line, struct error *error)
{
    struct model *m = command_model(options, line->arguments[ARGUMENT_MODEL], error);
    struct comparison c = {.model = m};

    if (!m)
        return 0;
    c.features = axon_mlp_features(m->mlp);
    c.outputs = axon_mlp_outputs(m->mlp);
    if (read_sample(&c, error) == ERROR_OK && predict(&c, m, error) == ERROR_OK) {
        compare(&c);
        print(&c);
    }
    free(c.x);
    free(c.was);
    free(c.now);
    model_unref(m);
    return c.rows_differ > 0;
}
