/* neurons_read.c - what the figures say: of a window, of a layer, of a unit, of a feature.
 *
 * Knows the ring of neurons.c; changes nothing in it. */
#include <math.h>
#include "neurons_internal.h"

/* A window: the parts of the ring that are in it and, since load, what was retired. */
struct view {
    const struct axon_neurons *neurons;
    const struct axon__figures *figures[RING + 1];
    size_t count;
    bool since_load; /* figures[0] is what was retired, whose counts are elsewhere */
    uint64_t rows;
};

static void view_add(struct view *view, const struct axon__figures *figures)
{
    view->figures[view->count++] = figures;
    view->rows += figures->rows;
}

static uint64_t newest(const struct axon_neurons *neurons)
{
    uint64_t number = 0;

    for (size_t i = 0; i < RING; i++)
        if (neurons->ring[i].number > number)
            number = neurons->ring[i].number;
    return number;
}

static struct view view_since_load(const struct axon_neurons *neurons)
{
    struct view view = {.neurons = neurons, .since_load = true};

    view_add(&view, neurons->retired);
    for (size_t i = 0; i < RING; i++)
        view_add(&view, neurons->ring[i].figures);
    return view;
}

/* From the newest part to older ones, as long as they are recent or their rows are needed. */
static struct view view_sliding(const struct axon_neurons *neurons, double now_s)
{
    struct view view = {.neurons = neurons};
    uint64_t number = newest(neurons);

    for (size_t back = 0; back < RING && back <= number; back++) {
        const struct part *part = &neurons->ring[(number - back) % RING];
        bool is_recent = part->last_s > now_s - neurons->evidence.window_s;

        if (part->number == number - back && (is_recent || view.rows < neurons->evidence.rows_min))
            view_add(&view, part->figures);
    }
    return view;
}

static struct view view_of(const struct axon_neurons *neurons, enum axon_window window,
                           double now_s)
{
    return window == AXON_WINDOW_LOAD ? view_since_load(neurons) : view_sliding(neurons, now_s);
}

/* ---- figures of a view ---- */

struct moments {
    double rows, mean, squares;
};

static double variance(const struct moments *m)
{
    return m->squares / m->rows;
}

static struct moments moments_in(const struct view *view, size_t at)
{
    const struct axon__shape *shape = &view->neurons->shape;
    struct moments m = {0};

    for (size_t i = 0; i < view->count; i++) {
        const struct axon__figures *f = view->figures[i];
        double rows = (double)f->rows, apart = axon__mean(f)[at] - m.mean;

        if (f->rows == 0)
            continue;
        m.squares += axon__squares(f, shape)[at] +
                     apart * apart * rows * (m.rows / (m.rows + rows));
        m.mean += apart * (rows / (m.rows + rows));
        m.rows += rows;
    }
    if (view->rows == 0)
        m.mean = (double)NAN;
    return m;
}

static uint64_t count_in(const struct view *view, size_t at)
{
    uint64_t sum = view->since_load ? view->neurons->retired_counts[at] : 0;

    for (size_t i = view->since_load; i < view->count; i++)
        sum += axon__counts(view->figures[i], &view->neurons->shape)[at];
    return sum;
}

static double magnitude_in(const struct view *view, size_t at)
{
    double sum = 0;

    for (size_t i = 0; i < view->count; i++)
        if (view->figures[i]->rows > 0)
            sum += axon__magnitude(view->figures[i], &view->neurons->shape)[at];
    return sum / (double)view->rows;
}

static struct axon__slopes slopes_in(const struct view *view, size_t layer)
{
    struct axon__slopes sum = {0};

    for (size_t i = 0; i < view->count; i++) {
        const struct axon__slopes *s = axon__slopes(view->figures[i], &view->neurons->shape);

        sum.sum += s[layer].sum;
        sum.rows += s[layer].rows;
    }
    return sum;
}

static float least_in(const struct view *view, size_t feature)
{
    float least = INFINITY;

    for (size_t i = 0; i < view->count; i++)
        if (view->figures[i]->rows > 0)
            least = fminf(least, axon__least(view->figures[i], &view->neurons->shape)[feature]);
    return least;
}

