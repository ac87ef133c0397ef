/* key.h - `axond key [--name NAME] [--scope infer|admin]`: a new key for the file of --keys. */
#ifndef COMMANDS_KEY_H
#define COMMANDS_KEY_H

#include "commands/command.h"

/* 256 random bits: the key on standard error, its line for the file on standard output, so that
 * `axond key >> FILE` shows the key once and writes it nowhere. Reads nothing. 0, or error. */
command_fn key;

#endif
