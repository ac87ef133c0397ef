/* kernels/kernels.c - the maths of every activation, written once.
 *
 * The Makefile compiles this file once per instruction set (-DAXON_ISA=avx2 -mavx2 ...). Everything
 * is static but one const table, axon__kernels_<isa>, so that no AVX-512 instruction can leak into
 * code that runs before dispatch.c has asked the CPU. A tail goes through the same functions on a
 * padded vector: a value never depends on its position. Comparisons are written so that NaN falls
 * through to the arithmetic. */
#include <float.h>
#include <math.h>
#include "kernels/kernels.h"
#include "kernels/vec.h"
#include "kernels/vmath.h"

/* ---- elementwise: f_<id>(x, p), df_<id>(x, p); p the row's parameters as vectors ---- */

static inline vf f_identity(vf x, const vf *p)
{
    (void)p;
    return x;
}

static inline vf df_identity(vf x, const vf *p)
{
    (void)p;
    return vf_pick(x == x, vf_all(1.0f), x);
}

static inline vf f_relu(vf x, const vf *p)
{
    (void)p;
    return vf_pick(x <= 0.0f, vf_all(0.0f), x); /* <=, so that -0 becomes 0 */
}

static inline vf df_relu(vf x, const vf *p)
{
    (void)p;
    return vf_pick(x > 0.0f, vf_all(1.0f), f_relu(x, p));
}

static inline vf f_leaky_relu(vf x, const vf *p)
{
    return vf_pick(x < 0.0f, x * p[0], x);
}

static inline vf df_leaky_relu(vf x, const vf *p)
{
    return vf_pick(x > 0.0f, vf_all(1.0f), vf_pick(x <= 0.0f, p[0], x));
}

static inline vf f_prelu(vf x, const vf *p)
{
    return f_leaky_relu(x, p);
}

static inline vf df_prelu(vf x, const vf *p)
{
    return df_leaky_relu(x, p);
}

/* The smooth ones are computed in double, half a vector at a time: g is f on vd. */
#define BY_DOUBLE(f, g)                              \
    static inline vf f(vf x, const vf *p)            \
    {                                                \
        (void)p;                                     \
        return vf_join(g(vd_low(x)), g(vd_high(x))); \
    }

/* Floats are 0 or 1 beyond these, also the subnormal ones. The clamp keeps exp in range, and keeps
 * an infinity from meeting a zero. */
#define SIGMOID_END   110.0
#define TANH_END      20.0
#define GELU_END      15.0
#define GELU_TANH_END 11.0
#define SILU_END      700.0 /* |x| up to FLT_MAX is multiplied by e^-700 */

static inline vd sigmoid(vd x)
{
    vd e = vd_exp(-vd_min(vd_abs(x), SIGMOID_END));
    vd r = vd_reciprocal(1.0 + e);

    return vd_pick(x < 0.0, e * r, r);
}

/* e^-a / (1 + e^-a)^2 */
static inline vd sigmoid_slope(vd x)
{
    vd e = vd_exp(-vd_min(vd_abs(x), SIGMOID_END));
    vd r = vd_reciprocal(1.0 + e);

    return e * r * r;
}
BY_DOUBLE(f_sigmoid, sigmoid)
BY_DOUBLE(df_sigmoid, sigmoid_slope)

static inline vd tanh_of(vd x)
{
    vd e = vd_expm1(2.0 * vd_min(vd_abs(x), TANH_END));

    return vd_sign(e * vd_reciprocal(e + 2.0), x);
}

/* 1 - tanh(x)^2 = 4 sigmoid'(2x), which does not cancel */
static inline vd tanh_slope(vd x)
{
    return 4.0 * sigmoid_slope(2.0 * x);
}
BY_DOUBLE(f_tanh, tanh_of)
BY_DOUBLE(df_tanh, tanh_slope)

/* For f(x) = x G(x) with G(x) + G(-x) = 1, which silu, gelu and gelu_tanh are, f'(x) + f'(-x) = 1:
 * the negative side is computed without cancellation and mirrored. */
