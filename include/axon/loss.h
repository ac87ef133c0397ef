/* axon/loss.h - losses by name, each fused with the activation of the output layer it belongs to.
 *
 * Cross-entropy takes logits and does the softmax itself, binary cross-entropy the sigmoid: log of
 * a probability that has been rounded to 0 or 1 is lost, and the gradient by the logits is simply
 * p - y. Probabilities are taken too, where `from_logits` is 0. Names, options and their defaults
 * are those of torch.nn.functional. Everything is computed in double, in forms that do not
 * overflow, within 2^-36 of the largest term; arrays are [rows, outputs, inner] row-major, as
 * PyTorch has its class dimension at 1: element (r, j, i) stands at x[(r * outputs + j) * inner +
 * i] and a plain matrix has inner 1. */
#ifndef AXON_LOSS_H
#define AXON_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "axon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AXON_LOSS_ALIASES_MAX = 8, AXON_LOSS_VARIANTS_MAX = 3, AXON_LOSS_PARAMETERS_MAX = 3 };

/* The things that one loss compares. */
enum axon_loss_kind {
    AXON_LOSS_ELEMENTWISE, /* a value of the input and a value of the targets                   */
    AXON_LOSS_CLASSWISE    /* the outputs of one place (r, i) and its class                     */
};

/* The values that a target may have. */
enum axon_target {
    AXON_TARGET_FINITE,       /* any finite number                                              */
    AXON_TARGET_NONNEGATIVE,  /* finite, not below 0                                            */
    AXON_TARGET_SIGN,         /* 1 or -1; 0 is read as -1                                       */
    AXON_TARGET_PROBABILITY,  /* in [0, 1]                                                      */
    AXON_TARGET_DISTRIBUTION, /* in [0, 1], sums to 1 within AXON_DISTRIBUTION_TOLERANCE        */
    AXON_TARGET_COUNT
};
#define AXON_DISTRIBUTION_TOLERANCE 1e-3

/* How the losses become one number. */
enum axon_reduction {
    AXON_REDUCTION_MEAN, /* over all values, or over all places, weighed by their labels' weights */
    AXON_REDUCTION_SUM,
    AXON_REDUCTION_NONE,      /* as sum, for those who want the single losses                   */
    AXON_REDUCTION_BATCHMEAN, /* the sum divided by rows                                        */
    AXON_REDUCTION_COUNT
};

enum axon_loss_parameter_kind { AXON_LOSS_NUMBER, AXON_LOSS_INTEGER, AXON_LOSS_BOOLEAN };

struct axon_loss_parameter {
    const char *name, *description; /* "delta", one line                                        */
    enum axon_loss_parameter_kind kind;
    double value, minimum, maximum; /* default; closed domain                                   */
};

/* Another name of the loss that means other defaults, as Keras's do. */
struct axon_loss_variant {
    const char *name;
    enum axon_reduction reduction;
    const char *parameter; /* the one whose default differs, or NULL                            */
    double value;
};

/* A row of lib/loss.def. Immutable, static storage. */
struct axon_loss {
    const char *name;                               /* "cross_entropy"                          */
    const char *aliases[AXON_LOSS_ALIASES_MAX + 1]; /* NULL-terminated                          */
    enum axon_loss_kind kind;
    const char *input;      /* what it takes of the network: "logits" or "predictions"          */
    const char *inputs;     /* a sentence                                                       */
    const char *activation; /* fused into it, by name: "softmax", "sigmoid", "identity"         */
    const char *formula, *latex; /* of one place or value, at the default options               */
    const char *gradient;        /* of the mean loss by the input, plain text                   */
    const char *mean;            /* what the mean is the mean over                              */
    const char *targets;         /* a sentence                                                  */
    const char *pros, *cons, *use, *source;
    enum axon_target target;
    bool labels_only, labels; /* takes a class index per place; takes targets besides           */
    bool weight, pos_weight, variances; /* takes these arrays                                   */
    unsigned parameters_count;
    struct axon_loss_parameter parameters[AXON_LOSS_PARAMETERS_MAX];
    unsigned variants_count;
    struct axon_loss_variant variants[AXON_LOSS_VARIANTS_MAX];
};

/* How a loss is meant. axon_loss_find() and axon_loss_defaults() fill it in. */
struct axon_loss_options {
    enum axon_reduction reduction;
    double values[AXON_LOSS_PARAMETERS_MAX]; /* in the order of loss->parameters                */
    const float *weight, *pos_weight;        /* [outputs], finite, >= 0; NULL: all 1            */
};

/* The rows that a loss compares: exactly one of targets and labels is not NULL. */
struct axon_loss_batch {
    size_t rows, outputs, inner; /* all >= 1; inner is 1 for a matrix                           */
    const float *input;          /* [rows, outputs, inner]; any value, also NaN and +-inf, but
                                    in the targets' domain where from_logits is 0               */
    const float *targets;        /* [rows, outputs, inner], in the loss's domain                */
    const int32_t *labels;       /* [rows, inner], each in 0 .. outputs - 1 or ignore_index     */
    const float *variances;      /* [rows, outputs, inner], finite, >= 0; if the loss has them  */
};

