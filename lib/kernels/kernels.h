/* kernels/kernels.h - what the kernels of one instruction set are: a table of functions.
 *
 * Every pointer of a table follows the contracts here; none allocates, none keeps state. A buffer
 * is never touched outside of its stated size. */
#ifndef AXON_KERNELS_H
#define AXON_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "axon/activation.h"
#include "axon/confidence.h"

/* The rows of activation.def as indexes. */
enum axon_id {
#define ACT(id, ...) AXON_ID_##id,
#include "activation.def"
#undef ACT
    AXON_ID_COUNT
};

enum {
    AXON_UNITS_MULTIPLE = 16,  /* a layer's row of units is padded to this: 64 bytes */
    AXON_PANEL = 64,           /* units of a panel of packed weights: see mlp_internal.h */
    AXON_STREAM_MIN = 2 << 20, /* elements from which an elementwise kernel stores past the cache */
};

/* The epilogue that a product goes through while it is in registers. */
enum axon_finish {
    AXON_FINISH_NONE,     /* z as it is; bias is not read */
    AXON_FINISH_IDENTITY, /* z + bias */
    AXON_FINISH_RELU,     /* max(z + bias, 0) */
};

/* z = x weight, of a layer or of some panels of it; writes z without reading it first.
 *
 *   x       [rows, features], x_stride floats from row to row
 *   weight  panels of AXON_PANEL units, packed as mlp_internal.h has it
 *   z       [rows, units], z_stride floats from row to row; must not overlap x
 *   units   a multiple of AXON_UNITS_MULTIPLE; nor may rows or features be 0
 *   bias    [units], if there is a finish
 *
 * A row of z depends on that row of x and on the weights only: bitwise the same alone and in any
 * batch, at any stride and alignment. */
struct axon_dense {
    const float *x, *weight;
    float *z;
    size_t rows, features, units;
    size_t x_stride, z_stride;
    const float *bias;
    enum axon_finish finish;
};

/* Counts of the outputs y of a layer's units, which had `before` rows until now; all are added to,
 * but moments and magnitudes of the first rows are stored.
 *
 *   fired      [units] rows on which the unit fires: y != 0 if by_zero, else z > 0 (pre-activation)
 *   mean       [units] of y
 *   squares    [units] sum of (y - mean)^2
 *   magnitude  [units] sum of |y|
 *   low, high  [units] rows on which y < low_end, y > high_end; NaN: none
 *   finite     is made false when a sum is not finite: an output is not, or its square is too
 *              large; then counts and sums are of no use */
struct axon_tally {
    uint32_t *fired, *low, *high;
    double *mean, *squares, *magnitude;
    uint64_t before;
    float low_end, high_end;
    bool by_zero, finite;
};

/* z = f(z + bias), in place, and what is counted of it.
 *
 *   z       [rows, units], z_stride floats from row to row
 *   rows    at least 1
 *   units   a multiple of AXON_UNITS_MULTIPLE
 *   bias    [units]
 *   params  [AXON_PARAMETERS_MAX, units], each unit's parameters, params_stride floats from one
 *           parameter to the next
 *   tally   or NULL */
struct axon_epilogue {
    float *z;
    size_t rows, units;
    size_t z_stride, params_stride;
    const float *bias, *params;
    struct axon_tally *tally;
};

/* Figures of the columns of x, which had `before` rows until now; all are added to, but those of
 * the first rows are stored, counts excepted.
 *
 *   x             [rows, n], stride floats from row to row, finite or not
 *   mean, squares [n, padded to AXON_UNITS_MULTIPLE] as in axon_tally
 *   fired         [n, a multiple of AXON_UNITS_MULTIPLE] rows on which x > 0; or NULL
 *   least, most   [n, padded likewise] the smallest and the largest value, unless there is fired
 *   low, high     [n] values below or above are counted in `out`; or NULL
 *
 * Returns false when a sum is not finite, as in axon_tally. */
struct axon_columns {
    const float *x;
    size_t rows, n, stride;
    uint64_t before;
    double *mean, *squares;
    uint32_t *fired;
    float *least, *most;
    const float *low, *high;
    uint64_t out;
};

/* As axon_activation_forward() and _gradient(); params_count values, already checked. */
typedef void axon_forward(const float *x, float *y, struct axon_axis axis, const float *params,
                          size_t params_count);
typedef void axon_gradient(const float *x, const float *upstream, float *dx, struct axon_axis axis,
                           const float *params, size_t params_count);
/* y = x * scale + offset; x, y [rows, n], scale, offset [n]; y must not overlap x */
typedef void axon_affine(const float *x, const float *scale, const float *offset, float *y,
                         size_t rows, size_t n);
