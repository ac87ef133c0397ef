/* test_server_options.c - flags, variables and file: what wins, what is refused, and in which
 * words. */
#include <check.h>
#include <stdlib.h>
#include "options_read.h"
#include "suite.h"

START_TEST(defaults_are_the_tables_and_pass_their_own_checks)
{
    ck_assert_int_eq(read_all(nothing, nothing), OPTIONS_OK);
    ck_assert_int_eq(line.command, COMMAND_SERVE);
    ck_assert_str_eq(options.listen, "127.0.0.1:8000");
    ck_assert_uint_eq(options.body_bytes_max, 64 << 20);
    ck_assert_double_eq(options.headers_timeout, 10);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        char text[32];
        struct error why;
        if (row->type == OPTION_SIZE)
            snprintf(text, sizeof text, "%llu", (unsigned long long)row->size);
        if (row->type == OPTION_TIME)
            snprintf(text, sizeof text, "%g", row->time);
        if (row->type == OPTION_FLAG)
            snprintf(text, sizeof text, "%s", row->flag ? "on" : "off");
        const char *value = row->text ? row->text : text;
        ck_assert_msg(!option_set(&options, row, value, &why), "%s: %s", row->id, why.detail);
    }
}
END_TEST

START_TEST(a_flag_takes_its_value_either_way)
{
    ck_assert_int_eq(FLAGS("--threads", "3", "--listen=[::1]:0", "--lame-duck=1.5"), OPTIONS_OK);
    ck_assert_uint_eq(options.threads, 3);
    ck_assert_str_eq(options.listen, "[::1]:0");
    ck_assert_double_eq(options.lame_duck, 1.5);
    ck_assert_int_eq(FLAGS("--threads=3", "--threads=4"), OPTIONS_OK);
    ck_assert_uint_eq(options.threads, 4);
    ck_assert_int_eq(FLAGS("--models="), OPTIONS_OK);
    ck_assert_str_eq(options.models, "");
    ck_assert_int_eq(FLAGS("--models", "--help"), OPTIONS_OK); /* the next word, whatever it is */
    ck_assert_str_eq(options.models, "--help");
}
END_TEST

START_TEST(flags_win_over_variables_and_these_over_the_file)
{
    char config[256];

    folder_text(&folder, "axond.json", "{\"threads\": 1, \"rows_max\": 1, \"rank_max\": 1}");
    snprintf(config, sizeof config, "AXOND_CONFIG=%s", path);
    ck_assert_int_eq(read_all((char *[]){"--threads=3", NULL},
                              (char *[]){"AXOND_THREADS=2", "AXOND_ROWS_MAX=2", config, NULL}),
                     OPTIONS_OK);
    ck_assert_uint_eq(options.threads, 3);
    ck_assert_uint_eq(options.rows_max, 2);
    ck_assert_uint_eq(options.rank_max, 1);

    /* --config wins over AXOND_CONFIG; an empty one means none */
    ck_assert_int_eq(
        read_all((char *[]){"--config", path, NULL}, (char *[]){"AXOND_CONFIG=/nowhere", NULL}),
        OPTIONS_OK);
    ck_assert_int_eq(read_all((char *[]){"--config=", NULL}, (char *[]){config, NULL}), OPTIONS_OK);
    ck_assert_uint_eq(options.threads, 0);
}
END_TEST

static const struct {
    const char *word;
    enum command command;
} commands[] = {
    {"--check-config", COMMAND_CHECK_CONFIG},
    {"--print-config", COMMAND_PRINT_CONFIG},
    {"--health", COMMAND_HEALTH},
    {"--version", COMMAND_VERSION},
    {"--help", COMMAND_HELP},
    {"-h", COMMAND_HELP},
};

START_TEST(commands_are_known)
{
    ck_assert_int_eq(FLAGS((char *)(uintptr_t)commands[_i].word, "--threads=1"), OPTIONS_OK);
    ck_assert_int_eq(line.command, commands[_i].command);
}
END_TEST

