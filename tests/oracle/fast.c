/* tests/oracle/fast.c - see fast.h. Straight-line code, so that the compiler can turn the loops
 * into vectors and call libmvec (within 4 ULP of double) where its flags allow that: see NATIVE in
 * the Makefile. Arguments are clipped where every float is settled: a vector function takes the
 * slow way for a single lane that is out of its range. */
#include <features.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "fast.h"
/* before functions.h sees it */
#define ORACLE(id) static inline double fast_##id(double x, const double *p __attribute__((unused)))
// NOLINTNEXTLINE(bugprone-suspicious-include): the same functions, inlined into the loops below
#include "piecewise.c"

#if defined(__x86_64__) && defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
__attribute__((simd("notinbranch"))) double expm1(double), log1p(double), erfc(double);
#endif

#define NOTHING  400.0 /* FLT_MAX e^-400 is 0 */
#define ALL      40.0  /* 1 + e^-40 is 1, (1 + e^40)^2 + 1 is its first term */
#define GELU_END 16.0
#define K0       1.5957691216057308   /* sqrt(8 / pi) */
#define K1       0.071354816272600253 /* sqrt(8 / pi) * 0.044715 */

/* The float nearest to a constant stands for it. */
static inline double constant(double p, double exact)
{
    return p == (double)(float)exact ? exact : p;
}

static inline double in_range(double x)
{
    return clip(x, -(double)FLT_MAX, (double)FLT_MAX);
}

static inline double smaller(double x, double end)
{
    return x > end ? end : x;
}

static inline double larger(double x, double end)
{
    return x < end ? end : x;
}

static inline double size_of(double x, double end)
{
    return smaller(fabs(x), end);
}

/* e^x for |x| <= NOTHING, thrice as fast as libmvec's: x = k ln 2 + r, and Taylor's series, whose
 * rest is r^13 / 13!. */
static inline double exp_of(double x)
{
    static const double c[] = {1,
                               1,
                               1.0 / 2,
                               1.0 / 6,
                               1.0 / 24,
                               1.0 / 120,
                               1.0 / 720,
                               1.0 / 5040,
                               1.0 / 40320,
                               1.0 / 362880,
                               1.0 / 3628800,
                               1.0 / 39916800,
                               1.0 / 479001600};
    const double to_integer = 0x1.8p52; /* adding it rounds to an integer, kept in the low bits */
    double shifted = x * 0x1.71547652b82fep0 + to_integer, k = shifted - to_integer;
    double r = (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33, sum = c[12], scale;
    uint64_t bits;

    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 52) + ((uint64_t)1023 << 52);
    memcpy(&scale, &bits, sizeof scale);
    for (int i = 11; i >= 0; i--)
        sum = sum * r + c[i];
    return sum * scale;
}

/* ---- one exponential ---- */

ORACLE(exponential)
{
    return exp_of(clip(x, -NOTHING, NOTHING));
}

ORACLE(dexponential)
{
    return fast_exponential(x, p);
}

static inline double elu(double x, double t, double alpha)
{
    double below = alpha * expm1(clip(t, -ALL, NOTHING));

    return x > 0 ? x : below;
}

static inline double elu_slope(double x, double t, double alpha)
{
    double below = alpha * exp_of(clip(t, -NOTHING, NOTHING));

    return x > 0 ? 1 : below;
}

ORACLE(elu)
{
    return elu(x, x, p[0]);
}

ORACLE(delu)
{
    return elu_slope(x, x, p[0]);
}

ORACLE(selu)
{
    return constant(p[1], 1.0507009873554805) * elu(x, x, constant(p[0], 1.6732632423543772));
}

ORACLE(dselu)
{
    return constant(p[1], 1.0507009873554805) * elu_slope(x, x, constant(p[0], 1.6732632423543772));
}

ORACLE(celu)
{
    return elu(x, x / p[0], p[0]);
}

ORACLE(dcelu)
{
    return elu_slope(x, x / p[0], 1);
}

