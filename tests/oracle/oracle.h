/* tests/oracle/oracle.h - every activation and derivative in double, straight from its formula.
 *
 * The judge of the kernels: libm only, nothing shared with lib/kernels, and far closer to the exact
 * value than a float can say (2^-40 or better, also where a derivative has its zero). */
#ifndef AXON_ORACLE_H
#define AXON_ORACLE_H

#include <stddef.h>
#include "axon/activation.h"

typedef double oracle_function(double x, const double *params);

struct oracle {
    oracle_function *forward, *derivative; /* NULL for rowwise activations */
};

/* The oracle of the row that has this index in axon_activation_table(). */
const struct oracle *oracle_for(size_t row);

/* y [n] = softmax(x / temperature), and dx [n] its vector-Jacobian product with u. */
void oracle_softmax(const float *x, size_t n, double temperature, long double *y);
void oracle_softmax_gradient(const float *x, const float *u, size_t n, double temperature,
                             long double *dx, long double *condition);

/* How far got is from want, in units of the last place of the float nearest to want (2^-149 for
 * subnormals). Infinite if only one of them is NaN, or an infinity is missed. */
double oracle_ulps(float got, double want);

#endif
