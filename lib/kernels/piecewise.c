/* kernels/piecewise.c - the rows that are straight lines: exact, or one rounding.
 *
 * Comparisons are written so that NaN falls through to the arithmetic. f_<id>(x, p) is the
 * function, df_<id>(x, p) its derivative. */
#include "kernels/map.h"

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

/* ---- kernels ---- */

#define DEFINE_PIECEWISE(id)        \
    DEFINE_FORWARD(id, elementwise) \
    DEFINE_GRADIENT(id, elementwise)
#define DEFINE_CHANNELWISE(id)      \
    DEFINE_FORWARD(id, channelwise) \
    DEFINE_GRADIENT(id, channelwise)
#define DEFINE_SMOOTH(id)
#define DEFINE_ROWWISE(id)
#define DEFINE_GATED(id)
#define ACT(id, KIND, ...) DEFINE_##KIND(id)
#include "activation.def"
#undef ACT
