/* drift_gauges.c - what a scrape reads of the drift. All of it is of the sliding window.
 *
 * Invariant: a metric that the baseline says nothing of has no series: NaN would be a verdict that
 * is still to come. Comparisons have none before the first row either, so that models that idle
 * cost a scrape little. */
#include <math.h>
#include <stdlib.h>
#include "metrics/metrics.h"
#include "neurons/drift.h"
#include "neurons/neurons.h"

/* Baseline and window. */
struct comparison {
    const struct baseline *b;
    const struct axon_neurons *n;
    const struct predictions *answers; /* or NULL */
    double now_s;
    struct metrics_model *metrics;
};

static void put(const struct comparison *c, enum metric metric, bool there, double value)
{
    if (there)
        metrics_model_set(c->metrics, metric, value);
    else
        metrics_model_unset(c->metrics, metric);
}

static void put_layer(const struct comparison *c, size_t layer, size_t index)
{
    struct drift_layer d = drift_of_layer(c->b, c->n, layer, AXON_WINDOW_SLIDING, c->now_s);

    metrics_layer_set(c->metrics, METRIC_neuron_drift, index, AXON_WINDOW_SLIDING, d.drift);
    metrics_layer_set(c->metrics, METRIC_neuron_drift_noise, index, AXON_WINDOW_SLIDING, d.noise);
    metrics_layer_set(c->metrics, METRIC_newly_dead_units, index, AXON_WINDOW_SLIDING,
                      d.newly_dead);
}

/* Sensors that vary in the baseline, and no more: what has one value in the window; and what has
 * one by no chance, as a feature that is seldom set has it: enough rows of the window would have
 * changed it, and enough of the baseline did. */
struct stuck {
    double features, newly;
};

static struct stuck stuck_features(const struct comparison *c)
{
    const struct baseline_input *habit = &c->b->input;
    struct stuck stuck = {0, 0};

    if (!axon_neurons_verdict(c->n, AXON_WINDOW_SLIDING, c->now_s))
        return (struct stuck){(double)NAN, (double)NAN};
    for (size_t f = 0; f < habit->features; f++) {
        struct axon_neurons_feature is = axon_neurons_feature(c->n, f, AXON_WINDOW_SLIDING,
                                                              c->now_s);

        if (is.max > is.min || habit->std[f] <= 0)
            continue;
        stuck.features++;
        stuck.newly += fmin((double)is.rows, (double)c->b->rows) *
                           drift_of_feature(habit, f, is.min) >=
                       DRIFT_EXPECTED_MIN;
    }
    return stuck;
}

static void put_input(const struct comparison *c)
{
    struct axon_neurons_range range = axon_neurons_range(c->n, AXON_WINDOW_SLIDING, c->now_s);
    struct stuck stuck = stuck_features(c);

    put(c, METRIC_input_stuck_features, true, stuck.features);
    put(c, METRIC_input_newly_stuck_features, true, stuck.newly);
    put(c, METRIC_input_out_of_range_ratio, true,
        range.values ? (double)range.out / (double)range.values : (double)NAN);
}

/* counts [classes] are those of the window. */
static void put_classes(const struct comparison *c, const uint64_t *counts, uint64_t rows)
{
    size_t classes = c->b->classes_count;
    bool verdict = axon_neurons_verdict(c->n, AXON_WINDOW_SLIDING, c->now_s) && rows > 0;
    uint64_t habit = 0;

    for (size_t i = 0; i < classes; i++)
        habit += c->b->classes[i];
    put(c, METRIC_prediction_drift, habit > 0,
        verdict ? drift_of_classes(counts, c->b->classes, classes) : (double)NAN);
    put(c, METRIC_prediction_drift_noise, habit > 0,
        rows > 0 ? (double)(classes - 1) * (1 / (double)habit + 1 / (double)rows) : (double)NAN);
}

static void put_answers(const struct comparison *c, size_t classes)
{
    uint64_t *counts = calloc(classes + 1, sizeof *counts);
    struct predictions_sum sum;

    if (!counts || !c->answers) { /* as of the last scrape */
        free(counts);
        return;
    }
    sum = predictions_window(c->answers, AXON_WINDOW_SLIDING, c->now_s, counts);
    put_classes(c, counts, sum.rows);
    free(counts);
    put(c, METRIC_expected_accuracy, c->b->temperature > 0,
        sum.rows ? sum.tempered / (double)sum.rows : (double)NAN);
}

static void put_all(const struct comparison *c)
{
    for (size_t l = 0, index = 0; l < c->b->layers_count; l++)
        if (c->b->layers[l].firing)
            put_layer(c, l, index++);
    put_input(c);
    put_answers(c, predictions_classes(c->answers));
}

void drift_refresh(struct neurons *n, const struct axon_neurons *sum, double now_s,
                   struct metrics_model *metrics)
{
    struct baseline *b = neurons_baseline(n);
    struct predictions *answers = b ? neurons_predictions(n) : NULL;
    const struct comparison c = {b, sum, answers, now_s, metrics};

    /* Without a baseline there is nothing to compare a distribution with. */
    metrics_model_buckets(metrics, b != NULL);
    if (b) {
        put(&c, METRIC_baseline_rows, true, (double)b->rows);
        put(&c, METRIC_baseline_confidence, b->has_confidence, b->confidence_mean);
    }
    if (b && axon_neurons_rows(sum, AXON_WINDOW_LOAD, now_s) > 0)
        put_all(&c);
    predictions_destroy(answers);
    baseline_unref(b);
}
