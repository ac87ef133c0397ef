/* neurons_drift.c - see neurons_drift.h. The figures are neurons/drift.h's, as in the metrics. */
#include "api/neurons_drift.h"
#include <math.h>
#include <stdlib.h>

double neurons_drift_of(const struct neurons_drift *d, size_t unit)
{
    const struct axon_neurons_unit *is = &d->units[unit];

    return is->rows ? drift_of_unit(is->fired, is->rows, d->baseline->layers[d->layer].firing[unit],
                                    d->baseline->rows)
                    : 0;
}

struct shift {
    double psi;
    size_t unit;
};

static int largest_first(const void *a, const void *b)
{
    const struct shift *x = a, *y = b;

    if (x->psi < y->psi || x->psi > y->psi)
        return x->psi > y->psi ? -1 : 1;
    return (x->unit > y->unit) - (x->unit < y->unit);
}

static void put_shift(const struct neurons_drift *d, const struct shift *s, struct buf *out)
{
    const struct axon_neurons_unit *is = &d->units[s->unit];

    buf_printf(out, "{\"unit\":%zu,\"baseline\":%.9g,\"now\":%.9g,\"psi\":%.9g}", s->unit,
               d->baseline->layers[d->layer].firing[s->unit], (double)is->fired / (double)is->rows,
               s->psi);
}

static bool put_top(const struct neurons_drift *d, uint64_t top_k, struct buf *out)
{
    size_t units = d->baseline->layers[d->layer].units;
    struct shift *shifts = calloc(units, sizeof *shifts);

    if (!shifts)
        return false;
    for (size_t u = 0; u < units; u++)
        shifts[u] = (struct shift){neurons_drift_of(d, u), u};
    qsort(shifts, units, sizeof *shifts, largest_first);
    for (size_t i = 0; i < units && i < top_k; i++) {
        buf_puts(out, i ? "," : "");
        put_shift(d, &shifts[i], out);
    }
    free(shifts);
    return true;
}

static void put_number(struct buf *out, const char *key, double value)
{
    if (isnan(value))
        buf_printf(out, ",\"%s\":null", key);
    else
        buf_printf(out, ",\"%s\":%.9g", key, value);
}

bool neurons_drift_put(const struct neurons_drift *d, uint64_t top_k, struct buf *out)
{
    struct drift_layer is = drift_of_layer(d->baseline, d->n, d->layer, d->window, d->now_s);
    bool done = true;

    put_number(out, "drift", is.drift);
    put_number(out, "drift_noise", is.noise);
    put_number(out, "newly_dead", is.newly_dead);
    buf_puts(out, ",\"top_shifted\":[");
    if (!isnan(is.drift))
        done = put_top(d, top_k, out);
    buf_puts(out, "]");
    return done;
}
