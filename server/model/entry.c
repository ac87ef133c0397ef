/* entry.c - one model of a snapshot: copied, emptied, released. Knows no folder and no policy. */
#include "model/entry.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool copy_text(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return *to || !from;
}

bool entry_copy_origin(struct repository_entry *to, const struct repository_entry *from)
{
    memcpy(to->name, from->name, sizeof to->name);
    return copy_text(&to->opaque, from->opaque) && copy_text(&to->folder, from->folder) &&
           copy_text(&to->config, from->config);
}

static bool copy_labels(struct repository_entry *to, const struct repository_entry *from)
{
    to->labels = calloc(from->labels_count + 1, sizeof *to->labels);
    if (!to->labels)
        return false;
    if (from->labels_count > 0)
        memcpy(to->labels, from->labels, from->labels_count * sizeof *to->labels);
    to->labels_count = from->labels_count;
    return true;
}

static bool copy_findings(struct findings *to, const struct findings *from)
{
    to->lines = calloc(from->count + 1, sizeof *to->lines);
    for (; to->lines && to->count < from->count; to->count++)
        if (!copy_text(&to->lines[to->count], from->lines[to->count]))
            return false;
    return to->lines != NULL;
}

/* All but the versions. */
static bool copy_rest(struct repository_entry *to, const struct repository_entry *from)
{
    to->unloaded = from->unloaded;
    to->versions = calloc(from->versions_count + 1, sizeof *to->versions);
    return to->versions && entry_copy_origin(to, from) && copy_labels(to, from) &&
           copy_findings(&to->findings, &from->findings);
}

bool entry_copy(struct repository_entry *to, const struct repository_entry *from)
{
    if (!copy_rest(to, from))
        return false;
    for (; to->versions_count < from->versions_count; to->versions_count++) {
        struct repository_version *v = &to->versions[to->versions_count];

        *v = from->versions[to->versions_count];
        if (v->model)
            model_ref(v->model);
        model_life_ref(v->leaving);
    }
    return true;
}

bool entry_copy_unloaded(struct repository_entry *to, const struct repository_entry *from)
{
    if (!copy_rest(to, from))
        return false;
    to->unloaded = true;
    for (; to->versions_count < from->versions_count; to->versions_count++) {
        const struct repository_version *was = &from->versions[to->versions_count];
        struct repository_version *v = &to->versions[to->versions_count];

        v->version = was->version;
        v->leaving = was->model ? model_life(was->model) : was->leaving;
        model_life_ref(v->leaving);
        snprintf(v->error, sizeof v->error, "unloaded");
    }
    return true;
}

void entry_fini(struct repository_entry *entry)
{
    for (size_t i = 0; i < entry->versions_count; i++) {
        model_unref(entry->versions[i].model);
        model_life_unref(entry->versions[i].leaving);
    }
    free(entry->versions);
    free(entry->labels);
    findings_fini(&entry->findings);
    free(entry->opaque);
    free(entry->folder);
    free(entry->config);
    *entry = (struct repository_entry){0};
}
