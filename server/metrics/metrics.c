/* metrics.c - counting: what the rest of the server calls while it works.
 *
 * Invariant: nothing on a request's way takes the lock; all that can wait there is the allocator,
 * once per worker and block. The lock guards the lists of models, which change when a model loads,
 * and is held for a piece of a scrape. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "metrics/registry.h"

/* A metric's slot in a block of `scope`; -1 for a metric of another scope or an index that it does
 * not have: a caller's mistake must not write beside its metric. */
static long slot_of(enum metric metric, enum metric_scope scope, unsigned index)
{
    if (metric >= METRIC_COUNT || metric_rows[metric].scope != scope ||
        index >= layout.slots[metric])
        return -1;
    return (long)layout.offset[metric] + (long)index;
}

static void set(_Atomic uint64_t *place, double value)
{
    uint64_t bits;

    if (!(value < 0) && !(value > 0) && !isnan(value))
        value = -0.0;
    memcpy(&bits, &value, sizeof bits);
    atomic_store_explicit(place, bits, memory_order_relaxed);
}

static void unset(_Atomic uint64_t *place)
{
    atomic_store_explicit(place, 0, memory_order_relaxed);
}

bool value_is_set(const struct values *values, unsigned slot)
{
    return values->set && atomic_load_explicit(&values->set[slot], memory_order_relaxed) != 0;
}

double value_set(const struct values *values, unsigned slot)
{
    double value = 0;
    if (values->set) {
        uint64_t bits = atomic_load_explicit(&values->set[slot], memory_order_relaxed);
        memcpy(&value, &bits, sizeof value);
    }
    return value;
}

/* As whole nanoseconds (things), so that sums can be added atomically; 2^64 ns are 584 years. */
static uint64_t scaled(const struct bounds *b, double value)
{
    double units = value * b->per_unit;

    return !(units > 0) ? 0 : units < 1e18 ? (uint64_t)(units + 0.5) : (uint64_t)1e18;
}

static unsigned bucket_of(const struct bounds *b, uint64_t units)
{
    unsigned bucket = 0;

    while (bucket < b->count && units > b->bound[bucket].value)
        bucket++;
    return bucket;
}

unsigned metrics_bucket(enum metric metric, double value)
{
    const struct bounds *b = bounds_of(metric_rows[metric].type);

    return bucket_of(b, scaled(b, value));
}

/* Count a value into what starts at slot. */
static void observe(struct cells *cells, size_t slot, enum metric_type type, double value)
{
    const struct bounds *b = bounds_of(type);
    uint64_t units = scaled(b, value);

    cells_add(cells, slot + bucket_of(b, units), 1);
    cells_add(cells, slot + b->count + 1, units);
}

/* ---- global ---- */

void metrics_add(enum metric metric, unsigned index, uint64_t value)
{
    long slot = slot_of(metric, SCOPE_GLOBAL, index);
    if (slot >= 0 && registry.global.cells)
        cells_add(registry.global.cells, (size_t)slot, value);
}

void metrics_gauge_add(enum metric metric, int64_t value)
{
    metrics_add(metric, 0, (uint64_t)value);
}

void metrics_gauge_set(enum metric metric, double value)
{
    long slot = slot_of(metric, SCOPE_GLOBAL, 0);
    if (slot >= 0 && registry.global.set)
        set(&registry.global.set[slot], value);
}

/* ---- http ---- */

/* A key is 1 + (route * methods + method) * HTTP_CODES + code, which no label can push beyond its
 * field. The table is open addressing with keys that are claimed once and never leave. */
static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
enum { METHODS = sizeof methods / sizeof *methods, METHOD_OTHER = METHODS };

/* The last entry takes what finds no place: what a client sends must not make the scrape grow
 * without bound. */
enum { SERIES_OVERFLOW = HTTP_SERIES_MAX - 1, PROBES_MAX = 64 };
static const uint32_t KEY_OVERFLOW = UINT32_MAX;

static unsigned route_row(unsigned route)
{
    return route < registry.info.routes_count ? route : registry.info.routes_count;
}

/* A method that the route does not take, or of an unknown path that no route takes, is as good as
 * one that nobody has heard of. */
static unsigned method_of(unsigned row, const char *method)
{
    unsigned m = 0;

    while (m < METHODS && !(method && strcmp(methods[m], method) == 0))
        m++;
    return m < METHODS && registry.methods[row] >> m & 1 ? m : (unsigned)METHOD_OTHER;
}

static uint32_t http_key(unsigned row, unsigned method, unsigned code)
{
    return 1 + (row * (METHODS + 1) + method) * HTTP_CODES + (code < HTTP_CODES ? code : 0);
}

