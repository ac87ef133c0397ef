/* explanation.c - see explanation.h. Invariant: entries lie row by row, and in a row list by list.
 */
#include "model/explanation.h"
#include <axon/backward.h>
#include <string.h>
#include "model/block.h"
#include "model/gradients.h"

/* A departure that rounding to float32 explains is none. */
#define ROUNDING 1e-6

size_t explanation_classes(const struct model *m)
{
    if (m->answers.classes > 0)
        return m->answers.classes;
    return m->chances == MODEL_CHANCES_NONE ? 0 : axon_mlp_outputs(m->mlp);
}

/* ---- lists ---- */

static size_t hidden_layers(const struct explanation *e)
{
    return e->baseline ? e->baseline->layers_count : 0;
}

size_t explanation_length(const struct explanation *e, size_t list)
{
    size_t length = axon_mlp_features(e->model->mlp);

    if (list == EXPLANATION_ODD && !e->baseline)
        return 0;
    if (list >= EXPLANATION_LAYERS) {
        const struct baseline_layer *layer = &e->baseline->layers[list - EXPLANATION_LAYERS];

        length = layer->mean && layer->std ? layer->units : 0;
    }
    return length < e->top_k ? length : e->top_k;
}

static size_t entries_before(const struct explanation *e, size_t list)
{
    size_t entries = 0;

    for (size_t i = 0; i < list; i++)
        entries += explanation_length(e, i);
    return entries;
}

size_t explanation_entries(const struct explanation *e)
{
    return entries_before(e, EXPLANATION_LAYERS + hidden_layers(e));
}

static struct explanation_entry *list_of(const struct explanation *e, size_t row, size_t list)
{
    return e->entries + row * explanation_entries(e) + entries_before(e, list);
}

const struct explanation_entry *explanation_list(const struct explanation *e, size_t row,
                                                 size_t list)
{
    return list_of(e, row, list);
}

/* The largest of n sizes, of which values are the values. */
static void pick(struct explanation *e, size_t row, size_t list, const float *values, size_t n)
{
    size_t length = explanation_length(e, list);
    struct explanation_entry *to = list_of(e, row, list);

    if (length == 0)
        return;
    for (size_t i = 0; i < n; i++)
        e->scores[i] = fabsf(e->sizes[i]);
    ranking_best(RANKING_OUTPUTS, e->scores, n, e->best, length);
    for (size_t k = 0; k < length; k++)
        to[k] = (struct explanation_entry){.index = (uint32_t)e->best[k],
                                           .value = values[e->best[k]],
                                           .size = e->sizes[e->best[k]]};
}

/* sizes = (values - mean) / std */
static void depart(struct explanation *e, const float *values, const double *mean,
                   const double *std, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double by = (double)values[i] - mean[i];

        e->sizes[i] = fabs(by) <= ROUNDING * fabs(mean[i]) ? 0 : (float)(by / std[i]);
    }
}

/* ---- memory ---- */

static size_t lay_out(struct explanation *e, struct block block)
{
    const struct axon_mlp *mlp = e->model->mlp;
    size_t piece = gradients_piece_rows(e->model, e->rows), features = axon_mlp_features(mlp);
    size_t units = gradients_units_max(e->model), widest = features > units ? features : units;

    e->piece_rows = piece;
    e->scratch = block_take(&block, gradients_scratch_bytes(e->model, piece));
    e->answers = block_take(&block, e->rows * sizeof *e->answers);
    e->entries = block_take(&block, e->rows * explanation_entries(e) * sizeof *e->entries);
    e->upstream = block_take(&block, piece * axon_mlp_outputs(mlp) * sizeof *e->upstream);
    e->by_input = block_take(&block, piece * features * sizeof *e->by_input);
    e->sizes = block_take(&block, widest * sizeof *e->sizes);
    e->scores = block_take(&block, widest * sizeof *e->scores);
    e->shares = block_take(&block, e->model->answers.classes * sizeof *e->shares);
    e->best = block_take(&block, e->top_k * sizeof *e->best);
    return block_bytes(&block);
}

size_t explanation_bytes(const struct explanation *e)
{
    struct explanation asked = *e;

    return lay_out(&asked, block_of(NULL));
}

void explanation_start(struct explanation *e, void *memory)
{
    lay_out(e, block_of(memory));
    e->rows_done = 0;
}

