/* network_layers.c - the layers of config.json: dimensions, activations, and where their numbers
 * come from.
 *
 * It knows the tables of the core, no files. Invariant: layer l's features are layer l-1's units,
 * and the products of both are checked against the bounds before anything is allocated by them. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/network.h"
#include "catalogue/catalogue.h"

/* "initializer" and "seed", of a layer or of all of them. */
static enum error_id initializer_read(struct config_layer *layer, const struct place *at,
                                      const json_t *json)
{
    static const struct object_key seed = KEY_RANGE("seed", WHOLE, struct config_layer, seed, 0,
                                                    INT64_MAX, false);
    size_t count;
    unsigned chosen = UINT_MAX;
    const char *const *names = axon_initializer_names(&count);
    const struct object_choices choices = {names, count, sizeof *names};

    if (object_value(at, &seed, json_member(json, seed.name), layer) ||
        object_choice(at, "initializer", json_member(json, "initializer"), choices, &chosen))
        return at->error->id;
    if (chosen < count)
        layer->initializer = axon_initializer_find(names[chosen]);
    return ERROR_OK;
}

static enum error_id sources_read(struct config_layer *layer, const struct place *at,
                                  const json_t *json)
{
    snprintf(layer->weight.tensor, sizeof layer->weight.tensor, "%s.weight", layer->name);
    snprintf(layer->bias.tensor, sizeof layer->bias.tensor, "%s.bias", layer->name);
    if (network__values_read(&layer->weight, at, json, "weight", layer->units, layer->features) ||
        network__values_read(&layer->bias, at, json, "bias", 0, layer->units) ||
        initializer_read(layer, at, json))
        return at->error->id;
    if (!json_member(json, "initializer"))
        return ERROR_OK;
    if (layer->weight.source != CONFIG_DEFAULT)
        return object_fail(at, "initializer", ERROR_BAD_FIELD,
                           "the layer has a \"weight\" already");
    layer->weight.source = CONFIG_RANDOM;
    return ERROR_OK;
}

/* units * (features + 1) summed over the layers stays within the bound; units and features are at
 * most 2^16 each, so a product fits 64 bits. */
static enum error_id parameters_count_check(const struct config_layer *layer,
                                            const struct place *at, uint64_t *total)
{
    *total += (uint64_t)layer->units * ((uint64_t)layer->features + 1);
    if (*total <= CONFIG_PARAMETERS_MAX)
        return ERROR_OK;
    return object_fail(at, "units", ERROR_LIMIT_EXCEEDED,
                       "%llu weights up to this layer, at most %d", (unsigned long long)*total,
                       CONFIG_PARAMETERS_MAX);
}

static enum error_id layer_read(struct network *c, struct config_layer *layer,
                                const struct place *at, const json_t *json, uint64_t *parameters)
{
    static const struct object_key keys[] = {
        KEY("name", NAME, struct config_layer, name),
        KEY_ANY("type"),
        KEY_RANGE("units", SIZE, struct config_layer, units, 1, CONFIG_UNITS_MAX, true),
        KEY_ANY("activation"),
        KEY_ANY("weight"),
        KEY_ANY("bias"),
        KEY_ANY("initializer"),
        KEY_ANY("seed"),
        KEY_END};

    if (object_read(at, json, keys, layer) || parameters_count_check(layer, at, parameters))
        return at->error->id;
    for (const struct config_layer *l = c->layers; l < layer; l++)
        if (strcmp(l->name, layer->name) == 0)
            return object_fail(at, "name", ERROR_BAD_FIELD,
                               "\"%s\" is the name of layers[%zu] already", layer->name, l->place);
    if (network__activation_read(layer, c->dialect, at, json))
        return at->error->id;
    return sources_read(layer, at, json);
}

/* Is the entry a batch normalization? */
static enum error_id type_read(const struct place *at, const json_t *entry, bool *is_norm)
{
    static const char *const types[] = {"dense", "batch_norm"};
    static const struct object_choices choices = {types, 2, sizeof *types};
    char found[OBJECT_FOUND_MAX];
    unsigned type = 0;
    enum error_id id;

    if (!json_is_object(entry))
        return object_fail(at, NULL, ERROR_BAD_FIELD, "expected an object, found %s",
                           object_found(entry, found));
    id = object_choice(at, "type", json_member(entry, "type"), choices, &type);
    *is_norm = type == 1;
    return id;
}

static size_t dense_count(const json_t *entries)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(entries); i++) {
        const char *type = json_string_value(json_member(json_array_get(entries, i), "type"));
        count += !type || strcmp(type, "batch_norm") != 0;
    }
    return count;
}

static enum error_id entries_read(struct network *network, const struct place *top,
                                  const json_t *entries, const struct config_layer *defaults)
{
    uint64_t parameters = 0;
    size_t n = json_array_size(entries), dense = dense_count(entries);

    for (size_t i = 0; i < n; i++) {
        char path[OBJECT_PATH_MAX];
        struct place at = {top->file, path, top->error};
        const json_t *entry = json_array_get(entries, i);
        bool first = network->layers_count == 0, is_norm = false;

        snprintf(path, sizeof path, "layers[%zu]", i);
        if (type_read(&at, entry, &is_norm) ||
            (is_norm && network__norm_read(network, &at, entry, i)))
            return top->error->id;
        if (is_norm)
            continue;
        struct config_layer *layer = &network->layers[network->layers_count++]; /* fini finds it */
        *layer = *defaults;
        layer->place = i;
        layer->features = first ? network->features : layer[-1].units;
        if (network->layers_count == dense)
            snprintf(layer->name, sizeof layer->name, "output");
        else
            snprintf(layer->name, sizeof layer->name, "hidden%zu", network->layers_count);
        if (layer_read(network, layer, &at, entry, &parameters))
            return top->error->id;
    }
    return network__norms_check(network, top);
}

enum error_id network__layers_read(struct network *network, const struct place *top,
                                   const json_t *json)
{
    struct config_layer defaults = {0};
    const json_t *entries = json_member(json, "layers");
    size_t dense, norms;

    network->dialect_given = json_member(json, "dialect") != NULL;
    if (catalogue_dialect(top, json_member(json, "dialect"), &network->dialect) ||
        initializer_read(&defaults, top, json))
        return top->error->id;
    dense = dense_count(entries);
    norms = json_array_size(entries) - dense;
    if (dense < 1 || dense > CONFIG_LAYERS_MAX)
        return object_fail(top, "layers", ERROR_BAD_FIELD,
                           "expected an array of 1 to %d layers, found %zu", CONFIG_LAYERS_MAX,
                           dense);
    if (norms > CONFIG_NORMS_MAX)
        return object_fail(top, "layers", ERROR_LIMIT_EXCEEDED,
                           "%zu batch normalizations, at most %d", norms, CONFIG_NORMS_MAX);
    network->layers = calloc(dense, sizeof *network->layers);
    network->norms = calloc(norms + 1, sizeof *network->norms);
    if (!network->layers || !network->norms)
        return object_fail(top, "layers", ERROR_OUT_OF_MEMORY, "out of memory");
    return entries_read(network, top, entries, &defaults);
}
