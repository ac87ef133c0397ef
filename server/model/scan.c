/* scan.c - one model's folder as an entry of a snapshot.
 *
 * It knows the policy of versions, no snapshots and no readers. Invariant: the versions that an
 * entry lists are unique, and a version that served is dropped only if nothing failed in its place.
 */
#include "model/scan.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "model/load.h"
#include "model/record.h"
#include "model/single.h"
#include "model/version.h"
#include "weights/formats.h"
#include "weights/weights.h"

struct scan {
    struct repository_entry *entry;
    const struct repository_entry *old;
    const struct options *options;
    int dirfd;
    struct config config;
    struct file_id config_id;
    uint64_t found[SCAN_VERSIONS_MAX]; /* version folders, descending */
    size_t found_count;
    size_t available; /* rows of the entry that have a model */
    int failed;
    bool flat; /* no version folder: the files of version 1 lie beside config.json */
    bool out_of_memory;
};

static const struct error no_error;

/* ---- rows of the entry --------------------------------------------------------------------- */

static const struct repository_version *row_find(const struct repository_entry *e, uint64_t version)
{
    for (size_t i = 0; e && i < e->versions_count; i++)
        if (e->versions[i].version == version)
            return &e->versions[i];
    return NULL;
}

/* Append a row that takes over the reference to model (NULL: failed). */
static void row_add(struct scan *s, uint64_t version, struct model *model,
                    const struct error *error)
{
    struct repository_entry *e = s->entry;
    struct repository_version *grown = reallocarray(e->versions, e->versions_count + 1,
                                                    sizeof *grown);

    if (!grown) {
        model_unref(model);
        s->out_of_memory = true;
        return;
    }
    e->versions = grown;
    grown += e->versions_count++;
    *grown = (struct repository_version){.version = version, .model = model, .cause = error->id};
    snprintf(grown->error, sizeof grown->error, "%s", error->detail);
    s->available += model != NULL;
}

static struct model *old_model(const struct scan *s, uint64_t version)
{
    const struct repository_version *row = row_find(s->old, version);

    return row ? row->model : NULL;
}

/* A row for a version that does not load; if it served before, that one goes on. */
static void row_fail(struct scan *s, uint64_t version, const struct error *error)
{
    struct model *old = old_model(s, version);

    s->failed++;
    if (old)
        model_ref(old);
    row_add(s, version, old, error);
}

/* Everything that served goes on serving, for want of something better. */
static void keep_old(struct scan *s)
{
    for (size_t i = 0; s->old && i < s->old->versions_count; i++) {
        const struct repository_version *row = &s->old->versions[i];
        if (!row->model || row_find(s->entry, row->version))
            continue;
        model_ref(row->model);
        row_add(s, row->version, row->model, &no_error);
    }
}

/* ---- versions ------------------------------------------------------------------------------ */

static int descending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x < y) - (x > y);
}

static int rows_ascending(const void *a, const void *b)
{
    const struct repository_version *x = a, *y = b;

    return (x->version > y->version) - (x->version < y->version);
}

static void version_ignore(struct scan *s, const char *name, const char *reason)
{
    finding_tell(&s->entry->findings, &(struct finding){.event = "version_ignored",
                                                        .model = s->entry->name,
                                                        .key = "folder",
                                                        .name = name,
                                                        .reason = reason});
}

/* Every folder, and whatever is named like a version, is one or is told why it is none. */
static int version_visit(void *context, const char *name)
{
    struct scan *s = context;
    uint64_t version = version_read(name);
    int fd = files_open(s->dirfd, name, true), cause = errno;

    if (fd < 0 && (!version || cause != EACCES)) { /* who may not look at a version is told why */
        if (version || cause != ENOTDIR)
            version_ignore(s, name, files_reason(cause));
        return 0;
    }
    if (fd >= 0)
        close(fd);
    if (!version) {
        version_ignore(s, name, "a version is " VERSION_IS);
        return 0;
    }
    if (s->found_count == SCAN_VERSIONS_MAX)
        return 1;
    s->found[s->found_count++] = version;
    return 0;
}

static struct version_source source_of(struct scan *s, uint64_t version)
{
    struct version_source from = {.dirfd = s->dirfd,
                                  .model = s->entry->name,
                                  .root = s->entry->folder,
                                  .version = version,
                                  .findings = &s->entry->findings};

    if (!s->flat)
        snprintf(from.folder, sizeof from.folder, "%" PRIu64 "/", version);
    return from;
}

