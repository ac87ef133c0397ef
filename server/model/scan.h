/* scan.h - one model's folder as an entry of a snapshot: which versions there are, which of them
 * should serve, and loading those. */
#ifndef SCAN_H
#define SCAN_H

#include "model/repository.h"

enum { SCAN_VERSIONS_MAX = 1024 }; /* folders of one model */

/* Fill *entry, whose name and config are set, from a folder beneath rootfd. old is what serves now
 * or NULL; its models are reused (new references) where their files are the same, and kept where
 * the new ones do not load. Returns the number of versions that failed, or -1 when out of memory;
 * the entry is to be released by entry_fini() in any case. */
int scan_entry(struct repository_entry *entry, int rootfd, const char *folder,
               const struct repository_entry *old, const struct options *options);

#endif
