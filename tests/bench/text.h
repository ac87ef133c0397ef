/* text.h - what bench-text's contenders are: readers and writers of numbers as JSON text. */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { TEXT_COLUMNS = 64, TEXT_PADDING = 64, TEXT_NUMBER_MAX = 32 };

/* Rows of TEXT_COLUMNS numbers, "[[1,2],[3,4]]", at text [len + TEXT_PADDING] into x [n]. Returns
 * how many numbers there were. */
typedef size_t text_read_fn(const char *text, size_t len, float *x, size_t n);

/* x [n] as "1,2,3" into out [n * TEXT_NUMBER_MAX]. Returns the length. */
typedef size_t text_write_fn(const float *x, size_t n, char *out);

text_read_fn text_read_simdjson, text_read_from_chars;
text_write_fn text_write_to_chars;

#ifdef __cplusplus
}
#endif

#endif
