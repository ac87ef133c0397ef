/* compact.h - a version's network without the units that its bounds prove dead, as files of a new
 * model folder. */
#ifndef MODEL_COMPACT_H
#define MODEL_COMPACT_H

#include <stdbool.h>
#include "model/config.h"
#include "options/options.h"

/* A network that has lost units. */
struct compaction {
    size_t layers_count;
    size_t before[CONFIG_LAYERS_MAX], after[CONFIG_LAYERS_MAX]; /* units */
    float *low, *high; /* [features] the declared range; owned */
    bool exact;        /* outputs are the same bit for bit: sums are cut where they were */
};

/* Write config.json, the version's weights.safetensors and golden.json, if there is one, beneath
 * the empty folder `into`. Batch normalizations are folded in, numbers of config.json become
 * tensors; a layer of which all units are dead keeps one. ERROR_OK and *done is new, or error:
 * ERROR_NO_EVIDENCE if no range is declared, or no unit is proven dead. */
enum error_id compact_write(const struct model *m, const struct options *options, int into,
                            struct compaction *done, struct error *error);
void compaction_fini(struct compaction *done); /* frees; zeros the struct */

#endif
