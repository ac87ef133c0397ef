/* weights.c - the numbers of every layer, from a weights file, inline, or an initialiser.
 *
 * Invariant: a layer that should have trained weights never gets random ones: the top-level
 * initialiser counts only where there is no weights file at all. */
#include "model/weights.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"
#include "model/files.h"
#include "model/safetensors.h"
#include "model/version.h"

/* The bound on the network at the widest type, and a header. */
static const size_t FILE_BYTES_MAX = (size_t)CONFIG_PARAMETERS_MAX * sizeof(double) +
                                     SAFETENSORS_HEADER_BYTES_MAX + 8;

/* What is needed while the layers are filled. */
struct filling {
    struct weights *w;
    const struct config *config;
    struct safetensors file; /* file.header is NULL if there is no weights file */
    char path[64];           /* "1/weights.safetensors" */
    struct model_error *error;
};

static float *own(struct filling *f, size_t count)
{
    float *numbers = calloc(count, sizeof *numbers);

    if (numbers)
        f->w->owned[f->w->owned_count++] = numbers;
    else
        model_error_set(f->error, "out of memory for %zu weights", count);
    return numbers;
}

/* "there are a, b, c": what the file does have. */
static void tensors_list(const struct safetensors *s, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s", s->tensors_count ? "it has " : "it has none");

    for (size_t i = 0; i < s->tensors_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%.64s", i ? ", " : "",
                                 s->tensors[i].name);
}

static int shape_fail(struct filling *f, const struct safetensor *t, const uint64_t *shape,
                      size_t rank)
{
    char want[SAFETENSORS_SHAPE_MAX], found[SAFETENSORS_SHAPE_MAX];
    int transposed = rank == 2 && t->rank == 2 && t->shape[0] == shape[1] &&
                     t->shape[1] == shape[0];

    return model_error_set(
        f->error, "%s: %.64s: expected shape %s%s, found %s%s", f->path, t->name,
        safetensors_shape(shape, rank, want), rank == 2 ? " (units, features)" : " (units)",
        safetensors_shape(t->shape, t->rank, found), transposed ? ": transpose it" : "");
}

/* The tensor of that name, which must have that shape; new, or NULL and error. */
static const float *tensor_take(struct filling *f, size_t layer, const char *name,
                                const uint64_t *shape, size_t rank)
{
    struct safetensor *t = safetensors_find(&f->file, name);
    char list[256];
    float *numbers;

    if (!t) {
        tensors_list(&f->file, list, sizeof list);
        model_error_set(f->error, "%s: no tensor \"%.80s\" for %s of layers[%zu]; %s", f->path,
                        name, rank == 2 ? "the weight" : "the bias (null means none)", layer, list);
        return NULL;
    }
    if (t->rank != rank || memcmp(t->shape, shape, rank * sizeof *shape) != 0) {
        shape_fail(f, t, shape, rank);
        return NULL;
    }
    t->used = true;
    numbers = own(f, (size_t)t->count);
    if (!numbers || safetensors_floats(&f->file, t, numbers, f->error) != 0)
        return NULL;
    return numbers;
}

static const float *weight_draw(struct filling *f, size_t index)
{
    const struct config_layer *layer = &f->config->layers[index];
    float *numbers = own(f, layer->units * layer->features);

    if (!numbers)
        return NULL;
    f->w->random = true;
    axon_initializer_fill(layer->initializer, layer->seed, index, layer->features, layer->units,
                          numbers);
    return numbers;
}

/* Whether the tensors of this layer come from the weights file unless it says otherwise. */
static bool from_file(const struct filling *f, const struct config_layer *layer)
{
    return layer->weight.source == CONFIG_TENSOR ||
           (layer->weight.source == CONFIG_DEFAULT && (f->file.header || !layer->initializer));
}

static int weight_fill(struct filling *f, size_t index)
{
    const struct config_layer *layer = &f->config->layers[index];
    const uint64_t shape[] = {layer->units, layer->features};
    const float **weight = &f->w->layers[index].weight;

    if (from_file(f, layer))
        *weight = tensor_take(f, index, layer->weight.tensor, shape, 2);
    else if (layer->weight.source == CONFIG_INLINE)
        *weight = layer->weight.numbers;
    else
        *weight = weight_draw(f, index);
    return *weight ? 0 : -1;
}

static int bias_fill(struct filling *f, size_t index)
{
    const struct config_layer *layer = &f->config->layers[index];
    const uint64_t shape[] = {layer->units};
    const float **bias = &f->w->layers[index].bias;

    if (layer->bias.source == CONFIG_INLINE)
        *bias = layer->bias.numbers;
    else if (layer->bias.source == CONFIG_TENSOR ||
             (layer->bias.source == CONFIG_DEFAULT && from_file(f, layer)))
        *bias = tensor_take(f, index, layer->bias.tensor, shape, 1);
    else
        return 0; /* null, or beside inline or random weights: zeros */
    return *bias ? 0 : -1;
}

static void unused_log(const struct filling *f, const struct weights_origin *from)
{
    for (size_t i = 0; i < f->file.tensors_count; i++)
        if (!f->file.tensors[i].used)
            log_event(LOG_WARN, "tensor_unused", LOG_S("model", from->model),
                      LOG_U("version", from->version), LOG_S("tensor", f->file.tensors[i].name));
}

/* The weights file is not there, but needed: say what to do about what is there instead. */
static int absent_fail(struct filling *f, const struct weights_origin *from)
{
    char folder[VERSION_TEXT_MAX + 1];

    snprintf(folder, sizeof folder, "%" PRIu64, from->version);
    if (weights_foreign(from->dirfd, folder, f->error))
        return -1;
    return model_error_set(f->error,
                           "%s: no such file; without it config.json needs inline weights or an "
                           "\"initializer\"",
                           f->path);
}

static int layers_fill(struct filling *f)
{
    for (size_t l = 0; l < f->config->layers_count; l++) {
        const struct config_layer *layer = &f->config->layers[l];
        f->w->layers[l] = (struct axon_layer){
            .units = layer->units,
            .activation = layer->activation,
            .params = layer->params,
            .params_count = layer->params_count,
        };
        if (weight_fill(f, l) != 0 || bias_fill(f, l) != 0)
            return -1;
    }
    return 0;
}

int weights_read(struct weights *w, const struct config *config, const struct weights_origin *from,
                 struct model_error *error)
{
    struct filling f = {.w = w, .config = config, .error = error};
    struct file_bytes bytes = {0};
    enum files_result result;
    int status = -1;

    *w = (struct weights){0};
    snprintf(f.path, sizeof f.path, "%" PRIu64 "/weights.safetensors", from->version);
    result = files_read(from->dirfd, f.path, FILE_BYTES_MAX, &bytes, error);
    if (result == FILES_FAILED)
        return -1;
    if (result == FILES_ABSENT && config_needs_weights(config))
        return absent_fail(&f, from);
    if (result == FILES_OK && safetensors_read(&f.file, f.path, bytes.data, bytes.len, error) != 0)
        goto out;
    status = layers_fill(&f);
    if (status == 0)
        unused_log(&f, from);
out:
    safetensors_fini(&f.file);
    free(bytes.data);
    if (status != 0)
        weights_fini(w);
    return status;
}

void weights_fini(struct weights *w)
{
    for (size_t i = 0; i < w->owned_count; i++)
        free(w->owned[i]);
    *w = (struct weights){0};
}