static inline vd mirror(vd x, vd negative_side)
{
    return vd_pick(x < 0.0, negative_side, 1.0 - negative_side);
}

static inline vd silu(vd x, vd beta)
{
    vd finite = vd_max(vd_min(x, (double)FLT_MAX), -(double)FLT_MAX);
    vd t = finite * beta, e = vd_exp(-vd_min(vd_abs(t), SILU_END));
    vd r = vd_reciprocal(1.0 + e);

    return vd_pick(t < 0.0, finite * e * r, x * r);
}

static inline vd silu_slope(vd x, vd beta)
{
    static const double c[8] = {
        -0.2178117057198192,  0.1466487969969607,     -0.01887481418468615,  -0.015222655251475342,
        0.006606576629930747, 0.00012663646390737802, -0.000797241624888718, 0.00018477964512859525,
    };
    vd t = vd_max(vd_min(x, (double)FLT_MAX), -(double)FLT_MAX) * beta;
    vd a = vd_min(vd_abs(t), SILU_END), e = vd_exp(-a);
    vd r = vd_reciprocal(1.0 + e);

    return mirror(t, vd_near_root(a, 1.2784645427610737, c, e * r * r * (1.0 + e - a)));
}

static inline vf f_silu(vf x, const vf *p)
{
    return vf_join(silu(vd_low(x), vd_low(p[0])), silu(vd_high(x), vd_high(p[0])));
}

static inline vf df_silu(vf x, const vf *p)
{
    return vf_join(silu_slope(vd_low(x), vd_low(p[0])), silu_slope(vd_high(x), vd_high(p[0])));
}

static inline vd gelu(vd x)
{
    vd a = vd_min(vd_abs(x), GELU_END);

    return vd_max(x, -GELU_END) * mirror(x, vd_exp(a * a * -0.5) * vd_normal_tail(a));
}

static inline vd gelu_slope(vd x)
{
    static const double c[8] = {
        -0.4314939923143925, 0.3882849829904654,   0.018199677106470524, -0.114008233119843,
        0.01477129558328621, 0.019421623067989245, -0.00451601029080356, -0.002233722474823687,
    };
    const double density = 0.3989422804014327; /* 1 / sqrt(2 pi) */
    vd a = vd_min(vd_abs(x), GELU_END);
    vd plain = vd_exp(a * a * -0.5) * (vd_normal_tail(a) - a * density);

    return mirror(x, vd_near_root(a, 0.7517915246935645, c, plain));
}
BY_DOUBLE(f_gelu, gelu)
BY_DOUBLE(df_gelu, gelu_slope)

/* (1 + tanh u) / 2 = sigmoid(2u), so 2u = a (K0 + K1 a^2) is what is needed. */
#define GELU_TANH_K0 1.5957691216057308   /* sqrt(8 / pi) */
#define GELU_TANH_K1 0.071354816272600253 /* sqrt(8 / pi) * 0.044715 */

static inline vd gelu_tanh(vd x)
{
    vd a = vd_min(vd_abs(x), GELU_TANH_END);
    vd e = vd_exp(-a * vd_fma(a * a, vd_all(GELU_TANH_K1), vd_all(GELU_TANH_K0)));
    vd r = vd_reciprocal(1.0 + e);

    return vd_max(x, -GELU_TANH_END) * vd_pick(x < 0.0, e * r, r);
}

static inline vd gelu_tanh_slope(vd x)
{
    static const double c[8] = {
        -0.4304000910252886,  0.38751844613566655,  0.01578285440269047,   -0.11394448283027978,
        0.016619046373881893, 0.019682229214504535, -0.005232159915790395, -0.002414507503049724,
    };
    vd a = vd_min(vd_abs(x), GELU_TANH_END), cube = a * a * a * GELU_TANH_K1;
    vd u = vd_fma(a, vd_all(GELU_TANH_K0), cube); /* and a du/da = u + 2 cube */
    vd e = vd_exp(-u), r = vd_reciprocal(1.0 + e);
    vd plain = e * r * r * (1.0 + e - u - 2.0 * cube);

    return mirror(x, vd_near_root(a, 0.7524614220710163, c, plain));
}
BY_DOUBLE(f_gelu_tanh, gelu_tanh)
BY_DOUBLE(df_gelu_tanh, gelu_tanh_slope)

