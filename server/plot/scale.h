/* scale.h - an axis: from values to pixels, with ticks at round numbers. */
#ifndef PLOT_SCALE_H
#define PLOT_SCALE_H

#include <stddef.h>

enum { SCALE_TEXT_MAX = 32 };

/* Tick i, from first to last, is at i * step; step is 1, 2 or 5 times a power of ten. */
struct scale {
    double low, high; /* values at pixel_low and pixel_high */
    double pixel_low, pixel_high;
    double step;
    long first, last;
};

/* An axis over [low, high], low < high, with at most so many ticks, and two or more if ticks_max is
 * 5 or more. */
void scale_init(struct scale *scale, double low, double high, double pixel_low, double pixel_high,
                unsigned ticks_max);

double scale_pixel(const struct scale *scale, double value);

/* The text of tick i, in as many digits as the step has: "0", "-1.5", "2e-7". Returns out. */
const char *scale_text(const struct scale *scale, long tick, char out[static SCALE_TEXT_MAX]);

#endif
