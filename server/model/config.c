/* config.c - config.json of a model: the top, input and output; config_layers.c and
 * config_serving.c read the rest.
 *
 * It knows the JSON and the tables of the core, no files and no weights. Invariant: config_read()
 * leaves either a config whose dimensions chain and fit the bounds, or nothing. */
#include "model/config.h"
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

static size_t outputs_of(const struct config *c)
{
    return c->layers[c->layers_count - 1].units;
}

static int task_read(struct config *c, const struct place *top, const json_t *json)
{
    const json_t *value = json_member(json, "task");
    char found[FIELD_FOUND_MAX];

    if (!value)
        return 0;
    for (size_t t = MODEL_TASK_NONE + 1; t < TASKS; t++) {
        if (!json_is_string(value) || strcmp(tasks[t].name, json_string_value(value)) != 0)
            continue;
        c->task = (enum model_task)t;
        return 0;
    }
    return field_fail(top, "task",
                      "expected \"binary\", \"multiclass\", \"multilabel\" or \"regression\", "
                      "found %s",
                      field_found(value, found));
}

static int task_check(const struct config *c, const struct place *top)
{
    size_t outputs = outputs_of(c);

    if (outputs >= tasks[c->task].outputs_min && outputs <= tasks[c->task].outputs_max)
        return 0;
    return field_fail(top, "task", "\"%s\" takes %zu to %zu outputs, the last layer has %zu units",
                      tasks[c->task].name, tasks[c->task].outputs_min, tasks[c->task].outputs_max,
                      outputs);
}

/* input.scale or input.offset: one number for all features, or one each. */
static int input_numbers(const struct config *c, const struct place *at, const json_t *input,
                         const char *key, float **out)
{
    const json_t *value = json_member(input, key);
    float *numbers;

    if (!value)
        return 0;
    numbers = calloc(c->features, sizeof *numbers);
    *out = numbers; /* the config owns it from here on, also on failure */
    if (!numbers)
        return field_fail(at, key, "out of memory");
    if (json_is_array(value))
        return field_floats(at, key, value, numbers, c->features);
    if (!json_is_number(value)) {
        char found[FIELD_FOUND_MAX];
        return field_fail(at, key, "expected a number or an array of %zu numbers, found %s",
                          c->features, field_found(value, found));
    }
    if (field_float(at, key, value, &numbers[0]) != 0)
        return -1;
    for (size_t i = 1; i < c->features; i++)
        numbers[i] = numbers[0];
    return 0;
}

static int range_check(const struct config *c, const struct place *at)
{
    for (size_t i = 0; c->min && c->max && i < c->features; i++)
        if (c->min[i] > c->max[i])
            return field_fail(at, "max", "%.9g is below \"min\", which is %.9g, for feature %zu",
                              (double)c->max[i], (double)c->min[i], i);
    return 0;
}

static int text_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The features' names, each once. */
static int columns_read(struct config *c, const struct place *at, const json_t *input)
{
    const json_t *columns;
    const char **sorted;
    size_t twice = 1;

    if (field_typed(at, input, "columns", JSON_ARRAY, &columns) != 0)
        return -1;
    if (!columns)
        return 0;
    if (json_array_size(columns) != c->features)
        return field_fail(at, "columns", "%zu names for %zu features", json_array_size(columns),
                          c->features);
    if (config__texts_read(&c->columns, &c->columns_count, at, "columns", columns,
                           CONFIG_OUTPUT_LABEL_BYTES_MAX) != 0)
        return -1;
    sorted = calloc(c->features, sizeof *sorted);
    if (!sorted)
        return field_fail(at, "columns", "out of memory");
    memcpy(sorted, c->columns, c->features * sizeof *sorted);
    qsort(sorted, c->features, sizeof *sorted, text_order);
    while (twice < c->features && strcmp(sorted[twice - 1], sorted[twice]) != 0)
        twice++;
    if (twice < c->features)
        field_fail(at, "columns", "\"%.64s\" names two features", sorted[twice]);
    free(sorted);
    return twice < c->features ? -1 : 0;
}

