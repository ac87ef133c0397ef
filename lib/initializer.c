/* initializer.c - draws weights: xoshiro256**, uniform and normal numbers, and the schemes'
 * variances.
 *
 * Uses + - * / and sqrt of doubles only, which IEEE 754 rounds alike everywhere: libm's log or cos
 * would give another last bit on another machine, and the same seed must give the same network. */
#include <float.h>
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

/* ---- weights ---- */

/* In standard deviations no draw is farther out: sqrt(-2 ln(2^-103)) for the least square. */
#define DRAW_MAX 12.0

/* One over what the variance is divided by: He and LeCun look forward, Glorot both ways. */
static double share(const struct axon_initializer *init, size_t features, size_t units)
{
    double in = (double)features, out = (double)units;

    return init->fan == GLOROT ? 2 / (in + out) : 1 / in;
}

static void fill(const struct axon_initializer *init, double variance, uint64_t seed,
                 uint64_t stream, size_t count, float *weight)
{
    struct generator g = generator_for(seed, stream);
    double scale = sqrt(init->normal ? variance : 3 * variance); /* uniform in [-a, a]: a^2 / 3 */

    for (size_t i = 0; i < count; i++)
        weight[i] = (float)(scale * (init->normal ? next_normal(&g) : next_signed(&g)));
}

/* Twice a share is 2 / features to the last bit: what a seed has drawn, it draws for ever. */
void axon_initializer_fill(const struct axon_initializer *init, uint64_t seed, uint64_t stream,
                           size_t features, size_t units, float *weight)
{
    double square = init->fan == HE ? 2 : 1;

    fill(init, square * share(init, features, units), seed, stream, units * features, weight);
}

enum axon_status axon_initializer_fill_gain(const struct axon_initializer *init, double gain,
                                            uint64_t seed, uint64_t stream, size_t features,
                                            size_t units, float *weight)
{
    double variance;

    if (!(gain >= 0 && gain <= (double)FLT_MAX))
        return AXON_EPARAM;
    if (features == 0 || units == 0)
        return AXON_OK;
    variance = gain * gain * share(init, features, units);
    if (sqrt(variance) * DRAW_MAX > (double)FLT_MAX)
        return AXON_EPARAM;
    fill(init, variance, seed, stream, units * features, weight);
    return AXON_OK;
}

/* ---- gain ---- */

/* (f(1)^2 + f(-1)^2) / 2, the mean square that is left of a symmetric input's, if f(c x) = c f(x)
 * for c > 0; else -1. Powers of 2 scale without rounding, but for subnormal numbers; from 2^-20 to
 * 2^20 they meet every threshold and bound that a row has or may sensibly be given. */
static double mean_square(const struct axon_activation *act, const float *params, size_t count)
{
    static const float scales[] = {1, 0x1p-20f, 0x1p-6f, 0x1p-1f, 0x1p1f, 0x1p2f, 0x1p6f, 0x1p20f};
    float first[2] = {0};

    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        float y[2] = {scales[i], -scales[i]};

        axon_activation_forward(act, y, y, (struct axon_axis){2, 1, 1}, params, count);
        for (size_t side = 0; side < 2; side++)
            if (i == 0)
                first[side] = y[side];
            else if (fabsf(y[side] - scales[i] * first[side]) > FLT_MIN)
                return -1;
    }
    return ((double)first[0] * (double)first[0] + (double)first[1] * (double)first[1]) / 2;
}

double axon_initializer_gain(const struct axon_activation *act, const float *params,
                             size_t params_count)
{
    size_t sets = params_count > act->parameters_count ? params_count : 1; /* one per channel */
    double sum = 0;

    if (axon_activation_check(act, params, params_count, params_count, NULL) != AXON_OK)
        return (double)NAN;
    for (size_t i = 0; i < sets; i++) {
        double square = -1;

        if (act->kind == AXON_ELEMENTWISE)
            square = mean_square(act, sets > 1 ? params + i : params, sets > 1 ? 1 : params_count);
        if (square < 0)
            return act->gain;
        sum += square;
    }
    return sqrt((double)sets / sum);
}
