/* credential.c - see credential.h. */
#include "keys/credential.h"
#include <string.h>
#include <strings.h>
#include "keys/list.h"

static const char scheme[] = "Bearer";

/* The header's key, or why it holds none. */
static struct credential read_secret(const char *text)
{
    size_t bytes = strnlen(text, KEY_SECRET_MAX + 1);

    if (bytes == 0)
        return (struct credential){CREDENTIAL_MALFORMED, .why = "the key is empty"};
    if (bytes > KEY_SECRET_MAX)
        return (struct credential){CREDENTIAL_MALFORMED,
                                   .why = "the key is longer than the 256 bytes of any key"};
    for (size_t i = 0; i < bytes; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return (struct credential){
                CREDENTIAL_MALFORMED,
                .why = "the key holds a byte that no key has: a blank, or one "
                       "that is not ASCII"};
    return (struct credential){CREDENTIAL_ONE, text, bytes, NULL};
}

/* RFC 6750, 2.1; the scheme in any case (RFC 9110, 11.1), blanks after it. */
static struct credential read_bearer(const char *text)
{
    size_t length = sizeof scheme - 1;

    if (strncasecmp(text, scheme, length) != 0 || (text[length] && text[length] != ' '))
        return (struct credential){CREDENTIAL_MALFORMED,
                                   .why = "Authorization is not of the scheme Bearer"};
    return read_secret(text + length + strspn(text + length, " "));
}

struct credential credential_read(const char *authorization, const char *x_api_key)
{
    struct credential bearer = {CREDENTIAL_NONE}, key = {CREDENTIAL_NONE};

    if (x_api_key)
        key = read_secret(x_api_key);
    if (authorization)
        bearer = read_bearer(authorization);
    if (!x_api_key)
        return bearer;
    if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return key;
    if (bearer.kind == CREDENTIAL_ONE && key.kind == CREDENTIAL_ONE && bearer.bytes == key.bytes &&
        memcmp(bearer.secret, key.secret, key.bytes) == 0)
        return key;
    return (struct credential){CREDENTIAL_AMBIGUOUS,
                               .why = "Authorization and X-API-Key hold different keys; send one"};
}
