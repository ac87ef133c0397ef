/* threads.h - how many threads are worth having: what affinity and the CPU quota leave. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stdbool.h>

/* The bound of --threads (options.def). */
enum { THREADS_MAX = 256 };

/* At least 1, at most THREADS_MAX. A quota of 1.5 CPUs gives 2. */
unsigned threads_count(void);

/* The pieces, for tests.
 *
 * CPUs of a line of cgroup v2's cpu.max ("150000 100000": 1.5; "max 100000": INFINITY), or of v1's
 * cpu.cfs_quota_us and cpu.cfs_period_us ("-1" is no quota). False if text is neither. */
bool threads_cpu_max(const char *text, double *cpus);
bool threads_cfs_quota(const char *quota, const char *period, double *cpus);

/* The least quota of the cgroups that a process is in, and of their parents. cgroups is a file like
 * /proc/self/cgroup, mount a folder like /sys/fs/cgroup. INFINITY: none. */
double threads_quota(const char *cgroups, const char *mount);

/* The number that suits; affinity 0 counts as 1. */
unsigned threads_for(unsigned affinity, double quota);

#endif
