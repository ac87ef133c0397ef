/* kernels/lanes.h - as many vectors as they have lanes, taken together: reduced, or turned.
 *
 * Reducing one vector takes a shuffle for each halving and waits for each; reducing all of them
 * side by side takes hardly more than one shuffle for each, and none waits. Invariant: a line is
 * reduced as rowwise.h does it alone, lane i and lane i + half first. */
#ifndef AXON_LANES_H
#define AXON_LANES_H

#include "kernels/rowwise.h"

/* ---- lanes reduced together: lane r of the result is v[r]'s ---- */

#define LOW_16_8  0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_16_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LOW_16_4  0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH_16_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW_16_2  0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_16_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_16_1  0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH_16_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#define LOW_8_4   0, 1, 2, 3, 8, 9, 10, 11
#define HIGH_8_4  4, 5, 6, 7, 12, 13, 14, 15
#define LOW_8_2   0, 1, 8, 9, 4, 5, 12, 13
#define HIGH_8_2  2, 3, 10, 11, 6, 7, 14, 15
#define LOW_8_1   0, 8, 2, 10, 4, 12, 6, 14
#define HIGH_8_1  1, 9, 3, 11, 5, 13, 7, 15
#define LOW_4_2   0, 1, 4, 5
#define HIGH_4_2  2, 3, 6, 7
#define LOW_4_1   0, 4, 2, 6
#define HIGH_4_1  1, 5, 3, 7
#define LOW_2_1   0, 2
#define HIGH_2_1  1, 3

/* Lanes i and i + half of v[j] are combined, and so are those of v[j + half], side by side. */
#define FOLD(v, half, lanes, combine)                                                \
    for (size_t j = 0; j < half; j++)                                                \
    v[j] = combine(__builtin_shufflevector(v[j], v[j + half], LOW_##lanes##_##half), \
                   __builtin_shufflevector(v[j], v[j + half], HIGH_##lanes##_##half))

ALWAYS vd vd_plus(vd a, vd b)
{
    return a + b;
}

/* v is overwritten; the rows after those that count may hold anything. */
ALWAYS vf tops_of(vf v[VF_LANES])
{
#if VF_LANES > 8
#pragma GCC unroll 8
    FOLD(v, 8, 16, vf_larger);
#pragma GCC unroll 4
    FOLD(v, 4, 16, vf_larger);
#pragma GCC unroll 2
    FOLD(v, 2, 16, vf_larger);
    FOLD(v, 1, 16, vf_larger);
#elif VF_LANES > 4
    FOLD(v, 4, 8, vf_larger);
    FOLD(v, 2, 8, vf_larger);
    FOLD(v, 1, 8, vf_larger);
#else
    FOLD(v, 2, 4, vf_larger);
    FOLD(v, 1, 4, vf_larger);
#endif
    return v[0];
}

ALWAYS vd sums_of_lanes(vd v[VD_LANES])
{
#if VF_LANES > 8
#pragma GCC unroll 4
    FOLD(v, 4, 8, vd_plus);
#pragma GCC unroll 2
    FOLD(v, 2, 8, vd_plus);
    FOLD(v, 1, 8, vd_plus);
#elif VF_LANES > 4
    FOLD(v, 2, 4, vd_plus);
    FOLD(v, 1, 4, vd_plus);
#else
    FOLD(v, 1, 2, vd_plus);
#endif
    return v[0];
}

/* Lines j and j + half, for every j without that bit, swap what lies off the diagonal. */
#define SWAP(v, half, lanes)                                                                 \
    for (size_t j = 0; j < lanes; j++)                                                       \
        if (!(j & half)) {                                                                   \
            vf low = __builtin_shufflevector(v[j], v[j + half], LOW_##lanes##_##half);       \
                                                                                             \
            v[j + half] = __builtin_shufflevector(v[j], v[j + half], HIGH_##lanes##_##half); \
            v[j] = low;                                                                      \
        }

/* Lane r of v[j] becomes lane j of v[r]. */
ALWAYS void transpose(vf v[VF_LANES])
{
#if VF_LANES > 8
#pragma GCC unroll 16
    SWAP(v, 8, 16)
#pragma GCC unroll 16
    SWAP(v, 4, 16)
#pragma GCC unroll 16
    SWAP(v, 2, 16)
#pragma GCC unroll 16
    SWAP(v, 1, 16)
#elif VF_LANES > 4
#pragma GCC unroll 8
    SWAP(v, 4, 8)
#pragma GCC unroll 8
    SWAP(v, 2, 8)
#pragma GCC unroll 8
    SWAP(v, 1, 8)
#else
    SWAP(v, 2, 4)
    SWAP(v, 1, 4)
#endif
}

#endif
