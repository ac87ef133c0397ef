/* progress.h - how far a long input is, on standard error if that is a terminal: rows, rows a
 * second and, where the input's size is known, percent and the time left. */
#ifndef COMMANDS_PROGRESS_H
#define COMMANDS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include "commands/input.h"

struct progress {
    const struct input *in; /* borrowed */
    bool shown;             /* somebody looks */
    bool dirty;             /* there is a line to be wiped */
    uint64_t begun_ns, next_ns;
};

void progress_start(struct progress *p, const struct input *in);

/* So many rows are done: a few times a second the line is written anew. */
void progress_tell(struct progress *p, uint64_t rows);

/* Wipe the line. */
void progress_stop(struct progress *p);

#endif
