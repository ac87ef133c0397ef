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

enum body_kind { BODY_ENVELOPE, BODY_BLOBS, BODY_TABLE, BODY_BYTES, BODY_KINDS };

struct body_format {
    enum body_id id;
    enum body_kind kind;
    const char *types[5]; /* NULL-terminated */
};

/* The format among formats (bit id: it is taken) that a Content-Type announces, parameters such as
 * charset aside; NULL stands for none, as "" does. NULL: it is none of them. */
const struct body_format *body_find(const char *content_type, unsigned formats);

/* The row of an id. */
const struct body_format *body_row(enum body_id id);

/* "application/json or application/x-npy": the first type of each. Returns text. */
enum { BODY_TYPES_TEXT_MAX = 256 };
const char *body_types(unsigned formats, char text[static BODY_TYPES_TEXT_MAX]);

/* The value of a parameter of a Content-Type, ";json-header-size=42": so many bytes at the place
 * that is returned, or NULL. Names are compared without regard to case. */
const char *body_parameter(const char *content_type, const char *name, size_t *bytes);

#endif
