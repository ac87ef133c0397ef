/* api.c - the way of a request up to its body: parse the target, find the route, check, refuse; and
 * api_handle(), which goes all the way.
 *
 * Knows routes and errors, no resource. All that can be decided at the headers is decided there;
 * run.c goes on with what it found. */
#include "api/api.h"
#include <semaphore.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "api/route.h"

/* formats: those that the route takes. */
static enum error_id check_body(struct api_call *call, const char *encoding, uint64_t body_bytes,
                                unsigned formats)
{
    uint64_t max = call->api->options->body_bytes_max;

    if (!encoding_find(encoding, &call->body.encoding)) {
        call->reply->headers[REPLY_ACCEPT_ENCODING] = encoding_names();
        return call_fail(call, ERROR_UNSUPPORTED_ENCODING,
                         "Content-Encoding '%.60s' is not supported, send one of %s, or the body "
                         "as it is",
                         encoding, encoding_names());
    }
    if (body_bytes != API_BODY_UNKNOWN && body_bytes > max)
        return call_fail(call, ERROR_BODY_TOO_LARGE,
                         "the body has %llu bytes, at most %llu are allowed (body_bytes_max)",
                         (unsigned long long)body_bytes, (unsigned long long)max);
    return strcmp(call->method, "POST") == 0 ? call_body_find(call, formats) : ERROR_OK;
}

/* Who comes while too much waits already need not send the body, nor has anybody to read it. */
static enum error_id check_line(struct api_call *call, uint64_t body_bytes)
{
    enum { NUMBER_BYTES = 8 }; /* with its comma, more or less */

    if (call->post->elements || body_bytes == API_BODY_UNKNOWN ||
        work_fits(call->api->pool, (size_t)body_bytes / NUMBER_BYTES))
        return ERROR_OK;
    return call_fail(call, ERROR_QUEUE_FULL,
                     "too much waits for workers to take another body of %llu bytes "
                     "(work_elements_max)",
                     (unsigned long long)body_bytes);
}

/* A body of so many bytes, if they are known, may be more than there is memory for. That of JSON
 * may become less than its text, and what is compressed more: whether it can fit shows while it is
 * read. */
static enum error_id check_memory(struct api_call *call, uint64_t body_bytes)
{
    if (body_bytes == API_BODY_UNKNOWN || call->body.encoding)
        return ERROR_OK;
    call->account.refused = memory_look(call->api->memory, body_bytes);
    if (call->account.refused == MEMORY_NEVER && call->body.format->kind != BODY_BYTES)
        call->account.refused = MEMORY_GRANTED;
    return call->account.refused ? call_no_memory(call) : ERROR_OK;
}

static bool charge(struct api_call *call)
{
    return memory_take(&call->account, sizeof *call) || call_no_memory(call) == ERROR_OK;
}

/* The query is left out: a key may stand there. */
static void refuse_path(struct api_call *call, const char *target)
{
    enum { SHOWN = 100 };
    size_t length = strcspn(target, "?");
    const char *near = route_nearest(&call->target);

    call_fail(call, ERROR_UNKNOWN_PATH, "%.*s: no such path; %s%s%s",
              (int)(length < SHOWN ? length : SHOWN), target, near ? "did you mean \"" : "",
              near ? near : "GET /openapi.json lists what there is", near ? "\"?" : "");
}

/* 405, with what the route takes. */
static enum error_id check_method(struct api_call *call, const struct route *route)
{
    struct api_reply *reply = call->reply;

    if (route_takes(route, call->method))
        return ERROR_OK;
    route_allow(route, reply->allow, sizeof reply->allow);
    reply->headers[REPLY_ALLOW] = reply->allow;
    return call_fail(call, ERROR_METHOD_NOT_ALLOWED, "%s does not take %.20s, but %s",
                     api_route_label(reply->route), call->method, reply->allow);
}

/* Everything that can be said of a request before its body is there: who answers it and how its
 * body is read. False, and call->error, if nobody does. */
