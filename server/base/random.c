/* random.c - see random.h. */
#include "base/random.h"
#include <sys/random.h>
#include "base/clock.h"

struct random random_seed(void)
{
    struct random r;

    if (getrandom(&r.state, sizeof r.state, GRND_NONBLOCK) != (ssize_t)sizeof r.state)
        r.state = clock_ns(); /* so early after the boot that there is no entropy yet */
    return r;
}

static uint64_t next(struct random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t random_below(struct random *r, uint64_t n)
{
    unsigned __int128 product = (unsigned __int128)next(r) * n;

    /* 2^64 is no multiple of n: the numbers that some results would have too many are drawn again.
     */
    if ((uint64_t)product < n)
        for (uint64_t spare = -n % n; (uint64_t)product < spare;)
            product = (unsigned __int128)next(r) * n;
    return (uint64_t)(product >> 64);
}
