/* mlp_internal.h - a packed network, shared by what walks it: mlp.c creates it, mlp_predict.c goes
 * forward, mlp_keep.c too, and mlp_backward.c back. Internal to lib/.
 *
 * Knows the kernels' shapes and nothing of the BLAS. Invariants: all here is written by
 * axon_mlp_create() alone; a padding column may hold anything once it is computed (sigmoid(0),
 * NaN * 0), and no next layer, output or count ever reads one. */
#ifndef AXON_MLP_INTERNAL_H
#define AXON_MLP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include "axon/mlp.h"
#include "figures.h"
#include "kernels/kernels.h"

/* From what the mean of |f'(z)| comes: figures that are there anyway, or rows that are sampled. */
enum axon__slope_from {
    AXON__SLOPE_NONE,    /* rowwise: there is no f' */
    AXON__SLOPE_FIRED,   /* 1 where the unit fires, else a constant */
    AXON__SLOPE_SIGMOID, /* y (1 - y) */
    AXON__SLOPE_TANH,    /* 1 - y^2 */
    AXON__SLOPE_SAMPLED,
};

/* How a layer is watched, and where its units' figures begin. */
struct axon__layer_watch {
    bool on;
    bool full;    /* magnitudes, and counts of both ends: [fired, low, high][stride]; else outputs
                     are never negative, fire by not being 0 and have no range: they tell all */
    bool by_zero; /* a unit fires when its output is not 0 */
    bool ends;    /* saturation is counted: of outputs beyond low_end and high_end, or, if these are
                     NaN, of |f'| below flat */
    float low_end, high_end, flat;
    enum axon__slope_from slope;
    size_t index; /* of the layer */
    size_t counts, moments, magnitudes;
};

/* A dense layer. Units are padded to `stride`, a multiple of AXON_UNITS_MULTIPLE (16), and the
 * weights lie in panels of AXON_PANEL (64) units, one after the other, the last one narrower if
 * stride is no multiple of 64:
 *
 *   panel p   units 64 p ... 64 p + width - 1, width = axon__panel_width(layer, 64 p)
 *   where     axon__panel(layer, 64 p) = weight + 64 p * features; 64-byte aligned
 *   what      [features, width] row-major: weight of feature f and unit 64 p + j at [f * width + j]
 *
 * so that a product runs through one panel after the other from front to back. Padding units have
 * weight 0. As BLAS sees it, a panel is B [k = features, n = width] with ldb = width. */
struct axon__layer {
    size_t features, units, stride;
    size_t id; /* of the activation: its row in every table of kernels */
    enum axon_kind kind;
    struct axon__layer_watch watch;
    float *weight; /* the panels, features * stride floats; owned: bias and params are part of it */
    float *bias;   /* [stride] */
    float *params; /* [AXON_PARAMETERS_MAX, stride]; rowwise: the parameters, one after the other */
    size_t params_count;
};

struct axon_mlp {
    size_t features, outputs;
    float *scale, *offset;    /* [features] each, or NULL; owned */
    size_t width;             /* floats from row to row of the widest activations */
    struct axon__shape shape; /* of its figures */
    uint64_t parameters;
    size_t layers_count;
    struct axon__layer layers[];
};

/* Units of the panel that begins at unit `first`, a multiple of AXON_PANEL. */
static inline size_t axon__panel_width(const struct axon__layer *layer, size_t first)
{
    return layer->stride - first < AXON_PANEL ? layer->stride - first : (size_t)AXON_PANEL;
}

/* Those of them that are no padding. */
static inline size_t axon__panel_units(const struct axon__layer *layer, size_t first)
{
    return layer->units - first < AXON_PANEL ? layer->units - first : (size_t)AXON_PANEL;
}

/* Floats from row to row of the layer's output in scratch: strides of many whole KB would crowd all
 * rows into a few sets of the caches. */
static inline size_t axon__pitch(size_t stride)
{
    return stride % 256 == 0 ? stride + AXON_UNITS_MULTIPLE : stride;
}

static inline float *axon__panel(const struct axon__layer *layer, size_t first)
{
    return layer->weight + first * layer->features;
}

static inline const struct axon_activation *axon__layer_activation(const struct axon__layer *layer)
{
    size_t count;

    return axon_activation_table(&count) + layer->id;
}

/* One unit's parameters. */
static inline void axon__unit_params(const struct axon__layer *layer, size_t unit,
                                     float params[AXON_PARAMETERS_MAX])
{
    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        params[k] = layer->kind == AXON_ROWWISE ? layer->params[k]
                                                : layer->params[k * layer->stride + unit];
}

/* How a hidden layer, packed already, is watched; its figures are appended to the shape. */
void axon__watch_plan(struct axon__layer *layer, size_t index, struct axon__shape *shape);

#endif
