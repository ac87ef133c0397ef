/* axon/loss.h - losses by name, each fused with the activation of the output layer it belongs to.
 *
 * Cross-entropy takes logits and does the softmax itself, binary cross-entropy the sigmoid: log of
 * a probability that has been rounded to 0 or 1 is lost, and the gradient by the logits is simply
 * p - y. Everything is computed in double, in forms that neither overflow nor cancel, within
 * 2^-36 of its terms; the shapes are [rows, outputs] row-major. */
#ifndef AXON_LOSS_H
#define AXON_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "axon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AXON_LOSS_ALIASES_MAX = 2 };

/* What a target must be. */
enum axon_target {
    AXON_TARGET_FINITE,       /* any finite number                                              */
    AXON_TARGET_PROBABILITY,  /* in [0, 1]                                                      */
    AXON_TARGET_DISTRIBUTION, /* in [0, 1], a row sums to 1 within AXON_DISTRIBUTION_TOLERANCE  */
    AXON_TARGET_COUNT
};
#define AXON_DISTRIBUTION_TOLERANCE 1e-3

/* A row of lib/loss.def. Immutable, static storage. */
struct axon_loss {
    const char *name;                               /* "cross_entropy"                          */
    const char *aliases[AXON_LOSS_ALIASES_MAX + 1]; /* NULL-terminated                          */
    const char *input;      /* what it takes of the network: "logits" or "predictions"          */
    const char *activation; /* fused into it, by name: "softmax", "sigmoid", "identity"         */
    const char *formula, *latex; /* of one row's loss                                           */
    const char *gradient;        /* of the mean loss by the input, plain text                   */
    const char *reduction;       /* what `mean` is the mean over                                */
    const char *targets;         /* a sentence                                                  */
    const char *use, *source;
    enum axon_target target;
    bool labels; /* also takes a class index per row instead of targets                         */
};

/* What a loss compares: exactly one of targets and labels is not NULL. */
struct axon_loss_batch {
    size_t rows, outputs;   /* both >= 1                                                        */
    const float *input;     /* [rows, outputs]; any value, also NaN and +-inf                   */
    const float *targets;   /* [rows, outputs], in the loss's domain                            */
    const uint32_t *labels; /* [rows], each < outputs                                           */
};

/* The loss of that name or alias (case-sensitive), or NULL. Static storage. */
const struct axon_loss *axon_loss_find(const char *name);

/* The whole table, in the order of loss.def. Static storage. */
const struct axon_loss *axon_loss_table(size_t *count);

/* AXON_OK if axon_loss_apply() takes the batch. AXON_ESHAPE: rows or outputs is 0 (a mean over
 * nothing) or the batch cannot exist in memory. AXON_EUNSUPPORTED: labels for a loss that takes
 * none, or not exactly one of labels and targets. AXON_EPARAM: a label or target is outside its
 * domain; *bad (NULL: not wanted) is its index, or that of the first target of a row that does not
 * sum to 1. AXON_EALIGN for an array that does not begin where a float may. */
enum axon_status axon_loss_check(const struct axon_loss *loss, const struct axon_loss_batch *batch,
                                 size_t *bad);

/* The mean loss, the loss of each row, and the gradient of the mean; NULL for what is not wanted.
 *
 *   mean      mean of the rows' losses, in double
 *   per_row   [rows] f32: cross-entropy of the row; binary cross-entropy and squared error averaged
 *             over the row's outputs, so that `mean` is PyTorch's default reduction for all three
 *   gradient  [rows, outputs] f32: d mean / d input; may be batch->input or batch->targets itself,
 *             must not overlap them or per_row otherwise
 *
 * per_row and gradient are rounded to float once (a loss beyond FLT_MAX becomes +inf). A NaN of the
 * input makes its own row's loss NaN, and the mean; of the gradient only its row (cross-entropy) or
 * itself. A logit of -inf is a masked class: its probability is 0, and the loss is +inf only if the
 * target asks for it; +inf makes a cross-entropy NaN, as softmax. What a target weighs with 0 does
 * not count, be it infinite. Returns what axon_loss_check() returns, AXON_EALIGN, or AXON_EOVERLAP
 * for an overlap that is not allowed, and writes nothing unless that is AXON_OK. Never allocates;
 * any number of threads at once. */
enum axon_status axon_loss_apply(const struct axon_loss *loss, const struct axon_loss_batch *batch,
                                 double *mean, float *per_row, float *gradient);

#ifdef __cplusplus
}
#endif

#endif
