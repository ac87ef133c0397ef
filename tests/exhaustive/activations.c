/* tests/exhaustive/activations.c - a program: every float through every elementwise row on every
 * ISA.
 *
 *   activations [-s STRIDE] [-r ROW] [-p PART/PARTS]
 *
 * Prints the worst error of f and f' in ULP for each row and ISA, and fails if one is above the
 * row's promise or a relu-like row is not exact. Stride 1 is all 2^32 inputs, some hours of one
 * core: -p splits them over processes. The unit tests run the same comparison with a large stride.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kernels/dispatch.h"
#include "../oracle/oracle.h"

enum { CHUNK = 4096, ISAS_MAX = 4 };

struct worst {
    double ulps;
    float x;
};

static float x[CHUNK], y[CHUNK];
static double want[CHUNK];

static void compare(struct worst *worst, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double ulps = oracle_ulps(y[i], want[i]);

        if (ulps > worst->ulps)
            *worst = (struct worst){ulps, x[i]};
    }
}

static void check_chunk(size_t row, size_t n, struct worst worst[ISAS_MAX][2])
{
    size_t isas, rows;
    const struct axon_kernels *const *list = axon__kernels_list(&isas);
    const struct axon_activation *act = &axon_activation_table(&rows)[row];
    const struct oracle *oracle = oracle_for(row);
    float params[AXON_PARAMETERS_MAX];
    double exact[AXON_PARAMETERS_MAX];
    struct axon_axis flat = {1, n, 1};

    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        exact[k] = (double)(params[k] = act->parameters[k].value);
    for (int d = 0; d < 2; d++) {
        for (size_t i = 0; i < n; i++)
            want[i] = (d ? oracle->derivative : oracle->forward)((double)x[i], exact);
        for (size_t k = 0; k < isas; k++) {
            const struct axon_kernel *kernel = &list[k]->rows[row];

            if (d)
                kernel->gradient(x, NULL, y, flat, params, act->parameters_count);
            else
                kernel->forward(x, y, flat, params, act->parameters_count);
            compare(&worst[k][d], n);
        }
    }
}

static int check_row(size_t row, uint64_t from, uint64_t to, uint64_t stride)
{
    struct worst worst[ISAS_MAX][2] = {0};
    size_t isas, rows, n = 0;
    const struct axon_kernels *const *list = axon__kernels_list(&isas);
    const struct axon_activation *act = &axon_activation_table(&rows)[row];
    int failed = 0;

    for (uint64_t bits = from; bits < to; bits += stride) {
        uint32_t word = (uint32_t)bits;

        memcpy(&x[n++], &word, sizeof word);
        if (n == CHUNK || bits + stride >= to) {
            check_chunk(row, n, worst);
            n = 0;
        }
    }
    for (size_t k = 0; k < isas; k++)
        for (int d = 0; d < 2; d++) {
            double limit = act->ulp_max > 0.0f ? (double)act->ulp_max : 0.5;
            int bad = worst[k][d].ulps > limit;

            failed |= bad;
            printf("%-10s %-2s %-8s %.6f ulp at %a%s\n", act->name, d ? "f'" : "f", list[k]->isa,
                   worst[k][d].ulps, (double)worst[k][d].x, bad ? "  ABOVE ITS BOUND" : "");
        }
    fflush(stdout);
    return failed;
}

/* "2/8" */
static void parse_part(const char *text, unsigned long long *part, unsigned long long *parts)
{
    char *slash;

    *part = strtoull(text, &slash, 10);
    *parts = *slash == '/' ? strtoull(slash + 1, NULL, 10) : 0;
}

int main(int argc, char **argv)
{
    unsigned long long stride = 1, part = 0, parts = 1;
    const char *only = NULL;
    size_t rows;
    const struct axon_activation *act = axon_activation_table(&rows);
    int failed = 0;

    for (int option; (option = getopt(argc, argv, "s:r:p:")) != -1;) {
        if (option == 's')
            stride = strtoull(optarg, NULL, 10);
        else if (option == 'r')
            only = optarg;
        else if (option == 'p')
            parse_part(optarg, &part, &parts);
        else
            return EXIT_FAILURE;
    }
    if (stride == 0 || parts == 0 || part >= parts)
        return EXIT_FAILURE;
    for (size_t row = 0; row < rows; row++)
        if (act[row].kind == AXON_ELEMENTWISE && (!only || strcmp(only, act[row].name) == 0))
            failed |= check_row(row, part * (UINT64_C(1) << 32) / parts,
                                (part + 1) * (UINT64_C(1) << 32) / parts, stride);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
