/* repository.c - snapshots of a folder of models, swapped under readers.
 *
 * Invariant: whatever makes a new snapshot (a scan; a load or unload, control.c) does so alone, and
 * from what is current. */
#include "model/repository.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "json/object.h"
#include "model/files.h"
#include "model/entry.h"
#include "model/scan.h"
#include "model/single.h"
#include "model/snapshot.h"

bool repository_name_valid(const char *name)
{
    return object_name_valid(name);
}

/* ---- scanning ------------------------------------------------------------------------------- */

struct names {
    int rootfd;
    struct snapshot *into;
};

/* Entries are not sorted yet. */
static bool is_named(const struct snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->shown.entries_count; i++)
        if (strcmp(s->shown.entries[i].name, name) == 0)
            return true;
    return false;
}

static void ignore_folder(struct snapshot *s, const char *name, const char *reason)
{
    finding_tell(&s->shown.findings,
                 &(struct finding){
                     .event = "folder_ignored", .key = "folder", .name = name, .reason = reason});
}

/* Models that a platform has loaded from folders of their own stay. */
static bool names_keep(struct snapshot *s, const struct repository_snapshot *old)
{
    for (size_t i = 0; old && i < old->entries_count; i++)
        if (old->entries[i].folder && !snapshot_add(s, old->entries[i].name))
            return false;
    return true;
}

/* Folders, and links to them (which then fail to load, rather than being missed). */
static int name_visit(void *context, const char *name)
{
    struct names *n = context;
    int fd = files_open(n->rootfd, name, true), is_file = fd < 0 && errno == ENOTDIR;

    if (fd >= 0)
        close(fd);
    if (is_file)
        return 0;
    if (!object_name_valid(name))
        ignore_folder(n->into, name, "a model's name is 1 to 64 letters, digits, '.', '_' or '-'");
    else if (is_named(n->into, name))
        ignore_folder(n->into, name, "a model of that name was loaded from elsewhere");
    else
        return !snapshot_add(n->into, name);
    return 0;
}

/* dir is no repository, but one model. */
static void single_add(struct snapshot *s, const struct repository *r)
{
    char reason[2 * OPTION_TEXT_MAX], name[MODEL_NAME_MAX + 1];

    s->single = true;
    single_name(r->dir, r->options->model_name, name);
    if (is_named(s, name)) {
        ignore_folder(s, r->dir, "a model of its name was loaded from elsewhere");
        return;
    }
    snapshot_add(s, name);
    if (*r->options->model_dir)
        return;
    snprintf(reason, sizeof reason,
             "%s is a model: give its parent, or --model-dir; it is served alone, as %s", r->dir,
             name);
    finding_tell(&s->shown.findings, &(struct finding){.event = "models_is_a_model",
                                                       .key = "folder",
                                                       .name = r->dir,
                                                       .reason = reason});
}

/* In a repository it says which model /invocations asks. */
static void model_name_check(struct snapshot *s, const char *name)
{
    if (*name && !repository_find(&s->shown, name))
        finding_tell(&s->shown.findings,
                     &(struct finding){.event = "model_name_unused",
                                       .key = "option",
                                       .name = "model_name",
                                       .reason = "the repository has no model of that name, and "
                                                 "calls its models as their folders"});
}

/* The names of the models in r's folder; new, or NULL and error. */
static struct snapshot *names_read(const struct repository *r,
                                   const struct repository_snapshot *old, int *rootfd,
                                   struct error *error)
{
    const char *dir = r->dir;
    struct names names = {.into = snapshot_create()};
    int result;

