/* digest.h - the SHA-256 of a version's weights, to which its baselines are bound: over each
 * layer's weight [units, features], then its bias, if it was given one, as little-endian float32.
 *
 * It takes longer than everything else at a load, so it is made where somebody needs it, from the
 * packed network, a piece at a time. */
#ifndef MODEL_DIGEST_H
#define MODEL_DIGEST_H

#include <stdbool.h>
#include "base/sha256.h"
#include "model/model.h"

/* How far one is. */
struct digest {
    struct sha256 sum;
    size_t layer, unit; /* the next ones */
};

void digest_start(struct digest *d);

/* Do a piece; true: there is more. At the end, at once if anybody has come there before,
 * m->baseline has it. Any number of threads at once, each with a digest of its own. */
bool digest_advance(struct digest *d, const struct model *m);

#endif
