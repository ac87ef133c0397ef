/* openinference.h - a request of the Open Inference Protocol between its reader, openinference.c,
 * and its writer, openinference_reply.c. For these two alone. */
#ifndef API_OPENINFERENCE_H
#define API_OPENINFERENCE_H

#include "api/inference.h"
#include "model/model.h"

enum { INFER_ID_BYTES_MAX = 256 };

/* A tensor that is asked for. */
struct infer_output {
    size_t captured; /* its place among the layers that are captured, or the model's own output: */
    size_t classes;  /* of each row, best first, as texts; 0: the values themselves */
    bool binary;     /* after the JSON */
    size_t size_at;  /* the reply's place for the number of those bytes, until it is known */
};
#define INFER_MODEL_OUTPUT ((size_t)-1)

struct infer_request {
    struct inference inference;
    struct infer_output *outputs; /* [outputs_count] in the order of the reply: asked, or the one */
    struct infer_output whole;    /* of a request that asks for none                              */
    size_t outputs_count;
    size_t *best;      /* classes of a row; NULL: not yet     */
    size_t json_bytes; /* of the reply, once it has all JSON  */
    size_t at;         /* within the part that is written: values, or rows of classes */
    size_t bytes_at;   /* where its bytes begin */
    char id[INFER_ID_BYTES_MAX + 1];
    bool has_id;
};

static inline struct infer_request *infer_request_of(const struct api_call *call)
{
    return (struct infer_request *)inference_of(call);
}

/* The values of an output, [rows, width], and what they say as classes. */
struct infer_values {
    const char *name;
    const float *values;
    size_t width;
    enum ranking ranking;
    size_t classes;
    const char *const *labels; /* [classes], or NULL */
};
struct infer_values infer_values_of(const struct api_call *call, const struct infer_output *output);

/* Phase WRITE, and what it needs. */
enum error_id infer_write(struct api_call *call);
struct call_needs infer_needs(const struct api_call *call);
size_t infer_elements(const struct api_call *call);

#endif
