/* filling.h - what the parts of weights.c share while a version's layers are filled. */
#ifndef WEIGHTS_FILLING_H
#define WEIGHTS_FILLING_H

#include "weights/stored.h"
#include "weights/weights.h"

struct filling {
    struct weights *w;
    const struct network *network;
    const struct version_source *from;
    struct stored_file file;     /* file.path is NULL if there is no weights file */
    char path[VERSION_PATH_MAX]; /* "1/weights.safetensors" */
    struct error *error;
};

/* [count] zeros that the weights own; NULL and error. */
float *filling_own(struct filling *f, size_t count);

/* The tensor of that name, of that shape, as a layer's; whose says which: "the weight of
 * layers[2]". Its numbers are finite. [product of shape] that the weights own, or NULL and error.
 */
const float *filling_take(struct filling *f, const char *whose, const char *name,
                          const uint64_t *shape, size_t rank);

/* Fold the batch normalizations of this layer, which is filled, into its weight and bias. 0, or -1
 * and error. */
int filling_fold(struct filling *f, size_t layer);

/* Once all layers are filled: 0, or -1 and error if a tensor is left that could be a layer's. */
int filling_leftover(struct filling *f);

#endif
