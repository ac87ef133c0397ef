/* axon/confidence.h - how sure a classifier is of its rows.
 *
 * The confidence of a row is its largest probability. A tempered one is the largest of softmax(z /
 * T), T a temperature that was fitted to held-out rows (Guo et al. 2017, arXiv 1706.04599). Softmax
 * needs differences of logits only, which are logarithms of ratios of probabilities: so it is
 * computed from what softmax has made of z as well. */
#ifndef AXON_CONFIDENCE_H
#define AXON_CONFIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Each pointer's array is the caller's.
 *
 *   y           [rows, n] f32: probabilities of a softmax, or logits
 *   logits      y are logits
 *   power       1 / T, >= 0; 0: tempered is not wanted, and not touched
 *   classes     [rows] the first of the row's largest values
 *   confidence  [rows] within 1e-6; NaN for a row that is not finite
 *   tempered    [rows] within 2e-6; NaN for such a row; may be NULL if power is 0
 *   binary      n is 1, and y speaks for the second of two classes: it is its probability in [0, 1]
 *               (sigmoid), or that one's logit; the second wins at 0.5, or at 0 */
struct axon_confidence {
    const float *y;
    size_t rows, n; /* n >= 1, at most UINT32_MAX */
    bool logits;
    float power;
    uint32_t *classes;
    float *confidence, *tempered;
    bool binary;
};

/* A row's results depend on that row and the ISA in use only. Never allocates, never fails; any
 * number of threads at once. rows == 0 is a no-op. */
void axon_confidence_rows(const struct axon_confidence *c);

#ifdef __cplusplus
}
#endif

#endif