static inline double sigmoid(double x)
{
    double e = exp_of(-size_of(x, NOTHING)), r = 1 / (1 + e);

    return x < 0 ? e * r : r;
}

static inline double sigmoid_slope(double x)
{
    double e = exp_of(-size_of(x, NOTHING)), r = 1 / (1 + e);

    return e * r * r;
}

ORACLE(sigmoid)
{
    return sigmoid(x);
}

ORACLE(dsigmoid)
{
    return sigmoid_slope(x);
}

static inline double tanh_of(double x)
{
    double e = expm1(2 * size_of(x, ALL));

    return copysign(e / (e + 2), x);
}

ORACLE(tanh)
{
    return tanh_of(x);
}

ORACLE(dtanh)
{
    return 4 * sigmoid_slope(2 * x);
}

/* x cosh x - sinh x = the sum of 2k x^(2k+1) / (2k+1)! */
ORACLE(tanh_shrink)
{
    double a = size_of(x, 1), q = a * a, e = exp_of(a), sum = 0;
    double plain = fabs(x) - fabs(tanh_of(x));
    static const double c[] = {2.0 / 6,
                               4.0 / 120,
                               6.0 / 5040,
                               8.0 / 362880,
                               10.0 / 39916800,
                               12.0 / 6227020800,
                               14.0 / 1307674368000,
                               16.0 / 355687428096000,
                               18.0 / 121645100408832000};

    for (int k = 8; k >= 0; k--)
        sum = sum * q + c[k];
    sum *= q * a / ((e + 1 / e) / 2);
    return copysign(fabs(x) < 1 ? sum : plain, x);
}

ORACLE(dtanh_shrink)
{
    double t = tanh_of(x);

    return t * t;
}

/* ---- x g(x): for x < 0 what is small, for x > 0 its mirror image ---- */

static inline double silu(double x, double beta)
{
    double t = in_range(x) * beta, e = exp_of(-size_of(t, NOTHING)), r = 1 / (1 + e);

    return t < 0 ? in_range(x) * e * r : x * r;
}

static inline double silu_slope(double t)
{
    double a = size_of(t, NOTHING), e = exp_of(-a), r = 1 / (1 + e), low = e * r * r * (1 + e - a);

    return t < 0 ? low : 1 - low;
}

ORACLE(silu)
{
    return silu(x, p[0]);
}

ORACLE(dsilu)
{
    return silu_slope(in_range(x) * p[0]);
}

ORACLE(quick_gelu)
{
    return silu(x, 1.702);
}

ORACLE(dquick_gelu)
{
    return silu_slope(1.702 * x);
}

ORACLE(gelu)
{
    double t = larger(x, -GELU_END);

    return t * (erfc(-smaller(t, GELU_END) * M_SQRT1_2) / 2);
}

ORACLE(dgelu)
{
    double a = size_of(x, GELU_END), density = M_2_SQRTPI * M_SQRT1_2 / 2 * exp_of(-a * a / 2);
    double low = erfc(a * M_SQRT1_2) / 2 - a * density;

    return x < 0 ? low : 1 - low;
}

ORACLE(gelu_tanh)
{
    double a = size_of(x, GELU_END), e = exp_of(-a * (K0 + K1 * a * a)), r = 1 / (1 + e);

    return x < 0 ? larger(x, -GELU_END) * e * r : x * r;
}

ORACLE(dgelu_tanh)
{
    double a = size_of(x, GELU_END), cube = K1 * a * a * a, u = K0 * a + cube, e = exp_of(-u);
    double r = 1 / (1 + e), low = e * r * r * (1 + e - u - 2 * cube);

    return x < 0 ? low : 1 - low;
}

ORACLE(mish)
{
    double e = exp_of(clip(x, -NOTHING, ALL)), n = e * (e + 2), g = n / (n + 2);

    return x > ALL ? x : larger(x, -NOTHING) * g;
}

