/* test_lib_oracle.c - the judge judged: every function of tests/oracle against golden.txt, which
 * arbitrary-precision arithmetic wrote (tests/oracle/golden.py).
 *
 * Walks rows.def and the registry: a row without golden values, or whose defaults are not those
 * that the golden values were made for, fails. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "../oracle/fast.h"
#include "../oracle/functions.h"
#include "../oracle/judge.h"
#include "suite.h"

/* Two roundings to double, and for an error of the oracle three bits more. A float's last place is
 * 2^-24 of it: the oracle's error does not show in five digits of a distance in ULP. */
#define ERROR_MAX 0x1p-50

/* Between the fast reference and the oracle, in ULP. */
#define DIFFERENCE_MAX 0x1p-16

enum { BATCH = 512, FAST_STRIDE = 60013 }; /* prime, so that all low bits occur */
enum { NAME_MAX_ = 32, LINES_MIN = 150, ROWS_MAX = 128, LINE_MAX_ = 512 };

static const struct oracle_row {
    const char *name;
    oracle_function *function[2]; /* f, f' */
} oracle_rows[] = {
#define ROW(id) {#id, {oracle_##id, oracle_d##id}},
#include "../oracle/rows.def"
#undef ROW
};

enum { ORACLE_ROWS = sizeof oracle_rows / sizeof *oracle_rows };

/* A block of the file: a row with parameters, and what was found while its lines were read. */
struct block {
    char name[NAME_MAX_];
    double params[AXON_PARAMETERS_MAX];
    int params_count, lines;
    double worst[2], worst_x[2]; /* relative error of f and f' */
};

static struct block blocks[ROWS_MAX];
static int blocks_count;

static const struct oracle_row *row_of(const char *name)
{
    for (size_t i = 0; i < ORACLE_ROWS; i++)
        if (strcmp(oracle_rows[i].name, name) == 0)
            return &oracle_rows[i];
    ck_abort_msg("golden.txt: no oracle for '%s'", name);
    return NULL;
}

/* |got - (want + rest)| relative to the exact value, but never below the smallest float: the oracle
 * may round what is far smaller to 0. */
static double relative_error(double got, double want, double rest)
{
    double size = fmax(fabs(want), (double)FLT_MIN * 0x1p-23);

    if (isinf(got) || isinf(want) || isnan(got))
        return got == want ? 0 : (double)INFINITY;
    return fabs((got - want) - rest) / size;
}

static void check_line(struct block *block, const struct oracle_row *row, char *line)
{
    double v[5];
    char *at = line, *end;

    for (int i = 0; i < 5; i++, at = end) {
        v[i] = strtod(at, &end);
        ck_assert_msg(end != at, "golden.txt: %s: '%s' has not five numbers", block->name, line);
    }
    for (int d = 0; d < 2; d++) {
        double got = row->function[d](v[0], block->params);
        double error = relative_error(got, v[1 + 2 * d], v[2 + 2 * d]);

        if (!(error <= block->worst[d])) {
            block->worst[d] = error;
            block->worst_x[d] = v[0];
        }
    }
    block->lines++;
}

static void begin_block(struct block *block, char *line)
{
    char *save, *word = strtok_r(line, " \n", &save);

    ck_assert_ptr_nonnull(word);
    ck_assert_uint_lt(strlen(word), sizeof block->name);
    *block = (struct block){0};
    memcpy(block->name, word, strlen(word) + 1);
    while ((word = strtok_r(NULL, " \n", &save))) {
        ck_assert_int_lt(block->params_count, AXON_PARAMETERS_MAX);
        block->params[block->params_count++] = strtod(word, NULL);
    }
}

static void read_golden(void)
{
    FILE *file = fopen("tests/oracle/golden.txt", "re");
    const struct oracle_row *row = NULL;
    char line[LINE_MAX_];

    ck_assert_msg(file != NULL, "tests/oracle/golden.txt: not there; run from the root");
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#')
            continue;
        if (line[0] >= 'a' && line[0] <= 'z' && strncmp(line, "inf", 3) != 0) {
            ck_assert_int_lt(blocks_count, ROWS_MAX);
            begin_block(&blocks[blocks_count++], line);
            row = row_of(blocks[blocks_count - 1].name);
        } else {
            ck_assert_ptr_nonnull(row);
            check_line(&blocks[blocks_count - 1], row, line);
        }
    }
    fclose(file);
}

