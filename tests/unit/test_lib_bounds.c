/* test_lib_bounds.c - bounds hold, by brute force: of every activation on random intervals, of
 * random networks on random rows and corners; and they are tight where they can be. 10^7 rows:
 * make exhaustive-bounds. */
#include <string.h>
#include "axon/cpu.h"
#include "suite.h"
#include "test_lib_bounds.h"

enum { INTERVALS = 300, POINTS = 200, NETS = 60, ROWS = 2048 };

static const struct axon_activation *act_of(int i)
{
    size_t count;

    return &axon_activation_table(&count)[i];
}

static int acts_count(void)
{
    size_t count;

    axon_activation_table(&count);
    return (int)count;
}

static void select_isa(size_t i)
{
    size_t count;
    const char *const *isas = axon_isa_list(&count);

    ck_assert_uint_lt(i, count);
    axon_isa_select(isas[i]); /* one that this machine lacks leaves the other in use */
}

static int isas_count(void)
{
    size_t count;

    axon_isa_list(&count);
    return (int)count;
}

/* From 2^-6 to 2^6 wide, around 0 or not; now and then a point. */
static struct axon_interval random_interval(void)
{
    float centre = random_between(-8, 8), half = ldexpf(1, (int)(random_bits() % 13) - 7);

    if (random_bits() % 16 == 0)
        half = 0;
    return (struct axon_interval){centre - half, centre + half};
}

/* Anywhere in it, at its ends, and beside them. */
static float random_in(struct axon_interval x)
{
    switch (random_bits() % 4) {
    case 0:
        return random_bits() % 2 ? x.low : x.high;
    case 1:
        return fminf(fmaxf(ldexpf(random_between(-1, 1), (int)(random_bits() % 20) - 18), x.low),
                     x.high);
    default:
        return random_between(x.low, x.high);
    }
}

static void check_intervals(const struct axon_activation *act, size_t n)
{
    struct axon_interval x[8], y[8];
    float params[AXON_PARAMETERS_MAX], row[8];

    random_parameters(act, params);
    for (size_t u = 0; u < n; u++)
        x[u] = random_interval();
    ck_assert_int_eq(axon_activation_image(act, params, act->parameters_count, x, y, n), AXON_OK);
    for (size_t p = 0; p < POINTS; p++) {
        for (size_t u = 0; u < n; u++)
            row[u] = random_in(x[u]);
        axon_activation_forward(act, row, row, (struct axon_axis){1, n, 1}, params,
                                act->parameters_count);
        ck_assert_msg(outside(row, 1, n, y) == 0, "%s(%.9g) = %.9g, bound %.9g to %.9g, x %a to %a",
                      act->name, (double)params[0], (double)row[0], (double)y[0].low,
                      (double)y[0].high, (double)x[0].low, (double)x[0].high);
    }
}

START_TEST(no_value_of_an_activation_leaves_its_image)
{
    const struct axon_activation *act = act_of(_i);

    for (size_t isa = 0; isa < (size_t)isas_count() && act->kind != AXON_GATED; isa++) {
        select_isa(isa);
        for (size_t i = 0; i < INTERVALS; i++)
            check_intervals(act, act->kind == AXON_ROWWISE ? 1 + random_bits() % 8 : 1);
    }
}
END_TEST

/* An image that is much wider than the values would prove nothing. Each end is reached to 1 % of
 * the width by some of many values; sparsemax is known to be bounded by its range alone. */
START_TEST(images_are_tight)
{
    enum { MANY = 20001 };
    static float y[MANY];
    const struct axon_activation *act = act_of(_i);

    for (size_t i = 0; i < 50 && act->kind == AXON_ELEMENTWISE; i++) {
        struct axon_interval x = random_interval(), bound;
        float low = INFINITY, high = -INFINITY, slack;

        for (size_t p = 0; p < MANY; p++)
            y[p] = x.low + (x.high - x.low) * ((float)p / (MANY - 1));
        y[MANY - 1] = x.high;
        axon_activation_forward(act, y, y, (struct axon_axis){MANY, 1, 1}, NULL, 0);
        for (size_t p = 0; p < MANY; p++) {
            low = fminf(low, y[p]);
            high = fmaxf(high, y[p]);
        }
        axon_activation_image(act, NULL, 0, &x, &bound, 1);
        slack = 0.01f * (high - low) + 1e-5f * fmaxf(fabsf(low), fabsf(high)) + 1e-30f;
        ck_assert_msg(bound.low >= low - slack && bound.high <= high + slack,
                      "%s of %.9g to %.9g: %.9g to %.9g, bound %.9g to %.9g", act->name,
                      (double)x.low, (double)x.high, (double)low, (double)high, (double)bound.low,
                      (double)bound.high);
    }
}
END_TEST

