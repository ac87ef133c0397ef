/* text.c - numbers as JSON text: axond's reader and writer beside simdjson, the C++ and the C
 * library, ns per number.
 *
 * All contenders take turns, a sample each per round; a figure is the median of the rounds, a ratio
 * the median of the rounds' ratios. Times are CPU time of one thread, so that whoever
 * shares the machine disturbs less. Usage: text [-q] [KIND]. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tensor/tensor.h"
#include "text.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

enum { ROUNDS = 21, ROUNDS_QUICK = 7, CONTENDERS_MAX = 5, MANY = 1 << 20 };

static const double target_read = 0.5, target_write = 0.6;
static double sample_ns = 4e6;

/* ---- contenders ---- */

static size_t read_axond(const char *text, size_t len, float *x, size_t n)
{
    const struct tensor_limits limits = {TENSOR_RANK_MAX, MANY};
    struct tensor t;
    struct error error;
    size_t pos = 0;

    if (tensor_read(&t, text, len, &pos, "data", &limits, NON_FINITE_STRICT, &error))
        return 0;
    size_t count = t.count < n ? t.count : n;
    x[0] = t.data[0];
    x[count - 1] = t.data[count - 1];
    tensor_fini(&t);
    return count;
}

static size_t read_strtof(const char *text, size_t len, float *x, size_t n)
{
    const char *end = text + len;
    size_t count = 0;

    while (text < end && count < n) {
        char *behind;
        if (strchr("[], ", *text)) {
            text++;
            continue;
        }
        x[count++] = strtof(text, &behind);
        text = behind;
    }
    return count;
}

static size_t write_axond(const float *x, size_t n, char *out)
{
    static struct buf buf;
    struct error error;

    (void)out;
    buf.len = 0;
    if (tensor_write(&buf, x, 1, &n, "data", NON_FINITE_STRICT, &error) || buf.failed)
        return 0;
    return buf.len;
}

static size_t write_snprintf(const float *x, size_t n, char *out)
{
    char *p = out;

    for (size_t i = 0; i < n; i++)
        p += snprintf(p, TEXT_NUMBER_MAX, "%.9g,", (double)x[i]);
    return (size_t)(p - out);
}

/* The first is axond's, the second the one that its target is a ratio to. */
static const struct {
    const char *name;
    text_read_fn *read;
} readers[] = {
    {"axond", read_axond},
#ifdef BENCH_SIMDJSON
    {"simdjson", text_read_simdjson},
#endif
#ifdef BENCH_CXX
    {"from_chars", text_read_from_chars},
#endif
    {"strtof", read_strtof},
};

static const struct {
    const char *name;
    text_write_fn *write;
} writers[] = {
    {"axond", write_axond},
#ifdef BENCH_CXX
    {"to_chars", text_write_to_chars},
#endif
    {"%.9g", write_snprintf},
};

/* ---- numbers ---- */

static uint64_t random_state = 1;

static uint64_t random_bits(void)
{
    random_state += 0x9e3779b97f4a7c15;
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static double random_unit(void)
{
    return (double)(random_bits() >> 11) * 0x1p-53;
}

/* Normal, standard deviation 1, near enough. */
static double random_normal(void)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += random_unit();
    return sum;
}

static float random_float(void)
{
    uint32_t bits = (uint32_t)random_bits();
    float value;

    memcpy(&value, &bits, sizeof value);
    return isfinite(value) ? value : 0;
}

enum form { DIGITS_6, DIGITS_9, DIGITS_17, INTEGERS, DECIMALS, SOFTMAX, ANY_BITS, MIXED };

static const struct {
    const char *name;
    enum form form;
    const char *between;
    bool targeted; /* the ratio counts */
} kinds[] = {
    {"6 digits", DIGITS_6, ",", true},
    {"9 digits", DIGITS_9, ",", true},
    {"17 digits", DIGITS_17, ",", false},
    {"17 digits, spaces", DIGITS_17, ", ", false}, /* as Python sends a float32 */
    {"0 to 255", INTEGERS, ",", false},
    {"digits' decimals", DECIMALS, ",", false}, /* 0 to 16, six places, as Python prints them */
    {"softmax outputs", SOFTMAX, ",", false},
    {"any bits", ANY_BITS, ",", false},
    {"mixed", MIXED, ",", false},
};

/* round(x, 6) as Python prints it. */
static int put_decimal(char *out, double x)
{
    int n = snprintf(out, TEXT_NUMBER_MAX, "%.6f", x);

    while (out[n - 1] == '0' && out[n - 2] != '.')
        n--;
    out[n] = '\0';
    return n;
}

static int put_number(char *out, enum form form)
{
    switch (form == MIXED ? (enum form)(random_bits() % MIXED) : form) {
    case DIGITS_6:
        return snprintf(out, TEXT_NUMBER_MAX, "%.6g", random_normal());
    case DIGITS_9:
        return snprintf(out, TEXT_NUMBER_MAX, "%.9g", random_normal());
    case DIGITS_17:
        return snprintf(out, TEXT_NUMBER_MAX, "%.17g", (double)(float)random_normal());
    case INTEGERS:
        return snprintf(out, TEXT_NUMBER_MAX, "%u", (unsigned)(random_bits() & 255));
    case DECIMALS:
        return put_decimal(out, 16 * random_unit());
    case SOFTMAX: /* from 1 down to 1e-7, uniform in the exponent */
        return snprintf(out, TEXT_NUMBER_MAX, "%.9g", (double)(float)exp(-16 * random_unit()));
    default:
        return snprintf(out, TEXT_NUMBER_MAX, "%.9g", (double)random_float());
    }
}

