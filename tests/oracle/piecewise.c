/* tests/oracle/piecewise.c - the activations made of comparisons, sums and products, and their
 * derivatives: in double a product of two floats is exact, so what is returned is the exact value
 * but for one rounding at 2^-53. Comparisons are written so that NaN falls through to x. */
#include <math.h>
#include "functions.h"

static double clip(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

/* slope where the derivative is not 0, NaN for NaN */
static double slope(double x, int inside, double value)
{
    return isnan(x) ? x : inside ? value : 0;
}

ORACLE(identity)
{
    return x;
}

ORACLE(didentity)
{
    return slope(x, 1, 1);
}

ORACLE(relu)
{
    return x <= 0 ? 0 : x;
}

ORACLE(drelu)
{
    return slope(x, x > 0, 1);
}

ORACLE(relu6)
{
    return x <= 0 ? 0 : x > 6 ? 6 : x;
}

ORACLE(drelu6)
{
    return slope(x, x > 0 && x < 6, 1);
}

ORACLE(leaky_relu)
{
    return x < 0 ? p[0] * x : x;
}

ORACLE(dleaky_relu)
{
    return slope(x, 1, x > 0 ? 1 : p[0]);
}

ORACLE(prelu)
{
    return oracle_leaky_relu(x, p);
}

ORACLE(dprelu)
{
    return oracle_dleaky_relu(x, p);
}

ORACLE(rrelu)
{
    const double mean = (p[0] + p[1]) / 2;

    return oracle_leaky_relu(x, &mean);
}

ORACLE(drrelu)
{
    const double mean = (p[0] + p[1]) / 2;

    return oracle_dleaky_relu(x, &mean);
}

/* In long double, where alpha x + beta is exact even if nearly all of it cancels. */
ORACLE(hard_sigmoid)
{
    long double line = (long double)p[0] * x + p[1];

    return line <= 0 ? 0 : line >= 1 ? 1 : (double)line;
}

ORACLE(dhard_sigmoid)
{
    long double line = (long double)p[0] * x + p[1];

    return slope(x, line > 0 && line < 1, p[0]);
}

ORACLE(hard_tanh)
{
    return clip(x, p[0], p[1]);
}

ORACLE(dhard_tanh)
{
    return slope(x, x > p[0] && x < p[1], 1);
}

ORACLE(hard_swish)
{
    return x <= -3 ? -0.0 : x >= 3 ? x : x * (x + 3) / 6;
}

ORACLE(dhard_swish)
{
    return slope(x, x > -3, x >= 3 ? 1 : (2 * x + 3) / 6);
}

ORACLE(hard_shrink)
{
    return fabs(x) <= p[0] ? 0 : x;
}

ORACLE(dhard_shrink)
{
    return slope(x, fabs(x) > p[0], 1);
}

ORACLE(soft_shrink)
{
    return x > p[0] ? x - p[0] : x < -p[0] ? x + p[0] : isnan(x) ? x : 0;
}

ORACLE(dsoft_shrink)
{
    return slope(x, fabs(x) > p[0], 1);
}

ORACLE(threshold)
{
    return x <= p[0] ? p[1] : x;
}

ORACLE(dthreshold)
{
    return slope(x, x > p[0], 1);
}

ORACLE(sparse_plus)
{
    return x <= -1 ? 0 : x >= 1 ? x : (x + 1) * (x + 1) / 4;
}

ORACLE(dsparse_plus)
{
    return slope(x, x > -1, x >= 1 ? 1 : (x + 1) / 2);
}

ORACLE(sparse_sigmoid)
{
    return x <= -1 ? 0 : x >= 1 ? 1 : (x + 1) / 2;
}

ORACLE(dsparse_sigmoid)
{
    return slope(x, fabs(x) < 1, 0.5);
}
