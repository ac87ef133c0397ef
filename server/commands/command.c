/* command.c - see command.h. */
#include "commands/command.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "base/nearest.h"
#include "model/files.h"
#include "model/repository.h"
#include "tensor/npy.h"

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

/* The names of a repository, as far as there is room. */
struct names {
    size_t count;
    const char *list[64];
    char text[64][MODEL_NAME_MAX + 1];
};

static int note(void *context, const char *name)
{
    struct names *n = context;

    if (n->count == sizeof n->list / sizeof *n->list)
        return 1;
    if (!repository_name_valid(name))
        return 0;
    snprintf(n->text[n->count], sizeof *n->text, "%s", name);
    n->list[n->count] = n->text[n->count];
    n->count++;
    return 0;
}

static enum error_id no_such_model(const char *repository, const char *name, struct error *error)
{
    struct names names = {.count = 0};
    char hint[NEAREST_HINT_MAX];
    int fd = open(repository, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        files_each(fd, note, &names);
        close(fd);
    }
    return error_set(error, ERROR_UNKNOWN_MODEL, "%s: no model '%.64s'%s", repository, name,
                     nearest_hint(hint, name, names.list, names.count, ""));
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
        return errno == ENOENT ? no_such_model(*options->models ? options->models : "no repository",
                                               name, error)
                               : error_set(error, ERROR_UNKNOWN_MODEL, "%s: %s", options->model_dir,
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

static enum error_id read_input(int fd, const char *name, const char *should_be, struct buf *in,
                                size_t bytes_max, struct error *error)
{
    if (isatty(fd))
        return error_set(error, ERROR_BAD_REQUEST, "%s is a terminal, expected a file: < %s", name,
                         should_be);
    if (read_all(fd, name, in, bytes_max, error) != ERROR_OK)
        return error->id;
    if (in->len > 0)
        return ERROR_OK;
    buf_fini(in);
    return error_set(error, ERROR_BAD_REQUEST, "%s is empty, expected %s", name, should_be);
}

enum error_id command_input(struct buf *in, const char *should_be, size_t bytes_max,
                            struct error *error)
{
    return read_input(STDIN_FILENO, "standard input", should_be, in, bytes_max, error);
}

enum error_id command_npy(struct tensor *t, const char *path, const char *name,
                          const char *should_be, size_t bytes_max, struct error *error)
{
    static const struct tensor_limits limits = {.rank_max = 2, .elements_max = (size_t)1 << 28};
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    struct buf in = {.len = 0};
    enum error_id id;

    if (fd < 0)
        return error_set(error, ERROR_BAD_REQUEST, "%s: %s", name, strerror(errno));
    id = read_input(fd, name, should_be, &in, bytes_max, error);
    if (path)
        close(fd);
    if (id != ERROR_OK)
        return id;
    id = npy_read(t, name, in.data, in.len, &limits, error);
    buf_fini(&in);
    return id;
}