/* ---- the loops around them ---- */

typedef vf vf_function(vf x, const vf *p);

static inline __attribute__((always_inline)) void map(vf_function *f, const float *x, float *y,
                                                      size_t n, const vf *p)
{
    size_t i = 0;

    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(y + i, f(vf_load(x + i), p));
    if (i < n)
        vf_store_part(y + i, f(vf_load_part(x + i, n - i, 0.0f), p), n - i);
}

static inline __attribute__((always_inline)) void
map_times(vf_function *f, const float *x, const float *upstream, float *y, size_t n, const vf *p)
{
    size_t i = 0;

    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(y + i, f(vf_load(x + i), p) * vf_load(upstream + i));
    if (i < n) {
        vf u = vf_load_part(upstream + i, n - i, 0.0f);

        vf_store_part(y + i, f(vf_load_part(x + i, n - i, 0.0f), p) * u, n - i);
    }
}

static inline __attribute__((always_inline)) void
map_any(vf_function *f, const float *x, const float *upstream, float *y, size_t n, const vf *p)
{
    if (upstream)
        map_times(f, x, upstream, y, n, p);
    else
        map(f, x, y, n, p);
}

/* One row of channels, a parameter value for each of them. */
static inline __attribute__((always_inline)) void map_channels(vf_function *f, const float *x,
                                                               const float *upstream, float *y,
                                                               size_t n, const float *params)
{
    size_t i = 0;

    for (; i + VF_LANES <= n; i += VF_LANES) {
        vf p = vf_load(params + i);

        map_any(f, x + i, upstream ? upstream + i : NULL, y + i, VF_LANES, &p);
    }
    if (i < n) {
        vf p = vf_load_part(params + i, n - i, 0.0f);

        map_any(f, x + i, upstream ? upstream + i : NULL, y + i, n - i, &p);
    }
}

static inline __attribute__((always_inline)) void
elementwise(vf_function *f, const float *x, const float *upstream, float *y, struct axon_axis axis,
            const float *params, size_t params_count)
{
    vf p[AXON_PARAMETERS_MAX];

    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        p[k] = vf_all(k < params_count ? params[k] : 0.0f);
    map_any(f, x, upstream, y, axis.outer * axis.length * axis.inner, p);
}

static inline __attribute__((always_inline)) void
channelwise(vf_function *f, const float *x, const float *upstream, float *y, struct axon_axis axis,
            const float *params, size_t params_count)
{
    size_t span = axis.inner == 1 ? axis.length : axis.inner;

    if (params_count == 1) {
        elementwise(f, x, upstream, y, axis, params, params_count);
        return;
    }
    for (size_t at = 0, c = 0; at < axis.outer * axis.length * axis.inner; at += span) {
        const float *u = upstream ? upstream + at : NULL;

        if (axis.inner == 1) {
            map_channels(f, x + at, u, y + at, span, params);
        } else {
            vf p = vf_all(params[c]);

            map_any(f, x + at, u, y + at, span, &p);
            c = c + 1 == axis.length ? 0 : c + 1;
        }
    }
}

enum { TILE = AXON_UNITS_MULTIPLE / VF_LANES }; /* vectors in one tile of units: a cache line */