/* Values of every 1009th float from `bits` on that pass the ends. */
static size_t passing(const struct axon_activation *act, uint64_t *bits)
{
    enum { MANY = 4096, STEP = 1009 };
    float x[MANY];
    size_t count = 0;

    for (size_t i = 0; i < MANY; i++, *bits += STEP) {
        uint32_t word = (uint32_t)*bits;

        memcpy(&x[i], &word, sizeof x[i]);
    }
    axon_activation_forward(act, x, x, (struct axon_axis){MANY, 1, 1}, NULL, 0);
    for (size_t i = 0; i < MANY; i++)
        count += x[i] < act->saturation_low || x[i] > act->saturation_high;
    return count;
}

/* No kernel passes the ends, where image.c cuts. All 2^32 floats were walked once. */
START_TEST(saturating_activations_stay_within_their_ends)
{
    const struct axon_activation *act = act_of(_i);
    bool bounded = !act->ascending && act->saturation_low < act->saturation_high;

    for (size_t isa = 0; isa < (size_t)isas_count() && bounded; isa++) {
        select_isa(isa);
        for (uint64_t bits = 0; bits < UINT64_C(1) << 32;)
            ck_assert_uint_eq(passing(act, &bits), 0);
    }
}
END_TEST

static void check_softmax(const char *name, const struct axon_interval *x, double low, double high)
{
    struct axon_interval y[2];

    axon_activation_image(axon_activation_find(name), NULL, 0, x, y, 2);
    ck_assert_near(y[0].low, low, 3e-6 * fmax(1, fabs(low)));
    ck_assert_near(y[0].high, high, 3e-6 * fmax(1, fabs(high)));
}

START_TEST(rowwise_images_are_the_worst_and_the_best_case)
{
    const struct axon_interval x[2] = {{0, 1}, {-1, 2}};
    const struct axon_interval far[2] = {{-500, 600}, {0, 0}};

    check_softmax("softmax", x, 1 / (1 + exp(2)), 1 / (1 + exp(-2)));
    check_softmax("softmin", x, 1 / (1 + exp(2)), 1 / (1 + exp(-2)));
    check_softmax("log_softmax", x, -2 - log1p(exp(-2)), -log1p(exp(-2)));
    check_softmax("log_softmax", far, -500, 0);
    check_softmax("hardmax", x, 0, 1);
    check_softmax("hardmax", (struct axon_interval[]){{3, 4}, {1, 2}}, 1, 1);
    check_softmax("hardmax", (struct axon_interval[]){{0, 1}, {1.5f, 2}}, 0, 0);
    check_softmax("sparsemax", x, 0, 1);
}
END_TEST

START_TEST(no_row_leaves_the_bounds_of_a_network)
{
    static struct net net;

    for (size_t isa = 0; isa < (size_t)isas_count(); isa++) {
        select_isa(isa);
        for (size_t i = 0; i < NETS / (size_t)isas_count(); i++) {
            net_init(&net, i % 3 == 0);
            ck_assert_uint_eq(net_violations(&net, ROWS), 0);
            net_fini(&net);
        }
    }
}
END_TEST

/* ---- proofs ---------------------------------------------------------------------------------- */

static const float ones[4] = {1, 1, 1, 1}, zeros[4];

/* One layer of three units over two features. */
static struct axon_bounds *bounds_of(const char *activation, const float *params, size_t count,
                                     const float *weight, const float *bias, const float *low,
                                     const float *high)
{
    struct axon_layer layer = {3, weight, bias, axon_activation_find(activation), params, count};
    struct axon_mlp_spec spec = {.features = 2, .layers = &layer, .layers_count = 1};
    struct axon_bounds *bounds;
    struct axon_mlp *mlp;

    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
    ck_assert_int_eq(axon_bounds_create(mlp, low, high, &bounds), AXON_OK);
    axon_mlp_destroy(mlp);
    return bounds;
}

static void check_proofs(struct axon_bounds *b, enum axon_proof first, enum axon_proof second,
                         enum axon_proof third)
{
    ck_assert_int_eq(axon_bounds_proof(b, 0, 0), first);
    ck_assert_int_eq(axon_bounds_proof(b, 0, 1), second);
    ck_assert_int_eq(axon_bounds_proof(b, 0, 2), third);
    axon_bounds_destroy(b);
}

