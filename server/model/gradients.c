/* gradients.c - see gradients.h.
 *
 * Weights' gradients are sums over all rows, so they are kept whole; what belongs to rows exists
 * for one piece of them. Invariant: memory is asked for once, and known before. */
#include "model/gradients.h"
#include <math.h>
#include <string.h>
#include "model/block.h"

enum {
    PIECE_ROWS_MAX = 256,
    PIECE_ROWS_MIN = 32,        /* fewer wait for the weights rather than compute */
    PIECE_BYTES_MAX = 32 << 20, /* of what a piece's rows leave in each layer     */
};

#define PIECE_S     0.02 /* longer than that nobody should wait for a piece */
#define PASSES      4.0  /* there, back, and by the weights: of a forward pass's time, about */
#define PARAMETER_S 1e-9 /* its gradient is written, and read for the norm */

/* Ratios beyond these are a verdict. */
#define RATIO_MIN 1e-3
#define RATIO_MAX 1e3

/* ---- the loss ---- */

/* The meaning of the values in front of the last activation. */
enum output { OUTPUT_OTHER, OUTPUT_LOGITS, OUTPUT_SIGMOID, OUTPUT_SOFTMAX };

static enum output output_of(const struct model *m)
{
    static const char *const names[] = {
        [OUTPUT_LOGITS] = "identity", [OUTPUT_SIGMOID] = "sigmoid", [OUTPUT_SOFTMAX] = "softmax"};
    const char *name = m->layers[m->layers_count - 1].activation->name;

    for (enum output o = OUTPUT_LOGITS; o <= OUTPUT_SOFTMAX; o++)
        if (strcmp(names[o], name) == 0)
            return o;
    return OUTPUT_OTHER;
}

enum loss { LOSS_MSE, LOSS_BINARY, LOSS_CLASSES };

static enum loss loss_of(const struct model *m, enum output output)
{
    bool one = axon_mlp_outputs(m->mlp) == 1;

    switch (m->task) {
    case MODEL_MULTICLASS:
        return LOSS_CLASSES;
    case MODEL_MULTILABEL:
        return LOSS_BINARY;
    case MODEL_BINARY:
        return one || output == OUTPUT_SIGMOID ? LOSS_BINARY : LOSS_CLASSES;
    case MODEL_REGRESSION:
        return LOSS_MSE;
    case MODEL_TASK_NONE:
        break;
    }
    return output == OUTPUT_SOFTMAX   ? LOSS_CLASSES
           : output == OUTPUT_SIGMOID ? LOSS_BINARY
                                      : LOSS_MSE;
}

enum error_id gradients_loss(const struct model *m, struct gradients_loss *loss,
                             struct error *error)
{
    static const char *const names[] = {[LOSS_MSE] = "mse",
                                        [LOSS_BINARY] = "binary_cross_entropy",
                                        [LOSS_CLASSES] = "cross_entropy"};
    const struct model_layer *last = &m->layers[m->layers_count - 1];
    enum output output = output_of(m);
    enum loss of = loss_of(m, output);

    for (const struct model_layer *l = m->layers; l < last; l++)
        if (l->activation->kind != AXON_ELEMENTWISE)
            return error_set(error, ERROR_BAD_REQUEST,
                             "model '%s': hidden layer '%s' is %s, a rowwise activation: gradients "
                             "are for networks whose hidden units are activated one by one",
                             m->name, l->name, l->activation->name);
    if (of != LOSS_MSE && output == OUTPUT_OTHER)
        return error_set(error, ERROR_BAD_REQUEST,
                         "model '%s': its output is %s; the loss of a %s model is that of the "
                         "logits, in front of softmax or sigmoid, or without an activation",
                         m->name, last->activation->name, model_task_name(m->task));
    *loss = (struct gradients_loss){.loss = axon_loss_find(names[of], NULL),
                                    .at = of == LOSS_MSE ? AXON_UPSTREAM_POST : AXON_UPSTREAM_PRE,
                                    .labels = of == LOSS_CLASSES ||
                                              (of == LOSS_BINARY && last->units == 1)};
    return ERROR_OK;
}

const char *gradients_verdict_name(enum gradients_verdict verdict)
{
    static const char *const names[] = {[GRADIENTS_HEALTHY] = "healthy",
                                        [GRADIENTS_VANISHING] = "vanishing",
                                        [GRADIENTS_EXPLODING] = "exploding"};

    return names[verdict];
}

