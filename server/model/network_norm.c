/* network_norm.c - batch normalizations among the layers of config.json, and which dense layer each
 * is folded into.
 *
 * The dense layer in front of one takes it, unless that has an activation between them or does not
 * exist; then the next one does. Invariant: a config that is read has no norm without a layer. */
#include <stdio.h>
#include <string.h>
#include "model/network.h"

/* As PyTorch's state_dict has them. */
const char *const config_norm_keys[NORM_PARTS] = {
    [NORM_WEIGHT] = "weight",
    [NORM_BIAS] = "bias",
    [NORM_MEAN] = "running_mean",
    [NORM_VARIANCE] = "running_var",
};

static bool is_identity(const struct config_layer *layer)
{
    return strcmp(layer->activation->name, "identity") == 0;
}

/* Keras adds 1e-3 by default, everybody else 1e-5. */
static enum error_id epsilon_read(struct config_norm *norm, const struct axon_dialect *dialect,
                                  const struct place *at, const json_t *json)
{
    const json_t *value = json_member(json, "epsilon");
    char found[OBJECT_FOUND_MAX];

    norm->epsilon = strncmp(dialect->name, "keras", 5) == 0 ? 1e-3 : 1e-5;
    if (!value)
        return ERROR_OK;
    norm->epsilon = json_number_value(value);
    if (json_is_number(value) && norm->epsilon >= 0 && norm->epsilon <= 1)
        return ERROR_OK;
    return object_fail(at, "epsilon", ERROR_BAD_FIELD, "expected a number from 0 to 1, found %s",
                       object_found(value, found));
}

static enum error_id parts_read(struct config_norm *norm, const struct place *at,
                                const json_t *json)
{
    for (size_t part = 0; part < NORM_PARTS; part++) {
        struct config_values *v = &norm->parts[part];
        snprintf(v->tensor, sizeof v->tensor, "%s.%s", norm->name, config_norm_keys[part]);
        if (network__values_read(v, at, json, config_norm_keys[part], 0, norm->width))
            return at->error->id;
        if (v->source == CONFIG_NONE && part >= NORM_MEAN) /* null is absent, so the default */
            v->source = CONFIG_DEFAULT;
    }
    return ERROR_OK;
}

/* The norm is followed by its own activation, which becomes that of the layer in front. */
static enum error_id fold_after(struct network *c, const struct place *at, const json_t *json)
{
    return json_member(json, "activation")
               ? network__activation_read(&c->layers[c->layers_count - 1], c->dialect, at, json)
               : 0;
}

/* Nothing may come between the norm and the layer that takes it. */
static enum error_id fold_before(struct network *c, struct config_norm *norm,
                                 const struct place *at, const json_t *json)
{
    const json_t *value = json_member(json, "activation"), *name = value;
    const struct config_layer *previous = c->layers_count ? &c->layers[c->layers_count - 1] : NULL;

    norm->layer = c->layers_count;
    norm->before = true;
    if (json_is_object(value))
        name = json_member(value, "name");
    if (!value || (json_is_string(name) && (strcmp(json_string_value(name), "identity") == 0 ||
                                            strcmp(json_string_value(name), "linear") == 0)))
        return ERROR_OK;
    if (!previous)
        return object_fail(at, "activation", ERROR_BAD_FIELD,
                           "no layer is in front of this batch_norm, so the next one takes it, and "
                           "no activation can be between them");
    return object_fail(
        at, "activation", ERROR_BAD_FIELD,
        "layers[%zu] has the activation %s, so the next layer takes this batch_norm, "
        "and no activation can be between them",
        previous->place, previous->activation->name);
}

static enum error_id name_check(const struct network *c, const struct config_norm *norm,
                                const struct place *at)
{
    for (const struct config_norm *other = c->norms; other < norm; other++)
        if (strcmp(other->name, norm->name) == 0)
            return object_fail(at, "name", ERROR_BAD_FIELD,
                               "\"%s\" is the name of layers[%zu] already", norm->name,
                               other->place);
    return ERROR_OK;
}

enum error_id network__norm_read(struct network *network, const struct place *at,
                                 const json_t *json, size_t place)
{
    static const struct object_key keys[] = {KEY("name", NAME, struct config_norm, name),
                                             KEY_ANY("type"),
                                             KEY_ANY("epsilon"),
                                             KEY_ANY("activation"),
                                             KEY_ANY("weight"),
                                             KEY_ANY("bias"),
                                             KEY_ANY("running_mean"),
                                             KEY_ANY("running_var"),
                                             KEY_END};
    struct config_norm *norm = &network->norms[network->norms_count++]; /* fini finds it */
    const struct config_layer *previous = network->layers_count
                                              ? &network->layers[network->layers_count - 1]
                                              : NULL;

    norm->place = place;
    norm->width = previous ? previous->units : network->features;
    snprintf(norm->name, sizeof norm->name, "batch_norm%zu", network->norms_count);
    if (object_read(at, json, keys, norm) || name_check(network, norm, at) ||
        epsilon_read(norm, network->dialect, at, json) || parts_read(norm, at, json))
        return at->error->id;
    if (!previous || !is_identity(previous))
        return fold_before(network, norm, at, json);
    norm->layer = network->layers_count - 1;
    return fold_after(network, at, json);
}

enum error_id network__norms_check(const struct network *network, const struct place *top)
{
    const struct config_norm *last = network->norms + network->norms_count - 1;
    char path[OBJECT_PATH_MAX];
    struct place at = {top->file, path, top->error};

    if (network->norms_count == 0 || last->layer < network->layers_count)
        return ERROR_OK;
    snprintf(path, sizeof path, "layers[%zu]", last->place);
    return object_fail(
        &at, NULL, ERROR_BAD_FIELD,
        "a batch_norm after an activation needs a dense layer behind it, which takes "
        "it; there is none");
}
