/* hosting.c - /models: the models of a platform that brings and takes them away, one folder each,
 * as SageMaker's multi-model endpoints do.
 *
 * The platform's names are any strings; ours are what they are made into (repository_name()). */
#include <stdio.h>
#include <string.h>
#include "api/listing.h"
#include "api/lookup.h"
#include "api/repository_control.h"

/* {"modelName": ..., "modelUrl": ...} */
static void write_model(struct api_call *call, const struct repository_snapshot *snapshot,
                        const struct repository_entry *entry)
{
    struct buf *out = &call->reply->body;
    char folder[REPOSITORY_FOLDER_MAX];

    buf_puts(out, "{\"modelName\":");
    call_write_string(out, repository_opaque(entry));
    buf_puts(out, ",\"modelUrl\":");
    call_write_string(out, repository_folder(call->api->repository, snapshot, entry, folder));
    buf_puts(out, "}");
}

/* ---- GET /models ---- */

static void write_entry(struct api_call *call, const struct repository_entry *entry)
{
    if (!repository_find_version(entry, 0))
        return;
    listing_item(call);
    write_model(call, listing_of(call)->snapshot, entry);
}

static enum error_id write_list(struct api_call *call)
{
    static const struct listing_text text = {
        .before = "{\"models\":[", .after = "]}", .write = write_entry};

    return listing_write(call, &text);
}

static size_t list_elements(const struct api_call *call)
{
    return listing_elements(call, 50);
}

static const struct call_post list = {
    .tensors = (const char *const[]){NULL},
    .state_bytes = sizeof(struct listing),
    .phases =
        {[CALL_READ] = listing_begin, [CALL_COMPUTE] = listing_nothing, [CALL_WRITE] = write_list},
    .fini = listing_fini,
    .elements = list_elements,
};

/* All of them on one page: there are no more than a repository may have. */
enum error_id hosting_list(struct api_call *call)
{
    return call_go_on(call, &list);
}

/* ---- one of them ---- */

static enum error_id find(struct lookup *l, struct api_call *call)
{
    enum error_id id = lookup_init(l, call);

    if (id == ERROR_OK && !repository_find_version(l->entry, 0))
        id = call_fail(call, ERROR_UNKNOWN_MODEL, "'%.200s': the model is not loaded",
                       call->args[ARG_OPAQUE]);
    return id;
}

enum error_id hosting_get(struct api_call *call)
{
    struct lookup l = {0};
    enum error_id id = find(&l, call);

    if (id == ERROR_OK)
        write_model(call, l.snapshot, l.entry);
    lookup_fini(&l);
    return id;
}

static enum error_id write_status(struct api_call *call)
{
    if (call->error.id == ERROR_OK)
        buf_puts(&call->reply->body, "{}");
    return call->error.id;
}

/* Nothing is left of it; but what lies in the repository is listed as unloaded. */
static enum error_id read_delete(struct api_call *call)
{
    struct control *c = control_of(call);
    struct lookup l = {0};
    enum error_id id = find(&l, call);

    if (id == ERROR_OK) {
        snprintf(c->name, sizeof c->name, "%s", l.entry->name);
        c->ask.name = c->name;
        c->forget = l.entry->folder != NULL;
    }
    lookup_fini(&l);
    return id;
}

static const struct call_post delete = {
    .tensors = (const char *const[]){NULL},
    .state_bytes = sizeof(struct control),
    .phases =
        {[CALL_READ] = read_delete, [CALL_COMPUTE] = control_unload, [CALL_WRITE] = write_status},
    .fini = control_fini,
    .elements = control_elements,
    .patient = true,
};

enum error_id hosting_delete(struct api_call *call)
{
    return call_go_on(call, &delete);
}

/* ---- POST /models ---- */

struct body {
    const char *model_name, *url;
};

static enum error_id check(const struct place *at, const struct body *body)
{
    if (!*body->model_name)
        return object_fail(at, "model_name", ERROR_BAD_FIELD, "expected a name, found \"\"");
    if (*body->url != '/')
        return object_fail(at, "url", ERROR_BAD_FIELD,
                           "expected the absolute path of a folder, found \"%.100s\"", body->url);
    if (strlen(body->url) >= OPTION_TEXT_MAX)
        return object_fail(at, "url", ERROR_LIMIT_EXCEEDED, "%zu bytes, at most %d",
                           strlen(body->url), OPTION_TEXT_MAX - 1);
    return ERROR_OK;
}

static enum error_id read_model(struct api_call *call)
{
    static const struct object_key keys[] = {
        KEY_REQUIRED("model_name", STRING, struct body, model_name),
        KEY_REQUIRED("url", STRING, struct body, url), KEY_ANY("*"), KEY_END};
    const struct place at = CALL_PLACE(call, "");
    struct control *c = control_of(call);
    struct body body = {.model_name = NULL};

    if (call_read_object(call, keys, &body) || check(&at, &body))
        return call->error.id;
    repository_name(body.model_name, c->name);
    c->folder = control_copy(call, body.url);
    c->opaque = control_copy(call, body.model_name);
    if (!c->folder || !c->opaque)
        return call_no_memory(call);
    c->ask = (struct repository_ask){.name = c->name, .folder = c->folder, .opaque = c->opaque};
    return ERROR_OK;
}

static enum error_id admit(struct api_call *call)
{
    (void)call;
    return ERROR_OK;
}

const struct call_post hosting_load[1] = {{
    .tensors = (const char *const[]){NULL},
    .state_bytes = sizeof(struct control),
    .admit = admit,
    .phases =
        {[CALL_READ] = read_model, [CALL_COMPUTE] = control_load, [CALL_WRITE] = write_status},
    .fini = control_fini,
    .elements = control_elements,
    .patient = true,
}};
