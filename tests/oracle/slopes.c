/* tests/oracle/slopes.c - the derivatives of smooth.c's activations, in long double.
 *
 * Where a derivative has a zero away from 0 its formula cancels, and a float beside the zero would
 * be judged by rounding errors; there f' is the integral of f'' from the zero, which does not. */
#include <float.h>
#include <math.h>
#include "functions.h"

#define SQRT1_2L  0.70710678118654752440084436210485L
#define PDF_SCALE 0.39894228040143267793994605993438L /* 1 / sqrt(2 pi) */
#define SQRT_8_PI 1.5957691216057307117597842397375L
#define CUBIC     0.044715L /* of gelu_tanh */

/* The float nearest to a constant stands for it. */
static double constant(double p, double exact)
{
    return p == (double)(float)exact ? exact : p;
}

static long double clamped(long double x, long double end)
{
    return x < -end ? -end : x > end ? end : x;
}

ORACLE(delu)
{
    return isnan(x) || x <= 0 ? (double)(p[0] * expl(x)) : 1;
}

ORACLE(dselu)
{
    double alpha = constant(p[0], 1.6732632423543772), lambda = constant(p[1], 1.0507009873554805);

    return isnan(x) || x <= 0 ? (double)((long double)lambda * alpha * expl(x)) : lambda;
}

ORACLE(dcelu)
{
    return isnan(x) || x <= 0 ? (double)expl((long double)x / p[0]) : 1;
}

/* sigma(x) (1 - sigma(x)) */
static long double logistic_slope(long double x)
{
    long double e = expl(-fabsl(clamped(x, 5000)));

    return isnan(x) ? x : e / ((1 + e) * (1 + e));
}

ORACLE(dsigmoid)
{
    return (double)logistic_slope(x);
}

ORACLE(dlog_sigmoid)
{
    return (double)oracle_logistic(-clamped(x, 5000));
}

ORACLE(dtanh)
{
    return (double)(4 * logistic_slope(2 * (long double)x));
}

ORACLE(dscaled_tanh)
{
    return (double)(4 * (long double)p[0] * p[1] * logistic_slope(2 * (long double)p[1] * x));
}

ORACLE(dlaplace)
{
    long double z = clamped(((long double)x - p[0]) / p[1], 200);

    return (double)(PDF_SCALE / p[1] * expl(-z * z / 2));
}

ORACLE(dxielu)
{
    if (x > 0)
        return 2 * p[0] * x + p[2];
    return (double)(p[1] * (x > p[3] ? -1 : expm1l(x)) + (long double)p[2]);
}

ORACLE(dtanh_shrink)
{
    long double t = tanhl(x);

    return (double)(t * t);
}

ORACLE(dsoftplus)
{
    long double t = (long double)p[0] * x;

    return t > p[1] ? 1 : (double)oracle_logistic(clamped(t, 5000));
}

ORACLE(dsoftsign)
{
    double size = 1 + fabs(x);

    return 1 / (size * size);
}

/* (1 + x / sqrt(x^2 + b)) / 2. Both are 0 at b = x = 0 only, where 1/2 is the limit for b -> 0. */
ORACLE(dsquareplus)
{
    long double root = hypotl(x, sqrtl(p[0]));

    if (isinf(x))
        return x > 0;
    return (double)(x > 0 ? (1 + x / root) / 2 : p[0] / root / (root - x) / 2);
}

ORACLE(dexponential)
{
    return (double)expl(x);
}

/* ---- f(x) = x g(x), whose derivative has a zero ---- */

struct gate {
    long double (*slope)(long double x), (*bend)(long double x); /* f', f'' */
    double root;                                                 /* of f': root + rest */
    long double rest;
};

/* The integral of f'' from the root to root + t, by Gauss and Legendre's rule of 8 nodes: exact for
 * polynomials of degree 15, and |t| <= 1/8. */
static long double from_root(const struct gate *gate, long double t)
{
    static const long double nodes[4] = {0.183434642495649804939476L, 0.525532409916328985817739L,
                                         0.796666477413626739591554L, 0.960289856497536231683561L};
    static const long double weights[4] = {0.36268378337836198296515L, 0.313706645877887287337962L,
                                           0.222381034453374470544356L,
                                           0.101228536290376259152531L};
    long double root = gate->root + gate->rest, sum = 0;

    for (int i = 0; i < 4; i++)
        sum += weights[i] * (gate->bend(root + t * (1 + nodes[i]) / 2) +
                             gate->bend(root + t * (1 - nodes[i]) / 2));
    return sum * t / 2;
}

