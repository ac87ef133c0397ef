/* call.h - one request on its way through server/api: what handlers get, and how they answer.
 *
 * One block of memory from the headers to the end of the reply: what was decided is decided once,
 * what is held is held until it is released, and nothing moves. A handler returns ERROR_OK, or what
 * call_fail() returns. */
#ifndef API_CALL_H
#define API_CALL_H

#include <jansson.h>
#include <stddef.h>
#include "api/api.h"
#include "api/target.h"
#include "body/blobs.h"
#include "body/bodies.h"
#include "body/csv.h"
#include "body/encoding.h"
#include "body/envelope.h"
#include "infer/batch.h"
#include "infer/work.h"
#include "json/object.h"
#include "ui/stored.h"
#include "model/loader.h"

/* The parameters that a path may hold; their names stand in call.c. */
enum call_arg {
    ARG_ACTIVATION,
    ARG_LOSS,
    ARG_MODEL,
    ARG_VERSION,
    ARG_LABEL,
    ARG_ASSET,
    ARG_OPAQUE, /* any bytes but NUL */
    ARG_COUNT
};
enum { CALL_ARG_MAX = 64 };

struct api_call;
typedef enum error_id api_handler(struct api_call *call);

/* A POST is answered in these phases, each of which is timed; then its reply may be compressed,
 * which is WRITE's time. */
enum call_phase {
    CALL_READ,
    CALL_COMPUTE,
    CALL_WRITE,
    CALL_PHASES,
    CALL_ENCODE = CALL_PHASES,
    CALL_DONE
};

/* Bytes. */
struct call_needs {
    size_t state; /* of call_allocate() */
    size_t reply; /* the longest body   */
};

/* Who answers a POST. */
struct call_post {
    /* The tensors that the body may hold, at its top level; NULL-terminated. They come as
     * call->fields, in this order. */
    const char *const *tensors;
    const enum envelope_objects *objects; /* that may stand in them, each; NULL: nowhere */
    size_t state_bytes;                   /* of call->state, which is all zeros at first */
    /* Refuses, at the headers, before anybody looks at the body. Whatever it finds, such as
     * call->model, is held from then on. */
    api_handler *admit;
    /* READ: what the body asks for, from call->fields and call->envelope.json, which is gone
     * afterwards. COMPUTE. WRITE: call->reply->body. One that sets call->again is called again,
     * after a look at the deadline; COMPUTE may wait for a batch, call->job, and is over then. */
    api_handler *phases[CALL_PHASES];
    /* Always the last: free what state holds. Not answered: nobody will read a reply. */
    void (*fini)(struct api_call *call, bool answered);
    /* The memory that COMPUTE and WRITE will take, known after READ; NULL: hardly any. */
    struct call_needs (*needs)(const struct api_call *call);
    /* How many numbers the next phase works on, more or less: what is too much for a thread that
     * reads sockets is a worker's. NULL: as many as the body holds, whatever the phase. */
    size_t (*elements)(const struct api_call *call);
    /* The error's object has more members than "error" and "code"; NULL: no more. False: there was
     * no memory for them. */
    bool (*refuse)(json_t *object, enum error_id id, const char *text);
    /* However much waits for the workers, it is not refused (429): it tells how much does. */
    bool always;
    bool patient;       /* its reply has no deadline                              */
    bool body_optional; /* no body, and no length of one, is as good as an object */
};

/* How the route wants the body, and what has come of it. */
struct call_body {
    const struct body_format *format; /* kept from the headers on */
    struct blobs_head head;           /* BODY_BLOBS: where its JSON ends */
    enum encoding_id encoding;        /* so is this */
    struct decoder *decoder;          /* NULL: nothing has come, or nothing to decode */
    size_t fed_bytes;                 /* decoded */
    uint64_t fed_ns;                  /* spent in reading those */
    union {
        struct buf bytes;              /* BODY_BYTES: as they came    */
        struct envelope_reader reader; /* BODY_ENVELOPE: into fields  */
        struct blobs_reader blobs;     /* BODY_BLOBS: the same        */
        struct csv_reader csv;         /* BODY_TABLE: into the first  */
    };
};

/* Where a call stands. */
enum call_state {
    CALL_ADMITTED, /* its body comes, if it has one            */
    CALL_RUNNING,  /* somebody works on it                     */
    CALL_WAITING,  /* for a worker, once it is submitted       */
    CALL_OVER      /* the reply is complete, or nobody is there */
};

/* The event that it waits for. */
enum call_wait {
    CALL_WAITS_FOR_NOTHING,
    CALL_WAITS_FOR_BATCH,
    CALL_WAITS_FOR_WORK,
    CALL_WAITS_FOR_LOADER
};

