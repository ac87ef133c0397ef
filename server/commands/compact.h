/* compact.h - `axond compact MODEL [--output DIR]`: the model without its dead units. */
#ifndef COMMANDS_COMPACT_H
#define COMMANDS_COMPACT_H

#include "commands/command.h"

/* Write the newest version of the model, without the units that are proven dead over its declared
 * input range, as a new model folder, MODEL-compact beside it or --output. The new model is loaded
 * and compared on random rows of the range before it gets its name. 0, or error; then nothing is
 * left behind. */
command_fn compact;

#endif