/* ---- memory ---- */

static size_t features_of(const struct model *m, size_t layer)
{
    return layer > 0 ? m->layers[layer - 1].units : axon_mlp_features(m->mlp);
}

size_t gradients_units_max(const struct model *m)
{
    size_t units = 0;

    for (size_t l = 0; l < m->layers_count; l++)
        units = m->layers[l].units > units ? m->layers[l].units : units;
    return units;
}

/* At most piece rows, of which the bytes are known to fit: 256 x 65,536 x 64 layers. */
size_t gradients_scratch_bytes(const struct model *m, size_t rows)
{
    size_t bytes;

    axon_mlp_backward_scratch_bytes(m->mlp, rows, &bytes);
    return bytes;
}

size_t gradients_piece_rows(const struct model *m, size_t rows)
{
    size_t piece = PIECE_ROWS_MAX;

    while (piece > PIECE_ROWS_MIN && PASSES * cost_s(&m->cost, piece) > PIECE_S)
        piece /= 2;
    while (piece > 1 && gradients_scratch_bytes(m, piece) > PIECE_BYTES_MAX)
        piece /= 2;
    return piece < rows ? piece : rows;
}

double gradients_s(const struct model *m, size_t rows)
{
    return PASSES * cost_s(&m->cost, rows) +
           PARAMETER_S * (double)axon_mlp_parameters_count(m->mlp);
}

/* The arrays, of model and rows. Returns bytes. */
static size_t lay_out(struct gradients *g, struct block block)
{
    const struct model *m = g->model;
    size_t piece = gradients_piece_rows(m, g->rows), count = m->layers_count;

    g->piece_rows = piece;
    g->layers = block_take(&block, count * sizeof *g->layers);
    g->to = block_take(&block, count * sizeof *g->to);
    g->upstream = block_take(&block, piece * m->layers[count - 1].units * sizeof *g->upstream);
    g->slopes = block_take(&block, piece * gradients_units_max(m) * sizeof *g->slopes);
    g->scratch = block_take(&block, gradients_scratch_bytes(m, piece));
    for (size_t l = 0; l < count; l++) {
        size_t units = m->layers[l].units;
        const struct axon_layer_gradients to = {
            .weight = block_take(&block, features_of(m, l) * units * sizeof(float)),
            .bias = block_take(&block, units * sizeof(float)),
            .pre = block_take(&block, piece * units * sizeof(float))};

        if (g->to)
            g->to[l] = to;
    }
    return block_bytes(&block);
}

size_t gradients_bytes(const struct model *m, size_t rows)
{
    struct gradients asked = {.model = m, .rows = rows};

    return lay_out(&asked, block_of(NULL));
}

void gradients_start(struct gradients *g, void *memory)
{
    lay_out(g, block_of(memory));
    memset(g->layers, 0, g->model->layers_count * sizeof *g->layers);
    g->loss = 0;
    g->rows_done = g->layers_done = 0;
}

/* ---- a piece ---- */

/* The loss is a mean over rows, or over all values. */
static double divisor(const struct gradients *g)
{
    double values = g->of.loss->kind == AXON_LOSS_CLASSWISE
                        ? 1
                        : (double)axon_mlp_outputs(g->model->mlp);

    return (double)g->rows * values;
}

/* upstream = the gradient of the whole loss by the logits or outputs of so many rows. */
static enum axon_status apply_loss(struct gradients *g, size_t rows, size_t *index)
{
    const struct axon_mlp *mlp = g->model->mlp;
    size_t last = g->model->layers_count - 1, outputs = axon_mlp_outputs(mlp);
    struct axon_loss_batch batch = {
        .rows = rows,
        .outputs = outputs,
        .inner = 1,
        .input = g->of.at == AXON_UPSTREAM_PRE ? axon_mlp_kept_pre(mlp, rows, g->scratch, last)
                                               : axon_mlp_kept_post(mlp, rows, g->scratch, last),
        .targets = g->targets ? g->targets + g->rows_done * outputs : NULL,
        .labels = g->labels ? g->labels + g->rows_done : NULL};
    struct axon_loss_result result = {.gradient = g->upstream};
    struct axon_loss_place place = {.index = 0};
    struct axon_loss_options options;
    float share = (float)(1 / divisor(g));
    enum axon_status status;

