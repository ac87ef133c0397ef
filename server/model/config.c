/* config.c - config.json of a model: the top, input and output; network_layers.c and
 * serving.c read the rest.
 *
 * It knows the JSON and the tables of the core, no files and no weights. Invariant: config_read()
 * leaves either a config whose dimensions chain and fit the bounds, or nothing. */
#include "model/config.h"
#include "model/record.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t outputs_min, outputs_max; /* what is possible at all; advice is for later */
} tasks[] = {
    [MODEL_TASK_NONE] = {"", 1, CONFIG_UNITS_MAX},
    [MODEL_BINARY] = {"binary", 1, 2},
    [MODEL_MULTICLASS] = {"multiclass", 2, CONFIG_UNITS_MAX},
    [MODEL_MULTILABEL] = {"multilabel", 1, CONFIG_UNITS_MAX},
    [MODEL_REGRESSION] = {"regression", 1, CONFIG_UNITS_MAX},
};
enum { TASKS = sizeof tasks / sizeof *tasks };

const char *model_task_name(enum model_task task)
{
    return (size_t)task < TASKS ? tasks[task].name : "";
}

static size_t outputs_of(const struct network *c)
{
    return c->layers[c->layers_count - 1].units;
}

static enum error_id task_check(const struct network *c, const struct place *top)
{
    size_t outputs = outputs_of(c);

    if (outputs >= tasks[c->task].outputs_min && outputs <= tasks[c->task].outputs_max)
        return ERROR_OK;
    return object_fail(top, "task", ERROR_BAD_FIELD,
                       "\"%s\" takes %zu to %zu outputs, the last layer has %zu units",
                       tasks[c->task].name, tasks[c->task].outputs_min, tasks[c->task].outputs_max,
                       outputs);
}

/* input.scale or input.offset: one number for all features, or one each. */
static enum error_id input_numbers(const struct network *c, const struct place *at,
                                   const json_t *input, const char *key, float **out)
{
    const json_t *value = json_member(input, key);
    float *numbers;

    if (!value)
        return ERROR_OK;
    numbers = calloc(c->features, sizeof *numbers);
    *out = numbers; /* the config owns it from here on, also on failure */
    if (!numbers)
        return object_fail(at, key, ERROR_OUT_OF_MEMORY, "out of memory");
    if (json_is_array(value))
        return object_floats(at, key, value, numbers, c->features);
    if (!json_is_number(value)) {
        char found[OBJECT_FOUND_MAX];
        return object_fail(at, key, ERROR_BAD_FIELD,
                           "expected a number or an array of %zu numbers, found %s", c->features,
                           object_found(value, found));
    }
    if (object_float(at, key, value, &numbers[0]))
        return at->error->id;
    for (size_t i = 1; i < c->features; i++)
        numbers[i] = numbers[0];
    return ERROR_OK;
}

static enum error_id range_check(const struct network *c, const struct place *at)
{
    for (size_t i = 0; c->min && c->max && i < c->features; i++)
        if (c->min[i] > c->max[i])
            return object_fail(at, "max", ERROR_BAD_PARAMETER,
                               "%.9g is below \"min\", which is %.9g, for feature %zu",
                               (double)c->max[i], (double)c->min[i], i);
    return ERROR_OK;
}

static int text_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The features' names, each once. */
static enum error_id columns_read(struct network *c, const struct place *at, const json_t *columns)
{
    const char **sorted;
    size_t twice = 1;

    if (!columns)
        return ERROR_OK;
    if (json_array_size(columns) != c->features)
        return object_fail(at, "columns", ERROR_BAD_FIELD, "%zu names for %zu features",
                           json_array_size(columns), c->features);
    if (network__texts_read(&c->columns, &c->columns_count, at, "columns", columns,
                            CONFIG_OUTPUT_LABEL_BYTES_MAX))
        return at->error->id;
    sorted = calloc(c->features, sizeof *sorted);
    if (!sorted)
        return object_fail(at, "columns", ERROR_OUT_OF_MEMORY, "out of memory");
    memcpy(sorted, c->columns, c->features * sizeof *sorted);
    qsort(sorted, c->features, sizeof *sorted, text_order);
    while (twice < c->features && strcmp(sorted[twice - 1], sorted[twice]) != 0)
        twice++;
    if (twice < c->features)
        object_fail(at, "columns", ERROR_BAD_FIELD, "\"%.64s\" names two features", sorted[twice]);
    free(sorted);
    return twice < c->features ? -1 : 0;
}

