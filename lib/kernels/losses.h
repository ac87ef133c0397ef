/* kernels/losses.h - the functions that both kinds of losses are made of, over a vector of doubles.
 *
 * vd_exp() and vd_log1p() where losses need no more than 2^-36; libm, lane by lane, for logarithms
 * and powers: the losses that take them are not those that networks are trained with all day. */
#ifndef AXON_LOSSES_H
#define AXON_LOSSES_H

#include <math.h>
#include "kernels/rowwise.h"
#include "kernels/vmath.h"

/* e^x for x <= 0; 0 where it would be less than 2^-1000, at -inf too. NaN comes through. */
static inline vd exp_negative(vd x)
{
    return vd_pick(x < -693.0, vd_all(0.0), vd_exp(vd_max(x, -693.0)));
}

/* The same for any x; +inf where it would be more than 2^1000. */
static inline vd exp_any(vd x)
{
    return vd_pick(x > 693.0, vd_all((double)INFINITY), exp_negative(vd_min(x, 693.0)));
}

static inline vd each_lane(double (*f)(double), vd v)
{
    for (size_t i = 0; i < VD_LANES; i++)
        v[i] = f(v[i]);
    return v;
}

/* -ln p of a probability, at most 100: PyTorch's bound, so that a 0 is dear and not infinite. */
static inline vd surprise(vd p)
{
    return vd_min(-each_lane(log, p), 100.0);
}

/* weight * v, but a weight of 0 makes 0 of an infinity, too. NaN comes through. */
static inline vd weighed(vd weight, vd v)
{
    return vd_pick((weight == 0) & (v == v), vd_all(0), weight * v);
}

#endif
