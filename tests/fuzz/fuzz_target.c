/* fuzz_target.c - libFuzzer entry: any text as a request target is segments and a query that hold
 * what target.h promises, or an error with a message. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "api/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void target_require(int condition)
{
    if (!condition)
        abort();
}

static const char target_plain_bytes[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:-";

static void check_segments(const struct target *t)
{
    target_require(t->segments_count >= 1 && t->segments_count <= TARGET_SEGMENTS_MAX);
    for (size_t i = 0; i < t->segments_count; i++) {
        const char *segment = t->segments[i];

        target_require(*segment != '\0' || t->segments_count == 1);
        bool plain = segment[strspn(segment, target_plain_bytes)] == '\0';
        target_require(target_is_plain(t, i) == plain);
    }
}

static void check_query(const struct target *t)
{
    target_require(t->query_count <= TARGET_QUERY_MAX);
    for (size_t i = 0; i < t->query_count; i++)
        target_require(target_query(t, t->query[i].key) == t->query[i].value); /* none is twice */
}

/* A byte of a segment as a path has it. Returns the end. */
static char *target_escaped(char *end, char byte)
{
    static const char digits[] = "0123456789abcdef";

    if (strchr(target_plain_bytes, byte)) {
        *end++ = byte;
        return end;
    }
    *end++ = '%';
    *end++ = digits[(unsigned char)byte >> 4];
    *end++ = digits[(unsigned char)byte & 15];
    return end;
}

/* Written down again a decoded path is the same path, if it is not too long then. */
static void check_again(const struct target *t)
{
    static char text[3 * TARGET_BYTES_MAX + 2];
    char *end = text;
    struct target again;
    struct error error = {0};

    for (size_t i = 0; i < t->segments_count; i++) {
        *end++ = '/';
        for (const char *byte = t->segments[i]; *byte; byte++)
            end = target_escaped(end, *byte);
    }
    *end = '\0';
    if (end - text > TARGET_BYTES_MAX)
        return;
    target_require(target_parse(&again, text, &error) == ERROR_OK);
    target_require(again.segments_count == t->segments_count && again.query_count == 0);
    for (size_t i = 0; i < t->segments_count; i++)
        target_require(strcmp(again.segments[i], t->segments[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* exactly as long as what the caller promises */
    struct target t;
    struct error error = {0};

    target_require(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    if (target_parse(&t, text, &error) == ERROR_OK) {
        check_segments(&t);
        check_query(&t);
        check_again(&t);
    } else {
        target_require(error.id != ERROR_OK && error.detail[0] != '\0');
    }
    free(text);
    return 0;
}
