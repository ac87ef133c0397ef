/* drift.c - see drift.h for the formulas; they are design/neurons.md's. Pure functions. */
#include "neurons/drift.h"
#include <math.h>
#include <stdlib.h>

/* ---- a baseline of counts ---- */

static void take_layers(struct baseline *b, const struct axon_neurons *n, enum axon_window window,
                        double now_s)
{
    for (size_t l = 0; l < b->layers_count; l++) {
        struct baseline_layer *layer = &b->layers[l];

        for (size_t u = 0; layer->firing && u < layer->units; u++) {
            struct axon_neurons_unit unit = axon_neurons_unit(n, l, u, window, now_s);

            layer->firing[u] = unit.rows ? (double)unit.fired / (double)unit.rows : 0;
            layer->mean[u] = unit.rows ? unit.mean : 0;
            layer->std[u] = unit.rows ? unit.std : 0;
        }
    }
}

static void take_input(struct baseline_input *input, const struct axon_neurons *n,
                       enum axon_window window, double now_s)
{
    for (size_t f = 0; f < input->features; f++) {
        struct axon_neurons_feature feature = axon_neurons_feature(n, f, window, now_s);

        if (feature.rows == 0)
            continue;
        input->min[f] = (float)feature.min;
        input->max[f] = (float)feature.max;
        input->mean[f] = feature.mean;
        input->std[f] = feature.std;
    }
}

static void take_calibration(struct baseline *b, const struct baseline *before)
{
    b->temperature = before->temperature;
    b->conformal_rows = before->conformal_rows;
    for (size_t a = 0; a < BASELINE_ALPHAS; a++)
        b->quantiles[a] = before->quantiles[a];
}

struct baseline *drift_baseline(const struct baseline_shape *shape, const struct axon_neurons *n,
                                const struct predictions *answers, enum axon_window window,
                                double now_s, const struct baseline *before)
{
    struct baseline *b = baseline_create(shape);
    struct predictions_sum sum;

    if (!b)
        return NULL;
    b->rows = axon_neurons_rows(n, window, now_s);
    take_layers(b, n, window, now_s);
    take_input(&b->input, n, window, now_s);
    sum = predictions_window(answers, window, now_s, b->classes);
    if (sum.rows > 0) {
        b->classes_count = shape->classes_count;
        b->has_confidence = true;
        b->confidence_mean = fmin(sum.confidence / (double)sum.rows, 1);
    }
    if (before && sum.rows > 0)
        take_calibration(b, before);
    return b;
}

/* ---- distance ---- */

double drift_of_unit(uint64_t fired, uint64_t rows, double habit, uint64_t habit_rows)
{
    double p = ((double)fired + 0.5) / ((double)rows + 1);
    double q = (habit * (double)habit_rows + 0.5) / ((double)habit_rows + 1);

    return (p - q) * log(p / q) + (q - p) * log((1 - p) / (1 - q));
}

struct drift_layer drift_of_layer(const struct baseline *b, const struct axon_neurons *n,
                                  size_t layer, enum axon_window window, double now_s)
{
    const struct baseline_layer *is = &b->layers[layer];
    struct drift_layer d = {(double)NAN, (double)NAN, (double)NAN};
    uint64_t rows = axon_neurons_rows(n, window, now_s);
    double sum = 0, newly_dead = 0;

    if (rows == 0)
        return d;
    d.noise = 1 / (double)b->rows + 1 / (double)rows;
    if (!axon_neurons_verdict(n, window, now_s))
        return d;
    for (size_t u = 0; u < is->units; u++) {
        uint64_t fired = axon_neurons_fired(n, layer, u, window, now_s);

        sum += drift_of_unit(fired, rows, is->firing[u], b->rows);
        newly_dead += fired == 0 && (double)rows * is->firing[u] >= DRIFT_EXPECTED_MIN;
    }
    d.drift = sum / (double)is->units;
    d.newly_dead = newly_dead;
    return d;
}

double drift_of_feature(const struct baseline_input *input, size_t feature, double value)
{
    double off = input->mean[feature] - value, std = input->std[feature];
    double farthest = fmax(fabs((double)input->min[feature] - value),
                           fabs((double)input->max[feature] - value));

    return (std * std + off * off) / (farthest * farthest);
}

static uint64_t total(const uint64_t *counts, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += counts[i];
    return sum;
}

double drift_of_classes(const uint64_t *counts, const uint64_t *habit, size_t classes)
{
    double half = (double)classes / 2, sum = 0;
    double rows = (double)total(counts, classes), habit_rows = (double)total(habit, classes);

    for (size_t i = 0; i < classes; i++) {
        double p = ((double)counts[i] + 0.5) / (rows + half);
        double q = ((double)habit[i] + 0.5) / (habit_rows + half);

        sum += (p - q) * log(p / q);
    }
    return sum;
}
