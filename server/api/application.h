/* application.h - what a POST to an activation asks for, read from a JSON body or from .npy and the
 * query. */
#ifndef API_APPLICATION_H
#define API_APPLICATION_H

#include <axon/activation.h>
#include <axon/dialect.h>
#include "api/call.h"

enum { FIELD_DATA, FIELD_UPSTREAM, APPLICATION_FIELDS };

/* The keys that it may hold besides, and those two. */
enum {
    KEY_DATA,
    KEY_SHAPE,
    KEY_PARAMETERS,
    KEY_AXIS,
    KEY_GRADIENT,
    KEY_UPSTREAM,
    KEY_DIALECT,
    APPLICATION_KEYS
};

_Static_assert((int)APPLICATION_FIELDS <= (int)CALL_TENSORS_MAX, "a call's fields");
extern const char *const application_tensors[APPLICATION_FIELDS + 1];

/* shape is what the client means; data keeps the nesting that it came with. */
struct application {
    const char *name;                  /* set by the caller: the activation as the path has it */
    const struct axon_activation *act; /* what the dialect means by it */
    struct axon_meaning meaning;
    struct envelope_field *fields;          /* the call's [APPLICATION_FIELDS] */
    const json_t *values[APPLICATION_KEYS]; /* of the envelope's keys while it is read; NULL where
                                               there is none */
    bool npy;                               /* the reply is to be .npy, as the request was */
    enum non_finite policy;
    size_t rank, shape[TENSOR_RANK_MAX];
    /* The output: as the client means it, and as deep as data is nested; they differ from x's for a
     * gated activation only. */
    size_t out_shape[TENSOR_RANK_MAX], out_nested[TENSOR_RANK_MAX], out_count;
    bool gradient;
    struct axon_axis axis;
    size_t axis_index; /* of shape; rank if there is none */
    float params_scalar[AXON_PARAMETERS_MAX];
    float *params_channel; /* one value per channel, or NULL */
    const float *params;   /* [params_count]: one of the two above */
    size_t params_count;
};

/* Read call's body into a, checked against the activation and the limits. On failure, too,
 * application_fini() is due. */
enum error_id application_read(struct api_call *call, struct application *a);
void application_fini(struct application *a);

#endif