static float most_in(const struct view *view, size_t feature)
{
    float most = -INFINITY;

    for (size_t i = 0; i < view->count; i++)
        if (view->figures[i]->rows > 0)
            most = fmaxf(most, axon__most(view->figures[i], &view->neurons->shape)[feature]);
    return most;
}

static bool rows_differ(const struct view *view)
{
    for (size_t f = 0; f < view->neurons->features; f++)
        if (least_in(view, f) < most_in(view, f))
            return true;
    return false;
}

static bool has_verdict(const struct view *view)
{
    return view->rows >= view->neurons->evidence.rows_min && rows_differ(view);
}

/* ---- units ---- */

static enum axon_unit_state state_of(const struct axon_neurons *neurons, size_t at, bool verdict,
                                     uint64_t fired)
{
    if (fired > 0)
        return AXON_UNIT_ALIVE;
    if (neurons->proven[at])
        return AXON_UNIT_PROVEN_DEAD;
    if (!verdict)
        return AXON_UNIT_SUSPECT;
    return neurons->has_zeros[at] ? AXON_UNIT_DEAD : AXON_UNIT_SILENT;
}

/* Rows of which saturation was counted: all, or those that were sampled. */
static double ends_rows(const struct view *view, size_t layer)
{
    return isnan(view->neurons->layers[layer].watch.low_end) ? (double)slopes_in(view, layer).rows
                                                             : (double)view->rows;
}

static double last_active_s(const struct axon_neurons *neurons, const struct layer *l, size_t unit)
{
    double last_s = neurons->retired_active_s[l->first + unit];

    for (size_t i = 0; i < RING; i++) {
        const struct part *part = &neurons->ring[i];

        if (axon__counts(part->figures, &neurons->shape)[l->watch.counts + unit] > 0)
            last_s = fmax(last_s, part->last_s);
    }
    return last_s;
}

/* All but its state and when it was active. */
static struct axon_neurons_unit unit_in(const struct view *view, size_t layer, size_t unit,
                                        double rows_of_ends)
{
    const struct layer *l = &view->neurons->layers[layer];
    const struct axon__layer_watch *watch = &l->watch;
    struct moments m = moments_in(view, watch->moments + unit);
    struct axon_neurons_unit is = {.rows = view->rows,
                                   .fired = count_in(view, watch->counts + unit),
                                   .mean = m.mean,
                                   .std = sqrt(variance(&m)),
                                   .magnitude = m.mean,
                                   .saturated_low = (double)NAN,
                                   .saturated_high = (double)NAN};

    if (watch->full)
        is.magnitude = magnitude_in(view, watch->magnitudes + unit);
    if (watch->ends) {
        size_t low = watch->counts + l->stride + unit;

        is.saturated_low = (double)count_in(view, low) / rows_of_ends;
        is.saturated_high = (double)count_in(view, low + l->stride) / rows_of_ends;
    }
    return is;
}

/* All units of a layer have this in common. */
struct common {
    bool verdict;
    double rows_of_ends;
};

static struct common common_of(const struct view *view, size_t layer)
{
    return (struct common){has_verdict(view), ends_rows(view, layer)};
}

static struct axon_neurons_unit unit_of(const struct view *view, size_t layer, size_t unit,
                                        const struct common *common)
{
    const struct layer *l = &view->neurons->layers[layer];
    struct axon_neurons_unit is = unit_in(view, layer, unit, common->rows_of_ends);

    is.state = state_of(view->neurons, l->first + unit, common->verdict, is.fired);
    is.last_active_s = last_active_s(view->neurons, l, unit);
    return is;
}

struct axon_neurons_unit axon_neurons_unit(const struct axon_neurons *neurons, size_t layer,
                                           size_t unit, enum axon_window window, double now_s)
{
    struct view view = view_of(neurons, window, now_s);
    struct common common = common_of(&view, layer);

    return unit_of(&view, layer, unit, &common);
}

