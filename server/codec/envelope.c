/* envelope.c - a request body: an object whose tensors are decoded in place.
 *
 * May know: json_read.h. Invariant: on failure nothing is left that the caller would have to
 * release. */
#include "codec/envelope.h"
#include "codec/json_read.h"

#include <stdint.h>
#include <string.h>

static void release_fields(struct envelope_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tensor_fini(&fields[i].tensor);
        fields[i].present = false;
    }
}

enum error_id envelope_read(struct envelope *e, struct envelope_field *fields, size_t fields_count,
                            const char *body, size_t len, const struct envelope_limits *limits,
                            enum non_finite policy, struct error *error)
{
    struct json_reader r = {
        .text = body,
        .len = len,
        .limits = limits,
        .error = error,
        .fields = fields,
        .fields_count = fields_count,
        .policy = policy,
    };
    enum error_id id;

    for (size_t i = 0; i < fields_count; i++) {
        fields[i].tensor = (struct tensor){0};
        fields[i].present = false;
    }
    *e = (struct envelope){.fields = fields, .fields_count = fields_count};
    id = json_read_object(&r);
    buf_fini(&r.key);
    buf_fini(&r.word);
    e->json = r.root;
    if (id)
        envelope_fini(e);
    return id;
}

void envelope_fini(struct envelope *e)
{
    json_decref(e->json);
    release_fields(e->fields, e->fields_count);
    *e = (struct envelope){0};
}

const char *json_unknown_key(const json_t *object, const char *const *allowed)
{
    json_t *walk = (json_t *)(uintptr_t)object; /* jansson's iterators are not const-correct */

    for (void *at = json_object_iter(walk); at; at = json_object_iter_next(walk, at)) {
        const char *key = json_object_iter_key(at);
        size_t i = 0;
        while (allowed[i] && strcmp(allowed[i], key) != 0)
            i++;
        if (!allowed[i])
            return key;
    }
    return NULL;
}
