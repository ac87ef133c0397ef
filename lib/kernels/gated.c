/* kernels/gated.c - the rows that multiply one half of an axis by a gate made of the other half.
 *
 * x is [outer, 2, half, inner]: a then b, each half * inner floats in one piece, so that no axis is
 * to be seen here: y = a f(b), element by element. In double and rounded once, since f(b) may be
 * far below the floats where a is large enough to bring the product back. */
#include <math.h>
#include "kernels/rowwise.h"
#include "kernels/vmath.h"

/* e^-700 times the largest float is far below the smallest. */
#define GATE_END 700.0
/* e^(-37^2 / 2) is, too. Beyond 15, where vd_normal_tail() is less exact, a float needs a huge
 * factor to see anything of it. */
#define GELU_GATE_END 37.0

struct gate {
    vd value, slope; /* f(b), f'(b) */
};

typedef struct gate gate_function(vd b);

/* `limit` where b is -inf, so that inf * 0 is NaN as it is in PyTorch */
ALWAYS vd at_end(vd b, vd limit, vd value)
{
    return vd_pick(b == -(double)INFINITY, limit, value);
}

/* With e = e^-|b| and r = 1 / (1 + e): sigmoid(-|b|) = e r, sigmoid(|b|) = r. */
ALWAYS struct gate gate_glu(vd b)
{
    vd e = vd_exp(-vd_min(vd_abs(b), GATE_END)), r = vd_reciprocal(1.0 + e);

    return (struct gate){at_end(b, vd_all(0.0), vd_pick(b < 0.0, e * r, r)), e * r * r};
}

ALWAYS struct gate gate_reglu(vd b)
{
    vd step = vd_pick(b > 0.0, vd_all(1.0), vd_all(0.0));

    return (struct gate){vd_max(b, 0.0), vd_pick(b == b, step, b)};
}

/* x Phi(x); the slope of the negative side mirrored, as in slopes.c */
ALWAYS struct gate gate_geglu(vd b)
{
    const double density = 0.3989422804014327; /* 1 / sqrt(2 pi) */
    vd a = vd_min(vd_abs(b), GELU_GATE_END), e = vd_exp(a * a * -0.5), tail = vd_normal_tail(a);
    vd side = e * (tail - a * density), phi = e * tail;
    vd value = vd_max(b, -GELU_GATE_END) * vd_pick(b < 0.0, phi, 1.0 - phi);

    return (struct gate){at_end(b, vd_all(-0.0), value), vd_pick(b < 0.0, side, 1.0 - side)};
}

ALWAYS struct gate gate_swiglu(vd b)
{
    vd a = vd_min(vd_abs(b), GATE_END), e = vd_exp(-a), r = vd_reciprocal(1.0 + e);
    vd side = e * r * r * (1.0 + e - a);

    return (struct gate){at_end(b, vd_all(-0.0), b * vd_pick(b < 0.0, e * r, r)),
                         vd_pick(b < 0.0, side, 1.0 - side)};
}

/* y [n] = a [n] * f(b [n]) */
ALWAYS void gate_forward(gate_function *f, const float *a, const float *b, float *y, size_t n)
{
    for (size_t i = 0; i < n; i += VD_LANES) {
        vd product = vd_load(a + i, n - i, 0.0f) * f(vd_load(b + i, n - i, 0.0f)).value;

        vh_store(y + i, vh_of(product), n - i);
    }
}

/* da = u f(b), db = u a f'(b), all [n]; da may be a, and db b */
ALWAYS void gate_gradient(gate_function *f, const float *a, const float *b, const float *u,
                          float *da, float *db, size_t n)
{
    for (size_t i = 0; i < n; i += VD_LANES) {
        vd upstream = vd_load(u + i, n - i, 0.0f), ua = upstream * vd_load(a + i, n - i, 0.0f);
        struct gate gate = f(vd_load(b + i, n - i, 0.0f));

        vh_store(da + i, vh_of(upstream * gate.value), n - i);
        vh_store(db + i, vh_of(ua * gate.slope), n - i);
    }
}

/* ---- kernels ---- */

#define DEFINE(id)                                                                      \
    void AXON_KERNEL(forward, id)(const float *x, float *y, struct axon_axis axis,      \
                                  const float *params, size_t params_count)             \
    {                                                                                   \
        size_t n = axis.length / 2 * axis.inner;                                        \
                                                                                        \
        (void)params;                                                                   \
        (void)params_count;                                                             \
        for (size_t o = 0; o < axis.outer; o++, x += 2 * n, y += n)                     \
            gate_forward(gate_##id, x, x + n, y, n);                                    \
    }                                                                                   \
    void AXON_KERNEL(gradient, id)(const float *x, const float *upstream, float *dx,    \
                                   struct axon_axis axis, const float *params,          \
                                   size_t params_count)                                 \
    {                                                                                   \
        size_t n = axis.length / 2 * axis.inner;                                        \
                                                                                        \
        (void)params;                                                                   \
        (void)params_count;                                                             \
        for (size_t o = 0; o < axis.outer; o++, x += 2 * n, upstream += n, dx += 2 * n) \
            gate_gradient(gate_##id, x, x + n, upstream, dx, dx + n, n);                \
    }

DEFINE(glu)
DEFINE(reglu)
DEFINE(geglu)
DEFINE(swiglu)
