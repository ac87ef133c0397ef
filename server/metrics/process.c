/* process.c - process_* metrics from /proc and getrlimit.
 *
 * It opens and closes its own descriptors and keeps nothing; a missing /proc costs the metric, not
 * the scrape. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "metrics/process.h"

/* Fields of /proc/self/stat, numbered from 1 as proc(5) has them. */
enum {
    STAT_UTIME = 14,
    STAT_STIME = 15,
    STAT_THREADS = 20,
    STAT_START = 22,
    STAT_VSIZE = 23,
    STAT_RSS = 24
};

static double stat_field(int field)
{
    char text[1024] = "";
    FILE *file = fopen("/proc/self/stat", "re");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[length] = '\0';

    /* Field 2 is the program's name in brackets and may hold anything; count from its end. */
    char *at = strrchr(text, ')');
    for (int i = 2; at && i < field; i++)
        at = strchr(at + 1, ' ');
    return at ? strtod(at, NULL) : (double)NAN;
}

static double ticks_s(int field)
{
    return stat_field(field) / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_s(void)
{
    return ticks_s(STAT_UTIME) + ticks_s(STAT_STIME);
}

/* The kernel counts the start from boot, by a clock that goes on during suspend. */
static double start_unix_s(void)
{
    struct timespec wall, boot;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    double booted = (double)(wall.tv_sec - boot.tv_sec) +
                    1e-9 * (double)(wall.tv_nsec - boot.tv_nsec);
    /* A tick is 10 ms; finer digits would only jitter from scrape to scrape. */
    return round((booted + ticks_s(STAT_START)) * 100) / 100;
}

static double virtual_bytes(void)
{
    return stat_field(STAT_VSIZE);
}

static double resident_bytes(void)
{
    return stat_field(STAT_RSS) * (double)sysconf(_SC_PAGESIZE);
}

static double threads(void)
{
    return stat_field(STAT_THREADS);
}

static double open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return (double)NAN;
    double count = -1; /* the one that reads the directory is not ours */
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static double limit(__rlimit_resource_t resource)
{
    struct rlimit l;
    if (getrlimit(resource, &l) != 0)
        return (double)NAN;
    return l.rlim_cur == RLIM_INFINITY ? (double)INFINITY : (double)l.rlim_cur;
}

static double fds_max(void)
{
    return limit(RLIMIT_NOFILE);
}

static double virtual_bytes_max(void)
{
    return limit(RLIMIT_AS);
}

double process_value(enum metric metric)
{
    static double (*const readers[METRIC_COUNT])(void) = {
        [METRIC_process_cpu_seconds_total] = cpu_s,
        [METRIC_process_open_fds] = open_fds,
        [METRIC_process_max_fds] = fds_max,
        [METRIC_process_virtual_memory_bytes] = virtual_bytes,
        [METRIC_process_virtual_memory_max_bytes] = virtual_bytes_max,
        [METRIC_process_resident_memory_bytes] = resident_bytes,
        [METRIC_process_threads] = threads,
        [METRIC_process_start_time_seconds] = start_unix_s,
    };
    return readers[metric] ? readers[metric]() : (double)NAN;
}
