/* predictions.h - what a classifier's answers say: which class, and how sure it is of it.
 *
 * The rows of a request are noted in a tally by whoever computes them; tallies of answered requests
 * are added to the counts of a worker, in the parts of the window that axon/neurons.h describes.
 * One thread at a time uses either. A row with an output that is not finite says nothing. */
#ifndef NEURONS_PREDICTIONS_H
#define NEURONS_PREDICTIONS_H

#include <axon/neurons.h>
#include "metrics/metrics.h"

/* How classes that exclude each other get their probabilities from a row of outputs. */
enum predictions_kind {
    PREDICTIONS_NONE,   /* there are none: multilabel, regression                 */
    PREDICTIONS_SHARES, /* an output is its class's probability: a softmax        */
    PREDICTIONS_LOGITS, /* softmax of the outputs                                 */
    PREDICTIONS_CHANCE, /* two classes: the output is the second's probability    */
    PREDICTIONS_LOGIT   /* two classes: sigma of the output                       */
};

struct predictions_shape {
    enum predictions_kind kind;
    size_t outputs, classes; /* classes 0 if kind is NONE  */
    double temperature;      /* of the calibration; 0: none */
};

/* The probabilities of a row of outputs, [classes], in double precision; a probability that is
 * served is itself. */
void predictions_row(const struct predictions_shape *shape, const float *y, double *p);

/* ---- a request's rows ---- */

struct predictions_tally {
    uint64_t rows;
    double confidence; /* sum of the largest probability                            */
    double tempered;   /* the same of softmax(z / temperature); 0 without calibration */
    uint32_t buckets[METRICS_BUCKETS_MAX]; /* of axond_prediction_confidence */
    uint32_t classes[]; /* [classes] rows whose largest probability is the class's,
                           the first of equal ones; of two, the second's at 0.5 */
};

/* A multiple of 8. */
size_t predictions_tally_bytes(const struct predictions_shape *shape);

/* y [rows, outputs] */
void predictions_note(const struct predictions_shape *shape, struct predictions_tally *tally,
                      const float *y, size_t rows);

/* into += from */
void predictions_tally_add(const struct predictions_shape *shape, struct predictions_tally *into,
                           const struct predictions_tally *from);

/* ---- counts of a worker ---- */

struct predictions;

/* new, or NULL when out of memory */
struct predictions *predictions_create(const struct predictions_shape *shape,
                                       const struct axon_evidence *evidence);
void predictions_destroy(struct predictions *p); /* NULL is fine */

/* As axon_neurons_add() and axon_neurons_merge(). */
void predictions_add(struct predictions *p, const struct predictions_tally *tally, uint64_t part,
                     double now_s);
void predictions_merge(struct predictions *into, const struct predictions *from);

size_t predictions_classes(const struct predictions *p); /* NULL is fine: 0 */

/* The rows of a window at now_s; classes [classes] are set. */
struct predictions_sum {
    uint64_t rows;
    double confidence, tempered;
};
struct predictions_sum predictions_window(const struct predictions *p, enum axon_window window,
                                          double now_s, uint64_t *classes);

#endif
