/* tests/oracle/records.h - golden files of torch_golden.py: cases of named arrays of numbers.
 *
 *     case NAME
 *     KEY COUNT NUMBER NUMBER ...
 *
 * Lines that begin with # are comments. A file that breaks this form ends the test program: a
 * golden file that cannot be read proves nothing. */
#ifndef AXON_ORACLE_RECORDS_H
#define AXON_ORACLE_RECORDS_H

#include <stddef.h>
#include <stdio.h>

enum { RECORD_ARRAYS_MAX = 64, RECORD_NAME_MAX = 79 };

struct record_array {
    char key[RECORD_NAME_MAX + 1];
    size_t count;
    double *values;
    float *floats; /* the same, rounded */
};

struct record {
    char name[RECORD_NAME_MAX + 1];
    size_t count;
    struct record_array arrays[RECORD_ARRAYS_MAX];
};

/* The next case of the file, which the caller has opened; 0 at its end. Releases what record holds,
 * so it begins as zeros. */
int record_next(FILE *file, struct record *record);

/* The array of that key; NULL if the case has none. Borrowed until the next record_next(). */
const struct record_array *record_find(const struct record *record, const char *key);

/* As record_find(), but the key must be there with `count` numbers. */
const struct record_array *record_get(const struct record *record, const char *key, size_t count);

#endif
