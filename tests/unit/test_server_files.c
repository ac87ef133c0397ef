/* test_server_files.c - nothing is opened outside of the folder, through a link, or that is no
 * file.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include "model/files.h"
#include "models.h"

START_TEST(both_ways_to_open_keep_inside_the_folder)
{
    int (*const ways[])(int, const char *, bool) = {files_open, files_open_by_steps};

    folder_text(&root, "in/a/file", "x");
    folder_text(&root, "secret", "x");
    ck_assert_int_eq(chdir(root.path), 0);
    ck_assert_int_eq(symlink("../secret", "in/leaf"), 0);
    ck_assert_int_eq(symlink("a", "in/dir"), 0);
    ck_assert_int_eq(mkfifo("in/fifo", 0600), 0);
    int dirfd = open("in", O_RDONLY | O_DIRECTORY);
    for (size_t w = 0; w < 2; w++) {
        int fd = ways[w](dirfd, "a/file", false);
        ck_assert_int_ge(fd, 0);
        ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);
        fd = ways[w](dirfd, "a", true);
        ck_assert_int_ge(fd, 0);
        close(fd);
        static const struct {
            const char *path;
            bool folder;
            int error_number;
        } refused[] = {
            {"../secret", false, EXDEV}, {"a/../../secret", false, EXDEV},
            {"leaf", false, ELOOP},      {"dir/file", false, ELOOP},
            {"dir", true, ELOOP},        {"none", false, ENOENT},
            {"a/file", true, ENOTDIR},   {"/etc/passwd", false, EXDEV},
            {"", false, ENOENT},
        };
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
            errno = 0;
            ck_assert_int_eq(ways[w](dirfd, refused[i].path, refused[i].folder), -1);
            ck_assert_msg(errno == refused[i].error_number, "way %zu, %s: %s", w, refused[i].path,
                          strerror(errno));
        }
    }
    ck_assert_int_eq(files_open(dirfd, "fifo", false), -1); /* and does not hang */
    ck_assert_int_eq(errno, EINVAL);
    close(dirfd);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("files");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, both_ways_to_open_keep_inside_the_folder);
    return run_suite("files", tc);
}
