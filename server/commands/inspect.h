/* inspect.h - `axond inspect FILE|FOLDER`: what is in a file of weights or rows, or in a model. */
#ifndef COMMANDS_INSPECT_H
#define COMMANDS_INSPECT_H

#include "commands/command.h"

/* Print the arrays of a file (inspect_file.c), or the models of a folder as the service would load
 * them (inspect_model.c), to standard output. 0; 1: a model among several does not load, which is
 * printed; or error, the loader's or reader's. */
command_fn inspect;

/* The parts. folder is descriptor and path of the file's folder. */
enum error_id inspect_file(int folder, const char *name, struct error *error);
int inspect_models(const struct options *options, const char *path, struct error *error);

#endif
