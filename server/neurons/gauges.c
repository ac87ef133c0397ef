/* gauges.c - what a scrape reads of the neurons: the layer metrics. */
#include <math.h>
#include "base/clock.h"
#include "metrics/metrics.h"
#include "neurons/drift.h"
#include "neurons/neurons.h"

/* A share of nothing is no number: 0 would read as healthy. */
static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : (double)NAN;
}

/* The gauges of one window. No verdict is NaN, never 0; the raw share needs a row, no more. */
static void window_refresh(struct metrics_model *metrics, const struct axon_neurons_layer *n,
                           size_t index, enum axon_window w)
{
    metrics_layer_set(metrics, METRIC_dead_relu_ratio, index, w,
                      ratio(n->dead, n->verdict ? n->units : 0));
    metrics_layer_set(metrics, METRIC_silent_unit_ratio, index, w,
                      ratio(n->silent, n->rows ? n->units : 0));
    metrics_layer_set(metrics, METRIC_relu_zero_fraction, index, w,
                      ratio(n->zero_outputs, n->outputs));
}

static void layer_refresh(struct metrics_model *metrics, const struct axon_neurons *sum,
                          size_t layer, size_t index, double now_s)
{
    struct axon_neurons_layer since_load = axon_neurons_layer(sum, layer, AXON_WINDOW_LOAD, now_s);
    struct axon_neurons_layer sliding = axon_neurons_layer(sum, layer, AXON_WINDOW_SLIDING, now_s);

    window_refresh(metrics, &since_load, index, AXON_WINDOW_LOAD);
    window_refresh(metrics, &sliding, index, AXON_WINDOW_SLIDING);
    metrics_layer_set(metrics, METRIC_relu_outputs_total, index, AXON_WINDOW_LOAD,
                      (double)since_load.outputs);
    metrics_layer_set(metrics, METRIC_relu_zero_outputs_total, index, AXON_WINDOW_LOAD,
                      (double)since_load.zero_outputs);
}

void neurons_refresh(struct neurons *n, struct metrics_model *metrics)
{
    double now_s = clock_s();
    struct axon_neurons *sum = neurons_merge(n);

    for (size_t l = 0, index = 0; sum && l < axon_neurons_layers_count(sum); l++)
        if (axon_neurons_layer(sum, l, AXON_WINDOW_LOAD, now_s).watched)
            layer_refresh(metrics, sum, l, index++, now_s);
    if (sum)
        drift_refresh(n, sum, now_s, metrics);
    axon_neurons_destroy(sum);
}