START_TEST(help_and_version_work_when_the_configuration_is_broken)
{
    ck_assert_int_eq(read_all((char *[]){"--help", NULL}, (char *[]){"AXOND_THREADS=x", NULL}),
                     OPTIONS_OK);
    ck_assert_int_eq(FLAGS("--version", "--config=/nowhere"), OPTIONS_OK);
}
END_TEST

static const struct {
    const char *words[3];
    const char *message;
} wrong_usage[] = {
    {{"--listne=x"}, "--listne: no such option; did you mean \"--listen\"?"},
    {{"--lame_duck=1"}, "--lame_duck: no such option; did you mean \"--lame-duck\"?"},
    {{"--chek-config"}, "--chek-config: no such option; did you mean \"--check-config\"?"},
    {{"--completely-different"}, "--completely-different: no such option; see --help"},
    {{"--thread=2"}, "--thread: no such option; did you mean \"--threads\"?"},
    {{"-t"}, "-t: no such option; see --help"},
    {{"--"}, "--: no such option; see --help"},
    {{"--help=1"}, "--help: takes no value"},
    {{"sevre"}, "sevre: no such command, and options start with --; did you mean \"serve\"?"},
    {{"serve", "digits"}, "digits: no such command, and options start with --; see --help"},
    {{""}, ": no such command, and options start with --; see --help"},
    {{"--threads", "2", "3"}, "3: no such command, and options start with --; see --help"},
    {{"--threads"}, "--threads: expected a value"},
    {{"--health", "--version"}, "--version: one command at a time"},
    {{"serve", "--version"}, "--version: one command at a time"},
    {{"--version", "serve"}, "serve: one command at a time"},
    {{"serve", "inspect"}, "inspect: one command at a time"},
    {{"serve", "serve", "--threads="}, /* twice is no mistake */
     "--threads: expected a whole number from 0 to 256, found \"\""},
    {{"--threads=257"}, "--threads: expected a whole number from 0 to 256, found \"257\""},
    {{"--threads=-1"}, "--threads: expected a whole number from 0 to 256, found \"-1\""},
    {{"--threads="}, "--threads: expected a whole number from 0 to 256, found \"\""},
    {{"--threads=1k"}, "--threads: expected a whole number from 0 to 256, found \"1k\""},
    {{"--threads= 1"}, "--threads: expected a whole number from 0 to 256, found \" 1\""},
    {{"--threads=18446744073709551617"},
     "--threads: expected a whole number from 0 to 256, found \"18446744073709551617\""},
    {{"--lame-duck=inf"},
     "--lame-duck: expected a time from 0s to 3600s, such as 1.5, 500ms, 30s or 2m, found \"inf\""},
    {{"--lame-duck=nan"},
     "--lame-duck: expected a time from 0s to 3600s, such as 1.5, 500ms, 30s or 2m, found \"nan\""},
    {{"--lame-duck=0x1"},
     "--lame-duck: expected a time from 0s to 3600s, such as 1.5, 500ms, 30s or 2m, found \"0x1\""},
    {{"--lame-duck=1x"},
     "--lame-duck: expected a time from 0s to 3600s, such as 1.5, 500ms, 30s or 2m, found \"1x\""},
    {{"--lame-duck=s"},
     "--lame-duck: expected a time from 0s to 3600s, such as 1.5, 500ms, 30s or 2m, found \"s\""},
    {{"--lame-duck=1 s"},
     "--lame-duck: expected a time from 0s to 3600s, such as 1.5, 500ms, 30s or 2m, found \"1 s\""},
    {{"--lame-duck=1d"},
     "--lame-duck: expected a time from 0s to 3600s, such as 1.5, 500ms, 30s or 2m, found \"1d\""},
    {{"--access-log", "on"}, "on: no such command, and options start with --; see --help"},
    {{"--access-log=maybe"}, "--access-log: expected on or off, found \"maybe\""},
    {{"--lame-duck="},
     "--lame-duck: expected a time from 0s to 3600s, such as 1.5, 500ms, 30s or 2m, found \"\""},
    {{"--lame-duck=-0.1"},
     "--lame-duck: expected a time from 0s to 3600s, such as 1.5, 500ms, 30s or 2m, found "
     "\"-0.1\""},
    {{"--isa=\x1b[2J\n"}, "--isa: expected one of auto|baseline|avx2|avx512, found \"?[2J?\""},
    {{"--isa=sse9"}, "--isa: expected one of auto|baseline|avx2|avx512, found \"sse9\""},
    {{"--isa=avx"}, "--isa: expected one of auto|baseline|avx2|avx512, found \"avx\""},
    {{"--isa="}, "--isa: expected one of auto|baseline|avx2|avx512, found \"\""},
};

