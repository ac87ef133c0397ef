/* filter.h - what predict and apply share: the formats that a command line asks for, and a JSON
 * object that is the body of a request. */
#ifndef COMMANDS_FILTER_H
#define COMMANDS_FILTER_H

#include "commands/local.h"
#include "commands/results.h"

struct filter {
    const struct rows_format *format; /* of the input */
    struct results_wanted wanted;     /* format and policy are set, the rest is the command's */
};

/* As line says it, and the input's first bytes. */
enum error_id filter_open(struct filter *f, const struct command_line *line, struct input *in,
                          struct error *error);

/* Is the input a JSON object, to be answered with JSON? */
bool filter_is_request(const struct filter *f, const struct input *in);

/* The reply to it, and a newline, to standard output. */
enum error_id filter_request(struct local *local, const char *target, struct input *in,
                             struct error *error);

#endif
