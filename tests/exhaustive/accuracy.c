/* tests/exhaustive/accuracy.c - a program: how exact axon and its peers are, in one table.
 *
 *   accuracy [-s STRIDE] [-r ROW]
 *
 * Lines "row TAB contender TAB worst TAB mean", errors in ULP over every STRIDE-th float; a
 * derivative's row ends in '. The peers are those of tests/bench (the functions that are timed are
 * the functions that are judged), the judge is that of activations.c, for all alike. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "axon/cpu.h"
#include "../bench/kernels.h"
#include "../oracle/fast.h"
#include "../oracle/judge.h"

enum { STRIDE = 257, LANES_MAX = 16 }; /* prime: 16.7 million floats */

static const struct contender *peers[BENCH_PEERS_MAX];
static size_t peers_count;
static double *want;

/* ---- judging ---- */

/* Reports on the values in y; the work of the last contender is overwritten by NaN before the next.
 */
static void report(const struct task *task, const char *name)
{
    struct verdict verdict = {0};

    for (size_t i = 0; i < task->n; i += JUDGE_MAX)
        judge(&verdict, task->x + i, task->y + i, want + i,
              task->n - i < JUDGE_MAX ? task->n - i : JUDGE_MAX);
    printf("%s%s\t%s\t%.6g\t%.6g\n", task->act->name, task->gradient ? "'" : "", name,
           verdict.worst, judge_mean(&verdict));
    fflush(stdout);
    memset(task->y, 0xff, task->n * sizeof *task->y);
}

static void compute_want(const struct task *task)
{
    const struct fast *fast = fast_find(task->act->name);
    double params[AXON_PARAMETERS_MAX];

    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        params[k] = (double)task->act->parameters[k].value;
    fast_batch(fast, task->gradient, task->x, want, task->n, params);
}

static int report_row(const struct task *task)
{
    size_t count;
    const char *const *isas = axon_isa_list(&count);

    compute_want(task);
    for (size_t i = 0; i < count; i++) {
        enum axon_status status = axon_isa_select(isas[i]);

        if (status == AXON_OK && task->gradient)
            status = axon_activation_gradient(task->act, task->x, NULL, task->y, task->axis, NULL,
                                              0);
        else if (status == AXON_OK)
            status = axon_activation_forward(task->act, task->x, task->y, task->axis, NULL, 0);
        if (status != AXON_OK)
            return -1;
        report(task, isas[i]);
    }
    for (size_t i = 0; i < peers_count; i++)
        if (peers[i]->prepare(peers[i], task) && peers[i]->time(peers[i], task, 1) >= 0)
            report(task, peers[i]->name);
    return 0;
}

static int report_all(float *arrays, size_t n, const char *only)
{
    size_t rows;
    const struct axon_activation *act = axon_activation_table(&rows);

    for (size_t row = 0; row < rows; row++)
        for (int d = 0; d < 2; d++) {
            const struct task task = bench_task(&act[row], d == 1, arrays, n);

            if (act[row].kind != AXON_ELEMENTWISE || (only && strcmp(only, act[row].name) != 0))
                continue;
            if (report_row(&task) != 0)
                return EXIT_FAILURE;
        }
    return EXIT_SUCCESS;
}

/* How many: every stride-th float but the NaNs, which are a matter of taste to some peers, and the
 * first ones twice where a vector needs more. */
static size_t fill(float *arrays, uint64_t stride)
{
    size_t n = 0;

    for (uint64_t bits = 0; bits <= UINT32_MAX || n % LANES_MAX; bits += stride) {
        uint32_t word = (uint32_t)bits;
        float x;

        memcpy(&x, &word, sizeof x);
        if (x == x)
            arrays[n++] = x;
    }
    for (size_t i = 0; i < n; i++)
        arrays[ELEMENTS_MAX + i] = 1.0f;
    return n;
}

int main(int argc, char **argv)
{
    uint64_t stride = STRIDE;
    const char *only = NULL;
    float *arrays;
    int fd, status;

    for (int option; (option = getopt(argc, argv, "s:r:")) != -1;) {
        if (option == 's')
            stride = strtoull(optarg, NULL, 10);
        else if (option == 'r')
            only = optarg;
        else
            return EXIT_FAILURE;
    }
    if (stride < STRIDE)
        return EXIT_FAILURE;
    arrays = bench_arrays("accuracy", &fd);
    size_t n = fill(arrays, stride);

    if (!(want = malloc(n * sizeof *want)))
        return EXIT_FAILURE;
    peers_count = bench_peers_open("accuracy", false, fd, peers);
    status = report_all(arrays, n, only);
    bench_peers_close(peers, peers_count);
    free(want);
    return status;
}
