/* axon/dialect.h - what a framework means by the name of an activation.
 *
 * PyTorch, Keras, JAX and ONNX use one name for different slopes, forms and axes. lib/dialect.def
 * has what differs from torch; what is not there means the same everywhere. */
#ifndef AXON_DIALECT_H
#define AXON_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include "axon/activation.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A row of lib/dialect.def. Immutable, static storage. */
struct axon_dialect {
    const char *name;  /* "keras2"              */
    const char *title; /* "Keras up to 2.15"    */
};

/* Which axis of a tensor per-channel parameters belong to, where the caller does not say. */
enum axon_channels {
    AXON_CHANNELS_SECOND, /* dimension 1; of a vector, its only one                 */
    AXON_CHANNELS_LAST,   /* dimension -1                                           */
    AXON_CHANNELS_ALL     /* all but dimension 0: a parameter per element of a row  */
};

struct axon_meaning {
    const struct axon_activation *activation;
    float params[AXON_PARAMETERS_MAX]; /* the dialect's defaults: activation->parameters_count */
    enum axon_channels channels;
    const char *note; /* what differs from torch, in a few words; NULL: nothing           */
};

/* The dialect of that name (case-sensitive), or NULL. Static storage. */
const struct axon_dialect *axon_dialect_find(const char *name);

/* All of them; the first is torch, the default. Static storage. */
const struct axon_dialect *axon_dialect_table(size_t *count);

/* The activation that the name or alias means in the dialect (NULL: torch): true and *meaning,
 * whose parameters are in their domain, or false if there is no such activation. */
bool axon_dialect_meaning(const struct axon_dialect *dialect, const char *name,
                          struct axon_meaning *meaning);

#ifdef __cplusplus
}
#endif

#endif
