/* binary.c - see binary.h. Loading is copying, since hosts are little-endian. */
#include "tensor/binary.h"
#include <math.h>

#define LOAD(name, type)                            \
    float binary_##name(const unsigned char *bytes) \
    {                                               \
        type value;                                 \
                                                    \
        memcpy(&value, bytes, sizeof value);        \
        return (float)value;                        \
    }

LOAD(f32, float)
LOAD(f64, double)
LOAD(i8, int8_t)
LOAD(i16, int16_t)
LOAD(i32, int32_t)
LOAD(i64, int64_t)
LOAD(u8, uint8_t)
LOAD(u16, uint16_t)
LOAD(u32, uint32_t)
LOAD(u64, uint64_t)

uint64_t binary_read_u64(const unsigned char *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint32_t load_u16(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

float binary_bf16(const unsigned char *bytes)
{
    return binary_float(load_u16(bytes) << 16);
}

float binary_f16(const unsigned char *bytes)
{
    uint32_t bits = load_u16(bytes), sign = (bits & 0x8000u) << 16;
    uint32_t exponent = bits >> 10 & 31u, fraction = bits & 0x3ffu;

    if (exponent == 31)
        return binary_float(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) /* zero and subnormals: fraction * 2^-24 is exact in float32 */
        return copysignf((float)fraction * 0x1p-24f, binary_float(sign | 0x3f800000u));
    return binary_float(sign | (exponent + 112) << 23 | fraction << 13);
}
