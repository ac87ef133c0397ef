/* serve.h - the life of the service: open everything, wait for signals, drain, close everything. */
#ifndef SERVE_H
#define SERVE_H

#include "options/options.h"

/* Serves until SIGTERM or SIGINT; the signals must be blocked and the kernels chosen. SIGHUP
 * reloads the models, and reads the options anew from the same argv: the log level of then holds, a
 * change of any other option is logged as one that needs a restart. started_s is clock_s() of the
 * process's begin. Returns the exit status: 0 after a drain, 1 if it cannot start. */
int serve(const struct options *options, int argc, char **argv, double started_s);

#endif
