/* test_server_log.c - lines of the log, read back from a pipe in place of standard error. */
#include <check.h>
#include <jansson.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "scrape.h"
#include "suite.h"

static int reader, saved_stderr;
static char line[8192];

static void start(void)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    reader = ends[0];
    saved_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    log_init(LOG_DEBUG, false);
}

static void stop(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(reader);
}

/* All that has been written since, up to a whole pipe. */
static const char *written(void)
{
    struct pollfd p = {.fd = reader, .events = POLLIN};
    ssize_t length = poll(&p, 1, 0) == 1 ? read(reader, line, sizeof line - 1) : 0;

    ck_assert_int_ge(length, 0);
    line[length] = '\0';
    return line;
}

/* The text after the time stamp. */
static const char *after_time(void)
{
    const char *space = strchr(written(), ' ');
    ck_assert_ptr_nonnull(space);
    return space + 1;
}

START_TEST(a_line_is_key_value_with_time_and_level_first)
{
    regex_t form;

    ck_assert_int_eq(regcomp(&form,
                             "^ts=20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                             "\\.[0-9]{3}Z level=info event=listening address=127\\.0\\.0\\.1:8000 "
                             "threads=18446744073709551615 seconds=0\\.250000000\n$",
                             REG_EXTENDED | REG_NOSUB),
                     0);
    log_event(LOG_INFO, "listening", LOG_S("address", "127.0.0.1:8000"),
              LOG_U("threads", 18446744073709551615ULL), LOG_F("seconds", 0.25));
    ck_assert_int_eq(regexec(&form, written(), 0, NULL, 0), 0);
    regfree(&form);
}
END_TEST

static const struct {
    const char *value, *logfmt, *json;
} values[] = {
    {"plain", "plain", "\"plain\""},
    {"", "\"\"", "\"\""},
    {NULL, "\"\"", "\"\""},
    {"two words", "\"two words\"", "\"two words\""},
    {"a=b", "\"a=b\"", "\"a=b\""},
    {"say \"hi\"", "\"say \\\"hi\\\"\"", "\"say \\\"hi\\\"\""},
    {"back\\slash", "\"back\\\\slash\"", "\"back\\\\slash\""},
    {"two\nlines\r\t", "\"two\\nlines\\r\\t\"", "\"two\\nlines\\r\\t\""},
    {"\x1b[31mred\x7f", "\"\\x1b[31mred\\x7f\"", "\"\\u001b[31mred\\u007f\""},
    {"\xc2\x9b"
     "31m",
     "\"\\u009b31m\"", "\"\\u009b31m\""},
    {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"", "\"gr\xc3\xbc\xc3\x9f\""},
    {"bad \xff\xc3", "\"bad \\xff\\xc3\"", "\"bad \\ufffd\\ufffd\""},
    {"overlong \xc0\xaf", "\"overlong \\xc0\\xaf\"", "\"overlong \\ufffd\\ufffd\""},
};

START_TEST(values_cannot_break_a_line)
{
    char expected[256];

    log_event(LOG_WARN, "e", LOG_S("v", values[_i].value));
    snprintf(expected, sizeof expected, "level=warn event=e v=%s\n", values[_i].logfmt);
    ck_assert_str_eq(after_time(), expected);

    log_init(LOG_DEBUG, true);
    log_event(LOG_WARN, "e", LOG_S("v", values[_i].value));
    snprintf(expected, sizeof expected, "\"level\":\"warn\",\"event\":\"e\",\"v\":%s}\n",
             values[_i].json);
    ck_assert_str_eq(strchr(written(), ',') + 1, expected);
    json_t *read = json_loads(line, 0, NULL);
    ck_assert_ptr_nonnull(read);
    json_decref(read);
}
END_TEST

START_TEST(json_has_no_numbers_that_json_lacks)
{
    log_init(LOG_DEBUG, true);
    log_event(LOG_INFO, "e", LOG_F("a", (double)NAN), LOG_F("b", (double)INFINITY),
              LOG_F("c", 1e300));
    json_t *read = json_loads(written(), 0, NULL);
    ck_assert_ptr_nonnull(read);
    ck_assert(json_is_null(json_object_get(read, "a")) && json_is_null(json_object_get(read, "b")));
    json_decref(read);
}
END_TEST

/* The cut falls on every place of a character and of a field. */
START_TEST(a_long_line_is_cut_and_stays_well_formed)
{
    static char text[5000];

    for (size_t length = 3900; length < 4200; length++) {
        memset(text, 'x', sizeof text);
        for (size_t i = length % 7; i + 3 < length; i += 5)
            memcpy(text + i, i % 2 ? "\xe2\x82\xac" : "\x01 \n", 3);
        text[length] = '\0';
        log_init(LOG_DEBUG, true);
        log_event(LOG_INFO, "e", LOG_S("first", text), LOG_S("second", text), LOG_U("third", 3));
        json_error_t error;
        json_t *read = json_loads(written(), 0, &error);
        ck_assert_msg(read != NULL, "length %zu: %s", length, error.text);
        json_decref(read);
        ck_assert_uint_le(strlen(line), 4096);
        ck_assert_uint_gt(strlen(line), 3900);
        ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);

        log_init(LOG_DEBUG, false);
        log_event(LOG_INFO, "e", LOG_S("first", text), LOG_S("second", text), LOG_U("third", 3));
        ck_assert_uint_le(strlen(written()), 4096);
        ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    }
}
END_TEST

