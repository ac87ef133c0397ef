/* kernels/dense.c - the matrix product of a dense layer, and scale and offset of the input.
 *
 * Invariant: a value of z is made by the same operations in the same order wherever its row stands
 * and whatever stands beside it. Its features are cut into blocks of at most FEATURES_MAX, nearly
 * equal; each block is summed from 0 in order of the features, a fused multiply-add each (plain
 * SSE2: a product, then a sum), and the blocks' sums are added in order. So a row is bitwise the
 * same alone and in any batch, and the same on every ISA that has a fused multiply-add; and short
 * sums that are added up err less than one long sum.
 *
 * Weights are panels, see mlp_internal.h: a block of a panel is 32 KB and stays in the L1 cache
 * while the rows pass by, ROWS of them at a time against one to four SLICEs of 16 units, all sums
 * in registers. The rows are read where they are: nothing is packed while predicting. */
#include "kernels/kernels.h"
#include "kernels/vec.h"

enum {
    FEATURES_MAX = 128,
    SLICE = 16,        /* units: a cache line */
    LANE_VECTORS = 16, /* most vectors that a tile is wide */
    AHEAD = 16,        /* features that a slice's weights are fetched ahead of their use */
};

/* The heights and widths of tiles, in rows and slices, that fill the registers: sums, a vector of
 * weights for each column and one of x. A taller tile reads the weights less often. */
#if VF_LANES == 16
#define TILES(T)                                                                            \
    T(1, 1)                                                                                 \
    T(1, 2) T(1, 4) T(2, 1) T(2, 2) T(2, 4) T(3, 1) T(3, 2) T(3, 4) T(4, 1) T(4, 2) T(4, 4) \
        T(5, 1) T(5, 2) T(5, 4) T(6, 1) T(6, 2) T(6, 4)
enum { ROWS = 6 };
#elif VF_LANES == 8
#define TILES(T) T(1, 1) T(1, 2) T(1, 4) T(2, 1) T(2, 2) T(3, 1) T(4, 1) T(5, 1) T(6, 1)
enum { ROWS = 6 };
#elif defined(__aarch64__)
#define TILES(T) T(1, 1) T(1, 2) T(1, 4) T(2, 1) T(2, 2) T(3, 1) T(4, 1) T(5, 1) T(6, 1)
enum { ROWS = 6 };
#else
#define TILES(T) T(1, 1) T(1, 2) T(2, 1) T(3, 1)
enum { ROWS = 3 };
#endif

/* A block of features against a panel; z += instead of z = if `add`. */
struct block {
    const float *x, *weight;
    float *z;
    size_t features, width; /* of the panel */
    size_t x_stride, z_stride;
    int add;
};

/* a * b + c as this ISA does it best. Written out, so that no tile is contracted otherwise than the
 * next. */
static inline vf multiply_add(vf a, vf b, vf c)
{
#if defined(__FMA__) || defined(__aarch64__)
    return vf_fma(a, b, c);
#else
    return a * b + c;
#endif
}

/* Keeps a vector in a register; else GCC reads it from memory again for each row. */
static inline vf held(vf a)
{
#if defined(__aarch64__)
    __asm__("" : "+w"(a));
#elif defined(__x86_64__)
    __asm__("" : "+v"(a));
#endif
    return a;
}

/* A tile narrower than the panel steps over cache lines, which the hardware does not foresee. */
static inline void fetch_ahead(const float *weight, size_t width)
{
    __builtin_prefetch((const void *)((uintptr_t)weight + (AHEAD * width + SLICE) * sizeof(float)));
}

/* z [rows, n vectors] = or += x [rows, features] weight [features, n vectors]; rows and n are
 * constants wherever this is inlined. */
