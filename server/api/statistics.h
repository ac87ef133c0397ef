/* statistics.h - what the reply to an applied activation says of its output. */
#ifndef API_STATISTICS_H
#define API_STATISTICS_H

#include <stdint.h>
#include <axon/activation.h>
#include "buf.h"

/* Over y [count]; mean, std, min and max over the finite values, NaN if there are none. std is that
 * of the population. saturated: outputs within 1 % of the range's width of a bound, for activations
 * that saturate. */
struct statistics {
    uint64_t count, zeros, saturated, non_finite;
    double mean, std;
    float min, max;
};

struct statistics statistics_of(const struct axon_activation *act, const float *params,
                                const float *y, size_t count);

/* As a JSON object; fractions of nothing are 0, a mean of nothing is null. */
void statistics_write(struct buf *out, const struct statistics *s);

#endif
