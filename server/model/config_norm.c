/* config_norm.c - batch normalizations among the layers of config.json, and which dense layer each
 * is folded into.
 *
 * The dense layer in front of one takes it, unless that has an activation between them or does not
 * exist; then the next one does. Invariant: a config that is read has no norm without a layer. */
#include <stdio.h>
#include <string.h>
#include "model/config.h"

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
static int epsilon_read(struct config_norm *norm, const struct axon_dialect *dialect,
                        const struct place *at, const json_t *json)
{
    const json_t *value = json_member(json, "epsilon");
    char found[FIELD_FOUND_MAX];

    norm->epsilon = strncmp(dialect->name, "keras", 5) == 0 ? 1e-3 : 1e-5;
    if (!value)
        return 0;
    norm->epsilon = json_number_value(value);
    if (json_is_number(value) && norm->epsilon >= 0 && norm->epsilon <= 1)
        return 0;
    return field_fail(at, "epsilon", "expected a number from 0 to 1, found %s",
                      field_found(value, found));
}

static int parts_read(struct config_norm *norm, const struct place *at, const json_t *json)
{
    for (size_t part = 0; part < NORM_PARTS; part++) {
        struct config_values *v = &norm->parts[part];
        snprintf(v->tensor, sizeof v->tensor, "%s.%s", norm->name, config_norm_keys[part]);
        if (config__values_read(v, at, json, config_norm_keys[part], 0, norm->width) != 0)
            return -1;
        if (v->source == CONFIG_NONE && part >= NORM_MEAN) /* null is absent, so the default */
            v->source = CONFIG_DEFAULT;
    }
    return 0;
}

/* The norm is followed by its own activation, which becomes that of the layer in front. */
static int fold_after(struct config *c, const struct place *at, const json_t *json)
{
    return json_member(json, "activation")
               ? config__activation_read(&c->layers[c->layers_count - 1], c->dialect, at, json)
               : 0;
}

/* Nothing may come between the norm and the layer that takes it. */
static int fold_before(struct config *c, struct config_norm *norm, const struct place *at,
                       const json_t *json)
{
    const json_t *value = json_member(json, "activation"), *name = value;
    const struct config_layer *previous = c->layers_count ? &c->layers[c->layers_count - 1] : NULL;

    norm->layer = c->layers_count;
    norm->before = true;
    if (json_is_object(value))
        name = json_member(value, "name");
    if (!value || (json_is_string(name) && (strcmp(json_string_value(name), "identity") == 0 ||
                                            strcmp(json_string_value(name), "linear") == 0)))
        return 0;
    if (!previous)
        return field_fail(at, "activation",
                          "no layer is in front of this batch_norm, so the next one takes it, and "
                          "no activation can be between them");
    return field_fail(at, "activation",
                      "layers[%zu] has the activation %s, so the next layer takes this batch_norm, "
                      "and no activation can be between them",
                      previous->place, previous->activation->name);
}

static int name_check(const struct config *c, const struct config_norm *norm,
                      const struct place *at)
{
    for (const struct config_norm *other = c->norms; other < norm; other++)
        if (strcmp(other->name, norm->name) == 0)
            return field_fail(at, "name", "\"%s\" is the name of layers[%zu] already", norm->name,
                              other->place);
    return 0;
}

int config__norm_read(struct config *config, const struct place *at, const json_t *json,
                      size_t place)
{
    static const char *const keys[] = {"name",         "type",        "epsilon",
                                       "activation",   "weight",      "bias",
                                       "running_mean", "running_var", NULL};
    struct config_norm *norm = &config->norms[config->norms_count++]; /* fini finds it */
    const struct config_layer *previous = config->layers_count
                                              ? &config->layers[config->layers_count - 1]
                                              : NULL;

    norm->place = place;
    norm->width = previous ? previous->units : config->features;
    snprintf(norm->name, sizeof norm->name, "batch_norm%zu", config->norms_count);
    if (field_keys(at, json, keys) != 0 || field_name(at, json, "name", norm->name) != 0 ||
        name_check(config, norm, at) != 0 || epsilon_read(norm, config->dialect, at, json) != 0 ||
        parts_read(norm, at, json) != 0)
        return -1;
    if (!previous || !is_identity(previous))
        return fold_before(config, norm, at, json);
    norm->layer = config->layers_count - 1;
    return fold_after(config, at, json);
}

int config__norms_check(const struct config *config, const struct place *top)
{
    const struct config_norm *last = config->norms + config->norms_count - 1;
    struct place at = {.file = top->file, .error = top->error};

    if (config->norms_count == 0 || last->layer < config->layers_count)
        return 0;
    snprintf(at.path, sizeof at.path, "layers[%zu]", last->place);
    return field_fail(&at, NULL,
                      "a batch_norm after an activation needs a dense layer behind it, which takes "
                      "it; there is none");
}
