/* axon/activation.h - activation functions by name: forward, derivative, and what to know of each.
 *
 * A tensor is seen along one axis as [outer, length, inner]: element (o, i, n) stands at
 * x[(o * length + i) * inner + n]. Elementwise activations ignore the split, rowwise ones (softmax)
 * run along `length`, PReLU's per-channel slopes are indexed by it, and gated ones (glu) multiply
 * its first half by a function of its second half, so that their output is half as long. */
#ifndef AXON_ACTIVATION_H
#define AXON_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>
#include "axon/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AXON_PARAMETERS_MAX = 4, AXON_ALIASES_MAX = 5 };

enum axon_kind { AXON_ELEMENTWISE, AXON_ROWWISE, AXON_GATED };

struct axon_parameter {
    const char *name;        /* "alpha": the key in JSON                 */
    const char *description; /* one line                                 */
    float value;             /* default                                  */
    float minimum, maximum;  /* closed domain; both finite               */
    bool per_channel;        /* may also be one value per channel        */
    const char *also;        /* another framework's name for it, or ""   */
};

/* A row of lib/activation.def. Immutable, static storage. */
struct axon_activation {
    const char *name;                          /* "leaky_relu"                                   */
    const char *aliases[AXON_ALIASES_MAX + 1]; /* NULL-terminated                                */
    enum axon_kind kind;
    const char *formula, *latex, *derivative, *range; /* plain text; latex is LaTeX              */
    const char *pros, *cons, *use;                    /* the selection guide, a sentence each    */
    const char *initializer;                          /* "he_normal": see axon/initializer.h     */
    double gain;                                      /* of that initialiser, at the defaults    */
    const char *source;                               /* the paper that defines it               */
    float ulp_max; /* accuracy promise of forward and derivative, at every allowed parameter     */
    float saturation_low, saturation_high; /* bounds that the output flattens towards; else NaN.
                                              An ascending one has its parameters as bounds.     */
    unsigned parameters_count;
    struct axon_parameter parameters[AXON_PARAMETERS_MAX];
    bool ascending; /* no parameter may be below the one before it */
};

/* One axis of a tensor; see the top of this file. */
struct axon_axis {
    size_t outer, length, inner;
};

/* The activation of that name or alias, or NULL; case, '_' and '-' don't matter, so that LeakyReLU
 * is leaky_relu. Static storage. */
const struct axon_activation *axon_activation_find(const char *name);

/* The whole table, in the order of activation.def. Static storage. */
const struct axon_activation *axon_activation_table(size_t *count);

/* AXON_OK if params may be used: NULL with count 0 (the defaults), parameters_count values, or for
 * a per-channel activation `channels` values; all finite, in their domain and in order. Else
 * AXON_EPARAM, and *bad (NULL: not wanted) is the index of the first that is not, or params_count
 * if their number is wrong. */
enum axon_status axon_activation_check(const struct axon_activation *act, const float *params,
                                       size_t params_count, size_t channels, size_t *bad);

/* Whether f is exactly 0 on a region of x, so that a unit may be dead: relu always, leaky_relu with
 * alpha 0, threshold with value 0; of per-channel parameters one suffices. params as
 * axon_activation_check() allows. False for what is only rounded to 0 (exponential far below). */
bool axon_activation_has_zeros(const struct axon_activation *act, const float *params,
                               size_t params_count);

/* The axis of f(x) for an x of that axis: gated activations halve the length. */
struct axon_axis axon_activation_output(const struct axon_activation *act, struct axon_axis axis);

/* y = f(x).
 *
 *   x       [outer, length, inner] f32; any value, also NaN and +-inf
 *   params  see axon_activation_check(); channels = axis.length
 *   y       as axon_activation_output() says. Elementwise and rowwise: may be x itself, must not
 *           overlap it otherwise. Gated: must not overlap x
 *
 * Within act->ulp_max ULP of the exact value, at any parameters and, if rowwise, at any length;
 * sparsemax, whose values are differences, within that or 2^-50. A value depends on:
 *
 *   elementwise  its own x and params only, never on its position. NaN in, NaN out
 *   rowwise      its own row, to the last bit: neither on the other rows nor on whether the row is
 *                contiguous (inner == 1) or not. n equal values are 1 / n rounded, one alone is
 *                1, and masks count for nothing. A NaN makes its row NaN. Softmax and its kin give
 *                a NaN row for -inf only and for the infinity that would win, as PyTorch; a masked
 *                entry (-inf among numbers) is exactly 0. For hardmax infinities are numbers
 *   gated        its own a and b: a f(b) rounded once, a from the first half, b from the second.
 *                inf * 0 is NaN, as in PyTorch
 *
 * An empty tensor is a no-op. Never allocates; may be called by any number of threads at once.
 * Returns AXON_OK; AXON_EPARAM as axon_activation_check(); AXON_ESHAPE if a gated axis has an odd
 * length or the tensor cannot exist in memory; AXON_EALIGN; AXON_EOVERLAP. Then y is as it was. */
enum axon_status axon_activation_forward(const struct axon_activation *act, const float *x,
                                         float *y, struct axon_axis axis, const float *params,
                                         size_t params_count);

/* dx = J(x)^T upstream: f'(x) * upstream for elementwise activations, the vector-Jacobian product
 * for rowwise and gated ones.
 *
 *   axis      of x
 *   upstream  f32 of the output's shape, the gradient with respect to y; NULL means all ones and is
 *             allowed for elementwise activations only (AXON_EPARAM otherwise)
 *   dx        [outer, length, inner] f32; may be x itself, and but for gated ones upstream itself;
 *             must not overlap them otherwise
 *
 * f' is within act->ulp_max ULP, also around its zeros; the product is rounded once more. Rowwise
 * and gated ones are rounded once, and what cancels in a sum, or near the zero of a gate's f', is
 * lost at 2^-32 of its terms; rows are as independent as they are forward. NaN in, NaN out.
 * At the kink of the relu family f'(0) is the left derivative, as PyTorch has it. Where a value of
 * sparsemax just reaches 0 it is outside of the support. hardmax has no slope: dx is 0 whatever
 * upstream is, but NaN for a row with NaN. Returns as axon_activation_forward(). */
enum axon_status axon_activation_gradient(const struct axon_activation *act, const float *x,
                                          const float *upstream, float *dx, struct axon_axis axis,
                                          const float *params, size_t params_count);

#ifdef __cplusplus
}
#endif

#endif
