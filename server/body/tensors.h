/* tensors.h - the tensors of a body, as a hook of JSON's reader. For envelope.c alone. */
#ifndef BODY_TENSORS_H
#define BODY_TENSORS_H

#include "body/envelope.h"

extern const struct json_hook tensors_hook; /* of a struct envelope_reader's json */

/* Free what fields [count] hold. */
void tensors_release(struct envelope_field *fields, size_t count);

#endif
