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
    oracle_function *forward, *derivative; /* NULL for rowwise and gated activations */
};

/* The oracle of the row that has this index in axon_activation_table(). */
const struct oracle *oracle_for(size_t row);

/* A rowwise or gated activation of one row x [n], p its parameters: y [n], or [n / 2] if gated; and
 * dx [n] its vector-Jacobian product with u, as long as y. condition [n]: the absolute values of
 * the terms that dx is the sum of, added up, so that condition * 2^-k is what cancellation costs.
 */
struct oracle_line {
    void (*forward)(const double *x, size_t n, const double *p, long double *y);
    void (*product)(const double *x, const double *u, size_t n, const double *p, long double *dx,
                    long double *condition);
};

/* Its functions are NULL for an elementwise row. */
const struct oracle_line *oracle_line_for(const struct axon_activation *act);

/* How far got is from want, in units of the last place of the float nearest to want (2^-149 for
 * subnormals). Infinite if only one of them is NaN, or an infinity is missed. */
double oracle_ulps(float got, double want);

#endif
