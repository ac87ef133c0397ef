/* exposition.c - the registry as Prometheus text 0.0.4 or OpenMetrics 1.0.
 *
 * Walks the table row by row, so that a family's samples stand together: a family is written with
 * the lock held, from its first sample to its last. Knows the formats; counts nothing. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/accept.h"
#include "metrics/process.h"
#include "metrics/registry.h"

struct writer {
    struct buf *out;
    bool openmetrics;
    enum metric metric;
    const struct metric_row *row;
    struct label_list labels;
    const char *value[LABEL_COUNT];
    bool headed; /* HELP and TYPE of this row are written */
};

/* ---- formats ---- */

static bool has_suffix(const char *name, size_t length, const char *suffix)
{
    size_t n = strlen(suffix);
    return length >= n && memcmp(name + length - n, suffix, n) == 0;
}

/* Length of the family's name: OpenMetrics drops the suffix that the type gives to samples. */
static size_t family_length(const struct writer *w)
{
    static const char *const suffix[] = {[TYPE_COUNTER] = "_total", [TYPE_INFO] = "_info"};
    size_t length = strlen(w->row->name);
    const char *s = w->row->type <= TYPE_INFO ? suffix[w->row->type] : NULL;
    if (w->openmetrics && s && has_suffix(w->row->name, length, s))
        length -= strlen(s);
    return length;
}

static void write_header(struct writer *w)
{
    static const char *const text[TYPE_COUNT] = {"counter",   "gauge",     "gauge",
                                                 "summary",   "histogram", "histogram",
                                                 "histogram", "histogram", "gauge"};
    static const char *const open[TYPE_COUNT] = {"counter",   "gauge",     "info",
                                                 "summary",   "histogram", "histogram",
                                                 "histogram", "histogram", "gauge"};
    static const char *const units[] = {"seconds", "bytes"};
    int length = (int)family_length(w);

    if (w->headed)
        return;
    w->headed = true;
    buf_printf(w->out, "# HELP %.*s %s\n", length, w->row->name, w->row->help);
    buf_printf(w->out, "# TYPE %.*s %s\n", length, w->row->name,
               (w->openmetrics ? open : text)[w->row->type]);
    for (size_t u = 0; w->openmetrics && u < sizeof units / sizeof *units; u++)
        if (has_suffix(w->row->name, (size_t)length, units[u]))
            buf_printf(w->out, "# UNIT %.*s %s\n", length, w->row->name, units[u]);
}

/* Both formats escape these three in a label's value. */
static void write_escaped(struct buf *out, const char *text)
{
    while (*text) {
        size_t plain = strcspn(text, "\\\"\n");
        buf_append(out, text, plain);
        text += plain;
        if (*text) {
            const char escape[] = {'\\', *text == '\n' ? 'n' : *text};
            buf_append(out, escape, sizeof escape);
            text++;
        }
    }
}

static void write_label(struct writer *w, const char **separator, const char *name,
                        const char *value)
{
    buf_printf(w->out, "%s%s=\"", *separator, name);
    write_escaped(w->out, value);
    buf_puts(w->out, "\"");
    *separator = ",";
}

/* The sample's name and labels, up to the space before its value. le may be NULL. */
static void begin_sample(struct writer *w, const char *suffix, const char *le)
{
    const char *separator = "{";

    write_header(w);
    buf_printf(w->out, "%s%s", w->row->name, suffix);
    for (const enum label *l = w->labels.label; *l != LABEL_COUNT; l++)
        write_label(w, &separator, label_name(*l), w->value[*l] ? w->value[*l] : "");
    if (le)
        write_label(w, &separator, "le", le);
    buf_puts(w->out, *separator == ',' ? "} " : " ");
}

/* The shortest text that reads back to the same double. */
static void write_double(struct buf *out, double value)
{
    if (isnan(value)) {
        buf_puts(out, "NaN\n");
    } else if (isinf(value)) {
        buf_puts(out, value > 0 ? "+Inf\n" : "-Inf\n");
    } else {
        char text[40];
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, value);
            if (!(strtod(text, NULL) < value) && !(strtod(text, NULL) > value))
                break;
        }
        buf_printf(out, "%s\n", text);
    }
}

static void write_count(struct writer *w, const char *suffix, const char *le, uint64_t count)
{
    begin_sample(w, suffix, le);
    buf_printf(w->out, "%" PRIu64 "\n", count);
}

static void write_value(struct writer *w, double value)
{
    begin_sample(w, "", NULL);
    write_double(w->out, value);
}

/* ---- metric types ---- */

static bool is_empty(const struct cells *cells, size_t slot, const struct bounds *b)
{
    uint64_t count = 0;

    for (unsigned i = 0; i <= b->count; i++)
        count += cells_sum(cells, slot + i);
    return count == 0;
}

