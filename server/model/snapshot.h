/* snapshot.h - what a repository is made of: for those who scan it, load and unload.
 *
 * Invariant: a snapshot never changes once it is current; it lives until the last reader has let go
 * of it, and its models as long. Whoever makes the next one holds `reloading`. */
#ifndef MODEL_SNAPSHOT_H
#define MODEL_SNAPSHOT_H

#include <pthread.h>
#include <stdatomic.h>
#include "model/repository.h"

enum { SNAPSHOT_MODELS_MAX = 1024 };

struct snapshot {
    struct repository_snapshot shown; /* first: readers get a pointer to it */
    atomic_uint references;
    bool single; /* the folder is the one entry's */
};

struct repository {
    char *dir;
    const struct options *options;
    pthread_mutex_t reloading; /* held for a whole scan, and for a load */
    pthread_mutex_t lock;      /* of the rest, held for a few instructions */
    struct snapshot *current;
    char loading[MODEL_NAME_MAX + 1]; /* the model that is being loaded; "": none */
};

/* Room for SNAPSHOT_MODELS_MAX entries; new, or NULL when out of memory. */
struct snapshot *snapshot_create(void);

/* The same with copies of all entries but that of a name; new, or NULL when out of memory. */
struct snapshot *snapshot_copy(const struct snapshot *from, const char *without);
void snapshot_release(struct snapshot *s); /* NULL is fine */

/* A new entry of that name at the end; NULL: there is no room. */
struct repository_entry *snapshot_add(struct snapshot *s, const char *name);

/* Sort the entries by name, as look-ups want them. */
void snapshot_sort(struct snapshot *s);

/* It becomes the current one: what is new in it is published, what is gone withdrawn. NULL: there
 * is none any more. The caller holds `reloading`, or is the only one that knows r. */
void repository_swap(struct repository *r, struct snapshot *now);

/* From now on this model is being loaded; "": none. */
void repository_set_loading(struct repository *r, const char *name);

#endif
