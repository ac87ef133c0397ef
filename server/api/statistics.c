/* statistics.c - for each piece of the output one pass for counts and extremes, and a second for
 * the squares, which cancel badly when they are taken without the mean; pieces are put together as
 * by Chan, Golub and LeVeque (1979). */
#include "api/statistics.h"
#include <math.h>
#include "tensor/tensor.h"

void statistics_init(struct statistics *s, const struct axon_activation *act, const float *params)
{
    bool by_params = act->ascending && !isnan(act->saturation_low);
    float low = by_params ? params[0] : act->saturation_low;
    float high = by_params ? params[1] : act->saturation_high;
    float margin = high * 0.01f - low * 0.01f; /* the difference may overflow */

    *s = (struct statistics){
        .mean = (double)NAN, .min = NAN, .max = NAN, .low = low + margin, .high = high - margin};
}

static double squares_of(const float *y, size_t count, double mean)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        double d = (double)y[i] - mean;

        sum += isfinite(y[i]) ? d * d : 0;
    }
    return sum;
}

/* Add that many finite outputs to those of s. */
static void join(struct statistics *s, uint64_t count, double mean, double squares)
{
    uint64_t before = s->count - s->non_finite, all = before + count;
    double between = before > 0 ? mean - s->mean : 0;

    s->squares += squares + between * between * (double)before * ((double)count / (double)all);
    s->mean = before > 0 ? s->mean + between * ((double)count / (double)all) : mean;
}

void statistics_add(struct statistics *s, const float *y, size_t count)
{
    uint64_t non_finite = 0;
    double sum = 0, mean;

    for (size_t i = 0; i < count; i++) {
        s->zeros += y[i] == 0;
        s->saturated += y[i] < s->low || y[i] > s->high;
        if (!isfinite(y[i])) {
            non_finite++;
            continue;
        }
        sum += (double)y[i];
        s->min = fminf(s->min, y[i]);
        s->max = fmaxf(s->max, y[i]);
    }
    if (non_finite < count) {
        mean = sum / (double)(count - non_finite);
        join(s, count - non_finite, mean, squares_of(y, count, mean));
    }
    s->count += count;
    s->non_finite += non_finite;
}

/* NaN of nothing. */
static double std_of(const struct statistics *s)
{
    return sqrt(s->squares / (double)(s->count - s->non_finite));
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
    write_number(out, "std", std_of(s));
    write_number(out, "min", (double)s->min);
    write_number(out, "max", (double)s->max);
    buf_printf(out, ",\"non_finite\":%llu}", (unsigned long long)s->non_finite);
}