START_TEST(a_unit_that_cannot_fire_is_proven_dead)
{
    static const float weight[] = {-1, -1, 1, 1, 1, -1}, bias[] = {0, 0.5f, 0};
    static const float leaks[] = {0.5f, 0, 0}, leak = 0.01f, no_leak = 0;

    check_proofs(bounds_of("relu", NULL, 0, weight, bias, zeros, ones), AXON_PROOF_DEAD,
                 AXON_PROOF_LINEAR, AXON_PROOF_NONE);
    check_proofs(bounds_of("leaky_relu", &no_leak, 1, weight, bias, zeros, ones), AXON_PROOF_DEAD,
                 AXON_PROOF_LINEAR, AXON_PROOF_NONE);
    check_proofs(bounds_of("leaky_relu", &leak, 1, weight, bias, zeros, ones), AXON_PROOF_NONE,
                 AXON_PROOF_NONE, AXON_PROOF_NONE);
    check_proofs(bounds_of("prelu", leaks, 3, weight, bias, zeros, ones), AXON_PROOF_NONE,
                 AXON_PROOF_LINEAR, AXON_PROOF_NONE);
    check_proofs(bounds_of("sigmoid", NULL, 0, weight, bias, zeros, ones), AXON_PROOF_NONE,
                 AXON_PROOF_NONE, AXON_PROOF_NONE);
}
END_TEST

/* The sum is 0 to the bit where it is 0 in truth, and what is a rounding above 0 is not proven. */
START_TEST(a_proof_is_exact_at_0)
{
    static const float weight[] = {-1, 0, 1, -1, 0.1f, 0.2f};
    static const float bias[] = {0, 0, -0.3f};

    check_proofs(bounds_of("relu", NULL, 0, weight, bias, zeros, ones), AXON_PROOF_DEAD,
                 AXON_PROOF_NONE, AXON_PROOF_NONE);
}
END_TEST

START_TEST(the_first_layer_is_bounded_to_its_rounding)
{
    static const float weight[] = {0.5f, -2, 3, 1, -1, -1}, bias[] = {1, 0, 0};
    static const float low[] = {-1, 0}, high[] = {2, 4};
    static const float want[3][2] = {{-7.5f, 2}, {-3, 10}, {-6, 1}};
    struct axon_bounds *b = bounds_of("identity", NULL, 0, weight, bias, low, high);

    for (size_t u = 0; u < 3; u++) {
        ck_assert_near(axon_bounds_before(b, 0)[u].low, want[u][0], 1e-5);
        ck_assert_near(axon_bounds_before(b, 0)[u].high, want[u][1], 1e-5);
        ck_assert(axon_bounds_before(b, 0)[u].low <= want[u][0]);
        ck_assert(axon_bounds_before(b, 0)[u].high >= want[u][1]);
    }
    axon_bounds_destroy(b);
}
END_TEST

START_TEST(what_may_overflow_is_unbounded_and_proves_nothing)
{
    static const float weight[] = {-3e38f, -3e38f, 1, 1, 0, 0};
    struct axon_bounds *b = bounds_of("relu", NULL, 0, weight, zeros, zeros, ones);

    ck_assert(isinf(axon_bounds_before(b, 0)[0].low));
    ck_assert(isinf(axon_bounds_after(b, 0)[1].high));
    check_proofs(b, AXON_PROOF_NONE, AXON_PROOF_NONE, AXON_PROOF_NONE);
}
END_TEST

START_TEST(a_range_that_is_none_is_refused)
{
    static const float bad[][2] = {{NAN, 0}, {2, 0}, {-INFINITY, 0}};
    struct axon_layer layer = {1, ones, NULL, axon_activation_find("relu"), NULL, 0};
    struct axon_mlp_spec spec = {.features = 2, .layers = &layer, .layers_count = 1};
    struct axon_bounds *bounds;
    struct axon_mlp *mlp;

    ck_assert_int_eq(axon_mlp_create(&spec, &mlp), AXON_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(axon_bounds_create(mlp, bad[i], ones, &bounds), AXON_EPARAM);
        ck_assert_ptr_null(bounds);
    }
    axon_bounds_destroy(NULL);
    axon_mlp_destroy(mlp);
    ck_assert_int_eq(axon_activation_image(axon_activation_find("glu"), NULL, 0, NULL, NULL, 2),
                     AXON_EUNSUPPORTED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bounds");
    TCase *images = suite_case(suite, "images"), *nets = suite_case(suite, "networks");

    tcase_add_loop_test(images, no_value_of_an_activation_leaves_its_image, 0, acts_count());
    tcase_add_loop_test(images, images_are_tight, 0, acts_count());
    tcase_add_loop_test(images, saturating_activations_stay_within_their_ends, 0, acts_count());
    tcase_add_test(images, rowwise_images_are_the_worst_and_the_best_case);
    tcase_add_test(nets, no_row_leaves_the_bounds_of_a_network);
    tcase_add_test(nets, a_unit_that_cannot_fire_is_proven_dead);
    tcase_add_test(nets, a_proof_is_exact_at_0);
    tcase_add_test(nets, the_first_layer_is_bounded_to_its_rounding);
    tcase_add_test(nets, what_may_overflow_is_unbounded_and_proves_nothing);
    tcase_add_test(nets, a_range_that_is_none_is_refused);
    return suite_run(suite);
}
