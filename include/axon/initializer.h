/* axon/initializer.h - random weights for layers that come without: He, Glorot, LeCun.
 *
 * A scheme keeps the variance of a signal as it goes through the layers: Var w = gain^2 / features
 * (He, LeCun), 2 gain^2 / (features + units) (Glorot, which weighs the way back as well). The gain
 * makes up for what the activation takes away. */
#ifndef AXON_INITIALIZER_H
#define AXON_INITIALIZER_H

#include <stddef.h>
#include <stdint.h>
#include "axon/activation.h"

#ifdef __cplusplus
extern "C" {
#endif

struct axon_initializer;

/* "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "lecun_uniform";
 * NULL if unknown. */
const struct axon_initializer *axon_initializer_find(const char *name);
const char *const *axon_initializer_names(size_t *count);

/* weight [units, features]: independent draws with mean 0 and the variance of the scheme at its own
 * gain (He: sqrt 2, Glorot and LeCun: 1), the same on every machine for the same seed and stream
 * (one stream per layer; any two pairs of seed and stream are unrelated). Normal draws are not
 * truncated, as in PyTorch (Keras cuts its normal ones at two standard deviations); uniform ones
 * are from (-a, a), a = sqrt(3 Var w). features * units fits a size_t; 0 is a no-op. */
void axon_initializer_fill(const struct axon_initializer *init, uint64_t seed, uint64_t stream,
                           size_t features, size_t units, float *weight);

/* The same with another gain. AXON_EPARAM, and nothing is written, if it is negative, not finite as
 * a float, or so large that a weight might not be: 12 standard deviations. */
enum axon_status axon_initializer_fill_gain(const struct axon_initializer *init, double gain,
                                            uint64_t seed, uint64_t stream, size_t features,
                                            size_t units, float *weight);

/* The gain that goes with an activation and its parameters (as axon_activation_check(); NULL: the
 * defaults). An activation that is straight on either side of 0 (relu, leaky_relu, prelu ...) has
 * sqrt(2 / (f(1)^2 + f(-1)^2)), which keeps the mean square exactly: sqrt 2 for relu, sqrt(2 / (1 +
 * alpha^2)) for a leak of alpha; over PReLU's channels alpha^2 is averaged. All others have their
 * row's gain (5/3 for tanh, 3/4 for selu), whatever the parameters. The values are those of
 * torch.nn.init.calculate_gain, where that knows the activation. NaN if the parameters are not in
 * their domain, infinite if f is 0. */
double axon_initializer_gain(const struct axon_activation *act, const float *params,
                             size_t params_count);

#ifdef __cplusplus
}
#endif

#endif
