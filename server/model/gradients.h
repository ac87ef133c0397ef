/* gradients.h - back-propagation of the loss of a model's task over many rows, in pieces: how large
 * the gradients of each layer are, what that says, and the gradient by the input.
 *
 * Weights are those that are served: a batch normalization has become part of its layer. */
#ifndef MODEL_GRADIENTS_H
#define MODEL_GRADIENTS_H

#include <axon/backward.h>
#include <axon/loss.h>
#include "model/model.h"

/* The loss that a model is trained with. */
struct gradients_loss {
    const struct axon_loss *loss; /* cross_entropy, binary_cross_entropy or mse */
    enum axon_upstream at;        /* PRE: of the logits; POST: of the outputs   */
    bool labels;                  /* class indexes will do for targets          */
};

/* A classifier's loss is that of the logits in front of a final softmax or sigmoid, or of outputs
 * that are logits themselves (identity): the cross-entropy, of one output or several labels the
 * binary one. A regression's is the mean squared error of the outputs. Without a task the final
 * softmax or sigmoid tells. ERROR_BAD_REQUEST: another activation at a classifier's output, or a
 * rowwise one in a hidden layer. */
enum error_id gradients_loss(const struct model *m, struct gradients_loss *loss,
                             struct error *error);

/* One layer. Norms are Euclidean, in double. */
struct gradients_layer {
    double weight_norm, bias_norm; /* of dL/dweight, dL/dbias                                 */
    double activation_norm;        /* of dL/dz over rows and units, z before the activation   */
    double derivative_mean;        /* mean |f'(z)|; NAN: rowwise, it has none                 */
    double ratio_to_last;          /* RMS of dL/dz to the last layer's; NAN if that is 0      */
};

enum gradients_verdict {
    GRADIENTS_NONE,      /* the last layer's gradient is 0: nothing goes back        */
    GRADIENTS_HEALTHY,   /* all ratios within 1e-3 .. 1e3                            */
    GRADIENTS_VANISHING, /* the smallest ratio is below                              */
    GRADIENTS_EXPLODING  /* the largest one is above, or something is not finite     */
};
const char *gradients_verdict_name(enum gradients_verdict verdict); /* NULL for none */

/* The caller fills in the first group and calls gradients_start(). */
struct gradients {
    const struct model *model;
    struct gradients_loss of;
    size_t rows;           /* >= 1 */
    const float *x;        /* [rows, features] */
    const float *targets;  /* [rows, outputs], or NULL: */
    const int32_t *labels; /* [rows], each a class */
    float *by_input;       /* [rows, features] dL/dx, written; or NULL */

    struct gradients_layer *layers; /* [layers_count], complete at the end */
    double loss;
    enum gradients_verdict verdict;

    size_t piece_rows, rows_done, layers_done;
    struct axon_layer_gradients *to; /* [layers_count]                          */
    float *upstream, *slopes;        /* [piece_rows, outputs], [.., widest layer] */
    void *scratch;                   /* of axon_mlp_forward_keep()              */
};

/* Seconds of one CPU, about. */
double gradients_s(const struct model *m, size_t rows);

/* So many rows are a piece, which takes about 20 ms at most. */
size_t gradients_piece_rows(const struct model *m, size_t rows);

/* Bytes of scratch that so many rows of a piece take on their way there and back (axon/backward.h).
 */
size_t gradients_scratch_bytes(const struct model *m, size_t rows);

/* Units of the widest layer. */
size_t gradients_units_max(const struct model *m);

/* Bytes of memory that gradients_start() takes. */
size_t gradients_bytes(const struct model *m, size_t rows);
void gradients_start(struct gradients *g, void *memory);

/* Do a piece. AXON_OK: *more says if there is one left. AXON_EPARAM: a target is outside of the
 * loss's domain; *index is where, in targets. */
enum axon_status gradients_advance(struct gradients *g, bool *more, size_t *index);

#endif
