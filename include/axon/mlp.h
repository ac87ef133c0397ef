/* axon/mlp.h - a multilayer perceptron: dense layers, forward in batch.
 *
 * A model is immutable after create and may be used by any number of threads at once; what changes
 * during predict is the caller's scratch and watch, one per worker. Predict never allocates. */
#ifndef AXON_MLP_H
#define AXON_MLP_H

#include <stddef.h>
#include <stdint.h>
#include "axon/activation.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AXON_MLP_LAYERS_MAX = 1024 };

struct axon_layer {
    size_t units;
    const float *weight; /* [units, features] row-major, as PyTorch has it; copied (packed)   */
    const float *bias;   /* [units], or NULL for zeros; copied                                */
    const struct axon_activation *activation;
    const float *params; /* as axon_activation_check(), channels = units; copied              */
    size_t params_count;
};

struct axon_mlp_spec {
    size_t features;             /* of the input                                             */
    const float *scale, *offset; /* [features] or NULL: the network sees x * scale + offset  */
    const struct axon_layer *layers;
    size_t layers_count; /* >= 1                                                     */
};

struct axon_mlp;
struct axon_watch;

/* AXON_ESHAPE for a zero or overflowing dimension, AXON_EPARAM, AXON_ENOMEM, AXON_EUNSUPPORTED for
 * a gated activation, which would halve the units. *out is new, or NULL. */
enum axon_status axon_mlp_create(const struct axon_mlp_spec *spec, struct axon_mlp **out);
void axon_mlp_destroy(struct axon_mlp *mlp);

size_t axon_mlp_features(const struct axon_mlp *mlp);
size_t axon_mlp_outputs(const struct axon_mlp *mlp); /* units of the last layer */
size_t axon_mlp_layers_count(const struct axon_mlp *mlp);
size_t axon_mlp_layer_units(const struct axon_mlp *mlp, size_t layer);
uint64_t axon_mlp_parameters_count(const struct axon_mlp *mlp); /* weights and given biases */

/* Weights of one unit of a layer, by which it takes the features first .. first + count - 1, as
 * axon_mlp_create() was given them, into weight [count]. */
void axon_mlp_weights(const struct axon_mlp *mlp, size_t layer, size_t unit, size_t first,
                      size_t count, float *weight);
float axon_mlp_bias(const struct axon_mlp *mlp, size_t layer, size_t unit); /* 0: none was given */

/* Bytes of scratch that predict needs, whatever the number of rows; scratch is 64-byte aligned. */
size_t axon_mlp_scratch_bytes(const struct axon_mlp *mlp);

/* Whether a watch (axon/watch.h) sees the layer: all but the last one are watched. */
int axon_mlp_layer_watched(const struct axon_mlp *mlp, size_t layer);

/* sum over k of |w_k|, the weights by which the next layer takes the output of `unit`; layer is not
 * the last one. */
double axon_mlp_outgoing(const struct axon_mlp *mlp, size_t layer, size_t unit);

/* y = network(x).
 *
 *   x        [rows, features] f32
 *   y        [rows, outputs] f32; must not overlap x
 *   scratch  axon_mlp_scratch_bytes(), 64-byte aligned, of this worker alone
 *   watch    is added to, or NULL
 *
 * rows == 0 is a no-op. Never allocates, never fails, starts no thread.
 *
 * A row of y depends on its row of x, the model and the ISA in use (axon/cpu.h), and on nothing
 * else: it is bitwise the same alone and in any batch, wherever in memory the batch lies, whatever
 * stands in the other rows. So a batch may be cut and joined at will. Before bias and activation a
 * unit errs by at most (min(features, 128) + features / 128 + 1) * 2^-24 times the sum of
 * |x| |weight|, because features are summed 128 at a time. */
void axon_mlp_predict(const struct axon_mlp *mlp, const float *x, size_t rows, float *y,
                      void *scratch, struct axon_watch *watch);

/* Some of the rows, and who watches them: NULL, or a watch that stands in the list only once. */
struct axon_watched {
    size_t rows;
    struct axon_watch *watch;
};

/* The same for rows of which the first list[0].rows are watched by list[0].watch, the next by
 * list[1].watch, and so on. Where watched rows are not finite, their block (256 rows at most) is
 * computed three times. */
void axon_mlp_predict_watched(const struct axon_mlp *mlp, const float *x, float *y, void *scratch,
                              const struct axon_watched *list, size_t count);

#ifdef __cplusplus
}
#endif

#endif
