/* text.h - texts whose terminating NUL is the last readable byte: a parser that looks one byte too
 * far is a crash and not luck. */
#ifndef TEXT_H
#define TEXT_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct text {
    char *data; /* [len] and a NUL; the byte after that is unreadable */
    size_t len, map_bytes;
    char *map;
};

/* A copy of bytes [len]. The program ends when there is no memory. */
static inline struct text text_create(const char *bytes, size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = len / page + 2;
    struct text t = {.len = len, .map_bytes = pages * page};

    t.map = mmap(NULL, t.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (t.map == MAP_FAILED || mprotect(t.map + t.map_bytes - page, page, PROT_NONE))
        abort();
    t.data = t.map + t.map_bytes - page - len - 1;
    if (len)
        memcpy(t.data, bytes, len);
    t.data[len] = '\0';
    return t;
}

static inline void text_destroy(struct text *t)
{
    munmap(t->map, t->map_bytes);
}

#endif
