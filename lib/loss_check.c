/* loss_check.c - which batches, options and results a loss takes. Reads everything once, writes
 * nothing. */
#include <float.h>
#include <math.h>
#include "arrays.h"
#include "loss_internal.h"

static enum axon_status bad(struct axon_loss_place *place, enum axon_loss_array array, size_t index)
{
    if (place)
        *place = (struct axon_loss_place){array, index};
    return AXON_EPARAM;
}

/* ---- values ---- */

static bool in_domain(double y, enum axon_target target)
{
    switch (target) {
    case AXON_TARGET_SIGN:
        return y == 1 || y == -1 || y == 0;
    case AXON_TARGET_NONNEGATIVE:
        return y >= 0 && y <= (double)FLT_MAX;
    case AXON_TARGET_PROBABILITY:
    case AXON_TARGET_DISTRIBUTION:
        return y >= 0 && y <= 1;
    default:
        return isfinite(y);
    }
}

/* The index of the first value that is outside of the domain, or their number. */
static size_t first_bad(const float *v, size_t count, enum axon_target target)
{
    size_t i = 0;

    while (i < count && in_domain((double)v[i], target))
        i++;
    return i;
}

/* The same for places whose outputs do not sum to 1. */
static size_t first_bad_sum(const float *v, const struct axon_loss_batch *b)
{
    for (size_t place = 0; place < b->rows * b->inner; place++) {
        size_t at = place / b->inner * b->outputs * b->inner + place % b->inner;
        double sum = 0;

        for (size_t j = 0; j < b->outputs; j++)
            sum += (double)v[at + j * b->inner];
        if (!(fabs(sum - 1) <= AXON_DISTRIBUTION_TOLERANCE))
            return at;
    }
    return b->rows * b->outputs * b->inner;
}

static enum axon_status check_values(const float *v, const struct axon_loss_batch *b,
                                     enum axon_target target, enum axon_loss_array array,
                                     struct axon_loss_place *place)
{
    size_t count = b->rows * b->outputs * b->inner, first = first_bad(v, count, target);

    if (first == count && target == AXON_TARGET_DISTRIBUTION)
        first = first_bad_sum(v, b);
    return first == count ? AXON_OK : bad(place, array, first);
}

static enum axon_status check_labels(const struct axon_loss *loss, const struct axon_loss_batch *b,
                                     const struct axon_loss_options *options,
                                     struct axon_loss_place *place)
{
    int32_t ignore = axon__loss_ignore(loss, options);
    bool ignores = axon_loss_parameter_find(loss, "ignore_index") < loss->parameters_count;

    for (size_t i = 0; i < b->rows * b->inner; i++) {
        int32_t label = b->labels[i];

        if (!(ignores && label == ignore) && (label < 0 || (size_t)label >= b->outputs))
            return bad(place, AXON_LOSS_LABELS, i);
    }
    return AXON_OK;
}

/* ---- options ---- */

static enum axon_status check_parameters(const struct axon_loss *loss,
                                         const struct axon_loss_options *options,
                                         struct axon_loss_place *place)
{
    for (unsigned i = 0; i < loss->parameters_count; i++) {
        const struct axon_loss_parameter *p = &loss->parameters[i];
        double value = options->values[i];

        if (!(value >= p->minimum && value <= p->maximum) ||
            (p->kind != AXON_LOSS_NUMBER && value != floor(value)))
            return bad(place, AXON_LOSS_PARAMETERS, i);
    }
    return AXON_OK;
}

static enum axon_status check_weight(const float *weight, size_t outputs,
                                     enum axon_loss_array array, struct axon_loss_place *place)
{
    size_t first = weight ? first_bad(weight, outputs, AXON_TARGET_NONNEGATIVE) : outputs;

    return first == outputs ? AXON_OK : bad(place, array, first);
}

static enum axon_status check_options(const struct axon_loss *loss, size_t outputs,
                                      const struct axon_loss_options *options,
                                      struct axon_loss_place *place)
{
    enum axon_status status = check_parameters(loss, options, place);

    if (status == AXON_OK)
        status = check_weight(options->weight, outputs, AXON_LOSS_WEIGHT, place);
    if (status == AXON_OK)
        status = check_weight(options->pos_weight, outputs, AXON_LOSS_POS_WEIGHT, place);
    return status;
}

