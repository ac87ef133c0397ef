/* table.c - one option at a time: its names, its value from text, its range. */
#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hosts.h"
#include "base/ip.h"
#include "base/origins.h"
#include "options/table.h"

static bool networks_ok(const char *text)
{
    struct networks unused;

    return networks_read(text, &unused);
}

/* A request can have it as its target: "/", or segments that are not empty. */
static bool path_ok(const char *text)
{
    enum { SEGMENTS_MAX = 16 };
    size_t segments = 0;

    if (strcmp(text, "/") == 0)
        return true;
    for (; *text == '/'; segments++) {
        size_t length = strspn(text + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789._~:-");
        if (length == 0)
            return false;
        text += 1 + length;
    }
    return *text == '\0' && segments <= SEGMENTS_MAX;
}

static bool origins_ok(const char *text)
{
    struct origins unused;

    return origins_read(text, &unused);
}

/* clang-format off */
#define ROW(name, kind, about, ...) \
    {.id = #name, .type = (kind), .offset = offsetof(struct options, name), .help = (about), \
     __VA_ARGS__},
/* clang-format on */

const struct option_row option_rows[OPTION_COUNT] = {
#define OPT_TEXT(name, value, allowed, about) \
    ROW(name, OPTION_TEXT, about, .text = (value), .choices = (allowed), .unit = "")
#define OPT_ADDRESS(name, value, about) \
    ROW(name, OPTION_ADDRESS, about, .text = (value), .choices = "", .unit = "")
#define OPT_LIST(name, ok, what, about)                                                   \
    ROW(name, OPTION_LIST, about, .text = "", .choices = "", .unit = "", .list_ok = (ok), \
        .items = (what))
#define OPT_PATH(name, about)                                                                \
    ROW(name, OPTION_PATH, about, .text = "", .choices = "", .unit = "", .list_ok = path_ok, \
        .items = "a path such as /v1/predict, of letters, digits and . _ ~ : - between slashes")
#define OPT_SIZE(name, value, least, most, what, about)                                     \
    ROW(name, OPTION_SIZE, about, .size = (value), .size_min = (least), .size_max = (most), \
        .choices = "", .unit = (what))
#define OPT_TIME(name, value, least, most, about)                                           \
    ROW(name, OPTION_TIME, about, .time = (value), .time_min = (least), .time_max = (most), \
        .choices = "", .unit = "seconds")
#define OPT_FLAG(name, value, about) \
    ROW(name, OPTION_FLAG, about, .flag = (value), .choices = "", .unit = "")
#include "options/options.def"
};

const struct command_row command_rows[COMMAND_COUNT] = {
#define COMMAND(id, name_, takes_, help_) \
    [COMMAND_##id] = {.name = name_, .help = help_, .takes = (takes_)},
#include "options/commands.def"
};

const struct argument_row argument_rows[ARGUMENT_COUNT] = {
#define ARGUMENT(id, flag_, value_, choices_, help_) \
    [ARGUMENT_##id] = {.flag = flag_, .value = value_, .choices = choices_, .help = help_},
#include "options/commands.def"
};

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

bool option_in_bytes(const struct option_row *row)
{
    return strncmp(row->unit, "bytes", strlen("bytes")) == 0;
}

static enum error_id refuse_size(const struct option_row *row, struct error *why)
{
    return error_set(why, ERROR_BAD_PARAMETER,
                     "expected a whole number from %" PRIu64 " to %" PRIu64 "%s", row->size_min,
                     row->size_max, option_in_bytes(row) ? ", or one with k, M or G after it" : "");
}

static enum error_id refuse_time(const struct option_row *row, struct error *why)
{
    return error_set(why, ERROR_BAD_PARAMETER,
                     "expected a time from %gs to %gs, such as 1.5, 500ms, 30s or 2m",
                     row->time_min, row->time_max);
}

enum error_id option_set_size(struct options *options, const struct option_row *row, uint64_t value,
                              struct error *why)
{
    if (value < row->size_min || value > row->size_max)
        return refuse_size(row, why);
    memcpy((char *)options + row->offset, &value, sizeof value);
    return ERROR_OK;
}

enum error_id option_set_time(struct options *options, const struct option_row *row, double value,
                              struct error *why)
{
    if (!(value >= row->time_min && value <= row->time_max))
        return refuse_time(row, why);
    memcpy((char *)options + row->offset, &value, sizeof value);
    return ERROR_OK;
}

/* Digits, and for bytes one suffix; strtoull alone would take signs, spaces and wrap around. */
static enum error_id set_size(struct options *options, const struct option_row *row,
                              const char *text, struct error *why)
{
    static const struct {
        const char *suffix;
        unsigned shift;
    } suffixes[] = {{"k", 10},  {"K", 10},  {"M", 20},   {"G", 30},   {"Ki", 10},
                    {"Mi", 20}, {"Gi", 30}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
    size_t digits = strspn(text, "0123456789");
    uint64_t value = strtoull(text, NULL, 10);
    unsigned shift = 0;

    for (size_t i = 0; option_in_bytes(row) && i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcmp(text + digits, suffixes[i].suffix) == 0)
            shift = suffixes[i].shift;
    if (digits == 0 || digits > 18 || (text[digits] && !shift) || value > UINT64_MAX >> shift)
        return refuse_size(row, why);
    return option_set_size(options, row, value << shift, why);
}

static enum error_id set_time(struct options *options, const struct option_row *row,
                              const char *text, struct error *why)
{
    static const struct {
        const char *suffix;
        double seconds;
    } suffixes[] = {{"", 1},   {"us", 1e-6}, {"ms", 1e-3}, {"s", 1},
                    {"m", 60}, {"h", 3600},  {"d", 86400}};
    char *end;
    double value = strtod(text, &end);

    /* Without the first two conditions strtod would take "inf", "nan", spaces and hexadecimal. */
    if (end == text || strspn(text, "0123456789.eE+-") < (size_t)(end - text))
        return refuse_time(row, why);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcmp(end, suffixes[i].suffix) == 0)
            return option_set_time(options, row, value * suffixes[i].seconds, why);
    return refuse_time(row, why);
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

static enum error_id set_text(struct options *options, const struct option_row *row,
                              const char *text, struct error *why)
{
    if (*row->choices && !is_choice(row->choices, text))
        return error_set(why, ERROR_BAD_PARAMETER, "expected one of %s", row->choices);
    if (strlen(text) >= OPTION_TEXT_MAX)
        return error_set(why, ERROR_BAD_PARAMETER, "expected at most %d bytes",
                         OPTION_TEXT_MAX - 1);
    memcpy((char *)options + row->offset, text, strlen(text) + 1);
    return ERROR_OK;
}

void option_set_flag(struct options *options, const struct option_row *row, bool value)
{
    memcpy((char *)options + row->offset, &value, sizeof value);
}

static enum error_id set_flag(struct options *options, const struct option_row *row,
                              const char *text, struct error *why)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"on", true},   {"true", true},   {"yes", true}, {"1", true},
                 {"off", false}, {"false", false}, {"no", false}, {"0", false}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i].word) == 0)
            return option_set_flag(options, row, words[i].value), ERROR_OK;
    return error_set(why, ERROR_BAD_PARAMETER, "expected on or off");
}

