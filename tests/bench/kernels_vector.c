/* kernels_vector.c - activations as a user would write them over a library of vector functions.
 *
 * Compiled once per library and ISA: -DBENCH_MATH_SLEEF for SLEEF's 1.0-ULP functions, else libmvec
 * (4 ULP); -mavx512f or -mavx2. The formulas are the usual ones, with the care that a user takes
 * (log1p, expm1, no overflow) and none that costs more: gelu by erf, mish by tanh(softplus). */
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "kernels.h"

#ifdef __AVX512F__
#define LANES     16
#define SLEEF(fn) Sleef_##fn##f16_u10avx512f
#define MVEC(fn)  _ZGVeN16v_##fn##f
#define NAMED(of) contender_##of##_avx512
#define ISA       "avx512"
#else
#define LANES     8
#define SLEEF(fn) Sleef_##fn##f8_u10avx2
#define MVEC(fn)  _ZGVdN8v_##fn##f
#define NAMED(of) contender_##of##_avx2
#define ISA       "avx2"
#endif
#ifdef BENCH_MATH_SLEEF
#define M(f)    SLEEF(f)
#define SELF    NAMED(sleef)
#define LIBRARY "sleef"
#else
#define M(f)    MVEC(f)
#define SELF    NAMED(libmvec)
#define LIBRARY "libmvec"
#endif

typedef float v __attribute__((vector_size(LANES * 4)));
typedef int32_t vi __attribute__((vector_size(LANES * 4)));

v M(exp)(v), M(expm1)(v), M(log1p)(v), M(tanh)(v), M(erf)(v);

static inline v load(const float *p)
{
    v a;

    memcpy(&a, p, sizeof a);
    return a;
}

static inline v pick(vi mask, v a, v b)
{
    return (v)((mask & (vi)a) | (~mask & (vi)b));
}

static inline v smaller(v a, v b)
{
    return pick(a < b, a, b);
}

static inline v larger(v a, v b)
{
    return pick(a > b, a, b);
}

static inline v magnitude(v a)
{
    return (v)((vi)a & INT32_MAX);
}

static inline float sum_of(v a)
{
    float sum = 0;

    for (int k = 0; k < LANES; k++)
        sum += a[k];
    return sum;
}

static inline float top_of(v a)
{
    float top = a[0];

    for (int k = 1; k < LANES; k++)
        top = a[k] > top ? a[k] : top;
    return top;
}

/* ---- elementwise ---- */

static inline v softplus(v x)
{
    return larger(x, (v){0}) + M(log1p)(M(exp)(-magnitude(x)));
}

static inline v sigmoid(v x)
{
    return 1.0f / (1.0f + M(exp)(-x));
}

static inline v elu(v x, float scale, float alpha)
{
    return scale * pick(x > 0.0f, x, alpha * M(expm1)(x));
}

#define SELU_SCALE 1.05070098f
#define SELU_ALPHA 1.67326324f
#define GELU_ROOT  0.797884561f /* sqrt(2 / pi) */
#define ROOT_HALF  0.707106781f

#define ELEMENTWISE(ROW)                                                                 \
    ROW(exponential, M(exp)(x))                                                          \
    ROW(sigmoid, sigmoid(x))                                                             \
    ROW(tanh, M(tanh)(x))                                                                \
    ROW(silu, x *sigmoid(x))                                                             \
    ROW(quick_gelu, x *sigmoid(1.702f * x))                                              \
    ROW(gelu, 0.5f * x * (1.0f + M(erf)(x * ROOT_HALF)))                                 \
    ROW(gelu_tanh, 0.5f * x * (1.0f + M(tanh)(GELU_ROOT * (x + 0.044715f * x * x * x)))) \
    ROW(softplus, softplus(x))                                                           \
    ROW(log_sigmoid, -softplus(-x))                                                      \
    ROW(mish, x *M(tanh)(softplus(x)))                                                   \
    ROW(elu, elu(x, 1.0f, 1.0f))                                                         \
    ROW(celu, elu(x, 1.0f, 1.0f))                                                        \
    ROW(selu, elu(x, SELU_SCALE, SELU_ALPHA))                                            \
    ROW(tanh_shrink, x - M(tanh)(x))

#define LOOP(id, expression)                                     \
    static void loop_##id(const float *from, float *y, size_t n) \
    {                                                            \
        for (size_t i = 0; i < n; i += LANES) {                  \
            v x = load(from + i), value = expression;            \
                                                                 \
            memcpy(y + i, &value, sizeof value);                 \
        }                                                        \
    }
ELEMENTWISE(LOOP)

/* ---- rows of ROW_LENGTH ---- */

static inline v row_top(const float *x)
{
    v top = load(x);

    for (size_t i = LANES; i < ROW_LENGTH; i += LANES)
        top = larger(top, load(x + i));
    return top_of(top) - (v){0};
}

static void loop_softmax(const float *x, float *y, size_t n)
{
    for (const float *end = x + n; x < end; x += ROW_LENGTH, y += ROW_LENGTH) {
        v top = row_top(x), sum = {0};
        float scale;

        for (size_t i = 0; i < ROW_LENGTH; i += LANES) {
            v e = M(exp)(load(x + i) - top);

            sum += e;
            memcpy(y + i, &e, sizeof e);
        }
        scale = 1.0f / sum_of(sum);
        for (size_t i = 0; i < ROW_LENGTH; i += LANES) {
            v e = load(y + i) * scale;

            memcpy(y + i, &e, sizeof e);
        }
    }
}

static void loop_log_softmax(const float *x, float *y, size_t n)
{
    for (const float *end = x + n; x < end; x += ROW_LENGTH, y += ROW_LENGTH) {
        v top = row_top(x), sum = {0};
        float shift;

        for (size_t i = 0; i < ROW_LENGTH; i += LANES)
            sum += M(exp)(load(x + i) - top);
        shift = top[0] + logf(sum_of(sum));
        for (size_t i = 0; i < ROW_LENGTH; i += LANES) {
            v e = load(x + i) - shift;

            memcpy(y + i, &e, sizeof e);
        }
    }
}

/* ---- the contender ---- */

typedef void loop(const float *x, float *y, size_t n);

static const struct {
    const char *name;
    loop *run;
} loops[] = {
#define ENTRY(id, expression) {#id, loop_##id},
    ELEMENTWISE(ENTRY){"softmax", loop_softmax},
    {"log_softmax", loop_log_softmax},
};

static loop *chosen;

static bool prepare(const struct contender *self, const struct task *task)
{
    (void)self;
    chosen = NULL;
    for (size_t i = 0; i < sizeof loops / sizeof *loops && !task->gradient; i++)
        if (strcmp(loops[i].name, task->act->name) == 0)
            chosen = loops[i].run;
    return chosen != NULL;
}

static double time_loop(const struct contender *self, const struct task *task, size_t reps)
{
    double start = bench_clock();

    (void)self;
    for (size_t r = 0; r < reps; r++)
        chosen(task->x, task->y, task->n);
    return bench_clock() - start;
}

const struct contender SELF = {
    .name = LIBRARY " " ISA, .isa = ISA, .prepare = prepare, .time = time_loop};
