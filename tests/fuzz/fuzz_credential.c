/* fuzz_credential.c - libFuzzer entry: any two values of Authorization and X-API-Key hold a key,
 * none, or a reason that has nothing of them in it.
 *
 * The first line is Authorization, the rest X-API-Key; without a newline there is no X-API-Key, and
 * an empty first line is no Authorization. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "keys/credential.h"
#include "keys/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void credential_require(int condition)
{
    if (!condition)
        abort();
}

/* It lies within the header, and in the other header it is the same key. */
static void credential_holds(const struct credential *c, const char *authorization,
                             const char *x_api_key)
{
    char value[sizeof "Bearer " + KEY_SECRET_MAX];
    struct credential bearer, key, both;

    credential_require(c->bytes > 0 && c->bytes <= KEY_SECRET_MAX);
    credential_require((authorization && strstr(authorization, c->secret)) ||
                       (x_api_key && strstr(x_api_key, c->secret)));
    for (size_t i = 0; i < c->bytes; i++)
        credential_require(c->secret[i] > ' ' && c->secret[i] <= '~');
    credential_require(c->secret[c->bytes] == '\0');
    snprintf(value, sizeof value, "Bearer %s", c->secret);
    bearer = credential_read(value, NULL);
    key = credential_read(NULL, c->secret);
    both = credential_read(value, c->secret);
    credential_require(bearer.kind == CREDENTIAL_ONE && strcmp(bearer.secret, c->secret) == 0);
    credential_require(key.kind == CREDENTIAL_ONE && strcmp(key.secret, c->secret) == 0);
    credential_require(both.kind == CREDENTIAL_ONE && strcmp(both.secret, c->secret) == 0);
    both = credential_read("Bearer other", c->secret);
    credential_require(both.kind ==
                       (strcmp(c->secret, "other") == 0 ? CREDENTIAL_ONE : CREDENTIAL_AMBIGUOUS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *authorization = text, *x_api_key;
    struct credential c;

    credential_require(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    x_api_key = strchr(text, '\n');
    if (x_api_key)
        *x_api_key++ = '\0';
    if (!*authorization)
        authorization = NULL;
    c = credential_read(authorization, x_api_key);
    if (c.kind == CREDENTIAL_ONE)
        credential_holds(&c, authorization, x_api_key);
    else if (c.kind == CREDENTIAL_NONE)
        credential_require(!authorization && !x_api_key);
    else
        credential_require(c.why && *c.why);
    free(text);
    return 0;
}
