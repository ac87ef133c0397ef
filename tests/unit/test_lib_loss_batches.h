/* test_lib_loss_batches.h - random batches for every loss, with every kind of option, in buffers of
 * their own.
 *
 * The batches are the same in every run; `variant` chooses reduction, options, weights and whether
 * labels or targets are asked for. */
#ifndef LOSS_BATCHES_H
#define LOSS_BATCHES_H

#include <string.h>
#include "test_lib_losses.h"

enum {
    ROWS_MAX = 9,
    OUTPUTS_MAX = 33,
    INNER_MAX = 19,
    VALUES_MAX = ROWS_MAX * OUTPUTS_MAX * INNER_MAX,
    VARIANTS = 8
};

static float input[VALUES_MAX], targets[VALUES_MAX], variances[VALUES_MAX];
static float weight[OUTPUTS_MAX], pos_weight[OUTPUTS_MAX];
static int32_t labels[VALUES_MAX];

/* Knuth's MMIX generator; the upper bits are those that are random. */
static inline uint64_t random_bits(void)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 31;
}

static inline double random_unit(void)
{
    return (double)random_bits() / 0x1p33;
}

static inline const struct axon_loss *loss_at(size_t i)
{
    size_t count;

    return &axon_loss_table(&count)[i];
}

/* Booleans turned over, numbers away from their defaults, in every second variant. */
static inline void random_options(const struct axon_loss *loss, int variant,
                                  struct axon_loss_options *o)
{
    axon_loss_defaults(loss, o);
    o->reduction = (enum axon_reduction)(variant % AXON_REDUCTION_COUNT);
    for (unsigned i = 0; i < loss->parameters_count; i++) {
        const struct axon_loss_parameter *p = &loss->parameters[i];

        if (p->kind == AXON_LOSS_BOOLEAN && (variant + (int)i) % 3 == 1)
            o->values[i] = p->value == 0;
        if (p->kind == AXON_LOSS_NUMBER && variant % 2 == 1)
            o->values[i] = p->maximum > 1 ? 2.5 * random_unit() + 0.1 : random_unit();
        if (p->kind == AXON_LOSS_INTEGER && variant >= 4)
            o->values[i] = variant % 2; /* a class of its own */
    }
    if (loss->weight && variant % 4 >= 2)
        o->weight = weight;
    if (loss->pos_weight && variant % 4 != 0)
        o->pos_weight = pos_weight;
}

static inline double random_target(enum axon_target target, double scale, int hard)
{
    double u = random_unit();

    switch (target) {
    case AXON_TARGET_FINITE:
        return scale * (2 * u - 1);
    case AXON_TARGET_NONNEGATIVE:
        return hard ? floor(8 * u) : u;
    case AXON_TARGET_SIGN:
        return hard ? round(u) : copysign(1, u - 0.5);
    default:
        return hard ? round(u) : u;
    }
}

/* Every place of v sums to 1. */
static inline void normalise(float *v, const struct axon_loss_batch *b)
{
    for (size_t place = 0; place < b->rows * b->inner; place++) {
        float *at = v + place / b->inner * b->outputs * b->inner + place % b->inner;
        double sum = 0;

        for (size_t j = 0; j < b->outputs; j++)
            sum += (double)at[j * b->inner];
        for (size_t j = 0; j < b->outputs; j++)
            at[j * b->inner] = (float)(sum > 0 ? (double)at[j * b->inner] / sum : j == 0);
    }
}

static inline bool is_off(const struct axon_loss *loss, const struct axon_loss_options *o,
                          const char *name)
{
    unsigned i = axon_loss_parameter_find(loss, name);

    return i < loss->parameters_count && o->values[i] == 0;
}

static inline void random_values(const struct axon_loss *loss, const struct axon_loss_options *o,
                                 const struct axon_loss_batch *b, double scale, int variant)
{
    bool probable = is_off(loss, o, "from_logits"), positive = is_off(loss, o, "log_input");
    enum axon_target domain = axon_loss_domain(loss, o);

    for (size_t i = 0; i < b->rows * b->outputs * b->inner; i++) {
        double u = random_unit();

        input[i] = (float)(probable || positive ? 0.01 + 0.98 * u : scale * (2 * u - 1));
        targets[i] = (float)random_target(domain, scale, variant % 4 == 1);
        variances[i] = (float)(i % 7 == 0 ? 0 : 3 * random_unit());
    }
    if (domain == AXON_TARGET_DISTRIBUTION)
        normalise(targets, b);
    if (domain == AXON_TARGET_DISTRIBUTION && probable)
        normalise(input, b);
    for (size_t j = 0; j < b->outputs; j++) {
        weight[j] = j == 3 ? 0 : (float)(0.2 + 2 * random_unit());
        pos_weight[j] = (float)(3 * random_unit());
    }
}

/* A class, or the label that does not count: now and then, not in the first row. */
static inline void random_labels(const struct axon_loss *loss, const struct axon_loss_options *o,
                                 const struct axon_loss_batch *b)
{
    int32_t ignore = (int32_t)o->values[axon_loss_parameter_find(loss, "ignore_index")];

    for (size_t i = 0; i < b->rows * b->inner; i++) {
        labels[i] = (int32_t)(random_bits() % b->outputs);
        if (i < b->inner && labels[i] == ignore)
            labels[i] = b->outputs > 2 ? 2 : ignore;
        if (i >= b->inner && random_bits() % 4 == 0)
            labels[i] = ignore;
    }
}

static inline struct axon_loss_batch random_batch(const struct axon_loss *loss, size_t rows,
                                                  size_t outputs, size_t inner, double scale,
                                                  int variant, struct axon_loss_options *o)
{
    struct axon_loss_batch b = {.rows = rows, .outputs = outputs, .inner = inner, .input = input};

    random_options(loss, variant, o);
    random_values(loss, o, &b, scale, variant);
    if (loss->labels)
        random_labels(loss, o, &b);
    if (loss->labels && (loss->labels_only || variant % 2 == 0))
        b.labels = labels;
    else
        b.targets = targets;
    b.variances = loss->variances ? variances : NULL;
    return b;
}

#endif
