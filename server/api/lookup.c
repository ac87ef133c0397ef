/* lookup.c - see lookup.h. Names are looked up in the snapshot, never joined to a path. */
#include "api/lookup.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "model/version.h"

/* The version that the model's config gives this label, loaded or not; 0: none. */
static uint64_t label_version(const struct repository_entry *entry, const char *label)
{
    for (size_t i = 0; i < entry->labels_count; i++)
        if (strcmp(entry->labels[i].name, label) == 0)
            return entry->labels[i].version;
    return 0;
}

enum error_id lookup_init(struct lookup *l, struct api_call *call)
{
    const char *model = call->args[ARG_MODEL], *version = call->args[ARG_VERSION],
               *label = call->args[ARG_LABEL], *opaque = call->args[ARG_OPAQUE];
    char name[MODEL_NAME_MAX + 1];

    l->repository = call->api->repository;
    l->snapshot = repository_acquire(l->repository);
    l->version = NULL;
    if (*opaque)
        model = repository_name(opaque, name);
    l->entry = repository_find(l->snapshot, model);
    if (*opaque && (!l->entry || strcmp(repository_opaque(l->entry), opaque) != 0))
        return call_fail(call, ERROR_UNKNOWN_MODEL,
                         "'%.200s': no such model; GET /models lists what there is", opaque);
    if (!l->entry)
        return call_fail(call, ERROR_UNKNOWN_MODEL,
                         "'%s': no such model; GET /v1/models lists what there is", model);
    if (*version) {
        uint64_t number = version_read(version);

        l->version = number ? repository_find_version(l->entry, number) : NULL;
    } else if (*label) {
        l->version = repository_find_label(l->entry, label);
    }
    if (!l->version && label_version(l->entry, label))
        return call_fail(call, ERROR_UNKNOWN_VERSION,
                         "model '%s': label '%s' is version %" PRIu64 ", which is not loaded",
                         model, label, label_version(l->entry, label));
    if (!l->version && (*version || *label))
        return call_fail(call, ERROR_UNKNOWN_VERSION,
                         "model '%s' has no %s '%s'; GET /v1/models/%s lists its versions", model,
                         *version ? "version" : "label", *version ? version : label, model);
    return ERROR_OK;
}

const struct repository_version *lookup_newest(const struct lookup *l)
{
    const struct repository_version *serves = repository_find_version(l->entry, 0);

    if (l->version)
        return l->version;
    return serves || l->entry->versions_count == 0
               ? serves
               : &l->entry->versions[l->entry->versions_count - 1];
}

enum error_id lookup_available(struct lookup *l, struct api_call *call)
{
    if (!l->version)
        l->version = repository_find_version(l->entry, 0);
    if (l->entry->unloaded)
        return call_fail(call, ERROR_NOT_READY,
                         "model '%s' is unloaded; POST /v2/repository/models/%s/load loads it",
                         l->entry->name, l->entry->name);
    if (!l->version || !l->version->model)
        return call_fail(call, ERROR_NOT_READY,
                         "model '%s' did not load; GET /v1/models/%s tells why", l->entry->name,
                         l->entry->name);
    return ERROR_OK;
}

enum error_id lookup_model(struct api_call *call)
{
    struct lookup l = {0};
    enum error_id id = lookup_init(&l, call);

    if (id == ERROR_OK)
        id = lookup_available(&l, call);
    if (id == ERROR_OK) {
        call->model = l.version->model;
        model_ref(call->model);
        call->features = (struct envelope_features){.names = call->model->columns,
                                                    .all = call->model->input_name,
                                                    .count = axon_mlp_features(call->model->mlp)};
    }
    lookup_fini(&l);
    return id;
}

/* The one that is meant; NULL: nobody can tell. */
static const struct repository_entry *only_entry(const struct api_call *call,
                                                 const struct repository_snapshot *s)
{
    return s->entries_count == 1 ? &s->entries[0]
                                 : repository_find(s, call->api->options->model_name);
}

enum error_id lookup_only_model(struct api_call *call)
{
    const struct repository_snapshot *s = repository_acquire(call->api->repository);
    const struct repository_entry *entry = only_entry(call, s);
    char only[MODEL_NAME_MAX + 1];
    size_t count = s->entries_count;
    enum error_id id;

    snprintf(only, sizeof only, "%s", entry ? entry->name : "");
    repository_release(call->api->repository, s);
    if (!*only)
        return call_fail(call, count ? ERROR_BAD_REQUEST : ERROR_UNKNOWN_MODEL,
                         count ? "%s: %zu models are served, and --model-name says for none of "
                                 "them that it is meant; ask /v1/models/{model}:predict"
                               : "%s: no model is served (%zu)",
                         api_route_label(call->reply->route), count);
    call->args[ARG_MODEL] = only;
    id = lookup_model(call);
    call->args[ARG_MODEL] = "";
    return id;
}

void lookup_fini(struct lookup *l)
{
    if (l->snapshot)
        repository_release(l->repository, l->snapshot);
    l->snapshot = NULL;
}
