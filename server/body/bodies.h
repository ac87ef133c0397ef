/* bodies.h - the formats of a request's body, as rows: bodies.def. */
#ifndef BODY_BODIES_H
#define BODY_BODIES_H

#include <stddef.h>

enum body_id {
#define BODY(id, as, ...) BODY_##id,
#include "body/bodies.def"
#undef BODY
    BODY_COUNT
};

enum body_kind { BODY_ENVELOPE, BODY_BYTES };

struct body_format {
    enum body_id id;
    enum body_kind kind;
    const char *types[5]; /* NULL-terminated */
};

/* The format among formats (bit id: it is taken) that a Content-Type announces, parameters such as
 * charset aside; NULL stands for none, as "" does. NULL: it is none of them. */
const struct body_format *body_find(const char *content_type, unsigned formats);

/* "application/json or application/x-npy": the first type of each, but for those that go as JSON,
 * too. Returns text. */
enum { BODY_TYPES_TEXT_MAX = 128 };
const char *body_types(unsigned formats, char text[static BODY_TYPES_TEXT_MAX]);

#endif
