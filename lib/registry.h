/* registry.h - an activation's number and its defaults; internal to lib/. */
#ifndef AXON_REGISTRY_H
#define AXON_REGISTRY_H

#include "axon/activation.h"
#include "kernels/kernels.h"

/* Its row in the registry and in every table of kernels: an enum axon_id. */
size_t axon__activation_id(const struct axon_activation *act);

/* params, or, if that is NULL, the row's defaults, which are written to the caller's array and
 * counted in *params_count. */
const float *axon__activation_params(const struct axon_activation *act, const float *params,
                                     size_t *params_count, float defaults[AXON_PARAMETERS_MAX]);

#endif
