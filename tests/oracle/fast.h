/* tests/oracle/fast.h - the oracle again, in double and a batch at a time, for programs that ask
 * for billions of values. Formulas of its own; where one cancels, the oracle itself answers.
 *
 * Within 2^-45 of the oracle, or of a thousandth of the smallest float where every float is 0:
 * unit/test_lib_oracle.c samples that, and so does every run of tests/exhaustive. */
#ifndef AXON_ORACLE_FAST_H
#define AXON_ORACLE_FAST_H

#include <stddef.h>
#include "oracle.h"

typedef void fast_function(const float *x, double *want, size_t n, const double *params);

struct fast {
    const char *name;
    fast_function *batch[2];    /* f, f' */
    oracle_function *oracle[2]; /* the same one by one */
};

/* The row of that name in rows.def, or NULL. */
const struct fast *fast_find(const char *name);

/* want [n] = f(x [n]) for derivative 0, f'(x) for 1. */
void fast_batch(const struct fast *row, int derivative, const float *x, double *want, size_t n,
                const double *params);

#endif
