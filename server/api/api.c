/* api.c - the way of a request: parse the target, find the route, check, call the handler, shape
 * the reply.
 *
 * Knows routes and errors, no resource. What can be decided at the headers is decided there, once:
 * api_admit() finds the route, and api_begin() goes on with what it found. */
#include "api/api.h"
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "api/route.h"

/* A client that was told 429 or 503 may come back after this long. */
enum { RETRY_AFTER_S = 1 };

int call_append_json(const char *bytes, size_t size, void *out)
{
    buf_append(out, bytes, size);
    return 0;
}

/* What is sent when not even the error text can be built. */
static void refuse_out_of_memory(struct api_reply *reply)
{
    static const char text[] = "{\"error\": \"out of memory\", \"code\": \"out_of_memory\"}";

    buf_fini(&reply->body);
    buf_init(&reply->body, 0);
    buf_append(&reply->body, text, sizeof text - 1);
    reply->error = ERROR_OUT_OF_MEMORY;
}

void api_refuse(struct api_reply *reply, enum error_id id, const char *detail)
{
    json_t *body = json_pack("{s:s, s:s}", "error", *detail ? detail : error_text(id), "code",
                             error_code(id));

    buf_fini(&reply->body);
    buf_init(&reply->body, 0);
    reply->error = id;
    reply->server_timing[0] = '\0';
    if (!body || json_dump_callback(body, call_append_json, &reply->body, JSON_COMPACT) != 0 ||
        reply->body.failed)
        refuse_out_of_memory(reply);
    json_decref(body);
    reply->content_type = "application/json";
    reply->http_status = error_http_status(reply->error);
    reply->retry_after_s = reply->http_status == 503 || reply->http_status == 429 ? RETRY_AFTER_S
                                                                                  : 0;
}

void api_reply_fini(struct api_reply *reply)
{
    buf_fini(&reply->body);
}

enum error_id call_reply_json(struct api_call *call, json_t *json)
{
    int failed = !json || json_dump_callback(json, call_append_json, &call->reply->body,
                                             JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0;

    json_decref(json);
    return failed || call->reply->body.failed
               ? call_fail(call, ERROR_OUT_OF_MEMORY, "out of memory")
               : ERROR_OK;
}

/* JSON under its own name, or under the type that curl -d and HTML forms put on everything, or
 * under none, as Triton's clients send it. */
static bool is_json_type(const char *type)
{
    static const char *const types[] = {"application/json", "application/x-www-form-urlencoded"};
    size_t length = type ? strcspn(type, "; \t") : 0;

    if (length == 0)
        return true;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i]) == length && strncasecmp(types[i], type, length) == 0)
            return true;
    return false;
}

static enum error_id check_body(struct api_call *call, uint64_t body_bytes, bool takes_npy)
{
    const struct api_request *request = call->request;
    uint64_t max = call->api->options->body_bytes_max;

    if (request->content_encoding && strcasecmp(request->content_encoding, "identity") != 0)
        return call_fail(call, ERROR_UNSUPPORTED_ENCODING,
                         "Content-Encoding '%s' is not supported, send the body as it is",
                         request->content_encoding);
    if (body_bytes != API_BODY_UNKNOWN && body_bytes > max)
        return call_fail(call, ERROR_BODY_TOO_LARGE,
                         "the body has %llu bytes, at most %llu are allowed (body_bytes_max)",
                         (unsigned long long)body_bytes, (unsigned long long)max);
    if (strcmp(request->method, "POST") == 0 && !is_json_type(request->content_type) &&
        !(takes_npy && call_is_npy(call)))
        return call_fail(call, ERROR_UNSUPPORTED_MEDIA_TYPE,
                         "Content-Type '%.60s' is not supported here, send application/json%s",
                         request->content_type, takes_npy ? " or application/x-npy" : "");
    return ERROR_OK;
}

/* Everything that can be said of a request before its body is there: who answers it and how its
 * body is read. False, and call->error, if nobody does. */
static bool admit(struct api_call *call, uint64_t body_bytes)
{
    const struct api_request *request = call->request;
    enum error_id id = target_parse(&call->target, call->text, &call->error);
    const struct route *route = id == ERROR_OK ? route_find(call) : NULL;

    call->route = call->reply->route = route ? route_index(route) : API_ROUTE_OTHER;
    if (id != ERROR_OK && id != ERROR_UNKNOWN_PATH)
        return false;
    if (!route) {
        call_fail(call, ERROR_UNKNOWN_PATH,
                  "%.100s: no such path; GET /openapi.json lists what there is", request->target);
        return false;
    }
    call->handler = route_handler(route, request->method);
    if (!call->handler) {
        route_allow(route, call->reply->allow, sizeof call->reply->allow);
        call_fail(call, ERROR_METHOD_NOT_ALLOWED, "%s does not take %.20s, but %s", route->template,
                  request->method, call->reply->allow);
        return false;
    }
    if (route_check_query(route, call) != ERROR_OK ||
        check_body(call, body_bytes, route->npy) != ERROR_OK)
        return false;
    return call->handler != route->post || (route->admit(call) == ERROR_OK &&
                                            call_body_create(call, route, body_bytes) == ERROR_OK);
}

