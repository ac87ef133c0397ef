/* test_lib_equals.c - what users of rowwise activations check first, on every ISA: equal values
 * share 1 exactly, in any layout, at any temperature and beside masks; one alone takes it all. */
#include "test_lib_lines.h"

static int is(const struct axon_activation *act, const char *name)
{
    return strcmp(act->name, name) == 0;
}

/* The value of each of the m largest of a row, if they are equal and the others count for nothing.
 */
static float share(const struct axon_activation *act, size_t m, size_t rank)
{
    if (is(act, "hardmax"))
        return rank == 0 ? 1.0f : 0.0f;
    return is(act, "log_softmax") ? (float)-logl((long double)m) : (float)(1.0L / (long double)m);
}

/* Element i of a row of n in which every third one is masked, if there are masks: what comes
 * before it and counts is *rank. */
static int counts(size_t i, int masks, size_t *rank)
{
    *rank = masks ? i - (i + 2) / 3 : i;
    return !masks || i % 3 != 0;
}

static void check_equals(const struct axon_activation *act, float value, struct axon_axis axis,
                         int masks, const float *temperature)
{
    static float x[1 << 17], y[1 << 17];
    size_t n = axis.length, m, rank;
    float mask = is(act, "softmin") ? INFINITY : -INFINITY;

    for (size_t i = 0; i < size_of(axis); i++)
        x[i] = counts(i / axis.inner % n, masks, &rank) ? value : mask;
    ck_assert_int_eq(axon_activation_forward(act, x, y, axis, temperature, temperature ? 1 : 0),
                     AXON_OK);
    counts(n, masks, &m);
    for (size_t i = 0; i < size_of(axis); i++) {
        int in = counts(i / axis.inner % n, masks, &rank);
        float rest = is(act, "log_softmax") ? -INFINITY : 0.0f;
        float want = in ? share(act, m, rank) : rest;

        if (y[i] != want)
            ck_abort_msg("%s of %zu times %a, %zu side by side, temperature %g: %a, not %a",
                         act->name, m, (double)value, axis.inner,
                         temperature ? (double)*temperature : 1.0, (double)y[i], (double)want);
    }
}

START_TEST(equal_values_share_one_exactly)
{
    static const float values[] = {10,      0,      -0.1f, 0.34657f, 1.7f,    255.9f,
                                   -256.1f, 1e-40f, 1e30f, -FLT_MAX, FLT_MAX, 88.7f};
    static const float temperatures[] = {0.7f, 3, 1e-6f, 1e6f};
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);

    for (size_t v = 0; v < sizeof values / sizeof *values; v++)
        for (size_t n = 2; n <= 4500; n += n < 70 ? 1 : n)
            for (int masks = 0; masks < 2; masks++) {
                check_equals(act, values[v], (struct axon_axis){1, n, 1}, masks, NULL);
                check_equals(act, values[v], (struct axon_axis){9, n, 1}, masks, NULL);
                check_equals(act, values[v], (struct axon_axis){1, n, 19}, masks, NULL);
                for (size_t t = 0; act->parameters_count > 0 && t < 4; t++)
                    check_equals(act, values[v], (struct axon_axis){3, n, 1}, masks,
                                 &temperatures[t]);
            }
}
END_TEST

/* One alone, and one of which the others are out of sight, is all there is. */
START_TEST(one_value_takes_all)
{
    const struct axon_activation *act = row_on_isa(_i, AXON_ROWWISE);
    float sign = is(act, "softmin") ? -1.0f : 1.0f;

    for (float top = -300.0f; top < 300.0f; top += 0.37f)
        for (size_t n = 1; n <= 40; n += 13) {
            float x[40], y[40];

            for (size_t i = 0; i < n; i++)
                x[i] = sign * (top - (i % 2 ? 60.0f : 25.0f));
            x[n / 2] = sign * top;
            ck_assert_int_eq(
                axon_activation_forward(act, x, y, (struct axon_axis){1, n, 1}, NULL, 0), AXON_OK);
            ck_assert_msg(y[n / 2] == share(act, 1, 0) || (is(act, "log_softmax") && n > 1),
                          "%s of %a and %zu far below: %a", act->name, (double)x[n / 2], n - 1,
                          (double)y[n / 2]);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("equals");
    TCase *tcase = suite_case(suite, "every row on every ISA");

    tcase_add_loop_test(tcase, equal_values_share_one_exactly, 0, rows_on_isas(AXON_ROWWISE));
    tcase_add_loop_test(tcase, one_value_takes_all, 0, rows_on_isas(AXON_ROWWISE));
    return suite_run(suite);
}
