/* keys.h - the keys of --keys while the service runs: read at the start and again at SIGHUP.
 *
 * Readers are many and wait for nobody but the instant in which a new list takes the old one's
 * place. */
#ifndef KEYS_KEYS_H
#define KEYS_KEYS_H

#include "keys/list.h"

struct keys;

/* new, or NULL and error, which names file and line. */
struct keys *keys_open(const char *path, struct error *error);
void keys_close(struct keys *keys); /* NULL is fine */

/* Read the file anew. ERROR_OK, or error, and the keys from before stay. */
enum error_id keys_reload(struct keys *keys, struct error *error);

/* Is the secret [bytes] a key? If so, whose. Any number of threads. */
bool keys_find(struct keys *keys, const char *secret, size_t bytes, struct key_owner *owner);

/* How many there are of a scope. */
size_t keys_count(struct keys *keys, enum key_scope scope);

/* Who else may use the file, as it was when it was read: "mode 0644: others may read it"; "" if
 * nobody. */
enum { KEYS_WARNING_MAX = 80 };
void keys_warning(struct keys *keys, char out[static KEYS_WARNING_MAX]);

#endif
