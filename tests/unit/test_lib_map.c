/* test_lib_map.c - arrays so large that their results are stored past the cache: the same values as
 * in pieces, whatever the alignment, and nothing outside. */
#include <stdint.h>
#include <string.h>
#include "kernels/dispatch.h"
#include "../oracle/guard.h"
#include "suite.h"

enum { HUGE = (2 << 20) + 37, PIECE = 100003 };

static size_t isas_count(void)
{
    size_t count;

    axon__kernels_list(&count);
    return count;
}

static void run(const struct axon_kernel *kernel, const float *x, float *y, size_t n,
                const struct axon_activation *act)
{
    float params[AXON_PARAMETERS_MAX];

    for (unsigned k = 0; k < act->parameters_count; k++)
        params[k] = act->parameters[k].value;
    kernel->forward(x, y, (struct axon_axis){1, n, 1}, params, act->parameters_count);
}

/* One cheap row and one that uses many registers. */
static const char *const names[] = {"relu", "gelu"};

START_TEST(a_huge_array_has_the_values_of_its_pieces)
{
    size_t count;
    const struct axon_activation *table = axon_activation_table(&count);

    for (size_t isa = 0; isa < isas_count(); isa++) {
        const struct axon_activation *act = axon_activation_find(names[_i]);
        const struct axon_kernel *kernel = &axon__kernels_list(&count)[isa]->rows[act - table];
        float *want = malloc(HUGE * sizeof *want);

        ck_assert_ptr_nonnull(want);
        for (int side = 0; side < GUARD_SIDES; side++) {
            /* Ends at an unreadable page, or begins behind one; y one float off x's alignment. */
            struct guard x = guard_create(HUGE, (enum guard_side)side);
            struct guard y = guard_create(HUGE + (side == GUARD_AFTER), (enum guard_side)side);

            for (size_t i = 0; i < HUGE; i++)
                x.data[i] = (float)(i * 2654435761u % 16777216) / 1048576 - 8;
            for (size_t i = 0; i < HUGE; i += PIECE)
                run(kernel, x.data + i, want + i, i + PIECE < HUGE ? PIECE : HUGE - i, act);
            run(kernel, x.data, y.data, HUGE, act);
            ck_assert_mem_eq(y.data, want, HUGE * sizeof *want);
            run(kernel, x.data, x.data, HUGE, act);
            ck_assert_mem_eq(x.data, want, HUGE * sizeof *want);
            guard_destroy(&x);
            guard_destroy(&y);
        }
        free(want);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("map");
    TCase *tc = suite_case(s, "huge arrays");

    tcase_add_loop_test(tc, a_huge_array_has_the_values_of_its_pieces, 0,
                        (int)(sizeof names / sizeof *names));
    return suite_run(s);
}
