/* tests/oracle/functions.h - the oracle of every elementwise activation of rows.def: oracle_<id>
 * and oracle_d<id>, in piecewise.c, smooth.c and slopes.c.
 *
 * NaN in, NaN out. A parameter is what the kernel gets, a float, in double. At a kink the
 * derivative is the one that PyTorch takes: that of the flat side, or else the left one. */
#ifndef AXON_ORACLE_FUNCTIONS_H
#define AXON_ORACLE_FUNCTIONS_H

#include "oracle.h"

/* As a definition's head: p is unused where a row has no parameters. fast.c has its own. */
#ifndef ORACLE
#define ORACLE(id) double oracle_##id(double x, const double *p __attribute__((unused)))
#endif

#define ROW(id) oracle_function oracle_##id, oracle_d##id;
#include "rows.def"
#undef ROW

/* sigma(x) = 1 / (1 + e^-x) */
long double oracle_logistic(long double x);

#endif
