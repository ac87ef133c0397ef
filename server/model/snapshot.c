/* snapshot.c - states of a repository, made and released, and look-ups in them. */
#include "model/snapshot.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/sha256.h"
#include "model/entry.h"

struct snapshot *snapshot_create(void)
{
    struct snapshot *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->references = 1;
    s->shown.entries = calloc(SNAPSHOT_MODELS_MAX, sizeof *s->shown.entries);
    if (!s->shown.entries) {
        free(s);
        return NULL;
    }
    return s;
}

void snapshot_release(struct snapshot *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < s->shown.entries_count; i++)
        entry_fini(&s->shown.entries[i]);
    free(s->shown.entries);
    findings_fini(&s->shown.findings);
    free(s);
}

struct repository_entry *snapshot_add(struct snapshot *s, const char *name)
{
    struct repository_entry *e = &s->shown.entries[s->shown.entries_count];

    if (s->shown.entries_count == SNAPSHOT_MODELS_MAX)
        return NULL;
    s->shown.entries_count++;
    snprintf(e->name, sizeof e->name, "%s", name);
    return e;
}

struct snapshot *snapshot_copy(const struct snapshot *from, const char *without)
{
    struct snapshot *s = snapshot_create();

    for (size_t i = 0; s && i < from->shown.entries_count; i++) {
        const struct repository_entry *e = &from->shown.entries[i];

        if (strcmp(e->name, without) == 0 || entry_copy(snapshot_add(s, e->name), e))
            continue;
        snapshot_release(s);
        s = NULL;
    }
    if (s)
        s->single = from->single;
    return s;
}

static int entry_order(const void *a, const void *b)
{
    const struct repository_entry *x = a, *y = b;

    return strcmp(x->name, y->name);
}

void snapshot_sort(struct snapshot *s)
{
    qsort(s->shown.entries, s->shown.entries_count, sizeof *s->shown.entries, entry_order);
}

/* ---- for readers ---------------------------------------------------------------------------- */

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

const char *repository_folder(const struct repository *r, const struct repository_snapshot *s,
                              const struct repository_entry *e,
                              char out[static REPOSITORY_FOLDER_MAX])
{
    if (e->folder || ((const struct snapshot *)s)->single)
        snprintf(out, REPOSITORY_FOLDER_MAX, "%s", e->folder ? e->folder : r->dir);
    else
        snprintf(out, REPOSITORY_FOLDER_MAX, "%s/%s", r->dir, e->name);
    return out;
}

const char *repository_opaque(const struct repository_entry *e)
{
    return e->opaque ? e->opaque : e->name;
}

const char *repository_name(const char *opaque, char name[static MODEL_NAME_MAX + 1])
{
    struct sha256 sum;

    _Static_assert((int)SHA256_TEXT <= (int)MODEL_NAME_MAX, "a digest is a name");
    if (repository_name_valid(opaque) && *opaque != '.') { /* ".." is a step of a path */
        memcpy(name, opaque, strlen(opaque) + 1);
        return name;
    }
    sha256_init(&sum);
    sha256_add(&sum, opaque, strlen(opaque));
    sha256_end(&sum, name);
    return name;
}

bool repository_serves(struct repository *r)
{
    const struct repository_snapshot *s = repository_acquire(r);
    bool serves = false, expected = false;

    for (size_t i = 0; i < s->entries_count && !serves; i++) {
        serves = repository_find_version(&s->entries[i], 0) != NULL;
        expected = expected || !s->entries[i].unloaded;
    }
    repository_release(r, s);
    return serves || !expected;
}

enum repository_state repository_state(const struct repository_version *v)
{
    if (v->model)
        return REPOSITORY_READY;
    return v->leaving && !model_life_is_over(v->leaving) ? REPOSITORY_UNLOADING
                                                         : REPOSITORY_UNAVAILABLE;
}

void repository_set_loading(struct repository *r, const char *name)
{
    pthread_mutex_lock(&r->lock);
    snprintf(r->loading, sizeof r->loading, "%s", name);
    pthread_mutex_unlock(&r->lock);
}

void repository_loading(struct repository *r, char name[static MODEL_NAME_MAX + 1])
{
    pthread_mutex_lock(&r->lock);
    memcpy(name, r->loading, sizeof r->loading);
    pthread_mutex_unlock(&r->lock);
}