/* ---- a piece ---- */

static size_t nearest(const float *z, size_t outputs)
{
    size_t best = 0;

    if (outputs == 1)
        return z[0] >= 0;
    for (size_t k = 1; k < outputs; k++)
        best = z[k] > z[best] ? k : best;
    return best;
}

/* The class's probability as it is served, of z in front of the last activation and y after it. */
static double confidence_of(const struct explanation *e, const float *z, const float *y,
                            size_t class)
{
    const struct model *m = e->model;

    if (m->answers.kind != PREDICTIONS_NONE) {
        predictions_row(&m->answers, y, e->shares);
        return e->shares[class];
    }
    return m->chances == MODEL_CHANCES_SERVED ? (double)y[class] : 1 / (1 + exp(-(double)z[class]));
}

/* The row's class, and upstream [outputs] = d logit / d z. */
static struct explanation_row answer(const struct explanation *e, const float *z, const float *y,
                                     float *upstream)
{
    size_t outputs = axon_mlp_outputs(e->model->mlp);
    bool one = outputs == 1 && explanation_classes(e->model) == 2;
    struct explanation_row is = {.class = e->class};

    if (is.class == SIZE_MAX)
        is.class = explanation_classes(e->model) > 1 ? nearest(z, outputs) : 0;
    memset(upstream, 0, outputs * sizeof *upstream);
    upstream[one ? 0 : is.class] = one && is.class == 0 ? -1 : 1;
    is.logit = (double)z[one ? 0 : is.class] * (one && is.class == 0 ? -1 : 1);
    is.confidence = confidence_of(e, z, y, is.class);
    return is;
}

static void features_of(struct explanation *e, size_t row, const float *by_input)
{
    size_t features = axon_mlp_features(e->model->mlp);
    const float *x = e->x + row * features;
    const struct baseline_input *habit = e->baseline ? &e->baseline->input : NULL;

    for (size_t f = 0; f < features; f++)
        e->sizes[f] = /* + 0: no -0 */
            (float)((double)by_input[f] * ((double)x[f] - (habit ? habit->mean[f] : 0)) + 0.0);
    pick(e, row, EXPLANATION_FEATURES, x, features);
    if (!habit)
        return;
    depart(e, x, habit->mean, habit->std, features);
    pick(e, row, EXPLANATION_ODD, x, features);
}

static void units_of(struct explanation *e, size_t first, size_t rows)
{
    for (size_t l = 0; l < hidden_layers(e); l++) {
        const struct baseline_layer *habit = &e->baseline->layers[l];
        const float *post = axon_mlp_kept_post(e->model->mlp, rows, e->scratch, l);

        for (size_t r = 0; explanation_length(e, EXPLANATION_LAYERS + l) > 0 && r < rows; r++) {
            depart(e, post + r * habit->units, habit->mean, habit->std, habit->units);
            pick(e, first + r, EXPLANATION_LAYERS + l, post + r * habit->units, habit->units);
        }
    }
}

bool explanation_advance(struct explanation *e)
{
    const struct axon_mlp *mlp = e->model->mlp;
    size_t features = axon_mlp_features(mlp), outputs = axon_mlp_outputs(mlp);
    size_t first = e->rows_done, left = e->rows - first;
    size_t rows = left < e->piece_rows ? left : e->piece_rows;
    const float *x = e->x + first * features, *z, *y;

    axon_mlp_forward_keep(mlp, x, rows, NULL, e->scratch);
    z = axon_mlp_kept_pre(mlp, rows, e->scratch, e->model->layers_count - 1);
    y = axon_mlp_kept_post(mlp, rows, e->scratch, e->model->layers_count - 1);
    for (size_t r = 0; r < rows; r++)
        e->answers[first + r] = answer(e, z + r * outputs, y + r * outputs,
                                       e->upstream + r * outputs);
    axon_mlp_backward(mlp, x, rows, e->upstream, AXON_UPSTREAM_PRE,
                      &(struct axon_mlp_gradients){.x = e->by_input}, e->scratch);
    for (size_t r = 0; r < rows; r++)
        features_of(e, first + r, e->by_input + r * features);
    units_of(e, first, rows);
    e->rows_done += rows;
    return e->rows_done < e->rows;
}
