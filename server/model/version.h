/* version.h - the number of a model's version, and where its files are.
 *
 * Dates (20261130) and milliseconds (1796000000000) are versions, too. It knows text alone. */
#ifndef MODEL_VERSION_H
#define MODEL_VERSION_H

#include <stdint.h>

enum { VERSION_TEXT_MAX = 19 }; /* digits of VERSION_MAX */
static const uint64_t VERSION_MAX = INT64_MAX;

/* The kind of number that a version is, as errors say it. */
#define VERSION_IS "a whole number from 1 to 9223372036854775807 without leading zeros"

/* 0 if text is no version. */
uint64_t version_read(const char *text);

struct findings;

/* One version of a model that is being loaded. */
struct version_source {
    int dirfd; /* of the model's folder */
    const char *model;
    const char *root; /* of the model's folder, if that is not the repository's; or NULL */
    uint64_t version;
    char folder[VERSION_TEXT_MAX + 2]; /* beneath dirfd: "1/"; "" for the model's folder itself */
    struct findings *findings;
};

enum { VERSION_PATH_MAX = 64 };

/* The path of its file beneath dirfd, which is also how errors call it: "1/golden.json". Returns
 * path. */
const char *version_path(const struct version_source *from, const char *file,
                         char path[static VERSION_PATH_MAX]);

#endif
