/* cost.c - times a network with CPU time of this thread, so that a busy machine does not make it
 * look dear.
 *
 * Invariant: the result is positive and finite, whatever the clock says. */
#include "model/cost.h"
#include <stdlib.h>
#include <time.h>

enum {
    ROWS_FEW = 1,
    ROWS_MANY = 16, /* the weights weigh less than the arithmetic from here on */
    RUNS_MAX = 8,
    PIECE_ROWS_MAX = 256, /* longer blocks gain nothing: the core cuts at 256, too */
    PIECE_ROWS_MIN = 32,  /* shorter ones wait for the weights */
};

#define ENOUGH_S 0.0005 /* of timing */
#define LONG_S   0.05   /* a first run this long is not repeated, though its memory was cold */
#define PIECE_S  0.02   /* longer than that nobody should wait for a request of many rows */
#define DEAR_S   1.0    /* if it could not be timed */

static double thread_s(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The least of some runs: what disturbs only adds. */
static double time_rows(const struct axon_mlp *mlp, const float *x, size_t rows, float *y,
                        void *scratch)
{
    double least = DEAR_S, spent = 0;

    for (unsigned run = 0; run < RUNS_MAX && (spent < ENOUGH_S || (run < 2 && spent < LONG_S));
         run++) {
        double begun = thread_s(), took;
        axon_mlp_predict(mlp, x, rows, y, scratch, NULL);
        took = thread_s() - begun;
        spent += took;
        least = run == 0 || took < least ? took : least;
    }
    return least;
}

static size_t piece_rows(const struct cost *cost)
{
    size_t rows = PIECE_ROWS_MAX;

    while (rows > PIECE_ROWS_MIN && cost_s(cost, rows) > PIECE_S)
        rows /= 2;
    return rows;
}

struct cost cost_measure(const struct axon_mlp *mlp)
{
    struct cost cost = {.fixed_s = DEAR_S, .row_s = DEAR_S};
    size_t features = axon_mlp_features(mlp);
    float *x = calloc(ROWS_MANY, features * sizeof *x);
    float *y = calloc(ROWS_MANY, axon_mlp_outputs(mlp) * sizeof *y);
    void *scratch = aligned_alloc(64, (axon_mlp_scratch_bytes(mlp) + 63) / 64 * 64);

    if (x && y && scratch) {
        for (size_t i = 0; i < ROWS_MANY * features; i++)
            x[i] = (float)(i % 17) / 16 - 0.5f;
        double few = time_rows(mlp, x, ROWS_FEW, y, scratch);
        double many = time_rows(mlp, x, ROWS_MANY, y, scratch);
        /* At least the clock's own grain, and no row for free. */
        few = few > 1e-9 ? few : 1e-9;
        cost.row_s = (many - few) / (ROWS_MANY - ROWS_FEW);
        cost.row_s = cost.row_s > few / ROWS_MANY / 4 ? cost.row_s : few / ROWS_MANY / 4;
        cost.row_s = cost.row_s < few ? cost.row_s : few;
        cost.fixed_s = few - cost.row_s;
    }
    free(x);
    free(y);
    free(scratch);
    cost.piece_rows = piece_rows(&cost);
    return cost;
}
