/* repository_control.c - POST /v2/repository/index and /v2/repository/models/{model}/load and
 * /unload: Triton's extension of the model repository.
 *
 * "config" is the text of our config.json, and stands in its place until the model is loaded
 * without one. KServe's agent posts {}, for a folder that it has just written or deleted.
 */
#include "api/repository_control.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "api/listing.h"

/* ---- the index ---- */

struct index {
    struct listing listing;
    bool ready;                       /* those alone */
    bool told;                        /* the model that is being loaded is among the items */
    char loading[MODEL_NAME_MAX + 1]; /* "": none */
};
_Static_assert(sizeof(struct index) <= CALL_STATE_MAX, "a call's state");

static struct index *index_of(const struct api_call *call)
{
    return (struct index *)(uintptr_t)call->state;
}

static enum error_id admit(struct api_call *call)
{
    (void)call;
    return ERROR_OK;
}

static enum error_id read_index(struct api_call *call)
{
    static const struct object_key keys[] = {KEY("ready", BOOLEAN, struct index, ready),
                                             KEY_ANY("*"), KEY_END};
    struct index *i = index_of(call);

    if (call_read_object(call, keys, i) != ERROR_OK)
        return call->error.id;
    repository_loading(call->api->repository, i->loading);
    return listing_begin(call);
}

static void write_item(struct api_call *call, const char *name, uint64_t version,
                       enum repository_state state, const char *reason)
{
    static const char *const states[] = {[REPOSITORY_READY] = "READY",
                                         [REPOSITORY_LOADING] = "LOADING",
                                         [REPOSITORY_UNLOADING] = "UNLOADING",
                                         [REPOSITORY_UNAVAILABLE] = "UNAVAILABLE"};
    struct buf *out = listing_item(call);

    buf_printf(out, "{\"name\":\"%s\",\"version\":\"", name);
    if (version > 0)
        buf_printf(out, "%" PRIu64, version);
    buf_printf(out, "\",\"state\":\"%s\",\"reason\":", states[state]);
    call_write_string(out, reason);
    buf_puts(out, "}");
}

static void write_entry(struct api_call *call, const struct repository_entry *entry)
{
    struct index *i = index_of(call);
    bool loads = strcmp(entry->name, i->loading) == 0;

    i->told = i->told || loads;
    for (size_t v = 0; v < entry->versions_count; v++) {
        const struct repository_version *version = &entry->versions[v];
        enum repository_state state = repository_state(version);

        if (state == REPOSITORY_UNAVAILABLE && loads)
            state = REPOSITORY_LOADING;
        if (state == REPOSITORY_READY || !i->ready)
            write_item(call, entry->name, version->version, state, version->error);
    }
}

/* It is in no snapshot before it has loaded, or failed. */
static void write_loading(struct api_call *call)
{
    const struct index *i = index_of(call);

    if (*i->loading && !i->told && !i->ready)
        write_item(call, i->loading, 0, REPOSITORY_LOADING, "");
}

static enum error_id write_index(struct api_call *call)
{
    static const struct listing_text text = {
        .before = "[", .after = "]", .write = write_entry, .last = write_loading};

    return listing_write(call, &text);
}

static size_t index_elements(const struct api_call *call)
{
    return listing_elements(call, 50);
}

const struct call_post repository_index[1] = {{
    .tensors = (const char *const[]){NULL},
    .state_bytes = sizeof(struct index),
    .admit = admit,
    .phases =
        {[CALL_READ] = read_index, [CALL_COMPUTE] = listing_nothing, [CALL_WRITE] = write_index},
    .fini = listing_fini,
    .elements = index_elements,
    .body_optional = true,
}};

/* ---- what they have in common with /models ---- */

_Static_assert(sizeof(struct control) <= CALL_STATE_MAX, "a call's state");

char *control_copy(struct api_call *call, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = call_allocate(call, bytes, 1);

    return copy ? memcpy(copy, text, bytes) : NULL;
}

static void load(void *context)
{
    struct api_call *call = context;

    repository_load(call->api->repository, &control_of(call)->ask, &call->error);
}

static void unload(void *context)
{
    struct api_call *call = context;
    const struct control *c = control_of(call);

    repository_unload(call->api->repository, c->ask.name, c->forget, &call->error);
}

enum error_id control_load(struct api_call *call)
{
    return call_leave_to_loader(call, load);
}

enum error_id control_unload(struct api_call *call)
{
    return call_leave_to_loader(call, unload);
}

void control_fini(struct api_call *call, bool answered)
{
    struct control *c = control_of(call);

    (void)answered;
    free(c->config);
    free(c->folder);
    free(c->opaque);
}

size_t control_elements(const struct api_call *call)
{
    (void)call;
    return 0;
}

/* ---- load and unload ---- */

struct body {
    const json_t *parameters;
};

static const struct object_key body_keys[] = {KEY("parameters", OBJECT, struct body, parameters),
                                              KEY_ANY("*"), KEY_END};

struct parameters {
    const char *config;
};

static const struct object_key load_keys[] = {KEY("config", STRING, struct parameters, config),
                                              KEY_ANY("*"), KEY_END};

/* Triton's clients can send a model's files along. */
static enum error_id check_parameters(const struct place *at, const json_t *parameters)
{
    static const char file[] = "file:";
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)parameters, key, value)
        if (strncmp(key, file, sizeof file - 1) == 0)
            return object_fail(at, key, ERROR_BAD_FIELD,
                               "files are not taken over HTTP; put them into the repository, then "
                               "load the model");
    return ERROR_OK;
}

static enum error_id read_load(struct api_call *call)
{
    const struct place at = CALL_PLACE(call, "parameters");
    struct control *c = control_of(call);
    struct body body = {.parameters = NULL};
    struct parameters parameters = {.config = NULL};

    c->ask.name = call->args[ARG_MODEL];
    if (call_read_object(call, body_keys, &body) || !body.parameters)
        return call->error.id;
    if (check_parameters(&at, body.parameters) ||
        object_read(&at, body.parameters, load_keys, &parameters))
        return call->error.id;
    if (parameters.config && !(c->config = control_copy(call, parameters.config)))
        return call_no_memory(call);
    c->ask.config = c->config;
    return ERROR_OK;
}

/* "unload_dependents": no model depends on another here. */
static enum error_id read_unload(struct api_call *call)
{
    struct body body = {.parameters = NULL};

    control_of(call)->ask.name = call->args[ARG_MODEL];
    return call_read_object(call, body_keys, &body);
}

static enum error_id write_nothing(struct api_call *call)
{
    if (call->error.id == ERROR_OK)
        buf_puts(&call->reply->body, "{}");
    return call->error.id;
}

const struct call_post repository_load_model[1] = {{
    .tensors = (const char *const[]){NULL},
    .state_bytes = sizeof(struct control),
    .admit = admit,
    .phases =
        {[CALL_READ] = read_load, [CALL_COMPUTE] = control_load, [CALL_WRITE] = write_nothing},
    .fini = control_fini,
    .elements = control_elements,
    .patient = true,
    .body_optional = true,
}};

const struct call_post repository_unload_model[1] = {{
    .tensors = (const char *const[]){NULL},
    .state_bytes = sizeof(struct control),
    .admit = admit,
    .phases =
        {[CALL_READ] = read_unload, [CALL_COMPUTE] = control_unload, [CALL_WRITE] = write_nothing},
    .fini = control_fini,
    .elements = control_elements,
    .patient = true,
    .body_optional = true,
}};
