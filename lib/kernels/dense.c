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
    SLICE = 16,                            /* units: a cache line */
    PANEL_VECTORS = AXON_PANEL / VF_LANES, /* a row of a full panel */
    PANELS_WIDE = 4,                       /* panels that one row is multiplied with at once */
    WIDE = PANELS_WIDE * AXON_PANEL,
    VECTORS_MAX = 16, /* most vectors that a tile is wide */
    AHEAD = 16,       /* features that weights are fetched ahead of use */
};

/* Heights and widths of tiles, in rows and slices, whose sums leave room in the registers for the
 * weights and an x. A taller tile reads the weights less often. ROWS: of a tile of several slices;
 * ROWS_SLICE: of one, which must be tall for as many sums as the multipliers have stages. */
#if VF_LANES == 16
#define TILES_OF(T, rows) T(rows, 1) T(rows, 2) T(rows, 4)
#define TILES(T)   \
    TILES_OF(T, 1) \
    TILES_OF(T, 2) TILES_OF(T, 3) TILES_OF(T, 4) TILES_OF(T, 5) TILES_OF(T, 6) T(7, 1) T(8, 1)
enum { ROWS = 6, ROWS_SLICE = 8 };
#elif VF_LANES == 8
#define TILES(T) T(1, 1) T(1, 2) T(1, 4) T(2, 1) T(2, 2) T(3, 1) T(4, 1) T(5, 1) T(6, 1)
enum { ROWS = 6, ROWS_SLICE = ROWS };
#elif defined(__aarch64__)
#define TILES(T) T(1, 1) T(1, 2) T(1, 4) T(2, 1) T(2, 2) T(3, 1) T(4, 1) T(5, 1) T(6, 1)
enum { ROWS = 6, ROWS_SLICE = ROWS };
#else
#define TILES(T) T(1, 1) T(1, 2) T(2, 1) T(3, 1)
enum { ROWS = 3, ROWS_SLICE = ROWS };
#endif

/* A block of features against a panel, or against PANELS_WIDE of them. */
struct block {
    size_t features, width;    /* of the panel */
    size_t x_stride, z_stride; /* floats from row to row */
    size_t panel_stride;       /* floats from panel to panel */
    int add;                   /* z += instead of z = */
    enum axon_finish finish;   /* of the last block */
    const float *bias;         /* [width], if there is a finish */
};

/* n things in `count` parts of nearly equal size: the first `larger` of them are size + 1. */
struct parts {
    size_t count, size, larger;
};

static inline struct parts parts_of(size_t n, size_t size_max)
{
    size_t count = (n + size_max - 1) / size_max;

    return count > 1 ? (struct parts){count, n / count, n % count} : (struct parts){1, n, 0};
}

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

static inline const float *weight_of(const struct block *b, const float *weight, size_t vector)
{
    return weight + vector / PANEL_VECTORS * b->panel_stride + vector % PANEL_VECTORS * VF_LANES;
}

/* The epilogues of identity and relu, to the bit. */
static inline vf finished(vf z, vf bias, enum axon_finish finish)
{
    if (finish == AXON_FINISH_NONE)
        return z;
    z += bias;
    return finish == AXON_FINISH_RELU ? vf_pick(z <= 0.0f, vf_all(0.0f), z) : z;
}

/* The sums of a tile go to z. */
static inline __attribute__((always_inline)) void tile_store(size_t rows, size_t n,
                                                             const struct block *b,
                                                             vf sum[ROWS_SLICE][VECTORS_MAX],
                                                             size_t unit, float *z)
{
    const int add = b->add;
    const enum axon_finish finish = b->finish;
    const size_t z_stride = b->z_stride;

#pragma GCC unroll 16
    for (size_t v = 0; v < n; v++) {
        vf bias = finish ? vf_load(b->bias + unit + v * VF_LANES) : vf_all(0.0f);

#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
            float *to = z + r * z_stride + v * VF_LANES;

            vf_store(to, finished(add ? vf_load(to) + sum[r][v] : sum[r][v], bias, finish));
        }
    }
}

/* z [rows, n vectors] = or += x [rows, features] weight [features, n vectors]; rows and n are
 * constants wherever this is inlined. */
