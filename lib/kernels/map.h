/* kernels/map.h - the loops around f(x, p), and the macros that make kernels of them.
 *
 * Included by the sources that are compiled once per instruction set. A tail goes through the same
 * function on a padded vector: a value never depends on its position. */
#ifndef AXON_MAP_H
#define AXON_MAP_H

#include "kernels/kernels.h"
#include "kernels/tally.h"
#include "kernels/vec.h"

/* An activation or its derivative; p are the row's parameters, a vector each. */
typedef vf vf_function(vf x, const vf *p);

enum {
    PAGE = 1024,                          /* floats; the hardware's prefetcher stops at its end */
    PREFETCH_AHEAD = PAGE * sizeof(float) /* bytes */
};

/* A number and not a pointer, since it may lie beyond the array. */
static inline void prefetch(const float *p)
{
    __builtin_prefetch((const void *)((uintptr_t)p + PREFETCH_AHEAD));
}

/* VF_LANES values of f(x), times upstream unless that is NULL, which the compiler knows. */
static inline __attribute__((always_inline)) vf values(vf_function *f, const float *x,
                                                       const float *upstream, const vf *p)
{
    return upstream ? f(vf_load(x), p) * vf_load(upstream) : f(vf_load(x), p);
}

static inline __attribute__((always_inline)) void
map_part(vf_function *f, const float *x, const float *upstream, float *y, size_t n, const vf *p)
{
    vf v = f(vf_load_part(x, n, 0.0f), p);

    vf_store_part(y, upstream ? v * vf_load_part(upstream, n, 0.0f) : v, n);
}

/* All but what is left at the end; returns how many are done. The first vector reaches over the
 * head, some elements of which are then computed again. Then come a page of the first half and a
 * page of the second in turn, which keeps more of the memory busy than one stream: cheap rows take
 * 0.9 of the time, others the same. */
static inline __attribute__((always_inline)) size_t
map_stream(vf_function *f, const float *x, const float *upstream, float *y, size_t n, const vf *p)
{
    size_t head = -((uintptr_t)y / sizeof *y) % VF_LANES;
    size_t half = (n - head) / ((size_t)2 * PAGE) * PAGE;

    vf_store(y, values(f, x, upstream, p));
    for (size_t page = 0; page < 2 * half; page += PAGE) {
        size_t i = head + page / ((size_t)2 * PAGE) * PAGE + (page / PAGE % 2) * half;

        for (size_t end = i + PAGE; i < end; i += VF_LANES) {
            prefetch(x + i);
            if (upstream)
                prefetch(upstream + i);
            vf_stream(y + i, values(f, x + i, upstream ? upstream + i : NULL, p));
        }
    }
    vf_stream_end();
    return head + 2 * half;
}

static inline __attribute__((always_inline)) void
map_all(vf_function *f, const float *x, const float *upstream, float *y, size_t n, const vf *p)
{
    /* From here on y has left the cache before anybody reads it: a store past the cache spares
     * reading each line first, which is a third of the traffic. Measured: 2 Mi floats wins by 1.2
     * even if y is read at once, half of that loses. In place the line is there anyway. */
    bool streams = n >= AXON_STREAM_MIN && y != x && y != upstream && (uintptr_t)y % sizeof *y == 0;
    size_t i = streams ? map_stream(f, x, upstream, y, n, p) : 0;

    for (; i + VF_LANES <= n; i += VF_LANES)
        vf_store(y + i, values(f, x + i, upstream ? upstream + i : NULL, p));
    if (i < n)
        map_part(f, x + i, upstream ? upstream + i : NULL, y + i, n - i, p);
}

static inline __attribute__((always_inline)) void
map(vf_function *f, const float *x, const float *upstream, float *y, size_t n, const vf *p)
{
    if (upstream)
        map_all(f, x, upstream, y, n, p);
    else
        map_all(f, x, NULL, y, n, p);
}

/* One row of channels, a parameter value for each of them. */
static inline __attribute__((always_inline)) void map_channels(vf_function *f, const float *x,
                                                               const float *upstream, float *y,
                                                               size_t n, const float *params)
{
    size_t i = 0;

    for (; i + VF_LANES <= n; i += VF_LANES) {
        vf p = vf_load(params + i);

        map(f, x + i, upstream ? upstream + i : NULL, y + i, VF_LANES, &p);
    }
    if (i < n) {
        vf p = vf_load_part(params + i, n - i, 0.0f);

        map(f, x + i, upstream ? upstream + i : NULL, y + i, n - i, &p);
    }
}

