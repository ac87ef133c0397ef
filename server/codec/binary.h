/* binary.h - numbers as little-endian bytes, converted to float32. Pure functions; any alignment.
 *
 * float16 and bfloat16 convert exactly; wider types round to the nearest float32, ties to even, and
 * become infinite beyond its range. */
#ifndef CODEC_BINARY_H
#define CODEC_BINARY_H

typedef float binary_load_fn(const unsigned char *bytes);

binary_load_fn binary_f16, binary_bf16, binary_f32, binary_f64;
binary_load_fn binary_i8, binary_i16, binary_i32, binary_i64;
binary_load_fn binary_u8, binary_u16, binary_u32, binary_u64;

#endif
