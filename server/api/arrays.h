/* arrays.h - NumPy's .npy as a body and as a reply, for those who take JSON, too: the tensors are
 * the body's arrays, one after another as numpy.save() writes them to one file, and the other keys
 * stand in the query (?top_k=3&capture=hidden1,hidden2). */
#ifndef API_ARRAYS_H
#define API_ARRAYS_H

#include "api/call.h"

/* Arrays on their way from the body to call->fields. */
struct arrays {
    const char *bytes;
    size_t size, count; /* bytes that are left; arrays that were read */
};

/* Begin to read the body: call->envelope.json is an object of the query's keys. */
enum error_id arrays_begin(struct api_call *call, struct arrays *arrays);

/* The next array, into that field, as if JSON had had it there; name is how errors call it. */
enum error_id arrays_read(struct api_call *call, struct arrays *arrays, size_t field,
                          const char *name);

/* An array that was read turns out to be another field's. */
enum error_id arrays_move(struct api_call *call, size_t from, size_t to);

/* There must be no more of them. */
enum error_id arrays_end(struct api_call *call, const struct arrays *arrays);

/* A body of one array, that of this field; or JSON, which has all its keys but non_finite itself.
 */
enum error_id arrays_or_json(struct api_call *call, size_t field);

/* Accept names .npy, and JSON no more than that. */
bool arrays_asked(const struct api_call *call);

/* Shall the answer be .npy? As the body is, unless Accept prefers the other. */
bool arrays_wanted(const struct api_call *call);

/* The cost of READ, as so many numbers of text. */
size_t arrays_elements(const struct api_call *call);

/* WRITE: append an array, a piece of it at a time, as call_write_part() does with text. */
enum error_id arrays_write(struct api_call *call, const float *values, size_t rank,
                           const size_t *shape);

/* The length of one that is written. */
size_t arrays_bytes(size_t count);

#endif
