/* calibration.c - see calibration.h. The loss is convex in 1 / T, so its minimum is where the
 * derivative changes its sign. */
#include "neurons/calibration.h"
#include <math.h>
#include <stdlib.h>

#define COLDEST 0.05 /* a network that is never wrong would like 0 */
#define HOTTEST 20.0

/* ---- temperature ---- */

struct samples {
    const struct predictions_shape *shape;
    const float *y;
    const uint32_t *classes;
    size_t rows;
    double *z; /* [classes] of one row */
};

/* Logits of a row but for a constant. A probability of 0 is as good as the least float. */
static void logits(const struct samples *s, const float *y)
{
    enum { LOG_LEAST = -104 };

    predictions_row(s->shape, y, s->z);
    for (size_t i = 0; i < s->shape->classes; i++)
        s->z[i] = s->z[i] > 0 ? fmax(log(s->z[i]), LOG_LEAST) : LOG_LEAST;
}

/* d(loss) / d(1/T) of a row: the mean logit under softmax(z / T) less that of the row's class. */
static double slope_of(const struct samples *s, size_t row, double power)
{
    double largest = -INFINITY, sum = 0, mean = 0;

    logits(s, s->y + row * s->shape->outputs);
    for (size_t i = 0; i < s->shape->classes; i++)
        largest = fmax(largest, s->z[i]);
    for (size_t i = 0; i < s->shape->classes; i++) {
        double p = exp((s->z[i] - largest) * power);

        sum += p;
        mean += p * s->z[i];
    }
    return mean / sum - s->z[s->classes[row]];
}

static double slope(const struct samples *s, double power)
{
    double sum = 0;

    for (size_t row = 0; row < s->rows; row++)
        sum += slope_of(s, row, power);
    return sum;
}

static double temperature(const struct samples *s)
{
    enum { STEPS = 40 };
    double low = log(1 / HOTTEST), high = log(1 / COLDEST); /* of 1 / T */

    for (int i = 0; i < STEPS; i++) {
        double middle = (low + high) / 2;

        if (slope(s, exp(middle)) < 0)
            low = middle;
        else
            high = middle;
    }
    return exp(-(low + high) / 2);
}

/* ---- quantiles ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void quantiles(struct baseline *b, const double *scores, size_t rows)
{
    for (size_t a = 0; a < BASELINE_ALPHAS; a++) {
        /* ceil((rows + 1) (1 - alpha)) in whole numbers, since 1 - 0.1 is none of a double's */
        size_t rank = rows + 1 - (rows + 1) / baseline_alphas[a].one_in;

        b->quantiles[a] = rank <= rows ? scores[rank - 1] : 1;
    }
    b->conformal_rows = rows;
}

int calibrate(struct baseline *b, const struct predictions_shape *shape, const float *y,
              const uint32_t *classes, size_t rows)
{
    struct samples s = {shape, y, classes, rows, calloc(shape->classes, sizeof *s.z)};
    double *scores = calloc(rows, sizeof *scores);
    int result = s.z && scores ? 0 : -1;

    for (size_t row = 0; result == 0 && row < rows; row++) {
        predictions_row(shape, y + row * shape->outputs, s.z);
        scores[row] = 1 - s.z[classes[row]];
    }
    if (result == 0) {
        qsort(scores, rows, sizeof *scores, ascending);
        quantiles(b, scores, rows);
        b->temperature = temperature(&s);
    }
    free(s.z);
    free(scores);
    return result;
}
