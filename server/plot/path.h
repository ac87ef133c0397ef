/* path.h - a curve as the d of an SVG path. */
#ifndef PLOT_PATH_H
#define PLOT_PATH_H

#include "plot/curve.h"
#include "plot/scale.h"

/* Append "M12.5 3L40 7.2...": every point lies within a tenth of a pixel of the line, and what is
 * apart is not joined. */
void path_write(struct buf *out, const struct curve *curve, const struct scale *x,
                const struct scale *y);

#endif
