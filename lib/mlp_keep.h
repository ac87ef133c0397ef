/* mlp_keep.h - the scratch that a forward pass fills and a backward pass reads; internal to lib/.
 */
#ifndef AXON_MLP_KEEP_H
#define AXON_MLP_KEEP_H

#include "mlp_internal.h"

enum { AXON_SCRATCH_ALIGNMENT = 64 };

/* Where the pre-activations of a layer begin in scratch, in floats; of the layer after the last
 * one: where two arrays to work in begin. */
size_t axon__kept_offset(const struct axon_mlp *mlp, size_t rows, size_t layer);

/* Floats of each of the two. */
size_t axon__work_floats(const struct axon_mlp *mlp, size_t rows);

/* The first layer's input: x [rows, features] itself, or its scaled copy in scratch. */
const float *axon__kept_input(const struct axon_mlp *mlp, const float *x, const void *scratch);

/* The layer's parameters as the kernels take them, in place or in `values`: packed there is one for
 * each unit, which only a per-channel activation wants. */
const float *axon__layer_params(const struct axon__layer *layer, float values[AXON_PARAMETERS_MAX],
                                size_t *count);

#endif
