/* key.c - see key.h. Invariant: the key itself is in memory only, and no longer than it takes. */
#include "commands/key.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "keys/list.h"

/* Scanners of repositories and logs know keys by such a beginning. */
static const char beginning[] = "axond_";

enum { SECRET_BYTES = 32, SALT_BYTES = KEY_SALT / 2 };
enum { KEY_CHARS = sizeof beginning - 1 + (SECRET_BYTES * 8 + 5) / 6 };

/* base64url (RFC 4648, 5) without padding. */
static void write_secret(char out[static KEY_CHARS + 1], const unsigned char *bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *at = mempcpy(out, beginning, sizeof beginning - 1);
    unsigned bits = 0, held = 0;

    for (size_t i = 0; i < SECRET_BYTES; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffff;
        for (held += 8; held >= 6; held -= 6)
            *at++ = digits[bits >> (held - 6) & 63];
    }
    if (held)
        *at++ = digits[bits << (6 - held) & 63];
    *at = '\0';
}

static void write_salt(char out[static KEY_SALT + 1], const unsigned char *bytes)
{
    for (size_t i = 0; i < SALT_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static enum error_id read_owner(const struct command_line *line, struct key_owner *owner,
                                struct error *error)
{
    const char *name = line->arguments[ARGUMENT_NAME], *scope = line->arguments[ARGUMENT_SCOPE];

    *owner = (struct key_owner){.scope = KEY_INFER, .name = "unnamed"};
    if (name && !key_name_ok(name, strlen(name)))
        return error_set(error, ERROR_BAD_FIELD,
                         "--name: expected 1 to %d letters, digits, '.', '_' or '-', found "
                         "\"%.100s\"",
                         KEY_NAME_MAX, name);
    if (name)
        snprintf(owner->name, sizeof owner->name, "%s", name);
    while (scope && strcmp(scope, key_scope_name(owner->scope)) != 0)
        if (++owner->scope == KEY_SCOPES)
            return error_set(error, ERROR_BAD_FIELD,
                             "--scope: expected infer or admin, found \"%.100s\"", scope);
    return ERROR_OK;
}

int key(const struct options *options, const struct command_line *line, struct error *error)
{
    unsigned char random[SECRET_BYTES + SALT_BYTES];
    char secret[KEY_CHARS + 1], salt[KEY_SALT + 1], text[2 * KEY_SALT + SHA256_TEXT + KEY_NAME_MAX];
    struct key_owner owner;

    (void)options;
    if (read_owner(line, &owner, error) != ERROR_OK)
        return 1;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        error_set(error, ERROR_NOT_READY, "no random bytes: %s", strerror(errno));
        return 1;
    }
    write_secret(secret, random);
    write_salt(salt, random + SECRET_BYTES);
    key_write(text, sizeof text, &owner, salt, secret, KEY_CHARS);
    printf("%s", text);
    fprintf(stderr, "%s\n", secret);
    explicit_bzero(random, sizeof random);
    explicit_bzero(secret, sizeof secret);
    return 0;
}
