/* config_serving.c - the part of config.json that says how a model is served: which versions, their
 * labels, and batching.
 *
 * It knows no network. Invariant: versions are ascending and unique, label names unique. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model/config.h"
#include "model/version.h"

enum { BATCH_ROWS_MAX = 65536, QUEUE_DELAY_US_MAX = 10000000, QUEUE_ROWS_MAX = 16777216 };

static int batching_read(struct config *c, const struct place *top, const json_t *json)
{
    static const char *const keys[] = {"rows_max", "queue_delay_us", "queue_rows_max", NULL};
    struct place at = {top->file, "batching", top->error};
    const json_t *batching;

    c->batch_rows_max = 256;
    c->queue_rows_max = 4096;
    if (field_typed(top, json, "batching", JSON_OBJECT, &batching) != 0)
        return -1;
    if (!batching)
        return 0;
    if (field_keys(&at, batching, keys) != 0 ||
        field_whole(&at, batching, "rows_max", 1, BATCH_ROWS_MAX, &c->batch_rows_max) != 0 ||
        field_whole(&at, batching, "queue_delay_us", 0, QUEUE_DELAY_US_MAX, &c->queue_delay_us) !=
            0 ||
        field_whole(&at, batching, "queue_rows_max", 1, QUEUE_ROWS_MAX, &c->queue_rows_max) != 0)
        return -1;
    return 0;
}

static int version_order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static int specific_read(struct config *c, const struct place *at, const json_t *list)
{
    char element[FIELD_NAME_MAX], found[FIELD_FOUND_MAX];
    size_t n = json_array_size(list);

    if (n < 1 || n > CONFIG_VERSIONS_MAX)
        return field_fail(at, "versions", "expected an array of 1 to %d versions, found %s",
                          CONFIG_VERSIONS_MAX, field_found(list, found));
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(list, i);
        int64_t version;
        snprintf(element, sizeof element, "versions[%zu]", i);
        if (!json_whole(value, &version) || version < 1)
            return field_fail(at, element, "expected a version, " VERSION_IS ", found %s",
                              field_found(value, found));
        c->versions[i] = (uint64_t)version;
    }
    qsort(c->versions, n, sizeof *c->versions, version_order);
    for (size_t i = 1; i < n; i++)
        if (c->versions[i] == c->versions[i - 1])
            return field_fail(at, "versions", "%llu is listed twice",
                              (unsigned long long)c->versions[i]);
    c->versions_count = n;
    return 0;
}

static int policy_read(struct config *c, const struct place *at, const json_t *versions)
{
    static const char *const names[] = {
        [CONFIG_LATEST] = "latest", [CONFIG_ALL] = "all", [CONFIG_SPECIFIC] = "specific"};
    const json_t *value = json_member(versions, "policy");
    char found[FIELD_FOUND_MAX];

    if (!value)
        return 0;
    for (size_t p = 0; p < sizeof names / sizeof *names; p++)
        if (json_is_string(value) && strcmp(json_string_value(value), names[p]) == 0) {
            c->policy = (enum config_policy)p;
            return 0;
        }
    return field_fail(at, "policy", "expected \"latest\", \"all\" or \"specific\", found %s",
                      field_found(value, found));
}

static int versions_read(struct config *c, const struct place *top, const json_t *json)
{
    static const char *const keys[] = {"policy", "count", "versions", NULL};
    struct place at = {top->file, "versions", top->error};
    const json_t *versions, *list = NULL;
    uint64_t count = 1;

    c->latest_count = 1;
    if (field_typed(top, json, "versions", JSON_OBJECT, &versions) != 0)
        return -1;
    if (!versions)
        return 0;
    if (field_keys(&at, versions, keys) != 0 || policy_read(c, &at, versions) != 0 ||
        field_whole(&at, versions, "count", 1, CONFIG_VERSIONS_MAX, &count) != 0 ||
        field_typed(&at, versions, "versions", JSON_ARRAY, &list) != 0)
        return -1;
    c->latest_count = (size_t)count;
    if (json_member(versions, "count") && c->policy != CONFIG_LATEST)
        return field_fail(&at, "count", "only the policy \"latest\" has a count");
    if (!list != (c->policy != CONFIG_SPECIFIC))
        return field_fail(&at, "versions",
                          list ? "only the policy \"specific\" has a list"
                               : "missing; the policy \"specific\" needs a list");
    return list ? specific_read(c, &at, list) : 0;
}

static int version_labels_read(struct config *c, const struct place *top, const json_t *json)
{
    struct place at = {top->file, "labels", top->error};
    const json_t *labels, *value;
    const char *name;

    if (field_typed(top, json, "labels", JSON_OBJECT, &labels) != 0)
        return -1;
    if (json_object_size(labels) > CONFIG_VERSION_LABELS_MAX)
        return field_fail(top, "labels", "%zu labels, at most %d", json_object_size(labels),
                          CONFIG_VERSION_LABELS_MAX);
    json_object_foreach((json_t *)labels, name, value)
    {
        struct config_version_label *label = &c->version_labels[c->version_labels_count];
        uint64_t version = 0;
        if (!field_name_valid(name))
            return field_fail(top, "labels",
                              "\"%.40s\": a label is 1 to %d letters, digits, '.', '_' or '-'",
                              name, FIELD_NAME_MAX);
        if (field_whole(&at, labels, name, 1, VERSION_MAX, &version) != 0)
            return -1;
        memcpy(label->name, name, strlen(name) + 1);
        label->version = version;
        c->version_labels_count++;
    }
    return 0;
}

int config__serving_read(struct config *config, const struct place *top, const json_t *json)
{
    if (batching_read(config, top, json) != 0 || versions_read(config, top, json) != 0)
        return -1;
    return version_labels_read(config, top, json);
}