void axon_neurons_units(const struct axon_neurons *neurons, size_t layer, enum axon_window window,
                        double now_s, struct axon_neurons_unit *units)
{
    struct view view = view_of(neurons, window, now_s);
    struct common common = common_of(&view, layer);

    for (size_t u = 0; u < neurons->layers[layer].units; u++)
        units[u] = unit_of(&view, layer, u, &common);
}

uint64_t axon_neurons_fired(const struct axon_neurons *neurons, size_t layer, size_t unit,
                            enum axon_window window, double now_s)
{
    struct view view = view_of(neurons, window, now_s);

    return count_in(&view, neurons->layers[layer].watch.counts + unit);
}

enum axon_unit_state axon_neurons_state(const struct axon_neurons *neurons, size_t layer,
                                        size_t unit, enum axon_window window, double now_s)
{
    struct view view = view_of(neurons, window, now_s);
    const struct layer *l = &neurons->layers[layer];

    return state_of(neurons, l->first + unit, has_verdict(&view),
                    count_in(&view, l->watch.counts + unit));
}

double axon_neurons_dormant_score(double magnitude, double layer_magnitude)
{
    return magnitude == 0 && layer_magnitude == 0 ? 0 : magnitude / layer_magnitude;
}

double axon_neurons_rate_upper95(uint64_t rows)
{
    return rows ? -expm1(log(0.05) / (double)rows) : 1.0;
}

/* ---- layers ---- */

/* Sums over the units of a layer. */
struct layer_sums {
    double mean, mean_squares, variance, magnitude, low, high, slope;
};

/* sum over the rows of |f'(z)|, of what counts and moments tell it from; else 0. */
static double slope_of(const struct axon_neurons *neurons, const struct layer *l, size_t at,
                       const struct axon_neurons_unit *unit)
{
    double rows = (double)unit->rows, square = unit->std * unit->std + unit->mean * unit->mean;

    switch (l->watch.slope) {
    case AXON__SLOPE_FIRED:
        return (double)unit->fired +
               (double)neurons->below[at] * (double)(unit->rows - unit->fired);
    case AXON__SLOPE_SIGMOID:
        return rows * (unit->mean - square);
    case AXON__SLOPE_TANH:
        return rows * (1 - square);
    default:
        return 0;
    }
}

static void count_unit(struct axon_neurons_layer *is, enum axon_unit_state state,
                       const struct axon_neurons_unit *unit, bool has_zeros)
{
    is->silent += unit->fired == 0;
    is->proven_dead += state == AXON_UNIT_PROVEN_DEAD;
    is->dead += is->verdict && (state == AXON_UNIT_DEAD || state == AXON_UNIT_PROVEN_DEAD);
    is->suspect += state == AXON_UNIT_SUSPECT;
    is->saturated += is->verdict &&
                     unit->saturated_low + unit->saturated_high >= AXON_SATURATED_SHARE;
    is->zero_outputs += has_zeros ? unit->rows - unit->fired : 0;
    is->has_zeros |= has_zeros;
}

static void sum_units(struct axon_neurons_layer *is, struct layer_sums *sums,
                      const struct view *view, size_t layer)
{
    const struct axon_neurons *neurons = view->neurons;
    const struct layer *l = &neurons->layers[layer];
    double rows_of_ends = ends_rows(view, layer);

    for (size_t u = 0; u < l->units; u++) {
        struct axon_neurons_unit unit = unit_in(view, layer, u, rows_of_ends);
        size_t at = l->first + u;

        count_unit(is, state_of(neurons, at, is->verdict, unit.fired), &unit,
                   neurons->has_zeros[at]);
        sums->mean += unit.mean;
        sums->mean_squares += unit.mean * unit.mean;
        sums->variance += unit.std * unit.std;
        sums->magnitude += unit.magnitude;
        sums->low += unit.saturated_low;
        sums->high += unit.saturated_high;
        sums->slope += slope_of(neurons, l, at, &unit);
    }
}

