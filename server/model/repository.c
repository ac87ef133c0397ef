/* repository.c - snapshots of a folder of models, swapped under readers.
 *
 * Invariant: a snapshot never changes once it is current; it lives until the last reader has let go
 * of it, and its models as long. Reloads run one at a time. */
#include "model/repository.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "json/object.h"
#include "model/files.h"
#include "model/scan.h"
#include "model/single.h"

enum { MODELS_MAX = 1024 };

struct snapshot {
    struct repository_snapshot shown; /* first: readers get a pointer to it */
    atomic_uint references;
    bool single; /* the folder is the one entry's */
};

struct repository {
    char *dir;
    const struct options *options;
    pthread_mutex_t reloading; /* held for a whole scan */
    pthread_mutex_t lock;      /* of current, held for a few instructions */
    struct snapshot *current;
};

/* ---- snapshots ------------------------------------------------------------------------------ */

static struct snapshot *snapshot_create(size_t entries_max)
{
    struct snapshot *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->references = 1;
    s->shown.entries = calloc(entries_max + 1, sizeof *s->shown.entries);
    if (!s->shown.entries) {
        free(s);
        return NULL;
    }
    return s;
}

static void snapshot_release(struct snapshot *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < s->shown.entries_count; i++)
        scan_entry_fini(&s->shown.entries[i]);
    free(s->shown.entries);
    findings_fini(&s->shown.findings);
    free(s);
}

const struct repository_snapshot *repository_acquire(struct repository *r)
{
    struct snapshot *s;

    pthread_mutex_lock(&r->lock);
    s = r->current;
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&r->lock);
    return &s->shown;
}

void repository_release(struct repository *r, const struct repository_snapshot *s)
{
    (void)r;
    snapshot_release((struct snapshot *)s);
}

/* ---- look-ups ------------------------------------------------------------------------------- */

