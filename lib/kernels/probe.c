/* kernels/probe.c - whether a table of kernels computes what baseline does, on a few values.
 *
 * It finds a compiler or a CPU that gets an instruction wrong before a user does; how exact the
 * kernels are is the tests' to say. Knows the registries, whose rows it walks with their defaults.
 */
#include "kernels/probe.h"
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "axon/loss.h"

/* Odd in length, so that a tail is part of it; a multiple of three for the softmax over columns. */
static const float probe[] = {
    0.0f,     -0.0f,   1.0f,     -1.0f,     0.5f,    -0.5f,   2.5f,   -2.5f, 5.0f,
    -5.0f,    9.0f,    -9.0f,    14.0f,     -14.0f,  20.0f,   -20.0f, 88.0f, -88.0f,
    -100.0f,  -104.0f, FLT_MAX,  -FLT_MAX,  FLT_MIN, -1e-42f, 1e-3f,  1e-7f, -0.75f,
    -1.2784f, 3e-2f,   INFINITY, -INFINITY, -1e-20f, 7.5f,
};

enum { PROBE = sizeof probe / sizeof *probe };

/* Floats as integers that grow with the value, so that a difference counts the floats between. */
static int64_t ordinal(float a)
{
    int32_t bits;

    memcpy(&bits, &a, sizeof bits);
    return bits < 0 ? -(int64_t)(bits & INT32_MAX) : bits;
}

static int same(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t gap = ordinal(a[i]) - ordinal(b[i]);

        if (isnan(a[i]) != isnan(b[i]) || (!isnan(a[i]) && (gap < -4 || gap > 4)))
            return 0;
    }
    return 1;
}

/* Forward and gradient; what neither writes stays 0 in both. `u` is NULL for all ones. */
static int same_along(const struct axon_kernel *a, const struct axon_kernel *b, const float *u,
                      struct axon_axis axis, const float *params, size_t params_count)
{
    float got[PROBE] = {0}, want[PROBE] = {0};

    a->forward(probe, got, axis, params, params_count);
    b->forward(probe, want, axis, params, params_count);
    if (!same(got, want, PROBE))
        return 0;
    a->gradient(probe, u, got, axis, params, params_count);
    b->gradient(probe, u, want, axis, params, params_count);
    return same(got, want, PROBE);
}

static int same_row(const struct axon_kernel *a, const struct axon_kernel *b, const float *params,
                    size_t params_count, enum axon_kind kind)
{
    /* Rowwise kernels sum, so the extreme values would drown the others: they get the tame middle,
     * and no upstream at a value that dominates its row, where all but the rounding cancels.
     * Gated ones get both halves of the probe but its last value. */
    static const struct axon_axis shapes[][2] = {
        [AXON_ELEMENTWISE] = {{1, PROBE, 1}, {1, PROBE, 1}},
        [AXON_ROWWISE] = {{1, 20, 1}, {1, 4, 5}},
        [AXON_GATED] = {{1, PROBE - 1, 1}, {2, 2, 7}},
    };
    static const float ones[PROBE] = {[0 ... PROBE - 1] = 1.0f};
    static const float few[PROBE] = {1.0f, 2.0f, 0.5f, 4.0f, 8.0f};
    const float *u = kind == AXON_ELEMENTWISE ? NULL : kind == AXON_ROWWISE ? few : ones;

    return same_along(a, b, u, shapes[kind][0], params, params_count) &&
           same_along(a, b, u, shapes[kind][1], params, params_count);
}

/* An epilogue's counts of 16 units. */
struct counted {
    uint32_t fired[AXON_UNITS_MULTIPLE], low[AXON_UNITS_MULTIPLE], high[AXON_UNITS_MULTIPLE];
    double mean[AXON_UNITS_MULTIPLE], squares[AXON_UNITS_MULTIPLE], magnitude[AXON_UNITS_MULTIPLE];
};

