/* fuzz_forwarded.c - libFuzzer entry: any text as Forwarded or X-Forwarded-For is refused, or names
 * a client; and whatever stands in it, an address that is not trusted and is appended on its right
 * is the client.
 *
 * The first byte chooses the header. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "http/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void forwarded_require(int condition)
{
    if (!condition)
        abort();
}

static bool forwarded_read(enum forwarded_header header, const char *first, const char *second,
                           struct ip *client)
{
    struct networks trusted;
    struct forwarded list = {0};
    bool says;

    forwarded_require(networks_read("127.0.0.0/8, 10.0.0.0/8", &trusted));
    forwarded_require(ip_read("127.0.0.1", strlen("127.0.0.1"), client));
    forwarded_add(&list, first);
    if (second)
        forwarded_add(&list, second);
    return forwarded_client(header, &list, &trusted, client, &says);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const appended[] = {
        [FORWARDED] = "for=192.0.2.7", [X_FORWARDED_FOR] = "192.0.2.7"};
    enum forwarded_header header = size && data[0] % 2 ? X_FORWARDED_FOR : FORWARDED;
    size_t len = size ? size - 1 : 0;
    char *line = malloc(len + 1); /* exactly as long as what the caller promises */
    struct ip client, known;
    char text[IP_TEXT_MAX];

    forwarded_require(line != NULL && ip_read("192.0.2.7", strlen("192.0.2.7"), &known));
    if (len)
        memcpy(line, data + 1, len);
    line[len] = '\0';
    if (forwarded_read(header, line, NULL, &client)) {
        ip_write(&client, text);
        forwarded_require(text[0] != '\0');
        forwarded_require(forwarded_read(header, line, appended[header], &client));
        forwarded_require(ip_same(&client, &known));
    }
    free(line);
    return 0;
}
