/* tests/oracle/guard.c - see guard.h: an anonymous mapping with its first and last page closed. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "guard.h"

struct guard guard_create(size_t n, enum guard_side side)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = n * sizeof(float);
    size_t pages = (bytes + page - 1) / page + 2; /* n == 0: the two closed pages */
    struct guard guard = {.map_bytes = pages * page};
    char *map = mmap(NULL, guard.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                     0);
    char *last = map + (pages - 1) * page;

    if (map == MAP_FAILED || mprotect(map, page, PROT_NONE) || mprotect(last, page, PROT_NONE))
        abort();
    guard.map = map;
    guard.data = (float *)(void *)(side == GUARD_BEFORE ? map + page : last - bytes);
    return guard;
}

void guard_destroy(struct guard *guard)
{
    munmap(guard->map, guard->map_bytes);
    *guard = (struct guard){0};
}
