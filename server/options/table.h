/* table.h - the rows of options.def as data, and setting one from text. For options*.c
 * alone.
 *
 * Invariant: a value gets into a struct options only through option_set_*(), which check it. */
#ifndef OPTIONS_TABLE_H
#define OPTIONS_TABLE_H

#include <stdbool.h>
#include "options/options.h"

enum option_type {
    OPTION_TEXT,
    OPTION_ADDRESS,
    OPTION_LIST,
    OPTION_PATH,
    OPTION_SIZE,
    OPTION_TIME,
    OPTION_FLAG
};

struct option_row {
    const char *id; /* like_this: the key in JSON, and what flag and variable are spelt from */
    enum option_type type;
    size_t offset; /* in struct options */
    const char *text;
    bool flag;
    uint64_t size, size_min, size_max;
    double time, time_min, time_max;
    const char *choices;               /* "a|b|c", or "" for any text */
    bool (*list_ok)(const char *text); /* of a list, a path */
    const char *items;                 /* for messages */
    const char *unit, *help;
};

enum option_index {
#define OPT_TEXT(id, ...)    OPTION_##id,
#define OPT_ADDRESS(id, ...) OPTION_##id,
#define OPT_LIST(id, ...)    OPTION_##id,
#define OPT_PATH(id, ...)    OPTION_##id,
#define OPT_SIZE(id, ...)    OPTION_##id,
#define OPT_TIME(id, ...)    OPTION_##id,
#define OPT_FLAG(id, ...)    OPTION_##id,
#include "options/options.def"
    OPTION_COUNT
};
extern const struct option_row option_rows[OPTION_COUNT];

/* commands.def as data. */
struct command_row {
    const char *name, *help;
    unsigned takes; /* arguments: bits TAKES_... */
};
struct argument_row {
    const char *flag, *value, *choices, *help; /* as commands.def has them */
};
extern const struct command_row command_rows[COMMAND_COUNT];
extern const struct argument_row argument_rows[ARGUMENT_COUNT];

enum { OPTION_NAME_MAX = 48 };

/* "--like-this" and "AXOND_LIKE_THIS" */
void option_flag(const struct option_row *row, char out[OPTION_NAME_MAX]);
void option_variable(const struct option_row *row, char out[OPTION_NAME_MAX]);

/* Is its value a string in struct options? */
bool option_is_text(const struct option_row *row);

/* Does the option count bytes, so that it takes suffixes? */
bool option_in_bytes(const struct option_row *row);

/* ERROR_OK if the value is good and set. Else why says what was expected: "expected a whole number
 * from 0 to 256". */
enum error_id option_set(struct options *options, const struct option_row *row, const char *value,
                         struct error *why);
enum error_id option_set_size(struct options *options, const struct option_row *row, uint64_t value,
                              struct error *why);
enum error_id option_set_time(struct options *options, const struct option_row *row, double value,
                              struct error *why);
void option_set_flag(struct options *options, const struct option_row *row, bool value);

/* Has the option the same value in both? */
bool option_same(const struct options *a, const struct options *b, const struct option_row *row);

/* --help's line of row i of platforms.def; false after the last. */
bool options_platform_help(size_t i, const char **variable, const char **help);

/* Apply the file, or error, which names file, line and key. */
enum error_id options_read_file(struct options *options, const char *path, struct error *error);

#endif
