/* kernels.c - ns per element of every row of the registry on every ISA, beside memcpy and peers.
 *
 *   kernels [-g] [-q] [-t] [-s ROUNDS] [-n ELEMENTS] [ROW...]
 *
 * -g: gradients. -q: quick. -t: lines "row TAB contender TAB elements TAB ns" and nothing else.
 * ROW: rows whose name holds this. For each row and size all contenders take turns for some rounds,
 * and the medians count. A peer whose values differ from axon's is not compared; see README.md. */
#include <math.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "axon/cpu.h"
#include "kernels.h"

enum { CONTENDERS_MAX = 16, ROUNDS_MAX = 31, SIZES_MAX = 4, CHECKED = 4096, WARM_MAX = 1 << 20 };

static struct {
    bool gradient, tsv;
    size_t rounds;
    double slice_ns; /* that a measurement should take */
    size_t sizes[SIZES_MAX], sizes_count;
} opt = {.rounds = 7,
         .slice_ns = 1e6,
         .sizes = {1 << 12, 1 << 16, 1 << 20, 1 << 24},
         .sizes_count = SIZES_MAX};

/* ---- memcpy and axon as contenders ---- */

static bool always(const struct contender *self, const struct task *task)
{
    (void)self;
    (void)task;
    return true;
}

/* The bytes of a pass are read and written back to memory, not optimised away. */
static double time_memcpy(const struct contender *self, const struct task *task, size_t reps)
{
    double start = bench_clock();

    (void)self;
    for (size_t r = 0; r < reps; r++) {
        memcpy(task->y, task->x, task->n * sizeof *task->y);
        __asm__ volatile("" ::: "memory");
    }
    return bench_clock() - start;
}

static enum axon_status run_axon(const struct task *task)
{
    return task->gradient
               ? axon_activation_gradient(task->act, task->x, task->upstream, task->y, task->axis,
                                          NULL, 0)
               : axon_activation_forward(task->act, task->x, task->y, task->axis, NULL, 0);
}

/* Selecting probes every kernel, so it happens outside of the measured time. */
static double time_axon(const struct contender *self, const struct task *task, size_t reps)
{
    double start;

    if (axon_isa_select(self->isa) != AXON_OK)
        return -1.0;
    start = bench_clock();
    for (size_t r = 0; r < reps; r++)
        if (run_axon(task) != AXON_OK)
            return -1.0;
    return bench_clock() - start;
}

static const struct contender contender_memcpy = {
    .name = "memcpy", .prepare = always, .time = time_memcpy};

static const struct contender axons[] = {
    {.name = "avx512", .isa = "avx512", .prepare = always, .time = time_axon},
    {.name = "avx2", .isa = "avx2", .prepare = always, .time = time_axon},
    {.name = "baseline", .isa = "baseline", .prepare = always, .time = time_axon},
};

/* ---- who takes part ---- */

/* list[0] is memcpy, then the ISAs, best first, from `peers` on the others. */
static struct {
    const struct contender *list[CONTENDERS_MAX];
    size_t count, peers;
} field;

static void enter_all(int fd)
{
    field.list[field.count++] = &contender_memcpy;
    for (size_t i = 0; i < sizeof axons / sizeof *axons; i++)
        if (bench_runs(axons[i].isa))
            field.list[field.count++] = &axons[i];
    field.peers = field.count;
    field.count += bench_peers_open("kernels", true, fd, field.list + field.peers);
}

/* ---- the numbers ---- */

static uint64_t random_state = 0x9e3779b97f4a7c15;

/* xorshift64*, then Box and Muller: speed and quality are of no matter here, equality is. */
static double uniform(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return ((double)((random_state * 0x2545f4914f6cdd1d) >> 11) + 0.5) * 0x1p-53;
}

static void fill_normal(float *x, size_t n, float scale)
{
    for (size_t i = 0; i < n; i += 2) {
        float radius = scale * sqrtf(-2.0f * logf((float)uniform()));
        float angle = 6.2831853f * (float)uniform();

        x[i] = radius * cosf(angle);
        x[i + 1] = radius * sinf(angle);
    }
}

static void fill_arrays(float *arrays)
{
    fill_normal(arrays, ELEMENTS_MAX, 3.0f);
    fill_normal(arrays + ELEMENTS_MAX, ELEMENTS_MAX, 1.0f);
    memset(arrays + 2 * (size_t)ELEMENTS_MAX, 0, sizeof(float) * ELEMENTS_MAX);
}

