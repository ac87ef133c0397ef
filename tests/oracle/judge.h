/* tests/oracle/judge.h - how far many floats are from what they should be. */
#ifndef AXON_JUDGE_H
#define AXON_JUDGE_H

#include <stddef.h>
#include <stdint.h>

/* An error above this is just wrong, and counts as much in a mean: 2^24 ULP are all of a float's
 * digits. */
#define ULPS_WRONG 0x1p24

struct verdict {
    double worst;   /* in ULP, as oracle_ulps(); +inf for a missed NaN or infinity */
    float x, y;     /* where, and what was there instead */
    double sum;     /* of the errors, each at most ULPS_WRONG */
    uint64_t count; /* of the inputs that are numbers */
};

enum { JUDGE_MAX = 1024 }; /* n of one call */

/* y [n] was computed for x [n] and should have been want [n]. */
void judge(struct verdict *verdict, const float *x, const float *y, const double *want, size_t n);

/* into += from */
void judge_merge(struct verdict *into, const struct verdict *from);

double judge_mean(const struct verdict *verdict);

#endif
