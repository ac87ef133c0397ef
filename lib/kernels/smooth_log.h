/* kernels/smooth_log.h - f_<id>(x, p) of the smooth rows that need more than one exponential. */
#ifndef AXON_SMOOTH_LOG_H
#define AXON_SMOOTH_LOG_H

#include "kernels/vec.h"
#include "kernels/vmath.h"

static inline vd gelu(vd x)
{
    vd a = vd_min(vd_abs(x), GELU_END), tail = vd_exp(a * a * -0.5) * vd_normal_tail(a);

    return vd_max(x, -GELU_END) * vd_pick(x < 0.0, tail, 1.0 - tail);
}
BY_DOUBLE(f_gelu, gelu)

#endif
