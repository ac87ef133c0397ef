/* kernels/rowwise.c - the rows that run along an axis.
 *
 * Along a contiguous axis (inner == 1) a vector holds neighbours of one row and is reduced at the
 * end; along any other axis it holds VF_LANES rows side by side, each lane a row of its own. Sums
 * are in double. The maximum is subtracted, so nothing overflows; an all -inf row and a row with
 * +inf give NaN, because there inf - inf stands. */
#include <math.h>
#include "kernels/kernels.h"
#include "kernels/vec.h"
#include "kernels/vmath.h"

/* Two vectors of doubles that stand for one of floats. */
struct vd_pair {
    vd low, high;
};

static inline vf vf_load_any(const float *p, size_t n, float fill)
{
    return n >= VF_LANES ? vf_load(p) : vf_load_part(p, n, fill);
}

static inline void vf_store_any(float *p, vf v, size_t n)
{
    if (n >= VF_LANES)
        vf_store(p, v);
    else
        vf_store_part(p, v, n);
}

static inline vf vf_larger(vf top, vf x)
{
    return vf_pick(x > top, x, top); /* a NaN is passed over here and comes back in x - top */
}

/* e^((x - top) / t); 0 when rounded to float for x = -inf */
static inline struct vd_pair shifted_exp(vf x, vf top, vd inverse_t)
{
    vd low = (vd_low(x) - vd_low(top)) * inverse_t, high = (vd_high(x) - vd_high(top)) * inverse_t;

    return (struct vd_pair){vd_exp(vd_max(low, -700.0)), vd_exp(vd_max(high, -700.0))};
}

static inline float row_top(const float *x, size_t n)
{
    vf top = vf_all(-INFINITY);

    for (size_t i = 0; i < n; i += VF_LANES)
        top = vf_larger(top, vf_load_any(x + i, n - i, -INFINITY));
    return vf_top(top);
}

/* A row that fits one vector, n <= VF_LANES: nothing has to pass through memory. */
static inline void softmax_short_row(const float *x, float *y, size_t n, vd inverse_t)
{
    vf row = vf_load_any(x, n, -INFINITY);
    vf top = vf_all(vf_top(vf_larger(vf_all(-INFINITY), row)));
    struct vd_pair e = shifted_exp(row, top, inverse_t);
    vd scale = vd_all(1.0 / vd_sum(e.low + e.high));

    vf_store_any(y, vf_join(e.low * scale, e.high * scale), n);
}

static inline void softmax_row(const float *x, float *y, size_t n, vd inverse_t)
{
    vf top = vf_all(row_top(x, n));
    vd sum = {0}, scale;

    for (size_t i = 0; i < n; i += VF_LANES) {
        struct vd_pair e = shifted_exp(vf_load_any(x + i, n - i, -INFINITY), top, inverse_t);

        sum += e.low + e.high;
        vf_store_any(y + i, vf_join(e.low, e.high), n - i);
    }
    scale = vd_all(1.0 / vd_sum(sum));
    for (size_t i = 0; i < n; i += VF_LANES) {
        vf e = vf_load_any(y + i, n - i, 0.0f);

        vf_store_any(y + i, vf_join(vd_low(e) * scale, vd_high(e) * scale), n - i);
    }
}

/* Up to VF_LANES neighbouring rows whose elements are `stride` apart. */
static inline void softmax_rows(const float *x, float *y, size_t n, size_t stride, size_t lanes,
                                vd inverse_t)
{
    struct vd_pair sum = {{0}, {0}};
    vf top = vf_all(-INFINITY);

    for (size_t i = 0; i < n; i++)
        top = vf_larger(top, vf_load_any(x + i * stride, lanes, 0.0f));
    for (size_t i = 0; i < n; i++) {
        struct vd_pair e = shifted_exp(vf_load_any(x + i * stride, lanes, 0.0f), top, inverse_t);

        sum.low += e.low;
        sum.high += e.high;
        vf_store_any(y + i * stride, vf_join(e.low, e.high), lanes);
    }
    sum.low = 1.0 / sum.low;
    sum.high = 1.0 / sum.high;
    for (size_t i = 0; i < n; i++) {
        vf e = vf_load_any(y + i * stride, lanes, 0.0f);

        vf_store_any(y + i * stride, vf_join(vd_low(e) * sum.low, vd_high(e) * sum.high), lanes);
    }
}