static int input_read(struct config *c, const struct place *top, const json_t *json)
{
    static const char *const keys[] = {"name", "features", "scale",   "offset",
                                       "min",  "max",      "columns", NULL};
    struct place at = {top->file, "input", top->error};
    const json_t *input;
    uint64_t features = 0;

    if (field_typed(top, json, "input", JSON_OBJECT, &input) != 0)
        return -1;
    if (!input)
        return field_fail(top, "input", "missing; expected {\"features\": N}");
    if (field_keys(&at, input, keys) != 0 || field_name(&at, input, "name", c->input_name) != 0 ||
        field_whole(&at, input, "features", 1, CONFIG_UNITS_MAX, &features) != 0)
        return -1;
    if (features == 0)
        return field_fail(&at, "features", "missing; expected the number of values in a row");
    c->features = (size_t)features;
    if (input_numbers(c, &at, input, "scale", &c->scale) != 0 ||
        input_numbers(c, &at, input, "offset", &c->offset) != 0 ||
        input_numbers(c, &at, input, "min", &c->min) != 0 ||
        input_numbers(c, &at, input, "max", &c->max) != 0 || range_check(c, &at) != 0)
        return -1;
    return columns_read(c, &at, input);
}

int config__texts_read(char ***texts, size_t *count, const struct place *at, const char *key,
                       const json_t *array, size_t bytes_max)
{
    char element[FIELD_NAME_MAX], found[FIELD_FOUND_MAX];
    size_t n = json_array_size(array);

    *texts = calloc(n + 1, sizeof **texts);
    if (!*texts)
        return field_fail(at, key, "out of memory");
    for (; *count < n; ++*count) {
        const json_t *text = json_array_get(array, *count);
        snprintf(element, sizeof element, "%s[%zu]", key, *count);
        if (!json_is_string(text) || json_string_length(text) > bytes_max)
            return field_fail(at, element, "expected a string of at most %zu bytes, found %s",
                              bytes_max, field_found(text, found));
        (*texts)[*count] = strdup(json_string_value(text));
        if (!(*texts)[*count])
            return field_fail(at, element, "out of memory");
    }
    return 0;
}

/* Do the values of the last layer lie within [0, 1]? */
static bool is_probability(const struct config_layer *last)
{
    const struct axon_activation *act = last->activation;

    if (act->ascending) /* its parameters are its bounds */
        return last->params[0] >= 0 && last->params[1] <= 1;
    return strcmp(act->range, "(0, 1)") == 0 || strcmp(act->range, "[0, 1]") == 0;
}

/* Two labels of one output: is it the second's probability, or its logit? */
static int pair_check(struct config *c, const struct place *at)
{
    const struct config_layer *last = &c->layers[c->layers_count - 1];

    c->ranking = RANKING_PROBABILITY;
    if (is_probability(last))
        return 0;
    c->ranking = RANKING_LOGIT;
    if (c->task == MODEL_BINARY && strcmp(last->activation->name, "identity") == 0)
        return 0;
    return field_fail(
        at, "labels",
        "2 labels for 1 output take a last activation with range [0, 1], for instance "
        "sigmoid, or identity with \"task\": \"binary\" (a logit); this one is %s%s",
        last->activation->name, c->task == MODEL_BINARY ? "" : ", and the task is not binary");
}

static int output_labels(struct config *c, const struct place *at, const json_t *labels)
{
    size_t n = json_array_size(labels), outputs = outputs_of(c);

    if (n != outputs && !(n == 2 && outputs == 1))
        return field_fail(at, "labels", "%zu labels for %zu output%s", n, outputs,
                          outputs == 1 ? "" : "s");
    c->ranking = RANKING_OUTPUTS;
    if (n != outputs && pair_check(c, at) != 0)
        return -1;
    if (c->task == MODEL_REGRESSION)
        c->ranking = RANKING_NONE;
    return config__texts_read(&c->labels, &c->labels_count, at, "labels", labels,
                              CONFIG_OUTPUT_LABEL_BYTES_MAX);
}

