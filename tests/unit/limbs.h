/* limbs.h - a number of LIMBS * 32 bits, least significant limb first: the exact powers of ten that
 * the tables and texts of server/tensor are judged by. */
#ifndef LIMBS_H
#define LIMBS_H

#include <stdint.h>

enum { LIMBS = 24 };

static inline void multiply(uint32_t n[LIMBS], uint32_t by)
{
    uint64_t carry = 0;

    for (int i = 0; i < LIMBS; i++, carry >>= 32) {
        carry += (uint64_t)n[i] * by;
        n[i] = (uint32_t)carry;
    }
}

static inline void divide(uint32_t n[LIMBS], uint32_t by)
{
    uint64_t rest = 0;

    for (int i = LIMBS; i-- > 0;) {
        rest = rest << 32 | n[i];
        n[i] = (uint32_t)(rest / by);
        rest %= by;
    }
}

#endif
