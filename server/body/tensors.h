/* tensors.h - the tensors of a body, as a hook of JSON's reader. For envelope.c alone. */
#ifndef BODY_TENSORS_H
#define BODY_TENSORS_H

#include "body/envelope.h"

extern const struct json_hook tensors_hook; /* of a struct envelope_reader's json */

/* The string at the window's pos to r's word, and no longer than that: a million rows hold one key.
 */
enum error_id tensors_read_key(struct envelope_reader *r);

/* Free what fields [count] hold. */
void tensors_release(struct envelope_field *fields, size_t count);

#endif
