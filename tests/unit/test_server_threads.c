/* test_server_threads.c - quotas of cgroup v1 and v2, on folders made for the test. */
#include <check.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "folder.h"
#include "base/threads.h"
#include "suite.h"

static const struct {
    const char *text;
    double cpus; /* 0: malformed */
} cpu_max[] = {
    {"max 100000\n", (double)INFINITY},
    {"150000 100000\n", 1.5},
    {"100000 100000", 1},
    {"1000 100000\n", 0.01},
    {"", 0},
    {"max\n", 0},
    {"150000\n", 0},
    {"-1 100000\n", 0},
    {"0 100000\n", 0},
    {"100000 0\n", 0},
    {"100000 max\n", 0},
    {"1e5 100000\n", 0},
    {"0x10 100000\n", 0},
    {"99999999999999999999 100000\n", 0},
};

START_TEST(cpu_max_is_quota_over_period)
{
    double cpus = -7;

    ck_assert_int_eq(threads_cpu_max(cpu_max[_i].text, &cpus), cpu_max[_i].cpus > 0);
    if (cpu_max[_i].cpus > 0)
        ck_assert(!(cpus < cpu_max[_i].cpus) && !(cpus > cpu_max[_i].cpus));
}
END_TEST

START_TEST(cfs_quota_is_quota_over_period)
{
    double cpus;

    ck_assert(threads_cfs_quota("-1\n", "100000\n", &cpus) && isinf(cpus));
    ck_assert(threads_cfs_quota("-1", "", &cpus) && isinf(cpus));
    ck_assert(threads_cfs_quota("250000\n", "100000\n", &cpus));
    ck_assert_double_eq(cpus, 2.5);
    ck_assert(!threads_cfs_quota("", "100000", &cpus));
    ck_assert(!threads_cfs_quota("250000", "0", &cpus));
    ck_assert(!threads_cfs_quota("-5", "100000", &cpus));
    ck_assert(!threads_cfs_quota("-10", "100000", &cpus));
}
END_TEST

START_TEST(a_part_of_a_cpu_rounds_up)
{
    ck_assert_uint_eq(threads_for(8, 1.5), 2);
    ck_assert_uint_eq(threads_for(8, 0.01), 1);
    ck_assert_uint_eq(threads_for(8, 2), 2);
    ck_assert_uint_eq(threads_for(2, 16), 2);
    ck_assert_uint_eq(threads_for(3, (double)INFINITY), 3);
    ck_assert_uint_eq(threads_for(0, (double)INFINITY), 1);
    ck_assert_uint_eq(threads_for(100000, (double)INFINITY), THREADS_MAX);
}
END_TEST

static struct folder folder;

static void start(void)
{
    folder = folder_create();
}

static void stop(void)
{
    folder_remove(&folder, "");
}

static double quota(const char *cgroups)
{
    char path[128];

    folder_text(&folder, "cgroup", cgroups);
    snprintf(path, sizeof path, "%s/cgroup", folder.path);
    return threads_quota(path, folder.path);
}

static void put(const char *path, const char *text)
{
    folder_text(&folder, path, text);
}

START_TEST(v2_takes_the_least_of_the_group_and_its_parents)
{
    put("cpu.max", "max 100000\n");
    put("a/cpu.max", "150000 100000\n");
    put("a/b/cpu.max", "800000 100000\n");
    put("a/b/c/cpu.max", "max 100000\n");
    put("other/cpu.max", "1000 100000\n");
    ck_assert_double_eq(quota("0::/a/b/c\n"), 1.5);
    ck_assert(isinf(quota("0::/\n")));
}
END_TEST

START_TEST(a_path_of_the_host_falls_back_to_the_root)
{
    put("cpu.max", "50000 100000\n");
    ck_assert_double_eq(quota("0::/kubepods/burstable/pod1/x\n"), 0.5);
}
END_TEST

START_TEST(v1_reads_the_cpu_controller_and_no_other)
{
    put("cpu,cpuacct/docker/1/cpu.cfs_quota_us", "300000\n");
    put("cpu,cpuacct/docker/1/cpu.cfs_period_us", "100000\n");
    put("cpuset/docker/1/cpu.cfs_quota_us", "100000\n");
    put("cpuset/docker/1/cpu.cfs_period_us", "100000\n");
    ck_assert_double_eq(quota("5:cpuset:/docker/1\n4:cpu,cpuacct:/docker/1\n1:name=systemd:/\n"),
                        3);
}
END_TEST

START_TEST(v1_is_found_under_its_short_name_and_beside_v2)
{
    put("cpu/cpu.cfs_quota_us", "200000\n");
    put("cpu/cpu.cfs_period_us", "100000\n");
    put("unified/cpu.max", "700000 100000\n");
    ck_assert_double_eq(quota("4:cpuacct,cpu:/gone\n0::/\n"), 2);
    ck_assert_double_eq(quota("0::/\n"), 7);
}
END_TEST

START_TEST(what_is_missing_or_broken_is_no_quota)
{
    put("cpu.max", "nonsense\n");
    ck_assert(isinf(quota("0::/\n")));
    ck_assert(isinf(quota("")));
    ck_assert(isinf(quota("\n:\n0:\n0::\nx:y\n4:cpu\n")));
    ck_assert(isinf(threads_quota("/nowhere/at/all", "/nowhere")));
}
END_TEST

START_TEST(affinity_bounds_the_count)
{
    cpu_set_t before, one;
    size_t first = 0;

    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    while (!CPU_ISSET(first, &before))
        first++;
    ck_assert_uint_le(threads_count(), (unsigned)CPU_COUNT(&before));
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_uint_eq(threads_count(), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("threads");
    TCase *texts = tcase_create("texts"), *folders = tcase_create("folders");

    tcase_add_loop_test(texts, cpu_max_is_quota_over_period, 0, sizeof cpu_max / sizeof *cpu_max);
    tcase_add_test(texts, cfs_quota_is_quota_over_period);
    tcase_add_test(texts, a_part_of_a_cpu_rounds_up);
    tcase_add_test(texts, affinity_bounds_the_count);
    tcase_add_checked_fixture(folders, start, stop);
    tcase_add_test(folders, v2_takes_the_least_of_the_group_and_its_parents);
    tcase_add_test(folders, a_path_of_the_host_falls_back_to_the_root);
    tcase_add_test(folders, v1_reads_the_cpu_controller_and_no_other);
    tcase_add_test(folders, v1_is_found_under_its_short_name_and_beside_v2);
    tcase_add_test(folders, what_is_missing_or_broken_is_no_quota);
    suite_add_tcase(s, texts);
    suite_add_tcase(s, folders);

    return suite_run(s);
}