static void version_load(struct scan *s, uint64_t version)
{
    const struct version_source from = source_of(s, version);
    struct model *m = old_model(s, version);
    struct error error = {0};

    if (m && model_is_current(m, &from, &s->config_id)) {
        model_ref(m);
        row_add(s, version, m, &no_error);
        return;
    }
    m = load_version(&from, &s->config, &s->config_id, s->options, &error);
    if (!m) {
        row_fail(s, version, &error);
        return;
    }
    log_event(LOG_INFO, "model_loaded", LOG_S("model", m->name), LOG_U("version", version),
              LOG_U("parameters", axon_mlp_parameters_count(m->mlp)), LOG_F("seconds", m->load_s),
              LOG_F("row_seconds", cost_s(&m->cost, 1)));
    if (m->record) {
        const struct record_shape shape = record_shape(m->record);

        log_event(LOG_INFO, "rows_are_recorded", LOG_S("model", m->name), LOG_U("version", version),
                  LOG_U("rows", shape.rows), LOG_U("bytes", record_bytes(&shape)));
    }
    row_add(s, version, m, &no_error);
}

static bool labelled(const struct scan *s, uint64_t version)
{
    for (size_t i = 0; i < s->config.serving.version_labels_count; i++)
        if (s->config.serving.version_labels[i].version == version)
            return true;
    return false;
}

static bool listed(const struct scan *s, uint64_t version)
{
    for (size_t i = 0; i < s->config.serving.versions_count; i++)
        if (s->config.serving.versions[i] == version)
            return true;
    return false;
}

/* From the newest down. "latest" goes on below versions that do not load until `count` serve, so
 * that a restart after a bad deployment serves what the running daemon does. */
static void versions_load(struct scan *s)
{
    size_t latest = 0;

    for (size_t i = 0; i < s->found_count; i++) {
        uint64_t version = s->found[i];
        bool by_policy = s->config.serving.policy == CONFIG_ALL ||
                         (s->config.serving.policy == CONFIG_LATEST &&
                          latest < s->config.serving.latest_count) ||
                         (s->config.serving.policy == CONFIG_SPECIFIC && listed(s, version));
        if (!by_policy && !labelled(s, version))
            continue;
        size_t before = s->available;
        version_load(s, version);
        latest += by_policy ? s->available - before : 0;
    }
    for (size_t i = 0; i < s->config.serving.versions_count; i++) {
        struct error error = {0};
        if (row_find(s->entry, s->config.serving.versions[i]))
            continue;
        error_set(&error, ERROR_NOT_READY,
                  "config.json: versions.versions: there is no folder %" PRIu64,
                  s->config.serving.versions[i]);
        row_fail(s, s->config.serving.versions[i], &error);
    }
}

/* ---- the folder ---------------------------------------------------------------------------- */

static void labels_copy(struct scan *s)
{
    struct repository_entry *e = s->entry;
    const struct config *c = &s->config;

    e->labels = calloc(c->serving.version_labels_count + 1, sizeof *e->labels);
    if (!e->labels) {
        s->out_of_memory = true;
        return;
    }
    for (; e->labels_count < c->serving.version_labels_count; e->labels_count++) {
        const struct config_version_label *label = &c->serving.version_labels[e->labels_count];
        memcpy(e->labels[e->labels_count].name, label->name, sizeof label->name);
        e->labels[e->labels_count].version = label->version;
        if (!row_find(e, label->version))
            finding_tell(&e->findings, &(struct finding){.event = "label_without_version",
                                                         .model = e->name,
                                                         .version = label->version,
                                                         .key = "label",
                                                         .name = label->name,
                                                         .reason = "that version is not loaded"});
    }
}

static void labels_keep(struct scan *s)
{
    size_t n = s->old ? s->old->labels_count : 0;

    s->entry->labels = calloc(n + 1, sizeof *s->entry->labels);
    if (!s->entry->labels) {
        s->out_of_memory = true;
        return;
    }
    if (n > 0)
        memcpy(s->entry->labels, s->old->labels, n * sizeof *s->entry->labels);
    s->entry->labels_count = n;
}

/* Nothing in the folder can be loaded: what served goes on, and its newest version carries why. */
static void entry_fail(struct scan *s, const struct error *error)
{
    size_t served = s->old ? s->old->versions_count : 0;
    uint64_t newest = served ? s->old->versions[served - 1].version : 1;

    row_fail(s, s->found_count ? s->found[0] : newest, error);
    keep_old(s);
    labels_keep(s);
}

