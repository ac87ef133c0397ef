/* float_round.h - w * 10^k to the nearest float32 by one multiplication, or "cannot tell". Shared
 * by the careful reader of one number and the quick one of runs. */
#ifndef TENSOR_FLOAT_ROUND_H
#define TENSOR_FLOAT_ROUND_H

#include <stdbool.h>
#include <stdint.h>
#include "tensor/binary.h"
#include "tensor/pow10.h"

__extension__ typedef unsigned __int128 uint128;

enum {
    ROUND_CUT = 40,   /* bits of a 64-bit product that a float32 has no room for */
    ROUND_DOUBT = 4,  /* more than the product may be off by: 1, twice that if shifted */
    ROUND_BIAS = 127, /* of a float32's exponent */
    ROUND_FIELD_MAX = 253,
};

/* False if the result would not be a normal number or zero, or if what is cut off is so close to a
 * half that the product does not tell on which side of it the exact value is: with w << zeros and
 * the table's 10^k within one unit below its entry, the upper half of the product is at most one
 * unit above the exact value and less than one below. No branch depends on the digits. */
static inline __attribute__((always_inline)) bool float_round(uint64_t w, int k, bool negative,
                                                              float *value)
{
    if (k < POW10_MIN || k > POW10_MAX)
        return false;
    int zeros = __builtin_clzll(w | 1);
    uint64_t high = (uint64_t)(((uint128)(w << zeros) * pow10_get(k)) >> 64);
    int shift = (int)(high >> 63) ^ 1;
    uint64_t m = high << shift, rest = m << (64 - ROUND_CUT), half = (uint64_t)1 << 63;
    uint64_t doubt = (uint64_t)ROUND_DOUBT << (64 - ROUND_CUT);
    int field = ROUND_BIAS + pow10_exponent(k) + 64 - zeros - shift;
    uint32_t up = rest > half, nonzero = w ? UINT32_MAX : 0;
    uint32_t bits = ((uint32_t)(field - 1) << 23) + (uint32_t)(m >> ROUND_CUT) + up;

    *value = binary_float((bits & nonzero) | (uint32_t)negative << 31);
    return w == 0 || (rest - half + doubt > 2 * doubt && (unsigned)(field - 1) < ROUND_FIELD_MAX);
}

#endif
