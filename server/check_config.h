/* check_config.h - --check-config: would these options and models serve? */
#ifndef CHECK_CONFIG_H
#define CHECK_CONFIG_H

#include "options.h"

/* Loads every model and prints what it finds to standard output, one line per version. 0: all load,
 * 1: some do not, 2: the repository cannot be read. */
int check_config(const struct options *options);

#endif
