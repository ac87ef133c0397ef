/* list.c - see list.h.
 *
 * A key is 256 random bits, so one SHA-256 is enough: nobody tries them all, and a request can
 * afford it, as it could not afford the slow hashes that passwords need. The salt makes equal keys
 * of two files look different, and tables of digests worthless. It fills one block, so that what a
 * request pays for is the block of its own secret. */
#include "keys/list.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char method[] = "sha256:";
static const char *const scopes[KEY_SCOPES] = {[KEY_INFER] = "infer", [KEY_ADMIN] = "admin"};

enum { FIELDS = 3, HASH_BYTES = sizeof method - 1 + KEY_SALT + 1 + SHA256_TEXT };

struct field {
    const char *at;
    size_t bytes;
};

const char *key_scope_name(enum key_scope scope)
{
    return scopes[scope];
}

bool key_name_ok(const char *name, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char c = name[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '.' || c == '_' || c == '-'))
            return false;
    }
    return bytes > 0 && bytes <= KEY_NAME_MAX;
}

static bool is_hex(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The words of the line up to its comment; their number, FIELDS + 1 for all that are too many. */
static size_t split(struct field line, struct field fields[static FIELDS])
{
    const char *at = line.at, *end = memchr(at, '#', line.bytes);
    size_t count = 0;

    if (!end)
        end = at + line.bytes;
    for (;;) {
        const char *start;

        while (at < end && is_blank(*at))
            at++;
        if (at == end || count > FIELDS)
            return count;
        for (start = at; at < end && !is_blank(*at);)
            at++;
        if (count < FIELDS)
            fields[count] = (struct field){start, (size_t)(at - start)};
        count++;
    }
}

static bool read_scope(struct field field, enum key_scope *scope)
{
    for (*scope = 0; *scope < KEY_SCOPES; ++*scope)
        if (strlen(scopes[*scope]) == field.bytes &&
            memcmp(scopes[*scope], field.at, field.bytes) == 0)
            return true;
    return false;
}

static bool read_hash(struct field field, struct key *key)
{
    const char *salt = field.at + sizeof method - 1, *digest = salt + KEY_SALT + 1;

    if (field.bytes != HASH_BYTES || memcmp(field.at, method, sizeof method - 1) != 0 ||
        digest[-1] != ':' || !is_hex(salt, KEY_SALT) || !is_hex(digest, SHA256_TEXT))
        return false;
    memcpy(key->salt, salt, KEY_SALT);
    memcpy(key->digest, digest, SHA256_TEXT);
    sha256_init(&key->salted);
    sha256_add(&key->salted, salt, KEY_SALT);
    return true;
}

/* NULL, or why the line is no key. Nothing of it is quoted: it may be a secret in a wrong place. */
static const char *read_key(const struct field fields[static FIELDS], size_t count, struct key *key)
{
    if (count != FIELDS || !read_scope(fields[0], &key->owner.scope))
        return "expected infer or admin, a name and a hash, as `axond key` prints them";
    if (!key_name_ok(fields[1].at, fields[1].bytes))
        return "the name, the second word, must be 1 to 64 letters, digits, '.', '_' or '-'";
    if (!read_hash(fields[2], key))
        return "the hash, the third word, must be sha256:SALT:DIGEST, both of 64 digits in "
               "lower-case "
               "hexadecimal";
    memcpy(key->owner.name, fields[1].at, fields[1].bytes);
    key->owner.name[fields[1].bytes] = '\0';
    return NULL;
}

/* An earlier line with the same hash: which of the two holds would not be plain. */
static const struct key *find_twin(const struct key_list *list, const struct key *key)
{
    for (size_t i = 0; i < list->count; i++)
        if (memcmp(list->keys[i].salt, key->salt, KEY_SALT) == 0 &&
            memcmp(list->keys[i].digest, key->digest, SHA256_TEXT) == 0)
            return &list->keys[i];
    return NULL;
}

/* False, and error, if the line is neither a key nor blank. */
static bool take_line(struct key_list *list, const char *file, size_t number, struct field line,
                      struct error *error)
{
    struct key key = {.line = number};
    struct field fields[FIELDS];
    size_t count = split(line, fields);
    const char *why = NULL;
    const struct key *twin;

    for (size_t i = 0; i < line.bytes && !why; i++)
        if ((unsigned char)line.at[i] < ' ' && !is_blank(line.at[i]))
            why = "a control byte";
    if (!why && count == 0)
        return true;
    if (!why)
        why = read_key(fields, count, &key);
    if (why) {
        error_set(error, ERROR_BAD_FIELD, "%.200s:%zu: %s", file, number, why);
        return false;
    }
    twin = find_twin(list, &key);
    if (twin || list->count == KEYS_MAX) {
        error_set(error, ERROR_BAD_FIELD,
                  twin ? "%.200s:%zu: the key of line %zu again" : "%.200s:%zu: more than %zu keys",
                  file, number, twin ? twin->line : (size_t)KEYS_MAX);
        return false;
    }
    list->keys[list->count++] = key;
    return true;
}

struct key_list *key_list_read(const char *file, const char *text, size_t bytes,
                               struct error *error)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *at = text, *end = text + bytes;
    size_t lines = 1, number = 0;
    struct key_list *list;

    if (bytes >= sizeof mark - 1 && memcmp(at, mark, sizeof mark - 1) == 0)
        at += sizeof mark - 1;
    for (const char *c = at; c < end && lines < KEYS_MAX; c++)
        lines += *c == '\n';
    list = malloc(sizeof *list + lines * sizeof list->keys[0]);
    if (!list) {
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    list->count = 0;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct field line = {at, (size_t)((newline ? newline : end) - at)};

        if (!take_line(list, file, ++number, line, error))
            goto refused;
        at += line.bytes + 1;
    }
    if (list->count > 0)
        return list;
    error_set(error, ERROR_BAD_FIELD, "%.200s: there is no key in it", file);
refused:
    free(list);
    return NULL;
}

static void digest_of(const struct sha256 *salted, const char *secret, size_t bytes,
                      char digest[static SHA256_TEXT + 1])
{
    struct sha256 s = *salted;

    sha256_add(&s, secret, bytes);
    sha256_end(&s, digest);
}

/* 1 if they are equal, else 0, in the same time. */
static unsigned equal(const char *a, const char *b)
{
    unsigned difference = 0;

    for (size_t i = 0; i < SHA256_TEXT; i++)
        difference |= (unsigned)(unsigned char)(a[i] ^ b[i]);
    return (difference - 1) >> (sizeof difference * 8 - 1);
}

const struct key_owner *key_list_find(const struct key_list *list, const char *secret, size_t bytes)
{
    char digest[SHA256_TEXT + 1];
    size_t found = 0; /* its place from 1 on, and 0 for none: chosen without a branch */

    for (size_t i = 0; i < list->count; i++) {
        digest_of(&list->keys[i].salted, secret, bytes, digest);
        found |= (i + 1) & -(size_t)(equal(digest, list->keys[i].digest) & (found == 0));
    }
    return found ? &list->keys[found - 1].owner : NULL;
}

int key_write(char *out, size_t out_bytes, const struct key_owner *owner,
              const char salt[static KEY_SALT], const char *secret, size_t bytes)
{
    struct sha256 salted;
    char digest[SHA256_TEXT + 1];

    sha256_init(&salted);
    sha256_add(&salted, salt, KEY_SALT);
    digest_of(&salted, secret, bytes, digest);
    return snprintf(out, out_bytes, "%s %s %s%.*s:%s\n", scopes[owner->scope], owner->name, method,
                    (int)KEY_SALT, salt, digest);
}
