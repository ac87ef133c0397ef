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

/* f(x), or f'(x) u unless u is NULL; the names below have no parameters. */
static void run(const struct axon_kernel *kernel, const float *x, const float *u, float *y,
                size_t n)
{
    struct axon_axis flat = {1, n, 1};

    if (u)
        kernel->gradient(x, u, y, flat, NULL, 0);
    else
        kernel->forward(x, y, flat, NULL, 0);
}

/* One cheap row and one that uses many registers. */
static const char *const names[] = {"relu", "gelu"};

static void fill(float *to, size_t n, uint32_t factor)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)((uint32_t)i * factor % 16777216) / 1048576 - 8;
}

/* Forward, or the gradient: into y, then in place of what is read. */
static void check(const struct axon_kernel *kernel, bool gradient, enum guard_side side,
                  float *want)
{
    /* Ends at an unreadable page, or begins after one; y one float off x's alignment. */
    struct guard x = guard_create(HUGE, side), u = guard_create(HUGE, side);
    struct guard y = guard_create(HUGE + (side == GUARD_AFTER), side);
    float *upstream = gradient ? u.data : NULL;

    fill(x.data, HUGE, 2654435761u);
    fill(u.data, HUGE, 2246822519u);
    for (size_t i = 0; i < HUGE; i += PIECE)
        run(kernel, x.data + i, gradient ? u.data + i : NULL, want + i,
            i + PIECE < HUGE ? PIECE : HUGE - i);
    run(kernel, x.data, upstream, y.data, HUGE);
    ck_assert_mem_eq(y.data, want, HUGE * sizeof *want);
    if (gradient) {
        run(kernel, x.data, u.data, u.data, HUGE);
        ck_assert_mem_eq(u.data, want, HUGE * sizeof *want);
        fill(u.data, HUGE, 2246822519u);
    }
    run(kernel, x.data, upstream, x.data, HUGE);
    ck_assert_mem_eq(x.data, want, HUGE * sizeof *want);
    guard_destroy(&x);
    guard_destroy(&u);
    guard_destroy(&y);
}

START_TEST(a_huge_array_has_the_values_of_its_pieces)
{
    size_t count;
    const struct axon_activation *table = axon_activation_table(&count);
    const struct axon_activation *act = axon_activation_find(names[_i]);
    float *want = malloc(HUGE * sizeof *want);

    ck_assert_ptr_nonnull(want);
    for (size_t isa = 0; isa < isas_count(); isa++)
        for (int side = 0; side < GUARD_SIDES; side++)
            for (int gradient = 0; gradient < 2; gradient++)
                check(&axon__kernels_list(&count)[isa]->rows[act - table], gradient,
                      (enum guard_side)side, want);
    free(want);
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
