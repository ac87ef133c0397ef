/* load.h - the steps of model_load() that the repository takes one by one. */
#ifndef LOAD_H
#define LOAD_H

#include "model/config.h"
#include "model/files.h"

/* The files that a version was made from, as they were before they were read: if they are the same
 * still, so is the version. */
struct fingerprint {
    struct file_id config, weights, golden;
};

/* config is that of the config.json that was, or would be, used. */
struct fingerprint fingerprint_read(int dirfd, uint32_t version, const struct file_id *config);
bool fingerprint_same(const struct fingerprint *a, const struct fingerprint *b);

/* config.json beneath dirfd, and its identity from before it was read. 0 and *config is new, or -1
 * and error. */
int load_config(int dirfd, struct config *config, struct file_id *id, struct model_error *error);

/* model_load() with the config read already, whose identity was config_id. */
struct model *load_version(int dirfd, const char *name, uint32_t version,
                           const struct config *config, const struct file_id *config_id,
                           const struct options *options, struct model_error *error);

const struct fingerprint *model_fingerprint(const struct model *m);

#endif
