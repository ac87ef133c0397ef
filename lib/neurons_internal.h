/* neurons_internal.h - the counters of a network's units: neurons.c fills them in, neurons_read.c
 * reads them. Internal to lib/.
 *
 * Invariant: every figure is in exactly one place, a part of the ring, `retired` or a row that is
 * kept; since-load is their sum, so adding touches one part only. Who reads has settled what is
 * kept. A part's place in the ring is its number modulo the ring's size; what was there before is
 * retired. A part holds fewer than 2^32 rows. */
#ifndef AXON_NEURONS_INTERNAL_H
#define AXON_NEURONS_INTERNAL_H

#include "axon/neurons.h"
#include "figures.h"
#include "mlp_internal.h"

enum { RING = AXON_NEURONS_PARTS + 1 };

/* A layer of the network, which may be gone. */
struct layer {
    size_t units, stride, first; /* of its units in has_zeros and its kin */
    struct axon__layer_watch watch;
};

/* Figures of some stretch of time. */
struct part {
    uint64_t number;
    double last_s; /* of its newest row */
    struct axon__figures *figures;
};

struct axon_neurons {
    struct axon_evidence evidence;
    struct axon__shape shape;
    size_t features, size; /* size: watched units with padding */
    size_t layers_count;
    struct layer *layers;
    struct axon_not_finite first;
    double first_s;
    bool *has_zeros, *proven; /* [size] */
    float *below;             /* [size]: |f'| where the unit does not fire, AXON__SLOPE_FIRED */
    uint64_t *retired_counts; /* [shape.counts] */
    double *retired_active_s; /* [size] when a unit last fired, or -1 */
    struct axon__figures *retired; /* but for counts */
    struct part ring[RING];
    /* Rows that are to be counted together, all of one part, which has begun. */
    struct part *kept_for;
    size_t kept;
    float *kept_rows; /* [shape.together, shape.moments] */
};

#endif
