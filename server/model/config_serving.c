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

static enum error_id batching_read(struct config *c, const struct place *top,
                                   const json_t *batching)
{
    static const struct object_key keys[] = {
        KEY_RANGE("rows_max", WHOLE, struct config, batch_rows_max, 1, BATCH_ROWS_MAX, false),
        KEY_RANGE("queue_delay_us", WHOLE, struct config, queue_delay_us, 0, QUEUE_DELAY_US_MAX,
                  false),
        KEY_RANGE("queue_rows_max", WHOLE, struct config, queue_rows_max, 1, QUEUE_ROWS_MAX, false),
        KEY_END};
    struct place at = {top->file, "batching", top->error};

    c->batch_rows_max = 256;
    c->queue_rows_max = 4096;
    return object_read(&at, batching, keys, c);
}

static int version_order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static enum error_id specific_read(struct config *c, const struct place *at, const json_t *list)
{
    size_t n = json_array_size(list);
    char found[OBJECT_FOUND_MAX];

    if (n < 1 || n > CONFIG_VERSIONS_MAX)
        return object_fail(at, "versions", ERROR_BAD_FIELD,
                           "expected an array of 1 to %d versions, found %s", CONFIG_VERSIONS_MAX,
                           object_found(list, found));
    if (object_wholes(at, "versions", list, 1, VERSION_MAX, c->versions, n))
        return at->error->id;
    qsort(c->versions, n, sizeof *c->versions, version_order);
    for (size_t i = 1; i < n; i++)
        if (c->versions[i] == c->versions[i - 1])
            return object_fail(at, "versions", ERROR_BAD_FIELD, "%llu is listed twice",
                               (unsigned long long)c->versions[i]);
    c->versions_count = n;
    return ERROR_OK;
}

static enum error_id versions_read(struct config *c, const struct place *top,
                                   const json_t *versions)
{
    static const char *const policies[] = {
        [CONFIG_LATEST] = "latest", [CONFIG_ALL] = "all", [CONFIG_SPECIFIC] = "specific"};
    static const struct object_key keys[] = {
        KEY_CHOICE("policy", struct config, policy, policies, sizeof policies / sizeof *policies),
        KEY_RANGE("count", SIZE, struct config, latest_count, 1, CONFIG_VERSIONS_MAX, false),
        KEY_ANY("versions"), KEY_END};
    struct place at = {top->file, "versions", top->error};
    const json_t *list = json_member(versions, "versions");

    c->latest_count = 1;
    if (object_read(&at, versions, keys, c))
        return at.error->id;
    if (json_member(versions, "count") && c->policy != CONFIG_LATEST)
        return object_fail(&at, "count", ERROR_BAD_FIELD, "only the policy \"latest\" has a count");
    if (!list != (c->policy != CONFIG_SPECIFIC))
        return object_fail(&at, "versions", ERROR_BAD_FIELD,
                           list ? "only the policy \"specific\" has a list"
                                : "missing; the policy \"specific\" needs a list");
    return list ? specific_read(c, &at, list) : ERROR_OK;
}

static enum error_id version_labels_read(struct config *c, const struct place *top,
                                         const json_t *labels)
{
    struct place at = {top->file, "labels", top->error};
    struct object_key key = {.kind = OBJECT_WHOLE, .min = 1, .max = VERSION_MAX};
    const json_t *value;

    if (json_object_size(labels) > CONFIG_VERSION_LABELS_MAX)
        return object_fail(top, "labels", ERROR_LIMIT_EXCEEDED, "%zu labels, at most %d",
                           json_object_size(labels), CONFIG_VERSION_LABELS_MAX);
    json_object_foreach((json_t *)labels, key.name, value)
    {
        struct config_version_label *label = &c->version_labels[c->version_labels_count];
        if (!object_name_valid(key.name))
            return object_fail(top, "labels", ERROR_BAD_FIELD,
                               "\"%.40s\": a label is 1 to %d letters, digits, '.', '_' or '-'",
                               key.name, OBJECT_NAME_MAX);
        memcpy(label->name, key.name, strlen(key.name) + 1);
        if (object_value(&at, &key, value, &label->version))
            return top->error->id;
        c->version_labels_count += !json_is_null(value);
    }
    return ERROR_OK;
}

enum error_id config__serving_read(struct config *config, const struct place *top,
                                   const json_t *batching, const json_t *versions,
                                   const json_t *labels)
{
    if (batching_read(config, top, batching) || versions_read(config, top, versions))
        return top->error->id;
    return version_labels_read(config, top, labels);
}
