/* single.c - a folder that is one model, where a repository of models was expected. */
#include "model/single.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "json/object.h"
#include "model/files.h"
#include "model/version.h"
#include "weights/formats.h"

static bool holds(int dirfd, const char *path)
{
    struct stat st;

    return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static int visit(void *context, const char *name)
{
    char path[NAME_MAX + sizeof "/config.json"];

    snprintf(path, sizeof path, "%s/config.json", name);
    return holds(*(const int *)context, path);
}

bool single_is(int rootfd)
{
    bool found = holds(rootfd, "config.json") || holds(rootfd, "model.onnx");

    for (size_t i = 0; i < WEIGHTS_FORMATS && !found; i++)
        found = holds(rootfd, weights_formats[i].name);
    return found && files_each(rootfd, visit, &rootfd) == 0;
}

void single_name(const char *dir, const char *wished, char name[static MODEL_NAME_MAX + 1])
{
    char path[PATH_MAX];
    const char *slash = realpath(dir, path) ? strrchr(path, '/') : NULL;
    const char *last = slash ? slash + 1 : "";

    if (*wished)
        last = wished;
    else if (!object_name_valid(last) || version_read(last))
        last = "model";
    snprintf(name, MODEL_NAME_MAX + 1, "%s", last);
}
