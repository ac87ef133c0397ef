/* loss.c - the losses of loss.def: look-up, checks, and the way into kernels/losses.c. */
#include "axon/loss.h"
#include <math.h>
#include "kernels/dispatch.h"
#include "arrays.h"
#include "names.h"

enum { ROWS_MAX = 128 }; /* evaluated by one call of a kernel */

static const struct axon_loss table[AXON_LOSS_ID_COUNT] = {
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
    *count = AXON_LOSS_ID_COUNT;
    return table;
}

const struct axon_loss *axon_loss_find(const char *name)
{
    for (size_t i = 0; i < AXON_LOSS_ID_COUNT; i++)
        if (axon__named(name, table[i].name, table[i].aliases))
            return &table[i];
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
        __builtin_mul_overflow(batch->rows, batch->outputs, &count) ||
        count > PTRDIFF_MAX / sizeof(float))
        return AXON_ESHAPE;
    if (!batch->labels == !batch->targets || (batch->labels && !loss->labels))
        return AXON_EUNSUPPORTED;
    if (!axon__aligned(batch->input) || !axon__aligned(batch->targets) ||
        !axon__aligned(batch->labels))
        return AXON_EALIGN;
    first = batch->labels ? first_bad_label(batch) : first_bad_target(batch, loss->target);
    if (first == (batch->labels ? batch->rows : count))
        return AXON_OK;
    if (bad)
        *bad = first;
    return AXON_EPARAM;
}

/* Does what is written meet what is read, other than in place? Floats and labels are of one size.
 */
static bool outputs_overlap(const struct axon_loss_batch *b, const float *per_row,
                            const float *gradient)
{
    size_t values = b->rows * b->outputs;

    return axon__overlap(per_row, b->rows, b->input, values) ||
           axon__overlap(per_row, b->rows, b->targets, values) ||
           axon__overlap(per_row, b->rows, b->labels, b->rows) ||
           axon__overlap(per_row, b->rows, gradient, values) ||
           axon__overlap(gradient, values, b->labels, b->rows) ||
           (gradient != b->input && axon__overlap(gradient, values, b->input, values)) ||
           (gradient != b->targets && axon__overlap(gradient, values, b->targets, values));
}

/* Up to ROWS_MAX rows from `first` on; returns the sum of their losses. */
static double apply_some(axon_loss_function *evaluate, const struct axon_loss_batch *batch,
                         size_t first, float *per_row, float *gradient)
{
    double losses[ROWS_MAX], sum = 0;
    size_t at = first * batch->outputs, left = batch->rows - first;
    struct axon_loss_rows rows = {.x = batch->input + at,
                                  .y = batch->targets ? batch->targets + at : NULL,
                                  .labels = batch->labels ? batch->labels + first : NULL,
                                  .rows = left < ROWS_MAX ? left : (size_t)ROWS_MAX,
                                  .n = batch->outputs,
                                  .scale = 1 / (double)batch->rows,
                                  .gradient = gradient ? gradient + at : NULL};

    evaluate(&rows, losses);
    for (size_t r = 0; r < rows.rows; r++) {
        if (per_row)
            per_row[first + r] = (float)losses[r];
        sum += losses[r];
    }
    return sum;
}

enum axon_status axon_loss_apply(const struct axon_loss *loss, const struct axon_loss_batch *batch,
                                 double *mean, float *per_row, float *gradient)
{
    enum axon_status status = axon_loss_check(loss, batch, NULL);
    double sum = 0;

    if (status != AXON_OK)
        return status;
    if (!axon__aligned(per_row) || !axon__aligned(gradient))
        return AXON_EALIGN;
    if (outputs_overlap(batch, per_row, gradient))
        return AXON_EOVERLAP;
    for (size_t first = 0; first < batch->rows; first += ROWS_MAX)
        sum += apply_some(axon__kernels()->losses[loss - table], batch, first, per_row, gradient);
    if (mean)
        *mean = sum / (double)batch->rows;
    return AXON_OK;
}
