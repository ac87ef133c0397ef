/* test_lib_losses.h - every loss from the textbook's formula, in long double, straight and
 * unreduced.
 *
 * reference_losses() knows the public header only: option by option what PyTorch's documentation
 * says, with no regard for cancellation or speed. A row of loss.def without a reference does not
 * compile. */
#ifndef LOSSES_H
#define LOSSES_H

#include <math.h>
#include "axon/loss.h"

/* A value and what belongs to it; p: the loss's parameters in loss.def's order. */
struct value {
    long double x, y, variance, pos_weight;
    const double *p;
};

/* loss, its slope by x, and the sum of the absolute values of the terms that it is made of. */
struct outcome {
    long double loss, slope, size;
};

static inline struct outcome outcome(long double loss, long double slope)
{
    return (struct outcome){loss, slope, fabsl(loss)};
}

static inline long double minus_log(long double p)
{
    return p > 0 && -logl(p) < 100 ? -logl(p) : 100;
}

static inline long double softplus(long double x)
{
    return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}

static inline long double sigmoid(long double x)
{
    return 1 / (1 + expl(-x));
}

static inline struct outcome reference_binary_cross_entropy(const struct value *v)
{
    long double yes = v->y * v->pos_weight, no = 1 - v->y, x = v->x, spread = x * (1 - x);

    if (v->p[0] != 0)
        return outcome(yes * softplus(-x) + no * softplus(x), no * sigmoid(x) - yes * sigmoid(-x));
    return outcome(yes * minus_log(x) + no * minus_log(1 - x),
                   (no * x - yes * (1 - x)) / (spread > 1e-12L ? spread : 1e-12L));
}

static inline struct outcome reference_mse(const struct value *v)
{
    return outcome((v->x - v->y) * (v->x - v->y), 2 * (v->x - v->y));
}

static inline struct outcome reference_l1(const struct value *v)
{
    return outcome(fabsl(v->x - v->y), (long double)((v->x > v->y) - (v->x < v->y)));
}

static inline struct outcome reference_huber(const struct value *v)
{
    long double d = v->x - v->y, delta = v->p[0];

    if (fabsl(d) <= delta)
        return outcome(d * d / 2, d);
    return outcome(delta * (fabsl(d) - delta / 2), d > 0 ? delta : -delta);
}

static inline struct outcome reference_smooth_l1(const struct value *v)
{
    long double d = v->x - v->y, beta = v->p[0];

    if (fabsl(d) < beta)
        return outcome(d * d / (2 * beta), d / beta);
    return outcome(fabsl(d) - beta / 2, (long double)((d > 0) - (d < 0)));
}

static inline struct outcome reference_log_cosh(const struct value *v)
{
    long double d = fabsl(v->x - v->y), s = sinhl(d);

    return outcome(d > 20 ? d - logl(2) : log1pl(s * s) / 2, tanhl(v->x - v->y));
}

static inline struct outcome reference_hinge(const struct value *v)
{
    long double y = v->y > 0 ? 1 : -1, lacking = v->p[0] - y * v->x;

    return lacking > 0 ? outcome(lacking, -y) : outcome(0, 0);
}

static inline struct outcome reference_focal(const struct value *v)
{
    struct value plain = {.x = v->x, .y = v->y, .pos_weight = 1, .p = v->p};
    struct outcome h = reference_binary_cross_entropy(&plain);
    long double alpha = v->p[1], gamma = v->p[2], y = v->y;
    long double p = v->p[0] != 0 ? sigmoid(v->x) : v->x;
    long double q = v->p[0] != 0 ? sigmoid(-v->x) : 1 - v->x, miss = y * q + (1 - y) * p;
    long double a = alpha < 0 ? 1 : alpha * y + (1 - alpha) * (1 - y), power = powl(miss, gamma);
    long double turn = (1 - 2 * y) * (v->p[0] != 0 ? p * q : 1) * (gamma > 0 ? gamma / miss : 0);

    return outcome(a * power * h.loss, a * power * (h.slope + turn * h.loss));
}

static inline struct outcome reference_kl_div(const struct value *v)
{
    long double y = v->p[0] != 0 ? expl(v->y) : v->y, log_y = v->p[0] != 0 ? v->y : logl(v->y);
    long double log_x = v->p[1] != 0 ? v->x : logl(v->x);

    if (y == 0)
        return outcome(0, 0);
    return (struct outcome){y * (log_y - log_x), v->p[1] != 0 ? -y : -y / v->x,
                            y * (fabsl(log_y) + fabsl(log_x))};
}

static inline struct outcome reference_poisson_nll(const struct value *v)
{
    long double x = v->x, y = v->y, pi = acosl(-1), full = 0, rate, log_rate;

    rate = v->p[0] != 0 ? expl(x) : x;
    log_rate = v->p[0] != 0 ? x : logl(x + (long double)v->p[2]);
    if (v->p[1] != 0 && y > 1)
        full = y * logl(y) - y + logl(2 * pi * y) / 2;
    return (struct outcome){rate - y * log_rate + full,
                            v->p[0] != 0 ? rate - y : 1 - y / (x + (long double)v->p[2]),
                            fabsl(rate) + fabsl(y * log_rate) + fabsl(full) + y};
}

static inline struct outcome reference_gaussian_nll(const struct value *v)
{
    long double eps = v->p[1], variance = v->variance < eps ? eps : v->variance, d = v->x - v->y;
    long double full = v->p[0] != 0 ? logl(2 * acosl(-1)) : 0;

    return (struct outcome){(logl(variance) + d * d / variance + full) / 2, d / variance,
                            fabsl(logl(variance)) + d * d / variance + full};
}