    axon_loss_defaults(g->of.loss, &options);
    options.reduction = AXON_REDUCTION_SUM;
    status = axon_loss_check(g->of.loss, &batch, &options, &place);
    *index = g->rows_done * outputs + place.index;
    if (status == AXON_OK)
        status = axon_loss_apply(g->of.loss, &batch, &options, &result);
    if (status != AXON_OK)
        return status;
    g->loss += result.loss;
    for (size_t i = 0; i < rows * outputs; i++)
        g->upstream[i] *= share;
    return AXON_OK;
}

static double square(double a)
{
    return a * a;
}

/* Add the piece's rows to the figures of a layer: sums, until finish() makes means of them. */
static void add_figures(struct gradients *g, size_t layer, size_t rows)
{
    struct gradients_layer *is = &g->layers[layer];
    size_t values = rows * g->model->layers[layer].units;

    is->activation_norm += square(axon_norm(g->to[layer].pre, values));
    if (axon_mlp_slopes(g->model->mlp, rows, g->scratch, layer, g->slopes) != AXON_OK) {
        is->derivative_mean = NAN;
        return;
    }
    for (size_t i = 0; i < values; i++)
        is->derivative_mean += fabs((double)g->slopes[i]);
}

static enum axon_status rows_piece(struct gradients *g, size_t *index)
{
    const struct axon_mlp *mlp = g->model->mlp;
    size_t features = axon_mlp_features(mlp), left = g->rows - g->rows_done;
    size_t rows = left < g->piece_rows ? left : g->piece_rows;
    const float *x = g->x + g->rows_done * features;
    struct axon_mlp_gradients to = {
        .layers = g->to, .x = g->by_input ? g->by_input + g->rows_done * features : NULL};
    enum axon_status status = axon_mlp_forward_keep(mlp, x, rows, NULL, g->scratch);

    if (status == AXON_OK)
        status = apply_loss(g, rows, index);
    if (status == AXON_OK)
        status = (g->rows_done ? axon_mlp_backward_add : axon_mlp_backward)(
            mlp, x, rows, g->upstream, g->of.at, &to, g->scratch);
    for (size_t l = 0; status == AXON_OK && l < g->model->layers_count; l++)
        add_figures(g, l, rows);
    g->rows_done += rows;
    return status;
}

/* ---- the end ---- */

static void norms_piece(struct gradients *g)
{
    size_t l = g->layers_done++, units = g->model->layers[l].units;

    g->layers[l].weight_norm = axon_norm(g->to[l].weight, features_of(g->model, l) * units);
    g->layers[l].bias_norm = axon_norm(g->to[l].bias, units);
}

static enum gradients_verdict judge(const struct gradients *g)
{
    double smallest = 1, largest = 1;

    for (size_t l = 0; l < g->model->layers_count; l++) {
        const struct gradients_layer *is = &g->layers[l];

        if (!isfinite(is->activation_norm) || !isfinite(is->weight_norm) ||
            !isfinite(is->bias_norm))
            return GRADIENTS_EXPLODING;
        smallest = fmin(smallest, is->ratio_to_last);
        largest = fmax(largest, is->ratio_to_last);
    }
    if (g->layers[g->model->layers_count - 1].activation_norm == 0)
        return GRADIENTS_NONE;
    return largest > RATIO_MAX    ? GRADIENTS_EXPLODING
           : smallest < RATIO_MIN ? GRADIENTS_VANISHING
                                  : GRADIENTS_HEALTHY;
}

static void finish(struct gradients *g)
{
    size_t last = g->model->layers_count - 1;
    double last_rms = sqrt(g->layers[last].activation_norm / (double)g->model->layers[last].units);

    for (size_t l = 0; l <= last; l++) {
        struct gradients_layer *is = &g->layers[l];
        double units = (double)g->model->layers[l].units;

        is->ratio_to_last = sqrt(is->activation_norm / units) / last_rms; /* NAN: 0 / 0 */
        is->activation_norm = sqrt(is->activation_norm);
        is->derivative_mean /= units * (double)g->rows;
    }
    g->loss /= divisor(g);
    g->verdict = judge(g);
}

enum axon_status gradients_advance(struct gradients *g, bool *more, size_t *index)
{
    enum axon_status status = AXON_OK;

    if (g->rows_done < g->rows)
        status = rows_piece(g, index);
    else
        norms_piece(g);
    *more = g->layers_done < g->model->layers_count;
    if (status == AXON_OK && !*more)
        finish(g);
    return status;
}
