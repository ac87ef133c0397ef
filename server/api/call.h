/* call.h - one request on its way through server/api: what handlers get, and how they answer.
 *
 * A handler returns ERROR_OK after it has written reply->body, or what call_fail() returns. */
#ifndef API_CALL_H
#define API_CALL_H

#include <jansson.h>
#include "api/api.h"
#include "api/target.h"
#include "codec/envelope.h"
#include "model/batcher.h"

/* The parameters that a path may hold; their names stand in call.c. */
enum call_arg { ARG_ACTIVATION, ARG_LOSS, ARG_MODEL, ARG_VERSION, ARG_LABEL, ARG_COUNT };
enum { CALL_ARG_MAX = 64 };

struct api_call;
typedef enum error_id api_handler(struct api_call *call);

/* How the route wants the body, and what has come of it. With two tensors it is one of the blocks
 * that malloc() hands out and takes back at once (up to 1032 bytes in glibc). */
struct call_body {
    bool binary;
    size_t fed_bytes, timed_bytes;
    uint64_t timed_ns; /* spent in reading those */
    union {
        struct buf bytes;              /* binary: as they came */
        struct envelope_reader reader; /* else: into fields    */
    };
    struct envelope_field fields[]; /* as many as the route has tensors */
};

/* request and reply are set while one of the functions of api.h runs. */
struct api_call {
    const struct api *api;
    const struct api_request *request;
    struct api_reply *reply;
    api_handler *handler;
    unsigned route;              /* row of routes.def */
    struct call_body *body;      /* of a POST; NULL: whatever comes is ignored */
    struct api_pending *pending; /* what a handler that returned ERROR_OK still waits for, or NULL;
                                    the caller's from then on */
    struct error error;
    const char *args[ARG_COUNT]; /* "" where the path has none */
    struct target target;
    char text[]; /* what target and args point into */
};

/* A request whose job a worker is to do: the handler's memory begins with it. */
struct api_pending {
    const struct api *api;
    struct batch_job job;
    size_t bytes; /* that it holds */
    bool submitted;
    /* After the wake: write the reply, as a handler does, with a new call of which the target, the
     * arguments and the body are not set. */
    enum error_id (*finish)(struct api_call *call, struct api_pending *pending);
    /* Always the last: free everything. answered: finish() was called, and its reply will be sent.
     */
    void (*release)(struct api_pending *pending, bool answered);
};

api_handler activations_list, activations_get, activations_apply, losses_list, losses_get,
    losses_apply, models_list, models_status, models_metadata, models_predict, health_live,
    health_ready, metrics_get, openapi_get;

/* What the handler of a POST refuses before it looks at the body, told at the headers: ERROR_OK, or
 * what call_fail() returns. The handler looks again: a model may have gone while the body came. */
api_handler activations_apply_admit, losses_apply_admit, models_predict_admit;

/* The tensors that the body of a POST may hold, at its top level; NULL-terminated. They come as the
 * fields of call_envelope(), in this order. */
extern const char *const activations_apply_tensors[], *const losses_apply_tensors[],
                                                          *const models_predict_tensors[];

#define call_fail(call, id, ...) error_set(&(call)->error, (id), __VA_ARGS__)

/* Take json (steals it, NULL means out of memory) as the reply's body. */
enum error_id call_reply_json(struct api_call *call, json_t *json);

/* Append item, which is stolen, to *list. Without memory for either the list becomes NULL, and so
 * does what is packed from it: call_reply_json() tells. */
void call_append(json_t **list, json_t *item);

/* A json_dump_callback() that appends to the struct buf *out. */
int call_append_json(const char *bytes, size_t size, void *out);

/* The query has a key that is not in allowed (NULL-terminated): ERROR_BAD_REQUEST that names it. */
enum error_id call_check_query(struct api_call *call, const char *const *allowed);

/* The body is NumPy's .npy by its Content-Type. */
bool call_is_npy(const struct api_call *call);

/* The request's deadline has passed: ERROR_DEADLINE_EXCEEDED. Long work looks now and then. */
enum error_id call_check_deadline(struct api_call *call);
enum error_id call_fail_deadline(struct api_call *call); /* it has: somebody else has looked */

/* ?non_finite=, STRICT by default. */
enum error_id call_non_finite(struct api_call *call, enum non_finite *policy);

struct route;
/* Get ready for a POST's body of so many bytes, or API_BODY_UNKNOWN; the request is checked. */
enum error_id call_body_create(struct api_call *call, const struct route *route,
                               uint64_t body_bytes);
void call_body_destroy(struct call_body *body);

/* The request's body as an envelope; it was read under the configured limits and ?non_finite=.
 * Once. fields has as many as the handler has tensors: what they were read to, with their keys. */
enum error_id call_envelope(struct api_call *call, struct envelope *e,
                            struct envelope_field *fields);

/* The body of a request for which call_is_npy() holds, as it came; borrowed from call. */
enum error_id call_binary(struct api_call *call, const char **bytes, size_t *size);

/* When reading the body would have begun, had its bytes been there in one piece. */
uint64_t call_parse_since(const struct api_call *call);

/* The values of keys (NULL-terminated) in the object, in that order and borrowed from it, NULL for
 * those that it lacks. It has another key: ERROR_BAD_FIELD that names it. */
enum error_id call_pick(struct api_call *call, const json_t *object, const char *where,
                        const char *const *keys, const json_t **values);

/* "a string", "an object" ...: how an error calls the type of a JSON value. */
const char *json_type_text(const json_t *value);

/* "[2, 3]" into out; returns out. */
enum { SHAPE_TEXT_MAX = 200 };
const char *shape_text(char out[static SHAPE_TEXT_MAX], size_t rank, const size_t *shape);

/* Close the request's time account: append "name;dur=milliseconds" for the time since *since_ns,
 * which moves to now. Returns the seconds. */
double call_timing(struct api_call *call, const char *name, uint64_t *since_ns);

/* The same for a time that the caller has taken. */
void call_timing_add(struct api_call *call, const char *name, uint64_t ns);

#endif
