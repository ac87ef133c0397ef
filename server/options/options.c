/* options.c - the options from their three sources, in the order of precedence.
 *
 * Knows argv and the environment; the file is file.c's, single values are
 * table.c's. Invariant: sources are applied weakest first (defaults, file, variables,
 * flags), so the last writer wins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/nearest.h"
#include "options/table.h"

void options_defaults(struct options *options)
{
    *options = (struct options){
#define OPT_TEXT(id, value, ...)    .id = value,
#define OPT_ADDRESS(id, value, ...) .id = value,
#define OPT_LIST(id, ...)           .id = "",
#define OPT_SIZE(id, value, ...)    .id = value,
#define OPT_TIME(id, value, ...)    .id = value,
#define OPT_FLAG(id, value, ...)    .id = value,
#include "options/options.def"
    };
}

/* ---- the command line ---- */

struct flags {
    const char *value[OPTION_COUNT]; /* NULL: not given */
    enum command command;
};

static const struct command_row *command_find(const char *flag, size_t length)
{
    for (size_t i = 0; i < command_rows_count; i++)
        if (strlen(command_rows[i].flag) == length &&
            memcmp(command_rows[i].flag, flag, length) == 0)
            return &command_rows[i];
    return length == 2 && memcmp(flag, "-h", 2) == 0 ? command_find("--help", 6) : NULL;
}

static int unknown_flag(const char *flag, size_t length, struct error *error)
{
    char names[OPTION_COUNT][OPTION_NAME_MAX], given[OPTION_NAME_MAX], hint[NEAREST_HINT_MAX];
    const char *all[OPTION_COUNT + 8];
    size_t count = 0;

    for (; count < OPTION_COUNT; count++) {
        option_flag(&option_rows[count], names[count]);
        all[count] = names[count];
    }
    for (size_t i = 0; i < command_rows_count; i++)
        all[count++] = command_rows[i].flag;
    snprintf(given, sizeof given, "%.*s", (int)length, flag);
    error_set(error, ERROR_BAD_FIELD, "%.*s: no such option%s", length > 100 ? 100 : (int)length,
              flag, nearest_hint(hint, given, all, count, "; see --help"));
    return OPTIONS_USAGE;
}

static const struct option_row *flag_find(const char *flag, size_t length)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char name[OPTION_NAME_MAX];
        option_flag(&option_rows[i], name);
        if (strlen(name) == length && memcmp(name, flag, length) == 0)
            return &option_rows[i];
    }
    return NULL;
}

/* One argument, or two: *at moves past what was read. By hand rather than by getopt_long, which
 * takes abbreviations, so that "--mod" would break on the day another --mod... is added. */
static int read_flag(struct flags *flags, int argc, char **argv, int *at, struct error *error)
{
    const char *flag = argv[(*at)++];
    size_t length = strcspn(flag, "=");
    const struct command_row *command = command_find(flag, length);

    if (command && flag[length] == '=') {
        error_set(error, ERROR_BAD_FIELD, "%s: takes no value", command->flag);
        return OPTIONS_USAGE;
    }
    if (command) {
        if (flags->command != COMMAND_SERVE && flags->command != command->command) {
            error_set(error, ERROR_BAD_FIELD, "%s: one command at a time", flag);
            return OPTIONS_USAGE;
        }
        flags->command = command->command;
        return OPTIONS_OK;
    }
    if (flag[0] != '-') {
        error_set(error, ERROR_BAD_FIELD, "%.100s: options start with --; see --help", flag);
        return OPTIONS_USAGE;
    }
    const struct option_row *row = flag_find(flag, length);
    if (!row)
        return unknown_flag(flag, length, error);
    const char **value = &flags->value[row - option_rows];
    if (flag[length] == '=') {
        *value = flag + length + 1;
    } else if (row->type == OPTION_FLAG) {
        *value = "on"; /* the next word is no value of it: it may be a misspelt option */
    } else if (*at < argc) {
        *value = argv[(*at)++];
    } else {
        error_set(error, ERROR_BAD_FIELD, "%s: expected a value", flag);
        return OPTIONS_USAGE;
    }
    return OPTIONS_OK;
}

static int read_flags(struct flags *flags, int argc, char **argv, struct error *error)
{
    int status = OPTIONS_OK;

    *flags = (struct flags){.command = COMMAND_SERVE};
    for (int at = 1; at < argc && status == OPTIONS_OK;)
        status = read_flag(flags, argc, argv, &at, error);
    return status;
}

/* ---- the environment ---- */

