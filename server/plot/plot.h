/* plot.h - activations drawn: curves of f and f' over x, with axes and a legend, as one SVG.
 *
 * Knows the catalogue and nothing of HTTP. Nothing that a client wrote gets into the drawing: names
 * are the catalogue's, numbers are printed. */
#ifndef PLOT_PLOT_H
#define PLOT_PLOT_H

#include <axon/activation.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

enum { PLOT_CURVES_MAX = 8 };

/* Bounds of x, and how far apart from and to must be: nearer ones have no labels that tell them
 * apart. */
#define PLOT_X_MAX 1e6
double plot_width_min(double from, double to);

/* An elementwise activation is drawn as it is; of a rowwise one the first output of [x, 0, 1]; of a
 * gated one f([1, x]), which is the gate. */
struct plot_curve {
    const struct axon_activation *activation;
    float params[AXON_PARAMETERS_MAX]; /* [activation->parameters_count], allowed */
};

struct plot {
    struct plot_curve curves[PLOT_CURVES_MAX];
    size_t count;    /* >= 1 */
    double from, to; /* within PLOT_X_MAX of 0, plot_width_min() apart at least */
    bool derivative; /* with f' of each, dashed */
};

/* Append the drawing. The work is bounded: no more than 16 lines of some 550 points each. Values
 * that are not finite are left out; where f jumps, its line is interrupted. */
void plot_write(struct buf *out, const struct plot *plot);

#endif
