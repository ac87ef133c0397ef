/* catalogue.h - names and parameters of the core's tables as JSON has them, once for requests and
 * for config.json.
 *
 * Knows no activation by name. Errors have the place that the caller gives: "parameters.alpha",
 * "config.json: layers[1].activation.alpha". */
#ifndef CATALOGUE_CATALOGUE_H
#define CATALOGUE_CATALOGUE_H

#include <axon/activation.h>
#include <axon/dialect.h>
#include "base/nearest.h"
#include "json/object.h"

/* nearest_hint() among all names and aliases of activations, and of losses. */
const char *catalogue_activation_hint(char hint[static NEAREST_HINT_MAX], const char *name);
const char *catalogue_loss_hint(char hint[static NEAREST_HINT_MAX], const char *name);

/* "dialect": value's, or the default if it is absent. */
enum error_id catalogue_dialect(const struct place *at, const json_t *value,
                                const struct axon_dialect **dialect);

/* The keys of an activation's parameters, NULL-terminated: their own names and other frameworks'.
 * Returns how many. */
enum { CATALOGUE_KEYS_MAX = 2 * AXON_PARAMETERS_MAX };
size_t catalogue_keys(const struct axon_activation *act, const char **keys);

/* The object's value for each parameter, under whichever name; NULL: absent. It may have the key
 * `beside` as well, if that is not NULL, and no other. Borrowed. */
enum error_id catalogue_find(const struct place *at, const struct axon_activation *act,
                             const json_t *object, const char *beside,
                             const json_t *values[static AXON_PARAMETERS_MAX]);

/* Those values as numbers, into scalars [act->parameters_count], which holds the defaults; a list
 * of a per-channel parameter becomes *list [channels], new (the caller's also on failure), unless
 * one number stands for all. */
enum error_id catalogue_values(const struct place *at, const struct axon_activation *act,
                               const json_t *const *values, size_t channels, float *scalars,
                               float **list);

/* Are params [count] in their domain, as axon_activation_check() has it? */
enum error_id catalogue_check(const struct place *at, const struct axon_activation *act,
                              const float *params, size_t count, size_t channels);

/* The double that JSON's 9 digits show as the shortest text of the float: 0.2 of 0.2f. */
double catalogue_printable(float value);

#endif
