/* main.c - the way from the command line to one of the commands. Each is in a file of its own:
 * serve.c, check_config.c, health.c, options*.c. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check_config.h"
#include "base/clock.h"
#include "probe.h"
#include "base/log.h"
#include "options/options.h"
#include "serve.h"
#include "start.h"
#include "version.h"

static struct options options;
static struct error error;

static int fail(int status)
{
    fprintf(stderr, "axond: %s\n", error.detail);
    return status;
}

/* text is new, or NULL when there was no memory for it. */
static int print(char *text)
{
    int written = text ? printf("%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n") : -1;

    free(text);
    return written < 0 || fflush(stdout) != 0;
}

/* Commands that load models need the kernels and the folder. */
static int prepare(void)
{
    if (start_kernels(&options, &error) != 0 || start_models(&options, &error) != 0)
        return OPTIONS_CONFIG;
    return OPTIONS_OK;
}

static int run_check(void)
{
    int status = prepare();

    if (status != OPTIONS_OK)
        return fail(status);
    status = check_config(&options);
    return fflush(stdout) == 0 ? status : CHECK_FAILED;
}

static int run_serve(int argc, char **argv, double started_s)
{
    int status = prepare();

    return status == OPTIONS_OK ? serve(&options, argc, argv, started_s) : fail(status);
}

static int run_health(void)
{
    return probe_health(&options, &error) == 0 ? 0 : fail(1);
}

int main(int argc, char **argv)
{
    double started_s = clock_s();
    enum command command;

    start_streams();
    start_signals();
    start_memory();
    int status = options_read(&options, &command, argc, argv, environ, &error);
    if (status != OPTIONS_OK)
        return fail(status);
    log_init(log_level_find(options.log_level), strcmp(options.log_format, "json") == 0);
    json_object_seed(0);

    switch (command) {
    case COMMAND_HELP:
        return print(options_help());
    case COMMAND_VERSION:
        return printf("axond %s (%s)\n", AXOND_VERSION, AXOND_REVISION) < 0;
    case COMMAND_PRINT_CONFIG:
        return print(options_print(&options));
    case COMMAND_HEALTH:
        return run_health();
    case COMMAND_CHECK_CONFIG:
        return run_check();
    case COMMAND_SERVE:
        return run_serve(argc, argv, started_s);
    }
    return EXIT_FAILURE;
}
