/* clock.h - the one monotonic clock of the daemon, and wall time for people. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_ns(void); /* CLOCK_MONOTONIC */
/* The same as of the kernel's last tick, up to 10 ms ago, at a fifth of the cost: for timeouts. */
uint64_t clock_coarse_ns(void);
double clock_s(void);      /* the same, in seconds */
double clock_unix_s(void); /* CLOCK_REALTIME */

#endif
