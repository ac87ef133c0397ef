/* loss.c - a batch's way into the kernels of its loss.
 *
 * A batch is worked on in blocks that fit the stack: classwise losses by places, elementwise ones
 * by values, whose losses are then added up row by row in order, so that neither a row's loss nor
 * its rounding depends on where the blocks end. loss_registry.c has the data, loss_check.c the
 * checks. */
#include "axon/loss.h"
#include "kernels/dispatch.h"
#include "loss_internal.h"

enum { BLOCK = 256 }; /* places or values that a kernel is given at once */

/* The weights of the labels that count, or their number. */
static double labels_weight(const struct axon_loss_pass *p)
{
    int32_t ignore = axon__loss_ignore(p->loss, &p->options);
    const float *weight = p->options.weight;
    double sum = 0;

    for (size_t i = 0; i < p->batch.rows * p->batch.inner; i++) {
        int32_t label = p->batch.labels[i];

        if (label != ignore)
            sum += weight ? (double)weight[label] : 1;
    }
    return sum;
}

/* The factor of the sum of all losses. */
static double scale_of(const struct axon_loss_pass *p)
{
    const struct axon_loss_batch *b = &p->batch;
    double places = (double)b->rows * (double)b->inner;

    if (p->options.reduction == AXON_REDUCTION_BATCHMEAN)
        return 1 / (double)b->rows;
    if (p->options.reduction != AXON_REDUCTION_MEAN)
        return 1;
    if (p->loss->kind == AXON_LOSS_ELEMENTWISE)
        return 1 / (places * (double)b->outputs);
    return 1 / (b->labels ? labels_weight(p) : places);
}

enum axon_status axon_loss_start(struct axon_loss_pass *pass, const struct axon_loss *loss,
                                 const struct axon_loss_batch *batch,
                                 const struct axon_loss_options *options,
                                 struct axon_loss_result *result, struct axon_loss_place *place)
{
    struct axon_loss_options defaults;
    enum axon_status status;

    axon_loss_defaults(loss, &defaults);
    if (!options)
        options = &defaults;
    status = axon_loss_check(loss, batch, options, place);
    if (status == AXON_OK)
        status = axon__loss_check_result(loss, batch, options, result);
    if (status != AXON_OK)
        return status;
    *pass = (struct axon_loss_pass){
        .loss = loss, .batch = *batch, .options = *options, .result = result};
    pass->scale = scale_of(pass);
    pass->share = options->reduction == AXON_REDUCTION_MEAN && loss->kind == AXON_LOSS_ELEMENTWISE
                      ? 1 / ((double)batch->outputs * (double)batch->inner)
                      : 1;
    return AXON_OK;
}

static void evaluate(const struct axon_loss_pass *p, struct axon_loss_part *part, double *losses)
{
    part->values = p->options.values;
    part->ignore = axon__loss_ignore(p->loss, &p->options);
    part->n = p->batch.outputs;
    part->inner = p->batch.inner;
    part->scale = p->scale;
    axon__kernels()->losses[axon__loss_id(p->loss)](part, losses);
}

static void advance_places(struct axon_loss_pass *p, size_t count)
{
    struct axon_loss_part part = {.x = p->batch.input,
                                  .y = p->batch.targets,
                                  .labels = p->batch.labels,
                                  .weight = p->options.weight,
                                  .first = p->next,
                                  .count = count,
                                  .gradient = p->result->gradient};
    double losses[BLOCK];

    evaluate(p, &part, losses);
    for (size_t i = 0; i < count; i++) {
        if (p->result->per_row)
            p->result->per_row[p->next + i] = (float)losses[i];
        if (p->result->losses)
            p->result->losses[p->next + i] = (float)losses[i];
        p->sum += losses[i];
    }
}

/* Values from `next` on have these losses. */
static void add_values(struct axon_loss_pass *p, const double *losses, size_t count)
{
    size_t width = p->batch.outputs * p->batch.inner, row = p->next / width, j = p->next % width;

    for (size_t i = 0; i < count; i++) {
        if (p->result->losses)
            p->result->losses[p->next + i] = (float)losses[i];
        p->row_sum += losses[i];
        if (++j < width)
            continue;
        if (p->result->per_row)
            p->result->per_row[row] = (float)(p->row_sum * p->share);
        p->sum += p->row_sum;
        p->row_sum = 0;
        j = 0;
        row++;
    }
}

/* The weight of each value from `next` on, of a weight per output; returns out, NULL without. */
static const float *spread(const struct axon_loss_pass *p, const float *weight, size_t count,
                           float *out)
{
    size_t i = p->next % p->batch.inner, j = p->next / p->batch.inner % p->batch.outputs;

    for (size_t k = 0; weight && k < count; k++) {
        out[k] = weight[j];
        if (++i < p->batch.inner)
            continue;
        i = 0;
        j = j + 1 < p->batch.outputs ? j + 1 : 0;
    }
    return weight ? out : NULL;
}

static void advance_values(struct axon_loss_pass *p, size_t count)
{
    const struct axon_loss_batch *b = &p->batch;
    float weight[BLOCK], pos_weight[BLOCK], *gradient = p->result->gradient;
    double losses[BLOCK];
    struct axon_loss_part part = {.x = b->input + p->next,
                                  .y = b->targets + p->next,
                                  .variances = b->variances ? b->variances + p->next : NULL,
                                  .weight = spread(p, p->options.weight, count, weight),
                                  .pos_weight = spread(p, p->options.pos_weight, count, pos_weight),
                                  .count = count,
                                  .gradient = gradient ? gradient + p->next : NULL};

    evaluate(p, &part, losses);
    add_values(p, losses, count);
}

bool axon_loss_advance(struct axon_loss_pass *pass, size_t values)
{
    bool places = pass->loss->kind == AXON_LOSS_CLASSWISE;
    size_t all = pass->batch.rows * pass->batch.inner * (places ? 1 : pass->batch.outputs);
    size_t wanted = places ? values / pass->batch.outputs : values;

    if (wanted == 0)
        wanted = 1;
    while (pass->next < all && wanted > 0) {
        size_t count = all - pass->next;

        count = count < wanted ? count : wanted;
        count = count < BLOCK ? count : (size_t)BLOCK;
        if (places)
            advance_places(pass, count);
        else
            advance_values(pass, count);
        pass->next += count;
        wanted -= count;
    }
    if (pass->next < all)
        return true;
    pass->result->loss = pass->sum * pass->scale;
    return false;
}

enum axon_status axon_loss_apply(const struct axon_loss *loss, const struct axon_loss_batch *batch,
                                 const struct axon_loss_options *options,
                                 struct axon_loss_result *result)
{
    struct axon_loss_pass pass;
    enum axon_status status = axon_loss_start(&pass, loss, batch, options, result, NULL);

    while (status == AXON_OK && axon_loss_advance(&pass, SIZE_MAX))
        continue;
    return status;
}
