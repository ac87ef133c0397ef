/* baseline_read.c - baseline.json, checked against the network that it is to belong to.
 *
 * Nothing in it is trusted: names, lengths and ranges are checked before a number is kept. No key
 * is ignored. */
#include <float.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "json/object.h"
#include "neurons/baseline.h"

enum { TOKENS_MAX = 8 << 20 };

static const double LARGEST = FLT_MAX; /* outputs and inputs are float32 */

/* key: a number from least to most. Quantiles are compared to the bit, so this is a double. */
static enum error_id number_read(const struct place *at, const char *key, const json_t *value,
                                 double least, double most, double *number)
{
    char found[OBJECT_FOUND_MAX];

    *number = json_number_value(value);
    if (json_is_number(value) && *number >= least && *number <= most)
        return ERROR_OK;
    return object_fail(at, key, ERROR_BAD_PARAMETER,
                       "expected a number from %.9g to %.9g, found %s", least, most,
                       object_found(value, found));
}

static enum error_id length_check(const struct place *at, const char *key, const json_t *array,
                                  size_t n)
{
    char found[OBJECT_FOUND_MAX];

    if (json_is_array(array) && json_array_size(array) == n)
        return ERROR_OK;
    return object_fail(at, key, ERROR_SHAPE_MISMATCH, "expected an array of %zu numbers, found %s",
                       n, object_found(array, found));
}

static enum error_id numbers_read(const struct place *at, const char *key, const json_t *array,
                                  double least, double most, double *numbers, size_t n)
{
    char element[OBJECT_NAME_MAX];

    if (length_check(at, key, array, n))
        return at->error->id;
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(array, i);
        double number = json_number_value(value);

        if (json_is_number(value) && number >= least && number <= most) {
            numbers[i] = number;
            continue;
        }
        snprintf(element, sizeof element, "%s[%zu]", key, i);
        return number_read(at, element, value, least, most, &numbers[i]);
    }
    return ERROR_OK;
}

/* ---- layers ---- */

static enum error_id layer_read(struct baseline_layer *layer, const struct place *top,
                                const json_t *object)
{
    struct parts {
        const json_t *firing, *mean, *std;
    } p = {NULL};
    static const struct object_key keys[] = {KEY_REQUIRED("firing", ARRAY, struct parts, firing),
                                             KEY_REQUIRED("mean", ARRAY, struct parts, mean),
                                             KEY_REQUIRED("std", ARRAY, struct parts, std),
                                             KEY_END};
    char path[OBJECT_PATH_MAX];
    struct place at = {top->file, path, top->error};
    size_t n = layer->units;

    snprintf(path, sizeof path, "layers.%s", layer->name);
    if (object_read(&at, object, keys, &p) ||
        numbers_read(&at, "firing", p.firing, 0, 1, layer->firing, n) ||
        numbers_read(&at, "mean", p.mean, -LARGEST, LARGEST, layer->mean, n))
        return at.error->id;
    return numbers_read(&at, "std", p.std, 0, LARGEST, layer->std, n);
}

static struct baseline_layer *layer_find(struct baseline *b, const char *name)
{
    for (size_t l = 0; l < b->layers_count; l++)
        if (b->layers[l].firing && strcmp(b->layers[l].name, name) == 0)
            return &b->layers[l];
    return NULL;
}

static enum error_id layer_unknown(const struct baseline *b, const struct place *at,
                                   const char *name)
{
    enum { NAMES_MAX = 64 };
    const char *names[NAMES_MAX];
    size_t count = 0;

    for (size_t l = 0; l < b->layers_count && count < NAMES_MAX; l++)
        if (b->layers[l].firing)
            names[count++] = b->layers[l].name;
    return object_unknown(at, name, names, count);
}

