/* compact.c - see compact.h. It reads the version's files once more, for the packed network has no
 * rows of weights any more.
 *
 * Invariant: a unit is left out only if it is exactly 0 for every input of the declared range, so
 * that each sum loses nothing but zeros. */
#include "model/compact.h"
#include <axon/bounds.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/write.h"
#include "model/files.h"
#include "model/load.h"
#include "model/private.h"

enum { GOLDEN_BYTES_MAX = 64 << 20, BLOCK_FEATURES = 128 /* of a sum: axon/mlp.h */ };

struct job {
    const struct model *model;
    struct version_source from;
    struct config config;
    struct weights weights;
    bool *kept[CONFIG_LAYERS_MAX]; /* [units] of a layer */
    struct compaction *done;
    int into;
    struct error *error;
};

/* ---- which units stay ------------------------------------------------------------------------ */

static enum error_id out_of_memory(struct error *error)
{
    return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
}

static size_t count_of(const bool *kept, size_t units)
{
    size_t count = 0;

    for (size_t u = 0; u < units; u++)
        count += kept[u];
    return count;
}

static enum error_id plan(struct job *j)
{
    const struct model *m = j->model;
    size_t dead = 0;

    j->done->layers_count = m->layers_count;
    j->done->exact = true;
    for (size_t l = 0; l < m->layers_count; l++) {
        size_t units = m->layers[l].units, left;

        j->kept[l] = malloc(units * sizeof *j->kept[l]);
        if (!j->kept[l])
            return out_of_memory(j->error);
        for (size_t u = 0; u < units; u++)
            j->kept[l][u] = l + 1 == m->layers_count ||
                            axon_bounds_proof(m->bounds, l, u) != AXON_PROOF_DEAD;
        left = count_of(j->kept[l], units);
        if (left == 0)
            j->kept[l][left++] = true;
        j->done->before[l] = units;
        j->done->after[l] = left;
        dead += units - left;
        j->done->exact &= left == units || units <= BLOCK_FEATURES;
    }
    return dead > 0 ? ERROR_OK
                    : error_set(j->error, ERROR_NO_EVIDENCE,
                                "model '%s' version %" PRIu64
                                ": no unit is proven dead, so nothing can be left out",
                                m->name, m->version);
}

/* ---- weights.safetensors --------------------------------------------------------------------- */

/* The tensors so far: the header's JSON, and the numbers after it. */
struct tensors {
    json_t *header;
    struct buf data;
};

static int tensor_declare(struct tensors *t, const char *layer, const char *part, size_t rows,
                          size_t columns, size_t begin)
{
    json_t *shape = columns ? json_pack("[I, I]", (json_int_t)rows, (json_int_t)columns)
                            : json_pack("[I]", (json_int_t)rows);
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape,
                              "data_offsets", (json_int_t)begin, (json_int_t)t->data.len);
    char name[CONFIG_TENSOR_NAME_MAX + 1];

    snprintf(name, sizeof name, "%s.%s", layer, part);
    return json_object_set_new(t->header, name, entry);
}

/* Rows of numbers [units, columns] of units that stay, and of them the columns of features that
 * stay (NULL: all). columns 0: a number per unit. */
static int tensor_append(struct tensors *t, const struct job *j, size_t l, const char *part,
                         const float *numbers, size_t columns, const bool *features)
{
    size_t begin = t->data.len, width = columns ? columns : 1, left = columns;

    if (features)
        left = count_of(features, columns);
    for (size_t u = 0; u < j->done->before[l]; u++)
        for (size_t c = 0; j->kept[l][u] && c < width; c++)
            if (!features || features[c])
                buf_append(&t->data, (const char *)&numbers[u * width + c], sizeof *numbers);
    return t->data.failed ? -1
                          : tensor_declare(t, j->config.network.layers[l].name, part,
                                           j->done->after[l], left, begin);
}

static bool is_per_channel(const struct axon_layer *w)
{
    return w->params && w->params_count == w->units &&
           w->params_count != w->activation->parameters_count;
}

static int tensors_fill(struct tensors *t, const struct job *j)
{
    for (size_t l = 0; l < j->done->layers_count; l++) {
        const struct axon_layer *w = &j->weights.layers[l];
        size_t features = j->config.network.layers[l].features;

        if (tensor_append(t, j, l, "weight", w->weight, features, l ? j->kept[l - 1] : NULL) != 0 ||
            (w->bias && tensor_append(t, j, l, "bias", w->bias, 0, NULL) != 0) ||
            (is_per_channel(w) && tensor_append(t, j, l, "slopes", w->params, 0, NULL) != 0))
            return -1;
    }
    return 0;
}

