/* sha256.c - SHA-256 as FIPS 180-4 has it, section 6.2. Names are those of the standard.
 *
 * Invariant: between calls fewer than SHA256_BLOCK bytes wait in the block. */
#include "base/sha256.h"
#include <stdbool.h>
#include <string.h>

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t word(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void schedule(uint32_t w[static 64], const unsigned char *block)
{
    for (unsigned t = 0; t < 16; t++)
        w[t] = word(block + (size_t)4 * t);
    for (unsigned t = 16; t < 64; t++) {
        uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ w[t - 2] >> 10;

        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
}

/* Step t of eight. The standard moves a to b, b to c, and so on after each step; here the names
 * move and the values stay, so that they are registers: three times as quick. */
static inline void step(uint32_t v[static 8], unsigned t, uint32_t k_and_w)
{
    uint32_t a = v[(8 - t) % 8], b = v[(9 - t) % 8], c = v[(10 - t) % 8], e = v[(12 - t) % 8];
    uint32_t s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
    uint32_t ch = (e & v[(13 - t) % 8]) ^ (~e & v[(14 - t) % 8]);
    uint32_t s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22), maj = (a & b) ^ (a & c) ^ (b & c);
    uint32_t t1 = v[(15 - t) % 8] + s1 + ch + k_and_w;

    v[(11 - t) % 8] += t1;
    v[(15 - t) % 8] = t1 + s0 + maj;
}

static void take(struct sha256 *s, const unsigned char *block)
{
    uint32_t w[64], v[8];

    schedule(w, block);
    memcpy(v, s->state, sizeof v);
    for (unsigned t = 0; t < 64; t += 8) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < 8; i++)
            step(v, i, K[t + i] + w[t + i]);
    }
    for (unsigned i = 0; i < 8; i++)
        s->state[i] += v[i];
}

void sha256_init(struct sha256 *s)
{
    *s = (struct sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                   0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(struct sha256 *s, const void *bytes, size_t count)
{
    const unsigned char *from = bytes;
    size_t held = s->bytes % SHA256_BLOCK;

    s->bytes += count;
    while (count > 0) {
        size_t some = SHA256_BLOCK - held < count ? SHA256_BLOCK - held : count;
        bool whole = some == SHA256_BLOCK;

        if (whole)
            take(s, from);
        else
            memcpy(s->block + held, from, some);
        if (!whole && held + some == SHA256_BLOCK)
            take(s, s->block);
        held = 0;
        from += some;
        count -= some;
    }
}

void sha256_end(struct sha256 *s, char text[static SHA256_TEXT + 1])
{
    static const unsigned char padding[SHA256_BLOCK] = {0x80};
    static const char digits[] = "0123456789abcdef";
    uint64_t bits = s->bytes * 8;
    size_t held = s->bytes % SHA256_BLOCK;
    unsigned char length[8];

    for (unsigned i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    sha256_add(s, padding, held < 56 ? 56 - held : 120 - held);
    sha256_add(s, length, sizeof length);
    for (unsigned i = 0; i < SHA256_TEXT; i++)
        text[i] = digits[s->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    text[SHA256_TEXT] = '\0';
}
