/* blobs.h - a body of JSON with the bytes of its tensors after it, read while it comes: the binary
 * tensors of the Open Inference Protocol.
 *
 * The JSON is an envelope (envelope.h). A tensor of its "inputs" that has
 * "parameters": {"binary_data_size": n} in place of "data" has n bytes after the JSON, in the order
 * of the inputs; together they are the rest of the body. They go straight into the memory of their
 * field, as little-endian float32, row-major. Whether they are that (datatype, shape) is the
 * caller's to judge. */
#ifndef BODY_BLOBS_H
#define BODY_BLOBS_H

#include "body/envelope.h"

/* Where the JSON ends, and how errors call whoever says so. */
struct blobs_head {
    size_t bytes;     /* BLOBS_ALL_JSON: with the body. 0: there is none, the body is one tensor */
    const char *name; /* "Inference-Header-Content-Length" */
};
#define BLOBS_ALL_JSON ((size_t)-1)

/* A body on its way, in any pieces: blobs_reader_init(), blobs_feed() for each piece,
 * blobs_finish(). The members are the reader's own. Must not be moved in memory. */
struct blobs_reader {
    struct envelope_reader reader; /* of the JSON */
    struct envelope envelope;      /* once it was read */
    struct blobs_head head;
    struct envelope_field *fields; /* [fields_count] */
    size_t fields_count;
    struct tensor_limits limits;
    struct error error;
    size_t came; /* of the body, needed or not */
    struct blob {
        struct envelope_field *field;
        size_t bytes, came;
    } blobs[ENVELOPE_FIELDS_MAX]; /* in their order */
    size_t blobs_count, blob;     /* blob: the one that comes */
    size_t bytes;                 /* of all tensors that the JSON announces */
};

/* Arguments as envelope_reader_init()'s. */
void blobs_reader_init(struct blobs_reader *r, struct blobs_head head,
                       struct envelope_field *fields, size_t fields_count,
                       const struct envelope_limits *limits, enum non_finite policy, size_t bytes);

/* The next bytes [len] of the body, which are not needed afterwards. From the first error on, which
 * is returned and kept, nothing more is read and nothing held. */
enum error_id blobs_feed(struct blobs_reader *r, const char *bytes, size_t len);

/* The body is complete: *e is new, and r is released. e->json is NULL if there is no JSON. A tensor
 * whose bytes came after the JSON has taken the first field that was free: present, its `blob` is
 * true, blob_bytes their number and input its place; the tensor has rank 1 and as many whole
 * numbers as they hold. Bytes of tensors beyond the fields are skipped: the caller counts the
 * inputs. On failure everything is released already and error says what and where, the same for
 * every way to cut the body into pieces. */
enum error_id blobs_finish(struct blobs_reader *r, struct envelope *e, struct error *error);

/* Instead of blobs_finish(); fine after it. */
void blobs_reader_fini(struct blobs_reader *r);

#endif
