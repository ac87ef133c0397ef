/* options_table.c - one option at a time: its names, its value from text, its range. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "options_table.h"

const struct option_row option_rows[OPTION_COUNT] = {
#define OPT_TEXT(name, value, allowed, about)  \
    {.id = #name,                              \
     .type = OPTION_TEXT,                      \
     .offset = offsetof(struct options, name), \
     .text = (value),                          \
     .choices = (allowed),                     \
     .unit = "",                               \
     .help = (about)},
#define OPT_SIZE(name, value, least, most, what, about) \
    {.id = #name,                                       \
     .type = OPTION_SIZE,                               \
     .offset = offsetof(struct options, name),          \
     .size = (value),                                   \
     .size_min = (least),                               \
     .size_max = (most),                                \
     .choices = "",                                     \
     .unit = (what),                                    \
     .help = (about)},
#define OPT_TIME(name, value, least, most, about) \
    {.id = #name,                                 \
     .type = OPTION_TIME,                         \
     .offset = offsetof(struct options, name),    \
     .time = (value),                             \
     .time_min = (least),                         \
     .time_max = (most),                          \
     .choices = "",                               \
     .unit = "seconds",                           \
     .help = (about)},
#include "options.def"
#undef OPT_TEXT
#undef OPT_SIZE
#undef OPT_TIME
};

const struct command_row command_rows[] = {
    {"--check-config", "load options and models, print findings; exit 0, or 1 if a model fails",
     COMMAND_CHECK_CONFIG},
    {"--print-config", "print the options in force as JSON that --config reads",
     COMMAND_PRINT_CONFIG},
    {"--health", "ask the service at --listen whether it is ready; exit 0 or 1", COMMAND_HEALTH},
    {"--version", "print version and revision", COMMAND_VERSION},
    {"--help", "print this", COMMAND_HELP},
};
const size_t command_rows_count = sizeof command_rows / sizeof *command_rows;

void option_flag(const struct option_row *row, char out[OPTION_NAME_MAX])
{
    snprintf(out, OPTION_NAME_MAX, "--%s", row->id);
    for (char *c = out; *c; c++)
        *c = *c == '_' ? '-' : *c;
}

void option_variable(const struct option_row *row, char out[OPTION_NAME_MAX])
{
    snprintf(out, OPTION_NAME_MAX, "AXOND_%s", row->id);
    for (char *c = out; *c; c++)
        *c = (char)toupper((unsigned char)*c);
}

static bool in_bytes(const struct option_row *row)
{
    return strncmp(row->unit, "bytes", strlen("bytes")) == 0;
}

static bool refuse_size(const struct option_row *row, char *why, size_t why_bytes)
{
    snprintf(why, why_bytes, "expected a whole number from %" PRIu64 " to %" PRIu64 "%s",
             row->size_min, row->size_max, in_bytes(row) ? ", or with k, M or G behind it" : "");
    return false;
}

static bool refuse_time(const struct option_row *row, char *why, size_t why_bytes)
{
    snprintf(why, why_bytes, "expected seconds from %g to %g", row->time_min, row->time_max);
    return false;
}

bool option_set_size(struct options *options, const struct option_row *row, uint64_t value,
                     char *why, size_t why_bytes)
{
    if (value < row->size_min || value > row->size_max)
        return refuse_size(row, why, why_bytes);
    memcpy((char *)options + row->offset, &value, sizeof value);
    return true;
}

bool option_set_time(struct options *options, const struct option_row *row, double value, char *why,
                     size_t why_bytes)
{
    if (!(value >= row->time_min && value <= row->time_max))
        return refuse_time(row, why, why_bytes);
    memcpy((char *)options + row->offset, &value, sizeof value);
    return true;
}

/* Digits, and for bytes one suffix; strtoull alone would take signs, spaces and wrap around. */
static bool set_size_text(struct options *options, const struct option_row *row, const char *text,
                          char *why, size_t why_bytes)
{
    static const struct {
        char suffix;
        unsigned shift;
    } suffixes[] = {{'k', 10}, {'K', 10}, {'M', 20}, {'G', 30}};
    size_t digits = strspn(text, "0123456789");
    uint64_t value = strtoull(text, NULL, 10);
    unsigned shift = 0;

    for (size_t i = 0; in_bytes(row) && i < sizeof suffixes / sizeof *suffixes; i++)
        if (text[digits] == suffixes[i].suffix && text[digits + 1] == '\0')
            shift = suffixes[i].shift;
    if (digits == 0 || digits > 18 || (text[digits] && !shift) || value > UINT64_MAX >> shift)
        return refuse_size(row, why, why_bytes);
    return option_set_size(options, row, value << shift, why, why_bytes);
}

static bool set_time_text(struct options *options, const struct option_row *row, const char *text,
                          char *why, size_t why_bytes)
{
    char *end;
    double value = strtod(text, &end);

    /* Without the first condition strtod would take "inf", "nan", spaces and hexadecimal. */
    if (!*text || text[strspn(text, "0123456789.eE+-")] || *end)
        return refuse_time(row, why, why_bytes);
    return option_set_time(options, row, value, why, why_bytes);
}

static bool is_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);

    for (const char *at = choices; *at; at += *at == '|') {
        size_t n = strcspn(at, "|");
        if (n == length && memcmp(at, value, n) == 0)
            return true;
        at += n;
    }
    return false;
}

static bool set_text(struct options *options, const struct option_row *row, const char *text,
                     char *why, size_t why_bytes)
{
    struct listen_address unused;

    if (*row->choices && !is_choice(row->choices, text))
        snprintf(why, why_bytes, "expected one of %s", row->choices);
    else if (row == &option_rows[OPTION_listen] && !options_listen(text, &unused))
        snprintf(why, why_bytes, "expected ADDRESS:PORT, such as 127.0.0.1:8000 or [::1]:8000");
    else if (strlen(text) >= OPTION_TEXT_MAX)
        snprintf(why, why_bytes, "expected at most %d bytes", OPTION_TEXT_MAX - 1);
    else
        return memcpy((char *)options + row->offset, text, strlen(text) + 1) != NULL;
    return false;
}

bool option_set(struct options *options, const struct option_row *row, const char *value, char *why,
                size_t why_bytes)
{
    static bool (*const setters[])(struct options *, const struct option_row *, const char *,
                                   char *, size_t) = {
        [OPTION_TEXT] = set_text,
        [OPTION_SIZE] = set_size_text,
        [OPTION_TIME] = set_time_text,
    };
    return setters[row->type](options, row, value, why, why_bytes);
}
