/* platform.h - variables of platforms as options: platforms.def. For options.c alone. */
#ifndef OPTIONS_PLATFORM_H
#define OPTIONS_PLATFORM_H

#include "options/table.h"

/* Set options from the platform's variables, but for those that a flag gives (values: by option,
 * NULL: none). has_serve: the word "serve" stands on the command line, which with SageMaker's model
 * folder is as good as its variable. OPTIONS_OK, or OPTIONS_CONFIG and error, which names the
 * variable. */
int platform_apply(struct options *options, char **environment,
                   const char *const values[OPTION_COUNT], bool has_serve, struct error *error);

/* For the probe: an address where the service is as well, if it was started with that word; ""
 * if it cannot be. */
const char *platform_also(char **environment, const char *const values[OPTION_COUNT]);

#endif