enum { CALL_TENSORS_MAX = 8, CALL_STATE_MAX = 1024 };

struct api_call {
    const struct api *api;
    struct api_reply *reply; /* the caller's, from api_admit() to api_end() */
    enum call_state at;
    const char *method;
    const char *headers[REQUEST_HEADERS]; /* those that are KEPT */
    const char *args[ARG_COUNT];          /* "" where the path has none */
    api_handler *handler;                 /* of a GET */
    const struct call_post *post;         /* of a POST; NULL: no body is looked at */
    struct model *model;                  /* a reference, or NULL */
    struct envelope_features features;    /* the model's: of fields that are rows of features */
    size_t rows;                          /* for it, once they are known */

    enum call_phase phase;
    enum call_wait waits;
    bool again, submitted;
    uint64_t received_ns; /* clock_ns() when the last byte of the body had come */
    uint64_t timeout_ns;  /* from then on, as the client asks; 0: it does not */
    uint32_t priority;    /* of its tasks (pool.h) */
    uint64_t mark_ns;     /* up to here time is accounted for, in: */
    uint64_t spent_ns[CALL_PHASES], queue_ns;
    struct api_waiter waiter;      /* if submitted */
    struct batch_job job;          /* a worker's, if it waits for a batch: COMPUTE           */
    struct work work;              /* a worker's, if it waits for work: the rest of the call */
    struct loader_task load;       /* the loader's, if it waits for it: COMPUTE              */
    struct tensor_writer writer;   /* of the part of the reply that is being written */
    size_t parts_seen, parts_done; /* in this call of WRITE; in all                  */
    bool writing;
    size_t part_written;       /* numbers of one that is an array */
    enum encoding_id encoding; /* of the reply */
    struct encoder *encoder;   /* NULL: not begun */
    struct buf plain;          /* the reply's text, then */
    size_t encoded;            /* bytes of it */
    struct memory_account account;
    struct call_needs needs;
    size_t state_holds; /* bytes of call_allocate() */

    struct error error;
    struct call_body body; /* of a POST */
    struct envelope envelope;
    struct envelope_field fields[CALL_TENSORS_MAX];
    struct target target;
    _Alignas(max_align_t) char state[CALL_STATE_MAX]; /* of the handlers of the post */
    char text[]; /* what target, args and the headers point into */
};

api_handler advice_get, activations_list, activations_get, losses_list, losses_get, plot_get,
    guide_get, models_list, models_status, models_metadata, neurons_get, sample_get, health_live,
    health_ready, metrics_get, openapi_get, page_get, page_asset, ping_get, health_get, version_get,
    openinference_server, openinference_list, openinference_metadata, openinference_ready,
    openinference_config, openinference_statistics, openinference_model_statistics, logging_get,
    trace_get, shared_memory_get, hosting_list, hosting_get, hosting_delete;

/* Each an array of one, so that routes.def can name them or NULL. */
extern const struct call_post activations_apply[1], losses_apply[1], models_predict[1],
    models_classify[1], models_regress[1], models_infer[1], models_gradients[1], models_explain[1],
    models_baseline[1], invocations[1], repository_index[1], repository_load_model[1],
    repository_unload_model[1], logging_set[1], trace_set[1], shared_memory_set[1], hosting_load[1];

/* Memory [count] for the state, which frees it in fini: charged and new. One byte at least, so that
 * NULL means that there is none; call_no_memory() then tells why. */
void *call_allocate(struct api_call *call, size_t count, size_t size);

/* Out of memory, or of what bodies_bytes_max leaves: ERROR_OUT_OF_MEMORY, ERROR_OVERLOADED, or
 * ERROR_BODY_TOO_LARGE if there will never be enough. */
enum error_id call_no_memory(struct api_call *call);

/* The whole body, a JSON object without tensors, by its keys. None at all is as good as {} where
 * that is optional. */
enum error_id call_read_object(struct api_call *call, const struct object_key *keys, void *into);

/* Where the body's values stand, for json/object.h; path "" is its top. */
#define CALL_PLACE(call, path) ((const struct place){NULL, (path), &(call)->error})

#define call_fail(call, id, ...) error_set(&(call)->error, (id), __VA_ARGS__)

/* From the handler of a GET whose answer takes long: the phases of post make it, as if an empty
 * body had been posted, and so a worker may. post has elements; its admit is not asked. */
enum error_id call_go_on(struct api_call *call, const struct call_post *post);

/* From COMPUTE of a post that is patient and has no elements: the loader's thread does it, or this
 * one if there is none. run leaves what went wrong in the call's error. */
