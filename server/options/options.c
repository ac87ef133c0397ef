/* options.c - the options from their three sources, in the order of precedence.
 *
 * Knows argv and the environment; the file is file.c's, single values are
 * table.c's. Invariant: sources are applied weakest first (defaults, file, variables,
 * flags), so the last writer wins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/nearest.h"
#include "options/platform.h"
#include "options/table.h"

void options_defaults(struct options *options)
{
    *options = (struct options){
#define OPT_TEXT(id, value, ...)    .id = value,
#define OPT_ADDRESS(id, value, ...) .id = value,
#define OPT_LIST(id, ...)           .id = "",
#define OPT_PATH(id, ...)           .id = "",
#define OPT_SIZE(id, value, ...)    .id = value,
#define OPT_TIME(id, value, ...)    .id = value,
#define OPT_FLAG(id, value, ...)    .id = value,
#include "options/options.def"
    };
}

/* ---- the command line ---- */

struct flags {
    const char *value[OPTION_COUNT]; /* NULL: not given */
    bool has_command;                /* one was named */
    bool has_serve;                  /* it was "serve" */
    struct command_line line;
};

/* The words of argv that are left. */
struct words {
    char **next, **end;
};

static bool is_word(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

/* COMMAND_COUNT: there is none. */
static enum command command_find(const char *word, size_t length)
{
    for (enum command c = 0; c < COMMAND_COUNT; c++)
        if (is_word(command_rows[c].name, word, length))
            return c;
    return is_word("-h", word, length) ? COMMAND_HELP : COMMAND_COUNT;
}

static enum command_argument argument_find(const char *flag, size_t length)
{
    enum command_argument a = 0;

    while (a < ARGUMENT_COUNT && !is_word(argument_rows[a].flag, flag, length))
        a++;
    return a;
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

/* Names that are like an unknown one: of options, of all arguments, and of commands that have
 * dashes, or have none. */
static int unknown(const char *given, size_t length, struct error *error)
{
    char names[OPTION_COUNT][OPTION_NAME_MAX], text[OPTION_NAME_MAX], hint[NEAREST_HINT_MAX];
    const char *all[OPTION_COUNT + ARGUMENT_COUNT + COMMAND_COUNT];
    bool has_dashes = *given == '-';
    size_t count = 0;

    for (size_t i = 0; has_dashes && i < OPTION_COUNT; i++) {
        option_flag(&option_rows[i], names[i]);
        all[count++] = names[i];
    }
    for (size_t i = 0; has_dashes && i < ARGUMENT_COUNT; i++)
        if (*argument_rows[i].flag)
            all[count++] = argument_rows[i].flag;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if ((*command_rows[i].name == '-') == has_dashes)
            all[count++] = command_rows[i].name;
    snprintf(text, sizeof text, "%.*s", (int)length, given);
    error_set(error, ERROR_BAD_FIELD, "%.*s: %s%s", length > 100 ? 100 : (int)length, given,
              has_dashes ? "no such option" : "no such command, and options start with --",
              nearest_hint(hint, text, all, count, "; see --help"));
    return OPTIONS_USAGE;
}

/* "predict --help" and "--help predict" ask the same. */
static bool read_about(struct flags *flags, enum command command)
{
    struct command_line *line = &flags->line;

    if (!flags->has_command || (command != COMMAND_HELP && line->command != COMMAND_HELP))
        return false;
    line->about = command == COMMAND_HELP ? line->command : command;
    line->command = COMMAND_HELP;
    return true;
}

static int read_command(struct flags *flags, enum command command, const char *word, size_t length,
                        struct error *error)
{
    if (word[length] == '=') {
        error_set(error, ERROR_BAD_FIELD, "%s: takes no value", command_rows[command].name);
        return OPTIONS_USAGE;
    }
    if (read_about(flags, command))
        return OPTIONS_OK;
    if (flags->has_command && flags->line.command != command) {
        error_set(error, ERROR_BAD_FIELD, "%s: one command at a time", word);
        return OPTIONS_USAGE;
    }
    flags->has_command = true;
    flags->has_serve |= command == COMMAND_SERVE;
    flags->line.command = command;
    return OPTIONS_OK;
}

/* "--flag=value" or "--flag" "value", of which the first word was taken already. */
static int read_value(const char **value, const char *flag, size_t length, struct words *words,
                      struct error *error)
{
    if (flag[length] == '=')
        *value = flag + length + 1;
    else if (words->next < words->end)
        *value = *words->next++;
    else
        error_set(error, ERROR_BAD_FIELD, "%s: expected a value", flag);
    return *value ? OPTIONS_OK : OPTIONS_USAGE;
}

/* Is text one of "a|b"? */
static bool is_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);

    for (const char *at = choices; *at; at += strspn(at, "|")) {
        size_t choice = strcspn(at, "|");
        if (choice == length && memcmp(at, text, length) == 0)
            return true;
        at += choice;
    }
    return false;
}

static bool is_whole(const char *text)
{
    enum { DIGITS_MAX = 9 };
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= DIGITS_MAX && !text[digits] && *text != '0';
}

static int check_value(const struct argument_row *row, const char *command, const char *value,
                       struct error *error)
{
    const char *name = *row->flag ? row->flag : command;

    if (!*value)
        error_set(error, ERROR_BAD_FIELD, "%s: expected %s, found an empty text", name, row->value);
    else if (*row->choices == '#' && !is_whole(value))
        error_set(error, ERROR_BAD_FIELD,
                  "%s: expected a whole number from 1 to 999999999, found \"%.100s\"", name, value);
    else if (*row->choices && *row->choices != '#' && !is_choice(row->choices, value))
        error_set(error, ERROR_BAD_FIELD, "%s: expected one of %s, found \"%.100s\"", name,
                  row->choices, value);
    else
        return OPTIONS_OK;
    return OPTIONS_USAGE;
}

