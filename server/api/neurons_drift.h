/* neurons_drift.h - the drift of a layer's units from the baseline, in the answer of
 * GET /v1/models/{model}/neurons. */
#ifndef API_NEURONS_DRIFT_H
#define API_NEURONS_DRIFT_H

#include "base/error.h"
#include "neurons/drift.h"

/* One layer of the baseline, and what a window says of it. */
struct neurons_drift {
    const struct baseline *baseline;
    const struct axon_neurons *n;
    const struct axon_neurons_unit *units; /* [units of the layer] in the window */
    size_t layer;
    enum axon_window window;
    double now_s;
};

/* psi of a unit; 0 of no rows. */
double neurons_drift_of(const struct neurons_drift *d, size_t unit);

/* Append ,"drift":...,"drift_noise":...,"top_shifted":[...],"newly_dead":...; top_shifted names as
 * many as top_k units, what has moved most first, none without a verdict. False: out of memory. */
bool neurons_drift_put(const struct neurons_drift *d, uint64_t top_k, struct buf *out);

#endif
