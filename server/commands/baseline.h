/* baseline.h - `axond baseline MODEL [--labels FILE] [--output FILE] < rows`: what rows that
 * the network was not trained on do to it. */
#ifndef COMMANDS_BASELINE_H
#define COMMANDS_BASELINE_H

#include "commands/command.h"

/* Run the rows [rows, features] on standard input, in any of formats.def's formats, at least 300,
 * through the newest version of the model and write baseline.json of it into its folder, or to
 * --output; with labels, .npy [rows] of class indexes, its probabilities are calibrated. The rows
 * go the way of requests, so the figures are those of the service. 0, or error. */
command_fn baseline;

#endif
