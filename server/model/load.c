/* load.c - from a model's folder to a model that serves: config, weights, network, golden rows,
 * counters.
 *
 * Invariant: a model is either complete and has proven its golden rows, or it is not there. */
#include "model/load.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/names.h"
#include "base/sha256.h"
#include "model/advise.h"
#include "neurons/neurons.h"
#include "model/answers.h"
#include "model/baseline_file.h"
#include "model/golden.h"
#include "model/finding.h"
#include "model/private.h"
#include "model/record.h"
#include "model/single.h"
#include "model/version.h"

enum { CONFIG_PATH = 48 };

/* It stands beside the folders of versions, or in that of the newest, as a folder is that holds all
 * of one version. */
static enum files_result find_config(int dirfd, const char *newest, char path[static CONFIG_PATH],
                                     struct file_bytes *bytes, struct file_id *id,
                                     struct error *error)
{
    const char *const folders[] = {"", newest};
    const size_t count = *newest ? 2 : 1;
    enum files_result result = FILES_ABSENT;

    for (size_t i = 0; i < count && result == FILES_ABSENT; i++) {
        snprintf(path, CONFIG_PATH, "%sconfig.json", folders[i]);
        *id = files_identify(dirfd, path);
        result = files_read(dirfd, path, CONFIG_BYTES_MAX, bytes, error);
    }
    return result;
}

enum error_id load_config(int dirfd, const char *newest, struct config *config, struct file_id *id,
                          struct error *error)
{
    char path[CONFIG_PATH];
    struct file_bytes bytes;
    enum error_id result;

    switch (find_config(dirfd, newest, path, &bytes, id, error)) {
    case FILES_OK:
        break;
    case FILES_ABSENT:
        if (weights_foreign(dirfd, "", error) || (*newest && weights_foreign(dirfd, newest, error)))
            return error->id;
        return error_set(error, ERROR_NOT_READY, "config.json: no such file%s",
                         single_holds_models(dirfd)
                             ? ", but models in folders of their own; serve them with --models"
                             : "");
    case FILES_FAILED:
        return error->id;
    }
    result = config_read(config, bytes.data, bytes.len, path, error);
    free(bytes.data);
    return result;
}

enum error_id load_config_text(const char *text, struct config *config, struct file_id *id,
                               struct error *error)
{
    size_t length = strlen(text);
    struct sha256 sum;
    char digest[SHA256_TEXT + 1];

    sha256_init(&sum);
    sha256_add(&sum, text, length);
    sha256_end(&sum, digest);
    *id = (struct file_id){.device = UINT64_MAX, .size = length};
    memcpy(&id->inode, digest, sizeof id->inode);
    memcpy(&id->mtime_s, digest + sizeof id->inode, sizeof id->mtime_s);
    memcpy(&id->mtime_ns, digest + 2 * sizeof id->inode, sizeof id->mtime_ns);
    return config_read(config, text, length, "parameters.config", error);
}

static const char *name_copy(char to[static MODEL_NAME_MAX + 1], const char *name)
{
    snprintf(to, MODEL_NAME_MAX + 1, "%s", name);
    return to;
}

/* Copies of texts [wanted], and the longest of them as JSON text; *count is less without memory. */
static char **copies(char *const *texts, size_t wanted, size_t *count, size_t *text_max)
{
    char **list = calloc(wanted + 1, sizeof *list);

    for (*count = 0; list && *count < wanted; ++*count) {
        size_t bytes = strlen(texts[*count]) * 6 + 2; /* quotes, and each byte as \u0000 */

        *text_max = bytes > *text_max ? bytes : *text_max;
        list[*count] = strdup(texts[*count]);
        if (!list[*count])
            break;
    }
    return list;
}

/* Names and layers, copied from the config. */
static int describe(struct model *m, const struct config *config)
{
    struct model_private *p = m->private;

    m->task = config->network.task;
    m->input_name = name_copy(p->input_name, config->network.input_name);
    m->output_name = name_copy(p->output_name, config->network.output_name);
    m->layers = calloc(config->network.layers_count, sizeof *m->layers);
    if (!m->layers)
        return -1;
    m->layers_count = config->network.layers_count;
    for (size_t l = 0; l < config->network.layers_count; l++)
        m->layers[l] = (struct model_layer){
            .name = name_copy(p->layer_names[l], config->network.layers[l].name),
            .activation = config->network.layers[l].activation,
            .units = config->network.layers[l].units,
        };
    m->ranking = config->network.ranking;
    p->labels = copies(config->network.labels, config->network.labels_count, &m->labels_count,
                       &m->label_text_max);
    p->columns = copies(config->network.columns, config->network.columns_count, &p->columns_count,
                        &m->column_text_max);
    if (m->labels_count < config->network.labels_count ||
        p->columns_count < config->network.columns_count)
        return -1;
    m->labels = (const char *const *)p->labels;
    if (p->columns_count > 0) {
        m->columns = names_create((const char *const *)p->columns, p->columns_count);
        if (!m->columns)
            return -1;
    }
    return answers_init(m, &config->network);
}

static void refresh(struct metrics_model *metrics, void *context)
{
    neurons_refresh(context, metrics);
}

/* A scrape merges the counts of all units, as GET .../neurons does, and of all features. */
static size_t refresh_numbers(const struct model *m)
{
    enum { OF_UNIT = 50 };
    size_t merged = axon_mlp_features(m->mlp);

    for (size_t l = 0; l < m->layers_count; l++)
        merged += m->layers[l].units;
    return m->neurons ? merged * OF_UNIT : 0;
}

