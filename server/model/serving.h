/* serving.h - the part of config.json that says how a model is served: which versions, their
 * labels, batching, and whether rows are recorded. It knows no network. */
#ifndef MODEL_SERVING_H
#define MODEL_SERVING_H

#include <stddef.h>
#include <stdint.h>
#include "json/object.h"

enum {
    CONFIG_VERSIONS_MAX = 64, /* of a "specific" policy, and of "count" */
    CONFIG_VERSION_LABELS_MAX = 64
};

enum config_policy { CONFIG_LATEST, CONFIG_ALL, CONFIG_SPECIFIC };

struct config_version_label {
    char name[OBJECT_NAME_MAX + 1];
    uint64_t version;
};

struct serving {
    uint64_t batch_rows_max, queue_delay_us, queue_rows_max;
    enum config_policy policy;
    size_t latest_count;
    uint64_t versions[CONFIG_VERSIONS_MAX]; /* CONFIG_SPECIFIC, ascending */
    size_t versions_count;
    struct config_version_label version_labels[CONFIG_VERSION_LABELS_MAX];
    size_t version_labels_count;
    size_t record_rows; /* of the flight recorder, record.h; 0: there is none */
};

/* The members "batching", "versions", "labels" and "record" of the top; NULL are absent. */
enum error_id serving_read(struct serving *serving, const struct place *top, const json_t *batching,
                           const json_t *versions, const json_t *labels, const json_t *record);

#endif
