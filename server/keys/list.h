/* list.h - a list of keys as its file has it, and whose a secret is.
 *
 * Pure: text in, a list out; no files, no threads. No secret is kept, and no message has one: all
 * that a line of the file may hold by mistake is its owner's. */
#ifndef KEYS_LIST_H
#define KEYS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"
#include "base/sha256.h"

/* How far a key opens: each scope has what the ones before it have. */
enum key_scope { KEY_INFER, KEY_ADMIN, KEY_SCOPES };

/* A request pays for each key of the list: 256 are 60 microseconds. */
enum { KEYS_MAX = 256, KEY_NAME_MAX = 64, KEY_SECRET_MAX = 256 };

/* As the file writes it: 256 random bits, in hexadecimal digits exactly one block of SHA-256. */
enum { KEY_SALT = SHA256_BLOCK };

struct key_owner {
    enum key_scope scope;
    char name[KEY_NAME_MAX + 1]; /* [A-Za-z0-9._-]{1,64} */
};

struct key {
    struct key_owner owner;
    char salt[KEY_SALT], digest[SHA256_TEXT]; /* hexadecimal, in lower case */
    struct sha256 salted;                     /* once the salt is in */
    size_t line;                              /* of the file, from 1 on */
};

struct key_list {
    size_t count;
    struct key keys[]; /* [count] */
};

const char *key_scope_name(enum key_scope scope); /* "infer" */

/* "scope name sha256:salt:digest" a line, comments from "#" on, blank lines, CRLF or LF, a byte
 * order mark in front: new, freed with free(); or NULL and error, "file:3: ..." of the first line
 * that is none of these, or has a key that an earlier one has; or of a list without keys, with more
 * than KEYS_MAX of them, or with a byte that is no text. */
struct key_list *key_list_read(const char *file, const char *text, size_t bytes,
                               struct error *error);

/* The owner of the secret [bytes], or NULL: the first whose digest is that of salt and secret. It
 * takes as long for a known one as for any other of its length, and looks at all keys. */
const struct key_owner *key_list_find(const struct key_list *list, const char *secret,
                                      size_t bytes);

/* The line of a secret [bytes], with its newline, as the file has it; cut at out_bytes. The salt is
 * KEY_SALT hexadecimal digits that nothing else was salted with. Returns what snprintf() does. */
int key_write(char *out, size_t out_bytes, const struct key_owner *owner,
              const char salt[static KEY_SALT], const char *secret, size_t bytes);

/* [A-Za-z0-9._-]{1,64} */
bool key_name_ok(const char *name, size_t bytes);

#endif
