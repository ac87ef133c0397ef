/* axon/backward.h - back-propagation through a multilayer perceptron.
 *
 * axon_mlp_forward_keep() runs the network and keeps what each layer saw; axon_mlp_backward() walks
 * back from the gradient of the output, or of the last layer's pre-activations, as a loss that is
 * fused with the last activation gives it (axon/loss.h). Both work in the caller's scratch,
 * allocate nothing (a BLAS, axon/cpu.h, has buffers of its own) and may run in any number of
 * threads on one model, each with scratch of its own:
 *
 *     axon_mlp_backward_scratch_bytes(mlp, rows, &bytes);
 *     scratch = aligned_alloc(64, bytes);
 *     axon_mlp_forward_keep(mlp, x, rows, NULL, scratch);
 *     batch.input = axon_mlp_kept_pre(mlp, rows, scratch, axon_mlp_layers_count(mlp) - 1);
 *     axon_loss_apply(cross_entropy, &batch, NULL, &result); // result.gradient = dlogits
 *     axon_mlp_backward(mlp, x, rows, dlogits, AXON_UPSTREAM_PRE, &gradients, scratch);
 *
 * Shapes are row-major. In layer l, pre = in * weight^T + bias and post = activation(pre). */
#ifndef AXON_BACKWARD_H
#define AXON_BACKWARD_H

#include <stddef.h>
#include "axon/mlp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's gradient is the loss's by one of these. */
enum axon_upstream {
    AXON_UPSTREAM_POST, /* the network's output                                             */
    AXON_UPSTREAM_PRE,  /* the last layer's pre-activations: logits                         */
};

/* Where to write the gradients of one layer; NULL for what is not wanted. */
struct axon_layer_gradients {
    float *weight;     /* [units, features], as struct axon_layer has it                    */
    float *bias;       /* [units], also of a layer that has none                            */
    float *slope;      /* [units] PReLU only: by each unit's alpha; a shared one is the sum */
    float *pre, *post; /* [rows, units] by pre- and post-activation                         */
};

struct axon_mlp_gradients {
    float *x;                                  /* [rows, features] by the input, or NULL    */
    const struct axon_layer_gradients *layers; /* [layers_count], or NULL: x only           */
};

/* Bytes of scratch for that many rows, a multiple of 64. AXON_ESHAPE and *bytes = 0 if they do not
 * fit a size_t or a matrix product (2^30 rows). */
enum axon_status axon_mlp_backward_scratch_bytes(const struct axon_mlp *mlp, size_t rows,
                                                 size_t *bytes);

/* y = network(x), and scratch keeps what the calls below need.
 *
 *   x        [rows, features] f32; any value
 *   y        [rows, outputs] f32 or NULL; must not overlap x
 *   scratch  axon_mlp_backward_scratch_bytes(), 64-byte aligned
 *
 * y, and each row of what is kept, is bitwise what axon_mlp_predict() makes of that row, so it does
 * not depend on the batch. rows == 0 is a no-op. AXON_ESHAPE as above, AXON_EALIGN, AXON_EOVERLAP;
 * nothing is written then. */
enum axon_status axon_mlp_forward_keep(const struct axon_mlp *mlp, const float *x, size_t rows,
                                       float *y, void *scratch);

/* [rows, units] of a layer after axon_mlp_forward_keep() with the same rows. Borrowed from scratch,
 * also after axon_mlp_backward(). */
const float *axon_mlp_kept_pre(const struct axon_mlp *mlp, size_t rows, const void *scratch,
                               size_t layer);
const float *axon_mlp_kept_post(const struct axon_mlp *mlp, size_t rows, const void *scratch,
                                size_t layer);

/* Every gradient that is asked for, overwritten (not added to).
 *
 *   x, rows, scratch  those of the axon_mlp_forward_keep() before; what it kept stays as it was, so
 *                     that several upstreams may follow one forward pass
 *   upstream          [rows, outputs] f32, the gradient by what `at` says; with AXON_UPSTREAM_PRE
 *                     the last layer's `post` and `slope` must be NULL
 *
 * An array that is written, scratch included, overlaps no other of these arrays, but that
 * gradients->x may be upstream if it is as large.
 * rows == 0: the gradients of weights, biases and slopes are 0. A NaN or infinity in a row of x or
 * upstream spoils the gradients of weights, biases and slopes, which sum over the rows, and of x,
 * pre and post that row only. Sums over rows of biases and slopes are made in double.
 * At the kink of the relu family the derivative is axon_activation_gradient()'s.
 * AXON_ESHAPE as above; AXON_EPARAM for an `at` that is neither; AXON_EUNSUPPORTED for a slope of
 * another activation than PReLU, or a `post` or `slope` that AXON_UPSTREAM_PRE leaves out;
 * AXON_EALIGN; AXON_EOVERLAP; nothing is written then. */
enum axon_status axon_mlp_backward(const struct axon_mlp *mlp, const float *x, size_t rows,
                                   const float *upstream, enum axon_upstream at,
                                   const struct axon_mlp_gradients *gradients, void *scratch);

/* The same, but what it says of weights, biases and slopes is added to what stands there, so that
 * a batch may come in parts: its gradient is the sum of theirs. */
enum axon_status axon_mlp_backward_add(const struct axon_mlp *mlp, const float *x, size_t rows,
                                       const float *upstream, enum axon_upstream at,
                                       const struct axon_mlp_gradients *gradients, void *scratch);

/* slopes [rows, units] = f'(z) of the layer's activation, with its parameters, at each z of
 * axon_mlp_kept_pre(). AXON_EUNSUPPORTED for a rowwise one, whose values hang together; nothing is
 * written then. */
enum axon_status axon_mlp_slopes(const struct axon_mlp *mlp, size_t rows, const void *scratch,
                                 size_t layer, float *slopes);

/* Euclidean norm of x [n], in double: no overflow, no underflow. 0 for n == 0. */
double axon_norm(const float *x, size_t n);

#ifdef __cplusplus
}
#endif

#endif
