/* kernels_peers.c - what bench-kernels and accuracy share: which peers there are, the memory that
 * all of them work on, and a task over it.
 *
 * The only file that knows which peers this build has; BENCH_... say so. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "axon/cpu.h"
#include "kernels.h"

static const struct contender *const peers[] = {
    &contender_torch,
#ifdef BENCH_DNNL
    &contender_dnnl,
#endif
#ifdef BENCH_VECTOR
    &contender_torch_avx512, &contender_libmvec_avx512, &contender_libmvec_avx2,
#endif
#ifdef BENCH_SLEEF
    &contender_sleef_avx512, &contender_sleef_avx2,
#endif
};

double bench_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

bool bench_runs(const char *isa)
{
    size_t count;
    const char *const *isas = axon_isa_list(&count);

    for (size_t i = 0; i < count; i++)
        if (!isa || strcmp(isa, isas[i]) == 0)
            return true;
    return false;
}

/* ---- peers ---- */

/* Are they of one library? A name's first word is the library's. */
static bool kin(const struct contender *a, const struct contender *b)
{
    size_t word = strcspn(a->name, " ");

    return strcspn(b->name, " ") == word && memcmp(a->name, b->name, word) == 0;
}

static bool enter(const char *program, const struct contender *c, int fd)
{
    const char *why = !bench_runs(c->isa) ? "this CPU lacks the instructions" : NULL;

    if (!why && c->open)
        why = c->open(c, fd);
    if (why)
        fprintf(stderr, "%s: without %s: %s\n", program, c->name, why);
    return !why;
}

size_t bench_peers_open(const char *program, bool every_isa, int fd,
                        const struct contender *list[BENCH_PEERS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
        bool there = false;

        for (size_t k = 0; k < count && !every_isa; k++)
            there |= kin(list[k], peers[i]);
        if (!there && enter(program, peers[i], fd))
            list[count++] = peers[i];
    }
#ifndef BENCH_DNNL
    fprintf(stderr, "%s: without oneDNN: libdnnl-dev is not installed\n", program);
#endif
#ifndef BENCH_VECTOR
    fprintf(stderr, "%s: without libmvec: this architecture has none\n", program);
#endif
#ifndef BENCH_SLEEF
    fprintf(stderr, "%s: without SLEEF: libsleef-dev is not installed\n", program);
#endif
    return count;
}

void bench_peers_close(const struct contender *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i]->close)
            list[i]->close(list[i]);
}

/* ---- memory ---- */

float *bench_arrays(const char *program, int *fd)
{
    size_t bytes = 3 * sizeof(float) * ELEMENTS_MAX;
    float *arrays = MAP_FAILED;

    *fd = memfd_create(program, MFD_CLOEXEC);
    if (*fd >= 0 && ftruncate(*fd, (off_t)bytes) == 0)
        arrays = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (arrays == MAP_FAILED) {
        fprintf(stderr, "%s: %zu bytes: %s\n", program, bytes, strerror(errno));
        exit(EXIT_FAILURE);
    }
    return arrays;
}

struct task bench_task(const struct axon_activation *act, bool gradient, float *arrays, size_t n)
{
    bool rows = act->kind != AXON_ELEMENTWISE;

    return (struct task){.act = act,
                         .gradient = gradient,
                         .n = n,
                         .axis = {rows ? n / ROW_LENGTH : 1, rows ? ROW_LENGTH : n, 1},
                         .x = arrays,
                         .upstream = arrays + ELEMENTS_MAX,
                         .y = arrays + 2 * (size_t)ELEMENTS_MAX};
}
