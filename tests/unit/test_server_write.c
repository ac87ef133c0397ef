/* test_server_write.c - a file is there whole or not at all: whichever call fails on the way to a
 * new one, the old one stays as it was, and nothing else is left in the folder.
 *
 * write(), fsync(), fchmodat() and renameat() are this program's own, so that each can fail. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include "base/write.h"
#include "folder.h"
#include "suite.h"

static struct folder folder;
static int dir;
static long countdown; /* the n-th of these calls fails; 0: none */
static int failure;

static bool fails(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    errno = failure;
    return true;
}

/* A byte less than asked for: writes may be short. */
ssize_t write(int fd, const void *bytes, size_t count)
{
    return fails() ? -1 : syscall(SYS_write, fd, bytes, count > 1 ? count - 1 : count);
}

int fsync(int fd)
{
    return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

int fchmodat(int fd, const char *path, mode_t mode, int flags)
{
    (void)flags;
    return fails() ? -1 : (int)syscall(SYS_fchmodat, fd, path, mode);
}

int renameat(int from, const char *old, int to, const char *new)
{
    return fails() ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

static void setup(void)
{
    folder = folder_create();
    dir = open(folder.path, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(dir, 0);
    countdown = 0;
}

static void teardown(void)
{
    close(dir);
    folder_remove(&folder, "");
}

static size_t files(void)
{
    DIR *list = opendir(folder.path);
    size_t count = 0;

    while (readdir(list))
        count++;
    closedir(list);
    return count - 2; /* "." and ".." */
}

/* "": there is none */
static const char *text_of(const char *name)
{
    static char text[64];
    int fd = openat(dir, name, O_RDONLY);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

    if (fd >= 0)
        close(fd);
    text[got] = '\0';
    return text;
}

START_TEST(a_new_file_is_not_written_twice)
{
    ck_assert_int_eq(write_new(dir, "a", "one", 3), 0);
    ck_assert_int_eq(write_new(dir, "a", "two", 3), EEXIST);
    ck_assert_str_eq(text_of("a"), "one");
    ck_assert_int_eq(write_new(dir, "none/a", "one", 3), ENOENT);
    ck_assert_uint_eq(files(), 1);
}
END_TEST

START_TEST(the_new_one_has_the_permissions_of_the_old_one)
{
    struct stat is;

    ck_assert_int_eq(write_over(dir, "a", "one", 3), 0);
    ck_assert_int_eq(syscall(SYS_fchmodat, dir, "a", 0640), 0);
    ck_assert_int_eq(write_over(dir, "a", "", 0), 0);
    ck_assert_int_eq(fstatat(dir, "a", &is, 0), 0);
    ck_assert_int_eq(is.st_mode & 0777, 0640);
    ck_assert_int_eq(is.st_size, 0);
    ck_assert_uint_eq(files(), 1);
}
END_TEST

START_TEST(whatever_fails_the_old_one_stays)
{
    static const int reasons[] = {ENOSPC, EIO, EDQUOT};
    long calls = 0;
    int result;

    failure = reasons[_i];
    ck_assert_int_eq(write_over(dir, "a", "old", 3), 0);
    do {
        countdown = ++calls;
        result = write_over(dir, "a", "a new one", 9);
        if (countdown == 0 && result != 0) {
            ck_assert_int_eq(result, failure);
            ck_assert_str_eq(text_of("a"), "old");
        }
        ck_assert_uint_eq(files(), 1);
    } while (result != 0);
    ck_assert_int_ge(calls,
                     5); /* writes, fsync, fchmodat, renameat: then only the folder's fsync */
    ck_assert_str_eq(text_of("a"), "a new one");
}
END_TEST

/* A call that a signal cut short goes on. */
START_TEST(signals_are_no_failure)
{
    failure = EINTR;
    countdown = 1;
    ck_assert_int_eq(write_over(dir, "a", "one", 3), 0);
    ck_assert_str_eq(text_of("a"), "one");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("write");
    TCase *tc = suite_case(s, "write");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_new_file_is_not_written_twice);
    tcase_add_test(tc, the_new_one_has_the_permissions_of_the_old_one);
    tcase_add_loop_test(tc, whatever_fails_the_old_one_stays, 0, 3);
    tcase_add_test(tc, signals_are_no_failure);
    return suite_run(s);
}