/* All but the route, the target and the arguments. */
static void call_init(struct api_call *call, const struct api *api,
                      const struct api_request *request, struct api_reply *reply)
{
    call->api = api;
    call->request = request;
    call->reply = reply;
    call->body = NULL;
    call->pending = NULL;
    call->error.id = ERROR_OK;
    call->error.detail[0] = '\0';
}

static struct api_call *call_create(const struct api *api, const struct api_request *request,
                                    struct api_reply *reply)
{
    size_t target_bytes = strlen(request->target) + 1;
    struct api_call *call = malloc(sizeof *call + target_bytes);

    if (!call)
        return NULL;
    call_init(call, api, request, reply);
    memcpy(call->text, request->target, target_bytes);
    return call;
}

struct api_call *api_admit(const struct api *api, const struct api_request *request,
                           uint64_t body_bytes, struct api_reply *reply)
{
    struct api_call *call = call_create(api, request, reply);

    memset(reply, 0, sizeof *reply);
    reply->route = API_ROUTE_OTHER;
    if (!call) {
        api_refuse(reply, ERROR_OUT_OF_MEMORY, "");
        return NULL;
    }
    if (admit(call, body_bytes))
        return call;
    api_refuse(reply, call->error.id, call->error.detail);
    api_dismiss(call);
    return NULL;
}

void api_dismiss(struct api_call *call)
{
    if (call)
        call_body_destroy(call->body);
    free(call);
}

/* A handler has returned id: on success the reply is what it wrote, else the refusal. */
static void conclude(const struct api_call *call, enum error_id id)
{
    if (id != ERROR_OK)
        api_refuse(call->reply, id, call->error.detail);
    else if (call->reply->body.failed)
        api_refuse(call->reply, ERROR_OUT_OF_MEMORY, "");
}

struct api_pending *api_begin(struct api_call *call, const struct api_request *request,
                              struct api_reply *reply)
{
    struct api_pending *pending;
    enum error_id id;

    memset(reply, 0, sizeof *reply);
    reply->http_status = 200;
    reply->content_type = "application/json";
    reply->route = call->route;
    call->request = request;
    call->reply = reply;
    id = call->handler(call);
    pending = call->pending;
    if (!pending)
        conclude(call, id);
    api_dismiss(call);
    return pending;
}

/* ---- requests that wait --------------------------------------------------------------------- */

size_t api_pending_bytes(const struct api_pending *pending)
{
    return pending->bytes;
}

void api_submit(struct api_pending *pending, const struct api_waiter *waiter)
{
    pending->submitted = true;
    pending->job.wake = waiter->wake;
    pending->job.is_here = waiter->is_here;
    pending->job.context = waiter->context;
    batcher_submit(pending->api->batcher, &pending->job);
}

bool api_finish(struct api_pending *pending, const struct api_request *request,
                struct api_reply *reply)
{
    struct api_call call;
    bool answered = pending->job.end != BATCH_GONE && pending->job.end != BATCH_CUT;

    call_init(&call, pending->api, request, reply);
    if (answered)
        conclude(&call, pending->finish(&call, pending));
    pending->release(pending, answered);
    return answered;
}

void api_abandon(struct api_pending *pending)
{
    if (!pending->submitted)
        batcher_give_back(pending->api->batcher, pending->job.model, pending->job.rows);
    pending->release(pending, false);
}

uint64_t api_look(const struct api *api, uint64_t now_ns)
{
    return batcher_look(api->batcher, now_ns);
}

void api_cut(const struct api *api)
{
    batcher_close(api->batcher);
}

static void post(void *semaphore)
{
    sem_post(semaphore);
}

void api_handle(const struct api *api, const struct api_request *request, struct api_reply *reply)
{
    struct api_call *call = api_admit(api, request, request->body_bytes, reply);
    struct api_pending *pending;
    sem_t woken;

    if (!call)
        return;
    api_feed(call, request->body, request->body_bytes);
    pending = api_begin(call, request, reply);
    if (!pending)
        return;
    sem_init(&woken, 0, 0);
    api_submit(pending, &(struct api_waiter){.wake = post, .context = &woken});
    while (sem_wait(&woken) != 0)
        continue;
    sem_destroy(&woken);
    if (!api_finish(pending, request, reply))
        api_refuse(reply, ERROR_DRAINING, "");
}
