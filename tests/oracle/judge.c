/* tests/oracle/judge.c - see judge.h. oracle_ulps() without branches, so that it becomes vector
 * instructions; unit/test_lib_oracle.c compares the two. */
#include <math.h>
#include <string.h>
#include "judge.h"

enum { LANES = 8 };

typedef double lanes __attribute__((vector_size(8 * LANES)));
typedef int64_t lane_masks __attribute__((vector_size(8 * LANES)));

static inline uint64_t bits_of(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double value_of(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Powers of two by their exponents: 2^(24 - e) for |want| in [2^(e-1), 2^e), e at least -125. */
static inline double ulps(float got, double want)
{
    uint64_t exponent = bits_of(want) >> 52 & 0x7ff;
    double scale = value_of((2069 - (exponent < 897 ? 897 : exponent)) << 52);
    double error = fabs((double)got - want) * scale;
    float nearest = (float)want;
    int far = fabsf(nearest) > 0x1.fffffep127f, none = want != want;

    error = error <= 0x1p1000 ? error : (double)INFINITY; /* also a NaN */
    error = far ? (got == nearest ? 0 : (double)INFINITY) : error;
    return none ? (got != got ? 0 : (double)INFINITY) : error;
}

/* Largest and sum of error [n], n a multiple of LANES: lane by lane, for the order of a sum is not
 * the compiler's to change. */
static void reduce(const double *error, size_t n, double *worst, double *sum)
{
    lanes worsts = {0}, sums = {0};

    for (size_t i = 0; i < n; i += LANES) {
        lanes e;
        lane_masks more;

        memcpy(&e, error + i, sizeof e);
        more = e > worsts;
        worsts = (lanes)((more & (lane_masks)e) | (~more & (lane_masks)worsts));
        more = e > ULPS_WRONG;
        sums += (lanes)((more & (lane_masks)((lanes){0} + ULPS_WRONG)) | (~more & (lane_masks)e));
    }
    *worst = *sum = 0;
    for (size_t k = 0; k < LANES; k++) {
        *worst = fmax(*worst, worsts[k]);
        *sum += sums[k];
    }
}

void judge(struct verdict *verdict, const float *x, const float *y, const double *want, size_t n)
{
    double error[JUDGE_MAX], worst, sum;

    unsigned count = 0;

    for (size_t i = 0; i < n; i++)
        error[i] = ulps(y[i], want[i]);
    for (size_t i = 0; i < n; i++)
        count += x[i] == x[i];
    verdict->count += count;
    for (size_t i = n; i % LANES; i++)
        error[i] = 0;
    reduce(error, (n + LANES - 1) / LANES * LANES, &worst, &sum);
    verdict->sum += sum;
    for (size_t i = 0; worst > verdict->worst && i < n; i++)
        if (error[i] > verdict->worst) {
            verdict->worst = error[i];
            verdict->x = x[i];
            verdict->y = y[i];
        }
}

void judge_merge(struct verdict *into, const struct verdict *from)
{
    double sum = into->sum + from->sum;
    uint64_t count = into->count + from->count;

    if (from->worst > into->worst)
        *into = *from;
    into->sum = sum;
    into->count = count;
}

double judge_mean(const struct verdict *verdict)
{
    return verdict->count ? verdict->sum / (double)verdict->count : 0;
}
