/* options.h - the daemon's options, from flags, AXOND_* variables and a JSON file, in that order.
 *
 * Everything expands from options.def. A struct options is filled once at start and immutable then.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stddef.h>
#include <stdint.h>

enum { OPTION_TEXT_MAX = 1024 };

struct options {
#define OPT_TEXT(id, ...) char id[OPTION_TEXT_MAX];
#define OPT_SIZE(id, ...) uint64_t id;
#define OPT_TIME(id, ...) double id;
#include "options.def"
#undef OPT_TEXT
#undef OPT_SIZE
#undef OPT_TIME
};

/* What the command line asks for besides serving. */
enum command {
    COMMAND_SERVE,
    COMMAND_CHECK_CONFIG,
    COMMAND_PRINT_CONFIG,
    COMMAND_HEALTH,
    COMMAND_VERSION,
    COMMAND_HELP
};

/* Exit statuses: sysexits' EX_CONFIG for a bad configuration file or variable. */
enum { OPTIONS_OK = 0, OPTIONS_USAGE = 2, OPTIONS_CONFIG = 78 };

/* The defaults of options.def. */
void options_defaults(struct options *options);

/* Fill options and command from argv, the environment and --config's file. Returns OPTIONS_OK, or
 * an exit status and a message of one line in error [error_bytes] that names file, line and key, or
 * the flag and the nearest one that exists. */
int options_read(struct options *options, enum command *command, int argc, char **argv,
                 char **environment, char *error, size_t error_bytes);

/* --help's text, and the options as a JSON object that --config reads back; new strings, or NULL.
 */
char *options_help(void);
char *options_print(const struct options *options);

#endif
