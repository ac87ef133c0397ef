/* watch.c - a watch's memory, and whether its rows differ.
 *
 * Knows where the layers of a network stand in a watch. */
#include <string.h>
#include "mlp_internal.h"
#include "watch_internal.h"

size_t axon_watch_bytes(const struct axon_mlp *mlp)
{
    return sizeof(struct axon_watch) + mlp->watch_size * sizeof(uint32_t);
}

struct axon_watch *axon_watch_init(void *memory, const struct axon_mlp *mlp)
{
    struct axon_watch *watch = memory;

    memset(watch, 0, axon_watch_bytes(mlp));
    watch->size = mlp->watch_size;
    return watch;
}

uint64_t axon_watch_rows(const struct axon_watch *watch)
{
    return watch->rows.count;
}

uint64_t axon_watch_rows_skipped(const struct axon_watch *watch)
{
    return watch->skipped;
}

const uint32_t *axon_watch_fired(const struct axon_watch *watch, const struct axon_mlp *mlp,
                                 size_t layer)
{
    return mlp->layers[layer].watched ? watch->fired + mlp->layers[layer].watch_offset : NULL;
}

void axon_watch_add(struct axon_watch *into, const struct axon_watch *from)
{
    axon__rows_add(&into->rows, &from->rows);
    into->skipped += from->skipped;
    for (size_t i = 0; i < into->size; i++)
        into->fired[i] += from->fired[i];
}

/* ---- whether rows differ ---- */

typedef float floats __attribute__((vector_size(16)));
enum { LANES = sizeof(floats) / sizeof(float) };

static uint64_t mix(uint64_t hash, uint64_t bits)
{
    hash = (hash ^ bits) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

/* Two hashes, so that a product waits for the last but one only. */
struct hash {
    uint64_t even, odd;
};

/* A few more floats of a row. -0 is 0. */
static inline struct hash mix_floats(struct hash hash, floats x)
{
    uint64_t bits[2];

    x += 0.0f;
    memcpy(bits, &x, sizeof bits);
    return (struct hash){mix(hash.even, bits[0]), mix(hash.odd, bits[1])};
}

/* The same for equal rows. */
static uint64_t hash_row(const float *x, size_t n)
{
    struct hash hash = {n, 0};
    floats some, rest = {0};

    for (; n >= LANES; n -= LANES, x += LANES) {
        memcpy(&some, x, sizeof some);
        hash = mix_floats(hash, some);
    }
    memcpy(&rest, x, n * sizeof *x);
    hash = mix_floats(hash, rest);
    return mix(hash.even, hash.odd);
}

static bool same_row(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(a[i] == b[i]))
            return false;
    return true;
}

void axon__rows_note(struct axon__rows *rows, const float *x, size_t count, size_t features)
{
    struct axon__rows these = {.count = count};

    if (count == 0)
        return;
    for (size_t r = 1; r < count && !these.differ; r++)
        these.differ = !same_row(x, x + r * features, features);
    if (!rows->differ) /* else one row more or less makes no difference */
        these.first = hash_row(x, features);
    else
        these.first = rows->first;
    axon__rows_add(rows, &these);
}