static inline __attribute__((always_inline)) void
elementwise(vf_function *f, const float *x, const float *upstream, float *y, struct axon_axis axis,
            const float *params, size_t params_count)
{
    vf p[AXON_PARAMETERS_MAX];

    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        p[k] = vf_all(k < params_count ? params[k] : 0.0f);
    map(f, x, upstream, y, axis.outer * axis.length * axis.inner, p);
}

static inline __attribute__((always_inline)) void
channelwise(vf_function *f, const float *x, const float *upstream, float *y, struct axon_axis axis,
            const float *params, size_t params_count)
{
    size_t span = axis.inner == 1 ? axis.length : axis.inner;

    if (params_count == 1) {
        elementwise(f, x, upstream, y, axis, params, params_count);
        return;
    }
    for (size_t at = 0, c = 0; at < axis.outer * axis.length * axis.inner; at += span) {
        const float *u = upstream ? upstream + at : NULL;

        if (axis.inner == 1) {
            map_channels(f, x + at, u, y + at, span, params);
        } else {
            vf p = vf_all(params[c]);

            map(f, x + at, u, y + at, span, &p);
            c = c + 1 == axis.length ? 0 : c + 1;
        }
    }
}

enum { TILE = AXON_UNITS_MULTIPLE / VF_LANES }; /* vectors in one tile of units: a cache line */

/* Down the rows of `width` vectors of units, so that bias, parameters and sums stay in registers;
 * width and counted are constants wherever this is inlined. */
static inline __attribute__((always_inline)) void epilogue_tile(vf_function *f, size_t width,
                                                                bool counted,
                                                                const struct axon_epilogue *e,
                                                                const struct join *j, size_t unit)
{
    vf bias[TILE], p[TILE][AXON_PARAMETERS_MAX];
    struct sums sums[TILE] = {0};
    bool finite = true;

#pragma GCC unroll 4
    for (size_t t = 0; t < width; t++) {
        size_t at = unit + t * VF_LANES;

        bias[t] = vf_load(e->bias + at);
        for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
            p[t][k] = vf_load(e->params + k * e->params_stride + at);
    }
    for (size_t row = 0; row < e->rows; row++) {
        float *z = e->z + row * e->z_stride + unit;

#pragma GCC unroll 4
        for (size_t t = 0; t < width; t++) {
            vf x = vf_load(z + t * VF_LANES) + bias[t], y = f(x, p[t]);

            vf_store(z + t * VF_LANES, y);
            if (!counted)
                continue;
            if (row == 0)
                sums[t].first = y;
            sums_add(&sums[t], e->tally, x, y);
        }
    }
    for (size_t t = 0; counted && t < width; t++)
        finite &= sums_join(&sums[t], e->tally, j, unit + t * VF_LANES);
    if (!finite)
        e->tally->finite = false;
}

/* Sums take more registers than plain SSE2 has for a whole tile. */
enum { TILE_COUNTED = VF_LANES == 4 ? 1 : TILE };

static inline __attribute__((always_inline)) void epilogue_counted(vf_function *f,
                                                                   const struct axon_epilogue *e)
{
    struct join j = join_of(e->tally->before, e->rows);

    for (size_t unit = 0; unit < e->units; unit += (size_t)TILE_COUNTED * VF_LANES)
        epilogue_tile(f, TILE_COUNTED, true, e, &j, unit);
}

static inline __attribute__((always_inline)) void epilogue(vf_function *f,
                                                           const struct axon_epilogue *e)
{
    if (e->tally)
        epilogue_counted(f, e);
    else
        for (size_t unit = 0; unit < e->units; unit += AXON_UNITS_MULTIPLE)
            epilogue_tile(f, TILE, false, e, NULL, unit);
}

/* ---- kernels of a row, from f_<id> and df_<id>; walk is elementwise or channelwise ---- */

#define DEFINE_FORWARD(id, walk)                                                   \
    void AXON_KERNEL(forward, id)(const float *x, float *y, struct axon_axis axis, \
                                  const float *params, size_t params_count)        \
    {                                                                              \
        walk(f_##id, x, NULL, y, axis, params, params_count);                      \
    }                                                                              \
    void AXON_KERNEL(epilogue, id)(const struct axon_epilogue *e)                  \
    {                                                                              \
        epilogue(f_##id, e);                                                       \
    }
#define DEFINE_GRADIENT(id, walk)                                                    \
    void AXON_KERNEL(gradient, id)(const float *x, const float *upstream, float *dx, \
                                   struct axon_axis axis, const float *params,       \
                                   size_t params_count)                              \
    {                                                                                \
        walk(df_##id, x, upstream, dx, axis, params, params_count);                  \
    }

#endif
