/* sha256.h - SHA-256 (FIPS 180-4) of bytes that come in pieces. Pure functions of their state. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BLOCK = 64, SHA256_TEXT = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;                    /* so far */
    unsigned char block[SHA256_BLOCK]; /* the last, as far as it is full */
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *bytes, size_t count);

/* The digest as 64 hexadecimal digits in lower case; s is of no more use then. */
void sha256_end(struct sha256 *s, char text[static SHA256_TEXT + 1]);

#endif
