/* starve.h - the n-th allocation of this thread, or of all others, fails: include it in one .c of a
 * test program.
 *
 * The allocator of the C library is wrapped, so sanitizer builds, which wrap it themselves, have
 * STARVE_WORKS 0 and nothing ever fails there. */
#ifndef STARVE_H
#define STARVE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* Not every program, nor every build, uses each of them. */
#define STARVE_MAYBE __attribute__((unused)) static
STARVE_MAYBE __thread long starve_countdown; /* the allocation that fails; 0: none */
STARVE_MAYBE __thread long starve_live;      /* blocks of this thread */
STARVE_MAYBE atomic_long starve_others; /* the same for threads that have not set starve_exempt */
STARVE_MAYBE __thread bool starve_exempt;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STARVE_WORKS = 0 };
#else
enum { STARVE_WORKS = 1 };

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static inline bool starve_now(void)
{
    if (!starve_exempt && atomic_load_explicit(&starve_others, memory_order_relaxed) > 0 &&
        atomic_fetch_sub(&starve_others, 1) == 1)
        return true;
    if (starve_countdown == 0 || --starve_countdown > 0)
        return false;
    errno = ENOMEM; /* as the real ones say it */
    return true;
}

static inline void *starve_count(void *p)
{
    starve_live += p != NULL;
    return p;
}

/* The compiler must not look into these and conclude about the blocks they return. */
#if __has_attribute(noipa)
#define STARVE_OPAQUE __attribute__((noipa))
#else
#define STARVE_OPAQUE __attribute__((noinline))
#endif

#pragma GCC visibility push(default) /* for jansson, too */
STARVE_OPAQUE void *malloc(size_t n)
{
    return starve_now() ? NULL : starve_count(__libc_malloc(n));
}

STARVE_OPAQUE void *calloc(size_t n, size_t size)
{
    return starve_now() ? NULL : starve_count(__libc_calloc(n, size));
}

STARVE_OPAQUE void *realloc(void *p, size_t n)
{
    if (starve_now())
        return NULL;
    void *grown = __libc_realloc(p, n);
    return p ? grown : starve_count(grown);
}

STARVE_OPAQUE void free(void *p)
{
    starve_live -= p != NULL;
    __libc_free(p);
}
#pragma GCC visibility pop
#endif

#endif
