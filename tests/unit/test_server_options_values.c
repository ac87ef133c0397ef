/* test_server_options_values.c - one option's value: units, switches, defaults, differences. */
#include <check.h>
#include <stdlib.h>
#include "options_read.h"
#include "suite.h"

static const struct {
    const char *text;
    uint64_t bytes; /* 0: refused */
} sizes[] = {
    {"1024", 1024},
    {"2k", 2048},
    {"2K", 2048},
    {"2Ki", 2048},
    {"64MiB", 64 << 20},
    {"64MB", 0}, /* 64,000,000 or 67,108,864? */
    {"64M", 64 << 20},
    {"3G", (uint64_t)3 << 30},
    {"1024G", (uint64_t)1 << 40},
    {"1025G", 0},
    {"1", 0},
    {"k", 0},
    {"1kk", 0},
    {"1 k", 0},
    {"1T", 0},
    {"1.5M", 0},
    {"17179869184G", 0}, /* times 2^30 it is 0 modulo 2^64 */
    {"999999999999999999G", 0},
};

START_TEST(bytes_take_suffixes)
{
    char flag[64], variable[64], text[128];
    int flag_status = sizes[_i].bytes ? OPTIONS_OK : OPTIONS_USAGE;
    int other_status = sizes[_i].bytes ? OPTIONS_OK : OPTIONS_CONFIG;

    snprintf(flag, sizeof flag, "--body-bytes-max=%s", sizes[_i].text);
    ck_assert_int_eq(FLAGS(flag), flag_status);
    if (sizes[_i].bytes)
        ck_assert_uint_eq(options.body_bytes_max, sizes[_i].bytes);
    snprintf(variable, sizeof variable, "AXOND_BODY_BYTES_MAX=%s", sizes[_i].text);
    ck_assert_int_eq(ENVIRONMENT(variable), other_status);
    snprintf(text, sizeof text, "{\"body_bytes_max\": \"%s\"}", sizes[_i].text);
    ck_assert_int_eq(file_says(text), other_status);
    if (sizes[_i].bytes)
        ck_assert_uint_eq(options.body_bytes_max, sizes[_i].bytes);
}
END_TEST

static const struct {
    const char *text;
    double seconds;
} times[] = {
    {"2", 2},    {"1.5", 1.5}, {"1e1", 10},    {"30s", 30},       {"500ms", 0.5},
    {"2m", 120}, {"1h", 3600}, {"0.5h", 1800}, {"5000us", 0.005}, {".5s", 0.5},
};

START_TEST(times_take_units_everywhere)
{
    char text[128];
    double seconds = times[_i].seconds;

    snprintf(text, sizeof text, "--request-timeout=%s", times[_i].text);
    ck_assert_int_eq(FLAGS(text), OPTIONS_OK);
    ck_assert_double_eq_tol(options.request_timeout, seconds, 1e-12);
    snprintf(text, sizeof text, "AXOND_REQUEST_TIMEOUT=%s", times[_i].text);
    ck_assert_int_eq(ENVIRONMENT(text), OPTIONS_OK);
    ck_assert_double_eq_tol(options.request_timeout, seconds, 1e-12);
    snprintf(text, sizeof text, "{\"request_timeout\": \"%s\"}", times[_i].text);
    ck_assert_int_eq(file_says(text), OPTIONS_OK);
    ck_assert_double_eq_tol(options.request_timeout, seconds, 1e-12);
}
END_TEST

static const struct {
    const char *flag, *variable, *file;
    bool on;
} switches[] = {
    {"--access-log", "AXOND_ACCESS_LOG=on", "{\"access_log\": true}", true},
    {"--access-log=on", "AXOND_ACCESS_LOG=1", "{\"access_log\": \"yes\"}", true},
    {"--access-log=off", "AXOND_ACCESS_LOG=false", "{\"access_log\": false}", false},
    {"--access-log=no", "AXOND_ACCESS_LOG=0", "{\"access_log\": null}", false},
};

START_TEST(a_switch_is_on_by_its_flag_alone)
{
    ck_assert_int_eq(FLAGS((char *)(uintptr_t)switches[_i].flag, "--threads=1"), OPTIONS_OK);
    ck_assert_int_eq(options.access_log, switches[_i].on);
    ck_assert_int_eq(ENVIRONMENT((char *)(uintptr_t)switches[_i].variable), OPTIONS_OK);
    ck_assert_int_eq(options.access_log, switches[_i].on);
    ck_assert_int_eq(file_says(switches[_i].file), OPTIONS_OK);
    ck_assert_int_eq(options.access_log, switches[_i].on);
}
END_TEST

/* The default that --help prints can be given as the value. */
START_TEST(help_prints_defaults_as_they_are_read)
{
    char *text = options_help();

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char variable[OPTION_NAME_MAX], name[OPTION_NAME_MAX + 2], value[OPTION_TEXT_MAX];
        struct error why;
        struct options read;
        option_variable(&option_rows[i], variable);
        snprintf(name, sizeof name, "[%s]", variable);
        const char *end = strstr(text, name), *at = end;
        ck_assert_ptr_nonnull(end);
        while (at > text && strncmp(at, "(default", 8) != 0 && strncmp(at, "\n  --", 5) != 0)
            at--;
        if (*at != '(' || strncmp(at, "(default: ", 10) == 0)
            continue; /* a text without a default */
        at += strlen("(default");
        at += strspn(at, " \n");
        snprintf(value, sizeof value, "%.*s", (int)strcspn(at, ")"), at);
        options_defaults(&options);
        read = options;
        ck_assert_msg(!option_set(&read, &option_rows[i], value, &why), "%s: \"%s\": %s", name,
                      value, why.detail);
        ck_assert_msg(option_same(&read, &options, &option_rows[i]), "%s: \"%s\"", name, value);
    }
    free(text);
}
END_TEST

START_TEST(differences_are_named)
{
    struct options before;
    const char *id;
    size_t next = 0;

    ck_assert_int_eq(FLAGS("--threads=3"), OPTIONS_OK);
    before = options;
    ck_assert(!options_difference(&before, &options, &next, &id));
    ck_assert_int_eq(FLAGS("--threads=4", "--log-level=warn", "--access-log", "--lame-duck=1s"),
                     OPTIONS_OK);
    next = 0;
    ck_assert(options_difference(&before, &options, &next, &id));
    ck_assert_str_eq(id, "threads");
    ck_assert(options_difference(&before, &options, &next, &id));
    ck_assert_str_eq(id, "log_level");
    ck_assert(options_difference(&before, &options, &next, &id));
    ck_assert_str_eq(id, "access_log");
    ck_assert(options_difference(&before, &options, &next, &id));
    ck_assert_str_eq(id, "lame_duck");
    ck_assert(!options_difference(&before, &options, &next, &id));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("option values");
    TCase *tc = tcase_create("values");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, bytes_take_suffixes, 0, sizeof sizes / sizeof *sizes);
    tcase_add_loop_test(tc, times_take_units_everywhere, 0, sizeof times / sizeof *times);
    tcase_add_loop_test(tc, a_switch_is_on_by_its_flag_alone, 0,
                        sizeof switches / sizeof *switches);
    tcase_add_test(tc, help_prints_defaults_as_they_are_read);
    tcase_add_test(tc, differences_are_named);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
