/* apply.h - `axond apply ACTIVATION [NAME=VALUE]... < tensor`: an activation of a tensor, as POST
 * /v1/activations/{activation} answers it. */
#ifndef COMMANDS_APPLY_H
#define COMMANDS_APPLY_H

#include "commands/command.h"

/* A tensor on standard input to the activation of it, or with --gradient its derivatives, on
 * standard output. A JSON object is the body of a request. Rows that the activation does not join
 * are done a piece at a time. 0, or error. */
command_fn apply;

#endif
