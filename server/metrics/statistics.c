/* statistics.c - what a loaded version has done, for those who ask for one rather than for all.
 * Reads what metrics.c counts; counts nothing. */
#include "metrics/registry.h"

/* Values of a metric with the label of a model, as far as the version counts them. */
static struct metrics_time time_of(const struct metrics_model *m, enum metric metric)
{
    const struct bounds *b = bounds_of(metric_rows[metric].type);
    unsigned slot = layout.offset[metric];
    struct metrics_time time = {.ns = cells_sum(m->shared, slot + b->count + 1)};

    for (unsigned i = 0; i <= b->count; i++)
        time.count += cells_sum(m->shared, slot + i);
    return time;
}

static uint64_t count_of(const struct metrics_model *m, enum metric metric, unsigned index)
{
    return cells_sum(m->values.cells, layout.offset[metric] + index);
}

struct metrics_statistics metrics_model_statistics(const struct metrics_model *m)
{
    struct metrics_statistics s = {
        .success = time_of(m, METRIC_inference_duration_seconds),
        .parse = time_of(m, METRIC_inference_parse_seconds),
        .queue = time_of(m, METRIC_inference_queue_seconds),
        .compute = time_of(m, METRIC_inference_compute_seconds),
        .write = time_of(m, METRIC_inference_write_seconds),
        .rows = count_of(m, METRIC_inference_rows_total, 0),
        .batches = count_of(m, METRIC_inference_batches_total, 0),
    };
    uint64_t phases_ns = s.parse.ns + s.queue.ns + s.compute.ns + s.write.ns;

    for (unsigned outcome = 0; outcome < OUTCOME_COUNT; outcome++)
        if (outcome != OUTCOME_SUCCESS)
            s.failure.count += count_of(m, METRIC_inference_requests_total, outcome);
    /* Time of a phase that no success took; each is rounded, and somebody may count just now. */
    if (s.failure.count > 0 && phases_ns > s.success.ns)
        s.failure.ns = phases_ns - s.success.ns;
    return s;
}
