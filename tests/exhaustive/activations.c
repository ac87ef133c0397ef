/* tests/exhaustive/activations.c - a program: every float through every elementwise row on every
 * ISA.
 *
 *   activations [-s STRIDE] [-r ROW] [-p PART/PARTS] [-j THREADS]
 *
 * Prints the worst and the mean error of f and f' in ULP for each row and ISA as soon as it is
 * known, and fails if one is above the row's promise, or not the correctly rounded value where the
 * promise is 0. Stride 1 is all 2^32 inputs. The threads take slices of a row's floats from one
 * counter. The reference is oracle/fast.h; the oracle itself answers for one value of each chunk,
 * and for the worst one. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "kernels/dispatch.h"
#include "../oracle/fast.h"
#include "../oracle/judge.h"
#include "../oracle/oracle.h"

enum { ISAS_MAX = 4, ROWS_MAX = 128, THREADS_MAX = 256, SLICES = 64 };

/* An exact row is rounded once, and so is what its oracle computes in double: at most 2^-28 ULP. */
#define EXACT_LIMIT (0.5 + 0x1p-20)
/* The fast reference's error, in ULP of a float; the oracle agrees with it at 2^-45 of the value.
 */
#define DOUBT_MAX 0x1p-16

struct row {
    size_t index;
    const struct axon_activation *act;
    const struct fast *fast;
    struct verdict verdict[ISAS_MAX][2]; /* of f and f' */
    double doubt;                        /* largest difference of oracle and reference, in ULP */
    double seconds;                      /* of all threads */
    unsigned slices_done;
};

/* Under the lock; rows are printed in order by whoever ends the last slice. */
static struct {
    pthread_mutex_t lock;
    struct row rows[ROWS_MAX];
    size_t count, taken; /* rows; slices of all rows */
    uint64_t from, to, stride;
    int failed;
} work = {.lock = PTHREAD_MUTEX_INITIALIZER, .stride = 1};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- a slice ---- */

static double oracle_value(const struct row *row, int d, float x)
{
    double params[AXON_PARAMETERS_MAX];

    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        params[k] = (double)row->act->parameters[k].value;
    return row->fast->oracle[d]((double)x, params);
}

static double doubt_at(const struct row *row, int d, float x, double want)
{
    double exact = oracle_value(row, d, x), size = fmax(fabs(exact), 0x1p-126);

    if (isnan(exact) || isnan(want) || isinf((float)exact) || isinf((float)want))
        return (isnan(exact) && isnan(want)) || (float)exact == (float)want ? 0 : (double)INFINITY;
    return fabs(want - exact) / size * 0x1p24;
}

static void run_kernel(const struct row *row, size_t isa, int d, const float *x, float *y, size_t n)
{
    size_t isas;
    const struct axon_kernel *kernel = &axon__kernels_list(&isas)[isa]->rows[row->index];
    float params[AXON_PARAMETERS_MAX];
    struct axon_axis flat = {1, n, 1};

    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        params[k] = row->act->parameters[k].value;
    if (d)
        kernel->gradient(x, NULL, y, flat, params, row->act->parameters_count);
    else
        kernel->forward(x, y, flat, params, row->act->parameters_count);
}

/* An ISA whose results are those of the first, bit for bit, has its verdict. */
static void check_chunk(struct row *row, const float *x, size_t n)
{
    static _Thread_local float y[2][JUDGE_MAX];
    static _Thread_local double want[JUDGE_MAX];
    double params[AXON_PARAMETERS_MAX];
    size_t isas;

    axon__kernels_list(&isas);
    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        params[k] = (double)row->act->parameters[k].value;
    for (int d = 0; d < 2; d++) {
        struct verdict first = {0}, other = {0};

        fast_batch(row->fast, d, x, want, n, params);
        row->doubt = fmax(row->doubt, doubt_at(row, d, x[n / 2], want[n / 2]));
        for (size_t k = 0; k < isas; k++) {
            bool same;

            run_kernel(row, k, d, x, y[k > 0], n);
            same = k > 0 && memcmp(y[0], y[1], n * sizeof **y) == 0;
            if (!same) {
                other = (struct verdict){0};
                judge(&other, x, y[k > 0], want, n);
            }
            if (k == 0)
                first = other;
            judge_merge(&row->verdict[k][d], same ? &first : &other);
        }
    }
}

static void check_slice(struct row *row, unsigned slice)
{
    static _Thread_local float x[JUDGE_MAX];
    uint64_t span = work.to - work.from, stride = work.stride;
    uint64_t first = (span * slice / SLICES + stride - 1) / stride;
    uint64_t last = (span * (slice + 1) / SLICES + stride - 1) / stride;

    for (uint64_t i = first; i < last;) {
        size_t n = 0;

        for (; n < JUDGE_MAX && i < last; i++) {
            uint32_t word = (uint32_t)(work.from + i * stride);

            memcpy(&x[n++], &word, sizeof word);
        }
        check_chunk(row, x, n);
    }
}

