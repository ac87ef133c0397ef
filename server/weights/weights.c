/* weights.c - the numbers of every layer, from a weights file, inline, or an initialiser.
 *
 * Invariant: a layer that should have trained weights never gets random ones: the top-level
 * initialiser counts only where there is no weights file at all. */
#include "weights/weights.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/files.h"
#include "weights/filling.h"
#include "weights/formats.h"

/* The bound on the network at the widest type, and the largest header of a format. */
static const size_t FILE_BYTES_MAX = (size_t)CONFIG_PARAMETERS_MAX * sizeof(double) +
                                     STORED_HEADER_BYTES_MAX + 8;

/* ---- one layer ------------------------------------------------------------------------------ */

static const float *weight_draw(struct filling *f, size_t index)
{
    const struct config_layer *layer = &f->network->layers[index];
    float *numbers = filling_own(f, layer->units * layer->features);

    if (!numbers)
        return NULL;
    f->w->drawn[index] = true;
    axon_initializer_fill(layer->initializer, layer->seed, index, layer->features, layer->units,
                          numbers);
    return numbers;
}

/* Whether the tensors of this layer come from the weights file unless it says otherwise. */
static bool from_file(const struct filling *f, const struct config_layer *layer)
{
    return layer->weight.source == CONFIG_TENSOR ||
           (layer->weight.source == CONFIG_DEFAULT && (f->file.path || !layer->initializer));
}

static int weight_fill(struct filling *f, size_t index)
{
    const struct config_layer *layer = &f->network->layers[index];
    const uint64_t shape[] = {layer->units, layer->features};
    const float **weight = &f->w->layers[index].weight;
    char whose[64];

    snprintf(whose, sizeof whose, "the weight of layers[%zu]", layer->place);
    if (from_file(f, layer))
        *weight = filling_take(f, whose, layer->weight.tensor, shape, 2);
    else if (layer->weight.source == CONFIG_INLINE)
        *weight = layer->weight.numbers;
    else
        *weight = weight_draw(f, index);
    return *weight ? 0 : -1;
}

static int bias_fill(struct filling *f, size_t index)
{
    const struct config_layer *layer = &f->network->layers[index];
    const uint64_t shape[] = {layer->units};
    const float **bias = &f->w->layers[index].bias;
    char whose[64];

    snprintf(whose, sizeof whose, "the bias (null means none) of layers[%zu]", layer->place);
    if (layer->bias.source == CONFIG_INLINE)
        *bias = layer->bias.numbers;
    else if (layer->bias.source == CONFIG_TENSOR ||
             (layer->bias.source == CONFIG_DEFAULT && from_file(f, layer)))
        *bias = filling_take(f, whose, layer->bias.tensor, shape, 1);
    else
        return 0; /* null, or beside inline or random weights: zeros */
    return *bias ? 0 : -1;
}

/* The activation's parameters that a tensor has: one for all units, or one per unit. */
static int params_fill(struct filling *f, size_t index)
{
    const struct config_layer *layer = &f->network->layers[index];
    struct axon_layer *out = &f->w->layers[index];
    const struct stored *t = stored_find(&f->file, layer->params_tensor);
    const uint64_t shape[] = {t && t->rank == 1 && t->count == 1 ? 1 : layer->units};
    const struct axon_parameter *p = &layer->activation->parameters[0];
    char whose[96];
    size_t bad = 0;

    if (!*layer->params_tensor)
        return 0;
    snprintf(whose, sizeof whose, "\"%s\" of layers[%zu].activation", p->name, layer->place);
    out->params = filling_take(f, whose, layer->params_tensor, shape, 1);
    out->params_count = (size_t)shape[0];
    if (!out->params)
        return -1;
    if (axon_activation_check(layer->activation, out->params, out->params_count, layer->units,
                              &bad) == AXON_OK)
        return 0;
    return error_set(f->error, ERROR_BAD_PARAMETER,
                     "%s: %.64s[%zu]: %s takes %.9g to %.9g, found %.9g", f->path,
                     layer->params_tensor, bad, layer->activation->name, (double)p->minimum,
                     (double)p->maximum, (double)out->params[bad]);
}

static int layers_fill(struct filling *f)
{
    for (size_t l = 0; l < f->network->layers_count; l++) {
        const struct config_layer *layer = &f->network->layers[l];
        f->w->layers[l] = (struct axon_layer){
            .units = layer->units,
            .activation = layer->activation,
            .params = layer->params,
            .params_count = layer->params_count,
        };
        if (weight_fill(f, l) != 0 || bias_fill(f, l) != 0 || params_fill(f, l) != 0 ||
            filling_fold(f, l) != 0)
            return -1;
    }
    return 0;
}

/* ---- the file ------------------------------------------------------------------------------- */

/* The weights file is not there, but needed: say what to do about what is there instead. */
static int file_absent_fail(struct filling *f)
{
    if (weights_foreign(f->from->dirfd, f->from->folder, f->error))
        return -1;
    return error_set(f->error, ERROR_BAD_TENSOR,
                     "%s: no such file; without it config.json needs inline weights or an "
                     "\"initializer\"",
                     f->path);
}

/* Read the one weights file that is there into bytes, its name into f->path and its format. */
static enum files_result file_read(struct filling *f, struct file_bytes *bytes,
                                   const struct weights_format **format)
{
    enum files_result result = FILES_ABSENT;
    char path[VERSION_PATH_MAX];

    version_path(f->from, weights_formats[0].name, f->path);
    for (size_t i = 0; i < WEIGHTS_FORMATS && result != FILES_FAILED; i++) {
        struct file_bytes found = {0};
        enum files_result one = files_read(f->from->dirfd,
                                           version_path(f->from, weights_formats[i].name, path),
                                           FILE_BYTES_MAX, &found, f->error);

        if (one == FILES_ABSENT)
            continue;
        if (one == FILES_OK && result == FILES_OK) {
            free(found.data);
            error_set(f->error, ERROR_NOT_READY,
                      "%s and %s are both there; remove the one that is not meant", f->path, path);
            return FILES_FAILED;
        }
        result = one;
        *bytes = found;
        *format = &weights_formats[i];
        memcpy(f->path, path, sizeof path);
    }
    return result;
}

/* A pointer: git leaves it of a large file where its LFS filter is not installed. */
static bool is_pointer(const struct file_bytes *bytes)
{
    static const char begin[] = "version https://git-lfs.github.com/spec/";

    return bytes->len >= sizeof begin - 1 && memcmp(bytes->data, begin, sizeof begin - 1) == 0;
}

int weights_read(struct weights *w, const struct network *network,
                 const struct version_source *from, struct error *error)
{
    struct filling f = {.w = w, .network = network, .from = from, .error = error};
    const struct weights_format *format = NULL;
    struct file_bytes bytes = {0};
    int status = -1;

    *w = (struct weights){0};
    switch (file_read(&f, &bytes, &format)) {
    case FILES_FAILED:
        goto out;
    case FILES_ABSENT:
        if (network_needs_weights(network)) {
            file_absent_fail(&f);
            goto out;
        }
        break;
    case FILES_OK:
        if (is_pointer(&bytes)) {
            error_set(error, ERROR_NOT_READY,
                      "%s: a Git LFS pointer, not the file that it stands for; run git lfs pull",
                      f.path);
            goto out;
        }
        if (format->read(&f.file, f.path, bytes.data, bytes.len, error) != ERROR_OK)
            goto out;
    }
    if (layers_fill(&f) == 0)
        status = filling_leftover(&f);
out:
    stored_fini(&f.file);
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
