/* initializer.c - draws weights: xoshiro256**, uniform and normal numbers, and the schemes'
 * variances.
 *
 * Uses + - * / and sqrt of doubles only, which IEEE 754 rounds alike everywhere: libm's log or cos
 * would give another last bit on another machine, and the same seed must give the same network. */
#include <math.h>
#include <string.h>
#include "axon/initializer.h"

enum fan { HE, GLOROT, LECUN };

struct axon_initializer {
    enum fan fan;
    int normal;
};

#define INITIALIZERS(ROW)                            \
    ROW(HE_NORMAL, "he_normal", HE, 1)               \
    ROW(HE_UNIFORM, "he_uniform", HE, 0)             \
    ROW(GLOROT_NORMAL, "glorot_normal", GLOROT, 1)   \
    ROW(GLOROT_UNIFORM, "glorot_uniform", GLOROT, 0) \
    ROW(LECUN_NORMAL, "lecun_normal", LECUN, 1)      \
    ROW(LECUN_UNIFORM, "lecun_uniform", LECUN, 0)

enum {
#define ROW(id, name, fan, normal) ID_##id,
    INITIALIZERS(ROW)
#undef ROW
        ID_COUNT
};

static const struct axon_initializer table[ID_COUNT] = {
#define ROW(id, name, fan, normal) {fan, normal},
    INITIALIZERS(ROW)
#undef ROW
};

static const char *const names[ID_COUNT] = {
#define ROW(id, name, fan, normal) name,
    INITIALIZERS(ROW)
#undef ROW
};

const struct axon_initializer *axon_initializer_find(const char *name)
{
    for (size_t i = 0; i < ID_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return &table[i];
    return NULL;
}

const char *const *axon_initializer_names(size_t *count)
{
    *count = ID_COUNT;
    return names;
}

/* ---- numbers ---- */

struct generator {
    uint64_t s[4];
    double spare; /* the polar method makes two at a time */
    int has_spare;
};

/* Steele, Lea & Flood 2014; turns seeds that differ in one bit into unrelated states. */
static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static struct generator generator_for(uint64_t seed, uint64_t stream)
{
    struct generator g = {.has_spare = 0};
    uint64_t state = stream;

    state = seed ^ splitmix64(&state);
    for (size_t i = 0; i < 4; i++)
        g.s[i] = splitmix64(&state);
    return g;
}

static uint64_t rotated(uint64_t a, int by)
{
    return a << by | a >> (64 - by);
}

/* xoshiro256**, Blackman & Vigna 2018 */
static uint64_t next_bits(struct generator *g)
{
    uint64_t *s = g->s, result = rotated(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 45);
    return result;
}

/* In (-1, 1), never 0: an odd multiple of 2^-52. */
static double next_signed(struct generator *g)
{
    return ((double)(next_bits(g) >> 12) + 0.5) * 0x1p-51 - 1.0;
}

/* ln x for a normal x > 0: x = 2^k m, ln m = 2 artanh((m - 1) / (m + 1)); within 2^-50. */
static double natural_log(double x)
{
    uint64_t bits;
    double m, s, square, sum = 0;
    int k;

    memcpy(&bits, &x, sizeof bits);
    k = (int)(bits >> 52) - 1023;
    bits = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1023) << 52;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        k++;
    }
    s = (m - 1) / (m + 1);
    square = s * s;
    for (int i = 23; i >= 1; i -= 2)
        sum = sum * square + 1.0 / i;
    return 2 * s * sum + k * 0.6931471805599453;
}

/* Marsaglia's polar method. */
static double next_normal(struct generator *g)
{
    double u, v, square, factor;

    if (g->has_spare) {
        g->has_spare = 0;
        return g->spare;
    }
    do {
        u = next_signed(g);
        v = next_signed(g);
        square = u * u + v * v;
    } while (square >= 1.0);
    factor = sqrt(-2.0 * natural_log(square) / square);
    g->spare = v * factor;
    g->has_spare = 1;
    return u * factor;
}

void axon_initializer_fill(const struct axon_initializer *init, uint64_t seed, uint64_t stream,
                           size_t features, size_t units, float *weight)
{
    struct generator g = generator_for(seed, stream);
    double in = (double)features, out = (double)units;
    double variance = init->fan == HE ? 2 / in : init->fan == LECUN ? 1 / in : 2 / (in + out);
    double scale = sqrt(init->normal ? variance : 3 * variance); /* uniform in [-a, a]: a^2 / 3 */

    for (size_t i = 0; i < units * features; i++)
        weight[i] = (float)(scale * (init->normal ? next_normal(&g) : next_signed(&g)));
}
