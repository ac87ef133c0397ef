/* lookup.h - from the {model}, {version} and {label} of a path to what serves. */
#ifndef API_LOOKUP_H
#define API_LOOKUP_H

#include "api/call.h"
#include "model/repository.h"

/* One model of a snapshot, held by a reference until lookup_fini(). */
struct lookup {
    struct repository *repository;
    const struct repository_snapshot *snapshot;
    const struct repository_entry *entry;
    const struct repository_version *version; /* NULL if the path names none */
};

/* Find the model, and the version if the path names one by number or label. 404 if there is none.
 */
enum error_id lookup_init(struct lookup *l, struct api_call *call);

/* The version, or if the path names none the newest that can serve, or the newest; NULL: the model
 * has no version. */
const struct repository_version *lookup_newest(const struct lookup *l);

/* lookup->version becomes one that can serve: the newest if the path names none. 503 if it failed
 * to load. */
enum error_id lookup_available(struct lookup *l, struct api_call *call);

/* All of the above for a call that goes on with the model alone: call->model becomes it. */
enum error_id lookup_model(struct api_call *call);

/* The same for a path that names no model: the only one, or of several that of --model-name.
 * ERROR_BAD_REQUEST if that leaves it open. */
enum error_id lookup_only_model(struct api_call *call);

void lookup_fini(struct lookup *l); /* fine after a failed lookup_init() */

#endif