typedef void axon_product(const struct axon_dense *d);
typedef bool axon_count_columns(struct axon_columns *c);
/* The values of x [n] below low [n] or above high [n]. */
typedef uint64_t axon_count_outside(const float *x, size_t n, const float *low, const float *high);
/* to [n, padded to AXON_UNITS_MULTIPLE] = x [n], and 0 where there is none. False if some of it is
 * not finite, or so large that the sum of 128 squares might not be: beyond 2^59. */
typedef bool axon_keep_row(const float *x, size_t n, float *to);
/* Whether all of x [n] is finite. */
typedef bool axon_all_finite(const float *x, size_t n);
/* As axon_confidence_rows(). */
typedef void axon_sure(const struct axon_confidence *c);

/* Figures of some rows; each array's length is a multiple of AXON_UNITS_MULTIPLE. */
struct axon_joined {
    double *mean, *squares; /* [moments] */
    double *magnitude;      /* [magnitudes] */
    float *least, *most;    /* [features] */
    uint32_t *counts;       /* [counts], modulo 2^32 */
};

/* The figures of some rows join those of others: mean += d share, squares += more squares + d^2
 * between, d the distance of the means (Chan, Golub and LeVeque 1979). */
struct axon_join {
    struct axon_joined into, from;
    size_t moments, magnitudes, features, counts;
    double share, between;
};
typedef void axon_join_figures(const struct axon_join *j);

/* A part of a batch of losses, checked; its arrays are those of axon/loss.h. Classwise: they begin
 * with the batch, and places first .. first + count - 1 are asked for; weight is [n]. Elementwise:
 * they begin with the part, [count] each, and weight and pos_weight are what each value has. */
struct axon_loss_part {
    const float *x, *y, *variances, *weight, *pos_weight; /* but for x each may be NULL */
    const int32_t *labels;
    const double *values; /* the options' */
    int32_t ignore;       /* a label that does not count */
    size_t first, count, n, inner;
    double scale;    /* of the gradient */
    float *gradient; /* as x, or NULL; may be x or y */
};

/* losses [count], before scale; each depends on nothing but its own place or value. */
typedef void axon_loss_function(const struct axon_loss_part *part, double *losses);

/* The rows of loss.def as indexes. */
enum axon_loss_id {
#define LOSS(id, ...) AXON_LOSS_ID_##id,
#include "loss.def"
#undef LOSS
    AXON_LOSS_ID_COUNT
};

struct axon_kernel {
    axon_forward *forward;
    axon_gradient *gradient;
    void (*epilogue)(const struct axon_epilogue *e); /* NULL unless elementwise */
};

struct axon_kernels {
    const char *isa; /* "baseline", "avx2", "avx512" */
    struct axon_kernel rows[AXON_ID_COUNT];
    axon_product *dense;
    axon_affine *affine;
    axon_count_columns *columns;
    axon_count_outside *outside;
    axon_keep_row *keep;
    axon_all_finite *finite;
    axon_join_figures *join;
    axon_sure *confidence;
    axon_loss_function *losses[AXON_LOSS_ID_COUNT];
};

/* The sources of the kernels are compiled once per instruction set, with AXON_ISA as part of every
 * name that they export: axon__forward_relu_avx2. */
#define AXON_NAME_(what, id, isa) axon__##what##_##id##_##isa
#define AXON_NAME(what, id, isa)  AXON_NAME_(what, id, isa)
#define AXON_KERNEL(what, id)     AXON_NAME(what, id, AXON_ISA)
#ifdef AXON_ISA
#define DECLARE_ROWWISE(id)                \
    axon_forward AXON_KERNEL(forward, id); \
    axon_gradient AXON_KERNEL(gradient, id);
#define DECLARE_GATED(id) DECLARE_ROWWISE(id)
#define DECLARE_PIECEWISE(id) \
    DECLARE_ROWWISE(id)       \
    void AXON_KERNEL(epilogue, id)(const struct axon_epilogue *e);
#define DECLARE_CHANNELWISE(id) DECLARE_PIECEWISE(id)
#define DECLARE_SMOOTH(id)      DECLARE_PIECEWISE(id)
#define ACT(id, KIND, ...)      DECLARE_##KIND(id)
#include "activation.def"
#undef ACT
#define LOSS(id, ...) axon_loss_function AXON_KERNEL(loss, id);
#include "loss.def"
#undef LOSS
axon_affine AXON_KERNEL(dense, affine);
axon_product AXON_KERNEL(dense, product);
axon_count_columns AXON_KERNEL(count, columns);
axon_count_outside AXON_KERNEL(count, outside);
axon_keep_row AXON_KERNEL(count, keep);
axon_all_finite AXON_KERNEL(count, finite);
axon_join_figures AXON_KERNEL(count, join);
axon_sure AXON_KERNEL(rows, confidence);
#endif

extern const struct axon_kernels axon__kernels_table_baseline; /* SSE2 or NEON */
#if defined(__x86_64__)
extern const struct axon_kernels axon__kernels_table_avx2, axon__kernels_table_avx512;
#endif

#endif
