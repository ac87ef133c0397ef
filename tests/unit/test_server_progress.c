/* test_server_progress.c - the line that a terminal sees of a long input. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "commands/progress.h"
#include "suite.h"

static char said[256];

/* Into said: standard error while p tells of so many rows, two seconds after its start. */
static void tell(struct progress *p, uint64_t rows, bool stop)
{
    int ends[2], saved = dup(STDERR_FILENO);
    ssize_t got;

    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    p->begun_ns = clock_ns() - 2000000000;
    p->next_ns = 0;
    progress_tell(p, rows);
    if (stop)
        progress_stop(p);
    fputs(".", stderr);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    got = read(ends[0], said, sizeof said - 1);
    ck_assert_int_gt(got, 0);
    said[got] = '\0';
    close(ends[0]);
    close(ends[1]);
}

START_TEST(a_file_has_a_share_and_a_time_left)
{
    const struct input in = {.taken = 25, .size = 100};
    struct progress p = {.in = &in, .shown = true};

    tell(&p, 1000, false);
    ck_assert_msg(strncmp(said, "\r\033[K1000 rows, ", strlen("\r\033[K1000 rows, ")) == 0, "%s",
                  said);
    ck_assert_ptr_nonnull(strstr(said, " rows/s, 25 %, "));
    ck_assert_ptr_nonnull(strstr(said, " left."));
}
END_TEST

START_TEST(a_pipe_has_none_and_its_end_wipes_the_line)
{
    const struct input in = {.taken = 25};
    struct progress p = {.in = &in, .shown = true};

    tell(&p, 7, true);
    ck_assert_ptr_null(strchr(said, '%'));
    ck_assert_ptr_nonnull(strstr(said, " rows/s\r\033[K."));
}
END_TEST

START_TEST(where_nobody_looks_nothing_is_told)
{
    const struct input in = {.taken = 25, .size = 100};
    struct progress p = {.in = &in, .shown = false};

    tell(&p, 1000, true);
    ck_assert_str_eq(said, ".");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("progress");
    TCase *tc = suite_case(suite, "progress");

    tcase_add_test(tc, a_file_has_a_share_and_a_time_left);
    tcase_add_test(tc, a_pipe_has_none_and_its_end_wipes_the_line);
    tcase_add_test(tc, where_nobody_looks_nothing_is_told);
    return suite_run(suite);
}
