/* cost.h - how long a network takes, measured on itself: what scheduling decides by. */
#ifndef COST_H
#define COST_H

#include <axon/mlp.h>

/* A forward pass of n rows takes about fixed_s + n * row_s of one CPU: the weights come from memory
 * once, whatever n is. */
struct cost {
    double fixed_s, row_s;
    size_t piece_rows; /* at most so many rows of one request are computed in one go */
};

/* Time mlp for a few rows. Without memory for that it counts as expensive. */
struct cost cost_measure(const struct axon_mlp *mlp);

static inline double cost_s(const struct cost *cost, size_t rows)
{
    return cost->fixed_s + (double)rows * cost->row_s;
}

#endif
