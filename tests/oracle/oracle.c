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

/* The largest x, and the sum of e^((x - top) / t). */
static long double softmax_sum(const float *x, size_t n, double temperature, float *top)
{
    long double sum = 0;

    *top = -INFINITY;
    for (size_t i = 0; i < n; i++)
        *top = x[i] > *top ? x[i] : *top;
    for (size_t i = 0; i < n; i++)
        sum += expl(((long double)x[i] - *top) / temperature);
    return sum;
}

void oracle_softmax(const float *x, size_t n, double temperature, long double *y)
{
    float top;
    long double sum = softmax_sum(x, n, temperature, &top);

    for (size_t i = 0; i < n; i++)
        y[i] = expl(((long double)x[i] - top) / temperature) / sum;
}

void oracle_softmax_gradient(const float *x, const float *u, size_t n, double temperature,
                             long double *dx, long double *condition)
{
    long double mean = 0, size = 0;

    oracle_softmax(x, n, temperature, dx);
    for (size_t i = 0; i < n; i++) {
        mean += dx[i] * (long double)u[i];
        size += dx[i] * fabsl((long double)u[i]);
    }
    for (size_t i = 0; i < n; i++) {
        condition[i] = dx[i] / temperature * (fabsl((long double)u[i]) + size);
        dx[i] *= ((long double)u[i] - mean) / temperature;
    }
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
