/* files.h - reading files of a model repository without being led out of it.
 *
 * Paths are relative to a folder's descriptor; nothing above it, no symbolic link and nothing but
 * regular files and folders is ever opened. A file's bytes are a copy in memory: one that someone
 * truncates meanwhile is an error, never a SIGBUS. */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

/* A file's bytes, followed by a NUL that len does not count. */
struct file_bytes {
    char *data; /* the caller frees it */
    size_t len;
};

/* Identifies a file, to tell whether it is still the one that was read; all zeros: there is none.
 */
struct file_id {
    uint64_t device, inode, size;
    int64_t mtime_s, mtime_ns;
};

enum files_result { FILES_OK, FILES_ABSENT, FILES_FAILED };

/* Open path beneath dirfd; folder: a directory, else a regular file for reading. A descriptor that
 * the caller closes, or -1 and errno: ELOOP for a symbolic link, EXDEV for a path that leads out,
 * EINVAL for what is not a regular file. */
int files_open(int dirfd, const char *path, bool folder);

/* The same without openat2(2), which old kernels and some container sandboxes lack. */
int files_open_by_steps(int dirfd, const char *path, bool folder);

/* The whole file, at most bytes_max long. out is new on FILES_OK only; on FILES_FAILED error names
 * path and reason; on FILES_ABSENT it is untouched. */
enum files_result files_read(int dirfd, const char *path, size_t bytes_max, struct file_bytes *out,
                             struct error *error);

struct file_id files_identify(int dirfd, const char *path);
bool files_same(const struct file_id *a, const struct file_id *b);

/* Call visit for each name in the folder but those that begin with a dot, until it returns
 * non-zero; that is then the result. 0 at the end, -1 and errno if the folder cannot be read. */
int files_each(int dirfd, int (*visit)(void *context, const char *name), void *context);

/* Say why path beneath dirfd (or AT_FDCWD) cannot be opened: "<path>: <reason>", and for a
 * permission that is missing: whose, on which file or folder, and the way out. Returns -1. */
int files_error(struct error *error, int dirfd, const char *path, int error_number);

/* "is a symbolic link, ..." and the like: a sentence's end for errno. Static storage. */
const char *files_reason(int error_number);

#endif
