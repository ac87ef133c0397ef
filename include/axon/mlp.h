/* axon/mlp.h - a multilayer perceptron: dense layers, forward in batch.
 *
 * A model is immutable after create and may be used by any number of threads at once; what changes
 * during predict is the caller's scratch and tally, one per worker. Predict never allocates. */
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

/* AXON_ESHAPE for a zero or overflowing dimension, AXON_EPARAM, AXON_ENOMEM, AXON_EUNSUPPORTED for
 * a gated activation, which would halve the units. *out is new, or NULL. */
enum axon_status axon_mlp_create(const struct axon_mlp_spec *spec, struct axon_mlp **out);
void axon_mlp_destroy(struct axon_mlp *mlp);

size_t axon_mlp_features(const struct axon_mlp *mlp);
size_t axon_mlp_outputs(const struct axon_mlp *mlp); /* units of the last layer */
size_t axon_mlp_layers_count(const struct axon_mlp *mlp);
size_t axon_mlp_layer_units(const struct axon_mlp *mlp, size_t layer);
uint64_t axon_mlp_parameters_count(const struct axon_mlp *mlp); /* weights and given biases */

/* Bytes of scratch that predict needs, whatever the number of rows; scratch is 64-byte aligned. */
size_t axon_mlp_scratch_bytes(const struct axon_mlp *mlp);

/* A tally counts, over rows, on how many each hidden unit of an activation that has exact zeros
 * with its parameters (axon_activation_has_zeros()) fired, was not 0: one uint32_t per unit of
 * every layer, layer l's from axon_mlp_tally_offset(l) on. Layers that are not counted (no exact
 * zeros, or the output) keep their zeros, and so does what lies between the units of one layer and
 * the offset of the next. */
size_t axon_mlp_tally_size(const struct axon_mlp *mlp); /* in uint32_t */
size_t axon_mlp_tally_offset(const struct axon_mlp *mlp, size_t layer);
int axon_mlp_layer_tallied(const struct axon_mlp *mlp, size_t layer);

/* y = network(x).
 *
 *   x        [rows, features] f32
 *   y        [rows, outputs] f32; must not overlap x
 *   scratch  axon_mlp_scratch_bytes(), 64-byte aligned, of this worker alone
 *   tally    axon_mlp_tally_size() counts, added to (rows <= UINT32_MAX per tally), or NULL
 *
 * rows == 0 is a no-op. Never allocates, never fails, starts no thread.
 *
 * A row of y depends on its row of x, the model and the ISA in use (axon/cpu.h), and on nothing
 * else: it is bitwise the same alone and in any batch, wherever in memory the batch lies, whatever
 * stands in the other rows. So a batch may be cut and joined at will. Before bias and activation a
 * unit errs by at most (min(features, 128) + features / 128 + 1) * 2^-24 times the sum of
 * |x| |weight|, because features are summed 128 at a time. */
void axon_mlp_predict(const struct axon_mlp *mlp, const float *x, size_t rows, float *y,
                      void *scratch, uint32_t *tally);

#ifdef __cplusplus
}
#endif

#endif