/* The value of NAME=value if that is its name, or NULL. */
static const char *value_of(const char *variable, const char *name)
{
    size_t length = strlen(name);
    return strncmp(variable, name, length) == 0 && variable[length] == '=' ? variable + length + 1
                                                                           : NULL;
}

static const char *variable_find(char **environment, const struct option_row *row)
{
    char name[OPTION_NAME_MAX];

    option_variable(row, name);
    for (char **at = environment; *at; at++) {
        const char *value = value_of(*at, name);
        if (value)
            return value;
    }
    return NULL;
}

static bool is_known_variable(const char *variable)
{
    /* Docker links and Kubernetes describe a service named axond like this (AXOND_PORT=8000 is
     * not: somebody looks for --listen). */
    static const char *const others[] = {"AXOND_PORT=tcp:", "AXOND_PORT=udp:", "AXOND_PORT_",
                                         "AXOND_SERVICE_"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(variable, others[i], strlen(others[i])) == 0)
            return true;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char name[OPTION_NAME_MAX];
        option_variable(&option_rows[i], name);
        if (value_of(variable, name))
            return true;
    }
    return false;
}

bool options_unknown_variable(char **environment, size_t *next, char *text, size_t text_bytes)
{
    char names[OPTION_COUNT][OPTION_NAME_MAX], given[OPTION_NAME_MAX], hint[NEAREST_HINT_MAX];
    const char *all[OPTION_COUNT];

    while (environment[*next] && (strncmp(environment[*next], "AXOND_", strlen("AXOND_")) != 0 ||
                                  is_known_variable(environment[*next])))
        ++*next;
    const char *variable = environment[*next];
    if (!variable)
        return false;
    ++*next;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        option_variable(&option_rows[i], names[i]);
        all[i] = names[i];
    }
    snprintf(given, sizeof given, "%.*s", (int)strcspn(variable, "="), variable);
    snprintf(text, text_bytes, "%s: no such option%s", given,
             nearest_hint(hint, given, all, OPTION_COUNT, ""));
    return true;
}

/* ---- all together ---- */

static int apply(struct options *options, const struct option_row *row, const char *name,
                 const char *value, int status, struct error *error)
{
    if (!option_set(options, row, value, error))
        return OPTIONS_OK;
    error_set(error, error->id, "%s: %s, found \"%.100s\"", name, error->detail, value);
    return status;
}

static int apply_variables(struct options *options, char **environment, struct error *error)
{
    int status = OPTIONS_OK;

    for (size_t i = 0; i < OPTION_COUNT && status == OPTIONS_OK; i++) {
        char name[OPTION_NAME_MAX];
        const char *value = variable_find(environment, &option_rows[i]);
        option_variable(&option_rows[i], name);
        if (value)
            status = apply(options, &option_rows[i], name, value, OPTIONS_CONFIG, error);
    }
    return status;
}

static int apply_flags(struct options *options, const struct flags *flags, struct error *error)
{
    int status = OPTIONS_OK;

    for (size_t i = 0; i < OPTION_COUNT && status == OPTIONS_OK; i++) {
        char name[OPTION_NAME_MAX];
        option_flag(&option_rows[i], name);
        if (flags->value[i])
            status = apply(options, &option_rows[i], name, flags->value[i], OPTIONS_USAGE, error);
    }
    return status;
}

static int read_sources(struct options *options, const struct flags *flags, char **environment,
                        struct error *error)
{
    int status = OPTIONS_OK;
    const char *path = flags->value[OPTION_config];

    if (!path)
        path = variable_find(environment, &option_rows[OPTION_config]);
    if (path && *path)
        status = options_read_file(options, path, error) ? OPTIONS_CONFIG : OPTIONS_OK;
    if (status == OPTIONS_OK)
        status = apply_variables(options, environment, error);
    if (status == OPTIONS_OK)
        status = apply_flags(options, flags, error);
    return status;
}

int options_read(struct options *options, enum command *command, int argc, char **argv,
                 char **environment, struct error *error)
{
    struct flags flags;
    int status = read_flags(&flags, argc, argv, error);

    options_defaults(options);
    *command = flags.command;
    /* Help must work also when the configuration is what is broken. */
    if (status == OPTIONS_OK && *command != COMMAND_HELP && *command != COMMAND_VERSION)
        status = read_sources(options, &flags, environment, error);
    return status;
}

bool options_difference(const struct options *a, const struct options *b, size_t *next,
                        const char **id)
{
    while (*next < OPTION_COUNT) {
        const struct option_row *row = &option_rows[(*next)++];
        if (!option_same(a, b, row)) {
            *id = row->id;
            return true;
        }
    }
    return false;
}