enum error_id call_leave_to_loader(struct api_call *call, void (*run)(void *call));

/* Take json (steals it, NULL means out of memory) as the reply's body. */
enum error_id call_reply_json(struct api_call *call, json_t *json);

/* Append item, which is stolen, to *list. Without memory for either the list becomes NULL, and so
 * does what is packed from it: call_reply_json() tells. */
void call_append(json_t **list, json_t *item);

/* WRITE: append a tensor, a piece of it at a time, with `text` in front of it; call->again is set
 * until it is complete, and the parts after it do nothing then. A part is known by its
 * place among them. text and shape are copied, values and name are not. */
enum error_id call_write_part(struct api_call *call, const char *text, const float *values,
                              size_t rank, const size_t *shape, const char *name,
                              enum non_finite policy);

/* WRITE, for parts of other kinds: true if it is the turn of the next one. Then call_part_ends()
 * tells whether it is complete, or call->again is set, and its turn comes again. */
bool call_part_begins(struct api_call *call);
void call_part_ends(struct api_call *call, bool done);

/* A json_dump_callback() that appends to the struct buf *out. */
int call_append_json(const char *bytes, size_t size, void *out);

/* Append a string as JSON, in quotes. */
void call_write_string(struct buf *out, const char *string);

/* The query has a key that is not in allowed (NULL-terminated): ERROR_BAD_REQUEST that names it. */
enum error_id call_check_query(struct api_call *call, const char *const *allowed);

/* A value of the query as a finite float32; key is its name in the error. */
enum error_id call_query_float(struct api_call *call, const char *key, const char *value,
                               float *number);

/* The reply is these bytes, compressed or not (so the ETag is a weak one), and a client may keep
 * them as `cache` (of Cache-Control) says. True: it has them by now (If-None-Match); the reply is a
 * 304 and has no body. */
bool call_is_known(struct api_call *call, const char *bytes, size_t size, const char *cache);

/* The body is NumPy's .npy. */
static inline bool call_is_npy(const struct api_call *call)
{
    return call->body.format->id == BODY_NPY;
}

/* ?non_finite=, STRICT by default. */
enum error_id call_non_finite(struct api_call *call, enum non_finite *policy);

/* The format of a POST's body, among formats (bit id: the route takes it), as its headers say. */
enum error_id call_body_find(struct api_call *call, unsigned formats);
/* Get ready for a POST's body of so many bytes, or API_BODY_UNKNOWN; the request is checked. */
void call_body_init(struct api_call *call, uint64_t body_bytes);
/* encode.c: shall the reply be compressed, once it is written? */
bool call_encodes(struct api_call *call);
/* How many numbers that costs; in WRITE what it may cost at most. 0: it is not compressed. */
size_t call_encode_elements(const struct api_call *call);
/* Compress a piece of it; call->again is set until all is done. */
void call_encode(struct api_call *call);
void call_encode_fini(struct api_call *call);
/* The reply is a file that the binary holds, compressed by then for those who take gzip. */
void call_reply_stored(struct api_call *call, const struct stored *stored);
/* For call_go_on(): the reply is written, and is to be compressed. */
extern const struct call_post call_encode_reply[1];

/* The next bytes of it; *size becomes how many were taken, as api_feed() says. False: they are too
 * many, or there is no memory for them; call->error tells. */
bool call_body_feed(struct api_call *call, const char *bytes, size_t *size);
void call_body_fini(struct api_call *call);

/* The request's body as call->envelope, and its tensors as call->fields; it was read under the
 * configured limits and ?non_finite=. A tensor alone (BODY_BLOBS) has no call->envelope.json, and a
 * table (BODY_TABLE) neither: its rows are the first field. */
enum error_id call_envelope(struct api_call *call);

/* Is there no body? One that was cut, or whose bytes are none of its Content-Encoding, is there. */
bool call_body_none(const struct api_call *call);

/* The body of a request for which call_is_npy() holds, as it came; borrowed from call. */
enum error_id call_binary(struct api_call *call, const char **bytes, size_t *size);

/* Numbers in it, more or less. */
size_t call_body_elements(const struct api_call *call);

/* "[2, 3]" into out; returns out. */
enum { SHAPE_TEXT_MAX = 200 };
const char *shape_text(char out[static SHAPE_TEXT_MAX], size_t rank, const size_t *shape);

/* Account for the time since call->mark_ns, in *spent_ns. */
void call_mark(struct api_call *call, uint64_t *spent_ns);

/* The time of each phase, as the reply's Server-Timing. */
void call_write_timing(struct api_call *call);

#endif
