/* inference.h - rows through a model's network, whatever dialect asks for them.
 *
 * A dialect is one file with a READ and a WRITE phase. Its state begins with a struct inference;
 * READ says what is asked (inference_ask(), inference_capture()), COMPUTE is inference_compute(),
 * and fini, needs and elements add what the dialect holds itself to those here. */
#ifndef API_INFERENCE_H
#define API_INFERENCE_H

#include "api/call.h"
#include "model/model.h"

struct inference {
    const struct tensor *x;        /* [rows, features], or [rows] of one feature; borrowed */
    size_t rows, outputs;          /* outputs: of a row */
    enum non_finite policy;        /* of the reply */
    struct model_capture *capture; /* or NULL */
    float *y;                      /* [rows, outputs] */
    size_t computed;               /* rows of y       */
    struct model_tally *tally;     /* what they count, once the request is answered */
};

/* That of the call's state. */
static inline struct inference *inference_of(const struct api_call *call)
{
    return (struct inference *)(uintptr_t)call->state;
}

/* x, called name in errors, is what the call's model is asked for; its shape and number of rows are
 * checked. */
enum error_id inference_ask(struct api_call *call, const struct tensor *x, const char *name);

/* The same of the field "instances", whose value in the body is this: it must be there, and under
 * the model's name for it if it is named. */
enum error_id inference_instances(struct api_call *call, const struct envelope_field *field,
                                  const json_t *value);

/* Rows under a name stand under the model's name for its input. */
enum error_id inference_check_name(struct api_call *call, const struct envelope_field *field);

/* COMPUTE: here, piece by piece, or by a worker's batch. */
enum error_id inference_compute(struct api_call *call);

/* Count the request, and its rows if it was answered; free what the inference holds. */
void inference_fini(struct api_call *call, bool answered);

/* Bytes of what COMPUTE allocates. */
size_t inference_state_bytes(const struct api_call *call);

/* Bytes: state, and reply for the outputs as text of that rank and the captured layers. */
struct call_needs inference_needs(const struct api_call *call, size_t rank, const size_t *shape);

/* Rows are the batch's to place; WRITE works on the outputs and what was captured. */
size_t inference_elements(const struct api_call *call);

#endif
