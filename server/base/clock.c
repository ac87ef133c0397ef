/* clock.c - the one monotonic clock of the daemon, and wall time for people. */
#include "base/clock.h"
#include <time.h>

static uint64_t read_ns(clockid_t id)
{
    struct timespec t = {0};

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_coarse_ns(void)
{
    return read_ns(CLOCK_MONOTONIC_COARSE);
}

double clock_s(void)
{
    return (double)clock_ns() * 1e-9;
}

double clock_unix_s(void)
{
    return (double)read_ns(CLOCK_REALTIME) * 1e-9;
}
