/* pow10.h - powers of ten to 64 bits, shared by reading and writing of float32.
 *
 * 10^k lies in (entry - 1, entry] * 2^(pow10_exponent(k) - 63): every entry has its top bit set and
 * is the floor of the exact value plus one. */
#ifndef TENSOR_POW10_H
#define TENSOR_POW10_H

#include <stdint.h>

/* Reading: 19 digits at 10^-65 are still below half of the least float32, 10^39 is above the
 * largest. Writing needs 10^-31 to 10^45. */
enum { POW10_MIN = -65, POW10_MAX = 45 };

extern const uint64_t pow10_table[POW10_MAX - POW10_MIN + 1];

/* floor(log2(10^k)), exact for |k| <= 1650 */
static inline int pow10_exponent(int k)
{
    return (k * 1741647) >> 19;
}

static inline uint64_t pow10_get(int k)
{
    return pow10_table[k - POW10_MIN];
}

#endif
