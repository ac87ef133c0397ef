/* credential.h - the key that a request's headers hold.
 *
 * Pure. Two places may have it: "Authorization: Bearer KEY" and "X-API-Key: KEY". It is borrowed
 * from the header, looked at here and in list.c, and written nowhere. */
#ifndef KEYS_CREDENTIAL_H
#define KEYS_CREDENTIAL_H

#include <stddef.h>

struct credential {
    enum {
        CREDENTIAL_NONE,      /* the client sent no key              */
        CREDENTIAL_ONE,       /* secret [bytes]                      */
        CREDENTIAL_MALFORMED, /* no key looks like that: why         */
        CREDENTIAL_AMBIGUOUS  /* two that differ: why                */
    } kind;
    const char *secret;
    size_t bytes;
    const char *why; /* a sentence without a byte of the key */
};

/* authorization and x_api_key are the headers' values, or NULL. Authorization of another scheme is
 * somebody else's if the other header is there. */
struct credential credential_read(const char *authorization, const char *x_api_key);

#endif