/* A summary, or a histogram; at: where the block starts. */
static void write_observed(struct writer *w, const struct cells *cells, size_t at, bool buckets)
{
    const struct bounds *b = bounds_of(w->row->type);
    size_t slot = at + layout_get()->offset[w->metric];
    uint64_t count = 0;

    if (w->row->type >= TYPE_HISTOGRAM_COARSE && is_empty(cells, slot, b))
        return;
    for (unsigned i = 0; i < b->count; i++) {
        count += cells_sum(cells, slot + i);
        if (buckets)
            write_count(w, "_bucket", b->bound[i].le, count);
    }
    count += cells_sum(cells, slot + b->count);
    if (b->count > 0)
        write_count(w, "_bucket", "+Inf", count);
    begin_sample(w, "_sum", NULL);
    write_double(w->out, (double)cells_sum(cells, slot + b->count + 1) / b->per_unit);
    write_count(w, "_count", NULL, count);
}

/* One worker may take off again what another added, and a scrape between the two sees half of
 * that: fewer than none. */
static double gauge_of(uint64_t sum)
{
    int64_t count = (int64_t)sum;

    return count > 0 ? (double)count : 0;
}

/* A counter that nobody sets stays a whole number, beyond 2^53 as well. */
static void write_scalar(struct writer *w, const struct values *values, unsigned slot)
{
    uint64_t sum = cells_sum(values->cells, slot);
    double given = value_set(values, slot);

    if (w->row->type == TYPE_INFO)
        write_count(w, "", NULL, 1);
    else if (w->row->type == TYPE_COUNTER && !(given > 0))
        write_count(w, "", NULL, sum);
    else
        write_value(w, given + gauge_of(sum));
}

/* All but what is observed. */
static void write_values(struct writer *w, const struct values *values)
{
    enum label indexed = label_indexed(&w->labels);
    for (unsigned i = 0; i < layout_get()->slots[w->metric]; i++) {
        if (indexed != LABEL_COUNT)
            w->value[indexed] = label_value(indexed, i);
        if ((w->row->type == TYPE_GAUGE_IF_SET || w->row->scope == SCOPE_LAYER) &&
            !value_is_set(values, layout_get()->offset[w->metric] + i))
            continue;
        write_scalar(w, values, layout_get()->offset[w->metric] + i);
    }
}

/* ---- scopes ---- */

static void write_global(struct writer *w)
{
    const struct metrics_info *info = &registry.info;

    if (!registry.global.cells)
        return;
    w->value[LABEL_VERSION] = info->version;
    w->value[LABEL_REVISION] = info->revision;
    w->value[LABEL_COMPILER] = info->compiler;
    w->value[LABEL_ISA] = info->isa;
    write_values(w, &registry.global);
}

static int compare_series(const void *a, const void *b)
{
    uint32_t x = ((const struct http_series *)a)->key, y = ((const struct http_series *)b)->key;
    return (x > y) - (x < y);
}

static void write_http(struct writer *w)
{
    struct http_series series[HTTP_SERIES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < HTTP_SERIES_MAX; i++) {
        series[count].key = atomic_load_explicit(&registry.http[i].key, memory_order_relaxed);
        series[count].cells = atomic_load_explicit(&registry.http[i].cells, memory_order_acquire);
        count += series[count].key != 0;
    }
    qsort(series, count, sizeof *series, compare_series);
    for (size_t i = 0; i < count; i++) {
        struct http_labels labels;
        http_labels_of(series[i].key, &labels);
        w->value[LABEL_ROUTE] = labels.route;
        w->value[LABEL_METHOD] = labels.method;
        w->value[LABEL_CODE] = labels.code;
        write_count(w, "", NULL, cells_sum(series[i].cells, layout_get()->offset[w->metric]));
    }
}

static void write_routes(struct writer *w)
{
    for (unsigned r = 0; registry.routes && r <= registry.info.routes_count; r++) {
        w->value[LABEL_ROUTE] = route_label(r);
        write_observed(w, registry.routes, (size_t)r * layout_get()->block[SCOPE_ROUTE], true);
    }
}

static void write_model(struct writer *w)
{
    const struct metrics_name *last = NULL;

    for (const struct metrics_model *m = registry.models; m; last = m->name, m = m->next) {
        if (m->name == last)
            continue;
        w->value[LABEL_MODEL] = m->name->name;
        if (bounds_of(w->row->type))
            write_observed(w, m->name->cells, 0, true);
        else
            write_values(w, &(struct values){m->name->cells, NULL});
    }
}

static void name_version(struct writer *w, const struct metrics_model *m)
{
    w->value[LABEL_MODEL] = m->name->name;
    w->value[LABEL_VERSION] = m->version;
    w->value[LABEL_TASK] = m->task;
}

