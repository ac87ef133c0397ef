/* calibration.h - what rows with known classes say of a classifier's probabilities: a temperature,
 * and how small a probability may be while its class stays possible. */
#ifndef NEURONS_CALIBRATION_H
#define NEURONS_CALIBRATION_H

#include "neurons/baseline.h"
#include "neurons/predictions.h"

/* Set b's temperature, conformal_rows and quantiles from rows of outputs, y [rows, outputs], and
 * their classes [rows], each below shape->classes; rows >= 1.
 *
 * The temperature T is the one, from 0.05 to 20, that minimises the mean of -log softmax(z / T)
 * at the row's class (Guo 2017, arXiv 1706.04599); z are the logits, or the logarithms of the
 * probabilities. The quantile of an alpha is the ceil((rows + 1) (1 - alpha))-th smallest of 1 - p
 * at the row's class, 1 if there are fewer (Angelopoulos and Bates 2021, arXiv 2107.07511).
 * 0, or -1 when out of memory, with b as it was. */
int calibrate(struct baseline *b, const struct predictions_shape *shape, const float *y,
              const uint32_t *classes, size_t rows);

/* Whether a class of probability p is in the set that errs with baseline_alphas[alpha]. */
static inline bool calibration_holds(double p, double quantile)
{
    return 1 - p <= quantile;
}

#endif