static const struct block *golden_of(const char *name)
{
    for (int i = 0; i < blocks_count; i++)
        if (strcmp(blocks[i].name, name) == 0)
            return &blocks[i];
    ck_abort_msg("golden.txt has no row '%s'", name);
    return NULL;
}

START_TEST(the_oracle_agrees_with_arbitrary_precision)
{
    const struct block *golden = golden_of(oracle_rows[_i].name);

    for (; golden < blocks + blocks_count && !strcmp(golden->name, oracle_rows[_i].name); golden++)
        for (int d = 0; d < 2; d++) {
            printf("%-16s%-2s %d inputs, worst 2^%.1f at %a\n", golden->name, d ? "'" : "",
                   golden->lines, log2(golden->worst[d]), golden->worst_x[d]);
            ck_assert_int_ge(golden->lines, LINES_MIN);
            ck_assert_msg(golden->worst[d] <= ERROR_MAX, "%s%s at %a: off by 2^%.1f", golden->name,
                          d ? "'" : "", golden->worst_x[d], log2(golden->worst[d]));
        }
}
END_TEST

START_TEST(golden_values_are_there_for_each_elementwise_row_at_its_defaults)
{
    size_t count;
    const struct axon_activation *act = &axon_activation_table(&count)[_i];

    if (act->kind != AXON_ELEMENTWISE)
        return;
    const struct block *golden = golden_of(act->name);

    ck_assert_int_eq(golden->params_count, (int)act->parameters_count);
    for (int k = 0; k < golden->params_count; k++)
        ck_assert_msg((double)act->parameters[k].value == golden->params[k],
                      "%s: %s is %a in activation.def, %a in golden.txt", act->name,
                      act->parameters[k].name, (double)act->parameters[k].value, golden->params[k]);
}
END_TEST

START_TEST(not_a_number_stays_one)
{
    const double params[AXON_PARAMETERS_MAX] = {0.5, 2};

    for (int d = 0; d < 2; d++)
        ck_assert_msg(isnan(oracle_rows[_i].function[d]((double)NAN, params)), "%s%s(NaN)",
                      oracle_rows[_i].name, d ? "'" : "");
}
END_TEST

/* ---- the unit of the last place ---- */

START_TEST(an_ulp_is_the_distance_to_the_next_float)
{
    const float at[] = {1.0f, 0x1.fffffep0f, 3.0f, 1e-30f, FLT_MIN, 0x1p-149f, 0x1.8p-140f, 1e38f};

    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        double next = (double)nextafterf(at[i], INFINITY);

        ck_assert_same(oracle_ulps(at[i], next - (next - (double)at[i]) / 4), 0.75);
        ck_assert_same(oracle_ulps(-at[i], -(double)at[i]), 0);
    }
}
END_TEST

START_TEST(a_missed_infinity_or_nan_is_infinitely_wrong)
{
    ck_assert(isinf(oracle_ulps(INFINITY, 1)) && isinf(oracle_ulps(FLT_MAX, 1e39)));
    ck_assert(isinf(oracle_ulps(NAN, 1)) && isinf(oracle_ulps(1, (double)NAN)));
    ck_assert(isinf(oracle_ulps(-INFINITY, (double)INFINITY)));
    ck_assert_same(oracle_ulps(INFINITY, 1e39), 0);
    ck_assert_same(oracle_ulps(NAN, (double)NAN), 0);
}
END_TEST

/* ---- the fast forms ---- */

static const float odd[] = {0.0f,  -0.0f,     0x1p-149f, -0x1p-149f,   0x1.8p-140f, FLT_MIN,
                            -1.0f, 1.0f,      3.3f,      FLT_MAX,      -FLT_MAX,    INFINITY,
                            NAN,   -INFINITY, 1e-30f,    0x1.fffffep0f};

enum { ODD = sizeof odd / sizeof *odd };

