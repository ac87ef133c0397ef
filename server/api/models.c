/* models.c - /v1/models: what is loaded, in TF Serving's shapes where it has one, and KServe's V1.
 * Predicting is predict.c's. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "api/lookup.h"

static json_t *version_text(uint64_t version)
{
    return json_sprintf("%" PRIu64, version);
}

/* The model that is being loaded, asked for once for all versions of a reply. */
struct loading {
    char name[MODEL_NAME_MAX + 1];
};

static struct loading loading_now(const struct api_call *call)
{
    struct loading loading = {""};

    repository_loading(call->api->repository, loading.name);
    return loading;
}

/* As TF Serving calls the state of a version, whose last is END; `end` is how else to call that. */
static const char *state_name(const struct repository_entry *entry,
                              const struct repository_version *version,
                              const struct loading *loading, const char *end)
{
    if (!version->model && strcmp(loading->name, entry->name) == 0)
        return "LOADING";
    switch (repository_state(version)) {
    case REPOSITORY_READY:
        return "AVAILABLE";
    case REPOSITORY_LOADING:
        return "LOADING";
    case REPOSITORY_UNLOADING:
        return "UNLOADING";
    case REPOSITORY_UNAVAILABLE:
        break;
    }
    return end;
}

static json_t *version_to_json(const struct repository_entry *entry,
                               const struct repository_version *version,
                               const struct loading *loading)
{
    const char *end = version->cause ? "FAILED" : "UNLOADED";
    json_t *labels = json_array();

    for (size_t i = 0; i < entry->labels_count; i++)
        if (entry->labels[i].version == version->version)
            call_append(&labels, json_string(entry->labels[i].name));
    return json_pack("{s:o, s:s, s:o, s:s}", "version", version_text(version->version), "state",
                     state_name(entry, version, loading, end), "labels", labels, "error",
                     version->error);
}

static json_t *port_to_json(const char *name, size_t width)
{
    return json_pack("[{s:s, s:s, s:[i, I]}]", "name", name, "datatype", "FP32", "shape", -1,
                     (json_int_t)width);
}

/* Describes the network: only a version that loaded can tell. */
static int describe(json_t *entry_json, const struct model *model)
{
    json_t *labels = json_array(), *layers = json_array(), *about;

    for (size_t i = 0; i < model->labels_count; i++)
        call_append(&labels, json_string(model->labels[i]));
    for (size_t i = 0; i < model->layers_count; i++)
        call_append(&layers, json_pack("{s:s, s:s, s:I}", "name", model->layers[i].name,
                                       "activation", model->layers[i].activation->name, "units",
                                       (json_int_t)model->layers[i].units));
    about = json_pack("{s:s, s:o, s:o, s:I, s:o, s:o}", "task", model_task_name(model->task),
                      "inputs", port_to_json(model->input_name, axon_mlp_features(model->mlp)),
                      "outputs", port_to_json(model->output_name, axon_mlp_outputs(model->mlp)),
                      "parameters_count", (json_int_t)axon_mlp_parameters_count(model->mlp),
                      "labels", labels, "layers", layers);
    if (json_object_update(entry_json, about) != 0) {
        json_decref(about);
        return -1;
    }
    json_decref(about);
    return 0;
}

static json_t *entry_to_json(const struct repository_entry *entry, const struct loading *loading)
{
    const struct repository_version *newest = repository_find_version(entry, 0);
    json_t *versions = json_array(), *json;

    for (size_t i = 0; i < entry->versions_count; i++)
        call_append(&versions, version_to_json(entry, &entry->versions[i], loading));
    json = json_pack("{s:s, s:o}", "name", entry->name, "versions", versions);
    if (json && newest && newest->model && describe(json, newest->model) != 0) {
        json_decref(json);
        json = NULL;
    }
    return json;
}

enum error_id models_list(struct api_call *call)
{
    const struct repository_snapshot *s = repository_acquire(call->api->repository);
    const struct loading loading = loading_now(call);
    json_t *list = json_array();

    for (size_t i = 0; i < s->entries_count; i++)
        call_append(&list, entry_to_json(&s->entries[i], &loading));
    repository_release(call->api->repository, s);
    return call_reply_json(call, json_pack("{s:o}", "models", list));
}

/* A version that failed to load is at its end, with an error: TF Serving says it so. */
static json_t *status_to_json(const struct repository_entry *entry,
                              const struct repository_version *version,
                              const struct loading *loading)
{
    int ok = version->model || !version->cause;

    return json_pack("{s:o, s:s, s:{s:s, s:s}}", "version", version_text(version->version), "state",
                     state_name(entry, version, loading, "END"), "status", "error_code",
                     ok ? "OK" : "UNKNOWN", "error_message", version->error);
}

/* All versions, or the one that the path names. KServe's clients read `name` and `ready`:
 * whether one of them serves. */
enum error_id models_status(struct api_call *call)
{
    const struct loading loading = loading_now(call);
    struct lookup l = {0};
    json_t *list;
    int ready = 0;
    enum error_id id = lookup_init(&l, call);

    if (id != ERROR_OK)
        goto out;
    list = json_array();
    for (size_t i = 0; i < l.entry->versions_count; i++) {
        const struct repository_version *version = &l.entry->versions[i];

        if (l.version && l.version != version)
            continue;
        call_append(&list, status_to_json(l.entry, version, &loading));
        ready |= version->model != NULL;
    }
    id = call_reply_json(call, json_pack("{s:o, s:s, s:b}", "model_version_status", list, "name",
                                         l.entry->name, "ready", ready));
out:
    lookup_fini(&l);
    return id;
}

static json_t *signature_port(const char *name, size_t width)
{
    return json_pack("{s:{s:s, s:s, s:{s:[{s:s, s:s}, {s:o, s:s}], s:b}}}", name, "name", name,
                     "dtype", "DT_FLOAT", "tensor_shape", "dim", "size", "-1", "name", "", "size",
                     json_sprintf("%zu", width), "name", "", "unknown_rank", 0);
}

enum error_id models_metadata(struct api_call *call)
{
    struct lookup l = {0};
    const struct model *m;
    enum error_id id = lookup_init(&l, call);

    if (id == ERROR_OK)
        id = lookup_available(&l, call);
    if (id != ERROR_OK)
        goto out;
    m = l.version->model;
    id = call_reply_json(
        call,
        json_pack("{s:{s:s, s:s, s:o}, s:{s:{s:{s:{s:o, s:o, s:s}}}}}", "model_spec", "name",
                  l.entry->name, "signature_name", "", "version", version_text(l.version->version),
                  "metadata", "signature_def", "signature_def", "serving_default", "inputs",
                  signature_port(m->input_name, axon_mlp_features(m->mlp)), "outputs",
                  signature_port(m->output_name, axon_mlp_outputs(m->mlp)), "method_name",
                  "tensorflow/serving/predict"));
out:
    lookup_fini(&l);
    return id;
}