static inline __attribute__((always_inline)) void tile(size_t rows, size_t n, const struct block *b,
                                                       const float *x, const float *weight,
                                                       size_t unit, float *z)
{
    vf sum[ROWS_SLICE][VECTORS_MAX], w[VECTORS_MAX];

#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 16
        for (size_t v = 0; v < n; v++)
            sum[r][v] = (vf){0};
    for (size_t f = 0; f < b->features; f++, weight += b->width) {
#pragma GCC unroll 16
        for (size_t v = 0; v < n; v++)
            w[v] = rows > 1 ? held(vf_load(weight_of(b, weight, v)))
                            : vf_load(weight_of(b, weight, v));
        if (VF_LANES < 16 && rows > 1 && n < PANEL_VECTORS)
            fetch_ahead(weight, b->width);
#pragma GCC unroll 8
        for (size_t r = 0; r < rows; r++) {
            vf one = vf_all(x[r * b->x_stride + f]);

#pragma GCC unroll 16
            for (size_t v = 0; v < n; v++)
                sum[r][v] = multiply_add(one, w[v], sum[r][v]);
        }
    }
    tile_store(rows, n, b, sum, unit, z);
}

/* The panel's units from `unit` on. */
typedef void tile_function(const struct block *b, const float *x, const float *weight, size_t unit,
                           float *z);

#define DEFINE_TILE(rows, slices)                                                                  \
    static void tile_##rows##_##slices(const struct block *b, const float *x, const float *weight, \
                                       size_t unit, float *z)                                      \
    {                                                                                              \
        tile(rows, (size_t)slices *SLICE / VF_LANES, b, x, weight + unit, unit, z + unit);         \
    }
TILES(DEFINE_TILE)

/* [rows - 1][slices / 2]: 1, 2 and 4 slices; NULL where the registers do not suffice */
#define ENTER_TILE(rows, slices) [rows - 1][slices / 2] = tile_##rows##_##slices,
static tile_function *const tiles[ROWS_SLICE][3] = {TILES(ENTER_TILE)};

/* One row waits for memory: four streams bring it more than one does, by a fifth. */
#if VF_LANES == 16
static const int has_wide_tile = 1;

static void tile_wide(const struct block *b, const float *x, const float *weight, size_t unit,
                      float *z)
{
    tile(1, PANELS_WIDE * PANEL_VECTORS, b, x, weight, unit, z);
}
#else
static const int has_wide_tile = 0;
#define tile_wide tile_1_1 /* never called */
#endif

/* Up to ROWS rows, or ROWS_SLICE if the panel is one slice, across the panel. */
static void strip(size_t rows, const struct block *b, const float *x, const float *weight, float *z)
{
    for (size_t at = 0, slices = 4; at < b->width; at += slices * SLICE) {
        while (slices * SLICE > b->width - at || !tiles[rows - 1][slices / 2])
            slices /= 2;
        tiles[rows - 1][slices / 2](b, x, weight, at, z);
    }
}

/* All rows against one panel, for one block of features. */
static void strips(size_t all, const struct block *b, const float *x, const float *weight, float *z)
{
    struct parts rows = parts_of(all, b->width == SLICE ? ROWS_SLICE : ROWS);

    for (size_t i = 0; i < rows.count; i++) {
        size_t height = rows.size + (i < rows.larger);

        strip(height, b, x, weight, z);
        x += height * b->x_stride;
        z += height * b->z_stride;
    }
}

/* All rows against up to PANELS_WIDE panels. Block by block of the features, so that the rows' part
 * of x is read from far away once for all of these panels. */
static void product_wide(const struct axon_dense *d, struct parts features, size_t first)
{
    size_t units = d->units - first < WIDE ? d->units - first : (size_t)WIDE;
    struct block b = {.width = AXON_PANEL,
                      .x_stride = d->x_stride,
                      .z_stride = d->z_stride,
                      .panel_stride = AXON_PANEL * d->features};
    const float *weight = d->weight + first * d->features;
    size_t feature = 0;

    for (size_t i = 0; i < features.count; i++, feature += b.features) {
        b.features = features.size + (i < features.larger);
        b.add = i > 0;
        b.finish = i + 1 < features.count ? AXON_FINISH_NONE : d->finish;
        if (has_wide_tile && d->rows == 1 && units == WIDE) {
            b.bias = d->finish ? d->bias + first : NULL;
            tile_wide(&b, d->x + feature, weight + feature * AXON_PANEL, 0, d->z + first);
            continue;
        }
        for (size_t at = 0; at < units; at += AXON_PANEL) {
            b.width = units - at < AXON_PANEL ? units - at : (size_t)AXON_PANEL;
            b.bias = d->finish ? d->bias + first + at : NULL;
            strips(d->rows, &b, d->x + feature, weight + at * d->features + feature * b.width,
                   d->z + first + at);
        }
    }
}

void AXON_KERNEL(dense, product)(const struct axon_dense *d)
{
    struct parts features = parts_of(d->features, FEATURES_MAX);

    for (size_t first = 0; first < d->units; first += WIDE)
        product_wide(d, features, first);
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