/* ---- config.json ----------------------------------------------------------------------------- */

/* A dense layer of it, as it is now. */
static int layer_edit(const struct job *j, size_t l, json_t *entry)
{
    static const char *const gone[] = {"weight", "bias", "initializer", "seed"};
    const struct axon_layer *w = &j->weights.layers[l];
    const char *name = j->config.network.layers[l].name;
    int failed = 0;

    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        json_object_del(entry, gone[i]);
    failed |= json_object_set_new(entry, "name", json_string(name));
    failed |= json_object_set_new(entry, "units", json_integer((json_int_t)j->done->after[l]));
    if (!w->bias)
        failed |= json_object_set_new(entry, "bias", json_null());
    if (is_per_channel(w))
        failed |= json_object_set_new(entry, "activation",
                                      json_pack("{s:s, s:o}", "name", w->activation->name,
                                                w->activation->parameters[0].name,
                                                json_sprintf("%s.slopes", name)));
    return failed;
}

/* The activation of a normalization is that of the dense layer before it, if that took it. */
static int norm_fold(const struct config_norm *norm, json_t *dense, const json_t *entry)
{
    json_t *activation = json_object_get(entry, "activation");

    return !norm->before && activation ? json_object_set(dense, "activation", activation) : 0;
}

/* Normalizations are part of the weights now; other versions stay where they are. */
static int config_edit(const struct job *j, json_t *top)
{
    static const char *const gone[] = {"initializer", "seed", "ignore_tensors", "versions",
                                       "labels"};
    json_t *entries = json_object_get(top, "layers");
    size_t l = 0, norm = 0;

    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        json_object_del(top, gone[i]);
    for (size_t i = 0; i < json_array_size(entries);) {
        json_t *entry = json_array_get(entries, i);
        const char *type = json_string_value(json_object_get(entry, "type"));

        if (type && strcmp(type, "batch_norm") == 0) {
            if (norm_fold(&j->config.network.norms[norm++], json_array_get(entries, i - 1),
                          entry) != 0)
                return -1;
            json_array_remove(entries, i);
            continue;
        }
        if (layer_edit(j, l++, entry) != 0)
            return -1;
        i++;
    }
    return 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

static enum error_id file_write(const struct job *j, const char *path, const char *bytes,
                                size_t count)
{
    int cause = write_new(j->into, path, bytes, count);

    return cause == 0
               ? ERROR_OK
               : error_set(j->error, ERROR_NOT_WRITABLE, "%s: %s", path, files_reason(cause));
}

static int append_json(const char *bytes, size_t size, void *out)
{
    buf_append(out, bytes, size);
    return 0;
}

static enum error_id config_write(const struct job *j)
{
    struct file_bytes bytes = {0};
    json_t *json = NULL;
    struct buf text;
    enum error_id id;

    if (files_read(j->from.dirfd, "config.json", CONFIG_BYTES_MAX, &bytes, j->error) != FILES_OK)
        return j->error->id;
    buf_init(&text, CONFIG_BYTES_MAX);
    json = object_parse("config.json", bytes.data, bytes.len, CONFIG_TOKENS_MAX, j->error);
    if (!json)
        id = j->error->id;
    else if (config_edit(j, json) != 0 ||
             json_dump_callback(json, append_json, &text,
                                JSON_INDENT(2) | JSON_REAL_PRECISION(17)) != 0 ||
             text.failed)
        id = out_of_memory(j->error);
    else
        id = file_write(j, "config.json", text.data, text.len);
    json_decref(json);
    buf_fini(&text);
    free(bytes.data);
    return id;
}

static enum error_id weights_write(const struct job *j)
{
    struct tensors t = {.header = json_object()};
    char path[VERSION_PATH_MAX];
    struct buf file;
    enum error_id id;

    buf_init(&t.data, (size_t)CONFIG_PARAMETERS_MAX * sizeof(float) * 2);
    buf_init(&file, (size_t)CONFIG_PARAMETERS_MAX * sizeof(float) * 3);
    buf_append(&file, "\0\0\0\0\0\0\0", sizeof(uint64_t));
    if (!t.header || tensors_fill(&t, j) != 0 ||
        json_dump_callback(t.header, append_json, &file, JSON_COMPACT) != 0)
        file.failed = true;
    while (!file.failed && file.len % sizeof(uint64_t) != 0)
        buf_append(&file, " ", 1);
    if (!file.failed) {
        uint64_t header = file.len - sizeof(uint64_t);

        for (size_t i = 0; i < sizeof header; i++)
            file.data[i] = (char)(header >> (8 * i));
        buf_append(&file, t.data.data, t.data.len);
    }
    id = file.failed ? out_of_memory(j->error)
                     : file_write(j, version_path(&j->from, "weights.safetensors", path), file.data,
                                  file.len);
    buf_fini(&file);
    buf_fini(&t.data);
    json_decref(t.header);
    return id;
}

static enum error_id golden_copy(const struct job *j)
{
    char path[VERSION_PATH_MAX];
    struct file_bytes bytes = {0};
    enum error_id id;

    switch (files_read(j->from.dirfd, version_path(&j->from, "golden.json", path), GOLDEN_BYTES_MAX,
                       &bytes, j->error)) {
    case FILES_ABSENT:
        return ERROR_OK;
    case FILES_FAILED:
        return j->error->id;
    case FILES_OK:
        break;
    }
    id = file_write(j, path, bytes.data, bytes.len);
    free(bytes.data);
    return id;
}

static enum error_id folder_write(const struct job *j)
{
    if (*j->from.folder && mkdirat(j->into, j->from.folder, 0755) != 0)
        return error_set(j->error, ERROR_NOT_WRITABLE, "%s: %s", j->from.folder,
                         files_reason(errno));
    if (config_write(j) != ERROR_OK || weights_write(j) != ERROR_OK)
        return j->error->id;
    return golden_copy(j);
}

/* ---- the way in ------------------------------------------------------------------------------ */

static int folder_open(const struct model *m, const struct options *options)
{
    char path[sizeof options->models + MODEL_NAME_MAX + 2];

    snprintf(path, sizeof path, "%s/%s", options->models, m->name);
    return open(*options->model_dir ? options->model_dir : path,
                O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum error_id range_keep(struct job *j)
{
    const struct network *network = &j->config.network;
    size_t bytes = network->features * sizeof(float);

    j->done->low = malloc(bytes);
    j->done->high = malloc(bytes);
    if (!j->done->low || !j->done->high)
        return out_of_memory(j->error);
    memcpy(j->done->low, network->min, bytes);
    memcpy(j->done->high, network->max, bytes);
    return ERROR_OK;
}

/* The files may have changed since they were loaded; then the compact model does not predict the
 * same, and whoever compares the two finds out. */
static enum error_id run(struct job *j)
{
    struct file_id id;

    if (load_config(j->from.dirfd, j->from.folder, &j->config, &id, j->error) != ERROR_OK)
        return j->error->id;
    if (j->config.network.layers_count != j->model->layers_count || !j->config.network.min ||
        !j->config.network.max)
        return error_set(j->error, ERROR_NOT_READY, "config.json has changed meanwhile");
    if (weights_read(&j->weights, &j->config.network, &j->from, j->error) != 0 ||
        plan(j) != ERROR_OK || range_keep(j) != ERROR_OK)
        return j->error->id;
    return folder_write(j);
}

enum error_id compact_write(const struct model *m, const struct options *options, int into,
                            struct compaction *done, struct error *error)
{
    const struct model_private *p = m->private;
    struct job j = {.model = m,
                    .from = {.dirfd = -1, .model = m->name, .version = m->version},
                    .done = done,
                    .into = into,
                    .error = error};
    enum error_id id;

    *done = (struct compaction){0};
    if (!m->bounds || !m->bounds_declared)
        return error_set(error, ERROR_NO_EVIDENCE,
                         "model '%s': config.json declares no input.min and input.max, without "
                         "which nothing can be proven",
                         m->name);
    memcpy(j.from.folder, p->folder, sizeof j.from.folder);
    j.from.dirfd = folder_open(m, options);
    if (j.from.dirfd < 0)
        return error_set(error, ERROR_NOT_READY, "model '%s': %s", m->name, files_reason(errno));
    id = run(&j);
    close(j.from.dirfd);
    for (size_t l = 0; l < m->layers_count; l++)
        free(j.kept[l]);
    weights_fini(&j.weights);
    config_fini(&j.config);
    if (id != ERROR_OK)
        compaction_fini(done);
    return id;
}

void compaction_fini(struct compaction *done)
{
    free(done->low);
    free(done->high);
    *done = (struct compaction){0};
}
