/* tell.c - see tell.h. The texts are options/'s. */
#include "tell.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "version.h"

/* text is new, or NULL when there was no memory for it. */
static int print(char *text)
{
    int written = text ? printf("%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n") : -1;

    free(text);
    return written < 0;
}

int tell(const struct options *options, const struct command_line *line)
{
    switch (line->command) {
    case COMMAND_VERSION:
        return printf("axond %s (%s)\n", AXOND_VERSION, AXOND_REVISION) < 0;
    case COMMAND_PRINT_CONFIG:
        return print(options_print(options));
    case COMMAND_COMPLETION:
        return print(options_completion());
    default:
        return print(line->about == COMMAND_HELP ? options_help()
                                                 : options_help_command(line->about));
    }
}
