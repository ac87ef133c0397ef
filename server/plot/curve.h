/* curve.h - points of one activation's f or f', and where it jumps. */
#ifndef PLOT_CURVE_H
#define PLOT_CURVE_H

#include "plot/plot.h"

enum {
    CURVE_STEPS = 520,    /* between points that are equally far apart: one per pixel */
    CURVE_JUMPS_MAX = 16, /* that are looked for */
    CURVE_POINTS_MAX = CURVE_STEPS + 1 + 2 * CURVE_JUMPS_MAX
};

/* x ascends; every y is finite. */
struct curve {
    size_t count;
    float x[CURVE_POINTS_MAX], y[CURVE_POINTS_MAX];
    bool apart[CURVE_POINTS_MAX]; /* no line leads here from the point before */
};

/* Points of f, or of f', from from to to. On either side of a jump there is one, apart. */
void curve_sample(struct curve *curve, const struct plot_curve *of, bool derivative, double from,
                  double to);

#endif
