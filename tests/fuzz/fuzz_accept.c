/* fuzz_accept.c - libFuzzer entry: any text as an Accept header prefers one of two types, or
 * neither, and what is added to it counts. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/accept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void accept_require(int condition)
{
    if (!condition)
        abort();
}

static bool prefers_with(const char *accept, const char *added)
{
    size_t bytes = strlen(accept) + strlen(added) + 1;
    char *text = malloc(bytes);
    bool prefers;

    accept_require(text != NULL);
    snprintf(text, bytes, "%s%s", accept, added);
    prefers = accept_prefers(text, "text/html", "1.0.0", "application/json");
    free(text);
    return prefers;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *accept = malloc(size + 1); /* exactly as long as what the caller promises */

    accept_require(accept != NULL);
    if (size)
        memcpy(accept, data, size);
    accept[size] = '\0';
    bool prefers = prefers_with(accept, "");
    accept_require(!prefers || strcasestr(accept, "text/html"));
    accept_require(!prefers || accept_prefers(accept, "text/html", NULL, "application/json"));
    accept_require(prefers_with(accept, ",text/html"));
    accept_require(prefers_with(accept, ", */*;q=0.1, image/png") == prefers);
    accept_require(!prefers_with(accept, ",application/json") || prefers);
    free(accept);
    return 0;
}
