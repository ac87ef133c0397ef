/* weights.h - the numbers of every layer, from wherever the config says: a weights file, inline, or
 * an initialiser. It knows no format. */
#ifndef WEIGHTS_WEIGHTS_H
#define WEIGHTS_WEIGHTS_H

#include <axon/mlp.h>
#include "model/network.h"
#include "model/version.h"

/* Weights, bias and slopes of every layer, and once more what batch normalizations make of them. */
enum { WEIGHTS_OWNED_MAX = 5 * CONFIG_LAYERS_MAX };

struct weights {
    struct axon_layer layers[CONFIG_LAYERS_MAX]; /* for axon_mlp_create(); point into the arrays */
    float *owned[WEIGHTS_OWNED_MAX];
    size_t owned_count;
    bool drawn[CONFIG_LAYERS_MAX];           /* it was initialised, not trained */
    char unused[CONFIG_TENSOR_NAME_MAX + 1]; /* a tensor that no layer takes and that could
                                                not be a layer's; "": none */
};

/* 0 and *w is new (network must outlive it), or -1 and error. A tensor that no layer takes is an
 * error if it could be a layer's, and "ignore_tensors" does not name it; else a finding. */
int weights_read(struct weights *w, const struct network *network,
                 const struct version_source *from, struct error *error);
void weights_fini(struct weights *w);

#endif