static enum error_id layers_read(struct baseline *b, const struct place *top, const json_t *layers)
{
    struct place at = {top->file, "layers", top->error};
    const char *name;
    const json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)layers, name, value) {
        struct baseline_layer *layer = layer_find(b, name);
        char found[OBJECT_FOUND_MAX];

        if (!layer)
            return layer_unknown(b, &at, name);
        if (!json_is_object(value))
            return object_fail(&at, name, ERROR_BAD_FIELD, "expected an object, found %s",
                               object_found(value, found));
        if (layer_read(layer, top, value))
            return at.error->id;
    }
    for (size_t l = 0; l < b->layers_count; l++)
        if (b->layers[l].firing && !json_object_get(layers, b->layers[l].name))
            return object_fail(&at, b->layers[l].name, ERROR_BAD_FIELD,
                               "missing; the network has this hidden layer of %zu units",
                               b->layers[l].units);
    return ERROR_OK;
}

/* ---- input ---- */

static enum error_id input_read(struct baseline_input *input, const struct place *top,
                                const json_t *object)
{
    struct parts {
        const json_t *min, *max, *mean, *std;
    } p = {NULL};
    static const struct object_key keys[] = {KEY_REQUIRED("min", ARRAY, struct parts, min),
                                             KEY_REQUIRED("max", ARRAY, struct parts, max),
                                             KEY_REQUIRED("mean", ARRAY, struct parts, mean),
                                             KEY_REQUIRED("std", ARRAY, struct parts, std),
                                             KEY_END};
    struct place at = {top->file, "input", top->error};
    size_t n = input->features;
    char element[OBJECT_NAME_MAX];

    if (object_read(&at, object, keys, &p) || object_floats(&at, "min", p.min, input->min, n) ||
        object_floats(&at, "max", p.max, input->max, n) ||
        numbers_read(&at, "mean", p.mean, -LARGEST, LARGEST, input->mean, n) ||
        numbers_read(&at, "std", p.std, 0, LARGEST, input->std, n))
        return at.error->id;
    for (size_t i = 0; i < n; i++) {
        snprintf(element, sizeof element, "max[%zu]", i);
        if (input->min[i] > input->max[i])
            return object_fail(&at, element, ERROR_BAD_PARAMETER, "%.9g is below min[%zu], %.9g",
                               (double)input->max[i], i, (double)input->min[i]);
    }
    return ERROR_OK;
}

/* ---- answers ---- */

static enum error_id classes_read(struct baseline *b, const struct place *at, const json_t *classes,
                                  size_t count)
{
    if (!classes)
        return ERROR_OK;
    if (count == 0)
        return object_fail(
            at, "classes", ERROR_BAD_FIELD,
            "this network gives no probabilities of classes that exclude each other");
    if (length_check(at, "classes", classes, count) ||
        object_wholes(at, "classes", classes, 0, (uint64_t)1 << 53, b->classes, count))
        return at->error->id;
    b->classes_count = count;
    return ERROR_OK;
}

static enum error_id confidence_read(struct baseline *b, const struct place *top,
                                     const json_t *object, size_t classes)
{
    static const char *const keys[] = {"mean", "temperature", NULL};
    static const double COLDEST = 1e-3, HOTTEST = 1e3;
    struct place at = {top->file, "confidence", top->error};
    const json_t *temperature = json_member(object, "temperature");

    if (!object)
        return ERROR_OK;
    if (classes == 0)
        return object_fail(
            top, "confidence", ERROR_BAD_FIELD,
            "this network gives no probabilities of classes that exclude each other");
    b->has_confidence = true;
    if (object_keys(&at, object, keys) ||
        number_read(&at, "mean", json_member(object, "mean"), 0, 1, &b->confidence_mean))
        return at.error->id;
    return temperature
               ? number_read(&at, "temperature", temperature, COLDEST, HOTTEST, &b->temperature)
               : ERROR_OK;
}

