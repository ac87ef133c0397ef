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

static enum error_id tensor_name_read(char name[static CONFIG_TENSOR_NAME_MAX + 1],
                                      const struct place *at, const char *key, const json_t *value)
{
    size_t length = json_string_length(value);
    char found[OBJECT_FOUND_MAX];

    if (length < 1 || length > CONFIG_TENSOR_NAME_MAX)
        return object_fail(at, key, ERROR_BAD_FIELD,
                           "expected a tensor's name of 1 to %d bytes, found %s",
                           CONFIG_TENSOR_NAME_MAX, object_found(value, found));
    memcpy(name, json_string_value(value), length + 1);
    return ERROR_OK;
}

/* The dialect's defaults. */
static enum error_id parameters_default(struct config_layer *layer, const struct place *at,
                                        const struct axon_meaning *meaning)
{
    size_t count = meaning->activation->parameters_count;

    if (count == 0)
        return ERROR_OK;
    layer->params = calloc(count, sizeof *layer->params);
    if (!layer->params)
        return object_fail(at, NULL, ERROR_OUT_OF_MEMORY, "out of memory");
    layer->params_count = count;
    memcpy(layer->params, meaning->params, count * sizeof *layer->params);
    return ERROR_OK;
}

/* {"name": "leaky_relu", "alpha": 0.01}; a per-channel parameter may be the tensor that has it. */
static enum error_id parameters_read(struct config_layer *layer, const struct place *at,
                                     const json_t *activation)
{
    const struct axon_activation *act = layer->activation;
    const json_t *values[AXON_PARAMETERS_MAX];
    float *list = NULL;
    enum error_id id = catalogue_find(at, act, activation, "name", values);

    for (unsigned i = 0; i < act->parameters_count && !id; i++)
        if (act->parameters[i].per_channel && json_is_string(values[i])) {
            id = tensor_name_read(layer->params_tensor, at, act->parameters[i].name, values[i]);
            values[i] = NULL;
        }
    if (!id)
        id = catalogue_values(at, act, values, layer->units, layer->params, &list);
    if (list) {
        free(layer->params);
        layer->params = list;
        layer->params_count = layer->units;
    }
    return id ? id : catalogue_check(at, act, layer->params, layer->params_count, layer->units);
}

enum error_id network__activation_read(struct config_layer *layer,
                                       const struct axon_dialect *dialect, const struct place *at,
                                       const json_t *json)
{
    const json_t *value = json_member(json, "activation"), *name = value;
    char path[OBJECT_PATH_MAX];
    const struct place inner = {at->file, path, at->error};
    struct axon_meaning meaning;
    char found[OBJECT_FOUND_MAX], hint[NEAREST_HINT_MAX];

    if (!value)
        return object_fail(at, "activation", ERROR_BAD_FIELD,
                           "missing; expected a name, for instance \"relu\"");
    if (json_is_object(value))
        name = json_member(value, "name");
    if (!json_is_string(name))
        return object_fail(at, "activation", ERROR_BAD_FIELD,
                           "expected a name or an object with a name, found %s",
                           object_found(value, found));
    if (!axon_dialect_meaning(dialect, json_string_value(name), &meaning))
        return object_fail(at, "activation", ERROR_BAD_FIELD, "unknown activation \"%.40s\"%s",
                           json_string_value(name),
                           catalogue_activation_hint(hint, json_string_value(name)));
    layer->activation = meaning.activation;
    if (meaning.activation->kind == AXON_GATED)
        return object_fail(
            at, "activation", ERROR_BAD_FIELD,
            "%s is gated: it would halve the layer's %zu units, which no layer takes",
            meaning.activation->name, layer->units);
    if (parameters_default(layer, at, &meaning))
        return at->error->id;
    if (!json_is_object(value))
        return ERROR_OK;
    snprintf(path, sizeof path, "%.32s.activation", at->path);
    return parameters_read(layer, &inner, value);
}

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

/* Inline numbers [rows][columns]; rows 0: a flat array of columns. */
static enum error_id inline_read(struct config_values *v, const struct place *at, const char *key,
                                 const json_t *array, size_t rows, size_t columns)
{
    char found[OBJECT_FOUND_MAX];

    /* The array is as long as rows says before memory is taken for it. */
    if (json_array_size(array) != (rows ? rows : columns))
        return object_fail(
            at, key, ERROR_BAD_FIELD, "expected %zu %s, found %s", rows ? rows : columns,
            rows ? "rows (one per unit)" : "numbers (one per unit)", object_found(array, found));
    v->source = CONFIG_INLINE;
    v->numbers = calloc(rows ? rows * columns : columns, sizeof *v->numbers);
    if (!v->numbers)
        return object_fail(at, key, ERROR_OUT_OF_MEMORY, "out of memory");
    return rows == 0 ? object_floats(at, key, array, v->numbers, columns)
                     : object_rows(at, key, array, v->numbers, rows, columns);
}

/* "weight" or "bias": a tensor's name, numbers, or for a bias null. */
enum error_id network__values_read(struct config_values *v, const struct place *at,
                                   const json_t *json, const char *key, size_t rows, size_t columns)
{
    const json_t *value = json_object_get(json, key);
    char found[OBJECT_FOUND_MAX];

    if (!value || (json_is_null(value) && rows > 0))
        return ERROR_OK;
    if (json_is_array(value))
        return inline_read(v, at, key, value, rows, columns);
    if (json_is_null(value) && rows == 0) {
        v->source = CONFIG_NONE;
        return ERROR_OK;
    }
    if (!json_is_string(value) || json_string_length(value) < 1 ||
        json_string_length(value) > CONFIG_TENSOR_NAME_MAX)
        return object_fail(
            at, key, ERROR_BAD_FIELD, "expected a tensor's name of 1 to %d bytes%s, found %s",
            CONFIG_TENSOR_NAME_MAX, rows ? " or an array of rows" : ", an array of numbers or null",
            object_found(value, found));
    v->source = CONFIG_TENSOR;
    memcpy(v->tensor, json_string_value(value), json_string_length(value) + 1);
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
