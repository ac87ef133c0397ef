/* input.h - standard input in pieces, with as much of it in memory as the caller asks for at once.
 *
 * It knows bytes alone. Errors call it "standard input". */
#ifndef COMMANDS_INPUT_H
#define COMMANDS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

#define INPUT_NAME "standard input"

struct input {
    char *bytes; /* [cap + 1]; those from begin to end are at hand, and a NUL may follow them */
    size_t cap, begin, end;
    bool ended;     /* nothing comes after them */
    uint64_t taken; /* bytes before them        */
    uint64_t size;  /* of a file; 0: who knows  */
};

/* Get ready; a terminal is refused, with the kind of file that should be there instead. */
enum error_id input_open(struct input *in, const char *should_be, struct error *error);
void input_fini(struct input *in);

/* Have at least so many bytes at hand, or all that are left. */
enum error_id input_need(struct input *in, size_t bytes, struct error *error);

/* Read what is there, at most so many bytes; waits for the first alone. */
enum error_id input_more(struct input *in, size_t bytes, struct error *error);

static inline char *input_at(const struct input *in)
{
    return in->bytes + in->begin;
}

static inline size_t input_left(const struct input *in)
{
    return in->end - in->begin;
}

static inline void input_take(struct input *in, size_t bytes)
{
    in->begin += bytes;
    in->taken += bytes;
}

#endif