static void epilogue_counted(const struct axon_kernel *kernel, struct axon_epilogue *e,
                             struct counted *counted)
{
    *counted = (struct counted){.fired = {0}};
    e->tally = &(struct axon_tally){.fired = counted->fired,
                                    .low = counted->low,
                                    .high = counted->high,
                                    .mean = counted->mean,
                                    .squares = counted->squares,
                                    .magnitude = counted->magnitude,
                                    .low_end = -0.5f,
                                    .high_end = 0.5f,
                                    .by_zero = true};
    kernel->epilogue(e);
}

static int same_epilogue(const struct axon_kernel *a, const struct axon_kernel *b)
{
    enum { UNITS = AXON_UNITS_MULTIPLE, TWO_ROWS = 2 * UNITS };
    float bias[UNITS], params[AXON_PARAMETERS_MAX * UNITS], got[TWO_ROWS], want[TWO_ROWS];
    struct counted got_counted, want_counted;
    struct axon_epilogue e = {.z = got,
                              .rows = 2,
                              .units = UNITS,
                              .z_stride = UNITS,
                              .params_stride = UNITS,
                              .bias = bias,
                              .params = params};

    if (!a->epilogue || !b->epilogue)
        return a->epilogue == b->epilogue;
    for (size_t i = 0; i < sizeof params / sizeof *params; i++)
        params[i] = 0.5f;
    for (size_t i = 0; i < TWO_ROWS; i++) {
        bias[i % UNITS] = 0.25f;
        got[i] = want[i] = probe[i];
    }
    epilogue_counted(a, &e, &got_counted);
    e.z = want;
    epilogue_counted(b, &e, &want_counted);
    return same(got, want, TWO_ROWS) &&
           !memcmp(got_counted.fired, want_counted.fired, sizeof got_counted.fired);
}

/* Whole numbers, so that the products are exact on every ISA; a full panel, a part of one and two
 * heights of tiles. */
static int same_dense(const struct axon_kernels *a, const struct axon_kernels *b)
{
    enum { ROWS = 7, FEATURES = 3, UNITS = AXON_PANEL + AXON_UNITS_MULTIPLE };
    float x[ROWS * FEATURES], weight[FEATURES * UNITS], got[ROWS * UNITS], want[ROWS * UNITS];
    struct axon_dense d = {.x = x,
                           .weight = weight,
                           .z = got,
                           .rows = ROWS,
                           .features = FEATURES,
                           .units = UNITS,
                           .x_stride = FEATURES,
                           .z_stride = UNITS};

    for (int i = 0; i < ROWS * FEATURES; i++)
        x[i] = (float)(i % 5 - 2);
    for (int i = 0; i < FEATURES * UNITS; i++)
        weight[i] = (float)(i % 7 - 3);
    a->dense(&d);
    d.z = want;
    b->dense(&d);
    return same(got, want, (size_t)ROWS * UNITS);
}

/* A vector and a tail, of whole numbers as above. */
static int same_affine(const struct axon_kernels *a, const struct axon_kernels *b)
{
    enum { ROWS = 2, N = 19 };
    float x[ROWS * N], scale[N], offset[N], got[ROWS * N], want[ROWS * N];

    for (int i = 0; i < ROWS * N; i++) {
        x[i] = (float)(i % 5 - 2);
        scale[i % N] = (float)(i % N - 7);
        offset[i % N] = (float)(i % N % 3);
    }
    a->affine(x, scale, offset, got, ROWS, N);
    b->affine(x, scale, offset, want, ROWS, N);
    return same(got, want, (size_t)ROWS * N);
}

/* The tame start of the probe, against equal targets: one place of many outputs, and many of one.
 */
