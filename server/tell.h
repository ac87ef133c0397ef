/* tell.h - the commands that only print what the binary knows: help, completion, version, options.
 */
#ifndef TELL_H
#define TELL_H

#include "options/options.h"

/* Print what the line asks for, to standard output. 0, or 1 when it cannot be written. */
int tell(const struct options *options, const struct command_line *line);

#endif
