/* help.c - --help's text, written from the table. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "options/table.h"
#include "options/wrap.h"

enum { INDENT = 34 };

/* Sizes that are whole powers of 1024 read better with the suffix that the parser takes. */
static void size_text(const struct option_row *row, char *out, size_t out_bytes)
{
    static const char suffixes[] = "kMG";
    uint64_t value = row->size;
    int used = -1;

    while (option_in_bytes(row) && value > 0 && value % 1024 == 0 && used < 2) {
        value /= 1024;
        used++;
    }
    snprintf(out, out_bytes, "%" PRIu64 "%.*s", value, used < 0 ? 0 : 1,
             used < 0 ? "" : suffixes + used);
}

/* As the parser takes it. */
static void write_default(struct buf *out, const struct option_row *row)
{
    char size[32];

    size_text(row, size, sizeof size);
    if (row->type == OPTION_SIZE)
        buf_printf(out, " (default %s)", size);
    else if (row->type == OPTION_TIME)
        buf_printf(out, " (default %gs)", row->time);
    else if (row->type == OPTION_FLAG)
        buf_printf(out, " (default %s)", row->flag ? "on" : "off");
    else if (*row->text)
        buf_printf(out, " (default %s)", row->text);
}

static void write_option(struct buf *out, const struct option_row *row)
{
    static const char *const placeholder[] = {
        [OPTION_TEXT] = " TEXT", [OPTION_ADDRESS] = " ADDRESS:PORT",
        [OPTION_LIST] = " LIST", [OPTION_PATH] = " PATH",
        [OPTION_SIZE] = " N",    [OPTION_TIME] = " TIME",
        [OPTION_FLAG] = "[=off]"};
    char flag[OPTION_NAME_MAX], variable[OPTION_NAME_MAX], left[2 * OPTION_NAME_MAX];
    struct buf text;

    option_flag(row, flag);
    option_variable(row, variable);
    snprintf(left, sizeof left, "  %s%s", flag,
             option_in_bytes(row) ? " BYTES" : placeholder[row->type]);
    buf_init(&text, 0);
    buf_printf(&text, "%s%s%s", row->help, *row->choices ? ": " : "", row->choices);
    write_default(&text, row);
    buf_printf(&text, " [%s]", variable);
    if (strlen(left) >= INDENT)
        buf_printf(out, "%s\n%*s", left, INDENT, "");
    else
        buf_printf(out, "%-*s", INDENT, left);
    if (text.failed)
        out->failed = true;
    else
        wrap(out, INDENT, text.data);
    buf_fini(&text);
}

/* "compact MODEL"; its flags are told by its own help. */
static void write_command(struct buf *out, const struct command_row *row)
{
    char left[2 * OPTION_NAME_MAX];
    int length = snprintf(left, sizeof left, "%s", row->name);

    for (size_t a = 0; a < ARGUMENT_COUNT; a++)
        if (row->takes & 1U << a && !*argument_rows[a].flag && a != ARGUMENT_WORDS)
            length += snprintf(left + length, sizeof left - (size_t)length, " %s",
                               argument_rows[a].value);
    buf_printf(out, "  %-*s", INDENT - 2, left);
    wrap(out, INDENT, row->help);
}

char *options_help(void)
{
    const char *variable, *help;
    struct buf out;
    size_t length;

    buf_init(&out, 0);
    buf_puts(&out,
             "usage: axond [COMMAND] [--OPTION VALUE | --OPTION=VALUE]...\n\n"
             "Serves activation functions and neural networks over HTTP. Without a command it\n"
             "serves until SIGTERM or SIGINT; SIGHUP reloads models, keys and the log level.\n\n"
             "Commands (axond COMMAND --help tells more):\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        write_command(&out, &command_rows[i]);
    buf_puts(&out,
             "\nOptions (a flag wins over its [VARIABLE], which wins over the key like_this in\n"
             "the JSON file of --config; BYTES take k, M and G, of 1024; a TIME is in seconds\n"
             "or has one of us, ms, s, m, h and d after it):\n");
    for (size_t i = 0; i < OPTION_COUNT; i++)
        write_option(&out, &option_rows[i]);
    buf_puts(
        &out,
        "\nVariables of platforms, which win over those above and the file, but not over flags:\n");
    for (size_t i = 0; options_platform_help(i, &variable, &help); i++) {
        buf_printf(&out, "  %-*s", INDENT - 2, variable);
        wrap(&out, INDENT, help);
    }
    buf_puts(&out,
             "\nExit: 0 after a clean stop, 1 cannot start, or a command failed, 2 wrong usage,\n"
             "78 wrong configuration; what else a command's status means stands in its help.\n");
    return buf_steal(&out, &length);
}