static int read_argument(struct flags *flags, enum command_argument argument, const char *word,
                         struct words *words, struct error *error)
{
    const struct command_row *command = &command_rows[flags->line.command];
    const struct argument_row *row = &argument_rows[argument];
    const char **value = &flags->line.arguments[argument];
    size_t length = strcspn(word, "=");

    if (!(command->takes & 1U << argument)) {
        error_set(error, ERROR_BAD_FIELD, "%s: %s takes no such argument", word, command->name);
        return OPTIONS_USAGE;
    }
    if (*value) {
        error_set(error, ERROR_BAD_FIELD, "%.100s: %s was given already: %.100s", word,
                  *row->value ? row->value : row->flag, *value);
        return OPTIONS_USAGE;
    }
    *value = word;
    if (!*row->value && word[length] == '=') {
        error_set(error, ERROR_BAD_FIELD, "%s: takes no value", row->flag);
        return OPTIONS_USAGE;
    }
    if (*row->flag && *row->value) {
        *value = NULL;
        if (read_value(value, word, length, words, error) != OPTIONS_OK)
            return OPTIONS_USAGE;
    }
    return check_value(row, command->name, *value, error);
}

/* The place of a word among the command's arguments: the first that has none yet, or the last. */
static enum command_argument word_find(const struct command_line *line)
{
    unsigned takes = command_rows[line->command].takes;
    enum command_argument found = ARGUMENT_COUNT;

    for (enum command_argument a = 0; a < ARGUMENT_COUNT; a++)
        if (takes & 1U << a && !*argument_rows[a].flag && a != ARGUMENT_WORDS) {
            found = a;
            if (!line->arguments[a])
                break;
        }
    return found;
}

static int read_pair(struct command_line *line, const char *word, struct error *error)
{
    if (line->words_count < COMMAND_WORDS_MAX) {
        line->words[line->words_count++] = word;
        return OPTIONS_OK;
    }
    error_set(error, ERROR_BAD_FIELD, "%.100s: %s takes at most %d words %s", word,
              command_rows[line->command].name, COMMAND_WORDS_MAX,
              argument_rows[ARGUMENT_WORDS].value);
    return OPTIONS_USAGE;
}

/* By hand rather than by getopt_long, which takes abbreviations, so that "--mod" would break on the
 * day another --mod... is added. */
static int read_word(struct flags *flags, struct words *words, struct error *error)
{
    const char *word = *words->next++;
    size_t length = strcspn(word, "=");
    enum command command = command_find(word, length);
    enum command_argument argument = *word == '-' ? argument_find(word, length)
                                                  : word_find(&flags->line);
    const struct option_row *row = flag_find(word, length);

    if (command < COMMAND_COUNT &&
        (*word == '-' || !flags->has_command || flags->line.command == COMMAND_HELP ||
         argument == ARGUMENT_COUNT)) /* serve, which a platform appends to what has it */
        return read_command(flags, command, word, length, error);
    if (row && row->type == OPTION_FLAG && word[length] != '=') {
        /* the next word is no value of it: it may be a misspelt option */
        flags->value[row - option_rows] = "on";
        return OPTIONS_OK;
    }
    if (row) {
        flags->value[row - option_rows] = NULL; /* the last one holds */
        return read_value(&flags->value[row - option_rows], word, length, words, error);
    }
    if (*word != '-' && word[length] && command_rows[flags->line.command].takes & TAKES_WORDS)
        return read_pair(&flags->line, word, error);
    if (argument == ARGUMENT_COUNT)
        return unknown(word, length, error);
    return read_argument(flags, argument, word, words, error);
}

/* The words that the command must be given; a model's only where several may be meant. */
static int check_arguments(const struct command_line *line, const struct options *options,
                           struct error *error)
{
    const struct command_row *row = &command_rows[line->command];

    for (size_t a = 0; a < ARGUMENT_COUNT; a++)
        if (row->takes & 1U << a && !*argument_rows[a].flag && !line->arguments[a] &&
            a != ARGUMENT_WORDS && !(a == ARGUMENT_MODEL && *options->model_dir)) {
            error_set(error, ERROR_BAD_FIELD, "%s: expected %s: %s", row->name,
                      argument_rows[a].value, argument_rows[a].help);
            return OPTIONS_USAGE;
        }
    return OPTIONS_OK;
}

static int read_flags(struct flags *flags, int argc, char **argv, struct error *error)
{
    struct words words = {argv + 1, argv + argc};
    int status = OPTIONS_OK;

    *flags = (struct flags){.line = {.command = COMMAND_SERVE, .about = COMMAND_HELP}};
    while (words.next < words.end && status == OPTIONS_OK)
        status = read_word(flags, &words, error);
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
        status = platform_apply(options, environment, flags->value, flags->has_serve, error);
    if (status == OPTIONS_OK)
        status = apply_flags(options, flags, error);
    return status;
}

int options_read(struct options *options, struct command_line *line, int argc, char **argv,
                 char **environment, struct error *error)
{
    struct flags flags;
    int status = read_flags(&flags, argc, argv, error);

    options_defaults(options);
    *line = flags.line;
    line->also = line->command == COMMAND_HEALTH ? platform_also(environment, flags.value) : "";
    /* Help must work also when the configuration is what is broken. */
    if (line->command == COMMAND_HELP || line->command == COMMAND_VERSION ||
        line->command == COMMAND_COMPLETION)
        return status;
    if (status == OPTIONS_OK)
        status = read_sources(options, &flags, environment, error);
    return status == OPTIONS_OK ? check_arguments(line, options, error) : status;
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
