/* test_lib_lines.h - what the tests of rowwise and gated activations share: repeatable numbers, a
 * line of a tensor taken out, every row of a kind on every ISA. */
#ifndef TEST_LIB_LINES_H
#define TEST_LIB_LINES_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "axon/activation.h"
#include "axon/cpu.h"
#include "../oracle/guard.h"
#include "../oracle/oracle.h"
#include "suite.h"

/* How many rows of activation.def are of that kind, times the ISAs. */
static inline int rows_on_isas(enum axon_kind kind)
{
    size_t count, isas, rows = 0;
    const struct axon_activation *table = axon_activation_table(&count);

    axon_isa_list(&isas);
    for (size_t i = 0; i < count; i++)
        rows += table[i].kind == kind;
    return (int)(rows * isas);
}

/* The row that a loop test's index stands for, and its ISA selected. */
static inline const struct axon_activation *row_on_isa(int index, enum axon_kind kind)
{
    size_t count, isas, skip;
    const struct axon_activation *row = axon_activation_table(&count);
    const char *const *names = axon_isa_list(&isas);

    ck_assert_int_eq(axon_isa_select(names[(size_t)index % isas]), AXON_OK);
    for (skip = (size_t)index / isas; row->kind != kind || skip > 0; row++)
        skip -= row->kind == kind;
    return row;
}

/* Repeatable numbers in [-range, range). */
static inline void fill(float *x, size_t n, float range)
{
    static uint32_t state = 12345;

    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = range * ((float)(state >> 8) * 0x1p-23f - 1.0f);
    }
}

static inline size_t size_of(struct axon_axis axis)
{
    return axis.outer * axis.length * axis.inner;
}

/* line [length] = the line of x that goes through outer index o and inner index n */
static inline void take_line(const float *x, struct axon_axis axis, size_t o, size_t n, float *line)
{
    for (size_t i = 0; i < axis.length; i++)
        line[i] = x[(o * axis.length + i) * axis.inner + n];
}

static inline void to_double(const float *x, size_t n, double *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (double)x[i];
}

/* Parameters as the oracle wants them; `first` replaces the first one's default. */
static inline void oracle_parameters(const struct axon_activation *act, const float *first,
                                     double p[AXON_PARAMETERS_MAX])
{
    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        p[k] = (double)act->parameters[k].value;
    if (first)
        p[0] = (double)*first;
}

/* dx of a product as the header promises it: rounded once, cancellation at 2^-32 of the terms. */
static inline void check_product(const struct axon_activation *act, const float *dx,
                                 const long double *want, const long double *condition, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        long double bound = 0x1p-24L * fabsl(want[i]) + 0x1p-32L * condition[i] + 0x1p-149L;

        ck_assert_msg(fabsl(dx[i] - want[i]) <= bound, "%s: dx[%zu of %zu] is %a, should be %La",
                      act->name, i, n, (double)dx[i], want[i]);
    }
}

/* The oracle's own product against finite differences of its forward, which are exact to h^2. */
static inline void check_differences(const struct axon_activation *act, const double *x, size_t n,
                                     const double *u, size_t outputs)
{
    const struct oracle_line *oracle = oracle_line_for(act);
    const double h = 0x1p-20;
    double p[AXON_PARAMETERS_MAX], moved[64];
    long double dx[64], condition[64], left[64], right[64];

    oracle_parameters(act, NULL, p);
    oracle->product(x, u, n, p, dx, condition);
    for (size_t k = 0; k < n; k++) {
        long double slope = 0;

        memcpy(moved, x, n * sizeof *x);
        moved[k] = x[k] - h;
        oracle->forward(moved, n, p, left);
        moved[k] = x[k] + h;
        oracle->forward(moved, n, p, right);
        for (size_t i = 0; i < outputs; i++)
            slope += u[i] * (right[i] - left[i]) / (2 * h);
        ck_assert_msg(fabsl(slope - dx[k]) <= 1e-9L, "%s: dx[%zu] is %Lg, the slope is %Lg",
                      act->name, k, dx[k], slope);
    }
}

#endif