/* ---- measuring ---- */

/* Whether the contender computes the same function: within 1e-3, since some only approximate. */
static bool agrees(const struct contender *c, const struct task *task)
{
    static float want[CHECKED];
    size_t n = task->n < CHECKED ? task->n : CHECKED;

    if (task->act->kind == AXON_GATED)
        n /= 2;
    if (time_axon(field.list[1], task, 1) < 0.0)
        return false;
    memcpy(want, task->y, n * sizeof *want);
    memset(task->y, 0xff, n * sizeof *want);
    if (c->time(c, task, 1) < 0.0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(task->y[i] - want[i]) <= 1e-4f + 1e-3f * fabsf(want[i]))) {
            fprintf(stderr, "kernels: %s of %s at %g: %g, not %g: left out\n", task->act->name,
                    c->name, (double)task->x[i], (double)task->y[i], (double)want[i]);
            return false;
        }
    return true;
}

static size_t choose_reps(const struct contender *c, const struct task *task)
{
    double once;

    if (task->n > WARM_MAX)
        return 1;
    c->time(c, task, 1);
    once = c->time(c, task, 1);
    return once > 0.0 && once < opt.slice_ns ? (size_t)(opt.slice_ns / once) : 1;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2.0;
}

/* ns[i] = median ns per element of contender i, or NaN if it has no such function. The values of
 * each are checked at the first size; later ones begin with the ns of the first. */
static void measure(const struct task *task, bool first, double ns[CONTENDERS_MAX])
{
    static double rounds[CONTENDERS_MAX][ROUNDS_MAX];
    size_t reps[CONTENDERS_MAX] = {0};

    for (size_t i = 0; i < field.count; i++) {
        const struct contender *c = field.list[i];
        bool ready = (first || !isnan(ns[i])) && c->prepare(c, task) &&
                     (!first || i < field.peers || agrees(c, task));

        reps[i] = ready ? choose_reps(c, task) : 0;
    }
    for (size_t r = 0; r < opt.rounds; r++)
        for (size_t i = 0; i < field.count; i++) {
            const struct contender *c = field.list[i];

            if (!reps[i])
                continue;
            if (task->n <= WARM_MAX)
                c->time(c, task, 1);
            rounds[i][r] = c->time(c, task, reps[i]) / (double)(reps[i] * task->n);
        }
    for (size_t i = 0; i < field.count; i++)
        ns[i] = reps[i] ? median(rounds[i], opt.rounds) : (double)NAN;
}

/* ---- printing ---- */

struct result {
    const char *name;
    double ns[SIZES_MAX][CONTENDERS_MAX];
};

static const char *size_name(size_t n, char text[24])
{
    snprintf(text, 24, n >= 1 << 20 ? "%zu Mi" : "%zu Ki", n >= 1 << 20 ? n >> 20 : n >> 10);
    return text;
}

static void print_lines(const struct result *result, size_t s)
{
    for (size_t i = 0; i < field.count; i++)
        if (!isnan(result->ns[s][i]))
            printf("%s%s\t%s\t%zu\t%.4f\n", result->name, opt.gradient ? "'" : "",
                   field.list[i]->name, opt.sizes[s], result->ns[s][i]);
}

static void print_row(const struct result *result)
{
    char text[24];

    printf("%s%s\n%-16s", result->name, opt.gradient ? "'" : "", "");
    for (size_t s = 0; s < opt.sizes_count; s++)
        printf("%16s", size_name(opt.sizes[s], text));
    puts("   ns per element (times memcpy)");
    for (size_t i = 0; i < field.count; i++) {
        if (isnan(result->ns[opt.sizes_count - 1][i]))
            continue;
        printf("  %-14s", field.list[i]->name);
        for (size_t s = 0; s < opt.sizes_count; s++)
            if (isnan(result->ns[s][i]))
                printf("%16s", "");
            else
                printf("%8.3f (%5.2f)", result->ns[s][i], result->ns[s][i] / result->ns[s][0]);
        puts("");
    }
}

/* The fastest of the peers at one size; 0 if there is none. */
static size_t best_peer(const double ns[CONTENDERS_MAX])
{
    size_t best = 0;

    for (size_t i = field.peers; i < field.count; i++)
        if (!isnan(ns[i]) && (!best || ns[i] < ns[best]))
            best = i;
    return best;
}