START_TEST(wrong_usage_is_2_and_says_what_is_right)
{
    char **words = (char **)(uintptr_t)wrong_usage[_i].words;

    ck_assert_int_eq(read_all((char *[]){words[0], words[1], words[2], NULL}, nothing),
                     OPTIONS_USAGE);
    ck_assert_str_eq(error.detail, wrong_usage[_i].message);
}
END_TEST

START_TEST(a_bad_variable_is_78_and_named)
{
    ck_assert_int_eq(ENVIRONMENT("AXOND_LOG_LEVEL=loud"), OPTIONS_CONFIG);
    ck_assert_str_eq(error.detail,
                     "AXOND_LOG_LEVEL: expected one of debug|info|warn|error, found \"loud\"");
}
END_TEST

/* The message stands after the file's name. */
static const struct {
    const char *text, *message;
} bad_files[] = {
    {"", ":1:1: expected a JSON object, found the end"},
    {"{\n \"threads\": 1,\n", ":3:1: expected a key in quotes, found the end"},
    {"[]", ":1:1: expected a JSON object, found an array"},
    {"3", ":1:1: expected a JSON object, found '3'"},
    {"{\"threads\": 1}\n\n x", ":3:2: expected the end after the closing brace, found 'x'"},
    {"{\n\"threads\": 1,\n\"threads\": 2}", ":3:1: the key \"threads\" is there twice"},
    {"{\n\n  \"thread\": 1}", ":3: thread: unknown key; did you mean \"threads\"?"},
    {"{\"listen_address\": 1}", ":1: listen_address: unknown key"},
    {"{\"log_level\": {\"thread\": 1},\n\"thread\": 2}", ":1: log_level: expected a string"},
    {"{\"x\\ny\": 1}", ": x?y: unknown key"},
    {"{\"threads\": 1.5}", ":1: threads: expected a whole number, found 1.5"},
    {"{\"access_log\": 1}", ":1: access_log: expected true or false"},
    {"{\"headers_timeout\": \"1\"}x", ":1:25: expected the end after the closing brace, found 'x'"},
    {"{\"threads\": -1}", ":1: threads: expected a whole number"},
    {"{\"threads\": 257}", ":1: threads: expected a whole number from 0 to 256"},
    {"{\"threads\": true}", ":1: threads: expected a whole number"},
    {"{\"lame_duck\": []}",
     ":1: lame_duck: expected a number of seconds, or a string such as \"30s\""},
    {"{\"lame_duck\": 1e9}",
     ":1: lame_duck: expected a time from 0s to 3600s, such as 1.5, 500ms, 30s or 2m"},
    {"{\"listen\": 8000}", ":1: listen: expected a string"},
    {"{\"listen\": \"8000\"}", ":1: listen: expected ADDRESS:PORT, such as 127.0.0.1:8000, "
                               "[::1]:8000, localhost:8000 or :8000"},
    {"{\"models\": \"a\\u0000b\"}", ":1:14: models: \\u0000 is not allowed"},
    {"{\"isa\": \"avx2|avx512\"}", ":1: isa: expected one of auto|baseline|avx2|avx512"},
    {"{\"config\": \"b.json\"}",
     ":1: config: a file cannot name another; use --config or AXOND_CONFIG"},
};

