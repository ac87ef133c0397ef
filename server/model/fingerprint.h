/* fingerprint.h - the files that a version was made from, as they were before they were read: if
 * they are the same still, so is the version. */
#ifndef MODEL_FINGERPRINT_H
#define MODEL_FINGERPRINT_H

#include <stdbool.h>
#include "model/files.h"
#include "model/version.h"

/* config.json, and every file of the version's folder whose name does not begin with a dot: by its
 * name, inode, size and time of change. baseline.json stands alone, since the version itself may
 * write it. */
struct fingerprint {
    struct file_id config, baseline; /* the latter all zeros: there is none, or none to be read */
    uint64_t files, sums[2];         /* of hashes, in which order does not matter */
};

/* config is that of the config.json that was, or would be, used. */
struct fingerprint fingerprint_read(const struct version_source *from,
                                    const struct file_id *config);
bool fingerprint_same(const struct fingerprint *a, const struct fingerprint *b);

#endif
