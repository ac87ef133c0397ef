/* main.c - the way from the command line to one of the commands. Each is in a file of its own:
 * serve.c, check_config.c, probe.c, tell.c, commands/. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "check_config.h"
#include "base/clock.h"
#include "commands/commands.h"
#include "infer/blas.h"
#include "probe.h"
#include "base/log.h"
#include "options/options.h"
#include "serve.h"
#include "start.h"
#include "tell.h"

static struct options options;
static struct command_line line;
static struct error error;
static struct {
    int argc;
    char **argv;
    double started_s;
} process;

static int fail(int status)
{
    fprintf(stderr, "axond: %s\n", error.detail);
    return status;
}

static int run_health(void)
{
    return probe_health(&options, line.also, &error) == 0 ? 0 : 1;
}

static int run_check_config(void)
{
    return check_config(&options);
}

static int run_tell(void)
{
    return tell(&options, &line);
}

static int run_serve(void)
{
    return serve(&options, process.argc, process.argv, process.started_s);
}

/* One of two functions; loads: it needs kernels and folder; failed: the status without a result,
 * for replay's 1 says that outputs differ. */
static const struct {
    int (*run)(void);
    command_fn *of_model;
    int loads, failed;
} commands[COMMAND_COUNT] = {
    [COMMAND_SERVE] = {run_serve, NULL, true, 1},
    [COMMAND_PREDICT] = {NULL, predict, true, 1},
    [COMMAND_APPLY] = {NULL, apply, true, 1},
    [COMMAND_INSPECT] = {NULL, inspect, true, 1},
    [COMMAND_BASELINE] = {NULL, baseline, true, 1},
    [COMMAND_COMPACT] = {NULL, compact, true, 1},
    [COMMAND_REPLAY] = {NULL, replay, true, 2},
    [COMMAND_KEY] = {NULL, key, false, 2},
    [COMMAND_CHECK_CONFIG] = {run_check_config, NULL, true, 1},
    [COMMAND_PRINT_CONFIG] = {run_tell, NULL, false, 1},
    [COMMAND_HEALTH] = {run_health, NULL, false, 1},
    [COMMAND_COMPLETION] = {run_tell, NULL, false, 1},
    [COMMAND_VERSION] = {run_tell, NULL, false, 1},
    [COMMAND_HELP] = {run_tell, NULL, false, 1},
};

/* Its exit status; what it has set as the error is told. */
static int run(void)
{
    int command = (int)line.command, status;
    bool filter = !commands[command].run;

    if (filter)
        start_filter();
    if (commands[command].loads &&
        (start_kernels(&options, &error) != 0 || start_models(&options, &error) != 0))
        return fail(OPTIONS_CONFIG);
    status = filter ? commands[command].of_model(&options, &line, &error) : commands[command].run();
    if (error.id != ERROR_OK || start_flush(&error) != 0)
        status = fail(!filter && status ? status : commands[command].failed);
    return status;
}

int main(int argc, char **argv)
{
    process = (typeof(process)){argc, argv, clock_s()};
    start_streams();
    start_signals();
    start_memory();
    blas_prepare();
    int status = options_read(&options, &line, argc, argv, environ, &error);
    if (status != OPTIONS_OK)
        return fail(status);
    log_init(log_level_find(options.log_level), strcmp(options.log_format, "json") == 0);
    json_object_seed(0);
    return run();
}
