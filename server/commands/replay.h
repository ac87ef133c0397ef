/* replay.h - `axond replay MODEL < sample.npz`: does the model still say what it said? */
#ifndef COMMANDS_REPLAY_H
#define COMMANDS_REPLAY_H

#include "commands/command.h"

/* Run the inputs of a sample, an .npz on standard input as GET .../sample.npz gives it, through the
 * newest version of the model, and print how its outputs differ from those that were recorded. The
 * rows go the way of requests, so on the version and the kernels that answered them the bits are
 * the same. 0: every output is equal bit for bit. 1: some are not. Or error: nothing was compared.
 */
command_fn replay;

#endif
