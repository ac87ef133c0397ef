/* entry.h - one model of a snapshot: copied into the next snapshot, emptied, released. */
#ifndef MODEL_ENTRY_H
#define MODEL_ENTRY_H

#include "model/repository.h"

/* Make *to, all zeros, what from is, with references of its own. False: out of memory; *to is to be
 * released in any case. */
bool entry_copy(struct repository_entry *to, const struct repository_entry *from);

/* The same without its models: nothing of it serves, until it is loaded again. */
bool entry_copy_unloaded(struct repository_entry *to, const struct repository_entry *from);

/* Where it comes from and what it is called elsewhere; false: out of memory. */
bool entry_copy_origin(struct repository_entry *to, const struct repository_entry *from);

void entry_fini(struct repository_entry *entry); /* frees; zeros the struct */

#endif
