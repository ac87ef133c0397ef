/* test_lib_narrow.c - the narrow table of an ISA: the same bits but for smooth rows, and when it is
 * taken. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "axon/activation.h"
#include "axon/cpu.h"
#include "kernels/dispatch.h"
#include "suite.h"

enum { N = 1 << 15, UNITS = 2 * AXON_UNITS_MULTIPLE, SHORT = 1000, LONG = 1 << 20 };

static float x[N], wide[N], narrow[N];
static uint32_t wide_tally[UNITS], narrow_tally[UNITS];

/* Even rounds: any bits at all; odd ones: what networks see. */
static void fill(unsigned round)
{
    static uint32_t state = 7;

    for (size_t i = 0; i < N; i++) {
        uint32_t bits = 0;

        for (int k = 0; k < 2; k++) {
            state = state * 1664525u + 1013904223u;
            bits = bits << 16 | state >> 16;
        }
        memcpy(&x[i], &bits, sizeof bits);
        if (round % 2)
            x[i] = (float)((int32_t)bits % 200000) / 10000;
    }
}

static void check_same(const struct axon_activation *act, const char *what, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&wide[i], &narrow[i], sizeof *wide) != 0 &&
            !(isnan(wide[i]) && isnan(narrow[i])))
            ck_abort_msg("%s, %s at %zu, x %a: %a, narrow %a", act->name, what, i, (double)x[i],
                         (double)wide[i], (double)narrow[i]);
}

static void check_forward(const struct axon_activation *act, const struct axon_kernel *a,
                          const struct axon_kernel *b, const float *params)
{
    static const size_t lengths[] = {2, 3, 10, 16, 64, 1000}, inners[] = {1, 5};

    for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
        struct axon_axis axis = {1, lengths[i / 2], inners[i % 2]};

        axis.length -= act->kind == AXON_GATED ? axis.length % 2 : 0;
        axis.outer = N / (axis.length * axis.inner);
        memset(wide, 0, sizeof wide);
        memset(narrow, 0, sizeof narrow);
        a->forward(x, wide, axis, params, act->parameters_count);
        b->forward(x, narrow, axis, params, act->parameters_count);
        check_same(act, "forward", N);
    }
}

static void check_epilogue(const struct axon_activation *act, const struct axon_kernel *a,
                           const struct axon_kernel *b, const float *params)
{
    float bias[UNITS], each[AXON_PARAMETERS_MAX * UNITS];
    struct axon_epilogue e = {.z = wide,
                              .rows = N / UNITS,
                              .units = UNITS,
                              .z_stride = UNITS,
                              .params_stride = UNITS,
                              .bias = bias,
                              .params = each,
                              .tally = wide_tally};

    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        bias[i % UNITS] = (float)(i % UNITS) / UNITS - 0.5f;
        each[i] = params[i / UNITS];
    }
    memcpy(wide, x, sizeof wide);
    memcpy(narrow, x, sizeof narrow);
    a->epilogue(&e);
    e.z = narrow;
    e.tally = narrow_tally;
    b->epilogue(&e);
    check_same(act, "epilogue", N);
    ck_assert_mem_eq(wide_tally, narrow_tally, sizeof wide_tally);
}

START_TEST(rows_that_are_not_smooth_have_the_same_bits)
{
    size_t count, tables;
    const struct axon_activation *act = &axon_activation_table(&count)[_i];
    const struct axon_kernels *const *list = axon__kernels_list(&tables);
    float params[AXON_PARAMETERS_MAX];

    for (unsigned k = 0; k < AXON_PARAMETERS_MAX; k++)
        params[k] = act->parameters[k].value;
    for (size_t i = 0; i < 4 * tables; i++) {
        const struct axon_kernel *a = &list[i / 4]->rows[_i], *b = &list[i / 4]->narrow->rows[_i];

        if (a->smooth)
            continue;
        fill((unsigned)i);
        check_forward(act, a, b, params);
        if (a->epilogue)
            check_epilogue(act, a, b, params);
    }
}
END_TEST

START_TEST(scale_and_offset_have_the_same_bits)
{
    enum { FEATURES = 61 };
    size_t tables, rows = N / FEATURES;
    const struct axon_kernels *const *list = axon__kernels_list(&tables);

    for (size_t i = 0; i < tables; i++) {
        fill(1);
        list[i]->affine(x, x + 1000, x + 2000, wide, rows, FEATURES);
        list[i]->narrow->affine(x, x + 1000, x + 2000, narrow, rows, FEATURES);
        ck_assert_mem_eq(wide, narrow, rows * FEATURES * sizeof *wide);
    }
}
END_TEST

START_TEST(a_narrow_table_is_its_own)
{
    size_t tables;
    const struct axon_kernels *const *list = axon__kernels_list(&tables);

    for (size_t i = 0; i < tables; i++) {
        ck_assert_ptr_eq(list[i]->narrow->narrow, list[i]->narrow);
        ck_assert_str_eq(list[i]->narrow->isa,
                         strcmp(list[i]->isa, "avx512") == 0 ? "avx2" : list[i]->isa);
    }
}
END_TEST

START_TEST(short_calls_are_narrow_if_asked_for)
{
    const struct axon_kernels *kernels = axon__kernels();

    ck_assert_ptr_eq(axon__kernels_for(SHORT), kernels);
    axon__kernels_narrow_set(1);
    ck_assert_ptr_eq(axon__kernels_for(SHORT), kernels->narrow);
    ck_assert_ptr_eq(axon__kernels_for(LONG), kernels);
    axon__kernels_narrow_set(0);
    ck_assert_ptr_eq(axon__kernels_for(SHORT), kernels);
}
END_TEST

START_TEST(only_a_cpu_that_lowers_its_clock_spares_it)
{
    const struct axon_kernels *kernels = axon__kernels();

    axon_clock_spare(1);
    ck_assert_ptr_eq(axon__kernels_for(SHORT), axon_clock_drops() ? kernels->narrow : kernels);
    axon_clock_spare(0);
    ck_assert_ptr_eq(axon__kernels_for(SHORT), kernels);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("narrow");
    TCase *tcase = suite_case(suite, "narrow");

    tcase_add_loop_test(tcase, rows_that_are_not_smooth_have_the_same_bits, 0, AXON_ID_COUNT);
    tcase_add_test(tcase, scale_and_offset_have_the_same_bits);
    tcase_add_test(tcase, a_narrow_table_is_its_own);
    tcase_add_test(tcase, short_calls_are_narrow_if_asked_for);
    tcase_add_test(tcase, only_a_cpu_that_lowers_its_clock_spares_it);
    return suite_run(suite);
}