/* ---- what came out ---- */

/* The oracle has the last word on the worst value. Where it says something else than the reference
 * did, a value that is truly worse may hide there: that is doubt, too. */
static int print_verdict(struct row *row, size_t isa, int d)
{
    size_t isas;
    struct verdict v = row->verdict[isa][d];
    double judged = v.worst;
    double limit = row->act->ulp_max > 0.0f ? (double)row->act->ulp_max : EXACT_LIMIT;

    if (v.worst > 0)
        v.worst = oracle_ulps(v.y, oracle_value(row, d, v.x));
    if (v.worst != judged)
        row->doubt = fmax(row->doubt, fabs(v.worst - judged));
    printf("%-14s %-2s %-8s max %.6f ulp at %a, mean %.6f%s\n", row->act->name, d ? "f'" : "f",
           axon__kernels_list(&isas)[isa]->isa, v.worst, (double)v.x, judge_mean(&v),
           v.worst > limit ? "  ABOVE ITS BOUND" : "");
    return v.worst > limit;
}

static void print_row(struct row *row)
{
    size_t isas;

    axon__kernels_list(&isas);
    for (int d = 0; d < 2; d++)
        for (size_t k = 0; k < isas; k++)
            work.failed |= print_verdict(row, k, d);
    printf("%-14s bound %g, reference within 2^%.0f ulp of the oracle, %.0f s of CPU\n",
           row->act->name, (double)row->act->ulp_max, log2(fmax(row->doubt, 0x1p-40)),
           row->seconds);
    if (row->doubt > DOUBT_MAX) {
        printf("%-14s THE REFERENCE IS NOT THE ORACLE\n", row->act->name);
        work.failed = 1;
    }
    fflush(stdout);
}

static void merge(struct row *into, const struct row *from)
{
    for (size_t k = 0; k < ISAS_MAX; k++)
        for (int d = 0; d < 2; d++)
            judge_merge(&into->verdict[k][d], &from->verdict[k][d]);
    into->doubt = fmax(into->doubt, from->doubt);
    into->seconds += from->seconds;
    if (++into->slices_done == SLICES)
        print_row(into);
}

static void *work_on(void *unused)
{
    (void)unused;
    for (;;) {
        pthread_mutex_lock(&work.lock);
        size_t taken = work.taken++, row = taken / SLICES;

        pthread_mutex_unlock(&work.lock);
        if (row >= work.count)
            return NULL;
        struct row part = {
            .index = work.rows[row].index, .act = work.rows[row].act, .fast = work.rows[row].fast};
        double start = now();

        check_slice(&part, taken % SLICES);
        part.seconds = now() - start;
        pthread_mutex_lock(&work.lock);
        merge(&work.rows[row], &part);
        pthread_mutex_unlock(&work.lock);
    }
}

/* ---- the program ---- */

/* "2/8" */
static void parse_part(const char *text, unsigned long long *part, unsigned long long *parts)
{
    char *slash;

    *part = strtoull(text, &slash, 10);
    *parts = *slash == '/' ? strtoull(slash + 1, NULL, 10) : 0;
}

static void list_rows(const char *only)
{
    size_t rows;
    const struct axon_activation *act = axon_activation_table(&rows);

    for (size_t row = 0; row < rows && work.count < ROWS_MAX; row++)
        if (act[row].kind == AXON_ELEMENTWISE && (!only || strcmp(only, act[row].name) == 0))
            work.rows[work.count++] = (struct row){
                .index = row, .act = &act[row], .fast = fast_find(act[row].name)};
}

static int run_threads(long threads)
{
    pthread_t ids[THREADS_MAX];
    long started = 0;

    while (started < threads && pthread_create(&ids[started], NULL, work_on, NULL) == 0)
        started++;
    if (started == 0)
        work_on(NULL);
    for (long i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
    return work.failed || work.count == 0;
}

int main(int argc, char **argv)
{
    unsigned long long part = 0, parts = 1;
    long threads = sysconf(_SC_NPROCESSORS_ONLN);
    const char *only = NULL;

    for (int option; (option = getopt(argc, argv, "s:r:p:j:")) != -1;) {
        if (option == 's')
            work.stride = strtoull(optarg, NULL, 10);
        else if (option == 'r')
            only = optarg;
        else if (option == 'p')
            parse_part(optarg, &part, &parts);
        else if (option == 'j')
            threads = strtol(optarg, NULL, 10);
        else
            return EXIT_FAILURE;
    }
    if (work.stride == 0 || parts == 0 || part >= parts)
        return EXIT_FAILURE;
    work.from = part * (UINT64_C(1) << 32) / parts;
    work.to = (part + 1) * (UINT64_C(1) << 32) / parts;
    list_rows(only);
    return run_threads(threads > THREADS_MAX ? THREADS_MAX : threads) ? EXIT_FAILURE : EXIT_SUCCESS;
}