static int output_read(struct config *c, const struct place *top, const json_t *json)
{
    static const char *const keys[] = {"name", "labels", NULL};
    struct place at = {top->file, "output", top->error};
    const json_t *output, *labels;

    if (field_typed(top, json, "output", JSON_OBJECT, &output) != 0)
        return -1;
    if (!output)
        return 0;
    if (field_keys(&at, output, keys) != 0 ||
        field_name(&at, output, "name", c->output_name) != 0 ||
        field_typed(&at, output, "labels", JSON_ARRAY, &labels) != 0)
        return -1;
    return labels ? output_labels(c, &at, labels) : 0;
}

/* "ignore_tensors": those of the weights file that nobody misses. */
static int ignored_read(struct config *c, const struct place *top, const json_t *json)
{
    static const char key[] = "ignore_tensors";
    const json_t *names;

    if (field_typed(top, json, key, JSON_ARRAY, &names) != 0)
        return -1;
    if (!names)
        return 0;
    if (json_array_size(names) > CONFIG_IGNORED_MAX)
        return field_fail(top, key, "%zu names, at most %d", json_array_size(names),
                          CONFIG_IGNORED_MAX);
    return config__texts_read(&c->ignored, &c->ignored_count, top, key, names,
                              CONFIG_TENSOR_NAME_MAX);
}

static int top_read(struct config *c, const struct place *top, const json_t *json)
{
    static const char *const keys[] = {"task",     "input",       "dialect",        "layers",
                                       "output",   "initializer", "seed",           "batching",
                                       "versions", "labels",      "ignore_tensors", NULL};

    if (field_keys(top, json, keys) != 0 || task_read(c, top, json) != 0 ||
        input_read(c, top, json) != 0 || config__layers_read(c, top, json) != 0 ||
        output_read(c, top, json) != 0 || task_check(c, top) != 0 ||
        ignored_read(c, top, json) != 0)
        return -1;
    return config__serving_read(c, top, json);
}

int config_read(struct config *config, const char *text, size_t len, const char *file,
                struct model_error *error)
{
    struct place top = {.file = file, .error = error};
    json_t *json = field_parse(file, text, len, CONFIG_TOKENS_MAX, error);
    int result = -1;

    *config = (struct config){.input_name = "input", .output_name = "output"};
    if (json)
        result = top_read(config, &top, json);
    if (result != 0)
        config_fini(config);
    json_decref(json);
    return result;
}

void config_fini(struct config *config)
{
    for (size_t l = 0; l < config->layers_count; l++) {
        free(config->layers[l].params);
        free(config->layers[l].weight.numbers);
        free(config->layers[l].bias.numbers);
    }
    for (size_t i = 0; i < config->norms_count; i++)
        for (size_t part = 0; part < NORM_PARTS; part++)
            free(config->norms[i].parts[part].numbers);
    for (size_t i = 0; i < config->labels_count; i++)
        free(config->labels[i]);
    for (size_t i = 0; i < config->ignored_count; i++)
        free(config->ignored[i]);
    free(config->ignored);
    for (size_t i = 0; i < config->columns_count; i++)
        free(config->columns[i]);
    free(config->columns);
    free(config->min);
    free(config->max);
    free(config->norms);
    free(config->layers);
    free(config->labels);
    free(config->scale);
    free(config->offset);
    *config = (struct config){0};
}

bool config_needs_weights(const struct config *config)
{
    for (size_t i = 0; i < config->norms_count; i++) {
        const struct config_norm *norm = &config->norms[i];
        const struct config_values *mean = &norm->parts[NORM_MEAN];
        if (mean->source == CONFIG_TENSOR ||
            (mean->source == CONFIG_DEFAULT && !config->layers[norm->layer].initializer))
            return true;
    }
    for (size_t l = 0; l < config->layers_count; l++) {
        const struct config_layer *layer = &config->layers[l];
        if (*layer->params_tensor || layer->weight.source == CONFIG_TENSOR ||
            layer->bias.source == CONFIG_TENSOR ||
            (layer->weight.source == CONFIG_DEFAULT && !layer->initializer))
            return true;
    }
    return false;
}