/* Means, of rows and units that are as many for each. */
static void average(struct axon_neurons_layer *is, const struct layer_sums *sums,
                    const struct view *view, size_t layer)
{
    const struct axon__layer_watch *watch = &view->neurons->layers[layer].watch;
    struct axon__slopes sampled = slopes_in(view, layer);
    double units = (double)is->units, spread;

    is->mean = sums->mean / units;
    spread = sums->variance / units + sums->mean_squares / units - is->mean * is->mean;
    is->std = sqrt(spread > 0 ? spread : 0 * is->mean); /* not below 0; NaN stays */
    is->magnitude = sums->magnitude / units;
    is->saturated_low = sums->low / units;
    is->saturated_high = sums->high / units;
    is->derivative_rows = watch->slope == AXON__SLOPE_NONE ? 0 : is->rows;
    is->derivative_mean = sums->slope / (double)is->derivative_rows / units;
    if (watch->slope == AXON__SLOPE_SAMPLED) {
        is->derivative_rows = sampled.rows;
        is->derivative_mean = sampled.sum / (double)sampled.rows / units;
    }
}

static uint64_t dormant_in(const struct view *view, size_t layer, double layer_magnitude)
{
    uint64_t dormant = 0;

    for (size_t u = 0; u < view->neurons->layers[layer].units; u++)
        dormant += axon_neurons_dormant_score(unit_in(view, layer, u, 1).magnitude,
                                              layer_magnitude) <= AXON_DORMANT_TAU;
    return dormant;
}

struct axon_neurons_layer axon_neurons_layer(const struct axon_neurons *neurons, size_t layer,
                                             enum axon_window window, double now_s)
{
    const struct layer *l = &neurons->layers[layer];
    struct axon_neurons_layer is = {.watched = l->watch.on, .units = l->units};
    struct view view = view_of(neurons, window, now_s);
    struct layer_sums sums = {0};

    for (size_t i = 0; i < view.count; i++)
        is.non_finite += axon__non_finite(view.figures[i], &neurons->shape)[layer];
    if (!is.watched)
        return is;
    is.rows = view.rows;
    is.verdict = has_verdict(&view);
    is.outputs = is.rows * is.units;
    sum_units(&is, &sums, &view, layer);
    average(&is, &sums, &view, layer);
    if (is.verdict)
        is.dormant = dormant_in(&view, layer, is.magnitude);
    return is;
}

/* ---- the rest ---- */

size_t axon_neurons_layers_count(const struct axon_neurons *neurons)
{
    return neurons->layers_count;
}

size_t axon_neurons_features_count(const struct axon_neurons *neurons)
{
    return neurons->features;
}

uint64_t axon_neurons_rows(const struct axon_neurons *neurons, enum axon_window window,
                           double now_s)
{
    return view_of(neurons, window, now_s).rows;
}

bool axon_neurons_verdict(const struct axon_neurons *neurons, enum axon_window window, double now_s)
{
    struct view view = view_of(neurons, window, now_s);

    return has_verdict(&view);
}

struct axon_neurons_feature axon_neurons_feature(const struct axon_neurons *neurons, size_t feature,
                                                 enum axon_window window, double now_s)
{
    struct view view = view_of(neurons, window, now_s);
    struct moments m = moments_in(&view, feature);
    bool any = view.rows > 0;

    return (struct axon_neurons_feature){
        .rows = view.rows,
        .min = any ? (double)least_in(&view, feature) : (double)NAN,
        .max = any ? (double)most_in(&view, feature) : (double)NAN,
        .mean = m.mean,
        .std = sqrt(variance(&m)),
    };
}

struct axon_neurons_range axon_neurons_range(const struct axon_neurons *neurons,
                                             enum axon_window window, double now_s)
{
    struct view view = view_of(neurons, window, now_s);
    struct axon_neurons_range is = {0};

    for (size_t i = 0; i < view.count; i++) {
        is.values += view.figures[i]->ranged * neurons->features;
        is.out += view.figures[i]->out;
    }
    return is;
}

struct axon_not_finite axon_neurons_not_finite(const struct axon_neurons *neurons, double *at_s)
{
    *at_s = neurons->first_s;
    return neurons->first;
}
