/* write.c - see write.h.
 *
 * Invariant: a temporary file's name begins with a dot, of which no reader of a model's folder
 * takes notice, and is nobody else's. */
#include "base/write.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/random.h"

int write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);

        if (written < 0 && errno != EINTR)
            return errno;
        bytes += written > 0 ? written : 0;
        count -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

int write_new(int folder, const char *path, const char *bytes, size_t count)
{
    int fd = openat(folder, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    int cause = fd < 0 ? errno : write_all(fd, bytes, count);

    if (fd < 0)
        return cause;
    if (cause == 0 && fsync(fd) != 0)
        cause = errno;
    if (close(fd) != 0 && cause == 0)
        cause = errno;
    if (cause != 0)
        unlinkat(folder, path, 0);
    return cause;
}

int write_over(int folder, const char *name, const char *bytes, size_t count)
{
    enum { NAME_MAX_BYTES = 32 };
    struct random random = random_seed();
    char temporary[NAME_MAX_BYTES];
    struct stat old;
    int cause;

    snprintf(temporary, sizeof temporary, ".new-%016" PRIx64, random_below(&random, UINT64_MAX));
    cause = write_new(folder, temporary, bytes, count);
    if (cause != 0)
        return cause;
    if (fstatat(folder, name, &old, 0) == 0 &&
        fchmodat(folder, temporary, old.st_mode & 0777, 0) != 0)
        cause = errno;
    if (cause == 0 && renameat(folder, temporary, folder, name) != 0)
        cause = errno;
    if (cause != 0)
        unlinkat(folder, temporary, 0);
    else
        fsync(folder); /* the name; a file system that cannot has nothing better */
    return cause;
}