static bool check_headers(struct api_call *call, const struct api_request *request,
                          uint64_t body_bytes)
{
    enum error_id id = target_parse(&call->target, call->text, &call->error);
    const struct route *route = id == ERROR_OK ? route_find(call) : NULL;

    call->reply->route = route ? route_index(route) : API_ROUTE_OTHER;
    if (id != ERROR_OK && id != ERROR_UNKNOWN_PATH)
        return false;
    if (access_check(call, route, request) != ERROR_OK)
        return false;
    if (!route) {
        refuse_path(call, request->target);
        return false;
    }
    if (check_method(call, route) != ERROR_OK || route_check_query(route, call) != ERROR_OK ||
        check_body(call, request->headers[REQUEST_CONTENT_ENCODING], body_bytes, route->bodies) !=
            ERROR_OK)
        return false;
    if (strcmp(call->method, "POST") != 0) {
        call->handler = route_handler(route, call->method);
        /* Other clients' bodies must not make a healthy service look ill. */
        if (route_is_probe(route))
            call->account.memory = NULL;
        return charge(call);
    }
    if (!charge(call))
        return false;
    memset(call->state, 0, route->post->state_bytes);
    call->post = route->post;
    call_body_init(call, body_bytes);
    return call->post->admit(call) == ERROR_OK && check_line(call, body_bytes) == ERROR_OK &&
           check_memory(call, body_bytes) == ERROR_OK;
}

static size_t text_bytes(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* Copy text to *end, which moves past it; NULL stays NULL. */
static const char *copy(char **end, const char *text)
{
    char *at = *end;

    if (!text)
        return NULL;
    *end = mempcpy(at, text, text_bytes(text));
    return at;
}

/* The headers that a call keeps. */
static const enum request_header kept[] = {
#define LIST_FRAMING(id)
#define LIST_ADMIT(id)
#define LIST_KEPT(id)                 id,
#define REQUEST_HEADER(id, name, use) LIST_##use(REQUEST_##id)
#include "api/headers.def"
};
enum { KEPT_COUNT = sizeof kept / sizeof *kept };

/* All that later steps do not set themselves. */
static struct api_call *call_create(const struct api *api, const struct api_request *request,
                                    struct api_reply *reply)
{
    size_t bytes = text_bytes(request->target) + text_bytes(request->method);
    struct api_call *call;
    char *end;

    for (size_t i = 0; i < KEPT_COUNT; i++)
        bytes += text_bytes(request->headers[kept[i]]);
    call = malloc(sizeof *call + bytes);
    if (!call)
        return NULL;
    memset(call, 0, offsetof(struct api_call, body));
    call->api = api;
    call->reply = reply;
    call->account.memory = api->memory;
    call->envelope = (struct envelope){0};
    end = call->text;
    copy(&end, request->target);
    call->method = copy(&end, request->method);
    for (size_t i = 0; i < KEPT_COUNT; i++)
        call->headers[kept[i]] = copy(&end, request->headers[kept[i]]);
    return call;
}

struct api_call *api_admit(const struct api *api, const struct api_request *request,
                           uint64_t body_bytes, struct api_reply *reply)
{
    struct api_call *call = call_create(api, request, reply);

    memset(reply, 0, sizeof *reply);
    reply->route = API_ROUTE_OTHER;
    if (api->origins)
        api_cors(api, request->headers[REQUEST_ORIGIN], reply);
    if (!call) {
        api_refuse(reply, ERROR_OUT_OF_MEMORY, "");
        return NULL;
    }
    if (check_headers(call, request, body_bytes))
        return call;
    api_refuse(reply, call->error.id, call->error.detail);
    api_end(call);
    return NULL;
}

void api_free_body(const struct api *api, char *body, size_t bytes)
{
    work_free(api->pool, body, bytes);
}

uint64_t api_look(const struct api *api, uint64_t now_ns)
{
    return pool_look(api->pool, now_ns);
}

bool api_wants_body(const struct api_call *call)
{
    return call->post && !call->post->body_optional;
}

void api_cut(const struct api *api)
{
    pool_close(api->pool);
    if (api->loader)
        loader_close(api->loader);
}

static void post(void *semaphore)
{
    sem_post(semaphore);
}

static bool wait_and_resume(struct api_call *call)
{
    sem_t woken;

    sem_init(&woken, 0, 0);
    api_submit(call, &(struct api_waiter){.wake = post, .context = &woken});
    while (sem_wait(&woken) != 0)
        continue;
    sem_destroy(&woken);
    return api_resume(call);
}

static bool feed(struct api_call *call, const char *body, size_t left)
{
    bool fed = true;

    for (size_t size; fed && left > 0; body += size, left -= size)
        fed = api_feed(call, body, (size = left, &size));
    return fed;
}

void api_handle(const struct api *api, const struct api_request *request, struct api_reply *reply)
{
    struct api_call *call = api_admit(api, request, request->body_bytes, reply);

    if (!call)
        return;
    if (feed(call, request->body, request->body_bytes) && api_run(call, request->received_ns) &&
        !wait_and_resume(call))
        api_refuse(reply, ERROR_DRAINING, "");
    api_end(call);
}