static int count(struct model *m, const struct config *config, const struct options *options)
{
    struct model_private *p = m->private;
    const char *watched[CONFIG_LAYERS_MAX];
    size_t watched_count = 0;
    char version[VERSION_TEXT_MAX + 1];

    m->neurons_every = serving_neurons_every(&config->serving, options->neuron_stats,
                                             options->neuron_every);
    for (size_t l = 0; l < m->layers_count && m->neurons_every > 0; l++)
        if (axon_mlp_layer_watched(m->mlp, l))
            watched[watched_count++] = m->layers[l].name;
    if (m->neurons_every > 0) {
        m->neurons = neurons_create(m->mlp, &m->answers, m->neurons_every,
                                    &(struct axon_evidence){.window_s = options->neuron_window,
                                                            .rows_min = options->neuron_rows_min});
        if (!m->neurons)
            return -1;
    }
    snprintf(version, sizeof version, "%" PRIu64, m->version);
    m->metrics = metrics_model_create(&(struct metrics_model_spec){
        .model = m->name,
        .version = version,
        .task = model_task_name(m->task),
        .layers = watched,
        .layers_count = watched_count,
        .classes = m->classes,
        .classes_count = m->answers.classes,
        .refresh = m->neurons ? refresh : NULL,
        .context = m->neurons,
        .refresh_numbers = refresh_numbers(m),
    });
    if (!m->metrics)
        return -1;
    metrics_model_add(m->metrics, METRIC_queue_rows_max, 0, p->line.queue_rows_max);
    return 0;
}

/* The recorder, if there is to be one. */
static int record(struct model *m, const struct config *config)
{
    const struct record_shape shape = {.rows = config->serving.record_rows,
                                       .features = axon_mlp_features(m->mlp),
                                       .outputs = axon_mlp_outputs(m->mlp)};

    if (shape.rows > 0)
        m->record = record_create(&shape, NULL);
    return shape.rows > 0 && !m->record ? -1 : 0;
}

static void line_init(struct model_line *line, const struct config *config)
{
    line->rows_max = (size_t)config->serving.batch_rows_max;
    line->queue_rows_max = (size_t)config->serving.queue_rows_max;
    line->delay_ns = config->serving.queue_delay_us * 1000;
    TAILQ_INIT(&line->line.tasks);
}

/* The network, which answers its golden rows. The weights are new on success only. */
static enum error_id build(struct model *m, const struct version_source *from,
                           const struct config *config, struct weights *weights,
                           struct error *error)
{
    struct axon_mlp_spec spec = {
        .features = config->network.features,
        .scale = config->network.scale,
        .offset = config->network.offset,
        .layers_count = config->network.layers_count,
    };

    if (weights_read(weights, &config->network, from, error) != 0)
        return error->id;
    spec.layers = weights->layers;
    enum axon_status status = axon_mlp_create(&spec, &m->mlp);
    enum error_id id = status == AXON_OK ? golden_check(from, m->mlp, error)
                                         : error_set(error, ERROR_BAD_FIELD, "config.json: %s",
                                                     axon_status_text(status));
    if (id != ERROR_OK) {
        weights_fini(weights);
        return id;
    }
    baseline_shape_init(m, &config->network, weights);
    return ERROR_OK;
}

/* All that stands on the network: names, counters, baseline, advice. -1: out of memory. */
static int complete(struct model *m, const struct version_source *from, const struct config *config,
                    const struct options *options, const struct weights *weights)
{
    if (describe(m, config) != 0 || count(m, config, options) != 0 || record(m, config) != 0)
        return -1;
    m->baseline.classes_count = m->answers.classes;
    baseline_load(m, from);
    return advise(m, from, config, weights);
}

struct model *load_version(const struct version_source *from, const struct config *config,
                           const struct file_id *config_id, const struct options *options,
                           struct error *error)
{
    double start_s = clock_s();
    struct model *m = calloc(1, sizeof *m);
    struct model_private *p = calloc(1, sizeof *p);
    struct weights weights = {0};

    if (!m || !p) {
        free(m);
        free(p);
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    m->private = p;
    m->version = from->version;
    snprintf(m->name, sizeof m->name, "%s", from->model);
    p->references = 1;
    pthread_mutex_init(&p->baseline_lock, NULL);
    p->life = calloc(1, sizeof *p->life);
    if (p->life)
        p->life->references = 1;
    p->root = from->root ? strdup(from->root) : NULL;
    if (!p->life || (from->root && !p->root)) {
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
        goto fail;
    }
    snprintf(p->folder, sizeof p->folder, "%s", from->folder);
    p->fingerprint = fingerprint_read(from, config_id);
    line_init(&p->line, config);
    m->line = &p->line;
    if (build(m, from, config, &weights, error))
        goto fail;
    if (complete(m, from, config, options, &weights) != 0) {
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
        goto fail;
    }
    weights_fini(&weights);
    m->cost = cost_measure(m->mlp);
    m->load_s = clock_s() - start_s;
    m->loaded_unix_s = clock_unix_s();
    metrics_model_set(m->metrics, METRIC_model_ready, 1);
    metrics_model_set(m->metrics, METRIC_model_load_duration_seconds, m->load_s);
    metrics_model_set(m->metrics, METRIC_model_loaded_timestamp_seconds, m->loaded_unix_s);
    return m;
fail:
    weights_fini(&weights);
    model_destroy(m);
    return NULL;
}
