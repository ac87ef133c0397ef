/* inspect.c - see inspect.h. Which part looks: a folder and config.json are models. */
#include "commands/inspect.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"

static int look_at_file(const struct options *options, char *path, struct error *error)
{
    char *slash = strrchr(path, '/');
    const char *name = slash + 1;
    int folder;

    *slash = '\0';
    if (strcmp(name, "config.json") == 0)
        return inspect_models(options, *path ? path : "/", error);
    folder = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        error_set(error, ERROR_BAD_REQUEST, "%s: %s", path, strerror(errno));
        return 0;
    }
    inspect_file(folder, name, error);
    close(folder);
    return 0;
}

int inspect(const struct options *options, const struct command_line *line, struct error *error)
{
    const char *given = line->arguments[ARGUMENT_PATH];
    char path[PATH_MAX];
    struct stat is;

    log_level_set(LOG_ERROR); /* what is odd about a model is part of what is printed */
    if (!realpath(given, path) || stat(path, &is) != 0) {
        error_set(error, ERROR_BAD_REQUEST, "%.300s: %s", given, strerror(errno));
        return 0;
    }
    return S_ISDIR(is.st_mode) ? inspect_models(options, path, error)
                               : look_at_file(options, path, error);
}
