/* loss.c - the losses of loss.def: look-up, checks, and each row's loss and gradient.
 *
 * Knows no network: logits in, numbers out. Invariant: every sum is one of terms that are not
 * negative, and no exponential has a positive argument; that is why nothing cancels or overflows.
 * libm's scalar exp and log1p are enough: a loss is as large as one layer's output. */
#include "axon/loss.h"
#include <math.h>
#include <string.h>

/* The loss of row r; its gradient, times scale, into g [outputs] unless that is NULL. */
typedef double row_function(const struct axon_loss_batch *b, size_t r, double scale, float *g);

/* ---- cross-entropy ---- */

/* What a row's losses and gradients are made of: the largest logit, and what there is besides. */
struct row_sums {
    size_t top;
    double max;     /* x[top] */
    double rest;    /* sum of e^(x_j - max) over j != top; NaN if a logit is NaN or +inf */
    double targets; /* sum of y_j, 1 but for rounding */
    double others;  /* the same over j != top */
};

static double target_of(const struct axon_loss_batch *b, size_t r, size_t j)
{
    return b->labels ? (double)(b->labels[r] == j) : (double)b->targets[r * b->outputs + j];
}

static struct row_sums sums_of(const struct axon_loss_batch *b, size_t r)
{
    const float *x = b->input + r * b->outputs;
    struct row_sums s = {.top = 0};

    for (size_t j = 1; j < b->outputs; j++)
        s.top = x[j] > x[s.top] || isnan(x[s.top]) ? j : s.top;
    s.max = (double)x[s.top];
    s.rest = s.max - s.max;
    for (size_t j = 0; j < b->outputs; j++) {
        double y = target_of(b, r, j);

        s.targets += y;
        if (j == s.top)
            continue;
        s.others += y;
        s.rest += exp((double)x[j] - s.max);
    }
    return s;
}

/* ln(1 + rest) is what the logsumexp has over max. Where one class dominates, 1 + rest would
 * round to 1, and logsumexp - x_label to 0. */
static double row_cross_entropy(const struct axon_loss_batch *b, size_t r, double scale, float *g)
{
    const float *x = b->input + r * b->outputs;
    struct row_sums s = sums_of(b, r);
    double loss = s.targets * log1p(s.rest), share = s.targets / (1 + s.rest);

    for (size_t j = 0; j < b->outputs; j++) {
        double y = target_of(b, r, j), from_top = (double)x[j] - s.max;

        if (y > 0)
            loss -= y * from_top;
        if (g) /* p_top - y_top, both perhaps near 1, is what the others leave of either */
            g[j] = (float)(scale *
                           (j == s.top ? s.others - s.rest * share : exp(from_top) * share - y));
    }
    return loss;
}

/* ---- elementwise losses ---- */

static double row_binary_cross_entropy(const struct axon_loss_batch *b, size_t r, double scale,
                                       float *g)
{
    double loss = 0;

    scale /= (double)b->outputs;
    for (size_t j = 0; j < b->outputs; j++) {
        double x = (double)b->input[r * b->outputs + j];
        double y = (double)b->targets[r * b->outputs + j];
        double e = exp(-fabs(x)), log_term = log1p(e);
        double large = 1 / (1 + e), small = e / (1 + e); /* sigmoid(|x|), sigmoid(-|x|) */

        if (y > 0)
            loss += y * (log_term + (x < 0 ? -x : 0));
        if (y < 1)
            loss += (1 - y) * (log_term + (x > 0 ? x : 0));
        if (g)
            g[j] = (float)(scale *
                           (x > 0 ? (1 - y) * large - y * small : (1 - y) * small - y * large));
    }
    return loss / (double)b->outputs;
}

static double row_mse(const struct axon_loss_batch *b, size_t r, double scale, float *g)
{
    double loss = 0;

    scale /= (double)b->outputs;
    for (size_t j = 0; j < b->outputs; j++) {
        size_t i = r * b->outputs + j;
        double error = (double)b->input[i] - (double)b->targets[i];

        loss += error * error;
        if (g)
            g[j] = (float)(2 * scale * error);
    }
    return loss / (double)b->outputs;
}