START_TEST(a_bad_file_is_78_with_file_line_and_key)
{
    char expected[256];

    ck_assert_int_eq(file_says(bad_files[_i].text), OPTIONS_CONFIG);
    snprintf(expected, sizeof expected, "%s%s", path, bad_files[_i].message);
    ck_assert_msg(strncmp(error.detail, expected, strlen(expected)) == 0, "\"%s\", expected \"%s\"",
                  error.detail, expected);
    ck_assert_ptr_null(strpbrk(error.detail, "\n\r\x1b"));
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_78)
{
    ck_assert_int_eq(FLAGS("--config=/nowhere/axond.json"), OPTIONS_CONFIG);
    ck_assert_str_eq(error.detail, "/nowhere/axond.json: No such file or directory");
    ck_assert_int_eq(FLAGS("--config=/"), OPTIONS_CONFIG);
    ck_assert_str_eq(error.detail, "/: Is a directory");
    ck_assert_int_eq(FLAGS("--config=/dev/zero"), OPTIONS_CONFIG);
    ck_assert_str_eq(error.detail, "/dev/zero: File too large");
}
END_TEST

START_TEST(a_file_may_set_every_kind)
{
    ck_assert_int_eq(
        file_says("\xef\xbb\xbf{\"listen\": \"0.0.0.0:80\", \"threads\": 2, \"lame_duck\": 3,\n"
                  " \"idle_timeout\": 0.5, \"rows_max\": \"7\", \"rank_max\": 2.0}"),
        OPTIONS_OK);
    ck_assert_str_eq(options.listen, "0.0.0.0:80");
    ck_assert_uint_eq(options.threads, 2);
    ck_assert_double_eq(options.lame_duck, 3);
    ck_assert_double_eq(options.idle_timeout, 0.5);
    ck_assert_uint_eq(options.rows_max, 7);
    ck_assert_uint_eq(options.rank_max, 2);
}
END_TEST

START_TEST(print_config_reads_back)
{
    struct options before;

    ck_assert_int_eq(FLAGS("--listen=[::]:1", "--idle-timeout=0.1", "--body-bytes-max=3M",
                           "--models=a \"b\"\\", "--headers-timeout=1234.567"),
                     OPTIONS_OK);
    before = options;
    char *text = options_print(&options);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(file_says(text), OPTIONS_OK);
    for (size_t i = OPTION_config + 1; i < OPTION_COUNT; i++) {
        ck_assert_msg(option_same(&before, &options, &option_rows[i]), "%s", option_rows[i].id);
    }
    free(text);
}
END_TEST

static const struct {
    const char *text, *host; /* NULL: refused */
    uint16_t port;
} addresses[] = {
    {"127.0.0.1:8000", "127.0.0.1", 8000},
    {"0.0.0.0:0", "0.0.0.0", 0},
    {"[::1]:65535", "::1", 65535},
    {"[fe80::1]:1", "fe80::1", 1},
    {"127.0.0.1:65536", NULL, 0},
    {"127.0.0.1:080000", NULL, 0},
    {"127.0.0.1:", NULL, 0},
    {"127.0.0.1:-1", NULL, 0},
    {"127.0.0.1: 1", NULL, 0},
    {"127.0.0.1", NULL, 0},
    {"127.0.0:80", NULL, 0},
    {":8000", "", 8000},
    {"localhost:8000", "127.0.0.1", 8000},
    {"localhost", NULL, 0},
    {"localhost.:8000", NULL, 0},
    {"[localhost]:8000", NULL, 0},
    {"example.org:8000", NULL, 0},
    {"8000", NULL, 0},
    {"::1:8000", NULL, 0},
    {"[::1:8000", NULL, 0},
    {"::1]:8000", NULL, 0},
    {"[]:8000", NULL, 0},
    {"[:8000", NULL, 0},
    {"[127.0.0.1]:8000", NULL, 0},
    {"", NULL, 0},
    {"[0000000000000000000000000000000000000000000000000000000000000000000001]:1", NULL, 0},
};

