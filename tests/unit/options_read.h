/* options_read.h - options from words, variables or a file that a test writes, as the daemon reads
 * them. */
#ifndef TESTS_OPTIONS_READ_H
#define TESTS_OPTIONS_READ_H

#include <stdio.h>
#include <string.h>
#include "folder.h"
#include "options/table.h"

static struct options options;
static struct command_line line;
static struct error error;
static struct folder folder;
static char path[128];

static void start(void)
{
    folder = folder_create();
    snprintf(path, sizeof path, "%s/axond.json", folder.path);
}

static void stop(void)
{
    folder_remove(&folder, "");
}

enum { WORDS_MAX = 8 };

/* Both lists are NULL-terminated; arguments without the program's name. */
static int read_all(char **arguments, char **environment)
{
    char *argv[WORDS_MAX + 2] = {"axond"};
    int argc = 1;

    while (arguments[argc - 1] && argc <= WORDS_MAX) {
        argv[argc] = arguments[argc - 1];
        argc++;
    }
    memset(&options, 0x55, sizeof options);
    error = (struct error){0};
    return options_read(&options, &line, argc, argv, environment, &error);
}

static char *nothing[] = {NULL};
#define FLAGS(...)       read_all((char *[]){__VA_ARGS__, NULL}, nothing)
#define ENVIRONMENT(...) read_all(nothing, (char *[]){__VA_ARGS__, NULL})

__attribute__((unused)) static int file_says(const char *text)
{
    folder_text(&folder, "axond.json", text);
    return FLAGS("--config", path);
}

#endif
