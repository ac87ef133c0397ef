/* statistics.c - one pass over the output for counts and extremes, a second for the standard
 * deviation, which cancels badly when it is taken from sums of squares. */
#include "api/statistics.h"
#include <math.h>
#include "codec/tensor.h"

static double std_of(const float *y, size_t count, double mean, uint64_t finite)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        double d = (double)y[i] - mean;

        sum += isfinite(y[i]) ? d * d : 0;
    }
    return sqrt(sum / (double)finite);
}

struct statistics statistics_of(const struct axon_activation *act, const float *params,
                                const float *y, size_t count)
{
    struct statistics s = {
        .count = count, .mean = (double)NAN, .std = (double)NAN, .min = NAN, .max = NAN};
    bool by_params = act->ascending && !isnan(act->saturation_low);
    float low = by_params ? params[0] : act->saturation_low;
    float high = by_params ? params[1] : act->saturation_high;
    float margin = high * 0.01f - low * 0.01f; /* the difference may overflow */
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        s.zeros += y[i] == 0;
        /* The bounds are NaN for an activation that does not saturate: both comparisons are false
         * then. */
        s.saturated += y[i] < low + margin || y[i] > high - margin;
        if (!isfinite(y[i])) {
            s.non_finite++;
            continue;
        }
        sum += (double)y[i];
        s.min = fminf(s.min, y[i]);
        s.max = fmaxf(s.max, y[i]);
    }
    if (s.non_finite < count) {
        s.mean = sum / (double)(count - s.non_finite);
        s.std = std_of(y, count, s.mean, count - s.non_finite);
    }
    return s;
}

static void write_number(struct buf *out, const char *name, double value)
{
    char text[FLOAT_TEXT_MAX];

    buf_printf(out, ",\"%s\":", name);
    if (!isfinite((float)value))
        buf_puts(out, "null");
    else
        buf_append(out, text, float_write(text, (float)value));
}

static double fraction(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

void statistics_write(struct buf *out, const struct statistics *s)
{
    buf_printf(out, "{\"count\":%llu", (unsigned long long)s->count);
    write_number(out, "zero_fraction", fraction(s->zeros, s->count));
    write_number(out, "saturated_fraction", fraction(s->saturated, s->count));
    write_number(out, "mean", s->mean);
    write_number(out, "std", s->std);
    write_number(out, "min", (double)s->min);
    write_number(out, "max", (double)s->max);
    buf_printf(out, ",\"non_finite\":%llu}", (unsigned long long)s->non_finite);
}
