/* openinference_models.c - GET /v2/models...: what there is, as the Open Inference Protocol and
 * Triton's extension of a model's configuration say it. */
#include <inttypes.h>
#include <stdio.h>
#include "api/listing.h"
#include "api/lookup.h"

/* ---- the names ---- */

static void write_name(struct api_call *call, const struct repository_entry *entry)
{
    if (repository_find_version(entry, 0))
        buf_printf(listing_item(call), "\"%s\"", entry->name);
}

static enum error_id write_names(struct api_call *call)
{
    static const struct listing_text text = {
        .before = "{\"models\":[", .after = "]}", .write = write_name};

    return listing_write(call, &text);
}

static size_t names_elements(const struct api_call *call)
{
    return listing_elements(call, 10);
}

static const struct call_post names = {
    .tensors = (const char *const[]){NULL},
    .state_bytes = sizeof(struct listing),
    .phases =
        {[CALL_READ] = listing_begin, [CALL_COMPUTE] = listing_nothing, [CALL_WRITE] = write_names},
    .fini = listing_fini,
    .elements = names_elements,
};

enum error_id openinference_list(struct api_call *call)
{
    return call_go_on(call, &names);
}

/* ---- one model ---- */

/* The model that the path asks for, which serves. */
static enum error_id find(struct lookup *l, struct api_call *call)
{
    return lookup_init(l, call) == ERROR_OK ? lookup_available(l, call) : call->error.id;
}

static json_t *versions_of(const struct repository_entry *entry)
{
    json_t *list = json_array();

    for (size_t i = 0; i < entry->versions_count; i++)
        if (entry->versions[i].model)
            call_append(&list, json_sprintf("%" PRIu64, entry->versions[i].version));
    return list;
}

static json_t *tensor_of(const char *name, size_t width)
{
    return json_pack("[{s:s, s:s, s:[i, I]}]", "name", name, "datatype", "FP32", "shape", -1,
                     (json_int_t)width);
}

enum error_id openinference_metadata(struct api_call *call)
{
    struct lookup l = {0};
    enum error_id id = find(&l, call);

    if (id == ERROR_OK) {
        const struct model *m = l.version->model;

        id = call_reply_json(
            call, json_pack("{s:s, s:o, s:s, s:o, s:o}", "name", l.entry->name, "versions",
                            versions_of(l.entry), "platform", "axon_mlp", "inputs",
                            tensor_of(m->input_name, axon_mlp_features(m->mlp)), "outputs",
                            tensor_of(m->output_name, axon_mlp_outputs(m->mlp))));
    }
    lookup_fini(&l);
    return id;
}

enum error_id openinference_ready(struct api_call *call)
{
    struct lookup l = {0};
    enum error_id id = lookup_init(&l, call);

    if (id == ERROR_OK)
        l.version = lookup_newest(&l);
    if (id == ERROR_OK && (!l.version || !l.version->model))
        id = call_fail(call, ERROR_MODEL_NOT_READY, "model '%s' is not ready: %.300s",
                       l.entry->name, l.version ? l.version->error : "it has no version");
    if (id == ERROR_OK)
        buf_printf(&call->reply->body, "{\"name\":\"%s\",\"ready\":true}", l.entry->name);
    lookup_fini(&l);
    return id;
}

/* ---- its configuration, in Triton's words ---- */

static json_t *config_tensor(const char *name, size_t width)
{
    return json_pack("[{s:s, s:s, s:[I]}]", "name", name, "data_type", "TYPE_FP32", "dims",
                     (json_int_t)width);
}

enum error_id openinference_config(struct api_call *call)
{
    struct lookup l = {0};
    enum error_id id = find(&l, call);

    if (id == ERROR_OK) {
        const struct model *m = l.version->model;

        id = call_reply_json(
            call,
            json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:{}, s:{s:b}, s:{s:b}}", "name",
                      l.entry->name, "platform", "axon_mlp", "backend", "axond", "max_batch_size",
                      (json_int_t)call->api->options->rows_max, "input",
                      config_tensor(m->input_name, axon_mlp_features(m->mlp)), "output",
                      config_tensor(m->output_name, axon_mlp_outputs(m->mlp)), "dynamic_batching",
                      "model_transaction_policy", "decoupled", 0, "response_cache", "enable", 0));
    }
    lookup_fini(&l);
    return id;
}
