/* token.h - how to call a piece of JSON text in an error message. Knows nothing else. */
#ifndef JSON_TOKEN_H
#define JSON_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum { TOKEN_TEXT_MAX = 64 };

/* Describe what stands at text [len], which is followed by a NUL: "a string", "null", "an object",
 * "NaN", "the end", "'+1'", "byte 0x80". A long word is cut to 40 bytes and "...". Returns out. */
const char *token_describe(char out[static TOKEN_TEXT_MAX], const char *text, size_t len);

/* Letters, digits, and what else occurs in numbers and names: a word ends where this is false. */
extern const bool token_word_bytes[256];
static inline bool token_is_word(char c)
{
    return token_word_bytes[(unsigned char)c];
}

/* The word at text, cut likewise, without quotes. */
const char *token_word(char out[static TOKEN_TEXT_MAX], const char *text, size_t len);

#endif