/* ---- the table ---- */

enum {
#define LOSS(id, ...) ID_##id,
#include "loss.def"
#undef LOSS
    ID_COUNT
};

static row_function *const row_functions[ID_COUNT] = {
#define LOSS(id, ...) row_##id,
#include "loss.def"
#undef LOSS
};

static const struct axon_loss table[ID_COUNT] = {
#define ALIASES(...) \
    {                \
        __VA_ARGS__  \
    }
#define LOSS(id, aliases_, input_, activation_, formula_, latex_, gradient_, reduction_, target_, \
             labels_, targets_, use_, source_)                                                    \
    {.name = #id,                                                                                 \
     .aliases = aliases_,                                                                         \
     .input = input_,                                                                             \
     .activation = activation_,                                                                   \
     .formula = formula_,                                                                         \
     .latex = latex_,                                                                             \
     .gradient = gradient_,                                                                       \
     .reduction = reduction_,                                                                     \
     .targets = targets_,                                                                         \
     .use = use_,                                                                                 \
     .source = source_,                                                                           \
     .target = AXON_TARGET_##target_,                                                             \
     .labels = labels_},
#include "loss.def"
#undef LOSS
};

const struct axon_loss *axon_loss_table(size_t *count)
{
    *count = ID_COUNT;
    return table;
}

const struct axon_loss *axon_loss_find(const char *name)
{
    for (size_t i = 0; i < ID_COUNT; i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
        for (const char *const *alias = table[i].aliases; *alias; alias++)
            if (strcmp(*alias, name) == 0)
                return &table[i];
    }
    return NULL;
}

/* ---- checks ---- */

/* The index of the first label or target that is outside its domain, or their number. */
static size_t first_bad_label(const struct axon_loss_batch *b)
{
    size_t r = 0;

    while (r < b->rows && b->labels[r] < b->outputs)
        r++;
    return r;
}

static size_t first_bad_target(const struct axon_loss_batch *b, enum axon_target target)
{
    for (size_t r = 0; r < b->rows; r++) {
        double sum = 0;

        for (size_t i = r * b->outputs; i < (r + 1) * b->outputs; i++) {
            double y = (double)b->targets[i];

            if (!isfinite(y) || (target != AXON_TARGET_FINITE && !(y >= 0 && y <= 1)))
                return i;
            sum += y;
        }
        if (target == AXON_TARGET_DISTRIBUTION && fabs(sum - 1) > AXON_DISTRIBUTION_TOLERANCE)
            return r * b->outputs;
    }
    return b->rows * b->outputs;
}

enum axon_status axon_loss_check(const struct axon_loss *loss, const struct axon_loss_batch *batch,
                                 size_t *bad)
{
    size_t count, first;

    if (batch->rows == 0 || batch->outputs == 0 ||
        __builtin_mul_overflow(batch->rows, batch->outputs, &count))
        return AXON_ESHAPE;
    if (!batch->labels == !batch->targets || (batch->labels && !loss->labels))
        return AXON_EUNSUPPORTED;
    first = batch->labels ? first_bad_label(batch) : first_bad_target(batch, loss->target);
    if (first == (batch->labels ? batch->rows : count))
        return AXON_OK;
    if (bad)
        *bad = first;
    return AXON_EPARAM;
}

enum axon_status axon_loss_apply(const struct axon_loss *loss, const struct axon_loss_batch *batch,
                                 double *mean, float *per_row, float *gradient)
{
    enum axon_status status = axon_loss_check(loss, batch, NULL);
    row_function *row = row_functions[loss - table];
    double sum = 0, rows = (double)batch->rows;

    if (status != AXON_OK)
        return status;
    for (size_t r = 0; r < batch->rows; r++) {
        double value = row(batch, r, 1 / rows, gradient ? gradient + r * batch->outputs : NULL);

        if (per_row)
            per_row[r] = (float)value;
        sum += value;
    }
    if (mean)
        *mean = sum / rows;
    return AXON_OK;
}
