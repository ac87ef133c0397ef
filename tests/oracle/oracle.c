/* tests/oracle/oracle.c - see oracle.h. Speed does not matter here, independence does: the formulas
 * are those of the textbook, in long double wherever double would cancel. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include "oracle.h"

#define SQRT1_2L  0.70710678118654752440084436210485L
#define PDF_SCALE 0.39894228040143267793994605993438L /* 1 / sqrt(2 pi) */
#define SQRT_8_PI 1.5957691216057307117597842397375L

/* Where every float is already 0 or 1: keeps inf - inf and 0 * inf out of the formulas. */
static double clamped(double x, double end)
{
    return x < -end ? -end : x > end ? end : x;
}

static double oracle_identity(double x, const double *p)
{
    (void)p;
    return x;
}

static double oracle_didentity(double x, const double *p)
{
    (void)p;
    return isnan(x) ? x : 1;
}

static double oracle_relu(double x, const double *p)
{
    (void)p;
    return isnan(x) ? x : fmax(x, 0);
}

static double oracle_drelu(double x, const double *p)
{
    (void)p;
    return isnan(x) ? x : x > 0 ? 1 : 0;
}

static double oracle_leaky_relu(double x, const double *p)
{
    return x >= 0 || isnan(x) ? x : p[0] * x;
}

static double oracle_dleaky_relu(double x, const double *p)
{
    return isnan(x) ? x : x > 0 ? 1 : p[0];
}

static double oracle_prelu(double x, const double *p)
{
    return oracle_leaky_relu(x, p);
}

static double oracle_dprelu(double x, const double *p)
{
    return oracle_dleaky_relu(x, p);
}

static double oracle_sigmoid(double x, const double *p)
{
    (void)p;
    return 1 / (1 + exp(-clamped(x, 600)));
}

static double oracle_dsigmoid(double x, const double *p)
{
    double e = exp(-fabs(clamped(x, 600)));

    (void)p;
    return e / ((1 + e) * (1 + e));
}

static double oracle_tanh(double x, const double *p)
{
    (void)p;
    return tanh(x);
}

static double oracle_dtanh(double x, const double *p)
{
    double c = cosh(clamped(x, 300));

    (void)p;
    return 1 / (c * c);
}

static long double logistic(long double x)
{
    return 1 / (1 + expl(-x));
}

static double oracle_silu(double x, const double *p)
{
    if (isinf(x) && x * p[0] < 0)
        return copysign(0.0, x);
    return (double)((long double)x * logistic((long double)clamped(x, (double)FLT_MAX) * p[0]));
}

static double oracle_dsilu(double x, const double *p)
{
    long double t = clamped(clamped(x, (double)FLT_MAX) * p[0], 5000), s = logistic(t);

    return (double)(s + t * s * logistic(-t));
}

static double oracle_gelu(double x, const double *p)
{
    (void)p;
    if (x < -40)
        return -0.0;
    return (double)((long double)x * erfcl(-(long double)x * SQRT1_2L) / 2);
}

static double oracle_dgelu(double x, const double *p)
{
    long double t = clamped(x, 40);

    (void)p;
    return (double)(erfcl(-t * SQRT1_2L) / 2 + t * PDF_SCALE * expl(-t * t / 2));
}

static double oracle_gelu_tanh(double x, const double *p)
{
    long double t = clamped(x, 40), u = SQRT_8_PI * (t + 0.044715L * t * t * t);

    (void)p;
    if (x < -40)
        return -0.0;
    return (double)((long double)x * logistic(u));
}

static double oracle_dgelu_tanh(double x, const double *p)
{
    long double t = clamped(x, 40), u = SQRT_8_PI * (t + 0.044715L * t * t * t);
    long double du = SQRT_8_PI * (1 + 3 * 0.044715L * t * t);

    (void)p;
    return (double)(logistic(u) + t * du * logistic(u) * logistic(-u));
}

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