static void write_loaded(struct writer *w)
{
    for (const struct metrics_model *m = registry.models; m; m = m->next) {
        name_version(w, m);
        if (bounds_of(w->row->type))
            write_observed(w, m->values.cells, 0,
                           atomic_load_explicit(&m->buckets, memory_order_relaxed));
        else
            write_values(w, &m->values);
    }
}

/* Loaded versions and, of what says that they are ready, those that failed to load. */
static void write_version(struct writer *w)
{
    write_loaded(w);
    for (size_t i = 0; w->metric == METRIC_model_ready && i < registry.failed_count; i++) {
        w->value[LABEL_MODEL] = registry.failed[i].model;
        w->value[LABEL_VERSION] = registry.failed[i].version;
        write_value(w, 0);
    }
}

static void write_layer(struct writer *w)
{
    for (const struct metrics_model *m = registry.models; m; m = m->next) {
        name_version(w, m);
        for (size_t i = 0; i < m->layers_count; i++) {
            w->value[LABEL_LAYER] = m->layers[i];
            write_values(
                w, &(struct values){NULL, m->layer_set + i * layout_get()->block[SCOPE_LAYER]});
        }
    }
}

static void write_class(struct writer *w)
{
    unsigned block = layout_get()->block[SCOPE_CLASS];

    for (const struct metrics_model *m = registry.models; m; m = m->next) {
        uint64_t sum = 0;

        name_version(w, m);
        for (size_t i = 0; i < m->classes_count; i++)
            sum += cells_sum(m->class_cells, i * block + layout_get()->offset[w->metric]);
        for (size_t i = 0; i < m->classes_count && sum > 0; i++) {
            w->value[LABEL_CLASS] = m->classes[i];
            write_count(w, "", NULL,
                        cells_sum(m->class_cells, i * block + layout_get()->offset[w->metric]));
        }
    }
}

static void write_process(struct writer *w)
{
    double value = process_value(w->metric);
    if (!isnan(value))
        write_value(w, value);
}

/* ---- a scrape, a piece at a time ---- */

size_t metrics_scrape_numbers(void)
{
    return atomic_load_explicit(&registry.numbers, memory_order_relaxed);
}

void metrics_scrape_begin(struct metrics_scrape *s, const char *accept)
{
    *s = (struct metrics_scrape){
        .openmetrics = accept_prefers(accept, "application/openmetrics-text", "1.0.0",
                                      "text/plain"),
        .number = atomic_fetch_add_explicit(&registry.scrapes, 1, memory_order_relaxed) + 1};
}

const char *metrics_scrape_content_type(const struct metrics_scrape *s)
{
    return s->openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                          : "text/plain; version=0.0.4; charset=utf-8";
}

/* Scrapes that come together share a refresh: it is as new as each of them if it began after it. */
bool metrics_scrape_refresh(struct metrics_scrape *s)
{
    enum { PIECE_NUMBERS = 1 << 16 };
    size_t done = 0;
    struct metrics_model *m;

    pthread_mutex_lock(&registry.lock);
    for (m = registry.models; m && done < PIECE_NUMBERS; m = m->next) {
        if (!m->refresh || m->refreshed >= s->number)
            continue;
        m->refreshed = atomic_load_explicit(&registry.scrapes, memory_order_relaxed);
        m->refresh(m, m->context);
        done += m->refresh_numbers;
    }
    pthread_mutex_unlock(&registry.lock);
    return m != NULL;
}

static void write_metric(const struct metrics_scrape *s, struct buf *out)
{
    static void (*const scopes[SCOPE_COUNT])(struct writer *) = {
        [SCOPE_GLOBAL] = write_global,   [SCOPE_HTTP] = write_http,
        [SCOPE_ROUTE] = write_routes,    [SCOPE_MODEL] = write_model,
        [SCOPE_VERSION] = write_version, [SCOPE_LAYER] = write_layer,
        [SCOPE_CLASS] = write_class,     [SCOPE_PROCESS] = write_process,
    };
    const struct metric_row *row = &metric_rows[s->metric];
    struct writer w = {.out = out,
                       .openmetrics = s->openmetrics,
                       .metric = s->metric,
                       .row = row,
                       .labels = label_list_of(row)};

    scopes[row->scope](&w);
}

bool metrics_scrape_write(struct metrics_scrape *s, struct buf *out)
{
    enum { PIECE_BYTES = 1 << 17 };
    size_t end = out->len + PIECE_BYTES;

    pthread_mutex_lock(&registry.lock);
    for (; s->metric < METRIC_COUNT && out->len < end && !out->failed; s->metric++)
        write_metric(s, out);
    pthread_mutex_unlock(&registry.lock);
    if (s->metric < METRIC_COUNT && !out->failed)
        return true;
    if (s->openmetrics)
        buf_puts(out, "# EOF\n");
    return false;
}
