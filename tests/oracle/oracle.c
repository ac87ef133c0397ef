/* tests/oracle/oracle.c - see oracle.h. Speed does not matter here, independence does: the formulas
 * are those of the textbook, in long double wherever double would cancel. The functions are in
 * piecewise.c, smooth.c and slopes.c. */
#include <math.h>
#include <stdlib.h>
#include "functions.h"

static const struct oracle oracles[] = {
#define ORACLE_PIECEWISE(id)   {oracle_##id, oracle_d##id},
#define ORACLE_SMOOTH(id)      {oracle_##id, oracle_d##id},
#define ORACLE_CHANNELWISE(id) {oracle_##id, oracle_d##id},
#define ORACLE_ROWWISE(id)     {NULL, NULL},
#define ORACLE_GATED(id)       {NULL, NULL},
#define ACT(id, KIND, ...)     ORACLE_##KIND(id)
#include "activation.def"
#undef ACT
};

const struct oracle *oracle_for(size_t row)
{
    return row < sizeof oracles / sizeof *oracles ? &oracles[row] : NULL;
}

double oracle_ulps(float got, double want)
{
    float nearest = (float)want;
    int exponent;

    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : (double)INFINITY;
    if (isinf(nearest) || isinf(got))
        return got == nearest ? 0 : (double)INFINITY;
    frexp(want, &exponent); /* |want| in [2^(e-1), 2^e): the last place is 2^(e-24) */
    exponent = want == 0 || exponent < -125 ? -125 : exponent;
    return fabs((double)got - want) * ldexp(1.0, 24 - exponent);
}
