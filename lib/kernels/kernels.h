/* kernels/kernels.h - what one compilation of kernels.c exports: a table.
 *
 * Every pointer of a table follows the contracts here; none allocates, none keeps state. A buffer
 * is never touched outside of its stated size. */
#ifndef AXON_KERNELS_H
#define AXON_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include "axon/activation.h"

/* The rows of activation.def as indexes. */
enum axon_id {
#define ACT(id, ...) AXON_ID_##id,
#include "activation.def"
#undef ACT
    AXON_ID_COUNT
};

enum {
    AXON_UNITS_MULTIPLE = 16, /* a layer's row of units is padded to this: 64 bytes */
};

/* z [rows, stride]: z = f(z + bias), in place, and what fired is counted.
 *
 *   stride  a multiple of AXON_UNITS_MULTIPLE; every column is computed
 *   bias    [stride]
 *   params  [AXON_PARAMETERS_MAX, stride], each unit's parameters
 *   tally   [stride], += rows on which the unit's output is not 0 (NaN is not 0); or NULL */
struct axon_epilogue {
    float *z;
    size_t rows, stride;
    const float *bias, *params;
    uint32_t *tally;
};

struct axon_kernel {
    /* As axon_activation_forward() and _gradient(); params_count values, already checked. */
    void (*forward)(const float *x, float *y, struct axon_axis axis, const float *params,
                    size_t params_count);
    void (*gradient)(const float *x, const float *upstream, float *dx, struct axon_axis axis,
                     const float *params, size_t params_count);
    void (*epilogue)(const struct axon_epilogue *e); /* NULL for rowwise activations */
};

struct axon_kernels {
    const char *isa; /* "baseline", "avx2", "avx512" */
    struct axon_kernel rows[AXON_ID_COUNT];
    /* y = x * scale + offset; x, y [rows, n], scale, offset [n]; y must not overlap x */
    void (*affine)(const float *x, const float *scale, const float *offset, float *y, size_t rows,
                   size_t n);
};

extern const struct axon_kernels axon__kernels_baseline; /* SSE2 or NEON */
#if defined(__x86_64__)
extern const struct axon_kernels axon__kernels_avx2, axon__kernels_avx512;
#endif

#endif
