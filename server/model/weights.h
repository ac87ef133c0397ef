/* weights.h - the numbers of every layer, from wherever the config says: a weights file, inline, or
 * an initialiser.
 *
 * It knows file formats by name, and that all but safetensors are refused. */
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include <axon/mlp.h>
#include "model/config.h"

struct weights {
    struct axon_layer layers[CONFIG_LAYERS_MAX]; /* for axon_mlp_create(); point into the arrays */
    float *owned[2 * CONFIG_LAYERS_MAX];
    size_t owned_count;
    bool random; /* some layer was initialised, not trained */
};

/* Where the tensors of a version are, for files and for the log. */
struct weights_origin {
    int dirfd; /* of the model's folder */
    const char *model;
    uint64_t version;
};

/* 0 and *w is new (config must outlive it), or -1 and error. Tensors that no layer takes are
 * logged. */
int weights_read(struct weights *w, const struct config *config, const struct weights_origin *from,
                 struct model_error *error);
void weights_fini(struct weights *w);

/* If the folder holds a model in a format that is not read, say what it is and what to do:
 * "model.pt: pickle files run code ...". folder is relative to dirfd, "." for itself. True if so.
 */
bool weights_foreign(int dirfd, const char *folder, struct model_error *error);

#endif