/* Down the rows of one tile, so that bias, parameters and counts stay in registers. */
static inline __attribute__((always_inline)) void
epilogue_tile(vf_function *f, const struct axon_epilogue *e, size_t unit, uint32_t *tally)
{
    vf bias[TILE], p[TILE][AXON_PARAMETERS_MAX];
    vi fired[TILE];

#pragma GCC unroll 4
    for (size_t t = 0; t < TILE; t++) {
        size_t at = unit + t * VF_LANES;

        bias[t] = vf_load(e->bias + at);
        for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
            p[t][k] = vf_load(e->params + k * e->stride + at);
        fired[t] = (vi){0};
    }
    for (size_t row = 0; row < e->rows; row++) {
        float *z = e->z + row * e->stride + unit;

#pragma GCC unroll 4
        for (size_t t = 0; t < TILE; t++) {
            vf y = f(vf_load(z + t * VF_LANES) + bias[t], p[t]);

            vf_store(z + t * VF_LANES, y);
            fired[t] -= y != 0.0f; /* a true lane is -1 */
        }
    }
    for (size_t t = 0; tally && t < TILE; t++) {
        vu sum;

        memcpy(&sum, tally + t * VF_LANES, sizeof sum);
        sum += (vu)fired[t];
        memcpy(tally + t * VF_LANES, &sum, sizeof sum);
    }
}

static inline __attribute__((always_inline)) void epilogue(vf_function *f,
                                                           const struct axon_epilogue *e)
{
    for (size_t unit = 0; unit < e->stride; unit += AXON_UNITS_MULTIPLE)
        if (e->tally)
            epilogue_tile(f, e, unit, e->tally + unit);
        else
            epilogue_tile(f, e, unit, NULL);
}

static void affine(const float *x, const float *scale, const float *offset, float *y, size_t rows,
                   size_t n)
{
    for (size_t row = 0; row < rows; row++, x += n, y += n) {
        size_t i = 0;

        for (; i + VF_LANES <= n; i += VF_LANES)
            vf_store(y + i, vf_fma(vf_load(x + i), vf_load(scale + i), vf_load(offset + i)));
        if (i < n)
            vf_store_part(y + i,
                          vf_fma(vf_load_part(x + i, n - i, 0.0f),
                                 vf_load_part(scale + i, n - i, 0.0f),
                                 vf_load_part(offset + i, n - i, 0.0f)),
                          n - i);
    }
}

#include "kernels/softmax.h"

/* ---- the table ---- */

#define DEFINE(id, walk)                                                                           \
    static void forward_##id(const float *x, float *y, struct axon_axis axis, const float *params, \
                             size_t params_count)                                                  \
    {                                                                                              \
        walk(f_##id, x, NULL, y, axis, params, params_count);                                      \
    }                                                                                              \
    static void gradient_##id(const float *x, const float *upstream, float *dx,                    \
                              struct axon_axis axis, const float *params, size_t params_count)     \
    {                                                                                              \
        walk(df_##id, x, upstream, dx, axis, params, params_count);                                \
    }                                                                                              \
    static void epilogue_##id(const struct axon_epilogue *e)                                       \
    {                                                                                              \
        epilogue(f_##id, e);                                                                       \
    }
#define DEFINE_ELEMENTWISE(id) DEFINE(id, elementwise)
#define DEFINE_CHANNELWISE(id) DEFINE(id, channelwise)
#define DEFINE_ROWWISE(id)
#define ACT(id, KIND, ...) DEFINE_##KIND(id)
#include "activation.def"
#undef ACT

#define PASTE_(a, b)             a##b
#define PASTE(a, b)              PASTE_(a, b)
#define STRING_(a)               #a
#define STRING(a)                STRING_(a)
#define EPILOGUE_ELEMENTWISE(id) epilogue_##id
#define EPILOGUE_CHANNELWISE(id) epilogue_##id
#define EPILOGUE_ROWWISE(id)     NULL

const struct axon_kernels PASTE(axon__kernels_, AXON_ISA) = {
    .isa = STRING(AXON_ISA),
    .affine = affine,
    .rows =
        {
#define ACT(id, KIND, ...) [AXON_ID_##id] = {forward_##id, gradient_##id, EPILOGUE_##KIND(id)},
#include "activation.def"
#undef ACT
        },
};
