/* start.h - what has to be right about the process before the service begins. */
#ifndef START_H
#define START_H

#include <stddef.h>
#include "options/options.h"

/* Open /dev/null in place of standard streams that are closed, so that no socket becomes "standard
 * error". */
void start_streams(void);

/* All that was printed to standard output. 0, or -1 and error. */
int start_flush(struct error *error);

/* Block SIGTERM, SIGINT and SIGHUP (they are waited for) and ignore SIGPIPE. Call it before any
 * thread exists. */
void start_signals(void);

/* For a command that is a filter: whoever reads its output may leave (| head), and Ctrl-C ends it,
 * quietly, as other programs. */
void start_filter(void);

/* Tell the allocator to keep what a request needs for the next one. Call it before any thread
 * exists. */
void start_memory(void);

/* Choose the kernels. 0, or -1 and a message if this CPU or binary lacks options->isa. */
int start_kernels(const struct options *options, struct error *error);

/* Replace an empty options->models by the first default that is there: configs/models here, the
 * installed folder, or "" for no models. 0, or -1 and a message if the folder that was given is not
 * there. */
int start_models(struct options *options, struct error *error);

#endif
