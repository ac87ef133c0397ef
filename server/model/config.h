/* config.h - config.json of a model as plain structs: what the network is, and how it is served.
 *
 * It knows no files and no weights. Whatever is wrong is an error that names the JSON path; no key
 * is ever ignored. */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include "model/network.h"
#include "model/serving.h"

struct config {
    struct network network;
    struct serving serving;
};

/* Read text [len], followed by a NUL; file is how errors call it. ERROR_OK and *config is new, or
 * error, with nothing to release. */
enum error_id config_read(struct config *config, const char *text, size_t len, const char *file,
                          struct error *error);
void config_fini(struct config *config); /* frees; zeros the struct */

#endif
