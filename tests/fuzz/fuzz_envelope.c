/* fuzz_envelope.c - libFuzzer entry: any bytes as a request body are an object with its tensors, or
 * an error with a message; and read without tensors they are what jansson makes of them, which
 * knows no byte order mark, no numbers beyond double and 64 bits, and no -0. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "body/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENVELOPE_FIELDS = 4 };

/* Wide enough for jansson to be the narrower one, but for its depth of 2,048. */
static const struct envelope_limits envelope_limits = {
    .tensor = {.rank_max = 8, .elements_max = 4096}, .depth_max = 64, .tokens_max = 100000};

static void envelope_require(int condition)
{
    if (!condition)
        abort();
}

static void check_with_tensors(const char *body, size_t len)
{
    struct envelope_field fields[ENVELOPE_FIELDS] = {
        {.path = "data"},
        {.path = "upstream"},
        {.path = "instances", .objects = ENVELOPE_OBJECT_ROWS},
        {.path = "inputs", .objects = ENVELOPE_OBJECT}};
    struct error error = {0};
    struct envelope e;
    enum error_id id = envelope_read(&e, fields, ENVELOPE_FIELDS, body, len, &envelope_limits,
                                     NON_FINITE_TOKEN, &error);

    if (id) {
        envelope_require(id == error.id && error.detail[0] && !e.json);
        envelope_require(!fields[0].tensor.data && !fields[1].tensor.data);
        return;
    }
    envelope_require(json_is_object(e.json));
    for (size_t i = 0; i < ENVELOPE_FIELDS; i++)
        if (fields[i].present)
            envelope_require(json_is_true(json_object_get(e.json, fields[i].path)));
    envelope_fini(&e);
}

static void check_against_jansson(const char *body, size_t len)
{
    json_error_t why = {0};
    json_t *want = json_loadb(body, len, JSON_REJECT_DUPLICATES, &why);
    struct error error = {0};
    struct envelope e;
    enum error_id id = envelope_read(&e, NULL, 0, body, len, &envelope_limits, NON_FINITE_STRICT,
                                     &error);

    bool wider = json_error_code(&why) == json_error_numeric_overflow || *body == '\xef' ||
                 strstr(body, "-0");
    if (id != ERROR_LIMIT_EXCEEDED && !wider)
        envelope_require((id == ERROR_OK) == json_is_object(want));
    if (!id) {
        envelope_require(wider || json_equal(e.json, want));
        envelope_fini(&e);
    }
    json_decref(want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *body = malloc(size + 1); /* exactly as long as what the caller promises */

    envelope_require(body != NULL);
    if (size)
        memcpy(body, data, size);
    body[size] = '\0';
    check_with_tensors(body, size);
    if (!memchr(body, '\0', size)) /* jansson loses a NUL after a literal, we refuse it */
        check_against_jansson(body, size);
    free(body);
    return 0;
}
