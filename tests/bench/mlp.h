/* mlp.h - what the contenders of mlp.c share: a network, and how one is run. */
#ifndef BENCH_MLP_H
#define BENCH_MLP_H

#include <stddef.h>

enum { LAYERS = 3, ROWS_MAX = 4096 };

/* relu, relu, softmax. Weights and inputs follow one formula, so that mlp_onnxruntime.py has the
 * same without a file: see values() in both. */
struct net {
    size_t sizes[LAYERS + 1]; /* features, then units */
    float *weight[LAYERS];    /* [units, features] */
    float *bias[LAYERS];      /* [units] */
    float *x;                 /* [ROWS_MAX, features] */
    float *y;                 /* [ROWS_MAX, units of the last layer] */
};

struct contender {
    const char *name;
    /* NULL, or why it takes no part. */
    const char *(*open)(const struct net *net, size_t rows);
    /* Once through net->x to net->y, or ... */
    void (*run)(const struct net *net, size_t rows);
    /* ... ns of CPU time for one pass, measured elsewhere, and check() of its answer. */
    double (*measure)(double seconds, double *answer);
    void (*close)(void);
    int answers; /* whether it computes the whole network */
};

#ifdef BENCH_DNNL
extern const struct contender contender_dnnl;
#endif

#endif