static inline __attribute__((always_inline)) void tile(size_t rows, size_t n, const struct block *b)
{
    const float *weight = b->weight;
    vf sum[ROWS][LANE_VECTORS], w[LANE_VECTORS];

#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 16
        for (size_t v = 0; v < n; v++)
            sum[r][v] = (vf){0};
    for (size_t f = 0; f < b->features; f++, weight += b->width) {
#pragma GCC unroll 16
        for (size_t v = 0; v < n; v++)
            w[v] = rows > 1 ? held(vf_load(weight + v * VF_LANES)) : vf_load(weight + v * VF_LANES);
        if (rows > 1 && n * VF_LANES < AXON_PANEL && VF_LANES < 16)
            fetch_ahead(weight, b->width);
#pragma GCC unroll 6
        for (size_t r = 0; r < rows; r++) {
            vf x = vf_all(b->x[r * b->x_stride + f]);

#pragma GCC unroll 16
            for (size_t v = 0; v < n; v++)
                sum[r][v] = multiply_add(x, w[v], sum[r][v]);
        }
    }
#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 16
        for (size_t v = 0; v < n; v++) {
            float *z = b->z + r * b->z_stride + v * VF_LANES;

            vf_store(z, b->add ? vf_load(z) + sum[r][v] : sum[r][v]);
        }
}

#define DEFINE_TILE(rows, slices)                             \
    static void tile_##rows##_##slices(const struct block *b) \
    {                                                         \
        tile(rows, (size_t)slices *SLICE / VF_LANES, b);      \
    }
TILES(DEFINE_TILE)

/* [rows - 1][slices / 2]: 1, 2 and 4 slices; NULL where the registers do not suffice */
#define ENTER_TILE(rows, slices) [rows - 1][slices / 2] = tile_##rows##_##slices,
static void (*const tiles[ROWS][3])(const struct block *b) = {TILES(ENTER_TILE)};

/* Up to ROWS rows, across the panel. */
static void strip(size_t rows, struct block b)
{
    for (size_t left = b.width, slices; left > 0; left -= slices * SLICE) {
        slices = 4;
        while (slices * SLICE > left || !tiles[rows - 1][slices / 2])
            slices /= 2;
        tiles[rows - 1][slices / 2](&b);
        b.weight += slices * SLICE;
        b.z += slices * SLICE;
    }
}

/* All rows, in strips of nearly equal height: 7 rows are 4 and 3, not 6 and 1. */
static void strips(size_t rows, struct block b)
{
    for (size_t left = (rows + ROWS - 1) / ROWS, height; left > 0; left--, rows -= height) {
        height = (rows + left - 1) / left;
        strip(height, b);
        b.x += height * b.x_stride;
        b.z += height * b.z_stride;
    }
}

void AXON_KERNEL(dense, product)(const struct axon_dense *d)
{
    size_t blocks = (d->features + FEATURES_MAX - 1) / FEATURES_MAX;

    for (size_t first = 0; first < d->units; first += AXON_PANEL) {
        size_t features = d->features, units = d->units - first;
        struct block b = {.x = d->x,
                          .weight = d->weight + first * features,
                          .z = d->z + first,
                          .width = units < AXON_PANEL ? units : (size_t)AXON_PANEL,
                          .x_stride = d->x_stride,
                          .z_stride = d->z_stride};

        for (size_t left = blocks; left > 0; left--) {
            b.features = (features + left - 1) / left;
            strips(d->rows, b);
            features -= b.features;
            b.x += b.features;
            b.weight += b.features * b.width;
            b.add = 1;
        }
    }
}

void AXON_KERNEL(dense, affine)(const float *x, const float *scale, const float *offset, float *y,
                                size_t rows, size_t n)
{
    for (size_t row = 0; row < rows; row++, x += n, y += n) {
        size_t i = 0;

        for (; i + VF_LANES <= n; i += VF_LANES)
            vf_store(y + i, multiply_add(vf_load(x + i), vf_load(scale + i), vf_load(offset + i)));
        if (i < n)
            vf_store_part(y + i,
                          multiply_add(vf_load_part(x + i, n - i, 0.0f),
                                       vf_load_part(scale + i, n - i, 0.0f),
                                       vf_load_part(offset + i, n - i, 0.0f)),
                          n - i);
    }
}
