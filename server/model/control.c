/* control.c - one model of a repository loaded or unloaded by name, while the others serve.
 *
 * Each makes a snapshot that differs from the current one in that model. Knows no HTTP; loads are
 * scan.c's, as those of a reload are. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "model/entry.h"
#include "model/files.h"
#include "model/scan.h"
#include "model/snapshot.h"

static enum error_id no_memory(struct error *error)
{
    return error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
}

static enum error_id fail_unknown(const struct repository_ask *ask, struct error *error)
{
    return error_set(error, ERROR_UNKNOWN_MODEL, "'%s': the repository has no such folder",
                     ask->name);
}

/* Where a model's files are: `path` beneath the descriptor, which the caller closes. */
struct origin {
    int rootfd;
    const char *path;
};

/* A folder that was given is opened itself: links on the way to it are its owner's. */
static enum error_id open_folder(struct origin *origin, const char *folder, struct error *error)
{
    origin->path = ".";
    origin->rootfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (origin->rootfd >= 0)
        return ERROR_OK;
    files_error(error, AT_FDCWD, folder, errno);
    return error->id = errno == ENOENT || errno == ENOTDIR ? ERROR_UNKNOWN_MODEL
                                                           : ERROR_LOAD_FAILED;
}

static enum error_id open_own(struct origin *origin, const struct repository *r,
                              const struct repository_ask *ask,
                              const struct repository_entry *before, struct error *error)
{
    bool is_single = r->current->single;
    int fd;

    if (!*r->dir || (is_single && !before) || *ask->name == '.') /* as a scan passes them over */
        return fail_unknown(ask, error);
    origin->path = is_single ? "." : ask->name;
    origin->rootfd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (origin->rootfd < 0)
        return error_set(error, ERROR_LOAD_FAILED, "the repository cannot be read: %s",
                         files_reason(errno));
    fd = files_open(origin->rootfd, origin->path, true);
    if (fd >= 0)
        close(fd);
    else if (errno == ENOENT && !(before && repository_find_version(before, 0)))
        return fail_unknown(ask, error);
    return ERROR_OK; /* any other reason is the load's to tell */
}

static enum error_id open_origin(struct origin *origin, const struct repository *r,
                                 const struct repository_ask *ask,
                                 const struct repository_entry *before, struct error *error)
{
    if (ask->folder)
        return open_folder(origin, ask->folder, error);
    if (before && before->folder)
        return open_folder(origin, before->folder, error);
    return open_own(origin, r, ask, before, error);
}

static bool replace(char **text, const char *with)
{
    free(*text);
    *text = with ? strdup(with) : NULL;
    return *text || !with;
}

/* Its origin is the one before, unless a folder is given; its config is what is asked for. */
static bool describe(struct repository_entry *e, const struct repository_ask *ask,
                     const struct repository_entry *before)
{
    if (before && !ask->folder && !entry_copy_origin(e, before))
        return false;
    return replace(&e->config, ask->config) &&
           (!ask->folder || (replace(&e->folder, ask->folder) && replace(&e->opaque, ask->opaque)));
}

/* The newest version that failed, and what serves in its place. */
static enum error_id fail_load(const struct repository_entry *e, bool given, struct error *error)
{
    const struct repository_version *serving = repository_find_version(e, 0);
    const struct repository_version *v = NULL;
    enum error_id id = ERROR_LOAD_FAILED;

    for (size_t i = 0; i < e->versions_count; i++)
        if (*e->versions[i].error)
            v = &e->versions[i];
    if (v && v->cause == ERROR_OUT_OF_MEMORY)
        id = given ? ERROR_NO_ROOM : ERROR_OUT_OF_MEMORY;
    if (!v)
        return error_set(error, id, "model '%s': nothing to load", e->name);
    if (!serving || given)
        return error_set(error, id, "model '%s' version %" PRIu64 ": %s", e->name, v->version,
                         v->error);
    return error_set(error, id, "model '%s' version %" PRIu64 ": %s; version %" PRIu64 " serves%s",
                     e->name, v->version, v->error, serving->version,
                     serving == v ? " as loaded before" : "");
}

/* The next snapshot, with the model as it loads now; new, or NULL and error. *failed: why not all
 * of it serves. */
static struct snapshot *load(struct repository *r, const struct repository_ask *ask,
                             const struct origin *origin, const struct repository_entry *before,
                             enum error_id *failed, struct error *error)
{
    struct snapshot *s = snapshot_copy(r->current, ask->name);
    struct repository_entry *e = s ? snapshot_add(s, ask->name) : NULL;
    bool serves = before && repository_find_version(before, 0);
    int result;

    if (s && !e) {
        error_set(error, ERROR_NO_ROOM, "there are %d models, and no more may be",
                  SNAPSHOT_MODELS_MAX);
        goto fail;
    }
    if (!s || !describe(e, ask, before)) {
        no_memory(error);
        goto fail;
    }
    if (!serves)
        repository_set_loading(r, ask->name);
    result = scan_entry(e, origin->rootfd, origin->path, serves ? before : NULL, r->options);
    if (result < 0) {
        no_memory(error);
        goto fail;
    }
    *failed = result == 0 ? ERROR_OK : fail_load(e, ask->folder, error);
    /* The next reload compares with the config of the models that go on. */
    if (*failed && !replace(&e->config, before ? before->config : NULL))
        goto fail;
    snapshot_sort(s);
    return s;
fail:
    snapshot_release(s);
    return NULL;
}

enum error_id repository_load(struct repository *r, const struct repository_ask *ask,
                              struct error *error)
{
    struct origin origin = {.rootfd = -1};
    const struct repository_entry *before;
    struct snapshot *s = NULL;
    enum error_id id;

    pthread_mutex_lock(&r->reloading);
    before = repository_find(&r->current->shown, ask->name);
    if (ask->folder && before && repository_find_version(before, 0)) {
        id = error_set(error, ERROR_ALREADY_LOADED, "'%.200s': a model of that name is loaded",
                       ask->opaque ? ask->opaque : ask->name);
        goto out;
    }
    id = open_origin(&origin, r, ask, before, error);
    if (id != ERROR_OK)
        goto out;
    s = load(r, ask, &origin, before, &id, error);
    if (!s)
        id = error->id;
    else if (id != ERROR_OK && ask->folder)
        snapshot_release(s);
    else
        repository_swap(r, s);
    if (id == ERROR_OUT_OF_MEMORY && ask->folder)
        id = error->id = ERROR_NO_ROOM;
out:
    repository_set_loading(r, "");
    if (origin.rootfd >= 0)
        close(origin.rootfd);
    pthread_mutex_unlock(&r->reloading);
    return id;
}

enum error_id repository_unload(struct repository *r, const char *name, bool forget,
                                struct error *error)
{
    const struct repository_entry *before;
    struct snapshot *s = NULL;
    enum error_id id = ERROR_OK;

    pthread_mutex_lock(&r->reloading);
    before = repository_find(&r->current->shown, name);
    if (!before || (before->unloaded && !forget))
        goto out;
    s = snapshot_copy(r->current, name);
    if (!s || (!forget && !entry_copy_unloaded(snapshot_add(s, name), before))) {
        snapshot_release(s);
        id = no_memory(error);
        goto out;
    }
    snapshot_sort(s);
    repository_swap(r, s);
out:
    pthread_mutex_unlock(&r->reloading);
    return id;
}