const char *route_label(unsigned row)
{
    return row < registry.info.routes_count ? registry.info.route_label(row) : "other";
}

void http_labels_of(uint32_t key, struct http_labels *labels)
{
    uint32_t rest = (key - 1) / HTTP_CODES, code = (key - 1) % HTTP_CODES;
    uint32_t row = rest / (METHODS + 1), m = rest % (METHODS + 1);
    bool known = key != KEY_OVERFLOW;

    labels->route = known ? route_label(row) : "other";
    labels->method = known && m < METHODS ? methods[m] : "other";
    labels->code = "other";
    if (known && code > 0) {
        labels->code_text[0] = (char)('0' + code / 100);
        labels->code_text[1] = (char)('0' + code / 10 % 10);
        labels->code_text[2] = (char)('0' + code % 10);
        labels->code_text[3] = '\0';
        labels->code = labels->code_text;
    }
}

static void give_back(void)
{
    atomic_fetch_sub_explicit(&registry.http_added, 1, memory_order_relaxed);
}

/* An entry of what clients bring about, to be used or given back; false if there have been enough.
 */
static bool may_add(void)
{
    if (atomic_fetch_add_explicit(&registry.http_added, 1, memory_order_relaxed) < HTTP_ADDED_MAX)
        return true;
    give_back();
    return false;
}

static struct http_series *http_series_overflow(void)
{
    struct http_series *last = &registry.http[SERIES_OVERFLOW];

    atomic_store_explicit(&last->key, KEY_OVERFLOW, memory_order_relaxed);
    return last;
}

/* The entry of the key, which is claimed if there is none: foreseen, or within the bound. */
static struct http_series *http_series_find(uint32_t key, bool foreseen)
{
    uint32_t at = (key * 2654435761u) >> 8;

    for (unsigned i = 0; i < PROBES_MAX; i++) {
        struct http_series *s = &registry.http[(at + i) % SERIES_OVERFLOW];
        uint32_t found = atomic_load_explicit(&s->key, memory_order_relaxed);
        if (found == 0) {
            if (!foreseen && !may_add())
                return http_series_overflow();
            if (atomic_compare_exchange_strong_explicit(&s->key, &found, key, memory_order_relaxed,
                                                        memory_order_relaxed))
                return s;
            if (!foreseen) /* another thread was faster */
                give_back();
        }
        if (found == key)
            return s;
    }
    return http_series_overflow();
}

/* The cells of a series, made when it is first counted; NULL when out of memory. */
static struct cells *http_series_cells(struct http_series *s)
{
    struct cells *cells = atomic_load_explicit(&s->cells, memory_order_acquire);
    if (cells)
        return cells;
    struct cells *made = cells_create(layout.block[SCOPE_HTTP]);
    if (!made || atomic_compare_exchange_strong_explicit(
                     &s->cells, &cells, made, memory_order_acq_rel, memory_order_acquire))
        return made;
    cells_destroy(made);
    return cells;
}

void metrics_http_request(unsigned route, const char *method, unsigned code, double seconds,
                          uint64_t bytes_in, uint64_t bytes_out)
{
    if (!registry.routes)
        return;
    metrics_add(METRIC_http_request_bytes_total, 0, bytes_in);
    metrics_add(METRIC_http_response_bytes_total, 0, bytes_out);
    unsigned row = route_row(route);
    uint32_t key = http_key(row, method_of(row, method), code);
    struct cells *cells = http_series_cells(http_series_find(key, false));
    if (cells)
        cells_add(cells, layout.offset[METRIC_http_requests_total], 1);
    observe(registry.routes,
            (size_t)row * layout.block[SCOPE_ROUTE] +
                layout.offset[METRIC_http_request_duration_seconds],
            TYPE_HISTOGRAM, seconds);
}

/* ---- start and end ---- */

/* Series that alerts and dashboards ask for start at 0, or a rate would not see their first count.
 * HEAD is left out: a third of every scrape, for what nobody sends. */
static void foresee(unsigned row, unsigned method)
{
    static const unsigned failures[] = {400, 429, 500, 503, 504};
    const char *name = methods[method];

    if (strcmp(name, "HEAD") == 0)
        return;
    http_series_find(http_key(row, method, 200), true);
    for (size_t i = 0; strcmp(name, "POST") == 0 && i < sizeof failures / sizeof *failures; i++)
        http_series_find(http_key(row, method, failures[i]), true);
}

static void routes_init(const struct metrics_info *info)
{
    for (unsigned r = 0; r < info->routes_count; r++)
        for (unsigned m = 0; m < METHODS; m++)
            if (info->route_takes && info->route_takes(r, methods[m])) {
                registry.methods[r] |= 1u << m;
                registry.methods[info->routes_count] |= 1u << m;
                foresee(r, m);
            }
}

