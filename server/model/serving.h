/* serving.h - the part of config.json that says how a model is served: which versions, their
 * labels, batching, what neurons are asked, and whether rows are recorded. It knows no network. */
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

enum config_stats { CONFIG_STATS_OF_DAEMON, CONFIG_FULL, CONFIG_SAMPLED, CONFIG_OFF };

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
    enum config_stats neuron_stats; /* which rows neuron statistics see */
    uint64_t neuron_every;          /* CONFIG_SAMPLED: one row in so many; 0: the daemon's */
    size_t record_rows;             /* of the flight recorder, record.h; 0: there is none */
};

/* Members of the top; NULL are absent. */
struct serving_members {
    const json_t *batching, *versions, *labels, *neurons, *record;
};
enum error_id serving_read(struct serving *serving, const struct place *top,
                           const struct serving_members *members);

/* One row in how many neuron statistics see, by the config and the daemon's options: "full",
 * "sampled" or "off", and one row in `every`. 0: none. "all" is the commands' own: every row,
 * whatever the config says. */
uint64_t serving_neurons_every(const struct serving *serving, const char *stats, uint64_t every);

#endif
