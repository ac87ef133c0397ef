/* fuzz_handle.c - libFuzzer entry: any bytes as a whole request have one complete reply, which is
 * the same if the body comes in pieces.
 *
 * The form is that of the cases of tests/api: "METHOD TARGET", lines of headers, an empty line, the
 * body. The models are those of tests/api, too: run it from the root of the project. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "metrics/metrics.h"
#include "model/repository.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct options handle_options;
static struct api handle_api = {.options = &handle_options};

static void handle_require(int condition)
{
    if (!condition)
        abort();
}

static void handle_start(void)
{
    static const struct metrics_info info = {.version = "",
                                             .revision = "",
                                             .compiler = "",
                                             .isa = "",
                                             .route_label = api_route_label,
                                             .window_s = 60};
    struct error error = {0};
    size_t failed;

    log_init(LOG_LEVELS, false);
    options_defaults(&handle_options);
    handle_options.elements_max = 4096;
    handle_options.models[0] = '\0'; /* no request writes a file */
    handle_require(metrics_init(&info) == 0);
    handle_api.repository = repository_open("tests/api/models", &handle_options, NULL, &failed,
                                            &error);
    handle_require(handle_api.repository != NULL);
}

static const char *const handle_names[REQUEST_HEADERS] = {
#define REQUEST_HEADER(id, name, use) name,
#include "api/headers.def"
};

static void handle_header(struct api_request *request, char *line)
{
    char *value = strchr(line, ':');

    if (!value)
        return;
    *value++ = '\0';
    for (enum request_header h = 0; h < REQUEST_HEADERS; h++)
        if (strcmp(line, handle_names[h]) == 0)
            request->headers[h] = value + strspn(value, " ");
}

static void handle_read(struct api_request *request, char *text, size_t size)
{
    char *rest = text, *line = strsep(&rest, "\n");

    request->is_local = true; /* or nobody would get past the access of :baseline and sample.npz */
    request->method = strsep(&line, " ");
    request->target = line ? line : "";
    while (rest && (line = strsep(&rest, "\n")) != NULL && *line)
        handle_header(request, line);
    request->body = rest ? rest : text + size;
    request->body_bytes = (size_t)(text + size - request->body);
    request->received_ns = clock_ns();
}

/* JSON but for bare NaN and infinity, which must have been asked for. */
static void handle_check_json(const struct api_request *request, const struct api_reply *reply)
{
    json_t *json = json_loadb(reply->body.data, reply->body.len, 0, NULL);

    handle_require(json || strstr(request->target, "token"));
    if (reply->error != ERROR_OK)
        handle_require(json_is_string(json_object_get(json, "error")) &&
                       json_is_string(json_object_get(json, "code")));
    json_decref(json);
}

static void handle_check(const struct api_request *request, const struct api_reply *reply)
{
    const char *type = reply->headers[REPLY_CONTENT_TYPE];

    handle_require(reply->error == ERROR_OK
                       ? reply->http_status == 200 || reply->http_status == 304
                       : reply->http_status == error_http_status(reply->error));
    handle_require(reply->http_status < 500 || reply->error == ERROR_NOT_READY ||
                   reply->error == ERROR_UNSUPPORTED_ENCODING);
    handle_require(!reply->body.failed && (reply->body.len > 0) == (reply->http_status != 304));
    handle_require((reply->http_status == 405) == (reply->headers[REPLY_ALLOW] != NULL));
    handle_require(!reply->headers[REPLY_CONTENT_ENCODING] || reply->error == ERROR_OK);
    if (type && strcmp(type, "application/json") == 0 && !reply->headers[REPLY_CONTENT_ENCODING])
        handle_check_json(request, reply);
}

static void handle_in_pieces(const struct api_request *request, struct api_reply *reply)
{
    struct api_call *call = api_admit(&handle_api, request, API_BODY_UNKNOWN, reply);

    if (!call)
        return;
    for (size_t at = 0; at < request->body_bytes; at++)
        handle_require(api_feed(call, request->body + at, &(size_t){1}));
    handle_require(!api_run(call, request->received_ns));
    api_end(call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* exactly as long as what the caller promises */
    struct api_request request = {0};
    struct api_reply reply, again;

    if (!handle_api.repository)
        handle_start();
    handle_require(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    handle_read(&request, text, size);
    api_handle(&handle_api, &request, &reply);
    handle_check(&request, &reply);
    handle_in_pieces(&request, &again);
    handle_require(again.http_status == reply.http_status && again.route == reply.route);
    api_reply_fini(&again);
    api_reply_fini(&reply);
    free(text);
    return 0;
}
