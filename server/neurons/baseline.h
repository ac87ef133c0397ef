/* baseline.h - what rows that a network was not trained on did to it: the neurons, the inputs, the
 * answers. The face of baseline.json, against which drift is measured and answers are calibrated.
 *
 * It is bound to the weights by their sha256 and never changes once it is made; POST
 * …:baseline puts another in its place while requests run, so it is reference counted. */
#ifndef NEURONS_BASELINE_H
#define NEURONS_BASELINE_H

#include <axon/neurons.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/sha256.h"

/* A hidden layer: the share of rows on which each unit fired, and mean and standard deviation (of
 * the rows, not of a sample) of its outputs, [units]; all NULL if the layer is not watched. */
struct baseline_layer {
    const char *name; /* as that of the baseline's shape */
    size_t units;
    double *firing, *mean, *std;
};

/* The input as it was posted, before scale and offset, [features]. */
struct baseline_input {
    size_t features;
    float *min, *max;
    double *mean, *std;
};

/* The errors that a set of classes may be asked to make, as the keys of "quantiles" write them. */
enum { BASELINE_ALPHAS = 3 };
extern const struct baseline_alpha {
    double alpha;
    size_t one_in;    /* 1 / alpha */
    const char *text; /* "0.05" */
} baseline_alphas[BASELINE_ALPHAS];

struct baseline {
    uint64_t rows; /* >= 1 */
    char weights_sha256[SHA256_TEXT + 1];
    size_t layers_count; /* hidden ones */
    struct baseline_layer *layers;
    struct baseline_input input;
    size_t classes_count;    /* 0: no "classes" */
    uint64_t *classes;       /* [classes_count] rows whose answer was the class */
    bool has_confidence;     /* "confidence" is there */
    double confidence_mean;  /* of the largest probability */
    double temperature;      /* > 0; 0: not calibrated */
    uint64_t conformal_rows; /* 0: not calibrated */
    double quantiles[BASELINE_ALPHAS];
    atomic_uint references; /* baseline.c's */
};

/* The network that a baseline belongs to. All borrowed. */
struct baseline_shape {
    const struct axon_mlp *mlp;
    const char *const *layer_names; /* of all layers, the last one included */
    size_t classes_count;           /* of its answers; 0: it has none (multilabel, regression) */
    const char *weights_sha256;
};

/* new with one reference, all zeros but for the weights, or NULL when out of memory. Its names are
 * the shape's: it must not outlive the model. */
struct baseline *baseline_create(const struct baseline_shape *shape);
struct baseline *baseline_ref(struct baseline *b); /* NULL is fine; returns b */
void baseline_unref(struct baseline *b);           /* NULL is fine; frees with the last */

/* Read the text [len], followed by a NUL, of a file that errors call so. ERROR_OK and *b is new, or
 * error, which names the JSON path and the numbers that disagree with the shape. */
enum error_id baseline_read(struct baseline **b, const struct baseline_shape *shape,
                            const char *file, const char *text, size_t len, struct error *error);

/* baseline.json as text, a piece at a time: what baseline_read() reads back as the same baseline.
 */
struct baseline_writer {
    const struct baseline *b;
    struct buf *out;
    size_t list, at; /* the next number; baseline.c's */
    bool done;
};
void baseline_writer_init(struct baseline_writer *w, const struct baseline *b, struct buf *out);

/* Append so many numbers more, about. */
void baseline_writer_go_on(struct baseline_writer *w, size_t numbers);

#endif
