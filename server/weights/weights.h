/* weights.h - the numbers of every layer, from wherever the config says: a weights file, inline, or
 * an initialiser.
 *
 * It knows file formats by name, and that all but safetensors are refused. */
#ifndef WEIGHTS_WEIGHTS_H
#define WEIGHTS_WEIGHTS_H

#include <axon/mlp.h>
#include "model/config.h"
#include "model/version.h"

/* Weights, bias and slopes of every layer, and once more what batch normalizations make of them. */
enum { WEIGHTS_OWNED_MAX = 5 * CONFIG_LAYERS_MAX };

struct weights {
    struct axon_layer layers[CONFIG_LAYERS_MAX]; /* for axon_mlp_create(); point into the arrays */
    float *owned[WEIGHTS_OWNED_MAX];
    size_t owned_count;
    bool random; /* some layer was initialised, not trained */
};

/* The names that a weights file may have; only one may be there. The second is Hugging Face's. */
enum { WEIGHTS_FILES = 2 };
extern const char *const weights_files[WEIGHTS_FILES];

/* 0 and *w is new (config must outlive it), or -1 and error. A tensor that no layer takes is an
 * error if it could be a layer's, and "ignore_tensors" does not name it; else a finding. */
int weights_read(struct weights *w, const struct config *config, const struct version_source *from,
                 struct error *error);
void weights_fini(struct weights *w);

/* If the folder holds a model in a format that is not read, say what it is and what to do:
 * "1/model.pt: pickle files run code ...". folder is relative to dirfd and ends with a slash; "" is
 * dirfd itself. True if so. */
bool weights_foreign(int dirfd, const char *folder, struct error *error);

#endif
