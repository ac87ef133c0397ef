/* envelope.c - a request body: an object whose tensors are decoded in place.
 *
 * json/ reads the object, tensors.c its tensors. Invariant: on failure nothing is left that the
 * caller would have to release. */
#include "body/envelope.h"
#include "body/records.h"
#include "body/tensors.h"

#include <stdlib.h>
#include <string.h>

void envelope_reader_init(struct envelope_reader *r, struct envelope_field *fields,
                          size_t fields_count, const struct envelope_limits *limits,
                          enum non_finite policy, size_t bytes)
{
    const struct json_limits json = {.depth_max = limits->depth_max,
                                     .tokens_max = limits->tokens_max,
                                     .account = limits->tensor.account};

    json_init(&r->json, &json, &tensors_hook, bytes);
    r->limits = limits->tensor;
    r->policy = policy;
    r->fields = fields;
    r->fields_count = fields_count;
    r->row = ENVELOPE_NO_ROW;
    r->records.of = NULL;
    r->records.order = NULL;
    memset(r->leads, 0, sizeof r->leads);
    for (size_t i = 0; i < fields_count; i++) {
        fields[i].tensor = (struct tensor){0};
        fields[i].member = fields[i].place = NULL;
        fields[i].present = fields[i].blob = false;
        fields[i].gaps = NULL;
    }
}

void envelope_reader_fini(struct envelope_reader *r)
{
    json_fini(&r->json);
}

enum error_id envelope_feed(struct envelope_reader *r, const char *bytes, size_t len)
{
    return json_feed(&r->json, bytes, len);
}

enum error_id envelope_finish(struct envelope_reader *r, struct envelope *e, struct error *error)
{
    *e = (struct envelope){.fields = r->fields, .fields_count = r->fields_count};
    if (json_finish(&r->json, &e->json)) {
        *error = r->json.error;
        *e = (struct envelope){0};
        return error->id;
    }
    r->fields_count = 0; /* they are e's */
    return ERROR_OK;
}

size_t envelope_reader_bytes(const struct envelope_reader *r)
{
    size_t bytes = json_bytes(&r->json) + records_bytes(&r->records);

    for (size_t i = 0; i < r->fields_count; i++)
        bytes += r->fields[i].tensor.cap * sizeof(float) +
                 (r->fields[i].member ? strlen(r->fields[i].member) : 0) +
                 (r->fields[i].place ? strlen(r->fields[i].place) : 0) +
                 (r->fields[i].gaps ? r->fields[i].gaps->cap * sizeof(uint32_t) : 0);
    return bytes;
}

enum error_id envelope_read(struct envelope *e, struct envelope_field *fields, size_t fields_count,
                            const char *body, size_t len, const struct envelope_limits *limits,
                            enum non_finite policy, struct error *error)
{
    struct envelope_reader r;

    envelope_reader_init(&r, fields, fields_count, limits, policy, len);
    envelope_feed(&r, body, len);
    return envelope_finish(&r, e, error);
}

void envelope_fini(struct envelope *e)
{
    json_decref(e->json);
    tensors_release(e->fields, e->fields_count);
    *e = (struct envelope){0};
}