static void print_summary(const struct result *results, size_t count)
{
    size_t near[SIZES_MAX] = {0}, faster[SIZES_MAX] = {0}, compared[SIZES_MAX] = {0};
    char text[24];

    printf("\n%s beside memcpy and the fastest peer (below 1: axon is faster)\n%-16s",
           field.list[1]->name, "");
    for (size_t s = 0; s < opt.sizes_count; s++)
        printf("  %-28s", size_name(opt.sizes[s], text));
    puts("");
    for (size_t r = 0; r < count; r++) {
        printf("%-14s%-2s", results[r].name, opt.gradient ? "'" : "");
        for (size_t s = 0; s < opt.sizes_count; s++) {
            const double *ns = results[r].ns[s];
            size_t peer = best_peer(ns);

            near[s] += ns[1] <= 1.3 * ns[0];
            compared[s] += peer != 0;
            faster[s] += peer && ns[1] < ns[peer];
            printf("  %6.2f", ns[1] / ns[0]);
            if (peer)
                printf(" %6.2f %-14s ", ns[1] / ns[peer], field.list[peer]->name);
            else
                printf(" %6s %-14s ", "-", "-");
        }
        puts("");
    }
    for (size_t s = 0; s < opt.sizes_count; s++)
        printf(
            "%-6s at most 1.3 times memcpy: %zu of %zu rows; faster than every peer: %zu of %zu\n",
            size_name(opt.sizes[s], text), near[s], count, faster[s], compared[s]);
}

/* ---- the program ---- */

static bool wanted(const char *name, char **words)
{
    for (char **word = words; *word; word++)
        if (strstr(name, *word))
            return true;
    return !*words;
}

static void run_all(float *arrays, char **words)
{
    size_t rows, done = 0;
    const struct axon_activation *act = axon_activation_table(&rows);
    struct result *results = calloc(rows, sizeof *results);

    if (!results) {
        fputs("kernels: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    for (size_t row = 0; row < rows; row++) {
        struct result *result = &results[done];

        if (!wanted(act[row].name, words))
            continue;
        done++;
        result->name = act[row].name;
        for (size_t s = 0; s < opt.sizes_count; s++) {
            struct task task = bench_task(&act[row], opt.gradient, arrays, opt.sizes[s]);

            if (s > 0)
                memcpy(result->ns[s], result->ns[0], sizeof result->ns[s]);
            measure(&task, s == 0, result->ns[s]);
            if (opt.tsv)
                print_lines(result, s);
        }
        if (!opt.tsv)
            print_row(result);
        fflush(stdout);
    }
    if (!opt.tsv && done)
        print_summary(results, done);
    free(results);
}

static bool parse_options(int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "gqts:n:")) != -1;) {
        if (option == 'g')
            opt.gradient = true;
        else if (option == 'q') {
            opt.rounds = 3;
            opt.slice_ns = 4e5;
        } else if (option == 't')
            opt.tsv = true;
        else if (option == 's')
            opt.rounds = strtoul(optarg, NULL, 10);
        else if (option == 'n') {
            opt.sizes[0] = strtoul(optarg, NULL, 10);
            opt.sizes_count = 1;
        } else
            return false;
    }
    return opt.rounds >= 1 && opt.rounds <= ROUNDS_MAX && opt.sizes[0] >= ROW_LENGTH &&
           opt.sizes[0] <= ELEMENTS_MAX && opt.sizes[0] % ROW_LENGTH == 0;
}

/* libgomp reads the variable before main, and an idle machine's second core is no part of this. */
static void become_single_threaded(char **argv)
{
    const char *threads = getenv("OMP_NUM_THREADS");
    cpu_set_t one;

    if (!threads || strcmp(threads, "1") != 0) {
        setenv("OMP_NUM_THREADS", "1", 1);
        execv("/proc/self/exe", argv);
    }
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
}

int main(int argc, char **argv)
{
    float *arrays;
    int fd;

    if (!parse_options(argc, argv)) {
        fputs("kernels [-g] [-q] [-t] [-s ROUNDS] [-n ELEMENTS, a multiple of 256] [ROW...]\n",
              stderr);
        return EXIT_FAILURE;
    }
    become_single_threaded(argv);
    arrays = bench_arrays("kernels", &fd);
    fill_arrays(arrays);
    enter_all(fd);
    run_all(arrays, argv + optind);
    bench_peers_close(field.list + field.peers, field.count - field.peers);
    return EXIT_SUCCESS;
}
