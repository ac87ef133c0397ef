/* check_config.h - --check-config: would these options and models serve? */
#ifndef CHECK_CONFIG_H
#define CHECK_CONFIG_H

#include "options/options.h"

enum {
    CHECK_WELL,
    CHECK_FAILED,  /* the repository cannot be read, or a version does not load    */
    CHECK_FINDINGS /* all load, but what the log would warn of is there (finding.h) */
};

/* Loads every model and prints what it finds to standard output, one line per version and finding.
 * Returns one of the above, which is the exit status. */
int check_config(const struct options *options);

#endif