enum axon_target axon_loss_domain(const struct axon_loss *loss,
                                  const struct axon_loss_options *options)
{
    unsigned i = axon_loss_parameter_find(loss, "log_target");

    return i < loss->parameters_count && options->values[i] != 0 ? AXON_TARGET_FINITE
                                                                 : loss->target;
}

/* ---- all of it ---- */

static bool takes(const struct axon_loss *loss, const struct axon_loss_batch *b,
                  const struct axon_loss_options *o)
{
    return !b->labels != !b->targets && (loss->labels || !b->labels) &&
           !(loss->labels_only && b->targets) && loss->variances == (b->variances != NULL) &&
           (loss->weight || !o->weight) && (loss->pos_weight || !o->pos_weight) &&
           (unsigned)o->reduction < AXON_REDUCTION_COUNT;
}

static bool shape_fits(const struct axon_loss_batch *b)
{
    size_t count;

    return b->rows != 0 && b->outputs != 0 && b->inner != 0 &&
           !__builtin_mul_overflow(b->rows, b->outputs, &count) &&
           !__builtin_mul_overflow(count, b->inner, &count) && count <= PTRDIFF_MAX / sizeof(float);
}

enum axon_status axon_loss_check(const struct axon_loss *loss, const struct axon_loss_batch *batch,
                                 const struct axon_loss_options *options,
                                 struct axon_loss_place *place)
{
    const void *const arrays[] = {batch->input,     batch->targets,  batch->labels,
                                  batch->variances, options->weight, options->pos_weight};
    unsigned from_logits = axon_loss_parameter_find(loss, "from_logits");
    enum axon_status status;

    if (!shape_fits(batch))
        return AXON_ESHAPE;
    if (!takes(loss, batch, options))
        return AXON_EUNSUPPORTED;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (!axon__aligned(arrays[i]))
            return AXON_EALIGN;
    status = check_options(loss, batch->outputs, options, place);
    if (status == AXON_OK && from_logits < loss->parameters_count &&
        options->values[from_logits] == 0)
        status = check_values(batch->input, batch, loss->target, AXON_LOSS_INPUT, place);
    if (status == AXON_OK && batch->labels)
        status = check_labels(loss, batch, options, place);
    if (status == AXON_OK && batch->targets)
        status = check_values(batch->targets, batch, axon_loss_domain(loss, options),
                              AXON_LOSS_TARGETS, place);
    if (status == AXON_OK && batch->variances)
        status = check_values(batch->variances, batch, AXON_TARGET_NONNEGATIVE, AXON_LOSS_VARIANCES,
                              place);
    return status;
}

struct array {
    const void *at;
    size_t count;
};

/* Floats and labels are of one size. */
enum axon_status axon__loss_check_result(const struct axon_loss *loss,
                                         const struct axon_loss_batch *batch,
                                         const struct axon_loss_options *options,
                                         const struct axon_loss_result *result)
{
    bool places = loss->kind == AXON_LOSS_CLASSWISE;
    size_t n = batch->outputs, labels = batch->rows * batch->inner, values = labels * n;
    const struct array written[] = {{result->gradient, values},
                                    {result->losses, places ? labels : values},
                                    {result->per_row, places ? labels : batch->rows}};
    const struct array read[] = {{batch->input, values},  {batch->targets, values},
                                 {batch->labels, labels}, {batch->variances, values},
                                 {options->weight, n},    {options->pos_weight, n}};
    enum { WRITTEN = sizeof written / sizeof *written, READ = sizeof read / sizeof *read };

    for (size_t w = 0; w < WRITTEN; w++)
        if (!axon__aligned(written[w].at))
            return AXON_EALIGN;
    for (size_t w = 0; w < WRITTEN; w++) {
        for (size_t other = w + 1; other < WRITTEN; other++)
            if (axon__overlap(written[w].at, written[w].count, written[other].at,
                              written[other].count))
                return AXON_EOVERLAP;
        for (size_t r = 0; r < READ; r++)
            if (!(w == 0 && r < 2 && written[w].at == read[r].at) &&
                axon__overlap(written[w].at, written[w].count, read[r].at, read[r].count))
                return AXON_EOVERLAP;
    }
    return AXON_OK;
}
