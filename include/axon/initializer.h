/* axon/initializer.h - random weights for layers that come without: He, Glorot, LeCun. */
#ifndef AXON_INITIALIZER_H
#define AXON_INITIALIZER_H

#include <stddef.h>
#include <stdint.h>

struct axon_initializer;

/* "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "lecun_uniform";
 * NULL if unknown. */
const struct axon_initializer *axon_initializer_find(const char *name);
const char *const *axon_initializer_names(size_t *count);

/* weight [units, features]: independent draws with mean 0 and the variance of the scheme (He:
 * 2 / features, Glorot: 2 / (features + units), LeCun: 1 / features), the same on every machine for
 * the same seed and stream (one stream per layer). */
void axon_initializer_fill(const struct axon_initializer *init, uint64_t seed, uint64_t stream,
                           size_t features, size_t units, float *weight);

#endif