ORACLE(dmish)
{
    double t = clip(x, -NOTHING, ALL), e = exp_of(t), n = e * (e + 2), r = 1 / (n + 2);

    return n * r + 4 * t * e * (e + 1) * r * r;
}

/* ---- logarithms and roots ---- */

static inline double ln_1_exp(double x)
{
    return larger(x, 0) + log1p(exp_of(-size_of(x, NOTHING)));
}

ORACLE(log_sigmoid)
{
    return -ln_1_exp(-x);
}

ORACLE(dlog_sigmoid)
{
    return sigmoid(-x);
}

ORACLE(softplus)
{
    double below = ln_1_exp(p[0] * x) / p[0];

    return p[0] * x > p[1] ? x : below;
}

ORACLE(dsoftplus)
{
    double below = sigmoid(p[0] * x);

    return p[0] * x > p[1] ? 1 : below;
}

ORACLE(softsign)
{
    return copysign(fabs(x) > DBL_MAX ? 1 : fabs(x) / (1 + fabs(x)), x);
}

ORACLE(dsoftsign)
{
    double r = 1 / (1 + fabs(x));

    return r * r;
}

ORACLE(squareplus)
{
    double root = sqrt(x * x + p[0]), below = p[0] / (root - x) / 2;

    return x > 0 ? (x + root) / 2 : below;
}

ORACLE(dsquareplus)
{
    double t = in_range(x), root = sqrt(t * t + p[0]);

    return t > 0 ? (1 + t / root) / 2 : p[0] / root / (root - t) / 2;
}

/* ---- rows that are not worth a formula of their own ---- */

#define AS_ORACLE(id)              \
    ORACLE(id)                     \
    {                              \
        return oracle_##id(x, p);  \
    }                              \
    ORACLE(d##id)                  \
    {                              \
        return oracle_d##id(x, p); \
    }
AS_ORACLE(scaled_tanh)
AS_ORACLE(clipped_gelu)
AS_ORACLE(laplace)
AS_ORACLE(xielu)

/* ---- batches ---- */

#define BATCH(name, function)                                                               \
    static void name(const float *restrict x, double *restrict want, size_t n,              \
                     const double *params)                                                  \
    {                                                                                       \
        const double p[AXON_PARAMETERS_MAX] = {params[0], params[1], params[2], params[3]}; \
                                                                                            \
        for (size_t i = 0; i < n; i++)                                                      \
            want[i] = function((double)x[i], p);                                            \
    }
#define ROW(id) BATCH(batch_##id, fast_##id) BATCH(batch_d##id, fast_d##id)
#include "rows.def"
#undef ROW

static const struct fast rows[] = {
#define ROW(id) {#id, {batch_##id, batch_d##id}, {oracle_##id, oracle_d##id}},
#include "rows.def"
#undef ROW
};

/* Zeros of derivatives that are sums: x near one cancels in fast_d<id>. */
static double zero_of(const struct fast *row, const double *params)
{
    static const struct {
        const char *name;
        double zero;
    } zeros[] = {{"silu", -1.2785},
                 {"gelu", -0.7518},
                 {"gelu_tanh", -0.7525},
                 {"quick_gelu", -0.7512},
                 {"mish", -1.1924}};

    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
        if (strcmp(row->name, zeros[i].name) == 0)
            return i == 0 ? zeros[i].zero / params[0] : zeros[i].zero;
    return (double)NAN;
}

void fast_batch(const struct fast *row, int derivative, const float *x, double *want, size_t n,
                const double *params)
{
    double zero = derivative ? zero_of(row, params) : (double)NAN;
    double low = zero - fabs(zero) / 64, high = zero + fabs(zero) / 64;

    row->batch[derivative](x, want, n, params);
    for (size_t i = 0; !isnan(zero) && i < n; i++)
        if ((double)x[i] > low && (double)x[i] < high)
            want[i] = row->oracle[1]((double)x[i], params);
}

const struct fast *fast_find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}
