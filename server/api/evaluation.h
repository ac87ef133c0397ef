/* evaluation.h - what a POST to /v1/losses/{loss} asks for, read from JSON or from .npy arrays.
 *
 * Knows no loss by name: options, tensors and their domains are those of the loss's row. Reading
 * looks at shapes and options only; values are looked at when the loss is computed. */
#ifndef API_EVALUATION_H
#define API_EVALUATION_H

#include <axon/loss.h>
#include "api/call.h"

enum {
    LOSS_LOGITS,
    LOSS_PREDICTIONS,
    LOSS_LABELS,
    LOSS_TARGETS,
    LOSS_WEIGHT,
    LOSS_POS_WEIGHT,
    LOSS_VARIANCES,
    LOSS_FIELDS
};
extern const char *const evaluation_tensors[LOSS_FIELDS + 1];

struct evaluation {
    const struct axon_loss *loss;
    struct axon_loss_options options;
    struct envelope_field *fields; /* [LOSS_FIELDS] the call's */
    enum non_finite policy;
    bool npy;
    const struct envelope_field *input, *target; /* those of fields that were given */
    struct axon_loss_batch batch;                /* its labels are not read yet     */
    bool labelled;                               /* the target is class indexes     */
    float *owned[LOSS_FIELDS]; /* what was made of a field that stands for more values */
    int32_t *labels;           /* [rows, inner], or NULL */
    struct axon_loss_result result;
    struct axon_loss_pass pass;
    bool started;
};

/* The loss of the path and its options by default: ERROR_UNKNOWN_LOSS. */
enum error_id evaluation_find(struct api_call *call, const struct axon_loss **loss,
                              struct axon_loss_options *options);

/* All but the values; e->loss and e->options are those of evaluation_find(). */
enum error_id evaluation_read(struct api_call *call, struct evaluation *e);

/* The body into e->fields, its options and those of the query into e->options. */
enum error_id evaluation_read_body(struct api_call *call, struct evaluation *e);

/* The shape of the places that a classwise loss compares: the input's without the classes. Returns
 * its rank. */
size_t evaluation_places(const struct evaluation *e, size_t shape[TENSOR_RANK_MAX]);

/* Class indexes as numbers into e->labels. */
enum error_id evaluation_read_labels(struct api_call *call, struct evaluation *e);

/* The refusal of the value that axon_loss_check() found outside of its domain. */
enum error_id evaluation_bad_value(struct api_call *call, const struct evaluation *e,
                                   const struct axon_loss_place *place);

void evaluation_fini(struct evaluation *e);

#endif
