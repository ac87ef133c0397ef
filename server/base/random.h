/* random.h - random numbers for choices that nobody should foresee, though nothing secret hangs on
 * them. It knows the system's source of entropy alone. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

/* One that no other run repeats. */
struct random random_seed(void);

/* A whole number below n, n > 0, each as probable as any other: the numbers of SplitMix64 (Steele,
 * Lea, Flood 2014), cut without a bias (Lemire 2019, arXiv 1805.10941). */
uint64_t random_below(struct random *r, uint64_t n);

#endif
