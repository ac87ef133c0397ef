/* baseline_file.c - see baseline_file.h. Invariant: of baselines that are written and put in force,
 * the one in the file is the one in force. */
#include "model/baseline_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/write.h"
#include "model/digest.h"
#include "model/files.h"
#include "model/finding.h"
#include "model/private.h"
#include "model/single.h"
#include "neurons/neurons.h"

enum { BASELINE_BYTES_MAX = 64 << 20 };

void baseline_shape_init(struct model *m, const struct network *network,
                         const struct weights *weights)
{
    struct model_private *p = m->private;

    for (size_t l = 0; l < network->layers_count; l++) {
        p->layer_list[l] = p->layer_names[l];
        p->biased[l] = weights->layers[l].bias != NULL;
    }
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
    struct digest digest;

    version_path(from, "baseline.json", path);
    enum files_result result = files_read(from->dirfd, path, BASELINE_BYTES_MAX, &bytes, &error);
    digest_start(&digest);
    while (result == FILES_OK && digest_advance(&digest, m))
        ;
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

/* The folder of the version, beneath the repository's or where the model lies elsewhere. A
 * descriptor, or -1 and errno. */
static int folder_open(const struct model *m, const struct options *options)
{
    const struct model_private *p = m->private;
    int root = open(p->root ? p->root : options->models, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int model = root, cause;

    if (root >= 0 && !p->root && !*options->model_dir && !single_is(root)) {
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

/* id: of the file that was written. */
static enum error_id file_write(const struct model *m, const struct options *options,
                                const struct buf *text, struct file_id *id, struct error *error)
{
    const struct model_private *p = m->private;
    int folder = folder_open(m, options), cause = errno;

    if (folder >= 0) {
        cause = write_over(folder, "baseline.json", text->data, text->len);
        *id = files_identify(folder, "baseline.json");
        close(folder);
    }
    return folder >= 0 && cause == 0
               ? ERROR_OK
               : error_set(error, ERROR_NOT_WRITABLE, "%sbaseline.json cannot be written: %s",
                           p->folder, files_reason(cause));
}

enum error_id model_baseline_write(const struct model *m, const struct options *options,
                                   const struct buf *text, struct error *error)
{
    struct file_id id;

    return file_write(m, options, text, &id, error);
}

/* A reload finds the file that is in force: the version is current, and its counts go on. */
enum error_id model_baseline_put(struct model *m, struct baseline *b, const struct options *options,
                                 const struct buf *text, struct error *error)
{
    struct model_private *p = m->private;
    enum error_id id = ERROR_OK;
    struct file_id file;

    pthread_mutex_lock(&p->baseline_lock);
    if (options)
        id = file_write(m, options, text, &file, error);
    if (id == ERROR_OK && options)
        p->fingerprint.baseline = file;
    if (id == ERROR_OK)
        neurons_baseline_set(m->neurons, baseline_ref(b));
    pthread_mutex_unlock(&p->baseline_lock);
    return id;
}
