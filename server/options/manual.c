/* manual.c - all about a command, and bash's completion, written from the tables. */
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "options/table.h"
#include "options/wrap.h"

enum { INDENT = 26 };

/* A row of manual.def: a line of the part that it belongs to. */
enum part { PART_ABOUT, PART_EXIT, PART_EXAMPLE };
static const struct manual_row {
    enum command command;
    enum part part;
    int status;
    const char *text;
} rows[] = {
#define ABOUT(id, text)        {COMMAND_##id, PART_ABOUT, 0, text},
#define EXIT(id, status, text) {COMMAND_##id, PART_EXIT, status, text},
#define EXAMPLE(id, text)      {COMMAND_##id, PART_EXAMPLE, 0, text},
#include "options/manual.def"
};
enum { ROWS = sizeof rows / sizeof *rows };

static const struct manual_row *row_next(const struct manual_row *row, enum command command,
                                         enum part part)
{
    for (row = row ? row + 1 : rows; row < rows + ROWS; row++)
        if (row->command == command && row->part == part)
            return row;
    return NULL;
}

static void write_usage(struct buf *out, const struct command_row *command)
{
    struct buf line;

    buf_init(&line, 0);
    buf_printf(&line, "usage: axond %s", command->name);
    for (size_t a = 0; a < ARGUMENT_COUNT; a++) {
        const struct argument_row *row = &argument_rows[a];

        if (!(command->takes & 1U << a))
            continue;
        if (*row->flag)
            buf_printf(&line, " [%s%s%s]", row->flag, *row->value ? " " : "", row->value);
        else
            buf_printf(&line, a == ARGUMENT_WORDS ? " [%s]..." : " %s", row->value);
    }
    buf_puts(&line, " [--OPTION VALUE]...");
    if (line.failed)
        out->failed = true;
    else
        wrap(out, 0, line.data);
    buf_fini(&line);
}

static void write_argument(struct buf *out, const struct argument_row *row)
{
    struct buf text;

    buf_init(&text, 0);
    buf_printf(&text, "  %s%s%s", row->flag, *row->flag && *row->value ? " " : "", row->value);
    buf_printf(out, "%-*s", INDENT, text.failed ? "" : text.data);
    buf_fini(&text);
    buf_printf(&text, "%s", row->help);
    if (*row->choices && *row->choices != '#')
        buf_printf(&text, ": %s", row->choices);
    if (text.failed)
        out->failed = true;
    else
        wrap(out, INDENT, text.data);
    buf_fini(&text);
}

static void write_arguments(struct buf *out, const struct command_row *command)
{
    if (command->takes == 0)
        return;
    buf_puts(out, "\nArguments:\n");
    for (size_t a = 0; a < ARGUMENT_COUNT; a++)
        if (command->takes & 1U << a)
            write_argument(out, &argument_rows[a]);
}

char *options_help_command(enum command command)
{
    const struct manual_row *row = NULL;
    struct buf out;
    size_t length;

    buf_init(&out, 0);
    write_usage(&out, &command_rows[command]);
    while ((row = row_next(row, command, PART_ABOUT))) {
        buf_puts(&out, "\n");
        wrap(&out, 0, row->text);
    }
    write_arguments(&out, &command_rows[command]);
    buf_puts(&out, "\nExit:\n");
    while ((row = row_next(row, command, PART_EXIT))) {
        buf_printf(&out, "  %-4d", row->status);
        wrap(&out, 6, row->text);
    }
    buf_puts(&out, "\nExamples:\n");
    while ((row = row_next(row, command, PART_EXAMPLE)))
        buf_printf(&out, "  %s\n", row->text);
    return buf_steal(&out, &length);
}

/* ---- bash's completion ----------------------------------------------------------------------- */

/* "    --format) words='json ndjson' ;;": the values of a flag; without them files are completed.
 */
static void write_values(struct buf *out, const char *flag, const char *choices)
{
    if (!*choices || *choices == '#')
        return;
    buf_printf(out, "    %s) words='", flag);
    for (const char *at = choices; *at; at++)
        buf_append(out, *at == '|' ? " " : at, 1);
    buf_puts(out, "' ;;\n");
}

static void write_command_words(struct buf *out, const struct command_row *command)
{
    buf_printf(out, "    %s) words='", command->name);
    for (size_t a = 0; a < ARGUMENT_COUNT; a++)
        if (command->takes & 1U << a && *argument_rows[a].flag)
            buf_printf(out, "%s ", argument_rows[a].flag);
    buf_puts(out, "--help' ;;\n");
}

/* Models are folders of --models, or of the default. */
static const char completion_head[] =
    "# bash completion for axond: source <(axond --completion)\n"
    "_axond() {\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local command=${COMP_WORDS[1]} words='' options folder=configs/models i\n"
    "    COMPREPLY=()\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        [[ ${COMP_WORDS[i]} == --models ]] && folder=${COMP_WORDS[i + 1]}\n"
    "    done\n";

static const char completion_tail[] =
    "    if [[ $current == --* ]]; then\n"
    "        COMPREPLY=($(compgen -W \"$words $options\" -- \"$current\"))\n"
    "    elif ((COMP_CWORD == 1)); then\n"
    "        COMPREPLY=($(compgen -W \"$commands\" -- \"$current\"))\n"
    "    elif [[ $takes_model == *\" $command \"* && $previous != --* ]]; then\n"
    "        COMPREPLY=($(cd \"$folder\" 2>/dev/null && compgen -d -- \"$current\"))\n"
    "    fi\n"
    "}\n"
    "complete -o default -F _axond axond\n";

static void write_lists(struct buf *out)
{
    char flag[OPTION_NAME_MAX];

    buf_puts(out, "    local commands='");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        buf_printf(out, "%s%s", i ? " " : "", command_rows[i].name);
    buf_puts(out, "'\n    local takes_model=' ");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (command_rows[i].takes & TAKES_MODEL)
            buf_printf(out, "%s ", command_rows[i].name);
    buf_puts(out, "'\n    options='");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        option_flag(&option_rows[i], flag);
        buf_printf(out, "%s%s", i ? " " : "", flag);
    }
    buf_puts(out, "'\n");
}

char *options_completion(void)
{
    char flag[OPTION_NAME_MAX];
    struct buf out;
    size_t length;

    buf_init(&out, 0);
    buf_puts(&out, completion_head);
    write_lists(&out);
    buf_puts(&out, "    case $previous in\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        option_flag(&option_rows[i], flag);
        write_values(&out, flag, option_rows[i].choices);
    }
    for (size_t a = 0; a < ARGUMENT_COUNT; a++)
        write_values(&out, argument_rows[a].flag, argument_rows[a].choices);
    buf_puts(&out, "    esac\n"
                   "    if [[ $words ]]; then\n"
                   "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                   "        return\n"
                   "    fi\n"
                   "    case $command in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        write_command_words(&out, &command_rows[i]);
    buf_puts(&out, "    esac\n");
    buf_puts(&out, completion_tail);
    return buf_steal(&out, &length);
}