static int entry_order(const void *a, const void *b)
{
    const struct repository_entry *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int entry_order_name(const void *name, const void *entry)
{
    return strcmp(name, ((const struct repository_entry *)entry)->name);
}

const struct repository_entry *repository_find(const struct repository_snapshot *s,
                                               const char *name)
{
    return bsearch(name, s->entries, s->entries_count, sizeof *s->entries, entry_order_name);
}

const struct repository_version *repository_find_version(const struct repository_entry *e,
                                                         uint64_t version)
{
    for (size_t i = e->versions_count; i-- > 0;)
        if (version ? e->versions[i].version == version : e->versions[i].model != NULL)
            return &e->versions[i];
    return NULL;
}

const struct repository_version *repository_find_label(const struct repository_entry *e,
                                                       const char *label)
{
    for (size_t i = 0; i < e->labels_count; i++)
        if (strcmp(e->labels[i].name, label) == 0)
            return repository_find_version(e, e->labels[i].version);
    return NULL;
}

bool repository_serves(struct repository *r)
{
    const struct repository_snapshot *s = repository_acquire(r);
    bool serves = s->entries_count == 0;

    for (size_t i = 0; i < s->entries_count && !serves; i++)
        serves = repository_find_version(&s->entries[i], 0) != NULL;
    repository_release(r, s);
    return serves;
}

bool repository_name_valid(const char *name)
{
    return object_name_valid(name);
}

/* ---- scanning ------------------------------------------------------------------------------- */

struct names {
    int rootfd;
    struct snapshot *into;
};

/* Folders, and links to them (which then fail to load, rather than being missed). */
static int name_visit(void *context, const char *name)
{
    struct names *n = context;
    struct repository_snapshot *s = &n->into->shown;
    int fd = files_open(n->rootfd, name, true), is_file = fd < 0 && errno == ENOTDIR;

    if (fd >= 0)
        close(fd);
    if (is_file)
        return 0;
    if (!object_name_valid(name)) {
        const struct finding finding = {
            .event = "folder_ignored",
            .key = "folder",
            .name = name,
            .reason = "a model's name is 1 to 64 letters, digits, '.', '_' or '-'"};
        finding_tell(&s->findings, &finding);
        return 0;
    }
    if (s->entries_count == MODELS_MAX)
        return 1;
    memcpy(s->entries[s->entries_count++].name, name, strlen(name) + 1);
    return 0;
}

/* dir is no repository, but one model. */
static void single_add(struct snapshot *s, const struct repository *r)
{
    struct repository_entry *e = &s->shown.entries[s->shown.entries_count++];
    char reason[2 * OPTION_TEXT_MAX];

    s->single = true;
    single_name(r->dir, r->options->model_name, e->name);
    if (*r->options->model_dir)
        return;
    snprintf(reason, sizeof reason,
             "%s is a model: give its parent, or --model-dir; it is served alone, as %s", r->dir,
             e->name);
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
static struct snapshot *names_read(const struct repository *r, int *rootfd, struct error *error)
{
    const char *dir = r->dir;
    struct names names = {.into = snapshot_create(MODELS_MAX)};
    int result;

    *rootfd = -1;
    if (!names.into) {
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    if (*dir == '\0')
        return names.into;
    /* The root itself may be a link: a deployment switches it, and each scan follows it anew. */
    *rootfd = names.rootfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (names.rootfd >= 0 && (*r->options->model_dir || single_is(names.rootfd))) {
        single_add(names.into, r);
        return names.into;
    }
    result = names.rootfd < 0 ? -1 : files_each(names.rootfd, name_visit, &names);
    if (result == 0) {
        qsort(names.into->shown.entries, names.into->shown.entries_count,
              sizeof *names.into->shown.entries, entry_order);
        model_name_check(names.into, r->options->model_name);
        return names.into;
    }
    if (result > 0)
        error_set(error, ERROR_LIMIT_EXCEEDED, "%s: more than %d models", dir, MODELS_MAX);
    else
        files_error(error, AT_FDCWD, dir, errno);
    snapshot_release(names.into);
    if (*rootfd >= 0)
        close(*rootfd);
    return NULL;
}

/* The repository as it is in the folder now; new, or NULL and error. */
static struct snapshot *scan(const struct repository *r, const struct repository_snapshot *old,
                             bool (*stop)(void), size_t *failed, struct error *error)
{
    const char *cause = NULL;
    int rootfd;
    struct snapshot *s = names_read(r, &rootfd, error);

    *failed = 0;
    if (!s)
        return NULL;
    for (size_t i = 0; i < s->shown.entries_count && !cause; i++) {
        struct repository_entry *e = &s->shown.entries[i];
        if (stop && stop()) {
            cause = "given up, since the service is to stop";
            break;
        }
        int result = scan_entry(e, rootfd, s->single ? "." : e->name,
                                old ? repository_find(old, e->name) : NULL, r->options);
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

/* Why it is unloaded: its files have changed, a newer version took its place, or it is gone. */
static const char *unload_reason(const struct model *m, const struct repository_snapshot *now)
{
    const struct repository_entry *e = repository_find(now, m->name);
    const struct repository_version *v = e ? repository_find_version(e, m->version) : NULL;
    const struct repository_version *newest = e ? repository_find_version(e, 0) : NULL;

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
            if (!e->versions[j].model)
                list[count++] = (struct metrics_failed){e->name, e->versions[j].version};
    }
    metrics_failed_set(list, count);
    free(list);
}

static void swap(struct repository *r, struct snapshot *now)
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
    swap(r, s);
    return r;
}

void repository_close(struct repository *r)
{
    if (!r)
        return;
    swap(r, NULL);
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
        swap(r, s);
    report(failed, s != NULL);
    pthread_mutex_unlock(&r->reloading);
    if (s)
        log_event(failed ? LOG_WARN : LOG_INFO, "models_reloaded", LOG_U("failed", failed),
                  LOG_F("seconds", clock_s() - start_s));
    else
        log_event(LOG_ERROR, "models_not_reloaded", LOG_S("error", error.detail));
    return s ? (int)failed : -1;
}
