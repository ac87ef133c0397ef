/* tests/oracle/lines.c - rowwise and gated activations of one row and their vector-Jacobian
 * products, in long double from the textbook; see oracle.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "functions.h"

/* Heads of definitions: p and, in a few, others are not used by every row. */
#define UNUSED __attribute__((unused))
#define LINE(id) \
    static void line_##id(const double *x, size_t n, const double *p UNUSED, long double *y)
#define LINE_PRODUCT(id)                                                                    \
    static void line_product_##id(const double *x UNUSED, const double *u UNUSED, size_t n, \
                                  const double *p UNUSED, long double *dx, long double *condition)

/* ---- softmax and its kin ---- */

static long double largest(const double *x, size_t n, double sign)
{
    long double top = -(long double)INFINITY;

    for (size_t i = 0; i < n; i++)
        top = fmaxl(top, (long double)x[i] * sign);
    return top;
}

static void softmax(const double *x, size_t n, double sign, double temperature, long double *y)
{
    long double top = largest(x, n, sign), sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += y[i] = expl(((long double)x[i] * sign - top) / temperature);
    for (size_t i = 0; i < n; i++)
        y[i] /= sum;
}

/* sum_i u_i dp_i/dx_k = p_k (u_k - sum p_i u_i) / t; condition: the same with all signs plus */
static void softmax_product(const double *x, const double *u, size_t n, double sign,
                            double temperature, long double *dx, long double *condition)
{
    long double mean = 0, size = 0;

    softmax(x, n, sign, temperature, dx);
    for (size_t i = 0; i < n; i++) {
        mean += dx[i] * u[i];
        size += dx[i] * fabsl((long double)u[i]);
    }
    for (size_t i = 0; i < n; i++) {
        condition[i] = dx[i] / temperature * (fabsl((long double)u[i]) + size);
        dx[i] *= sign * (u[i] - mean) / temperature;
    }
}

LINE(softmax)
{
    softmax(x, n, 1, p[0], y);
}

LINE_PRODUCT(softmax)
{
    softmax_product(x, u, n, 1, p[0], dx, condition);
}

LINE(softmin)
{
    softmax(x, n, -1, p[0], y);
}

LINE_PRODUCT(softmin)
{
    softmax_product(x, u, n, -1, p[0], dx, condition);
}

/* With the sum of all but one of the largest: ln(1 + others) keeps what ln(sum) would lose. */
LINE(log_softmax)
{
    long double top = largest(x, n, 1), others = 0;
    int skipped = 0;

    for (size_t i = 0; i < n; i++)
        if ((long double)x[i] == top && !skipped)
            skipped = 1;
        else
            others += expl(((long double)x[i] - top) / p[0]);
    for (size_t i = 0; i < n; i++)
        y[i] = ((long double)x[i] - top) / p[0] - log1pl(others);
}

LINE_PRODUCT(log_softmax)
{
    long double sum = 0, size = 0;

    for (size_t i = 0; i < n; i++) {
        sum += u[i];
        size += fabsl((long double)u[i]);
    }
    softmax(x, n, 1, p[0], dx);
    for (size_t i = 0; i < n; i++) {
        condition[i] = (fabsl((long double)u[i]) + dx[i] * size) / p[0];
        dx[i] = (u[i] - dx[i] * sum) / p[0];
    }
}

/* ---- hardmax and sparsemax ---- */

LINE(hardmax)
{
    size_t first = 0;

    for (size_t i = 0; i < n; i++)
        if (x[i] > x[first])
            first = i;
    for (size_t i = 0; i < n; i++)
        y[i] = i == first;
}

LINE_PRODUCT(hardmax)
{
    for (size_t i = 0; i < n; i++)
        dx[i] = condition[i] = 0;
}

static int descending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? 1 : left > right ? -1 : 0;
}

/* Algorithm 1 of Martins & Astudillo 2016 on z = x - top: the largest k with
 * 1 + k z_(k) > sum of z_(1..k). */
static long double sparsemax_tau(const double *x, size_t n, long double top)
{
    double *sorted = malloc(n * sizeof *sorted);
    long double sum = 0, tau = 0;

    if (!sorted)
        abort();
    memcpy(sorted, x, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, descending);
    for (size_t k = 0; k < n; k++) {
        long double z = sorted[k] - top;

        sum += z;
        if (1 + (long double)(k + 1) * z > sum)
            tau = (sum - 1) / (long double)(k + 1);
    }
    free(sorted);
    return tau;
}

LINE(sparsemax)
{
    long double top = largest(x, n, 1), tau = sparsemax_tau(x, n, top);

    for (size_t i = 0; i < n; i++)
        y[i] = fmaxl(x[i] - top - tau, 0);
}

LINE_PRODUCT(sparsemax)
{
    long double top = largest(x, n, 1), tau = sparsemax_tau(x, n, top);
    long double sum = 0, size = 0, count = 0;

    for (size_t i = 0; i < n; i++)
        if (x[i] - top > tau) {
            sum += u[i];
            size += fabsl((long double)u[i]);
            count++;
        }
    for (size_t i = 0; i < n; i++) {
        int inside = x[i] - top > tau;

        dx[i] = inside ? u[i] - sum / count : 0;
        condition[i] = inside ? fabsl((long double)u[i]) + size / count : 0;
    }
}

/* ---- gated ---- */

#define GATE(id, gate)                                                   \
    LINE(id)                                                             \
    {                                                                    \
        for (size_t i = 0; i < n / 2; i++)                               \
            y[i] = (long double)x[i] * gate(x[n / 2 + i], p);            \
    }                                                                    \
    LINE_PRODUCT(id)                                                     \
    {                                                                    \
        for (size_t i = 0; i < n / 2; i++) {                             \
            long double b = x[n / 2 + i], ua = (long double)u[i] * x[i]; \
                                                                         \
            dx[i] = u[i] * (long double)gate((double)b, p);              \
            dx[n / 2 + i] = ua * d##gate((double)b, p);                  \
            condition[i] = 0;                                            \
            condition[n / 2 + i] = fabsl(ua);                            \
        }                                                                \
    }
#define doracle_sigmoid oracle_dsigmoid
#define doracle_relu    oracle_drelu
#define doracle_gelu    oracle_dgelu

static double silu(double x, const double *p)
{
    const double beta = 1;

    (void)p;
    return oracle_silu(x, &beta);
}

static double dsilu(double x, const double *p)
{
    const double beta = 1;

    (void)p;
    return oracle_dsilu(x, &beta);
}

GATE(glu, oracle_sigmoid)
GATE(reglu, oracle_relu)
GATE(geglu, oracle_gelu)
GATE(swiglu, silu)

/* ---- the table ---- */

static const struct oracle_line table[] = {
#define LINE_PIECEWISE(id)   {NULL, NULL},
#define LINE_SMOOTH(id)      {NULL, NULL},
#define LINE_CHANNELWISE(id) {NULL, NULL},
#define LINE_ROWWISE(id)     {line_##id, line_product_##id},
#define LINE_GATED(id)       {line_##id, line_product_##id},
#define ACT(id, KIND, ...)   LINE_##KIND(id)
#include "activation.def"
#undef ACT
};

const struct oracle_line *oracle_line_for(const struct axon_activation *act)
{
    size_t count;

    return &table[act - axon_activation_table(&count)];
}
