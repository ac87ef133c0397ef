/* test_server_predictions.c - classes, confidences and tempered confidences of rows of outputs,
 * against the same in double precision, and in the windows. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "neurons/predictions.h"
#include "random.h"
#include "suite.h"

enum { CLASSES = 10, ROWS = 1000 };

static const struct axon_evidence evidence = {.window_s = 60, .rows_min = 10};

static struct predictions_tally *tally_of(const struct predictions_shape *shape)
{
    struct predictions_tally *tally = calloc(1, predictions_tally_bytes(shape));

    ck_assert_ptr_nonnull(tally);
    return tally;
}

/* The largest of softmax(z / temperature). */
static double largest_share(const double *z, size_t n, double temperature)
{
    double largest = -INFINITY, sum = 0;

    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, z[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp((z[i] - largest) / temperature);
    return 1 / sum;
}

static const struct {
    enum predictions_kind kind;
    size_t outputs, classes;
    double temperature;
} kinds[] = {{PREDICTIONS_SHARES, CLASSES, CLASSES, 1.7},
             {PREDICTIONS_SHARES, CLASSES, CLASSES, .4},
             {PREDICTIONS_LOGITS, CLASSES, CLASSES, 1.7},
             {PREDICTIONS_LOGITS, CLASSES, CLASSES, .4},
             {PREDICTIONS_CHANCE, 1, 2, 1.7},
             {PREDICTIONS_CHANCE, 1, 2, .4},
             {PREDICTIONS_LOGIT, 1, 2, 1.7},
             {PREDICTIONS_LOGIT, 1, 2, .4}};

/* Logits, in double precision, of a row of outputs that is made of them. */
static void outputs_of(enum predictions_kind kind, const double *z, size_t n, float *y)
{
    double sum = 0, largest = -INFINITY;

    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, z[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp(z[i] - largest);
    for (size_t i = 0; i < n; i++)
        y[i] = kind == PREDICTIONS_SHARES   ? (float)(exp(z[i] - largest) / sum)
               : kind == PREDICTIONS_CHANCE ? (float)(1 / (1 + exp(-z[i])))
                                            : (float)z[i];
}

START_TEST(rows_are_noted_as_in_double_precision)
{
    const struct predictions_shape shape = {kinds[_i].kind, kinds[_i].outputs, kinds[_i].classes,
                                            kinds[_i].temperature};
    struct predictions_tally *tally = tally_of(&shape);
    double z[CLASSES], pair[2], confidence = 0, tempered = 0;
    uint64_t classes[CLASSES] = {0}, buckets = 0;
    float y[CLASSES];

    for (size_t r = 0; r < ROWS; r++) {
        size_t best = 0;

        for (size_t i = 0; i < shape.outputs; i++)
            z[i] = (double)(random_bits() >> 40) / (1 << 22) * 3 - 6;
        outputs_of(shape.kind, z, shape.outputs, y);
        pair[0] = 0;
        pair[1] = z[0];
        const double *logits = shape.outputs == 1 ? pair : z;
        for (size_t i = 1; i < shape.classes; i++)
            best = logits[i] > logits[best] ? i : best;
        confidence += largest_share(logits, shape.classes, 1);
        tempered += largest_share(logits, shape.classes, shape.temperature);
        classes[best]++;
        predictions_note(&shape, tally, y, 1);
    }
    ck_assert_uint_eq(tally->rows, ROWS);
    ck_assert_near(tally->confidence / ROWS, confidence / ROWS, 1e-6);
    ck_assert_near(tally->tempered / ROWS, tempered / ROWS, 1e-6);
    for (size_t i = 0; i < shape.classes; i++)
        ck_assert_uint_eq(tally->classes[i], classes[i]);
    for (size_t i = 0; i < METRICS_BUCKETS_MAX; i++)
        buckets += tally->buckets[i];
    ck_assert_uint_eq(buckets, ROWS);
    free(tally);
}
END_TEST

START_TEST(probabilities_that_are_served_are_themselves)
{
    const struct predictions_shape shares = {PREDICTIONS_SHARES, 3, 3, 0},
                                   chance = {PREDICTIONS_CHANCE, 1, 2, 0};
    const float y[3] = {0.1f, 0.7f, 0.2f};
    double p[3];

    predictions_row(&shares, y, p);
    for (size_t i = 0; i < 3; i++)
        ck_assert_same(p[i], y[i]);
    predictions_row(&chance, y, p);
    ck_assert_same(p[1], y[0]);
    ck_assert_same(p[0], 1 - (double)y[0]);
}
END_TEST

START_TEST(a_row_that_is_not_finite_says_nothing)
{
    const struct predictions_shape shape = {PREDICTIONS_SHARES, 2, 2, 1.5};
    struct predictions_tally *tally = tally_of(&shape);
    const float y[][2] = {{NAN, 1}, {1, NAN}, {INFINITY, 0}, {0, -INFINITY}, {0.25f, 0.75f}};

    predictions_note(&shape, tally, y[0], 5);
    ck_assert_uint_eq(tally->rows, 1);
    ck_assert_same(tally->confidence, 0.75);
    ck_assert_uint_eq(tally->classes[0], 0);
    ck_assert_uint_eq(tally->classes[1], 1);
    free(tally);
}
END_TEST

START_TEST(at_a_half_the_answer_is_the_second_class)
{
    const struct predictions_shape chance = {PREDICTIONS_CHANCE, 1, 2, 0},
                                   logit = {PREDICTIONS_LOGIT, 1, 2, 0};
    struct predictions_tally *tally = tally_of(&chance);
    const float half = 0.5f, zero = 0, below = 0.49f;

    predictions_note(&chance, tally, &half, 1);
    predictions_note(&logit, tally, &zero, 1);
    predictions_note(&chance, tally, &below, 1);
    ck_assert_uint_eq(tally->classes[1], 2);
    ck_assert_uint_eq(tally->classes[0], 1);
    free(tally);
}
END_TEST

/* ---- windows ---- */

static const struct predictions_shape two = {PREDICTIONS_CHANCE, 1, 2, 0};

/* rows of class 1 with confidence 1, in a part at a time */
static void add(struct predictions *p, size_t rows, uint64_t part, double now_s)
{
    struct predictions_tally *tally = tally_of(&two);
    const float y = 1;

    for (size_t i = 0; i < rows; i++)
        predictions_note(&two, tally, &y, 1);
    predictions_add(p, tally, part, now_s);
    free(tally);
}

static uint64_t rows_in(const struct predictions *p, enum axon_window window, double now_s)
{
    uint64_t classes[2];
    struct predictions_sum sum = predictions_window(p, window, now_s, classes);

    ck_assert_uint_eq(classes[0], 0);
    ck_assert_uint_eq(classes[1], sum.rows);
    ck_assert_same(sum.confidence, sum.rows);
    return sum.rows;
}

START_TEST(a_window_slides_by_parts_and_since_load_nothing_is_lost)
{
    struct predictions *a = predictions_create(&two, &evidence);
    struct predictions *b = predictions_create(&two, &evidence);

    add(a, 4, 1, 100);
    add(b, 5, 1, 101);
    add(b, 20, 2, 110);
    predictions_merge(a, b);
    ck_assert_uint_eq(rows_in(a, AXON_WINDOW_LOAD, 111), 29);
    ck_assert_uint_eq(rows_in(a, AXON_WINDOW_SLIDING, 111), 29);
    ck_assert_uint_eq(rows_in(a, AXON_WINDOW_SLIDING, 165), 20); /* the first part is old */
    ck_assert_uint_eq(rows_in(a, AXON_WINDOW_SLIDING, 500), 20); /* but the last rows_min stay */
    add(a, 3, 13, 600);                                          /* in the place of part 2 */
    ck_assert_uint_eq(rows_in(a, AXON_WINDOW_SLIDING, 601), 3);
    add(a, 1, 2, 600); /* of a part that is long over */
    ck_assert_uint_eq(rows_in(a, AXON_WINDOW_LOAD, 601), 33);
    predictions_destroy(a);
    predictions_destroy(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("predictions");
    TCase *tc = suite_case(s, "predictions");

    tcase_add_loop_test(tc, rows_are_noted_as_in_double_precision, 0, sizeof kinds / sizeof *kinds);
    tcase_add_test(tc, probabilities_that_are_served_are_themselves);
    tcase_add_test(tc, a_row_that_is_not_finite_says_nothing);
    tcase_add_test(tc, at_a_half_the_answer_is_the_second_class);
    tcase_add_test(tc, a_window_slides_by_parts_and_since_load_nothing_is_lost);
    return suite_run(s);
}