/* ---- places ---- */

/* Output j of a place: where it stands, what it weighs and what is asked of it. */
struct place {
    const struct axon_loss_batch *batch;
    const struct axon_loss_options *options;
    size_t at, number;
};

static inline long double input_of(const struct place *l, size_t j)
{
    return (long double)l->batch->input[l->at + j * l->batch->inner];
}

static inline long double weight_of(const struct place *l, size_t j)
{
    return l->options->weight ? (long double)l->options->weight[j] : 1;
}

static inline long double share_of(const struct place *l, size_t j)
{
    const struct axon_loss_batch *b = l->batch;
    long double smoothing = l->options->values[1], y;

    if (b->labels && b->labels[l->number] == (int32_t)l->options->values[2])
        return 0;
    y = b->labels ? (long double)(b->labels[l->number] == (int32_t)j)
                  : (long double)b->targets[l->at + j * b->inner];
    return weight_of(l, j) * ((1 - smoothing) * y + smoothing / (long double)b->outputs);
}

/* gradient [outputs], inner apart */
static inline struct outcome reference_cross_entropy(const struct place *l, long double *gradient)
{
    size_t n = l->batch->outputs, inner = l->batch->inner;
    long double sum = 0, all = 0, loss = 0;

    for (size_t j = 0; j < n; j++) {
        sum += expl(input_of(l, j));
        all += share_of(l, j);
    }
    for (size_t j = 0; j < n; j++) {
        long double x = input_of(l, j), t = share_of(l, j);

        if (l->options->values[0] != 0) {
            loss += t * (logl(sum) - x);
            gradient[j * inner] = all * expl(x) / sum - t;
        } else {
            loss += t * minus_log(x);
            gradient[j * inner] = -t / (x > 1e-12L ? x : 1e-12L);
        }
    }
    return outcome(loss, 0);
}

static inline struct outcome reference_nll(const struct place *l, long double *gradient)
{
    int32_t label = l->batch->labels[l->number];
    bool counts = label != (int32_t)l->options->values[0];
    long double weight = counts ? weight_of(l, (size_t)label) : 0;

    for (size_t j = 0; j < l->batch->outputs; j++)
        gradient[j * l->batch->inner] = counts && (int32_t)j == label ? -weight : 0;
    return outcome(counts ? -weight * input_of(l, (size_t)label) : 0, 0);
}

/* ---- a batch ---- */

#define REFERENCE_ELEMENTWISE(id) {.value = reference_##id},
#define REFERENCE_CLASSWISE(id)   {.place = reference_##id},
static const struct {
    struct outcome (*value)(const struct value *v);
    struct outcome (*place)(const struct place *l, long double *gradient);
} references[] = {
#define LOSS(id, KIND, ...) REFERENCE_##KIND(id)
#include "loss.def"
#undef LOSS
};
enum { LOSSES = sizeof references / sizeof *references };

/* Unreduced: losses [rows, outputs, inner] or, classwise, [rows, inner]; gradient of their sum. */
static inline void reference_losses(size_t loss, const struct axon_loss_batch *b,
                                    const struct axon_loss_options *o, struct outcome *losses,
                                    long double *gradient)
{
    size_t values = b->rows * b->outputs * b->inner;

    for (size_t i = 0; references[loss].place && i < b->rows * b->inner; i++) {
        size_t at = i / b->inner * b->outputs * b->inner + i % b->inner;
        struct place l = {.batch = b, .options = o, .at = at, .number = i};

        losses[i] = references[loss].place(&l, gradient + at);
    }
    for (size_t i = 0; references[loss].value && i < values; i++) {
        size_t j = i / b->inner % b->outputs;
        long double weight = o->weight ? (long double)o->weight[j] : 1;
        struct value v = {.x = (long double)b->input[i],
                          .y = (long double)b->targets[i],
                          .variance = b->variances ? (long double)b->variances[i] : 1,
                          .pos_weight = o->pos_weight ? (long double)o->pos_weight[j] : 1,
                          .p = o->values};

        losses[i] = references[loss].value(&v);
        gradient[i] = weight * losses[i].slope;
        losses[i].loss *= weight;
        losses[i].size *= weight;
    }
}

static inline int32_t ignored(size_t loss, const struct axon_loss_options *o)
{
    size_t count;
    const struct axon_loss *row = &axon_loss_table(&count)[loss];

    return (int32_t)o->values[axon_loss_parameter_find(row, "ignore_index")];
}

/* The divisor of the sum of a batch's losses. */
static inline long double reference_divisor(size_t loss, const struct axon_loss_batch *b,
                                            const struct axon_loss_options *o)
{
    struct place l = {.batch = b, .options = o};
    long double places = (long double)(b->rows * b->inner), sum = 0;

    if (o->reduction == AXON_REDUCTION_BATCHMEAN)
        return (long double)b->rows;
    if (o->reduction != AXON_REDUCTION_MEAN)
        return 1;
    if (references[loss].value)
        return places * (long double)b->outputs;
    for (size_t i = 0; b->labels && i < b->rows * b->inner; i++)
        sum += b->labels[i] == ignored(loss, o) ? 0 : weight_of(&l, (size_t)b->labels[i]);
    return b->labels ? sum : places;
}

#endif
