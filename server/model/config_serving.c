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

static enum error_id batching_read(struct config *c, const struct place *top, const json_t *json)
{
    static const char *const keys[] = {"rows_max", "queue_delay_us", "queue_rows_max", NULL};
    struct place at = {top->file, "batching", top->error};
    const json_t *batching;

    c->batch_rows_max = 256;
    c->queue_rows_max = 4096;
    if (object_typed(top, json, "batching", JSON_OBJECT, &batching))
        return top->error->id;
    if (!batching)
        return ERROR_OK;
    if (object_keys(&at, batching, keys) ||
        object_whole(&at, batching, "rows_max", 1, BATCH_ROWS_MAX, &c->batch_rows_max) ||
        object_whole(&at, batching, "queue_delay_us", 0, QUEUE_DELAY_US_MAX, &c->queue_delay_us) !=
            0 ||
        object_whole(&at, batching, "queue_rows_max", 1, QUEUE_ROWS_MAX, &c->queue_rows_max))
        return top->error->id;
    return ERROR_OK;
}

static int version_order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static enum error_id specific_read(struct config *c, const struct place *at, const json_t *list)
{
    char element[OBJECT_NAME_MAX], found[OBJECT_FOUND_MAX];
    size_t n = json_array_size(list);

    if (n < 1 || n > CONFIG_VERSIONS_MAX)
        return object_fail(at, "versions", ERROR_BAD_FIELD,
                           "expected an array of 1 to %d versions, found %s", CONFIG_VERSIONS_MAX,
                           object_found(list, found));
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(list, i);
        int64_t version;
        snprintf(element, sizeof element, "versions[%zu]", i);
        if (!json_whole(value, &version) || version < 1)
            return object_fail(at, element, ERROR_BAD_FIELD,
                               "expected a version, " VERSION_IS ", found %s",
                               object_found(value, found));
        c->versions[i] = (uint64_t)version;
    }
    qsort(c->versions, n, sizeof *c->versions, version_order);
    for (size_t i = 1; i < n; i++)
        if (c->versions[i] == c->versions[i - 1])
            return object_fail(at, "versions", ERROR_BAD_FIELD, "%llu is listed twice",
                               (unsigned long long)c->versions[i]);
    c->versions_count = n;
    return ERROR_OK;
}

static enum error_id policy_read(struct config *c, const struct place *at, const json_t *versions)
{
    static const char *const names[] = {
        [CONFIG_LATEST] = "latest", [CONFIG_ALL] = "all", [CONFIG_SPECIFIC] = "specific"};
    const json_t *value = json_member(versions, "policy");
    char found[OBJECT_FOUND_MAX];

    if (!value)
        return ERROR_OK;
    for (size_t p = 0; p < sizeof names / sizeof *names; p++)
        if (json_is_string(value) && strcmp(json_string_value(value), names[p]) == 0) {
            c->policy = (enum config_policy)p;
            return ERROR_OK;
        }
    return object_fail(at, "policy", ERROR_BAD_FIELD,
                       "expected \"latest\", \"all\" or \"specific\", found %s",
                       object_found(value, found));
}

static enum error_id versions_read(struct config *c, const struct place *top, const json_t *json)
{
    static const char *const keys[] = {"policy", "count", "versions", NULL};
    struct place at = {top->file, "versions", top->error};
    const json_t *versions, *list = NULL;
    uint64_t count = 1;

    c->latest_count = 1;
    if (object_typed(top, json, "versions", JSON_OBJECT, &versions))
        return top->error->id;
    if (!versions)
        return ERROR_OK;
    if (object_keys(&at, versions, keys) || policy_read(c, &at, versions) ||
        object_whole(&at, versions, "count", 1, CONFIG_VERSIONS_MAX, &count) ||
        object_typed(&at, versions, "versions", JSON_ARRAY, &list))
        return top->error->id;
    c->latest_count = (size_t)count;
    if (json_member(versions, "count") && c->policy != CONFIG_LATEST)
        return object_fail(&at, "count", ERROR_BAD_FIELD, "only the policy \"latest\" has a count");
    if (!list != (c->policy != CONFIG_SPECIFIC))
        return object_fail(&at, "versions", ERROR_BAD_FIELD,
                           list ? "only the policy \"specific\" has a list"
                                : "missing; the policy \"specific\" needs a list");
    return list ? specific_read(c, &at, list) : 0;
}

static enum error_id version_labels_read(struct config *c, const struct place *top,
                                         const json_t *json)
{
    struct place at = {top->file, "labels", top->error};
    const json_t *labels, *value;
    const char *name;

    if (object_typed(top, json, "labels", JSON_OBJECT, &labels))
        return top->error->id;
    if (json_object_size(labels) > CONFIG_VERSION_LABELS_MAX)
        return object_fail(top, "labels", ERROR_LIMIT_EXCEEDED, "%zu labels, at most %d",
                           json_object_size(labels), CONFIG_VERSION_LABELS_MAX);
    json_object_foreach((json_t *)labels, name, value)
    {
        struct config_version_label *label = &c->version_labels[c->version_labels_count];
        uint64_t version = 0;
        if (!object_name_valid(name))
            return object_fail(top, "labels", ERROR_BAD_FIELD,
                               "\"%.40s\": a label is 1 to %d letters, digits, '.', '_' or '-'",
                               name, OBJECT_NAME_MAX);
        if (object_whole(&at, labels, name, 1, VERSION_MAX, &version))
            return top->error->id;
        memcpy(label->name, name, strlen(name) + 1);
        label->version = version;
        c->version_labels_count++;
    }
    return ERROR_OK;
}

enum error_id config__serving_read(struct config *config, const struct place *top,
                                   const json_t *json)
{
    if (batching_read(config, top, json) || versions_read(config, top, json))
        return top->error->id;
    return version_labels_read(config, top, json);
}
