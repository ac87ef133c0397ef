/* serving.c - see serving.h.
 *
 * Invariant: versions are ascending and unique, label names unique. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/serving.h"
#include "model/record.h"
#include "model/version.h"

enum { BATCH_ROWS_MAX = 65536, QUEUE_DELAY_US_MAX = 10000000, QUEUE_ROWS_MAX = 16777216 };

static const char *const stats_names[] = {[CONFIG_STATS_OF_DAEMON] = "",
                                          [CONFIG_FULL] = "full",
                                          [CONFIG_SAMPLED] = "sampled",
                                          [CONFIG_OFF] = "off"};
enum { STATS_COUNT = sizeof stats_names / sizeof *stats_names, NEURON_EVERY_MAX = 1000000 };

static enum error_id batching_read(struct serving *s, const struct place *top,
                                   const json_t *batching)
{
    static const struct object_key keys[] = {
        KEY_RANGE("rows_max", WHOLE, struct serving, batch_rows_max, 1, BATCH_ROWS_MAX, false),
        KEY_RANGE("queue_delay_us", WHOLE, struct serving, queue_delay_us, 0, QUEUE_DELAY_US_MAX,
                  false),
        KEY_RANGE("queue_rows_max", WHOLE, struct serving, queue_rows_max, 1, QUEUE_ROWS_MAX,
                  false),
        KEY_END};
    struct place at = {top->file, "batching", top->error};

    s->batch_rows_max = 256;
    s->queue_rows_max = 4096;
    return object_read(&at, batching, keys, s);
}

static int version_order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static enum error_id specific_read(struct serving *s, const struct place *at, const json_t *list)
{
    size_t n = json_array_size(list);
    char found[OBJECT_FOUND_MAX];

    if (n < 1 || n > CONFIG_VERSIONS_MAX)
        return object_fail(at, "versions", ERROR_BAD_FIELD,
                           "expected an array of 1 to %d versions, found %s", CONFIG_VERSIONS_MAX,
                           object_found(list, found));
    if (object_wholes(at, "versions", list, 1, VERSION_MAX, s->versions, n))
        return at->error->id;
    qsort(s->versions, n, sizeof *s->versions, version_order);
    for (size_t i = 1; i < n; i++)
        if (s->versions[i] == s->versions[i - 1])
            return object_fail(at, "versions", ERROR_BAD_FIELD, "%llu is listed twice",
                               (unsigned long long)s->versions[i]);
    s->versions_count = n;
    return ERROR_OK;
}

static enum error_id versions_read(struct serving *s, const struct place *top,
                                   const json_t *versions)
{
    static const char *const policies[] = {
        [CONFIG_LATEST] = "latest", [CONFIG_ALL] = "all", [CONFIG_SPECIFIC] = "specific"};
    static const struct object_key keys[] = {
        KEY_CHOICE("policy", struct serving, policy, policies, sizeof policies / sizeof *policies),
        KEY_RANGE("count", SIZE, struct serving, latest_count, 1, CONFIG_VERSIONS_MAX, false),
        KEY_ANY("versions"), KEY_END};
    struct place at = {top->file, "versions", top->error};
    const json_t *list = json_member(versions, "versions");

    s->latest_count = 1;
    if (object_read(&at, versions, keys, s))
        return at.error->id;
    if (json_member(versions, "count") && s->policy != CONFIG_LATEST)
        return object_fail(&at, "count", ERROR_BAD_FIELD, "only the policy \"latest\" has a count");
    if (!list != (s->policy != CONFIG_SPECIFIC))
        return object_fail(&at, "versions", ERROR_BAD_FIELD,
                           list ? "only the policy \"specific\" has a list"
                                : "missing; the policy \"specific\" needs a list");
    return list ? specific_read(s, &at, list) : ERROR_OK;
}

static enum error_id version_labels_read(struct serving *s, const struct place *top,
                                         const json_t *labels)
{
    struct place at = {top->file, "labels", top->error};
    struct object_key key = {.kind = OBJECT_WHOLE, .min = 1, .max = VERSION_MAX};
    const json_t *value;

    if (json_object_size(labels) > CONFIG_VERSION_LABELS_MAX)
        return object_fail(top, "labels", ERROR_LIMIT_EXCEEDED, "%zu labels, at most %d",
                           json_object_size(labels), CONFIG_VERSION_LABELS_MAX);
    json_object_foreach ((json_t *)labels, key.name, value) {
        struct config_version_label *label = &s->version_labels[s->version_labels_count];
        if (!object_name_valid(key.name))
            return object_fail(top, "labels", ERROR_BAD_FIELD,
                               "\"%.40s\": a label is 1 to %d letters, digits, '.', '_' or '-'",
                               key.name, OBJECT_NAME_MAX);
        memcpy(label->name, key.name, strlen(key.name) + 1);
        if (object_value(&at, &key, value, &label->version))
            return top->error->id;
        s->version_labels_count += !json_is_null(value);
    }
    return ERROR_OK;
}

static enum error_id record_read(struct serving *s, const struct place *top, const json_t *record)
{
    static const struct object_key keys[] = {
        KEY_RANGE("rows", SIZE, struct serving, record_rows, 1, RECORD_ROWS_MAX, true), KEY_END};
    struct place at = {top->file, "record", top->error};

    return record ? object_read(&at, record, keys, s) : ERROR_OK;
}

static enum error_id neurons_read(struct serving *s, const struct place *top, const json_t *neurons)
{
    static const struct object_key keys[] = {
        KEY_CHOICE("stats", struct serving, neuron_stats, stats_names, STATS_COUNT),
        KEY_RANGE("every", WHOLE, struct serving, neuron_every, 1, NEURON_EVERY_MAX, false),
        KEY_END};
    struct place at = {top->file, "neurons", top->error};

    return object_read(&at, neurons, keys, s);
}

enum error_id serving_read(struct serving *serving, const struct place *top,
                           const struct serving_members *members)
{
    if (batching_read(serving, top, members->batching) ||
        versions_read(serving, top, members->versions) ||
        neurons_read(serving, top, members->neurons) || record_read(serving, top, members->record))
        return top->error->id;
    return version_labels_read(serving, top, members->labels);
}

uint64_t serving_neurons_every(const struct serving *serving, const char *stats, uint64_t every)
{
    enum config_stats chosen = serving->neuron_stats;

    if (strcmp(stats, "all") == 0)
        return 1;
    for (size_t i = 0; chosen == CONFIG_STATS_OF_DAEMON && i < STATS_COUNT; i++)
        if (strcmp(stats, stats_names[i]) == 0)
            chosen = (enum config_stats)i;
    if (chosen == CONFIG_OFF)
        return 0;
    if (chosen == CONFIG_FULL)
        return 1;
    return serving->neuron_every ? serving->neuron_every : every;
}
