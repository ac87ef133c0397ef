/* binary.h - numbers as little-endian bytes, converted to float32. Pure functions; any alignment.
 *
 * float16 and bfloat16 convert exactly; wider types round to the nearest float32, ties to even, and
 * become infinite beyond its range. */
#ifndef TENSOR_BINARY_H
#define TENSOR_BINARY_H

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "formats here are little-endian");

typedef float binary_load_fn(const unsigned char *bytes);

binary_load_fn binary_f16, binary_bf16, binary_f32, binary_f64;
binary_load_fn binary_i8, binary_i16, binary_i32, binary_i64;
binary_load_fn binary_u8, binary_u16, binary_u32, binary_u64;

/* 8 bytes as they are, not as a float32. */
uint64_t binary_read_u64(const unsigned char *bytes);

static inline float binary_float(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