/* ---- addresses ----------------------------------------------------------------------------- */

bool options_listen(const char *text, struct listen_address *address)
{
    const char *colon = strrchr(text, ':');
    unsigned char binary[sizeof(struct in6_addr)];

    if (!colon)
        return false;
    bool six = text[0] == '[' && colon > text && colon[-1] == ']';
    size_t length = (size_t)(colon - text) - (six ? 2 : 0);
    size_t digits = strspn(colon + 1, "0123456789");
    unsigned long port = strtoul(colon + 1, NULL, 10);
    if (length >= sizeof address->host || digits == 0 || digits > 5 || colon[1 + digits] ||
        port > UINT16_MAX)
        return false;
    memcpy(address->host, text + six, length);
    address->host[length] = '\0';
    address->port = (uint16_t)port;
    /* No other name: it would have to be looked up, perhaps anew, perhaps as several addresses. */
    if (strcmp(address->host, "localhost") == 0)
        memcpy(address->host, "127.0.0.1", sizeof "127.0.0.1");
    return (length == 0 && !six) || inet_pton(six ? AF_INET6 : AF_INET, address->host, binary) == 1;
}

static enum error_id set_address(struct options *options, const struct option_row *row,
                                 const char *text, struct error *why)
{
    struct listen_address unused;

    if (options_listen(text, &unused))
        return set_text(options, row, text, why);
    return error_set(why, ERROR_BAD_PARAMETER,
                     "expected ADDRESS:PORT, such as 127.0.0.1:8000, [::1]:8000, "
                     "localhost:8000 or :8000");
}

static enum error_id set_list(struct options *options, const struct option_row *row,
                              const char *text, struct error *why)
{
    if (row->list_ok(text))
        return set_text(options, row, text, why);
    return error_set(why, ERROR_BAD_PARAMETER, "expected %s", row->items);
}

enum error_id option_set(struct options *options, const struct option_row *row, const char *value,
                         struct error *why)
{
    static enum error_id (*const setters[])(struct options *, const struct option_row *,
                                            const char *, struct error *) = {
        [OPTION_TEXT] = set_text, [OPTION_ADDRESS] = set_address, [OPTION_LIST] = set_list,
        [OPTION_PATH] = set_list, [OPTION_SIZE] = set_size,       [OPTION_TIME] = set_time,
        [OPTION_FLAG] = set_flag,
    };
    return setters[row->type](options, row, value, why);
}

bool option_is_text(const struct option_row *row)
{
    return row->type == OPTION_TEXT || row->type == OPTION_ADDRESS || row->type == OPTION_LIST ||
           row->type == OPTION_PATH;
}

bool option_same(const struct options *a, const struct options *b, const struct option_row *row)
{
    static const size_t bytes[] = {[OPTION_SIZE] = sizeof(uint64_t),
                                   [OPTION_TIME] = sizeof(double),
                                   [OPTION_FLAG] = sizeof(bool)};
    const char *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;

    return option_is_text(row) ? strcmp(x, y) == 0 : memcmp(x, y, bytes[row->type]) == 0;
}
