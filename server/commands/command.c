/* command.c - see command.h. */
#include "commands/command.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "model/repository.h"

/* The version that serves, if every version that should is there; else the reason why one is not.
 */
static struct model *newest(const struct repository_entry *entry, struct error *error)
{
    const struct repository_version *v = repository_find_version(entry, 0);

    for (size_t i = 0; i < entry->versions_count; i++)
        if (!entry->versions[i].model || *entry->versions[i].error) {
            error_set(error, ERROR_NOT_READY, "model %s: %s", entry->name,
                      entry->versions[i].error);
            return NULL;
        }
    if (!v) {
        error_set(error, ERROR_NOT_READY, "model %s: no version", entry->name);
        return NULL;
    }
    model_ref(v->model);
    return v->model;
}

/* The model's own folder, so that no other model is loaded. */
static enum error_id narrow(struct options *options, const char *name, struct error *error)
{
    size_t length = strlen(options->models);

    if (*options->model_dir)
        return ERROR_OK;
    if (!repository_name_valid(name))
        return error_set(error, ERROR_UNKNOWN_MODEL,
                         "'%.100s' is no name of a model: 1 to %d letters, digits, '.', '_' or '-'",
                         name, MODEL_NAME_MAX);
    if (length + 1 + strlen(name) >= sizeof options->model_dir)
        return error_set(error, ERROR_LIMIT_EXCEEDED, "models: a path of %zu bytes, at most %zu",
                         length, sizeof options->model_dir - strlen(name) - 2);
    snprintf(options->model_dir, sizeof options->model_dir, "%.900s/%.64s", options->models, name);
    snprintf(options->model_name, sizeof options->model_name, "%s", name);
    if (access(options->model_dir, F_OK) != 0)
        return error_set(error, ERROR_UNKNOWN_MODEL, "%s: no model '%.64s': %s",
                         *options->models ? options->models : "no repository", name,
                         strerror(errno));
    snprintf(options->models, sizeof options->models, "%s", options->model_dir);
    return ERROR_OK;
}

struct model *command_model(const struct options *options, const char *name, struct error *error)
{
    struct options own = *options;
    struct repository *repository;
    const struct repository_snapshot *snapshot;
    const struct repository_entry *entry;
    struct model *m = NULL;
    size_t failed;

    log_level_set(LOG_WARN); /* that a model is loaded goes without saying */
    if (narrow(&own, name, error) != ERROR_OK)
        return NULL;
    repository = repository_open(own.models, &own, NULL, &failed, error);
    if (!repository)
        return NULL;
    snapshot = repository_acquire(repository);
    entry = repository_find(snapshot, name);
    if (entry)
        m = newest(entry, error);
    else
        error_set(error, ERROR_UNKNOWN_MODEL, "%s: no model '%.64s', but '%s'", own.models, name,
                  snapshot->entries_count > 0 ? snapshot->entries[0].name : "");
    repository_release(repository, snapshot);
    repository_close(repository);
    return m;
}

/* All of fd, which errors call name. */
static enum error_id read_all(int fd, const char *name, struct buf *in, size_t bytes_max,
                              struct error *error)
{
    enum { PIECE = 1 << 16 };
    ssize_t got = 1;

    buf_init(in, bytes_max + 1);
    while (got > 0 && in->len <= bytes_max) {
        size_t room = bytes_max + 1 - in->len;
        char *at = buf_reserve(in, room < PIECE ? room : PIECE);

        if (!at) {
            buf_fini(in);
            return error_set(error, ERROR_OUT_OF_MEMORY, "%s: out of memory", name);
        }
        do
            got = read(fd, at, room < PIECE ? room : PIECE);
        while (got < 0 && errno == EINTR);
        in->len += got > 0 ? (size_t)got : 0;
    }
    if (got < 0)
        error_set(error, ERROR_BAD_REQUEST, "%s: %s", name, strerror(errno));
    else if (in->len > bytes_max)
        error_set(error, ERROR_LIMIT_EXCEEDED, "%s: more than %zu bytes", name, bytes_max);
    else
        return ERROR_OK;
    buf_fini(in);
    return error->id;
}

enum error_id command_input(struct buf *in, size_t bytes_max, struct error *error)
{
    return read_all(STDIN_FILENO, "standard input", in, bytes_max, error);
}

enum error_id command_file(struct buf *in, const char *path, size_t bytes_max, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum error_id id;

    if (fd < 0)
        return error_set(error, ERROR_BAD_REQUEST, "%s: %s", path, strerror(errno));
    id = read_all(fd, path, in, bytes_max, error);
    close(fd);
    return id;
}
