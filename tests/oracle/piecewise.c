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

static double leaky(double x, double alpha)
{
    return x < 0 ? alpha * x : x;
}

static double leaky_slope(double x, double alpha)
{
    return slope(x, 1, x > 0 ? 1 : alpha);
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

ORACLE(relu2)
{
    return x <= 0 ? 0 : x * x;
}

ORACLE(drelu2)
{
    return x <= 0 ? 0 : 2 * x;
}

ORACLE(clip)
{
    return p[0] > p[1] && !isnan(x) ? p[1] : clip(x, p[0], p[1]);
}

ORACLE(dclip)
{
    return slope(x, x >= p[0] && x <= p[1], 1);
}

ORACLE(shrink)
{
    return x > p[1] ? x - p[0] : x < -p[1] ? x + p[0] : isnan(x) ? x : 0;
}

ORACLE(dshrink)
{
    return slope(x, fabs(x) > p[1], 1);
}

ORACLE(leaky_relu)
{
    return leaky(x, p[0]);
}

ORACLE(dleaky_relu)
{
    return leaky_slope(x, p[0]);
}

ORACLE(prelu)
{
    return leaky(x, p[0]);
}

ORACLE(dprelu)
{
    return leaky_slope(x, p[0]);
}

ORACLE(rrelu)
{
    return leaky(x, (p[0] + p[1]) / 2);
}

ORACLE(drrelu)
{
    return leaky_slope(x, (p[0] + p[1]) / 2);
}

/* The float nearest to 1/6 stands for 1/6, as activation.def says. */
static int is_sixth(double alpha)
{
    return alpha == (double)(1.0f / 6);
}

static double hard_line(double x, const double *p)
{
    if (isinf(x) && p[0] == 0)
        return p[1];
    return is_sixth(p[0]) ? (x + 6 * p[1]) / 6 : p[0] * x + p[1];
}

ORACLE(hard_sigmoid)
{
    double line = hard_line(x, p);

    return line <= 0 ? 0 : line >= 1 ? 1 : line;
}

ORACLE(dhard_sigmoid)
{
    double line = hard_line(x, p);

    return slope(x, line > 0 && line < 1, is_sixth(p[0]) ? 1.0 / 6 : p[0]);
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