/* The caller sets the arrays that it wants, and NULL for the others. */
struct axon_loss_result {
    double loss;     /* the losses, reduced                                                     */
    float *losses;   /* each: elementwise [rows, outputs, inner], classwise [rows, inner]       */
    float *per_row;  /* elementwise [rows]: the row's losses, their mean if the reduction is mean,
                        else their sum. Classwise [rows, inner]: as losses                      */
    float *gradient; /* [rows, outputs, inner]: d loss / d input                                */
};

/* The first thing that is wrong with a batch or its options: an index into that array. */
enum axon_loss_array {
    AXON_LOSS_INPUT,
    AXON_LOSS_TARGETS,
    AXON_LOSS_LABELS,
    AXON_LOSS_VARIANCES,
    AXON_LOSS_WEIGHT,
    AXON_LOSS_POS_WEIGHT,
    AXON_LOSS_PARAMETERS, /* options->values */
    AXON_LOSS_ARRAYS_COUNT
};
struct axon_loss_place {
    enum axon_loss_array array;
    size_t index;
};

/* The loss of that name, alias or variant, or NULL; case, '_' and '-' do not count ("MSELoss").
 * options (NULL: not wanted) are what the name means by default. Static storage. */
const struct axon_loss *axon_loss_find(const char *name, struct axon_loss_options *options);

/* The options that a loss has by default. */
void axon_loss_defaults(const struct axon_loss *loss, struct axon_loss_options *options);

/* The index of the parameter of that name, or parameters_count. */
unsigned axon_loss_parameter_find(const struct axon_loss *loss, const char *name);

/* The whole table, in the order of loss.def. Static storage. */
const struct axon_loss *axon_loss_table(size_t *count);

/* "mean", "sum", "none", "batchmean"; NULL for any other number. Static storage. */
const char *axon_reduction_name(enum axon_reduction reduction);

/* The targets' domain, given the options: log_target makes it FINITE. */
enum axon_target axon_loss_domain(const struct axon_loss *loss,
                                  const struct axon_loss_options *options);

/* AXON_OK if axon_loss_apply() takes the batch and the options. AXON_ESHAPE: rows, outputs or inner
 * is 0 (a mean over nothing) or the batch cannot exist in memory. AXON_EUNSUPPORTED: labels or
 * targets for a loss that takes none, or not exactly one of them; variances, weight or pos_weight
 * for a loss that takes none, or none for one that needs them; no such reduction. AXON_EPARAM: a
 * value is outside its domain; *place (NULL: not wanted) is where, or the first value of a
 * distribution that does not sum to 1. AXON_EALIGN for an array that does not begin where a float
 * may. */
enum axon_status axon_loss_check(const struct axon_loss *loss, const struct axon_loss_batch *batch,
                                 const struct axon_loss_options *options,
                                 struct axon_loss_place *place);

/* The losses of a batch, and the gradient of what they are reduced to. options NULL: the defaults.
 *
 * The mean of a classwise loss is divided by the sum of the weights of its labels, that of targets
 * by their number, as PyTorch does it; NaN if every label is ignored. gradient may be batch->input
 * or batch->targets itself; no output may overlap an input or another output otherwise.
 *
 * Each result is rounded to float once (a loss beyond FLT_MAX becomes +inf). A NaN of the input
 * makes its own place's loss NaN, and what that is reduced to; of the gradient only its place
 * (classwise) or itself. A logit of -inf is a masked class: its probability is 0, and the loss is
 * +inf only if the target asks for it; +inf makes a cross-entropy NaN, as softmax. A logit that
 * its target weighs with 0 does not count, be it infinite, and neither does an ignored place, be it
 * NaN. The logarithm of a probability is not taken to be below -100, and a gradient's divisor not
 * below 1e-12, as in PyTorch's binary_cross_entropy. Returns what axon_loss_check() returns,
 * AXON_EALIGN, or AXON_EOVERLAP for an overlap that is not allowed, and writes nothing unless that
 * is AXON_OK. Never allocates; any number of threads at once. */
enum axon_status axon_loss_apply(const struct axon_loss *loss, const struct axon_loss_batch *batch,
                                 const struct axon_loss_options *options,
                                 struct axon_loss_result *result);

/* The same in pieces, for callers that look at the clock between them. The members are axon's. */
struct axon_loss_pass {
    const struct axon_loss *loss;
    struct axon_loss_batch batch;
    struct axon_loss_options options;
    struct axon_loss_result *result;
    size_t next;                       /* the first value or place that is not done            */
    double sum, row_sum, scale, share; /* of the result; of the row that is being summed       */
};

/* Checks all that axon_loss_apply() checks, and tells the place as axon_loss_check() does. result
 * is borrowed, as are the arrays, until axon_loss_advance() has returned false. */
enum axon_status axon_loss_start(struct axon_loss_pass *pass, const struct axon_loss *loss,
                                 const struct axon_loss_batch *batch,
                                 const struct axon_loss_options *options,
                                 struct axon_loss_result *result, struct axon_loss_place *place);

/* Do about so many values of the input more, at least one place; false: all is done, and
 * result->loss is set. */
bool axon_loss_advance(struct axon_loss_pass *pass, size_t values);

#ifdef __cplusplus
}
#endif

#endif