static enum error_id input_read(struct network *c, const struct place *top, const json_t *input)
{
    static const struct object_key keys[] = {
        KEY("name", NAME, struct network, input_name),
        KEY_RANGE("features", SIZE, struct network, features, 1, CONFIG_UNITS_MAX, true),
        KEY_ANY("scale"),
        KEY_ANY("offset"),
        KEY_ANY("min"),
        KEY_ANY("max"),
        KEY_CHECKED("columns", ARRAY),
        KEY_END};
    struct place at = {top->file, "input", top->error};

    if (object_read(&at, input, keys, c) || input_numbers(c, &at, input, "scale", &c->scale) ||
        input_numbers(c, &at, input, "offset", &c->offset) ||
        input_numbers(c, &at, input, "min", &c->min) ||
        input_numbers(c, &at, input, "max", &c->max) || range_check(c, &at))
        return top->error->id;
    return columns_read(c, &at, json_member(input, "columns"));
}

enum error_id network__texts_read(char ***texts, size_t *count, const struct place *at,
                                  const char *key, const json_t *array, size_t bytes_max)
{
    char element[OBJECT_NAME_MAX], found[OBJECT_FOUND_MAX];
    size_t n = json_array_size(array);

    *texts = calloc(n + 1, sizeof **texts);
    if (!*texts)
        return object_fail(at, key, ERROR_OUT_OF_MEMORY, "out of memory");
    for (; *count < n; ++*count) {
        const json_t *text = json_array_get(array, *count);
        snprintf(element, sizeof element, "%s[%zu]", key, *count);
        if (!json_is_string(text) || json_string_length(text) > bytes_max)
            return object_fail(at, element, ERROR_BAD_FIELD,
                               "expected a string of at most %zu bytes, found %s", bytes_max,
                               object_found(text, found));
        (*texts)[*count] = strdup(json_string_value(text));
        if (!(*texts)[*count])
            return object_fail(at, element, ERROR_OUT_OF_MEMORY, "out of memory");
    }
    return ERROR_OK;
}

bool network_is_probability(const struct config_layer *last)
{
    const struct axon_activation *act = last->activation;

    if (act->ascending) /* its parameters are its bounds */
        return last->params[0] >= 0 && last->params[1] <= 1;
    return strcmp(act->range, "(0, 1)") == 0 || strcmp(act->range, "[0, 1]") == 0;
}

/* Two labels of one output: is it the second's probability, or its logit? */
static enum error_id pair_check(struct network *c, const struct place *at)
{
    const struct config_layer *last = &c->layers[c->layers_count - 1];

    c->ranking = RANKING_PROBABILITY;
    if (network_is_probability(last))
        return ERROR_OK;
    c->ranking = RANKING_LOGIT;
    if (c->task == MODEL_BINARY && strcmp(last->activation->name, "identity") == 0)
        return ERROR_OK;
    return object_fail(
        at, "labels", ERROR_BAD_FIELD,
        "2 labels for 1 output take a last activation with range [0, 1], for instance "
        "sigmoid, or identity with \"task\": \"binary\" (a logit); this one is %s%s",
        last->activation->name, c->task == MODEL_BINARY ? "" : ", and the task is not binary");
}

static enum error_id output_labels(struct network *c, const struct place *at, const json_t *labels)
{
    size_t n = json_array_size(labels), outputs = outputs_of(c);

    if (!labels)
        return ERROR_OK;
    if (n != outputs && !(n == 2 && outputs == 1))
        return object_fail(at, "labels", ERROR_BAD_FIELD, "%zu labels for %zu output%s", n, outputs,
                           outputs == 1 ? "" : "s");
    c->ranking = RANKING_OUTPUTS;
    if (n != outputs && pair_check(c, at))
        return at->error->id;
    if (c->task == MODEL_REGRESSION)
        c->ranking = RANKING_NONE;
    return network__texts_read(&c->labels, &c->labels_count, at, "labels", labels,
                               CONFIG_OUTPUT_LABEL_BYTES_MAX);
}

static enum error_id output_read(struct network *c, const struct place *top, const json_t *output)
{
    static const struct object_key keys[] = {KEY("name", NAME, struct network, output_name),
                                             KEY_CHECKED("labels", ARRAY), KEY_END};
    struct place at = {top->file, "output", top->error};

    return object_read(&at, output, keys, c) ? at.error->id
                                             : output_labels(c, &at, json_member(output, "labels"));
}

/* "ignore_tensors": those of the weights file that nobody misses. */
static enum error_id ignored_read(struct network *c, const struct place *top, const json_t *names)
{
    static const char key[] = "ignore_tensors";

    if (!names)
        return ERROR_OK;
    if (json_array_size(names) > CONFIG_IGNORED_MAX)
        return object_fail(top, key, ERROR_LIMIT_EXCEEDED, "%zu names, at most %d",
                           json_array_size(names), CONFIG_IGNORED_MAX);
    return network__texts_read(&c->ignored, &c->ignored_count, top, key, names,
                               CONFIG_TENSOR_NAME_MAX);
}

