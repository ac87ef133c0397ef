/* float_text.h - runs of numbers as text, for tensor_read.c and tensor_write.c only. */
#ifndef CODEC_FLOAT_TEXT_H
#define CODEC_FLOAT_TEXT_H

#include <stddef.h>

/* What a run may touch of the buffer at and behind the text of its last number. */
enum { FLOAT_ROOM = 40 };

/* "1,-0.5,": some of the n values from the first on, each with a comma behind it; none only if the
 * first is not finite. Returns the length; *written values were. out has room for n times
 * FLOAT_TEXT_MAX + 1 bytes and FLOAT_ROOM more. */
size_t float_write_run(char *out, const float *values, size_t n, size_t *written);

#endif
