/* mlp.c - an MLP's forward pass beside the bare products of its layers, oneDNN and ONNX Runtime.
 *
 * All contenders take turns, a sample each per round; a figure is the median of the rounds, a ratio
 * the median of the rounds' ratios. Times are CPU time of one thread, so that whoever
 * shares the machine disturbs less. Usage: mlp [-q] [PYTHON]; PYTHON has onnxruntime. */
#include <cblas.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "axon/cpu.h"
#include "axon/mlp.h"
#include "mlp.h"

enum { ROUNDS = 9, ROUNDS_LONG = 3 };

static double sample_seconds = 0.02;
static const char *python;

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *allocated(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);

    if (!p) {
        fputs("mlp: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static float *values(size_t n, size_t seed, float scale)
{
    float *to = allocated(n * sizeof *to);

    for (size_t i = 0; i < n; i++)
        to[i] = (float)((int)((i * 7919 + seed) % 2003) - 1001) / 1001 * scale;
    return to;
}

static void net_open(struct net *net)
{
    for (size_t l = 0; l < LAYERS; l++) {
        size_t features = net->sizes[l], units = net->sizes[l + 1];

        net->weight[l] = values(units * features, l, 1 / sqrtf((float)features));
        net->bias[l] = values(units, 100 + l, 1);
    }
    net->x = values(ROWS_MAX * net->sizes[0], 1000, 1);
    net->y = allocated(ROWS_MAX * net->sizes[LAYERS] * sizeof(float));
}

static void net_close(struct net *net)
{
    for (size_t l = 0; l < LAYERS; l++) {
        free(net->weight[l]);
        free(net->bias[l]);
    }
    free(net->x);
    free(net->y);
}

/* ---- axon ---- */

static struct axon_mlp *mlp;
static void *scratch;

static const char *open_axon(const struct net *net, size_t rows)
{
    struct axon_layer layers[LAYERS];
    struct axon_mlp_spec spec = {
        .features = net->sizes[0], .layers = layers, .layers_count = LAYERS};

    (void)rows;
    for (size_t l = 0; l < LAYERS; l++)
        layers[l] = (struct axon_layer){
            .units = net->sizes[l + 1],
            .weight = net->weight[l],
            .bias = net->bias[l],
            .activation = axon_activation_find(l + 1 < LAYERS ? "relu" : "softmax")};
    if (axon_mlp_create(&spec, &mlp) != AXON_OK)
        return "create failed";
    scratch = allocated(axon_mlp_scratch_bytes(mlp));
    return NULL;
}

static void run_axon(const struct net *net, size_t rows)
{
    axon_mlp_predict(mlp, net->x, rows, net->y, scratch, NULL);
}

static void close_axon(void)
{
    axon_mlp_destroy(mlp);
    free(scratch);
}

/* ---- OpenBLAS: nothing but the products, in the layout that it likes best ---- */

enum { GEMV_FLOATS_MIN = 1 << 20 }; /* of one row: from here on sgemv is the faster one */

static float *transposed[LAYERS], *product[LAYERS + 1];

static size_t padded(size_t units)
{
    return (units + 15) / 16 * 16;
}

static const char *open_blas(const struct net *net, size_t rows)
{
    product[0] = net->x;
    for (size_t l = 0; l < LAYERS; l++) {
        size_t features = net->sizes[l], units = net->sizes[l + 1], stride = padded(units);

        transposed[l] = allocated(features * stride * sizeof(float));
        product[l + 1] = allocated(rows * stride * sizeof(float));
        memset(transposed[l], 0, features * stride * sizeof(float));
        for (size_t u = 0; u < units; u++)
            for (size_t f = 0; f < features; f++)
                transposed[l][f * stride + u] = net->weight[l][u * features + f];
    }
    return NULL;
}

static void run_blas(const struct net *net, size_t rows)
{
    for (size_t l = 0; l < LAYERS; l++) {
        blasint m = (blasint)rows, k = (blasint)net->sizes[l],
                n = (blasint)padded(net->sizes[l + 1]);

        if (rows == 1 && (size_t)k * (size_t)n >= GEMV_FLOATS_MIN)
            cblas_sgemv(CblasRowMajor, CblasTrans, k, n, 1, transposed[l], n, product[l], 1, 0,
                        product[l + 1], 1);
        else
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, product[l], k,
                        transposed[l], n, 0, product[l + 1], n);
    }
}

static void close_blas(void)
{
    for (size_t l = 0; l < LAYERS; l++) {
        free(transposed[l]);
        free(product[l + 1]);
    }
}

/* ---- ONNX Runtime: a Python beside us that answers a line with a line ---- */

static FILE *to_python, *from_python;
static char question[128];

static int start_python(void)
{
    int to[2], from[2];

    if (!python || access(python, X_OK) != 0 || pipe(to) != 0 || pipe(from) != 0)
        return 0;
    switch (fork()) {
    case -1:
        return 0;
    case 0:
        if (dup2(to[0], STDIN_FILENO) >= 0 && dup2(from[1], STDOUT_FILENO) >= 0) {
            close(to[1]);
            close(from[0]);
            execl(python, python, "tests/bench/mlp_onnxruntime.py", (char *)NULL);
        }
        _exit(1);
    default:
        close(to[0]);
        close(from[1]);
        to_python = fdopen(to[1], "w");
        from_python = fdopen(from[0], "r");
        return to_python && from_python;
    }
}

static double measure_onnx(double seconds, double *answer)
{
    char line[128], *rest;
    double ns;

    fprintf(to_python, "%s %g\n", question, seconds);
    if (fflush(to_python) != 0 || !fgets(line, sizeof line, from_python))
        return (double)NAN;
    ns = strtod(line, &rest);
    *answer = strtod(rest, NULL);
    return ns;
}

static const char *open_onnx(const struct net *net, size_t rows)
{
    double answer;

    if (!to_python && !start_python())
        return "no Python with onnxruntime";
    snprintf(question, sizeof question, "%zu %zu %zu %zu %zu", net->sizes[0], net->sizes[1],
             net->sizes[2], net->sizes[3], rows);
    return isnan(measure_onnx(0, &answer)) ? "Python with onnxruntime ended" : NULL;
}

static void close_onnx(void)
{
}

/* ---- rounds ---- */

/* The first is what the others are compared with. */
static const struct contender axon = {"axon", open_axon, run_axon, NULL, close_axon, 1};
static const struct contender blas = {"sgemm alone", open_blas, run_blas, NULL, close_blas, 0};
static const struct contender onnx = {"ONNX Runtime", open_onnx, NULL, measure_onnx, close_onnx, 1};
static const struct contender *const contenders[] = {
    &axon,
    &blas,
#ifdef BENCH_DNNL
    &contender_dnnl,
#endif
    &onnx,
};

enum { CONTENDERS = sizeof contenders / sizeof *contenders };

/* ns for one pass, over about sample_seconds of passes; the last row's answer as one number. */
static double sample(const struct contender *c, const struct net *net, size_t rows, double *answer)
{
    size_t outputs = net->sizes[LAYERS], runs = 0, some = 1;
    double start = cpu_ns(), spent;

    if (c->measure)
        return c->measure(sample_seconds, answer);
    do {
        for (size_t i = 0; i < some; i++)
            c->run(net, rows);
        runs += some;
        spent = cpu_ns() - start;
        if (spent < sample_seconds * 1e9 / 8)
            some *= 2;
    } while (spent < sample_seconds * 1e9);
    *answer = 0;
    for (size_t u = 0; u < outputs; u++)
        *answer += (double)net->y[(rows - 1) * outputs + u] * (double)(u + 1);
    return spent / (double)runs;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(const double *from, size_t n)
{
    double sorted[ROUNDS];

    // cppcheck-suppress uninitvar ; n rounds have been run
    memcpy(sorted, from, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, ascending);
    return sorted[n / 2];
}

static void print_row(const struct net *net, size_t rows, double (*ns)[ROUNDS], size_t rounds)
{
    double flop = 0, ratio[ROUNDS];

    for (size_t l = 0; l < LAYERS; l++)
        flop += 2.0 * (double)(rows * net->sizes[l] * net->sizes[l + 1]);
    printf("%5zu", rows);
    for (size_t c = 0; c < CONTENDERS; c++)
        printf(" %12.2f", median(ns[c], rounds) / 1e3);
    printf(" %9.1f", flop / median(ns[0], rounds));
    for (size_t c = 1; c < CONTENDERS; c++) {
        for (size_t r = 0; r < rounds; r++)
            ratio[r] = ns[0][r] / ns[c][r];
        printf(" %12.2f", median(ratio, rounds));
    }
    putchar('\n');
    fflush(stdout);
}

/* NULL, or what went wrong; ns of a contender that takes no part are NaN. */
static const char *measure_rows(const struct net *net, size_t rows)
{
    double ns[CONTENDERS][ROUNDS], want = 0, answer = 0;
    const char *absent[CONTENDERS];
    size_t rounds = ROUNDS;

    for (size_t c = 0; c < CONTENDERS; c++) {
        absent[c] = contenders[c]->open(net, rows);
        if (absent[c])
            fprintf(stderr, "mlp: %s: %s: skipped\n", contenders[c]->name, absent[c]);
    }
    for (size_t r = 0; r < rounds; r++)
        for (size_t c = 0; c < CONTENDERS; c++) {
            ns[c][r] = absent[c] ? (double)NAN : sample(contenders[c], net, rows, &answer);
            if (c == 0)
                want = answer;
            else if (!absent[c] && contenders[c]->answers && fabs(answer - want) > 1e-3 * want)
                return contenders[c]->name;
            if (ns[c][r] > 0.3e9)
                rounds = ROUNDS_LONG;
        }
    print_row(net, rows, ns, rounds);
    for (size_t c = 0; c < CONTENDERS; c++)
        contenders[c]->close();
    return NULL;
}

static void print_heading(const struct net *net)
{
    printf("\n%zu-%zu-%zu-%zu\n%5s", net->sizes[0], net->sizes[1], net->sizes[2], net->sizes[3],
           "rows");
    for (size_t c = 0; c < CONTENDERS; c++)
        printf(" %12s", contenders[c]->name);
    printf(" %9s", "GFLOP/s");
    for (size_t c = 1; c < CONTENDERS; c++)
        printf(" %12s", contenders[c]->name);
    putchar('\n');
}

/* Libraries read these in constructors, so they need a process that is born with them. */
static void be_born_again(char **argv)
{
    const char *advice = axon_blas_core_advice(openblas_get_corename());

    if (getenv("OMP_NUM_THREADS"))
        return;
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    if (advice && !getenv("OPENBLAS_CORETYPE"))
        setenv("OPENBLAS_CORETYPE", advice, 1);
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    static struct net nets[] = {{.sizes = {64, 128, 64, 10}},
                                {.sizes = {784, 256, 128, 10}},
                                {.sizes = {1024, 2048, 2048, 1000}}};
    static const size_t rows[] = {1, 8, 32, 256, ROWS_MAX};
    const char *wrong = NULL;

    be_born_again(argv);
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "-q") == 0) {
        sample_seconds = 0.005;
        argv++;
    }
    python = argv[1];
    printf("kernels: axon %s, OpenBLAS %s; one thread. us of CPU time for all rows, then axon's "
           "time to the others'\n",
           axon_isa_name(), openblas_get_corename());
    for (size_t n = 0; n < sizeof nets / sizeof *nets && !wrong; n++) {
        print_heading(&nets[n]);
        net_open(&nets[n]);
        for (size_t r = 0; r < sizeof rows / sizeof *rows && !wrong; r++)
            wrong = measure_rows(&nets[n], rows[r]);
        net_close(&nets[n]);
    }
    if (wrong)
        fprintf(stderr, "mlp: %s: another answer than axon's\n", wrong);
    return wrong != NULL;
}