static double slope_at(const struct gate *gate, long double x)
{
    long double t = x - gate->root - gate->rest;

    return (double)(fabsl(t) <= 0.125L ? from_root(gate, t) : gate->slope(x));
}

static long double silu_slope(long double x)
{
    long double t = clamped(x, 5000);

    return oracle_logistic(t) + t * logistic_slope(t);
}

static long double silu_bend(long double t)
{
    return logistic_slope(t) * (2 + t * (1 - 2 * oracle_logistic(t)));
}

static const struct gate silu = {silu_slope, silu_bend, -0x1.474973c84120bp+0,
                                 -1.094699418309343743045045e-16L};

ORACLE(dsilu)
{
    return slope_at(&silu, p[0] * clamped(x, (double)FLT_MAX)); /* an exact product */
}

static long double quick_gelu_slope(long double x)
{
    return silu_slope(1.702L * x);
}

static long double quick_gelu_bend(long double x)
{
    return 1.702L * silu_bend(1.702L * x);
}

ORACLE(dquick_gelu)
{
    static const struct gate gate = {quick_gelu_slope, quick_gelu_bend, -0x1.80974a62be3dfp-1,
                                     4.696480973567410780949886e-17L};

    return slope_at(&gate, x);
}

static long double gelu_slope(long double x)
{
    long double t = clamped(x, 40);

    return erfcl(-t * SQRT1_2L) / 2 + t * PDF_SCALE * expl(-t * t / 2);
}

static long double gelu_bend(long double x)
{
    return PDF_SCALE * expl(-x * x / 2) * (2 - x * x);
}

ORACLE(dgelu)
{
    static const struct gate gate = {gelu_slope, gelu_bend, -0x1.80ead197f00b4p-1,
                                     1.495675917700988327320555e-17L};

    return slope_at(&gate, x);
}

ORACLE(dclipped_gelu)
{
    double y = oracle_gelu(x, p);

    return y < p[0] || y > p[1] ? 0 : oracle_dgelu(x, p);
}

/* f = x s(u), u = sqrt(8 / pi) (x + 0.044715 x^3) */
static long double gelu_tanh_slope(long double x)
{
    long double t = clamped(x, 40), u = SQRT_8_PI * (t + CUBIC * t * t * t);

    return oracle_logistic(u) + t * SQRT_8_PI * (1 + 3 * CUBIC * t * t) * logistic_slope(u);
}

static long double gelu_tanh_bend(long double x)
{
    long double u = SQRT_8_PI * (x + CUBIC * x * x * x), du = SQRT_8_PI * (1 + 3 * CUBIC * x * x);
    long double ddu = SQRT_8_PI * 6 * CUBIC * x, s = oracle_logistic(u), ds = logistic_slope(u);

    return 2 * ds * du + x * (ds * (1 - 2 * s) * du * du + ds * ddu);
}

ORACLE(dgelu_tanh)
{
    static const struct gate gate = {gelu_tanh_slope, gelu_tanh_bend, -0x1.81429f9e97e4dp-1,
                                     3.635560509207686845016705e-17L};

    return slope_at(&gate, x);
}

/* f = x n / (n + 2), n = e^2x + 2 e^x */
static long double mish_slope(long double x)
{
    long double t = clamped(x, 1000), e = expl(t), n = e * (e + 2);

    return n / (n + 2) + 4 * t * e * (e + 1) / ((n + 2) * (n + 2));
}

static long double mish_bend(long double x)
{
    long double e = expl(x), n = e * (e + 2), dn = 2 * e * (e + 1), ddn = 2 * e * (2 * e + 1);
    long double q = n + 2;

    return 4 * dn / (q * q) + x * (2 * ddn / (q * q) - 4 * dn * dn / (q * q * q));
}

ORACLE(dmish)
{
    static const struct gate gate = {mish_slope, mish_bend, -0x1.31432c0d12d84p+0,
                                     -4.848482984803104554936137e-17L};

    return slope_at(&gate, x);
}
