/* network_values.c - numbers and activations of config.json: a tensor's name, numbers that stand
 * there, or null. Below dense layers and normalizations, which both have them. */
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
        layer->params_given |= values[i] != NULL;
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
