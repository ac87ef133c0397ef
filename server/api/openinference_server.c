/* openinference_server.c - GET /v2, /v2/logging, and settings that there are not: the server
 * itself, as Triton's clients ask about it. */
#include <string.h>
#include "api/lookup.h"
#include "base/log.h"
#include "version.h"

enum error_id openinference_server(struct api_call *call)
{
    static const char *const extensions[] = {
        "classification",     "model_repository", "model_repository(unload_dependents)",
        "schedule_policy",    "parameters",       "model_configuration",
        "binary_tensor_data", "statistics",       "logging"};
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        call_append(&list, json_string(extensions[i]));
    return call_reply_json(call, json_pack("{s:s, s:s, s:o}", "name", "axond", "version",
                                           AXOND_VERSION, "extensions", list));
}

/* ---- logging: one ladder of levels here, a switch for each there ---- */

struct logging {
    const char *file, *format;
    bool info, warning, error;
    uint64_t verbose;
};

static struct logging logging_at(enum log_level level)
{
    return (struct logging){.file = "",
                            .format = "default",
                            .info = level <= LOG_INFO,
                            .warning = level <= LOG_WARN,
                            .error = true,
                            .verbose = level == LOG_DEBUG};
}

static json_t *logging_to_json(const struct logging *l)
{
    return json_pack("{s:s, s:b, s:b, s:b, s:I, s:s}", "log_file", l->file, "log_info", l->info,
                     "log_warning", l->warning, "log_error", l->error, "log_verbose_level",
                     (json_int_t)l->verbose, "log_format", l->format);
}

enum error_id logging_get(struct api_call *call)
{
    const struct logging now = logging_at(log_level());

    return call_reply_json(call, logging_to_json(&now));
}

/* In the order of the ladder: a lower one does not go without those above it. */
static enum error_id check_ladder(const struct place *at, const struct logging *l)
{
    if (!l->error)
        return object_fail(at, "log_error", ERROR_BAD_FIELD, "errors are always logged");
    if (!l->warning && l->info)
        return object_fail(at, "log_warning", ERROR_BAD_FIELD,
                           "warnings are logged where information is; log_info must be false, too");
    if (!l->info && l->verbose > 0)
        return object_fail(at, "log_info", ERROR_BAD_FIELD,
                           "information is logged where verbose messages are; log_verbose_level "
                           "must be 0, too");
    if (*l->file)
        return object_fail(at, "log_file", ERROR_BAD_FIELD,
                           "the log goes to standard error, and cannot be moved");
    return strcmp(l->format, "default") == 0
               ? ERROR_OK
               : object_fail(at, "log_format", ERROR_BAD_FIELD,
                             "expected 'default', found '%.40s'; --log-format chooses ours",
                             l->format);
}

static enum error_id logging_read(struct api_call *call)
{
    static const struct object_key verbose_key[] = {
        KEY_RANGE("log_verbose_level", WHOLE, struct logging, verbose, 0, INT32_MAX, false),
        KEY_ANY("*"), KEY_END};
    static const struct object_key keys[] = {
        KEY("log_file", STRING, struct logging, file),
        KEY("log_info", BOOLEAN, struct logging, info),
        KEY("log_warning", BOOLEAN, struct logging, warning),
        KEY("log_error", BOOLEAN, struct logging, error),
        KEY_RANGE("log_verbose_level", WHOLE, struct logging, verbose, 0, INT32_MAX, false),
        KEY("log_format", STRING, struct logging, format),
        KEY_END};
    const struct place at = CALL_PLACE(call, "");
    enum log_level level = log_level();
    struct logging l = logging_at(level);

    if (call_read_object(call, verbose_key, &l) != ERROR_OK)
        return call->error.id;
    if (l.verbose > 0) /* asks for all above it, unless it says otherwise */
        l.info = l.warning = true;
    if (call_read_object(call, keys, &l) || check_ladder(&at, &l))
        return call->error.id;
    level = l.verbose > 0 ? LOG_DEBUG : l.info ? LOG_INFO : l.warning ? LOG_WARN : LOG_ERROR;
    if (level != log_level()) {
        log_level_set(level);
        log_event(level, "log_level", LOG_S("level_now", log_level_name(level)));
    }
    return ERROR_OK;
}

static enum error_id nothing(struct api_call *call)
{
    (void)call;
    return ERROR_OK;
}

static void nothing_held(struct api_call *call, bool answered)
{
    (void)call;
    (void)answered;
}

const struct call_post logging_set[1] = {{
    .tensors = (const char *const[]){NULL},
    .admit = nothing,
    .phases = {[CALL_READ] = logging_read, [CALL_COMPUTE] = nothing, [CALL_WRITE] = logging_get},
    .fini = nothing_held,
}};

/* ---- what there is not: trace settings, shared memory ---- */

enum error_id trace_get(struct api_call *call)
{
    struct lookup l = {0};
    enum error_id id = *call->args[ARG_MODEL] ? lookup_init(&l, call) : ERROR_OK;

    lookup_fini(&l);
    return id != ERROR_OK
               ? id
               : call_fail(call, ERROR_UNSUPPORTED,
                           "there are no trace settings: a request with a traceparent is a span "
                           "of its trace, with --access-log one line in the log");
}

const struct call_post trace_set[1] = {{.tensors = (const char *const[]){NULL},
                                        .admit = trace_get,
                                        .fini = nothing_held,
                                        .body_optional = true}};

enum error_id shared_memory_get(struct api_call *call)
{
    return call_fail(
        call, ERROR_UNSUPPORTED,
        "there is no shared memory with clients: send and ask for tensors in the body");
}

const struct call_post shared_memory_set[1] = {{.tensors = (const char *const[]){NULL},
                                                .admit = shared_memory_get,
                                                .fini = nothing_held,
                                                .body_optional = true}};
