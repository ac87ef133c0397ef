/* command.h - what the commands share: the model that MODEL names, and standard input as bytes.
 *
 * They run once, on one thread, in a process of their own. */
#ifndef COMMANDS_COMMAND_H
#define COMMANDS_COMMAND_H

#include "base/buf.h"
#include "base/error.h"
#include "model/model.h"
#include "options/options.h"

/* A command of a model: its exit status, and error if it failed. argv's words are line's. */
typedef int command_fn(const struct options *options, const struct command_line *line,
                       struct error *error);

/* The newest version of model `name` in options->models that loads, as the service would take it;
 * no other model is loaded. new, or NULL and error. */
struct model *command_model(const struct options *options, const char *name, struct error *error);

/* All of standard input, of at most bytes_max bytes, into in, which is new; on failure it is empty,
 * and error says what is wrong. */
enum error_id command_input(struct buf *in, size_t bytes_max, struct error *error);

/* The same of the file that an argument names. */
enum error_id command_file(struct buf *in, const char *path, size_t bytes_max, struct error *error);

#endif
