/* baseline_file.c - see baseline_file.h. A new file takes the place of the old one in one step, so
 * that no reader ever sees half of it. */
#include "model/baseline_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "model/files.h"
#include "model/finding.h"
#include "model/private.h"
#include "model/single.h"
#include "neurons/neurons.h"

enum { BASELINE_BYTES_MAX = 64 << 20 };

/* Machines that do not store numbers so are not supported anywhere. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian float32");

/* A bias that is null is no number that was loaded. */
static void digest(const struct network *network, const struct weights *weights,
                   char text[static SHA256_TEXT + 1])
{
    struct sha256 sum;

    sha256_init(&sum);
    for (size_t l = 0; l < network->layers_count; l++) {
        const struct axon_layer *layer = &weights->layers[l];

        sha256_add(&sum, layer->weight,
                   layer->units * network->layers[l].features * sizeof *layer->weight);
        if (layer->bias)
            sha256_add(&sum, layer->bias, layer->units * sizeof *layer->bias);
    }
    sha256_end(&sum, text);
}

void baseline_shape_init(struct model *m, const struct network *network,
                         const struct weights *weights)
{
    struct model_private *p = m->private;

    digest(network, weights, p->weights_sha256);
    for (size_t l = 0; l < network->layers_count; l++)
        p->layer_list[l] = p->layer_names[l];
    m->baseline = (struct baseline_shape){
        .mlp = m->mlp, .layer_names = p->layer_list, .weights_sha256 = p->weights_sha256};
}

static void refuse(const struct version_source *from, const char *path, const struct error *error)
{
    size_t named = strlen(path);
    bool has_path = strncmp(error->detail, path, named) == 0 && error->detail[named] == ':';
    const char *reason = error->detail + (has_path ? named + 1 : 0);

    finding_tell(from->findings, &(struct finding){.event = "baseline_refused",
                                                   .model = from->model,
                                                   .version = from->version,
                                                   .key = "file",
                                                   .name = path,
                                                   .reason = reason + (*reason == ' ')});
}

void baseline_load(struct model *m, const struct version_source *from)
{
    struct model_private *p = m->private;
    char path[VERSION_PATH_MAX];
    struct file_bytes bytes = {0};
    struct error error = {0};
    struct baseline *b = NULL;

    version_path(from, "baseline.json", path);
    enum files_result result = files_read(from->dirfd, path, BASELINE_BYTES_MAX, &bytes, &error);
    if (result == FILES_OK)
        baseline_read(&b, &m->baseline, path, bytes.data, bytes.len, &error);
    free(bytes.data);
    if (!b && result != FILES_ABSENT)
        refuse(from, path, &error);
    if (b)
        m->answers.temperature = b->temperature;
    if (b && m->neurons)
        neurons_baseline_set(m->neurons, b);
    else
        p->unwatched = b;
}

struct baseline *model_baseline(const struct model *m)
{
    const struct model_private *p = m->private;

    return m->neurons ? neurons_baseline(m->neurons) : baseline_ref(p->unwatched);
}

/* ---- writing ---- */

/* The folder of the version, beneath the repository's. A descriptor, or -1 and errno. */
static int folder_open(const struct model *m, const struct options *options)
{
    const struct model_private *p = m->private;
    int root = open(options->models, O_RDONLY | O_DIRECTORY | O_CLOEXEC), model = root, cause;

    if (root >= 0 && !*options->model_dir && !single_is(root)) {
        model = files_open(root, m->name, true);
        cause = errno;
        close(root);
        errno = cause;
    }
    if (model < 0 || !*p->folder)
        return model;
    root = files_open(model, p->folder, true);
    cause = errno;
    close(model);
    errno = cause;
    return root;
}

static int write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);

        if (written < 0 && errno != EINTR)
            return -1;
        bytes += written > 0 ? written : 0;
        count -= written > 0 ? (size_t)written : 0;
    }
    return fsync(fd);
}

/* 0, or errno. */
static int replace(int folder, const struct buf *text)
{
    static const char temporary[] =
        ".baseline.json.new"; /* of names with a dot nobody takes notice */
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    int result = fd < 0 ? -1 : write_all(fd, text->data, text->len), cause = errno;

    if (fd >= 0)
        close(fd);
    if (result == 0 && renameat(folder, temporary, folder, "baseline.json") != 0) {
        cause = errno;
        result = -1;
    }
    if (result != 0 && fd >= 0)
        unlinkat(folder, temporary, 0);
    return result == 0 ? 0 : cause;
}

/* One writes at a time, of all threads and processes: they share the temporary name. Until the
 * folder is closed, where the file system has locks. */
static void lock(int folder)
{
    while (flock(folder, LOCK_EX) != 0 && errno == EINTR)
        ;
}

enum error_id model_baseline_write(const struct model *m, const struct options *options,
                                   const struct buf *text, struct error *error)
{
    const struct model_private *p = m->private;
    int folder = folder_open(m, options), cause = errno;

    if (folder >= 0) {
        lock(folder);
        cause = replace(folder, text);
        close(folder);
    }
    return folder >= 0 && cause == 0
               ? ERROR_OK
               : error_set(error, ERROR_NOT_WRITABLE, "%sbaseline.json cannot be written: %s",
                           p->folder, files_reason(cause));
}
