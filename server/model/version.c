/* version.c - the number of a model's version, and where its files are. */
#include "model/version.h"
#include <stdio.h>

uint64_t version_read(const char *text)
{
    uint64_t version = 0;

    for (const char *c = text; *c; c++) {
        uint64_t digit = (uint64_t)(*c - '0');

        if (*c < '0' || *c > '9' || *text == '0' || version > (VERSION_MAX - digit) / 10)
            return 0;
        version = version * 10 + digit;
    }
    return version;
}

const char *version_path(const struct version_source *from, const char *file,
                         char path[static VERSION_PATH_MAX])
{
    snprintf(path, VERSION_PATH_MAX, "%s%s", from->folder, file);
    return path;
}