static enum error_id quantiles_read(struct baseline *b, const struct place *top,
                                    const json_t *object)
{
    const char *keys[BASELINE_ALPHAS + 1] = {NULL};
    struct place at = {top->file, "conformal.quantiles", top->error};

    for (size_t a = 0; a < BASELINE_ALPHAS; a++)
        keys[a] = baseline_alphas[a].text;
    if (object_keys(&at, object, keys))
        return at.error->id;
    for (size_t a = 0; a < BASELINE_ALPHAS; a++)
        if (number_read(&at, keys[a], json_member(object, keys[a]), 0, 1, &b->quantiles[a]))
            return at.error->id;
    return ERROR_OK;
}

static enum error_id conformal_read(struct baseline *b, const struct place *top,
                                    const json_t *object, size_t classes)
{
    struct parts {
        uint64_t rows;
        const json_t *quantiles;
    } p = {0};
    static const struct object_key keys[] = {
        KEY_RANGE("rows", WHOLE, struct parts, rows, 1, (uint64_t)1 << 53, true),
        KEY_REQUIRED("quantiles", OBJECT, struct parts, quantiles), KEY_END};
    struct place at = {top->file, "conformal", top->error};

    if (!object)
        return ERROR_OK;
    if (classes == 0)
        return object_fail(
            top, "conformal", ERROR_BAD_FIELD,
            "this network gives no probabilities of classes that exclude each other");
    if (object_read(&at, object, keys, &p) || quantiles_read(b, top, p.quantiles))
        return at.error->id;
    b->conformal_rows = p.rows;
    return ERROR_OK;
}

/* ---- the top ---- */

static enum error_id sha_check(const struct place *at, const char *sha, const char *weights)
{
    if (strlen(sha) != SHA256_TEXT || strspn(sha, "0123456789abcdef") != SHA256_TEXT)
        return object_fail(at, "weights_sha256", ERROR_BAD_FIELD,
                           "expected %d hexadecimal digits in lower case, found \"%.70s\"",
                           SHA256_TEXT, sha);
    if (strcmp(sha, weights) == 0)
        return ERROR_OK;
    return object_fail(at, "weights_sha256", ERROR_BAD_PARAMETER,
                       "a baseline of other weights: %s, but this version's are %s", sha, weights);
}

static enum error_id top_read(struct baseline *b, const struct place *at, const json_t *json,
                              const struct baseline_shape *shape)
{
    struct top {
        uint64_t rows;
        const char *sha;
        const json_t *layers, *input, *classes, *confidence, *conformal;
    } top = {0};
    static const struct object_key keys[] = {
        KEY_RANGE("rows", WHOLE, struct top, rows, 1, (uint64_t)1 << 53, true),
        KEY_REQUIRED("weights_sha256", STRING, struct top, sha),
        KEY_REQUIRED("layers", OBJECT, struct top, layers),
        KEY_REQUIRED("input", OBJECT, struct top, input),
        KEY("classes", ARRAY, struct top, classes),
        KEY("confidence", OBJECT, struct top, confidence),
        KEY("conformal", OBJECT, struct top, conformal),
        KEY_END};

    if (object_read(at, json, keys, &top) || sha_check(at, top.sha, shape->weights_sha256) ||
        layers_read(b, at, top.layers) || input_read(&b->input, at, top.input) ||
        classes_read(b, at, top.classes, shape->classes_count) ||
        confidence_read(b, at, top.confidence, shape->classes_count))
        return at->error->id;
    b->rows = top.rows;
    return conformal_read(b, at, top.conformal, shape->classes_count);
}

enum error_id baseline_read(struct baseline **b, const struct baseline_shape *shape,
                            const char *file, const char *text, size_t len, struct error *error)
{
    struct place at = {file, "", error};
    json_t *json = object_parse(file, text, len, TOKENS_MAX, error);
    enum error_id id = json ? ERROR_OK : error->id;

    *b = json ? baseline_create(shape) : NULL;
    if (json && !*b)
        id = object_fail(&at, NULL, ERROR_OUT_OF_MEMORY, "out of memory");
    if (*b)
        id = top_read(*b, &at, json, shape);
    if (id != ERROR_OK) {
        baseline_unref(*b);
        *b = NULL;
    }
    json_decref(json);
    return id;
}
