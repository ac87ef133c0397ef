/* test_lib_parameters.c - the promised accuracy holds at every allowed parameter: each elementwise
 * row that has parameters, forward and derivative, on every ISA of this machine, over parameters
 * from end to end of their domain and inputs where the function bends at them. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include "axon/activation.h"
#include "kernels/dispatch.h"
#include "../oracle/oracle.h"
#include "suite.h"

enum { N = 512, ROUNDS = 150 };

static size_t isas_count(void)
{
    size_t count;

    axon__kernels_list(&count);
    return count;
}

/* From 0 to 1, the same in every run (Steele et al. 2014). */
static double random_unit(void)
{
    static uint64_t state;
    uint64_t z = state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* 2^-span to 2^span times x, either sign */
static float about(double x, double span)
{
    double size = x * exp2(span * (2 * random_unit() - 1));

    return (float)(random_unit() < 0.5 ? -size : size);
}

/* The n-th to be tried: the ends of the domain, what users write, then whatever it may be. */
static float parameter_of(const struct axon_parameter *p, int n)
{
    static const float often[] = {0, 1, -1, 10, 0.1f, 0.3f, -2.5f, 1.702f, 1e-30f, 6, 1e-3f, 50};
    enum { OFTEN = sizeof often / sizeof *often };
    float value;

    if (n < 2)
        return n ? p->maximum : p->minimum;
    if (n < 2 + OFTEN)
        value = often[n - 2];
    else
        value = about(1, n % 2 ? 3 : 22);
    if (value < p->minimum && value < 0)
        value = -value;
    return value >= p->minimum && value <= p->maximum ? value : p->value;
}

/* Inputs of all sizes, most of them about 1 and about what the parameters make of 1. */
static void fill(float x[N], const float params[AXON_PARAMETERS_MAX])
{
    for (size_t i = 0; i < N; i++) {
        double p = fabs((double)params[i / 4 % AXON_PARAMETERS_MAX]);

        p = p > 0 ? p : 1;
        x[i] = i % 4 == 0   ? about(1, 7)
               : i % 4 == 1 ? about(p, 7)
               : i % 4 == 2 ? about(1 / p, 7)
                            : about(1, 140);
    }
}

/* As activation.def says of xielu: where its negative side crosses 0, it errs by 2^-48 of the
 * terms. */
static int cancels(const struct axon_activation *act, const double *p, double x, int d, float got,
                   double want)
{
    double terms = (p[1] + p[2]) * (d ? 1 : fabs(x));

    return act == axon_activation_find("xielu") && x < 0 &&
           fabs((double)got - want) <= 0x1p-48 * terms;
}

static void check(const struct axon_activation *act, const struct axon_kernels *kernels,
                  const float *x, const float params[AXON_PARAMETERS_MAX])
{
    size_t count, row = (size_t)(act - axon_activation_table(&count));
    const struct oracle *oracle = oracle_for(row);
    const struct axon_kernel *kernel = &kernels->rows[row];
    double limit = act->ulp_max > 0.0f ? (double)act->ulp_max : 0.5;
    double exact[AXON_PARAMETERS_MAX];
    float y[N], dx[N];

    for (size_t k = 0; k < AXON_PARAMETERS_MAX; k++)
        exact[k] = (double)params[k];
    kernel->forward(x, y, (struct axon_axis){1, N, 1}, params, act->parameters_count);
    kernel->gradient(x, NULL, dx, (struct axon_axis){1, N, 1}, params, act->parameters_count);
    for (size_t i = 0; i < 2 * N; i++) {
        int d = i >= N;
        double want = (d ? oracle->derivative : oracle->forward)((double)x[i % N], exact);
        float got = d ? dx[i % N] : y[i];

        if (!(oracle_ulps(got, want) <= limit) &&
            !cancels(act, exact, (double)x[i % N], d, got, want))
            ck_abort_msg("%s%s with %.9g, %.9g on %s: at %a %a, want %a: %.3f ulp > %.2f",
                         act->name, d ? "'" : "", exact[0], exact[1], kernels->isa,
                         (double)x[i % N], (double)got, want, oracle_ulps(got, want), limit);
    }
}

START_TEST(the_accuracy_holds_at_every_parameter)
{
    size_t count;
    const struct axon_activation *act = &axon_activation_table(&count)[_i];

    if (act->kind != AXON_ELEMENTWISE || act->parameters_count == 0)
        return;
    for (int n = 0; n < ROUNDS; n++) {
        float params[AXON_PARAMETERS_MAX] = {0}, x[N];

        for (unsigned k = 0; k < act->parameters_count; k++)
            params[k] = n % 3 == 2 && k != (unsigned)n % act->parameters_count
                            ? act->parameters[k].value
                            : parameter_of(&act->parameters[k], n / (int)(k + 1));
        if (axon_activation_check(act, params, act->parameters_count, 1, NULL) != AXON_OK)
            continue;
        fill(x, params);
        for (size_t isa = 0; isa < isas_count(); isa++)
            check(act, axon__kernels_list(&count)[isa], x, params);
    }
}
END_TEST

/* By which inputs and parameters the errors were found; want is what mpmath says. */
START_TEST(known_values_are_met)
{
    static const struct {
        const char *name;
        float params[2];
        float x, want;
    } known[] = {
        {"softplus", {10, 50}, -8.090105f, 7.330272981674663e-37f},
        {"softplus", {1e-6f, 0}, 0x1.405p-137f, 0x1.405p-137f},
        {"celu", {236097.828f}, -3.6724024f, -3.6723737716674805f},
        {"rrelu", {0.125f, 3.91517234f}, -4.3210001f, -8.728792190551758f},
    };
    size_t count;

    for (size_t isa = 0; isa < isas_count(); isa++)
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            const struct axon_activation *table = axon_activation_table(&count);
            const struct axon_activation *act = axon_activation_find(known[i].name);
            const struct axon_kernels *kernels = axon__kernels_list(&count)[isa];
            float y = 0;

            kernels->rows[act - table].forward(&known[i].x, &y, (struct axon_axis){1, 1, 1},
                                               known[i].params, act->parameters_count);
            ck_assert_msg(y == known[i].want, "%s(%a) on %s is %.9g, not %.9g", act->name,
                          (double)known[i].x, kernels->isa, (double)y, (double)known[i].want);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parameters");
    TCase *tcase = suite_case(suite, "every row, every ISA");

    tcase_add_loop_test(tcase, the_accuracy_holds_at_every_parameter, 0, AXON_ID_COUNT);
    tcase_add_test(tcase, known_values_are_met);
    return suite_run(suite);
}