static enum error_id record_check(const struct config *config, const struct place *top)
{
    const struct record_shape shape = {.rows = config->serving.record_rows,
                                       .features = config->network.features,
                                       .outputs = outputs_of(&config->network)};
    struct place at = {top->file, "record", top->error};
    uint64_t bytes = record_bytes(&shape);

    if (bytes <= RECORD_BYTES_MAX)
        return ERROR_OK;
    return object_fail(&at, "rows", ERROR_LIMIT_EXCEEDED,
                       "%zu rows of %zu features and %zu outputs take %llu bytes, at most %d",
                       shape.rows, shape.features, shape.outputs, (unsigned long long)bytes,
                       RECORD_BYTES_MAX);
}

static enum error_id top_read(struct config *config, const struct place *at, const json_t *json)
{
    struct top {
        enum model_task task;
        const json_t *input, *output, *ignored;
        struct serving_members serving;
    } top = {0};
    struct network *c = &config->network;
    static const struct object_key keys[] = {KEY_CHOICE("task", struct top, task, tasks, TASKS),
                                             KEY_REQUIRED("input", OBJECT, struct top, input),
                                             KEY_ANY("dialect"),
                                             KEY_CHECKED("layers", ARRAY),
                                             KEY("output", OBJECT, struct top, output),
                                             KEY_ANY("initializer"),
                                             KEY_ANY("seed"),
                                             KEY("batching", OBJECT, struct top, serving.batching),
                                             KEY("versions", OBJECT, struct top, serving.versions),
                                             KEY("labels", OBJECT, struct top, serving.labels),
                                             KEY("neurons", OBJECT, struct top, serving.neurons),
                                             KEY("record", OBJECT, struct top, serving.record),
                                             KEY("ignore_tensors", ARRAY, struct top, ignored),
                                             KEY_END};

    if (object_read(at, json, keys, &top))
        return at->error->id;
    c->task = top.task;
    if (input_read(c, at, top.input) || network__layers_read(c, at, json) ||
        output_read(c, at, top.output) || task_check(c, at) || ignored_read(c, at, top.ignored))
        return at->error->id;
    if (serving_read(&config->serving, at, &top.serving))
        return at->error->id;
    return record_check(config, at);
}

enum error_id config_read(struct config *config, const char *text, size_t len, const char *file,
                          struct error *error)
{
    struct place top = {file, "", error};
    json_t *json = object_parse(file, text, len, CONFIG_TOKENS_MAX, error);
    enum error_id id;

    *config = (struct config){.network = {.input_name = "input", .output_name = "output"}};
    id = json ? top_read(config, &top, json) : error->id;
    if (id)
        config_fini(config);
    json_decref(json);
    return id;
}

void config_fini(struct config *config)
{
    network_fini(&config->network);
    *config = (struct config){0};
}

void network_fini(struct network *network)
{
    for (size_t l = 0; l < network->layers_count; l++) {
        free(network->layers[l].params);
        free(network->layers[l].weight.numbers);
        free(network->layers[l].bias.numbers);
    }
    for (size_t i = 0; i < network->norms_count; i++)
        for (size_t part = 0; part < NORM_PARTS; part++)
            free(network->norms[i].parts[part].numbers);
    for (size_t i = 0; i < network->labels_count; i++)
        free(network->labels[i]);
    for (size_t i = 0; i < network->ignored_count; i++)
        free(network->ignored[i]);
    free(network->ignored);
    for (size_t i = 0; i < network->columns_count; i++)
        free(network->columns[i]);
    free(network->columns);
    free(network->min);
    free(network->max);
    free(network->norms);
    free(network->layers);
    free(network->labels);
    free(network->scale);
    free(network->offset);
    *network = (struct network){0};
}

bool network_needs_weights(const struct network *network)
{
    for (size_t i = 0; i < network->norms_count; i++) {
        const struct config_norm *norm = &network->norms[i];
        const struct config_values *mean = &norm->parts[NORM_MEAN];
        if (mean->source == CONFIG_TENSOR ||
            (mean->source == CONFIG_DEFAULT && !network->layers[norm->layer].initializer))
            return true;
    }
    for (size_t l = 0; l < network->layers_count; l++) {
        const struct config_layer *layer = &network->layers[l];
        if (*layer->params_tensor || layer->weight.source == CONFIG_TENSOR ||
            layer->bias.source == CONFIG_TENSOR ||
            (layer->weight.source == CONFIG_DEFAULT && !layer->initializer))
            return true;
    }
    return false;
}
