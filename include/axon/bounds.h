/* axon/bounds.h - between which values a network stays, proven by interval arithmetic: what every
 * unit can be before and after its activation while each feature of the input stays in its range.
 *
 * The bounds hold for what axon_mlp_predict() computes, in float32, on any ISA: products are
 * widened by its error bound (axon/mlp.h), activations by their ulp_max, and both are rounded
 * outward. They are sound and not tight: a bound need not be reached, since each unit is taken for
 * as bad as it can be alone. */
#ifndef AXON_BOUNDS_H
#define AXON_BOUNDS_H

#include <stddef.h>
#include "axon/mlp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct axon_interval {
    float low, high; /* both belong to it; low <= high */
};

/* y: an interval that holds f(x) for every x of the given ones, as axon_activation_forward()
 * computes it.
 *
 *   x       [n], no NaN; the units of one row. -inf and +inf are allowed
 *   params  see axon_activation_check(); channels = n
 *   y       [n]; may be x itself
 *
 * -inf to +inf where f(x) may be NaN or nothing better is known. sparsemax is bounded by its range
 * alone. AXON_EPARAM as axon_activation_check(); AXON_EUNSUPPORTED for a gated activation. Never
 * allocates. */
enum axon_status axon_activation_image(const struct axon_activation *act, const float *params,
                                       size_t params_count, const struct axon_interval *x,
                                       struct axon_interval *y, size_t n);

/* A verdict on a unit of which the activation, with its parameters, has exact zeros
 * (axon_activation_has_zeros()); a unit of another activation stays unproven. */
enum axon_proof {
    AXON_PROOF_NONE,
    AXON_PROOF_DEAD,   /* is 0 for every input in the range       */
    AXON_PROOF_LINEAR, /* is not 0 for any of them: relu is then a straight line */
};

struct axon_bounds;

/* The bounds of every layer while low[f] <= x[f] <= high[f] for each feature f (before scale and
 * offset).
 *
 *   low, high  [features] f32, finite, low <= high: else AXON_EPARAM
 *
 * The work is that of two rows of the network. *out is new, or NULL; AXON_ENOMEM. */
enum axon_status axon_bounds_create(const struct axon_mlp *mlp, const float *low, const float *high,
                                    struct axon_bounds **out);
void axon_bounds_destroy(struct axon_bounds *bounds);

/* The layer's units before and after the activation, [units] each; borrowed from the bounds. An
 * infinite one may overflow, and then be NaN; so may all of the layers after it. */
const struct axon_interval *axon_bounds_before(const struct axon_bounds *bounds, size_t layer);
const struct axon_interval *axon_bounds_after(const struct axon_bounds *bounds, size_t layer);

/* The verdict on one unit of a layer. */
enum axon_proof axon_bounds_proof(const struct axon_bounds *bounds, size_t layer, size_t unit);

#ifdef __cplusplus
}
#endif

#endif
