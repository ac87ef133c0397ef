/* statistics.h - what the reply to an applied activation says of its output. */
#ifndef API_STATISTICS_H
#define API_STATISTICS_H

#include <stdint.h>
#include <axon/activation.h>
#include "base/buf.h"

/* The outputs so far; mean, min and max over the finite values, NaN if there are none, squares
 * the sum of (y - mean)^2. saturated: outputs within 1 % of the range's width of a bound, for
 * activations that saturate. */
struct statistics {
    uint64_t count, zeros, saturated, non_finite;
    double mean, squares;
    float min, max;
    float low, high; /* saturated is what lies below or above; NaN: nothing is */
};

void statistics_init(struct statistics *s, const struct axon_activation *act, const float *params);

/* More outputs. How they are cut into pieces shows in the last bits of mean and std at most. */
void statistics_add(struct statistics *s, const float *y, size_t count);

/* As a JSON object, with the standard deviation of the population; fractions of nothing are 0, a
 * mean of nothing is null. */
void statistics_write(struct buf *out, const struct statistics *s);

#endif