START_TEST(a_judge_without_branches_gives_the_same_ulps)
{
    const double wants[] = {
        0,     -0.0,      0x1p-150,         0x1p-1074,      1.0000001,       1e39,
        -1,    3.3,       (double)FLT_MIN,  0x1p-140,       (double)FLT_MAX, (double)NAN,
        1e-30, -INFINITY, (double)INFINITY, 0x1.fffffefp127};

    for (size_t i = 0; i < ODD; i++)
        for (size_t k = 0; k < sizeof wants / sizeof *wants; k++) {
            struct verdict verdict = {0};
            double ulps = oracle_ulps(odd[i], wants[k]);

            judge(&verdict, &odd[i], &odd[i], &wants[k], 1);
            ck_assert_msg(verdict.worst == ulps, "%a for %a: %a, not %a", (double)odd[i], wants[k],
                          verdict.worst, ulps);
            ck_assert_same(verdict.sum, fmin(ulps, ULPS_WRONG));
            ck_assert(verdict.count == !isnan(odd[i]));
        }
}
END_TEST

START_TEST(verdicts_add_up)
{
    const float x[] = {1, 2, 3, NAN}, y[] = {1, 2, 3, NAN};
    const double want[] = {1, 2 + 0x1p-23, 3 + 0x1p-21, (double)NAN};
    struct verdict a = {0}, b = {0};

    judge(&a, x, y, want, 2);
    judge(&b, x + 2, y + 2, want + 2, 2);
    judge_merge(&a, &b);
    ck_assert_same(a.worst, 2);
    ck_assert_same(a.x, 3);
    ck_assert_same(judge_mean(&a), 2.5 / 3);
}
END_TEST

/* In units of the last place of a float, as it is used. */
static double difference(double got, double want)
{
    if (isnan(want) || fabs(want) > 0x1p128)
        return (float)got == (float)want || (isnan(got) && isnan(want)) ? 0 : (double)INFINITY;
    return fabs(got - want) / fmax(fabs(want), (double)FLT_MIN) * 0x1p24;
}

START_TEST(the_fast_reference_is_the_oracle)
{
    const struct fast *fast = fast_find(oracle_rows[_i].name);
    const struct block *golden = golden_of(oracle_rows[_i].name);
    float x[BATCH];
    double want[BATCH];

    ck_assert_ptr_nonnull(fast);
    for (uint64_t at = 0; at <= UINT32_MAX; at += (uint64_t)BATCH * FAST_STRIDE) {
        for (size_t i = 0; i < BATCH; i++) {
            uint32_t bits = (uint32_t)(at + i * FAST_STRIDE);

            memcpy(&x[i], &bits, sizeof bits);
        }
        memcpy(x, odd, sizeof odd);
        for (int d = 0; d < 2; d++) {
            fast_batch(fast, d, x, want, BATCH, golden->params);
            for (size_t i = 0; i < BATCH; i++) {
                double exact = fast->oracle[d]((double)x[i], golden->params);

                ck_assert_msg(difference(want[i], exact) < DIFFERENCE_MAX, "%s%s at %a: %a, not %a",
                              fast->name, d ? "'" : "", (double)x[i], want[i], exact);
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("oracle");
    TCase *tcase = suite_case(suite, "oracle");
    size_t rows;

    axon_activation_table(&rows);
    tcase_add_unchecked_fixture(tcase, read_golden, NULL);
    tcase_add_loop_test(tcase, the_oracle_agrees_with_arbitrary_precision, 0, ORACLE_ROWS);
    tcase_add_loop_test(tcase, golden_values_are_there_for_each_elementwise_row_at_its_defaults, 0,
                        (int)rows);
    tcase_add_loop_test(tcase, not_a_number_stays_one, 0, ORACLE_ROWS);
    tcase_add_test(tcase, an_ulp_is_the_distance_to_the_next_float);
    tcase_add_test(tcase, a_missed_infinity_or_nan_is_infinitely_wrong);
    tcase_add_test(tcase, a_judge_without_branches_gives_the_same_ulps);
    tcase_add_test(tcase, verdicts_add_up);
    tcase_add_loop_test(tcase, the_fast_reference_is_the_oracle, 0, ORACLE_ROWS);
    return suite_run(suite);
}
