/* api.h - the service without the network: request bytes in, reply bytes out.
 *
 * The daemon, the unit tests, the API cases and the fuzzer call these same functions; nothing here
 * knows libmicrohttpd or sockets. Whatever goes wrong becomes a reply. */
#ifndef API_H
#define API_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "api/headers.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "options/options.h"

struct repository;
struct pool;
struct loader;
struct ip;
struct keys;
struct origins;

/* All that the handlers work on; immutable but for the repository's content and `draining`. */
struct api {
    const struct options *options;
    struct repository *repository;
    struct pool *pool;     /* of workers. NULL: whatever is asked is done by the thread that asks */
    struct loader *loader; /* of models. NULL: as without a pool */
    struct memory *memory; /* of all requests; NULL: no bound */
    struct keys *keys; /* who may ask; NULL: everybody, and who is on this machine may change it */
    const struct origins *origins; /* whose pages may ask; NULL: nobody's but our own */
    atomic_bool draining;
};

/* All strings are borrowed for the function that takes them; NULL where the client sent none. */
struct api_request {
    const char *method; /* "POST"                                                      */
    const char *target; /* the raw request target: "/v1/models/digits:predict?x=%20"    */
    const char *headers[REQUEST_HEADERS];
    bool is_local;           /* the other end of the connection is on this machine */
    const struct ip *client; /* who asks, for the log; NULL: unknown */
    /* For api_handle() alone: */
    const char *body; /* [body_bytes] */
    size_t body_bytes;
    uint64_t received_ns; /* clock_ns() when the last byte of the body had come */
};

/* The inference that a call was about, for those who account for it. */
struct api_account {
    char model[65]; /* "": none, as for activations */
    uint64_t version;
    size_t rows;  /* 0: refused before they were known */
    char key[65]; /* the name of the key that it was asked with; "": none */
    uint64_t parse_ns, queue_ns, compute_ns, write_ns;
};

struct api_reply {
    unsigned http_status;
    enum error_id error;
    struct buf body; /* new: the caller steals or finishes it                       */
    const char *headers[REPLY_HEADERS]; /* static, or one of: */
    char allow[64], server_timing[136], etag[21], content_type[96], inference_length[24];
    unsigned vary;              /* of api_vary()                                               */
    unsigned route;             /* row of routes.def; API_ROUTE_OTHER if none matched          */
    struct api_account account; /* complete when the call is over */
};

/* A body length that the client did not declare: chunked. */
#define API_BODY_UNKNOWN UINT64_MAX

/* Number of rows of routes.def; that number itself stands for "other". */
extern const unsigned API_ROUTE_OTHER;

/* How log and metrics call a route: its path without the optional group,
 * "/v1/models/{model}:predict", so that versions and labels make no series of their own; "other"
 * for API_ROUTE_OTHER. Static storage. */
const char *api_route_label(unsigned route);

/* Does the route do something on "GET", "POST", ...? OPTIONS, which all answer, is not told. */
bool api_route_takes(unsigned route, const char *method);

/* A request from its headers to the end of its reply: admit, feed, run, perhaps submit and resume,
 * end. One thread at a time, but for what a worker does between submit and wake. */
struct api_call;

/* At header time, before the body is read: may this request go on? body_bytes is the declared
 * length, or API_BODY_UNKNOWN. If so, the call is new, and reply->route is set; reply stays where
 * it is until api_end(). NULL: reply is the refusal (404, 405, 413, 415, 501, 503 ...), complete.
 * Nothing of the request but its method, target and headers is looked at, none of it is borrowed,
 * and none of it is looked at again. */
struct api_call *api_admit(const struct api *api, const struct api_request *request,
                           uint64_t body_bytes, struct api_reply *reply);

/* The next bytes of its body, in pieces of any size; *size becomes how many were taken. Fewer: they
 * are compressed and stand for so many that others should have their turn; the caller then comes
 * again with the rest. api_run() tells what is wrong with them. How many there may be is the
 * caller's to check, but for what they stand for. False: that is too much, or there is no memory
 * for them, reply is the refusal, complete, and what is left is api_end(). */
bool api_feed(struct api_call *call, const char *bytes, size_t *size);

/* Must it have a body? One that says nothing of its length has none. */
bool api_wants_body(const struct api_call *call);

/* Memory that is held besides the call itself, for its body, its results and its reply. */
size_t api_call_bytes(const struct api_call *call);

/* The body is complete, at clock_ns() received_ns: answer the request. False: the reply is
 * complete. True: its work is too large to be done here and now; the caller gets ready to be woken
 * and submits it, or ends it. */
bool api_run(struct api_call *call, uint64_t received_ns);

/* Who waits. Both are called from any thread, is_here until the wake; wake is called once, perhaps
 * before api_submit() returns. */
struct api_waiter {
    void (*wake)(void *context);
    bool (*is_here)(void *context); /* false: nobody will read the reply. NULL: somebody will */
    void *context;
};
void api_submit(struct api_call *call, const struct api_waiter *waiter);

/* After the wake: complete the reply. False: there is nobody to reply to. */
bool api_resume(struct api_call *call);

/* Release it, answered or not, but not between submit and wake. NULL is fine. Until then the
 * reply's memory stays charged, though its body may have been stolen. */
void api_end(struct api_call *call);

/* Free a reply's body that was stolen, soon: a large one is a worker's to free. */
void api_free_body(const struct api *api, char *body, size_t bytes);

/* Now and then, from one thread: answer what has waited beyond its deadline. Returns when it should
 * be called next at the latest, as clock_ns(); UINT64_MAX if nothing waits. */
uint64_t api_look(const struct api *api, uint64_t now_ns);

/* Wake everybody who waits, now and from now on; returns once they were woken. */
void api_cut(const struct api *api);

/* Answer one request, and wait until that is done: all of the above for callers that have nothing
 * else to do. */
void api_handle(const struct api *api, const struct api_request *request, struct api_reply *reply);

/* Let the page that asked read the reply, if it is of one of the origins: origin is that header, or
 * NULL. api_admit() has done it. */
void api_cors(const struct api *api, const char *origin, struct api_reply *reply);

/* The reply for a request that never reaches a handler; detail may be "". The headers of
 * api_cors() stay. */
void api_refuse(struct api_reply *reply, enum error_id id, const char *detail);

/* The reply would be another one for another value of that header. */
enum { VARY_ACCEPT = 1, VARY_ACCEPT_ENCODING = 2, VARY_ORIGIN = 4 };
void api_vary(struct api_reply *reply, unsigned header);

void api_reply_fini(struct api_reply *reply);

#endif
