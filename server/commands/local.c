/* local.c - see local.h. */
#include "commands/local.h"
#include <jansson.h>
#include <string.h>
#include "base/clock.h"
#include "json/read.h"

void local_init(struct local *l, const struct options *options, struct repository *repository)
{
    *l = (struct local){.options = *options};
    /* who runs the command may use all of the memory */
    l->options.rows_max = 1U << 30;
    l->options.elements_max = (uint64_t)1 << 40;
    l->options.classes_max = (uint64_t)1 << 40;
    l->options.request_timeout = 1e9;
    *l->options.hosts = '\0';
    l->api = (struct api){.options = &l->options, .repository = repository};
}

/* The refusal as the reply's body tells it. */
static enum error_id refusal(const struct api_reply *reply, struct error *error)
{
    struct error unread = {0};
    json_t *body = json_file_read(reply->body.data, reply->body.len, 100, &unread);
    const char *text = json_string_value(json_object_get(body, "error"));

    error_set(error, reply->error, "%s", text ? text : error_text(reply->error));
    json_decref(body);
    return error->id;
}

static bool feed(struct api_call *call, const char *bytes, size_t left)
{
    bool fed = true;

    for (size_t size = left; fed && left > 0; bytes += size, left -= size)
        fed = api_feed(call, bytes, (size = left, &size));
    return fed;
}

/* The body in pieces, as they come. */
static bool feed_input(struct api_call *call, struct input *in, struct error *error)
{
    enum { PIECE = 1 << 18 };
    bool fed = true;

    while (fed && input_left(in) > 0) {
        fed = feed(call, input_at(in), input_left(in));
        input_take(in, input_left(in));
        if (input_more(in, PIECE, error) != ERROR_OK)
            return false;
    }
    return fed;
}

enum error_id local_post(struct local *l, const char *target, const char *content_type,
                         struct input *in, const char *bytes, size_t size, struct buf *reply,
                         struct error *error)
{
    struct api_reply answer = {.route = API_ROUTE_OTHER};
    struct api_request request = {.method = "POST", .target = target, .is_local = true};
    struct api_call *call;

    request.headers[REQUEST_CONTENT_TYPE] = content_type;
    call = api_admit(&l->api, &request, in ? API_BODY_UNKNOWN : size, &answer);
    if (call && (in ? feed_input(call, in, error) : feed(call, bytes, size)) &&
        api_run(call, clock_ns()))
        error_set(error, ERROR_INTERNAL, "a request without workers waits for one");
    if (error->id == ERROR_OK && answer.http_status != 200)
        refusal(&answer, error);
    api_end(call); /* before the body is moved, which is in the call's account until then */
    if (error->id == ERROR_OK) {
        *reply = answer.body;
        answer.body = (struct buf){NULL};
    }
    api_reply_fini(&answer);
    return error->id;
}
