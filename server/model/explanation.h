/* explanation.h - why a network answered some rows as it did: the features that its score hangs on,
 * and what departs most from the rows of the baseline, in the input and in each hidden layer.
 *
 * The score is a class's logit: the last layer's value in front of its activation, of two classes
 * with one output its negative for the first. */
#ifndef MODEL_EXPLANATION_H
#define MODEL_EXPLANATION_H

#include <math.h>
#include "model/model.h"
#include "neurons/baseline.h"

/* Classes that can be explained: the outputs of several labels, too. 0: there is none of which a
 * probability is known, as of a regression. */
size_t explanation_classes(const struct model *m);

/* One line of a list. */
struct explanation_entry {
    uint32_t index; /* of the feature or unit */
    float value;    /* the feature as it was posted; the unit's output */
    float size;     /* contribution: gradient of the score times (value - mean); or departure:
                       (value - mean) / std, infinite where a constant has changed */
};

struct explanation_row {
    size_t class;
    double logit;      /* the score */
    double confidence; /* the class's probability, as :predict serves it: its own where labels do
                          not exclude each other */
};

enum { EXPLANATION_FEATURES, EXPLANATION_ODD, EXPLANATION_LAYERS };

/* The caller fills in the first group and calls explanation_start(). */
struct explanation {
    const struct model *model;
    const struct baseline *baseline; /* or NULL: means are 0, and nothing departs from anything */
    const float *x;                  /* [rows, features] */
    size_t rows, top_k;              /* each >= 1 */
    size_t class;                    /* the one to be explained; SIZE_MAX: each row's own */

    struct explanation_row *answers; /* [rows] */
    struct explanation_entry *entries;
    size_t rows_done;

    size_t piece_rows;
    float *upstream, *by_input; /* [piece_rows, outputs], [piece_rows, features] */
    float *sizes, *scores;      /* [features or units of the widest layer] */
    double *shares;             /* [classes of the answers] */
    size_t *best;               /* [top_k] */
    void *scratch;
};

/* The longest list: features, odd features, or a hidden layer's units. 0: there is none of these,
 * for want of a baseline. */
size_t explanation_length(const struct explanation *e, size_t list);

/* Entries of all lists of a row. */
size_t explanation_entries(const struct explanation *e);

/* A row's list, largest first. */
const struct explanation_entry *explanation_list(const struct explanation *e, size_t row,
                                                 size_t list);

/* Bytes of memory that explanation_start() takes. */
size_t explanation_bytes(const struct explanation *e);
void explanation_start(struct explanation *e, void *memory);

/* Do a piece; true: there is more. */
bool explanation_advance(struct explanation *e);

#endif
