/* write.h - files that are there whole or not at all, whatever fails: a full disk, a signal, the
 * power.
 *
 * Bytes reach the disk before a name does. A folder is a descriptor; a failure leaves nothing new.
 */
#ifndef BASE_WRITE_H
#define BASE_WRITE_H

#include <stddef.h>

/* All bytes [count] to fd. 0, or errno. */
int write_all(int fd, const char *bytes, size_t count);

/* A new file beneath the folder. 0, or errno: EEXIST if it is there. */
int write_new(int folder, const char *path, const char *bytes, size_t count);

/* The file `name` of the folder, be it there or not, in one step: readers see the old one or the
 * new one, and a failure leaves the old one. It keeps the old one's permissions. Any number of
 * threads and processes at once; the last is the one that stays. 0, or errno. */
int write_over(int folder, const char *name, const char *bytes, size_t count);

#endif