int metrics_init(const struct metrics_info *info)
{
    const struct layout *l = layout_get();
    size_t routes = (size_t)info->routes_count + 1;

    registry.info = *info;
    registry.global.cells = cells_create(l->block[SCOPE_GLOBAL]);
    registry.global.set = calloc(l->block[SCOPE_GLOBAL], sizeof *registry.global.set);
    registry.routes = cells_create(routes * l->block[SCOPE_ROUTE]);
    registry.methods = calloc(routes, sizeof *registry.methods);
    if (!registry.global.cells || !registry.global.set || !registry.routes || !registry.methods) {
        metrics_fini();
        return -1;
    }
    snprintf(registry.window, sizeof registry.window, "%gs", info->window_s);
    routes_init(info);
    return 0;
}

void metrics_fini(void)
{
    for (size_t i = 0; i < HTTP_SERIES_MAX; i++)
        cells_destroy(registry.http[i].cells);
    memset(registry.http, 0, sizeof registry.http);
    registry.http_added = 0;
    cells_destroy(registry.global.cells);
    free(registry.global.set);
    cells_destroy(registry.routes);
    free(registry.methods);
    registry.global = (struct values){NULL, NULL};
    registry.routes = NULL;
    registry.methods = NULL;
    registry.info = (struct metrics_info){0};
}

/* ---- models ---- */

void metrics_model_add(struct metrics_model *m, enum metric metric, unsigned index, uint64_t value)
{
    long slot = slot_of(metric, SCOPE_VERSION, index);
    long shared = slot_of(metric, SCOPE_MODEL, index);
    if (slot >= 0)
        cells_add(m->values.cells, (size_t)slot, value);
    else if (shared >= 0)
        cells_add(m->shared, (size_t)shared, value);
}

/* Where the metric's values are observed; NULL if they are not. */
static struct cells *observed_cells(struct metrics_model *m, enum metric metric)
{
    const struct metric_row *row = &metric_rows[metric];

    if (!bounds_of(row->type))
        return NULL;
    return row->scope == SCOPE_MODEL     ? m->shared
           : row->scope == SCOPE_VERSION ? m->values.cells
                                         : NULL;
}

void metrics_model_observe(struct metrics_model *m, enum metric metric, double value)
{
    struct cells *cells = observed_cells(m, metric);

    if (cells)
        observe(cells, layout.offset[metric], metric_rows[metric].type, value);
}

void metrics_model_observe_buckets(struct metrics_model *m, enum metric metric,
                                   const uint32_t counts[static METRICS_BUCKETS_MAX], double sum)
{
    struct cells *cells = observed_cells(m, metric);
    const struct bounds *b = bounds_of(metric_rows[metric].type);

    for (unsigned i = 0; cells && i <= b->count; i++)
        if (counts[i] > 0)
            cells_add(cells, layout.offset[metric] + i, counts[i]);
    if (cells)
        cells_add(cells, layout.offset[metric] + b->count + 1, scaled(b, sum));
}

void metrics_class_add(struct metrics_model *m, enum metric metric, size_t class, uint64_t value)
{
    long slot = slot_of(metric, SCOPE_CLASS, 0);
    size_t place = class < METRICS_CLASSES_MAX ? class : METRICS_CLASSES_MAX;

    if (slot >= 0 && place < m->classes_count)
        cells_add(m->class_cells, place * layout.block[SCOPE_CLASS] + (size_t)slot, value);
}

void metrics_model_unset(struct metrics_model *m, enum metric metric)
{
    long slot = slot_of(metric, SCOPE_VERSION, 0);
    if (slot >= 0)
        unset(&m->values.set[slot]);
}

void metrics_model_set(struct metrics_model *m, enum metric metric, double value)
{
    long slot = slot_of(metric, SCOPE_VERSION, 0);
    if (slot >= 0)
        set(&m->values.set[slot], value);
}

void metrics_model_buckets(struct metrics_model *m, bool wanted)
{
    atomic_store_explicit(&m->buckets, wanted, memory_order_relaxed);
}

void metrics_layer_set(struct metrics_model *m, enum metric metric, size_t layer, unsigned index,
                       double value)
{
    bool indexed = metric < METRIC_COUNT && layout.slots[metric] > 1;
    long slot = slot_of(metric, SCOPE_LAYER, indexed ? index : 0);

    if (slot >= 0 && layer < m->layers_count)
        set(&m->layer_set[layer * layout.block[SCOPE_LAYER] + (size_t)slot], value);
}
