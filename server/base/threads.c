/* threads.c - counts CPUs the way the kernel will hand them out, in a container as well.
 *
 * Reads /proc and /sys only; anything missing or malformed means "no quota". */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "base/slot.h"

_Static_assert(SLOTS_MAX > 2 * THREADS_MAX, "each of --threads is two workers");

enum { PATH_MAX_BYTES = 4096 };

/* A positive whole number, then nothing, a space or a newline. */
static bool positive(const char *text, double *value)
{
    size_t digits = strspn(text, "0123456789");
    *value = strtod(text, NULL);
    return digits > 0 && digits < 19 && strchr(" \n", text[digits]) && *value > 0;
}

bool threads_cpu_max(const char *text, double *cpus)
{
    double quota, period;
    const char *space = strchr(text, ' ');

    if (!space || !positive(space + 1, &period))
        return false;
    if (strncmp(text, "max ", strlen("max ")) == 0) {
        *cpus = (double)INFINITY;
        return true;
    }
    if (!positive(text, &quota))
        return false;
    *cpus = quota / period;
    return true;
}

bool threads_cfs_quota(const char *quota, const char *period, double *cpus)
{
    double q, p;

    if (strcmp(quota, "-1") == 0 || strcmp(quota, "-1\n") == 0) {
        *cpus = (double)INFINITY;
        return true;
    }
    if (!positive(quota, &q) || !positive(period, &p))
        return false;
    *cpus = q / p;
    return true;
}

/* The first line of <folder>/<name>. */
static bool read_line(const char *folder, const char *name, char *line, int line_bytes)
{
    char path[PATH_MAX_BYTES + 64];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    bool read = file && fgets(line, line_bytes, file);
    if (file)
        fclose(file);
    return read;
}

static double folder_quota(const char *folder)
{
    char quota[64], period[64];
    double cpus;

    if (read_line(folder, "cpu.max", quota, sizeof quota) && threads_cpu_max(quota, &cpus))
        return cpus;
    if (read_line(folder, "cpu.cfs_quota_us", quota, sizeof quota) &&
        read_line(folder, "cpu.cfs_period_us", period, sizeof period) &&
        threads_cfs_quota(quota, period, &cpus))
        return cpus;
    return (double)INFINITY;
}

/* The least quota from root/path up to root itself. In a container /proc may tell the host's path
 * while only root is mounted: folders that are not there count as no quota. */
static double path_quota(const char *root, const char *path)
{
    char folder[PATH_MAX_BYTES];
    size_t root_length = strlen(root);
    int length = snprintf(folder, sizeof folder, "%s%s", root, path);
    double least = (double)INFINITY;

    if (length < 0 || (size_t)length >= sizeof folder)
        return least;
    for (;;) {
        least = fmin(least, folder_quota(folder));
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < root_length)
            return least;
        *slash = '\0';
    }
}

/* True for v2 ("") and for v1's "cpu" or "cpu,cpuacct" in any order. */
static bool controls_cpu(const char *controllers)
{
    size_t length;

    if (!*controllers)
        return true;
    for (const char *at = controllers; *at; at += length + (at[length] == ',')) {
        length = strcspn(at, ",");
        if (length == 3 && memcmp(at, "cpu", 3) == 0)
            return true;
    }
    return false;
}

/* One line of /proc/self/cgroup: "0::/path" (v2) or "4:cpu,cpuacct:/path" (v1). */
static double line_quota(char *line, const char *mount)
{
    char root[PATH_MAX_BYTES];
    char *controllers = strchr(line, ':'),
         *path = controllers ? strchr(controllers + 1, ':') : NULL;

    if (!path)
        return (double)INFINITY;
    *path++ = '\0';
    path[strcspn(path, "\n")] = '\0';
    controllers++;
    if (!controls_cpu(controllers))
        return (double)INFINITY;
    if (!*controllers) {
        /* Where v1 is mounted as well, v2 has a folder beside it. */
        snprintf(root, sizeof root, "%s/unified", mount);
        return fmin(path_quota(mount, path), path_quota(root, path));
    }
    snprintf(root, sizeof root, "%s/%s", mount, controllers);
    double as_listed = path_quota(root, path);
    snprintf(root, sizeof root, "%s/cpu", mount);
    return fmin(as_listed, path_quota(root, path));
}

double threads_quota(const char *cgroups, const char *mount)
{
    char line[PATH_MAX_BYTES];
    double least = (double)INFINITY;
    FILE *file = fopen(cgroups, "re");

    while (file && fgets(line, sizeof line, file))
        least = fmin(least, line_quota(line, mount));
    if (file)
        fclose(file);
    return least;
}

unsigned threads_for(unsigned affinity, double quota)
{
    double count = affinity > 0 ? affinity : 1;

    count = fmin(count, ceil(quota));
    count = fmin(count, THREADS_MAX);
    return count >= 1 ? (unsigned)count : 1;
}

/* More CPUs than a cpu_set_t has (1024) make the plain call fail. */
static unsigned affinity_count(void)
{
    for (size_t cpus = 1024; cpus <= 1 << 16; cpus *= 4) {
        cpu_set_t *set = CPU_ALLOC(cpus);
        size_t bytes = CPU_ALLOC_SIZE(cpus);
        unsigned count = 0;
        if (set && sched_getaffinity(0, bytes, set) == 0)
            count = (unsigned)CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
        if (count)
            return count;
    }
    return 1;
}

unsigned threads_count(void)
{
    return threads_for(affinity_count(), threads_quota("/proc/self/cgroup", "/sys/fs/cgroup"));
}
