/* version.h - the number of a model's version, as folders, paths and config.json write it.
 *
 * Dates (20261130) and milliseconds (1796000000000) are versions, too. It knows text alone. */
#ifndef MODEL_VERSION_H
#define MODEL_VERSION_H

#include <stdint.h>

enum { VERSION_TEXT_MAX = 19 }; /* digits of VERSION_MAX */
static const uint64_t VERSION_MAX = INT64_MAX;

/* What a version is, as errors say it. */
#define VERSION_IS "a whole number from 1 to 9223372036854775807 without leading zeros"

/* 0 if text is no version. */
uint64_t version_read(const char *text);

#endif