/* Is a weights file beside config.json? Its name, or NULL. */
static const char *flat_file(const struct scan *s)
{
    static const struct file_id none;

    for (size_t i = 0; i < WEIGHTS_FORMATS; i++) {
        struct file_id id = files_identify(s->dirfd, weights_formats[i].name);
        if (!files_same(&id, &none))
            return weights_formats[i].name;
    }
    return NULL;
}

/* Without a version folder the weights beside config.json are version 1, or all numbers are in the
 * config. With one they are not read, which nobody should have to guess. */
static void flat_look(struct scan *s)
{
    const char *file = flat_file(s);

    if (s->found_count > 0 && file)
        finding_tell(&s->entry->findings, &(struct finding){.event = "weights_ignored",
                                                            .model = s->entry->name,
                                                            .key = "file",
                                                            .name = file,
                                                            .reason = "there are version folders, "
                                                                      "and only those are read"});
    if (s->found_count > 0 || (!file && network_needs_weights(&s->config.network)))
        return;
    s->flat = file != NULL;
    s->found[s->found_count++] = 1;
}

static void configured_load(struct scan *s)
{
    struct error error = {0};

    flat_look(s);
    if (s->found_count > 0) {
        versions_load(s);
    } else {
        if (!weights_foreign(s->dirfd, "", &error))
            error_set(&error, ERROR_NOT_READY, "no version folder; expected 1/weights.safetensors");
        row_fail(s, 1, &error);
    }
    if (s->available == 0 && s->failed > 0)
        keep_old(s);
    labels_copy(s);
}

static enum error_id read_config(struct scan *s, const char *newest, struct error *error)
{
    const char *text = s->entry->config;

    return text ? load_config_text(text, &s->config, &s->config_id, error)
                : load_config(s->dirfd, newest, &s->config, &s->config_id, error);
}

static void folder_scan(struct scan *s)
{
    struct error error = {0};
    char newest[24] = "";
    int listed_all = files_each(s->dirfd, version_visit, s);

    if (!s->old)
        single_tell_others(s->dirfd, s->entry->name);
    if (s->found_count > 0) {
        qsort(s->found, s->found_count, sizeof *s->found, descending);
        snprintf(newest, sizeof newest, "%" PRIu64 "/", s->found[0]);
    }
    if (listed_all != 0) {
        if (listed_all > 0)
            error_set(&error, ERROR_LIMIT_EXCEEDED, "more than %d version folders",
                      SCAN_VERSIONS_MAX);
        else
            files_error(&error, s->dirfd, ".", errno);
        entry_fail(s, &error);
    } else if (read_config(s, newest, &error) != ERROR_OK) {
        entry_fail(s, &error);
    } else {
        configured_load(s);
        config_fini(&s->config);
    }
}

/* "1, 3 as loaded before", "nothing": the versions that answer now, newest last. */
static void serving_text(const struct repository_entry *e, char *out, size_t out_bytes)
{
    size_t used = 0;

    snprintf(out, out_bytes, "nothing");
    for (size_t i = 0; i < e->versions_count && used < out_bytes; i++) {
        const struct repository_version *row = &e->versions[i];
        if (!row->model)
            continue;
        int n = snprintf(out + used, out_bytes - used, "%s%" PRIu64 "%s", used ? ", " : "",
                         row->version, *row->error ? " as loaded before" : "");
        used += n > 0 ? (size_t)n : 0;
    }
}

/* Once all is known: what the operator asks first of a failure is what serves in its place. */
static void failures_log(const struct repository_entry *e)
{
    char serving[128];

    serving_text(e, serving, sizeof serving);
    for (size_t i = 0; i < e->versions_count; i++)
        if (*e->versions[i].error)
            log_event(LOG_ERROR, "model_load_failed", LOG_S("model", e->name),
                      LOG_U("version", e->versions[i].version),
                      LOG_S("error", e->versions[i].error), LOG_S("serving", serving));
}

int scan_entry(struct repository_entry *entry, int rootfd, const char *folder,
               const struct repository_entry *old, const struct options *options)
{
    struct scan *s = calloc(1, sizeof *s);
    struct error error = {0};
    int result;

    if (!s)
        return -1;
    *s = (struct scan){.entry = entry, .old = old, .options = options};
    s->dirfd = files_open(rootfd, folder, true);
    if (s->dirfd >= 0) {
        folder_scan(s);
        close(s->dirfd);
    } else {
        files_error(&error, rootfd, folder, errno);
        entry_fail(s, &error);
    }
    if (entry->versions_count > 0)
        qsort(entry->versions, entry->versions_count, sizeof *entry->versions, rows_ascending);
    failures_log(entry);
    result = s->out_of_memory ? -1 : s->failed;
    free(s);
    return result;
}
