/* scale.c - see scale.h. Pure functions. */
#include "plot/scale.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The least of 1, 2, 5, 10, 20 ... times a power of ten that is not below `least`. */
static double round_step(double least)
{
    double power = pow(10, floor(log10(least)));

    for (size_t i = 0; i < 3; i++) {
        static const double steps[] = {1, 2, 5};

        if (steps[i] * power >= least * (1 - 1e-9))
            return steps[i] * power;
    }
    return 10 * power;
}

void scale_init(struct scale *scale, double low, double high, double pixel_low, double pixel_high,
                unsigned ticks_max)
{
    const double slack = 1e-9; /* an end that is a tick but for rounding is one */

    *scale = (struct scale){
        .low = low, .high = high, .pixel_low = pixel_low, .pixel_high = pixel_high};
    scale->step = round_step((high - low) / (ticks_max - 1));
    scale->first = (long)ceil(low / scale->step - slack);
    scale->last = (long)floor(high / scale->step + slack);
}

double scale_pixel(const struct scale *scale, double value)
{
    return scale->pixel_low + (value - scale->low) / (scale->high - scale->low) *
                                  (scale->pixel_high - scale->pixel_low);
}

/* "2e+07" as 2e7 */
static void shorten_exponent(char *text)
{
    char *in = strchr(text, 'e'), *out;

    if (!in)
        return;
    out = ++in;
    if (*in == '-')
        out++;
    in++;
    in += strspn(in, "0");
    memmove(out, in, strlen(in) + 1);
}

const char *scale_text(const struct scale *scale, long tick, char out[static SCALE_TEXT_MAX])
{
    double most = fmax(fabs(scale->low), fabs(scale->high)), value = (double)tick * scale->step;
    int decimals = (int)-floor(log10(scale->step) + 1e-9);

    if (tick == 0) {
        snprintf(out, SCALE_TEXT_MAX, "0");
        return out;
    }
    if (most < 1e6 && decimals <= 6) {
        snprintf(out, SCALE_TEXT_MAX, "%.*f", decimals > 0 ? decimals : 0, value);
        return out;
    }
    snprintf(out, SCALE_TEXT_MAX, "%.*g", (int)ceil(log10(most / scale->step)) + 1, value);
    shorten_exponent(out);
    return out;
}
