/* skip.h - a JSON value that nobody wants: its grammar is checked, and nothing of it is kept. */
#ifndef BODY_SKIP_H
#define BODY_SKIP_H

#include <stdbool.h>
#include <stdint.h>
#include "tensor/tensor.h"

struct json_reader;

enum { SKIP_DEPTH_MAX = 64 };

/* {0} at the value's first token; its members are skip.c's own. */
struct skip {
    enum { SKIP_VALUE, SKIP_OPENED, SKIP_KEY, SKIP_COLON, SKIP_BEHIND, SKIP_DONE } state;
    unsigned depth;   /* containers that are open              */
    uint64_t objects; /* bit i: the i-th of them is an object  */
};

/* The token at the window's pos, which is whole. The value is over when the state is SKIP_DONE.
 * Containers are at most SKIP_DEPTH_MAX deep, and json_depth_max. */
enum error_id skip_token(struct skip *s, struct json_reader *r, enum non_finite policy);

#endif
