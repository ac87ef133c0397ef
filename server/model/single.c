/* single.c - a folder that is one model, where a repository of models was expected. */
#include "model/single.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/log.h"
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

static int visit_model(void *context, const char *name)
{
    return version_read(name) ? 0 : visit(context, name);
}

bool single_holds_models(int rootfd)
{
    return files_each(rootfd, visit_model, &rootfd) > 0;
}

void single_tell_others(int dirfd, const char *model)
{
    static const char *const others[] = {
        "MLmodel",          "conda.yaml",         "python_env.yaml",
        "requirements.txt", "input_example.json", "serving_input_example.json",
        "README.md",        ".gitattributes"};
    char found[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (holds(dirfd, others[i]))
            used += (size_t)snprintf(found + used, sizeof found - used, "%s%s", used ? ", " : "",
                                     others[i]);
    if (used > 0)
        log_event(LOG_INFO, "files_ignored", LOG_S("model", model), LOG_S("files", found));
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
