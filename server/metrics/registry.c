/* registry.c - the tables of the registry: rows, labels and their values, bucket bounds,
 * layout.
 *
 * Everything here is constant, or computed once from constants. */
#include <axon/activation.h>
#include <string.h>
#include "metrics/registry.h"

struct registry registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* PROCESS names are the convention of all Prometheus clients; ours have the prefix. */
#define PREFIX_GLOBAL  "axond_"
#define PREFIX_HTTP    "axond_"
#define PREFIX_ROUTE   "axond_"
#define PREFIX_MODEL   "axond_"
#define PREFIX_VERSION "axond_"
#define PREFIX_LAYER   "axond_"
#define PREFIX_CLASS   "axond_"
#define PREFIX_PROCESS ""

const struct metric_row metric_rows[METRIC_COUNT] = {
#define METRIC(id, type, scope, labels, help) \
    {PREFIX_##scope #id, TYPE_##type, SCOPE_##scope, labels, help},
#include "metrics/metrics.def"
#undef METRIC
};

static const char *const windows[AXON_WINDOW_COUNT] = {
    [AXON_WINDOW_LOAD] = "load", [AXON_WINDOW_SLIDING] = registry.window};
static const char *const levels[] = {"debug", "info", "warn", "error"};
static const char *const reasons[REJECTED_COUNT] = {
    [REJECTED_FRAMING] = "framing",
    [REJECTED_PARSER] = "parser",
    [REJECTED_REQUEST_LINE] = "request_line",
    [REJECTED_HEADERS] = "headers",
    [REJECTED_BODY] = "body",
    [REJECTED_BODIES_IN_FLIGHT] = "bodies_in_flight",
    [REJECTED_CONNECTIONS] = "connections",
    [REJECTED_CONNECTIONS_PER_ADDRESS] = "connections_per_address",
    [REJECTED_HEADERS_TIMEOUT] = "headers_timeout",
    [REJECTED_BODY_TIMEOUT] = "body_timeout",
    [REJECTED_IDLE_TIMEOUT] = "idle_timeout",
    [REJECTED_REPLY_UNREAD] = "reply_unread",
    [REJECTED_CUT] = "cut",
};
static const char *const causes[KEY_REFUSALS] = {
    [KEY_MISSING] = "missing",
    [KEY_MALFORMED] = "malformed",
    [KEY_UNKNOWN] = "unknown",
    [KEY_SCOPE] = "scope",
};
static const char *const sides[SIDE_COUNT] = {[SIDE_LOW] = "low", [SIDE_HIGH] = "high"};
static const char *const outcomes[OUTCOME_COUNT] = {
    [OUTCOME_SUCCESS] = "success",   [OUTCOME_INVALID] = "invalid",
    [OUTCOME_REJECTED] = "rejected", [OUTCOME_CANCELLED] = "cancelled",
    [OUTCOME_DEADLINE] = "deadline", [OUTCOME_ERROR] = "error",
};

/* The value at index of a list [count], or NULL after the last. */
#define LIST(list, index) ((index) < sizeof(list) / sizeof *(list) ? (list)[index] : NULL)

static const char *window_value(unsigned index)
{
    return LIST(windows, index);
}

static const char *side_value(unsigned index)
{
    return LIST(sides, index);
}

static const char *reason_value(unsigned index)
{
    return LIST(reasons, index);
}

static const char *cause_value(unsigned index)
{
    return LIST(causes, index);
}

const char *metrics_key_refusal(enum metrics_key_refusal cause)
{
    return causes[cause];
}

static const char *outcome_value(unsigned index)
{
    return LIST(outcomes, index);
}

static const char *level_value(unsigned index)
{
    return LIST(levels, index);
}

/* The core's table knows. */
static const char *activation_value(unsigned index)
{
    size_t count;
    const struct axon_activation *table = axon_activation_table(&count);

    return index < count ? table[index].name : NULL;
}

static const struct {
    const char *name;
    const char *(*value)(unsigned index);
} labels[LABEL_COUNT] = {
#define LABEL(id, text, values) [LABEL_##id] = {text, values},
#include "metrics/labels.def"
#undef LABEL
};

const char *label_name(enum label label)
{
    return labels[label].name;
}

struct label_list label_list_of(const struct metric_row *row)
{
    struct label_list list;
    size_t count = 0;

    for (const char *at = row->labels; *at && count < LABELS_MAX; at += *at == ',') {
        size_t length = strcspn(at, ",");
        for (enum label l = 0; l < LABEL_COUNT; l++)
            if (strlen(labels[l].name) == length && memcmp(labels[l].name, at, length) == 0)
                list.label[count++] = l;
        at += length;
    }
    list.label[count] = LABEL_COUNT;
    return list;
}

unsigned label_values(enum label label)
{
    unsigned count = 0;

    while (labels[label].value && labels[label].value(count))
        count++;
    return count;
}

const char *label_value(enum label label, unsigned index)
{
    return labels[label].value(index);
}

enum label label_indexed(const struct label_list *list)
{
    for (const enum label *l = list->label; *l != LABEL_COUNT; l++)
        if (labels[*l].value)
            return *l;
    return LABEL_COUNT;
}

/* `le` is written as OpenMetrics' canonical numbers in both formats, so that a series keeps its
 * identity whichever format a scraper negotiates. */
static const struct bound nanoseconds[] = {
    {25000, "2.5e-05"},  {50000, "5e-05"},     {100000, "0.0001"},  {250000, "0.00025"},
    {500000, "0.0005"},  {1000000, "0.001"},   {2500000, "0.0025"}, {5000000, "0.005"},
    {10000000, "0.01"},  {25000000, "0.025"},  {50000000, "0.05"},  {100000000, "0.1"},
    {250000000, "0.25"}, {500000000, "0.5"},   {1000000000, "1.0"}, {2500000000, "2.5"},
    {5000000000, "5.0"}, {10000000000, "10.0"}};
static const struct bound coarse[] = {{100000, "0.0001"},  {250000, "0.00025"}, {1000000, "0.001"},
                                      {2500000, "0.0025"}, {10000000, "0.01"},  {50000000, "0.05"},
                                      {250000000, "0.25"}, {1000000000, "1.0"}};
static const struct bound shares[] = {
    {100000000, "0.1"},  {300000000, "0.3"},   {500000000, "0.5"}, {600000000, "0.6"},
    {700000000, "0.7"},  {800000000, "0.8"},   {900000000, "0.9"}, {950000000, "0.95"},
    {990000000, "0.99"}, {999000000, "0.999"}, {1000000000, "1.0"}};
static const struct bound counts[] = {{0, "0.0"}, {1, "1.0"}, {2, "2.0"},
                                      {3, "3.0"}, {5, "5.0"}, {10, "10.0"}};
static const struct bounds bounds[TYPE_COUNT] = {
    [TYPE_SUMMARY] = {nanoseconds, 0, 1e9},
    [TYPE_HISTOGRAM] = {nanoseconds, sizeof nanoseconds / sizeof *nanoseconds, 1e9},
    [TYPE_HISTOGRAM_COARSE] = {coarse, sizeof coarse / sizeof *coarse, 1e9},
    [TYPE_HISTOGRAM_SHARE] = {shares, sizeof shares / sizeof *shares, 1e9},
    [TYPE_HISTOGRAM_COUNT] = {counts, sizeof counts / sizeof *counts, 1},
};

const struct bounds *bounds_of(enum metric_type type)
{
    return bounds[type].bound ? &bounds[type] : NULL;
}

struct layout layout;
static pthread_once_t layout_once = PTHREAD_ONCE_INIT;

static unsigned slots_of(const struct metric_row *row)
{
    const struct bounds *b = bounds_of(row->type);
    if (b)
        return b->count + 2;
    struct label_list list = label_list_of(row);
    enum label indexed = label_indexed(&list);
    return indexed == LABEL_COUNT ? 1 : label_values(indexed);
}

static void layout_make(void)
{
    for (size_t m = 0; m < METRIC_COUNT; m++) {
        const struct metric_row *row = &metric_rows[m];
        layout.slots[m] = slots_of(row);
        layout.offset[m] = layout.block[row->scope];
        layout.block[row->scope] += layout.slots[m];
    }
}

const struct layout *layout_get(void)
{
    pthread_once(&layout_once, layout_make);
    return &layout;
}