struct numbers {
    char *text; /* [len + TEXT_PADDING] */
    size_t len, n;
    float *x, *got; /* [n] */
    char *out;
};

static void *allocated(size_t bytes)
{
    void *p = calloc(1, bytes);

    if (!p) {
        fputs("text: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    return p;
}

static void put_text(struct numbers *to, const char *text)
{
    size_t n = strlen(text);

    memcpy(to->text + to->len, text, n);
    to->len += n;
}

static struct numbers numbers_create(size_t kind, size_t n)
{
    struct numbers all = {
        .text = allocated(n * (TEXT_NUMBER_MAX + 2) + 2 + TEXT_PADDING),
        .n = n,
        .x = allocated(n * sizeof(float)),
        .got = allocated(n * sizeof(float)),
        .out = allocated(n * TEXT_NUMBER_MAX),
    };

    for (size_t i = 0; i < n; i++) {
        char number[TEXT_NUMBER_MAX];
        if (i % TEXT_COLUMNS == 0)
            put_text(&all, i ? "]" : "[");
        if (i)
            put_text(&all, kinds[kind].between);
        if (i % TEXT_COLUMNS == 0)
            put_text(&all, "[");
        put_number(number, kinds[kind].form);
        put_text(&all, number);
        all.x[i] = strtof(number, NULL);
    }
    put_text(&all, "]]");
    return all;
}

static void numbers_destroy(struct numbers *all)
{
    free(all->text);
    free(all->x);
    free(all->got);
    free(all->out);
}

/* ---- rounds ---- */

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void run(struct numbers *all, bool writing, size_t contender)
{
    bool fine = writing ? writers[contender].write(all->x, all->n, all->out) >= 2 * all->n - 1
                        : readers[contender].read(all->text, all->len, all->got, all->n) == all->n;

    if (!fine || (!writing && all->got[all->n - 1] != all->x[all->n - 1])) {
        fprintf(stderr, "text: a wrong answer of %s\n",
                writing ? writers[contender].name : readers[contender].name);
        exit(EXIT_FAILURE);
    }
}

/* ns per number of one sample */
static double sample(struct numbers *all, bool writing, size_t contender)
{
    double start = cpu_ns(), spent;
    size_t passes = 0;

    do {
        run(all, writing, contender);
        passes++;
        spent = cpu_ns() - start;
    } while (spent < sample_ns);
    return spent / (double)passes / (double)all->n;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

static void bench(size_t kind, size_t n, bool writing, size_t rounds)
{
    double ns[CONTENDERS_MAX][ROUNDS] = {0}, ratio[ROUNDS] = {0};
    size_t contenders = writing ? LENGTH(writers) : LENGTH(readers);
    struct numbers all = numbers_create(kind, n);
    double target = writing ? target_write : target_read;

    for (size_t c = 0; c < contenders; c++)
        run(&all, writing, c);
    for (size_t r = 0; r < rounds; r++)
        for (size_t c = 0; c < contenders; c++)
            ns[c][r] = sample(&all, writing, c);
    for (size_t r = 0; r < rounds; r++)
        ratio[r] = ns[0][r] / ns[1][r];
    printf("%-18s %7.2f MB", kinds[kind].name, (double)all.len / 1e6);
    for (size_t c = 0; c < contenders; c++)
        printf(" %10.1f", median(ns[c], rounds));
    double got = median(ratio, rounds);
    printf(" %8.2f", got);
    if (contenders > 2 && (writing || kinds[kind].targeted))
        printf("  (target %.1f%s)", target, got <= target ? "" : ": MISSED");
    putchar('\n');
    fflush(stdout);
    numbers_destroy(&all);
}

static void bench_all(const char *only, bool writing, size_t rounds)
{
    const size_t sizes[] = {16384, 262144};

    printf("\n%s, ns per number%12s", writing ? "write" : "read ", "");
    for (size_t c = 0; c < (writing ? LENGTH(writers) : LENGTH(readers)); c++)
        printf(" %10s", writing ? writers[c].name : readers[c].name);
    printf("    ratio of the first two\n");
    for (size_t kind = 0; kind < LENGTH(kinds); kind++)
        for (size_t s = 0; s < LENGTH(sizes); s++)
            if ((!only || strstr(kinds[kind].name, only)) &&
                !(writing && *kinds[kind].between && kinds[kind].between[1]))
                bench(kind, sizes[s], writing, rounds);
}

int main(int argc, char **argv)
{
    bool quick = false;

    for (int option; (option = getopt(argc, argv, "q")) != -1;) {
        if (option != 'q')
            return EXIT_FAILURE;
        quick = true;
    }
    if (LENGTH(readers) < 4)
        puts("bench-text: simdjson or a C++ compiler is missing: skipped");
    bench_all(argv[optind], false, quick ? ROUNDS_QUICK : ROUNDS);
    bench_all(argv[optind], true, quick ? ROUNDS_QUICK : ROUNDS);
    return EXIT_SUCCESS;
}
