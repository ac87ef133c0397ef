/* gauges.c - what a scrape reads of the neurons: the layer metrics.
 *
 * Metrics of exact zeros have series from the start, NaN without rows, since alerts ask for them;
 * the rest has them once there are rows. */
#include <math.h>
#include "base/clock.h"
#include "metrics/metrics.h"
#include "neurons/drift.h"
#include "neurons/neurons.h"

/* Where a layer's metrics go. */
struct gauges {
    struct metrics_model *metrics;
    size_t index; /* of the layer */
};

/* A share of nothing is no number: 0 would read as healthy. */
static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : (double)NAN;
}

static void put(const struct gauges *g, enum metric metric, unsigned index, double value)
{
    metrics_layer_set(g->metrics, metric, g->index, index, value);
}

/* The gauges of one window. No verdict is NaN, never 0; the raw share needs a row, no more. */
static void zeros_refresh(const struct gauges *g, const struct axon_neurons_layer *n,
                          enum axon_window w)
{
    put(g, METRIC_dead_relu_ratio, w, ratio(n->dead, n->verdict ? n->units : 0));
    put(g, METRIC_silent_unit_ratio, w, ratio(n->silent, n->rows ? n->units : 0));
}

static void silent_refresh(const struct gauges *g, const struct axon_neurons_layer *n,
                           enum axon_window w)
{
    if (n->rows > 0)
        put(g, METRIC_silent_unit_ratio, w, ratio(n->silent, n->units));
}

/* The sliding window's. Metrics that the activation does not have stay away. */
static void health_refresh(const struct gauges *g, const struct axon_neurons_layer *n)
{
    if (n->rows == 0)
        return;
    put(g, METRIC_dormant_unit_ratio, 0, ratio(n->dormant, n->verdict ? n->units : 0));
    put(g, METRIC_activation_mean, 0, n->mean);
    put(g, METRIC_activation_std, 0, n->std);
    if (n->derivative_rows > 0)
        put(g, METRIC_derivative_mean, 0, n->derivative_mean);
    if (isnan(n->saturated_low))
        return;
    put(g, METRIC_saturated_output_ratio, SIDE_LOW, n->saturated_low);
    put(g, METRIC_saturated_output_ratio, SIDE_HIGH, n->saturated_high);
}

static void layer_refresh(const struct gauges *g, const struct axon_neurons *sum, size_t layer,
                          double now_s)
{
    struct axon_neurons_layer since_load = axon_neurons_layer(sum, layer, AXON_WINDOW_LOAD, now_s);
    struct axon_neurons_layer sliding = axon_neurons_layer(sum, layer, AXON_WINDOW_SLIDING, now_s);

    health_refresh(g, &sliding);
    if (!since_load.has_zeros) {
        silent_refresh(g, &since_load, AXON_WINDOW_LOAD);
        silent_refresh(g, &sliding, AXON_WINDOW_SLIDING);
        return;
    }
    zeros_refresh(g, &since_load, AXON_WINDOW_LOAD);
    zeros_refresh(g, &sliding, AXON_WINDOW_SLIDING);
    put(g, METRIC_relu_zero_fraction, 0, ratio(sliding.zero_outputs, sliding.outputs));
    put(g, METRIC_relu_outputs_total, 0, (double)since_load.outputs);
    put(g, METRIC_relu_zero_outputs_total, 0, (double)since_load.zero_outputs);
}

void neurons_refresh(struct neurons *n, struct metrics_model *metrics)
{
    double now_s = clock_s();
    struct axon_neurons *sum = neurons_merge(n);
    struct gauges g = {.metrics = metrics};

    for (size_t l = 0; sum && l + 1 < axon_neurons_layers_count(sum); l++, g.index++)
        layer_refresh(&g, sum, l, now_s);
    if (sum)
        drift_refresh(n, sum, now_s, metrics);
    axon_neurons_destroy(sum);
}
