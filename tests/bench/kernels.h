/* kernels.h - what kernels.c, exhaustive/accuracy.c and the peers agree on.
 *
 * A contender computes one row of the registry over n floats of x into y, as often as it is told,
 * on the calling thread, but for axon's that says otherwise. All contenders, the Python one too,
 * see the same bytes at the same place. Single-use: state of a contender is static in its file. */
#ifndef BENCH_KERNELS_H
#define BENCH_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include "axon/activation.h"

enum { ROW_LENGTH = 256, ELEMENTS_MAX = 1 << 24, BENCH_PEERS_MAX = 8 };

struct task {
    const struct axon_activation *act;
    bool gradient; /* y = f'(x) * upstream instead of f(x) */
    size_t n;
    struct axon_axis axis;     /* elementwise: one row; others: rows of ROW_LENGTH */
    const float *x, *upstream; /* [n]; [ELEMENTS_MAX] apart in the shared file, in this order */
    float *y;                  /* [n], after upstream; a gated row writes n / 2 of it */
};

struct contender {
    const char *name;
    const char *isa; /* needed; NULL: any */
    /* NULL, or why it cannot take part. fd: the file of x, upstream and y. May be NULL. */
    const char *(*open)(const struct contender *self, int fd);
    /* Gets ready for this task; false if it has no such function. */
    bool (*prepare)(const struct contender *self, const struct task *task);
    /* Computes reps times; CPU time in ns of all, or a negative number if it failed. */
    double (*time)(const struct contender *self, const struct task *task, size_t reps);
    void (*close)(const struct contender *self); /* May be NULL. */
};

/* CPU time of this thread in ns: other processes on a busy machine do not count. */
double bench_clock(void);

/* Whether axon has kernels of that ISA for this CPU; NULL: any. */
bool bench_runs(const char *isa);

/* Opens the peers that can take part and lists them; standard error has a word on each other one.
 * every_isa: a library may be there more than once. Returns how many. */
size_t bench_peers_open(const char *program, bool every_isa, int fd,
                        const struct contender *list[BENCH_PEERS_MAX]);
void bench_peers_close(const struct contender *const *list, size_t count);

/* x, upstream and y, ELEMENTS_MAX zeros each, in one file, so that another process can have the
 * same memory. Ends the program if there is none. */
float *bench_arrays(const char *program, int *fd);

struct task bench_task(const struct axon_activation *act, bool gradient, float *arrays, size_t n);

extern const struct contender contender_torch;
#ifdef BENCH_VECTOR
extern const struct contender contender_torch_avx512;
#endif
#ifdef BENCH_DNNL
extern const struct contender contender_dnnl;
#endif
#ifdef BENCH_VECTOR
extern const struct contender contender_libmvec_avx512, contender_libmvec_avx2;
#endif
#ifdef BENCH_SLEEF
extern const struct contender contender_sleef_avx512, contender_sleef_avx2;
#endif

#endif
