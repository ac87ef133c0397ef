/* version.c - the number of a model's version, as folders, paths and config.json write it. */
#include "model/version.h"

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
