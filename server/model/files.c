/* files.c - reading files of a model repository without being led out of it.
 *
 * The kernel resolves the path under RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS; where that call is
 * missing, one component at a time with O_NOFOLLOW gives the same promise. It knows no formats. */
#include "model/files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* O_NONBLOCK: a FIFO in the place of a file must not hang the loader. */
static int open_flags(bool folder)
{
    return O_RDONLY | O_CLOEXEC | (folder ? O_DIRECTORY : O_NONBLOCK | O_NOCTTY);
}

static int close_with(int fd, int error_number)
{
    close(fd);
    errno = error_number;
    return -1;
}

/* Copy the next component of *path to out and step over it. 1, 0 at the end, -1 and errno. */
static int next_component(const char **path, char out[static NAME_MAX + 1])
{
    size_t n = strcspn(*path, "/");

    if (**path == '\0')
        return 0;
    if (n == 0 || (n == 2 && memcmp(*path, "..", 2) == 0)) {
        errno = EXDEV;
        return -1;
    }
    if (n > NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(out, *path, n);
    out[n] = '\0';
    *path += n + ((*path)[n] == '/');
    return 1;
}

int files_open_by_steps(int dirfd, const char *path, bool folder)
{
    char name[NAME_MAX + 1];
    int at = fcntl(dirfd, F_DUPFD_CLOEXEC, 0), more = 0;

    if (*path == '\0') {
        errno = ENOENT;
        more = -1;
    }
    while (at >= 0 && more >= 0 && (more = next_component(&path, name)) == 1) {
        int next = openat(at, name, open_flags(folder || *path) | O_NOFOLLOW);
        int error_number = errno;
        struct stat st;

        /* O_DIRECTORY | O_NOFOLLOW calls a link "not a directory"; say what it is. */
        if (next < 0 && error_number == ENOTDIR &&
            fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
            error_number = ELOOP;
        close_with(at, error_number);
        at = next;
    }
    if (at >= 0 && more < 0)
        return close_with(at, errno);
    return at;
}

static int open_beneath(int dirfd, const char *path, bool folder)
{
    struct open_how how = {
        .flags = (unsigned)open_flags(folder),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int fd;

    do
        fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
    while (fd < 0 && errno == EAGAIN); /* a rename raced with the look-up */
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
        fd = files_open_by_steps(dirfd, path, folder);
    return fd;
}

int files_open(int dirfd, const char *path, bool folder)
{
    int fd = open_beneath(dirfd, path, folder);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0)
        return close_with(fd, errno);
    if (!folder && !S_ISREG(st.st_mode))
        return close_with(fd, EINVAL);
    return fd;
}

const char *files_reason(int error_number)
{
    static const struct {
        int error_number;
        const char *text;
    } rows[] = {
        {ELOOP, "is or lies behind a symbolic link; links inside a repository are not followed"},
        {EXDEV, "leads out of the model's folder"},
        {EINVAL, "is not a regular file"},
        {ENOTDIR, "is not a folder"},
        {ENOENT, "no such file or folder"},
        {EACCES, "permission denied"},
        {ENOMEM, "out of memory"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].error_number == error_number)
            return rows[i].text;
    const char *text = strerrordesc_np(error_number);
    return text ? text : "cannot be opened";
}

/* The file or folder that is closed: path, or what leads there, cut off in it. False: not found. */
static bool closed_at(int dirfd, char *path, struct stat *st)
{
    int flags = dirfd == AT_FDCWD ? 0 : AT_SYMLINK_NOFOLLOW;

    while (fstatat(dirfd, path, st, flags) != 0) {
        char *slash = strrchr(path, '/');
        if (!slash || slash == path)
            return false;
        *slash = '\0';
    }
    return true;
}

int files_error(struct error *error, int dirfd, const char *path, int error_number)
{
    char at[PATH_MAX];
    struct stat st;

    snprintf(at, sizeof at, "%s", path);
    if (error_number != EACCES || !closed_at(dirfd, at, &st))
        return error_set(error, ERROR_NOT_READY, "%s: %s", path, files_reason(error_number));
    return error_set(error, ERROR_NOT_READY,
                     "%s: permission denied: axond runs as uid %u, and %s has the mode %04o "
                     "and the owner %u:%u; chmod %s it, or run axond as its owner",
                     path, (unsigned)geteuid(), strcmp(at, path) == 0 ? "it" : at,
                     (unsigned)st.st_mode & 07777, (unsigned)st.st_uid, (unsigned)st.st_gid,
                     S_ISDIR(st.st_mode) ? "a+rx" : "a+r");
}

/* [n] bytes from offset 0. 0, or -1 if they are not all there. */
static int read_all(int fd, char *data, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(fd, data + done, n - done, (off_t)done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        done += (size_t)got;
    }
    return 0;
}

static struct file_id id_of(const struct stat *st)
{
    return (struct file_id){.device = st->st_dev,
                            .inode = st->st_ino,
                            .size = (uint64_t)st->st_size,
                            .mtime_s = st->st_mtim.tv_sec,
                            .mtime_ns = st->st_mtim.tv_nsec};
}

enum files_result files_read(int dirfd, const char *path, size_t bytes_max, struct file_bytes *out,
                             struct error *error)
{
    enum files_result result = FILES_FAILED;
    struct stat before, after;
    char *data = NULL;
    size_t len;
    int fd = files_open(dirfd, path, false);

    if (fd < 0) {
        if (errno == ENOENT)
            return FILES_ABSENT;
        files_error(error, dirfd, path, errno);
        return FILES_FAILED;
    }
    if (fstat(fd, &before) != 0 || before.st_size < 0) {
        error_set(error, ERROR_NOT_READY, "%s: cannot be read", path);
        goto out;
    }
    if ((uint64_t)before.st_size > bytes_max) {
        error_set(error, ERROR_LIMIT_EXCEEDED, "%s: %lld bytes, at most %zu", path,
                  (long long)before.st_size, bytes_max);
        goto out;
    }
    len = (size_t)before.st_size;
    data = malloc(len + 1);
    if (!data) {
        error_set(error, ERROR_OUT_OF_MEMORY, "%s: out of memory for %zu bytes", path, len);
        goto out;
    }
    struct file_id then = id_of(&before), now;
    if (read_all(fd, data, len) != 0 || fstat(fd, &after) != 0 ||
        (now = id_of(&after), !files_same(&then, &now))) {
        error_set(error, ERROR_NOT_READY, "%s: changed while it was read", path);
        goto out;
    }
    data[len] = '\0';
    *out = (struct file_bytes){data, len};
    data = NULL;
    result = FILES_OK;
out:
    free(data);
    close(fd);
    return result;
}

struct file_id files_identify(int dirfd, const char *path)
{
    struct file_id id = {0};
    struct stat st;
    int fd = files_open(dirfd, path, false);

    if (fd < 0)
        return id;
    if (fstat(fd, &st) == 0)
        id = id_of(&st);
    close(fd);
    return id;
}

bool files_same(const struct file_id *a, const struct file_id *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_s == b->mtime_s && a->mtime_ns == b->mtime_ns;
}

int files_each(int dirfd, int (*visit)(void *context, const char *name), void *context)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!folder)
        return fd < 0 ? -1 : close_with(fd, errno);
    errno = 0;
    while (result == 0 && (entry = readdir(folder))) {
        if (entry->d_name[0] != '.')
            result = visit(context, entry->d_name);
        errno = 0;
    }
    if (result == 0 && errno != 0)
        result = -1;
    int error_number = errno;
    closedir(folder);
    errno = error_number;
    return result;
}
