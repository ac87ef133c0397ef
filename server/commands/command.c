/* command.c - see command.h. */
#include "commands/command.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "base/nearest.h"
#include "model/files.h"
#include "model/repository.h"
#include "model/single.h"
#include "model/version.h"
#include "tensor/npy.h"

/* The version that serves, if every version that should is there; else the reason why one is not.
 */
static const struct repository_version *newest(const struct repository_entry *entry,
                                               struct error *error)
{
    const struct repository_version *v = repository_find_version(entry, 0);

    for (size_t i = 0; i < entry->versions_count; i++)
        if (!entry->versions[i].model || *entry->versions[i].error) {
            error_set(error, ERROR_NOT_READY, "model %s: %s", entry->name,
                      entry->versions[i].error);
            return NULL;
        }
    if (!v)
        error_set(error, ERROR_NOT_READY, "model %s: no version", entry->name);
    return v;
}

/* "1, 3": what there is instead of the version that was asked for. */
static enum error_id no_such_version(const struct repository_entry *entry, const char *version,
                                     struct error *error)
{
    char list[200] = "";
    size_t used = 0;

    for (size_t i = 0; i < entry->versions_count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%" PRIu64, i ? ", " : "",
                                 entry->versions[i].version);
    return error_set(error, ERROR_UNKNOWN_VERSION,
                     "model %s: no version or label '%.64s' is loaded; config.json has it serve "
                     "version %s",
                     entry->name, version, *list ? list : "none");
}

/* A version by its number or by a label; the other versions need not load. */
static const struct repository_version *named(const struct repository_entry *entry,
                                              const char *version, struct error *error)
{
    uint64_t number = version_read(version);
    const struct repository_version *v = number ? repository_find_version(entry, number)
                                                : repository_find_label(entry, version);

    if (!v)
        no_such_version(entry, version, error);
    else if (!v->model)
        error_set(error, ERROR_NOT_READY, "model %s: %s", entry->name, v->error);
    else
        return v;
    return NULL;
}

/* The names of a repository, as far as there is room. */
struct list {
    size_t count;
    const char *list[64];
    char text[64][MODEL_NAME_MAX + 1];
};

static int note(void *context, const char *name)
{
    struct list *n = context;

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
    struct list names = {.count = 0};
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

/* "digits/1" as two texts; version "" for the newest. Without a name it is that of --model-dir. */
static enum error_id split(const struct options *options, const char *text,
                           struct command_models *c, struct error *error)
{
    const char *slash = text ? strchr(text, '/') : NULL;
    size_t length = slash ? (size_t)(slash - text) : text ? strlen(text) : 0;

    if (!text) {
        single_name(options->model_dir, options->model_name, c->name);
        return ERROR_OK;
    }
    snprintf(c->version, sizeof c->version, "%s", slash ? slash + 1 : "");
    if (length < sizeof c->name &&
        (!slash || (slash[1] && strlen(slash + 1) < sizeof c->version))) {
        snprintf(c->name, sizeof c->name, "%.*s", (int)length, text);
        if (*c->name != '.' && repository_name_valid(c->name) &&
            (!slash || repository_name_valid(c->version)))
            return ERROR_OK;
    }
    return error_set(
        error, ERROR_UNKNOWN_MODEL,
        "'%.100s' is no name of a model: 1 to %d letters, digits, '.', '_' or '-', and "
        "perhaps /VERSION or /LABEL",
        text, MODEL_NAME_MAX);
}

static enum error_id pick(struct command_models *c, const struct repository_snapshot *snapshot,
                          struct error *error)
{
    const struct repository_entry *entry = repository_find(snapshot, c->name);
    const struct repository_version *v = NULL;

    if (!entry)
        return error_set(error, ERROR_UNKNOWN_MODEL, "%s: no model '%.64s', but '%s'",
                         c->options.models, c->name,
                         snapshot->entries_count > 0 ? snapshot->entries[0].name : "");
    v = *c->version ? named(entry, c->version, error) : newest(entry, error);
    if (!v)
        return error->id;
    c->model = v->model;
    model_ref(c->model);
    return ERROR_OK;
}

enum error_id command_open(struct command_models *c, const struct options *options,
                           const char *name, struct error *error)
{
    const struct repository_snapshot *snapshot;
    size_t failed;

    *c = (struct command_models){.options = *options};
    log_level_set(LOG_WARN); /* that a model is loaded goes without saying */
    if (split(options, name, c, error) != ERROR_OK || narrow(&c->options, c->name, error))
        return error->id;
    c->repository = repository_open(c->options.models, &c->options, NULL, &failed, error);
    if (!c->repository)
        return error->id;
    snapshot = repository_acquire(c->repository);
    pick(c, snapshot, error);
    repository_release(c->repository, snapshot);
    return error->id;
}

void command_close(struct command_models *c)
{
    model_unref(c->model);
    if (c->repository)
        repository_close(c->repository);
}

struct model *command_model(const struct options *options, const char *name, struct error *error)
{
    struct command_models c;
    struct model *m = NULL;

    if (command_open(&c, options, name, error) == ERROR_OK) {
        m = c.model;
        c.model = NULL;
    }
    command_close(&c);
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
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct buf in = {.len = 0};
    enum error_id id;

    if (fd < 0)
        return error_set(error, ERROR_BAD_REQUEST, "%s: %s", name, strerror(errno));
    id = read_input(fd, name, should_be, &in, bytes_max, error);
    close(fd);
    if (id != ERROR_OK)
        return id;
    id = npy_read(t, name, in.data, in.len, &limits, error);
    buf_fini(&in);
    return id;
}
