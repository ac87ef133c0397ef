/* options.h - the daemon's options, from flags, variables of platforms, AXOND_* variables and a
 * JSON file, in that order.
 *
 * Everything expands from options.def. A struct options is filled once at start and immutable then.
 */
#ifndef OPTIONS_OPTIONS_H
#define OPTIONS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

enum { OPTION_TEXT_MAX = 1024 };

struct options {
#define OPT_TEXT(id, ...)    char id[OPTION_TEXT_MAX];
#define OPT_ADDRESS(id, ...) char id[OPTION_TEXT_MAX];
#define OPT_LIST(id, ...)    char id[OPTION_TEXT_MAX];
#define OPT_PATH(id, ...)    char id[OPTION_TEXT_MAX];
#define OPT_SIZE(id, ...)    uint64_t id;
#define OPT_TIME(id, ...)    double id;
#define OPT_FLAG(id, ...)    bool id;
#include "options/options.def"
};

enum command {
#define COMMAND(id, ...) COMMAND_##id,
#include "options/commands.def"
    COMMAND_COUNT
};

/* The arguments of commands, and their bits. */
enum command_argument {
#define ARGUMENT(id, ...) ARGUMENT_##id,
#include "options/commands.def"
    ARGUMENT_COUNT
};
enum {
#define ARGUMENT(id, ...) TAKES_##id = 1 << ARGUMENT_##id,
#include "options/commands.def"
};

enum { COMMAND_WORDS_MAX = 16 };

/* The command that was asked for; its arguments point into argv, NULL: not given, or a switch's
 * word. */
struct command_line {
    enum command command;
    enum command about; /* of COMMAND_HELP: the command that it is about; itself: all */
    const char *arguments[ARGUMENT_COUNT];
    const char *also; /* HEALTH: another address where the service may be; "": none */
    const char *words[COMMAND_WORDS_MAX]; /* NAME=VALUE */
    size_t words_count;
};

/* Exit statuses: sysexits' EX_CONFIG for a bad configuration file or variable. */
enum { OPTIONS_OK = 0, OPTIONS_USAGE = 2, OPTIONS_CONFIG = 78 };

/* The defaults of options.def. */
void options_defaults(struct options *options);

/* Fill options and line from argv, the environment and --config's file. Returns OPTIONS_OK, or an
 * exit status and error, a line that names file, line and key, or the flag and the nearest one that
 * exists. */
int options_read(struct options *options, struct command_line *line, int argc, char **argv,
                 char **environment, struct error *error);

/* Variables that look like options and are none ("AXOND_LISTNE: no such option; did you
 * mean \"AXOND_LISTEN\"?"): text is the next one from *next on, which starts as 0; false when there
 * are no more. Variables that Kubernetes makes for a service named axond are passed over. */
bool options_unknown_variable(char **environment, size_t *next, char *text, size_t text_bytes);

/* A variable of platforms.def that is set; borrowed from the environment. */
struct platform_variable {
    const char *name, *value;
    const char *option; /* that it sets, or, if it is ignored, the one to use instead */
    bool ignored;
};

/* The next of them from *next on, which starts as 0; false when there are no more. */
bool options_platform_variable(char **environment, size_t *next, struct platform_variable *out);

/* Options in which b differs from a: *id is the next one from *next on, which starts as 0; false
 * when there are no more. */
bool options_difference(const struct options *a, const struct options *b, size_t *next,
                        const char **id);

/* The parts of options->listen. */
struct listen_address {
    char host[64]; /* an IPv4 or IPv6 address, without brackets; "" for every address of the host */
    uint16_t port;
};

/* "127.0.0.1:8000", "[::1]:8000", "localhost:8000" (127.0.0.1), ":8000" (every address); false if
 * text is none of these. */
bool options_listen(const char *text, struct listen_address *address);

/* --help's text, that about one command, bash's completion, and the options as a JSON object that
 * --config reads back; new strings, or NULL when out of memory. */
char *options_help(void);
char *options_help_command(enum command command);
char *options_completion(void);
char *options_print(const struct options *options);

#endif
