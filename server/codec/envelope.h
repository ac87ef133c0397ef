/* envelope.h - a JSON request body with tensors in it: tensors are decoded in place, the rest is
 * jansson's.
 *
 * The body must be one JSON object. The value of each top-level key that the caller lists as a
 * tensor, if it begins like an array or a number, is decoded straight to float32; everything else,
 * with those values replaced by null, becomes jansson's values under a budget of tokens (keys and
 * values) and depth. Keys are compared after unescaping; a key that is there twice is refused. */
#ifndef CODEC_ENVELOPE_H
#define CODEC_ENVELOPE_H

#include <jansson.h>
#include "codec/tensor.h"

struct envelope_field {
    const char *key;      /* "data"                                                        */
    struct tensor tensor; /* out: what was read                                            */
    bool present;         /* out: the key was there as a tensor                            */
};

struct envelope_limits {
    struct tensor_limits tensor;
    size_t depth_max, tokens_max;
};

struct envelope {
    json_t *json; /* the rest; tensor values are null there. Borrowed while the envelope lives */
    struct envelope_field *fields; /* the caller's, borrowed */
    size_t fields_count;
};

/* Decode body [len], followed by a NUL. On failure everything is released already and error says
 * what and where: line and column of the original body for grammar, the index path for tensors, the
 * key for duplicates. Out of memory is ERROR_OUT_OF_MEMORY. */
enum error_id envelope_read(struct envelope *e, struct envelope_field *fields, size_t fields_count,
                            const char *body, size_t len, const struct envelope_limits *limits,
                            enum non_finite policy, struct error *error);
void envelope_fini(struct envelope *e); /* releases json and the fields' tensors */

/* NULL, or the first key of the object that is not in allowed (NULL-terminated); borrowed. */
const char *json_unknown_key(const json_t *object, const char *const *allowed);

#endif