void AXON_KERNEL(forward, softmax)(const float *x, float *y, struct axon_axis axis,
                                   const float *params, size_t params_count)
{
    vd inverse_t = vd_all(1.0 / (double)params[0]);

    (void)params_count;
    for (size_t o = 0; o < axis.outer; o++) {
        const float *from = x + o * axis.length * axis.inner;
        float *to = y + o * axis.length * axis.inner;

        if (axis.inner == 1 && axis.length <= VF_LANES)
            softmax_short_row(from, to, axis.length, inverse_t);
        else if (axis.inner == 1)
            softmax_row(from, to, axis.length, inverse_t);
        else
            for (size_t i = 0; i < axis.inner; i += VF_LANES)
                softmax_rows(from + i, to + i, axis.length, axis.inner, axis.inner - i, inverse_t);
    }
}

/* dx_i = y_i (u_i - sum_j y_j u_j) / t. The exponentials are computed twice rather than stored,
 * because dx may be x or u and there is nowhere to put them. */
static inline void softmax_gradient_row(const float *x, const float *u, float *dx, size_t n,
                                        vd inverse_t)
{
    vf top = vf_all(row_top(x, n));
    vd sum = {0}, dot = {0}, scale, mean;

    for (size_t i = 0; i < n; i += VF_LANES) {
        struct vd_pair e = shifted_exp(vf_load_any(x + i, n - i, -INFINITY), top, inverse_t);
        vf v = vf_load_any(u + i, n - i, 0.0f);

        sum += e.low + e.high;
        dot += e.low * vd_low(v) + e.high * vd_high(v);
    }
    scale = vd_all(1.0 / vd_sum(sum));
    mean = vd_sum(dot) * scale;
    scale *= inverse_t;
    for (size_t i = 0; i < n; i += VF_LANES) {
        struct vd_pair e = shifted_exp(vf_load_any(x + i, n - i, -INFINITY), top, inverse_t);
        vf v = vf_load_any(u + i, n - i, 0.0f);
        vd low = e.low * scale * (vd_low(v) - mean), high = e.high * scale * (vd_high(v) - mean);

        vf_store_any(dx + i, vf_join(low, high), n - i);
    }
}

static inline void softmax_gradient_rows(const float *x, const float *u, float *dx, size_t n,
                                         size_t stride, size_t lanes, vd inverse_t)
{
    struct vd_pair sum = {{0}, {0}}, dot = {{0}, {0}};
    vf top = vf_all(-INFINITY);

    for (size_t i = 0; i < n; i++)
        top = vf_larger(top, vf_load_any(x + i * stride, lanes, 0.0f));
    for (size_t i = 0; i < n; i++) {
        struct vd_pair e = shifted_exp(vf_load_any(x + i * stride, lanes, 0.0f), top, inverse_t);
        vf v = vf_load_any(u + i * stride, lanes, 0.0f);

        sum.low += e.low;
        sum.high += e.high;
        dot.low += e.low * vd_low(v);
        dot.high += e.high * vd_high(v);
    }
    for (size_t i = 0; i < n; i++) {
        struct vd_pair e = shifted_exp(vf_load_any(x + i * stride, lanes, 0.0f), top, inverse_t);
        vf v = vf_load_any(u + i * stride, lanes, 0.0f);
        vd low = e.low / sum.low * inverse_t * (vd_low(v) - dot.low / sum.low);
        vd high = e.high / sum.high * inverse_t * (vd_high(v) - dot.high / sum.high);

        vf_store_any(dx + i * stride, vf_join(low, high), lanes);
    }
}

void AXON_KERNEL(gradient, softmax)(const float *x, const float *upstream, float *dx,
                                    struct axon_axis axis, const float *params, size_t params_count)
{
    vd inverse_t = vd_all(1.0 / (double)params[0]);

    (void)params_count;
    for (size_t o = 0; o < axis.outer; o++) {
        size_t at = o * axis.length * axis.inner;

        if (axis.inner == 1)
            softmax_gradient_row(x + at, upstream + at, dx + at, axis.length, inverse_t);
        else
            for (size_t i = 0; i < axis.inner; i += VF_LANES)
                softmax_gradient_rows(x + at + i, upstream + at + i, dx + at + i, axis.length,
                                      axis.inner, axis.inner - i, inverse_t);
    }
}