START_TEST(what_is_below_the_level_is_not_written)
{
    for (enum log_level least = LOG_DEBUG; least < LOG_LEVELS; least++)
        for (enum log_level level = LOG_DEBUG; level < LOG_LEVELS; level++) {
            log_init(least, false);
            log_event(level, "e", LOG_U("n", 1));
            ck_assert_int_eq(*written() != '\0', level >= least);
            ck_assert_int_eq(log_enabled(level), level >= least);
        }
}
END_TEST

START_TEST(levels_have_names)
{
    ck_assert_int_eq(log_level_find("debug"), LOG_DEBUG);
    ck_assert_int_eq(log_level_find("error"), LOG_ERROR);
    ck_assert_int_eq(log_level_find("loud"), LOG_INFO);
}
END_TEST

enum { WRITERS = 4, LINES = 100 };

static void *write_lines(void *context)
{
    for (int i = 0; i < LINES; i++)
        log_event(LOG_INFO, "e", LOG_S("who", context),
                  LOG_S("what", "aaaaaaaaaaaaaaaaaaaaaaaaaa"));
    return NULL;
}

START_TEST(lines_of_many_threads_do_not_mix)
{
    static const char *const names[WRITERS] = {"w0", "w1", "w2", "w3"};
    static char all[WRITERS * LINES * 128];
    pthread_t threads[WRITERS];
    int lines = 0;

    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, write_lines, (void *)(uintptr_t)names[i]), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    ssize_t length = read(reader, all, sizeof all - 1);
    ck_assert_int_gt(length, 0);
    all[length] = '\0';
    for (char *at = all, *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
        *end = '\0';
        ck_assert(strncmp(at, "ts=", 3) == 0);
        ck_assert_str_eq(strstr(at, " what="), " what=aaaaaaaaaaaaaaaaaaaaaaaaaa");
        ck_assert_ptr_null(strstr(at + 1, "ts="));
    }
    ck_assert_int_eq(lines, WRITERS * LINES);
}
END_TEST

START_TEST(a_log_that_goes_nowhere_stops_nobody)
{
    int full = open("/dev/full", O_WRONLY);

    scrape_start();
    ck_assert_int_ge(full, 0);
    dup2(full, STDERR_FILENO);
    close(full);
    log_init(LOG_DEBUG, false);
    log_event(LOG_ERROR, "e", LOG_U("n", 1));
    close(STDERR_FILENO);
    log_init(LOG_DEBUG, false);
    log_event(LOG_ERROR, "e", LOG_U("n", 1));
    expect("axond_log_dropped_total 2");
    expect("axond_log_messages_total{level=\"error\"} 0");
    scrape_stop();
}
END_TEST

/* Bytes until the pipe is full; the descriptor blocks before and after. */
static size_t fill(int fd)
{
    static const char page[4096];
    int flags = fcntl(fd, F_GETFL);
    size_t bytes = 0;

    ck_assert_int_eq(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
    for (ssize_t n; (n = write(fd, page, sizeof page)) > 0;)
        bytes += (size_t)n;
    ck_assert_int_eq(fcntl(fd, F_SETFL, flags), 0);
    return bytes;
}

static void drain(size_t bytes)
{
    static char sink[4096];

    for (ssize_t n; bytes > 0; bytes -= (size_t)n) {
        n = read(reader, sink, bytes < sizeof sink ? bytes : sizeof sink);
        ck_assert_int_gt(n, 0);
    }
}

START_TEST(a_reader_that_stalls_loses_lines_and_stops_nobody)
{
    pthread_t threads[WRITERS];
    size_t bytes = fill(STDERR_FILENO);

    scrape_start();
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, (void *)"w"), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    expect("axond_log_dropped_total 400");
    expect("axond_log_messages_total{level=\"info\"} 0");
    drain(bytes);
    log_event(LOG_INFO, "e", LOG_U("n", 1));
    ck_assert_str_eq(after_time(), "level=info event=e n=1\n");
    expect("axond_log_dropped_total 400");
    expect("axond_log_messages_total{level=\"info\"} 1");
    scrape_stop();
}
END_TEST

/* libc's, but for the moment after which another program has taken the room that there was. */
static bool room_is_taken;

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / 1000};
    int ready = ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, NULL);

    if (!room_is_taken)
        return ready;
    fds->revents = POLLOUT;
    return 1;
}

START_TEST(another_writer_that_takes_the_room_stops_nobody)
{
    size_t bytes = fill(STDERR_FILENO);

    scrape_start();
    room_is_taken = true;
    log_event(LOG_INFO, "e", LOG_U("n", 1));
    room_is_taken = false;
    expect("axond_log_dropped_total 1");
    drain(bytes);
    scrape_stop();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *tc = tcase_create("lines");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, a_line_is_key_value_with_time_and_level_first);
    tcase_add_loop_test(tc, values_cannot_break_a_line, 0, sizeof values / sizeof *values);
    tcase_add_test(tc, json_has_no_numbers_that_json_lacks);
    tcase_add_test(tc, a_long_line_is_cut_and_stays_well_formed);
    tcase_add_test(tc, what_is_below_the_level_is_not_written);
    tcase_add_test(tc, levels_have_names);
    tcase_add_test(tc, lines_of_many_threads_do_not_mix);
    tcase_add_test(tc, a_log_that_goes_nowhere_stops_nobody);
    tcase_add_test(tc, a_reader_that_stalls_loses_lines_and_stops_nobody);
    tcase_add_test(tc, another_writer_that_takes_the_room_stops_nobody);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