static int same_loss(axon_loss_function *a, axon_loss_function *b, const struct axon_loss *loss)
{
    enum { N = 19 };
    float targets[N], variances[N], got[N], want[N];
    const int32_t labels[N] = {0};
    double losses[N], base[N];
    struct axon_loss_options options;

    axon_loss_defaults(loss, &options);
    for (size_t i = 0; i < N; i++) {
        targets[i] = 1.0f / N;
        variances[i] = (float)(i + 1);
    }
    for (size_t n = 1; n <= N; n += N - 1) {
        size_t count = loss->kind == AXON_LOSS_CLASSWISE ? N / n : N;
        struct axon_loss_part part = {.x = probe,
                                      .y = loss->labels_only ? NULL : targets,
                                      .variances = loss->variances ? variances : NULL,
                                      .labels = loss->labels_only ? labels : NULL,
                                      .values = options.values,
                                      .ignore = -1,
                                      .count = count,
                                      .n = n,
                                      .inner = 1,
                                      .scale = 1,
                                      .gradient = got};

        a(&part, losses);
        part.gradient = want;
        b(&part, base);
        for (size_t r = 0; r < count; r++)
            if (!(fabs(losses[r] - base[r]) <= 0x1p-30 * fabs(base[r])))
                return 0;
        if (!same(got, want, N))
            return 0;
    }
    return 1;
}

static int same_losses(const struct axon_kernels *a, const struct axon_kernels *b)
{
    size_t count;
    const struct axon_loss *losses = axon_loss_table(&count);

    for (size_t i = 0; i < count; i++)
        if (!same_loss(a->losses[i], b->losses[i], &losses[i]))
            return 0;
    return 1;
}

/* Whole numbers and two rows, so that sums and means are exact on every ISA; columns for vectors
 * side by side, one alone and a tail. */
static int same_columns(const struct axon_kernels *a, const struct axon_kernels *b)
{
    enum { COLUMNS = 5 * AXON_UNITS_MULTIPLE, TAIL = COLUMNS - 3 };
    float x[2 * COLUMNS], extremes[2][2][COLUMNS];
    double mean[2][COLUMNS], squares[2][COLUMNS];
    uint32_t fired[2][COLUMNS] = {{0}};
    const struct axon_kernels *both[] = {a, b};

    for (size_t i = 0; i < (size_t)2 * COLUMNS; i++)
        x[i] = (float)(i * i % 13) - 6;
    for (size_t k = 0; k < 2; k++) {
        struct axon_columns c = {.x = x,
                                 .rows = 2,
                                 .n = COLUMNS,
                                 .stride = COLUMNS,
                                 .mean = mean[k],
                                 .squares = squares[k],
                                 .fired = fired[k]};

        both[k]->columns(&c);
        c.fired = NULL;
        c.n = TAIL;
        c.before = 2;
        c.least = memcpy(extremes[k][0], x, sizeof extremes[k][0]);
        c.most = memcpy(extremes[k][1], x, sizeof extremes[k][1]);
        both[k]->columns(&c);
    }
    for (size_t i = 0; i < TAIL; i++)
        if (mean[0][i] != mean[1][i] || squares[0][i] != squares[1][i] ||
            fired[0][i] != fired[1][i] || extremes[0][0][i] != extremes[1][0][i] ||
            extremes[0][1][i] != extremes[1][1][i])
            return 0;
    return 1;
}

int axon__kernels_agree(const struct axon_kernels *kernels)
{
    const struct axon_kernels *base = &axon__kernels_table_baseline;
    size_t count;
    const struct axon_activation *act = axon_activation_table(&count);

    for (size_t i = 0; i < count; i++) {
        float params[AXON_PARAMETERS_MAX];

        for (unsigned k = 0; k < AXON_PARAMETERS_MAX; k++)
            params[k] = act[i].parameters[k].value;
        if (!same_row(&kernels->rows[i], &base->rows[i], params, act[i].parameters_count,
                      act[i].kind) ||
            !same_epilogue(&kernels->rows[i], &base->rows[i]))
            return 0;
    }
    return same_dense(kernels, base) && same_affine(kernels, base) && same_columns(kernels, base) &&
           same_losses(kernels, base);
}
