/* main.c - the way from the command line to one of the commands. Each is in a file of its own:
 * serve.c, check_config.c, health.c, options*.c. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check_config.h"
#include "base/clock.h"
#include "infer/blas.h"
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

/* argv as main() has it. */
struct invocation {
    struct command_line line;
    int argc;
    char **argv;
    double started_s;
};

static int run_help(const struct invocation *i)
{
    (void)i;
    return print(options_help());
}

static int run_version(const struct invocation *i)
{
    (void)i;
    return printf("axond %s (%s)\n", AXOND_VERSION, AXOND_REVISION) < 0;
}

static int run_print_config(const struct invocation *i)
{
    (void)i;
    return print(options_print(&options));
}

static int run_health(const struct invocation *i)
{
    (void)i;
    return probe_health(&options, &error) == 0 ? 0 : fail(1);
}

static int run_check_config(const struct invocation *i)
{
    int status = prepare();

    (void)i;
    if (status != OPTIONS_OK)
        return fail(status);
    status = check_config(&options);
    return fflush(stdout) == 0 ? status : CHECK_FAILED;
}

static int run_serve(const struct invocation *i)
{
    int status = prepare();

    return status == OPTIONS_OK ? serve(&options, i->argc, i->argv, i->started_s) : fail(status);
}

static int (*const run[COMMAND_COUNT])(const struct invocation *invocation) = {
    [COMMAND_SERVE] = run_serve,
    [COMMAND_CHECK_CONFIG] = run_check_config,
    [COMMAND_PRINT_CONFIG] = run_print_config,
    [COMMAND_HEALTH] = run_health,
    [COMMAND_VERSION] = run_version,
    [COMMAND_HELP] = run_help,
};

int main(int argc, char **argv)
{
    struct invocation i = {.argc = argc, .argv = argv, .started_s = clock_s()};

    start_streams();
    start_signals();
    start_memory();
    blas_prepare();
    int status = options_read(&options, &i.line, argc, argv, environ, &error);
    if (status != OPTIONS_OK)
        return fail(status);
    log_init(log_level_find(options.log_level), strcmp(options.log_format, "json") == 0);
    json_object_seed(0);
    return run[i.line.command](&i);
}
