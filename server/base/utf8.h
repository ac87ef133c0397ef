/* utf8.h - one character of UTF-8 at a time. Knows nothing else. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* Length (1..4) of the character at text, which ends with a NUL; 0 if there is no valid one: a
 * stray or missing continuation byte, an overlong form, a surrogate, above U+10FFFF. NUL has
 * length 1. */
size_t utf8_length(const char *text);

#endif
