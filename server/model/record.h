/* record.h - the flight recorder of a model's version: some of the rows that were answered since
 * load, with their outputs and times.
 *
 * A reservoir of fixed size (Vitter 1985, algorithm R): once there are more rows than it holds,
 * every set of that many is as probable as any other. It knows rows and a lock; any number of
 * threads may use it. */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum { RECORD_ROWS_MAX = 65536, RECORD_BYTES_MAX = 64 << 20 };

struct record_shape {
    size_t rows; /* of the reservoir */
    size_t features, outputs;
};

/* The memory of a reservoir, for its rows: 4 bytes for each number and 8 for the time. */
uint64_t record_bytes(const struct record_shape *shape);

/* A whole number below n, each as probable as any other; called under the recorder's lock. */
struct record_choice {
    uint64_t (*below)(void *context, uint64_t n);
    void *context;
};

struct record;

/* new, or NULL when out of memory; shape's record_bytes() are at most RECORD_BYTES_MAX. choice
 * NULL: random ones. */
struct record *record_create(const struct record_shape *shape, const struct record_choice *choice);
void record_destroy(struct record *r); /* NULL is fine */

/* Rows that were answered at unix_s: x [rows, features] as they were posted, y [rows, outputs].
 * Holds the lock for a piece of them at a time. */
void record_add(struct record *r, const float *x, const float *y, size_t rows, double unix_s);

struct record_shape record_shape(const struct record *r);

/* Rows that it holds now, and those that it was given since load. */
size_t record_rows(struct record *r);
uint64_t record_seen(struct record *r);

/* The reservoir as it is at one moment, copied piece by piece while rows go on coming: one that is
 * about to be replaced is copied first. rows and the arrays are complete once record_copy_go_on()
 * has returned false. */
struct record_copy {
    size_t rows;
    float *inputs;        /* [rows, features] */
    float *outputs;       /* [rows, outputs]  */
    double *unix_seconds; /* [rows]           */
    size_t next;          /* the rest is record.c's, under the lock */
    struct record *record;
    bool *saved; /* [rows]: copied before its turn */
    LIST_ENTRY(record_copy) link;
};

/* Into memory [record_copy_bytes()] of malloc()'s, which is the caller's to free, after
 * record_copy_end(). */
size_t record_copy_bytes(const struct record *r);
struct record_copy *record_copy_begin(struct record *r, void *memory);
bool record_copy_go_on(struct record_copy *c, size_t rows); /* so many; is there more? */
void record_copy_end(struct record_copy *c);                /* NULL is fine */

#endif
