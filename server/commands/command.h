/* command.h - what the commands share: the model that MODEL names, and standard input as bytes.
 *
 * They run once, on one thread, in a process of their own. */
#ifndef COMMANDS_COMMAND_H
#define COMMANDS_COMMAND_H

#include "base/buf.h"
#include "base/error.h"
#include "model/model.h"
#include "model/repository.h"
#include "options/options.h"
#include "tensor/tensor.h"

/* A command of a model: its exit status; or error if it failed, which main.c gives a status. argv's
 * words are line's. */
typedef int command_fn(const struct options *options, const struct command_line *line,
                       struct error *error);

/* A model that a command line names, alone in a repository. */
struct command_models {
    struct options options; /* with the model's folder */
    char name[MODEL_NAME_MAX + 1],
        version[MODEL_NAME_MAX + 1]; /* number or label; "": the newest */
    struct repository *repository;
    struct model *model; /* a reference */
};

/* The model that text names, "digits", "digits/1" or "digits/stable", or NULL for that of
 * --model-dir, as the service would take it: of its newest version every version that should serve
 * must load. c is new, also on failure. */
enum error_id command_open(struct command_models *c, const struct options *options,
                           const char *text, struct error *error);
void command_close(struct command_models *c);

/* The model alone: new, or NULL and error. */
struct model *command_model(const struct options *options, const char *name, struct error *error);

/* All of standard input, of at most bytes_max bytes, into in, which is new; it should be such a
 * file ("sample.npz"). On failure in is empty, and error says what is wrong: a terminal, nothing at
 * all. */
enum error_id command_input(struct buf *in, const char *should_be, size_t bytes_max,
                            struct error *error);

/* The array of the file, which errors call `name` and which should be such a file; at most
 * bytes_max bytes. t is new, or error. */
enum error_id command_npy(struct tensor *t, const char *path, const char *name,
                          const char *should_be, size_t bytes_max, struct error *error);

#endif
