/* value.h - what jansson's values mean here: numbers of float32 and whole ones, and null.
 *
 * Numbers come from json_number(): the double of a real is chosen so that it rounds to the same
 * float32 as the text does, which the nearest double need not do. So a number is rounded once,
 * however many digits it has, also where it travels as a json_t. */
#ifndef JSON_VALUE_H
#define JSON_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number at text, of which float_read() has taken `length` bytes and made `nearest`: an integer
 * if it is written as one and fits 64 bits, else a real (also -0), at most DBL_MAX. New; NULL: no
 * memory. */
json_t *json_number(const char *text, size_t length, float nearest);

/* The float32 that is nearest to what the text of a number said, infinite beyond the range. 0 for
 * what is not a number. */
float json_float(const json_t *number);

/* Is value a whole number of 64 bits, however it is written: 8, 8.0, 0.8e1? */
bool json_whole(const json_t *value, int64_t *whole);

/* The object's member; NULL if it is absent, or null, which means the same. Borrowed. */
const json_t *json_member(const json_t *object, const char *key);

#endif