START_TEST(listen_is_an_address_and_a_port)
{
    struct listen_address address;

    ck_assert_int_eq(options_listen(addresses[_i].text, &address), addresses[_i].host != NULL);
    if (addresses[_i].host) {
        ck_assert_str_eq(address.host, addresses[_i].host);
        ck_assert_uint_eq(address.port, addresses[_i].port);
    }
}
END_TEST

START_TEST(unknown_variables_are_told_with_the_nearest)
{
    static char *environment[] = {"AXOND_THREADS=1",
                                  "PATH=/bin",
                                  "AXOND_LISTNE=x",
                                  "AXOND_PORT=8000",
                                  "AXOND_PORT=tcp://10.0.0.1:8000",
                                  "AXOND_PORT_8000_TCP_ADDR=10.0.0.1",
                                  "AXOND_SERVICE_HOST=10.0.0.1",
                                  "AXOND_ENTIRELY_OTHER",
                                  NULL};
    size_t next = 0;
    char text[256];

    ck_assert(options_unknown_variable(environment, &next, text, sizeof text));
    ck_assert_str_eq(text, "AXOND_LISTNE: no such option; did you mean \"AXOND_LISTEN\"?");
    ck_assert(options_unknown_variable(environment, &next, text, sizeof text));
    ck_assert_str_eq(text, "AXOND_PORT: no such option; did you mean \"AXOND_HOSTS\"?");
    ck_assert(options_unknown_variable(environment, &next, text, sizeof text));
    ck_assert_str_eq(text, "AXOND_ENTIRELY_OTHER: no such option");
    ck_assert(!options_unknown_variable(environment, &next, text, sizeof text));
    ck_assert(!options_unknown_variable(environment, &next, text, sizeof text));
}
END_TEST

START_TEST(help_names_every_option_in_100_columns)
{
    char *text = options_help();

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char name[OPTION_NAME_MAX], word[OPTION_NAME_MAX + 10];
        option_flag(&option_rows[i], name);
        snprintf(word, sizeof word, "  %s%s", name,
                 option_rows[i].type == OPTION_FLAG ? "[=off]" : " ");
        ck_assert_msg(strstr(text, word), "%s", word);
        option_variable(&option_rows[i], name);
        snprintf(word, sizeof word, "[%s]", name);
        ck_assert_msg(strstr(text, word), "%s", word);
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        ck_assert_ptr_nonnull(strstr(text, command_rows[i].name));
    for (char *at = text; *at; at += strcspn(at, "\n") + 1)
        ck_assert_msg(strcspn(at, "\n") <= 100, "%s", at);
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("options");
    TCase *tc = tcase_create("sources");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, defaults_are_the_tables_and_pass_their_own_checks);
    tcase_add_test(tc, a_flag_takes_its_value_either_way);
    tcase_add_test(tc, flags_win_over_variables_and_these_over_the_file);
    tcase_add_loop_test(tc, commands_are_known, 0, sizeof commands / sizeof *commands);
    tcase_add_test(tc, help_and_version_work_when_the_configuration_is_broken);
    tcase_add_loop_test(tc, wrong_usage_is_2_and_says_what_is_right, 0,
                        sizeof wrong_usage / sizeof *wrong_usage);
    tcase_add_test(tc, a_bad_variable_is_78_and_named);
    tcase_add_loop_test(tc, a_bad_file_is_78_with_file_line_and_key, 0,
                        sizeof bad_files / sizeof *bad_files);
    tcase_add_test(tc, a_file_that_cannot_be_read_is_78);
    tcase_add_test(tc, a_file_may_set_every_kind);
    tcase_add_test(tc, print_config_reads_back);
    tcase_add_loop_test(tc, listen_is_an_address_and_a_port, 0,
                        sizeof addresses / sizeof *addresses);
    tcase_add_test(tc, unknown_variables_are_told_with_the_nearest);
    tcase_add_test(tc, help_names_every_option_in_100_columns);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
