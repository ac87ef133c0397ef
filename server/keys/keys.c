/* keys.c - see keys.h. Invariant: the list is whole, and never changes; only which one it is does.
 */
#include "keys/keys.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"

/* Room for KEYS_MAX lines of 512 bytes, comments among them. */
enum { FILE_BYTES_MAX = KEYS_MAX * 512 };

struct keys {
    char *path;
    pthread_rwlock_t lock; /* guards the rest */
    struct key_list *list;
    mode_t mode;
};

/* All of the file; false, and errno. Whatever is no regular file may never end, or block. */
static bool read_all(int fd, struct buf *text)
{
    for (;;) {
        char *room = text->len > FILE_BYTES_MAX ? NULL : buf_reserve(text, 4096);
        ssize_t n = room ? read(fd, room, 4096) : -1;

        if (!room)
            errno = text->len > FILE_BYTES_MAX ? EFBIG : ENOMEM;
        if (n < 0 && room && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        text->len += (size_t)n;
    }
}

/* new; or NULL and error. */
static struct key_list *read_file(const char *path, mode_t *mode, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct key_list *list = NULL;
    struct stat info = {0};
    struct buf text;
    bool read = fd >= 0 && fstat(fd, &info) == 0;

    buf_init(&text, 0);
    if (read && !S_ISREG(info.st_mode)) {
        read = false;
        errno = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
    }
    if (read && read_all(fd, &text))
        list = key_list_read(path, text.data ? text.data : "", text.len, error);
    else
        error_set(error, ERROR_NOT_READY, "%.200s: %s", path,
                  errno == EINVAL ? "Not a regular file" : strerror(errno));
    *mode = info.st_mode & 07777;
    buf_fini(&text);
    if (fd >= 0)
        close(fd);
    return list;
}

/* Writers first: requests never cease, and a reload must not wait for a pause between them. */
static int lock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t how;
    int failed;

    pthread_rwlockattr_init(&how);
    pthread_rwlockattr_setkind_np(&how, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    failed = pthread_rwlock_init(lock, &how);
    pthread_rwlockattr_destroy(&how);
    return failed;
}

struct keys *keys_open(const char *path, struct error *error)
{
    struct keys *keys = calloc(1, sizeof *keys);

    if (!keys || !(keys->path = strdup(path)) || lock_init(&keys->lock) != 0) {
        error_set(error, ERROR_OUT_OF_MEMORY, "out of memory");
        goto failed;
    }
    keys->list = read_file(path, &keys->mode, error);
    if (keys->list)
        return keys;
    pthread_rwlock_destroy(&keys->lock);
failed:
    if (keys)
        free(keys->path);
    free(keys);
    return NULL;
}

void keys_close(struct keys *keys)
{
    if (!keys)
        return;
    pthread_rwlock_destroy(&keys->lock);
    free(keys->list);
    free(keys->path);
    free(keys);
}

enum error_id keys_reload(struct keys *keys, struct error *error)
{
    mode_t mode;
    struct key_list *list = read_file(keys->path, &mode, error), *old;

    if (!list)
        return error->id;
    pthread_rwlock_wrlock(&keys->lock);
    old = keys->list;
    keys->list = list;
    keys->mode = mode;
    pthread_rwlock_unlock(&keys->lock);
    free(old);
    return ERROR_OK;
}

bool keys_find(struct keys *keys, const char *secret, size_t bytes, struct key_owner *owner)
{
    const struct key_owner *found;

    pthread_rwlock_rdlock(&keys->lock);
    found = key_list_find(keys->list, secret, bytes);
    if (found)
        *owner = *found;
    pthread_rwlock_unlock(&keys->lock);
    return found != NULL;
}

size_t keys_count(struct keys *keys, enum key_scope scope)
{
    size_t count = 0;

    pthread_rwlock_rdlock(&keys->lock);
    for (size_t i = 0; i < keys->list->count; i++)
        count += keys->list->keys[i].owner.scope == scope;
    pthread_rwlock_unlock(&keys->lock);
    return count;
}

void keys_warning(struct keys *keys, char out[static KEYS_WARNING_MAX])
{
    mode_t mode;

    pthread_rwlock_rdlock(&keys->lock);
    mode = keys->mode;
    pthread_rwlock_unlock(&keys->lock);
    *out = '\0';
    if (mode & (S_IROTH | S_IWOTH | S_IWGRP))
        snprintf(out, KEYS_WARNING_MAX, "mode %04o: %s", (unsigned)mode,
                 mode & S_IWOTH   ? "others may write it"
                 : mode & S_IWGRP ? "its group may write it"
                                  : "others may read it");
}
