/* tests/oracle/smooth.c - the activations that need a function of libm: the textbook's formulas in
 * long double, in a form in which nothing cancels, with the infinities taken out beforehand. */
#include <float.h>
#include <math.h>
#include "functions.h"

#define SQRT1_2L  0.70710678118654752440084436210485L
#define SQRT_8_PI 1.5957691216057307117597842397375L

/* The float nearest to a constant stands for it. */
static double constant(double p, double exact)
{
    return p == (double)(float)exact ? exact : p;
}

/* Where every float is already 0 or 1: keeps inf - inf and 0 * inf out of the formulas. */
static long double clamped(long double x, long double end)
{
    return x < -end ? -end : x > end ? end : x;
}

/* max(x, 0) + ln(1 + e^-|x|) */
static long double ln_1_exp(long double x)
{
    return (x > 0 ? x : 0) + log1pl(expl(-fabsl(x)));
}

/* x * g, where g vanishes at an infinity faster than x grows */
static double gated(double x, long double g)
{
    return isinf(x) && g == 0 ? copysign(0, x) : (double)(x * g);
}

static long double gate(long double x)
{
    return x < -1e4L ? 0 : oracle_logistic(x);
}

long double oracle_logistic(long double x)
{
    return 1 / (1 + expl(-x));
}

ORACLE(elu)
{
    return x > 0 ? x : (double)(p[0] * expm1l(x));
}

ORACLE(selu)
{
    double alpha = constant(p[0], 1.6732632423543772), lambda = constant(p[1], 1.0507009873554805);

    return (double)(lambda * (x > 0 ? (long double)x : alpha * expm1l(x)));
}

ORACLE(celu)
{
    return x > 0 ? x : (double)(p[0] * expm1l((long double)x / p[0]));
}

ORACLE(sigmoid)
{
    return (double)oracle_logistic(clamped(x, 5000));
}

ORACLE(log_sigmoid)
{
    return (double)-ln_1_exp(-(long double)x);
}

ORACLE(tanh)
{
    return (double)tanhl(x);
}

ORACLE(scaled_tanh)
{
    return (double)(p[0] * tanhl((long double)p[1] * x));
}

/* Near 0 by (x cosh x - sinh x) / cosh x, whose numerator is the sum of 2k x^(2k+1) / (2k+1)!. */
ORACLE(tanh_shrink)
{
    long double square = (long double)x * x, term = x, sum = 0;

    if (fabs(x) > 1)
        return (double)(x - tanhl(x));
    for (int k = 1; k < 16; k++) {
        term *= square / (2 * k * (2 * k + 1));
        sum += 2 * k * term;
    }
    return (double)(sum / coshl(x));
}

ORACLE(softplus)
{
    long double t = (long double)p[0] * x;

    return t > p[1] ? x : (double)(ln_1_exp(t) / p[0]);
}

ORACLE(softsign)
{
    return isinf(x) ? copysign(1, x) : x / (1 + fabs(x));
}

ORACLE(silu)
{
    return gated(x, gate(p[0] * clamped(x, (double)FLT_MAX)));
}

ORACLE(quick_gelu)
{
    return gated(x, gate(1.702L * x));
}

ORACLE(gelu)
{
    return gated(x, x < -40 ? 0 : erfcl(-x * SQRT1_2L) / 2);
}

ORACLE(clipped_gelu)
{
    double y = oracle_gelu(x, p);

    return y < p[0] ? p[0] : y > p[1] ? p[1] : y;
}

ORACLE(laplace)
{
    long double z = ((long double)x - p[0]) / p[1];

    return isnan(x) ? x : (double)(erfcl(-z * SQRT1_2L) / 2);
}

/* At an infinity the limit. */
ORACLE(xielu)
{
    long double t = clamped(x, sqrtl(LDBL_MAX));

    if (x > 0)
        return (double)((p[0] * t + p[2]) * t);
    return (double)(p[1] * expm1l(t > p[3] ? p[3] : t) + ((long double)p[2] - p[1]) * t);
}

ORACLE(gelu_tanh)
{
    long double t = clamped(x, 40);

    return gated(x, x < -40 ? 0 : oracle_logistic(SQRT_8_PI * (t + 0.044715L * t * t * t)));
}

/* tanh(ln(1 + e^x)) = n / (n + 2) with n = (1 + e^x)^2 - 1 */
ORACLE(mish)
{
    long double e = expl(clamped(x, 1e4L)), n = e * (e + 2);

    return gated(x, x > 100 ? 1 : x < -1e4 ? 0 : n / (n + 2));
}

ORACLE(squareplus)
{
    long double root = hypotl(x, sqrtl(p[0]));

    return isinf(x) ? (x > 0 ? x : 0) : (double)(x > 0 ? (x + root) / 2 : p[0] / (root - x) / 2);
}

ORACLE(exponential)
{
    return (double)expl(x);
}
