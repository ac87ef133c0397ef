/* commands.h - all commands but those that serve, for main.c's table; the contract of each is in
 * its header.
 */
#ifndef COMMANDS_COMMANDS_H
#define COMMANDS_COMMANDS_H

#include "commands/apply.h"
#include "commands/baseline.h"
#include "commands/compact.h"
#include "commands/inspect.h"
#include "commands/key.h"
#include "commands/predict.h"
#include "commands/replay.h"

#endif