    *rootfd = -1;
    if (!names.into || !names_keep(names.into, old)) {
        snapshot_release(names.into);
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    if (*dir == '\0')
        return names.into;
    /* The root itself may be a link: a deployment switches it, and each scan follows it anew. */
    *rootfd = names.rootfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (names.rootfd >= 0 && (*r->options->model_dir || single_is(names.rootfd))) {
        single_add(names.into, r);
        snapshot_sort(names.into);
        return names.into;
    }
    result = names.rootfd < 0 ? -1 : files_each(names.rootfd, name_visit, &names);
    if (result == 0) {
        snapshot_sort(names.into);
        model_name_check(names.into, r->options->model_name);
        return names.into;
    }
    if (result > 0)
        error_set(error, ERROR_LIMIT_EXCEEDED, "%s: more than %d models", dir, SNAPSHOT_MODELS_MAX);
    else
        files_error(error, AT_FDCWD, dir, errno);
    snapshot_release(names.into);
    if (*rootfd >= 0)
        close(*rootfd);
    return NULL;
}

/* One of its models: as scan_entry(). */
static int scan_one(struct repository *r, struct repository_entry *e, int rootfd,
                    const char *folder, const struct repository_entry *before)
{
    int elsewhere = -1, failed;

    if (before && before->unloaded)
        return entry_copy(e, before) ? 0 : -1;
    if (before && !entry_copy_origin(e, before))
        return -1;
    if (!before || !repository_find_version(before, 0))
        repository_set_loading(r, e->name);
    if (e->folder) /* its root may be a link, too */
        elsewhere = open(e->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    failed = e->folder ? scan_entry(e, elsewhere, ".", before, r->options)
                       : scan_entry(e, rootfd, folder, before, r->options);
    if (elsewhere >= 0)
        close(elsewhere);
    repository_set_loading(r, "");
    return failed;
}

/* The repository as it is in the folder now; new, or NULL and error. */
static struct snapshot *scan(struct repository *r, const struct repository_snapshot *old,
                             bool (*stop)(void), size_t *failed, struct error *error)
{
    const char *cause = NULL;
    int rootfd;
    struct snapshot *s = names_read(r, old, &rootfd, error);

    *failed = 0;
    for (size_t i = 0; s && i < s->shown.entries_count && !cause; i++) {
        struct repository_entry *e = &s->shown.entries[i];
        if (stop && stop()) {
            cause = "given up, since the service is to stop";
            break;
        }
        int result = scan_one(r, e, rootfd, s->single ? "." : e->name,
                              old ? repository_find(old, e->name) : NULL);
        if (result < 0)
            cause = "out of memory";
        else
            *failed += (size_t)result;
    }
    if (rootfd >= 0)
        close(rootfd);
    if (!cause)
        return s;
    error_set(error, ERROR_NOT_READY, "%s: %s", r->dir, cause);
    snapshot_release(s);
    return NULL;
}

/* ---- the swap ------------------------------------------------------------------------------- */

static bool holds(const struct repository_snapshot *s, const struct model *m)
{
    const struct repository_entry *e = s ? repository_find(s, m->name) : NULL;
    const struct repository_version *v = e ? repository_find_version(e, m->version) : NULL;

    return v && v->model == m;
}

/* Why it is unloaded: somebody has asked for it, its files have changed, a newer version took its
 * place, or it is gone. */
static const char *unload_reason(const struct model *m, const struct repository_snapshot *now)
{
    const struct repository_entry *e = repository_find(now, m->name);
    const struct repository_version *v = e ? repository_find_version(e, m->version) : NULL;
    const struct repository_version *newest = e ? repository_find_version(e, 0) : NULL;

    if (e && e->unloaded)
        return "unloaded";
    if (v && v->model)
        return "replaced";
    return newest && newest->version > m->version ? "superseded" : "removed";
}

static void withdraw(struct model *m, const struct repository_snapshot *now)
{
    metrics_model_withdraw(m->metrics);
    if (now) /* at the end of the daemon it goes without saying */
        log_event(LOG_INFO, "model_unloaded", LOG_S("model", m->name), LOG_U("version", m->version),
                  LOG_S("reason", unload_reason(m, now)));
}

/* The models of now that were not there before are published, those that are gone withdrawn. In
 * first, then out: publishing replaces the namesake in one step, so that no scrape misses it. */
static void publish(const struct repository_snapshot *now, const struct repository_snapshot *before)
{
    for (size_t i = 0; now && i < now->entries_count; i++)
        for (size_t j = 0; j < now->entries[i].versions_count; j++) {
            struct model *m = now->entries[i].versions[j].model;
            if (m && !holds(before, m))
                metrics_model_publish(m->metrics);
        }
    for (size_t i = 0; before && i < before->entries_count; i++)
        for (size_t j = 0; j < before->entries[i].versions_count; j++) {
            struct model *m = before->entries[i].versions[j].model;
            if (m && !holds(now, m))
                withdraw(m, now);
        }
}

/* Versions of which nothing serves have a metric that says so. */
static void report_failed(const struct repository_snapshot *s)
{
    struct metrics_failed *list;
    size_t rows = 0, count = 0;

    for (size_t i = 0; i < s->entries_count; i++)
        rows += s->entries[i].versions_count;
    list = calloc(rows + 1, sizeof *list);
    if (!list)
        return;
    for (size_t i = 0; i < s->entries_count; i++) {
        const struct repository_entry *e = &s->entries[i];

        for (size_t j = 0; j < e->versions_count; j++)
            if (!e->versions[j].model && !e->unloaded)
                list[count++] = (struct metrics_failed){e->name, e->versions[j].version};
    }
    metrics_failed_set(list, count);
    free(list);
}

void repository_swap(struct repository *r, struct snapshot *now)
{
    static const struct repository_snapshot nothing;
    struct snapshot *before;

    pthread_mutex_lock(&r->lock);
    before = r->current;
    r->current = now;
    pthread_mutex_unlock(&r->lock);
    publish(now ? &now->shown : NULL, before ? &before->shown : NULL);
    report_failed(now ? &now->shown : &nothing);
    snapshot_release(before);
}

static void report(size_t failed, bool readable)
{
    bool successful = readable && failed == 0;

    metrics_gauge_set(METRIC_reload_successful, successful);
    if (successful)
        metrics_gauge_set(METRIC_reload_success_timestamp_seconds, clock_unix_s());
}

struct repository *repository_open(const char *dir, const struct options *options,
                                   bool (*stop)(void), size_t *failed, struct error *error)
{
    struct repository *r = calloc(1, sizeof *r);
    struct snapshot *s = NULL;

    if (!r || !(r->dir = strdup(dir))) {
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
        free(r);
        return NULL;
    }
    r->options = options;
    pthread_mutex_init(&r->reloading, NULL);
    pthread_mutex_init(&r->lock, NULL);
    s = scan(r, NULL, stop, failed, error);
    report(*failed, s != NULL);
    if (!s) {
        repository_close(r);
        return NULL;
    }
    repository_swap(r, s);
    return r;
}

void repository_close(struct repository *r)
{
    if (!r)
        return;
    repository_swap(r, NULL);
    pthread_mutex_destroy(&r->reloading);
    pthread_mutex_destroy(&r->lock);
    free(r->dir);
    free(r);
}

int repository_reload(struct repository *r, bool (*stop)(void))
{
    struct error error = {0};
    struct snapshot *s;
    double start_s = clock_s();
    size_t failed;

    pthread_mutex_lock(&r->reloading);
    /* Only reloads replace current, so it stays while this one holds the lock. */
    s = scan(r, &r->current->shown, stop, &failed, &error);
    if (s)
        repository_swap(r, s);
    report(failed, s != NULL);
    pthread_mutex_unlock(&r->reloading);
    if (s)
        log_event(failed ? LOG_WARN : LOG_INFO, "models_reloaded", LOG_U("failed", failed),
                  LOG_F("seconds", clock_s() - start_s));
    else
        log_event(LOG_ERROR, "models_not_reloaded", LOG_S("error", error.detail));
    return s ? (int)failed : -1;
}
