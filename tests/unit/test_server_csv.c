/* test_server_csv.c - tables: CSV in pieces of any size, cells as numbers, columns by their names.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "body/cell.h"
#include "body/columns.h"
#include "body/csv.h"
#include "body/series.h"
#include "starve.h"
#include "suite.h"

static const char *const columns[] = {"a", "b", "c d"};
static struct names *names;
static struct envelope_features features, unnamed = {.count = 3};
static struct tensor_limits limits = {.rank_max = 8, .elements_max = 1000};
static struct envelope_field field;
static struct error error;

static void start(void)
{
    names = names_create(columns, 3);
    features = (struct envelope_features){.names = names, .count = 3};
}

static void stop(void)
{
    names_destroy(names);
}

/* In pieces of so many bytes, each flush against its end. */
static enum error_id read_pieces(const struct envelope_features *of, const char *text, size_t len,
                                 size_t piece, enum non_finite policy)
{
    struct csv_reader r;

    error = (struct error){0};
    csv_init(&r, &field, of, &limits, policy);
    for (size_t at = 0; at < len; at += piece) {
        size_t n = piece < len - at ? piece : len - at;
        char *bytes = malloc(n);

        memcpy(bytes, text + at, n);
        csv_feed(&r, bytes, n);
        free(bytes);
    }
    return csv_finish(&r, &error);
}

static const struct {
    const char *text;
    size_t rows;
    float values[6];
} good[] = {
    {"a,b,c d\n1,2,3\n", 1, {1, 2, 3}},
    {"a,b,c d\n1,2,3", 1, {1, 2, 3}},
    {"a,b,c d\r\n1,2,3\r\n4,5,6\r\n", 2, {1, 2, 3, 4, 5, 6}},
    {"a,b,c d\r1,2,3\r4,5,6\r", 2, {1, 2, 3, 4, 5, 6}},
    {"\xef\xbb\xbf"
     "a,b,c d\n1,2,3\n",
     1,
     {1, 2, 3}},
    {"\n\r\n\na,b,c d\n\n\n1,2,3\n\n", 1, {1, 2, 3}},
    {"\"a\",\"b\",\"c d\"\n\"1\",\"2\",\"3\"\n", 1, {1, 2, 3}},
    {"c d,b,a\n3,2,1\n6,5,4\n", 2, {1, 2, 3, 4, 5, 6}},
    {",a,b,c d\n0,1,2,3\nrow,4,5,6\n", 2, {1, 2, 3, 4, 5, 6}},
    {"x,c d,y,a,b,z\ntext,3,\"q\"\"\n,\",1,2,\n", 1, {1, 2, 3}},
    {"0,1,2\n1,2,3\n", 1, {1, 2, 3}},
    {",0,1,2\n7,1,2,3\n", 1, {1, 2, 3}},
    {"a,b,c d\n1e3,-0.5,+.5\n 7 ,5.,-.25e1\n", 2, {1000, -0.5F, 0.5F, 7, 5, -2.5F}},
    {"a,b,c d\nTrue,False,true\n", 1, {1, 0, 1}},
    {"a,b,c d\n", 0, {0}},
    {"a,b,c d", 0, {0}},
};

START_TEST(rows_are_the_same_however_the_text_is_cut)
{
    static const size_t pieces[] = {1, 2, 3, 7, 1000};

    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        ck_assert_msg(read_pieces(&features, good[_i].text, strlen(good[_i].text), pieces[p],
                                  NON_FINITE_STRICT) == ERROR_OK,
                      "%s", error.detail);
        ck_assert(field.present);
        ck_assert_uint_eq(field.tensor.rank, 2);
        ck_assert_uint_eq(field.tensor.shape[0], good[_i].rows);
        ck_assert_uint_eq(field.tensor.shape[1], 3);
        if (good[_i].rows > 0)
            ck_assert_mem_eq(field.tensor.data, good[_i].values, good[_i].rows * 3 * sizeof(float));
        tensor_fini(&field.tensor);
    }
}
END_TEST

static const struct {
    const char *text, *message;
} bad[] = {
    {"", "expected a header line"},
    {"\n\n", "expected a header line"},
    {"a,b\n1,2\n", "line 1: the column \"c d\" is missing"},
    {"a,b,C D\n1,2,3\n", "line 1: the column \"c d\" is missing; \"C D\" is none"},
    {"a,b,b,c d\n1,2,2,3\n", "line 1: the column \"b\" is there twice"},
    {"1,2,3\n4,5,6\n", "line 1: expected a header"},
    {"0,1\n4,5\n", "line 1: 2 columns, the model takes 3"},
    {"a,b,c d\n1,2\n", "line 2: 2 cells, the header has 3"},
    {"a,b,c d\n1\n", "line 2: 1 cell, the header has 3"},
    {"a,b,c d\n1,2,3,4\n", "line 2: more than 3 cells"},
    {"a,b,c d\n1,2,3,\n", "line 2: more than 3 cells"},
    {"a,b,c d\n1,2,3\n\n4,much,6\n",
     "line 4 (row 1), column \"b\": expected a number, found \"much\""},
    {"a,b,c d\n1,,3\n", "line 2 (row 0), column \"b\": expected a number, found no value"},
    {"a,b,c d\n1,NaN,3\n", "line 2 (row 0), column \"b\": expected a number, found no value"},
    {"a,b,c d\n1,2,inf\n", "line 2 (row 0), column \"c d\": expected a number, found \"inf\""},
    {"a,b,c d\n1,2,1e400\n", "line 2 (row 0), column \"c d\": expected a number, found \"1e400\""},
    {"a,b,c d\n0x10,2,3\n", "line 2 (row 0), column \"a\": expected a number"},
    {"a,b,c d\n.,2,3\n", "line 2 (row 0), column \"a\": expected a number"},
    {"a,b,c d\n1 2,2,3\n", "line 2 (row 0), column \"a\": expected a number"},
    {"a,b,c d\n1,\"2\"3,4\n",
     "line 2: column 1: expected a comma or the line's end after the quote"},
    {"a,b,c d\n1,\"2", "line 2: column 1: its quotes do not end"},
    {"x,a,b,c d\n\"\n\n\",1,2,much\n", "line 4 (row 0), column \"c d\""},
};

START_TEST(mistakes_are_told_by_line_and_column)
{
    static const size_t pieces[] = {1, 5, 1000};
    const char *want = bad[_i].message;

    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        ck_assert_int_ne(read_pieces(&features, bad[_i].text, strlen(bad[_i].text), pieces[p],
                                     NON_FINITE_STRICT),
                         ERROR_OK);
        ck_assert_msg(strncmp(error.detail, want, strlen(want)) == 0, "%s", error.detail);
        ck_assert_ptr_null(field.tensor.data);
    }
}
END_TEST

START_TEST(missing_values_are_let_in_where_asked)
{
    static const char text[] = "a,b,c d\n,NaN,NA\ninf,-inf,null\n";

    ck_assert_int_eq(read_pieces(&features, text, strlen(text), 4, NON_FINITE_TOKEN), ERROR_OK);
    for (size_t i = 0; i < 6; i++)
        ck_assert(i == 3 || i == 4 ? isinf(field.tensor.data[i]) : isnan(field.tensor.data[i]));
    tensor_fini(&field.tensor);
}
END_TEST

START_TEST(without_names_columns_are_taken_in_order)
{
    ck_assert_int_eq(read_pieces(&unnamed, "x,y,z\n1,2,3\n", 12, 4, NON_FINITE_STRICT), ERROR_OK);
    ck_assert(field.tensor.data[2] == 3);
    tensor_fini(&field.tensor);
    ck_assert_int_eq(read_pieces(&unnamed, "x,y\n1,2\n", 8, 4, NON_FINITE_STRICT),
                     ERROR_SHAPE_MISMATCH);
    ck_assert_str_eq(error.detail, "line 1: 2 columns, the model takes 3");
    ck_assert_int_eq(read_pieces(&unnamed, "x,y,x\n1,2,3\n", 12, 4, NON_FINITE_STRICT),
                     ERROR_BAD_FIELD);
    ck_assert_int_eq(read_pieces(&unnamed, "0,2,9\n1,2,3\n", 12, 4, NON_FINITE_STRICT),
                     ERROR_BAD_FIELD);
    ck_assert_ptr_nonnull(strstr(error.detail, "expected a header"));
}
END_TEST

START_TEST(what_is_kept_is_bounded)
{
    enum { LONG = 100000 };
    char *text = malloc(2 * LONG);
    size_t n;

    /* an ignored cell may be as long as it likes, a wanted one may not */
    n = (size_t)snprintf(text, 2 * LONG, "x,a,b,c d\n\"");
    memset(text + n, 'y', LONG);
    n += LONG;
    n += (size_t)snprintf(text + n, 2 * LONG - n, "\",1,2,3\n");
    ck_assert_int_eq(read_pieces(&features, text, n, 1000, NON_FINITE_STRICT), ERROR_OK);
    tensor_fini(&field.tensor);
    for (size_t piece = 1000; piece <= n; piece = piece == n ? n + 1 : n) {
        ck_assert_int_eq(read_pieces(&features, text + 10, n - 10, piece, NON_FINITE_STRICT),
                         ERROR_LIMIT_EXCEEDED);
        ck_assert_ptr_nonnull(strstr(error.detail, "a cell of more than 4096 bytes"));
    }
    /* so are rows */
    n = (size_t)snprintf(text, 2 * LONG, "a,b,c d\n");
    for (size_t i = 0; i < 334; i++)
        n += (size_t)snprintf(text + n, 2 * LONG - n, "1,2,3\n");
    ck_assert_int_eq(read_pieces(&features, text, n, 1000, NON_FINITE_STRICT),
                     ERROR_LIMIT_EXCEEDED);
    ck_assert_ptr_nonnull(strstr(error.detail, "line 335: more than 1000 elements (elements_max)"));
    /* and 100,000 columns are looked at in one go */
    n = 0;
    for (size_t i = 0; i < LONG / 10; i++)
        n += (size_t)snprintf(text + n, 2 * LONG - n, "%zu,", i + 1);
    n += (size_t)snprintf(text + n, 2 * LONG - n, "a\n");
    ck_assert_int_eq(read_pieces(&features, text, n, 1000, NON_FINITE_STRICT), ERROR_BAD_FIELD);
    ck_assert_ptr_nonnull(strstr(error.detail, "the column \"b\" is missing"));
    memset(text, ',', 2 * LONG);
    ck_assert_int_eq(read_pieces(&features, text, 2 * LONG, 1000, NON_FINITE_STRICT),
                     ERROR_LIMIT_EXCEEDED);
    ck_assert_str_eq(error.detail, "line 1: more than 131072 columns");
    free(text);
}
END_TEST

/* Each allocation in turn fails: that is told, and nothing is left. */
START_TEST(without_memory_nothing_is_left)
{
    static const char text[] = ",\"c d\",x,b,a\n0,3,t,2,1\n1,6,t,5,4\n";
    bool done = false;

    for (long n = 0; !done;) {
        long before = starve_live;
        struct csv_reader r;
        enum error_id id;

        starve_countdown = ++n;
        csv_init(&r, &field, &features, &limits, NON_FINITE_STRICT);
        for (size_t i = 0; i < strlen(text); i += 3)
            csv_feed(&r, text + i, strlen(text) - i < 3 ? strlen(text) - i : 3);
        id = csv_finish(&r, &error);
        done = starve_countdown > 0 || !STARVE_WORKS;
        starve_countdown = 0;
        ck_assert_int_eq(id, done ? ERROR_OK : ERROR_OUT_OF_MEMORY);
        tensor_fini(&field.tensor);
        ck_assert_int_eq(starve_live, before);
    }
}
END_TEST

/* The same of objects of columns, up to their rows. */
START_TEST(columns_without_memory_leave_nothing)
{
    static const char text[] =
        "{\"inputs\": {\"b\": [2, 5], \"z\": 1, \"a\": [1, 4], \"c d\": [3, 6]}}";
    static const struct envelope_limits all = {
        .tensor = {.rank_max = 8, .elements_max = 1000}, .depth_max = 64, .tokens_max = 1000};
    bool done = false;

    features.all = "x";
    for (long n = 0; !done;) {
        long before = starve_live;
        struct envelope e = {NULL};
        enum error_id id;

        field = (struct envelope_field){
            .path = "inputs", .objects = ENVELOPE_OBJECT_OR_LIST, .features = &features};
        starve_countdown = ++n;
        id = envelope_read(&e, &field, 1, text, strlen(text), &all, NON_FINITE_STRICT, &error);
        if (id == ERROR_OK)
            id = series_complete(&field, NULL, &error);
        done = starve_countdown > 0 || !STARVE_WORKS;
        starve_countdown = 0;
        ck_assert_int_eq(id, done ? ERROR_OK : ERROR_OUT_OF_MEMORY);
        if (done)
            ck_assert_mem_eq(field.tensor.data, ((const float[]){1, 2, 3, 4, 5, 6}),
                             6 * sizeof(float));
        envelope_fini(&e);
        ck_assert_int_eq(starve_live, before);
    }
}
END_TEST

/* ---- a table that came whole ---- */

static enum error_id match(const char *const *given, size_t count, uint32_t *feature_of)
{
    error = (struct error){0};
    return columns_match(&features, given, count, "here", feature_of, &error);
}

START_TEST(names_that_are_numbers_mean_the_order_unless_they_are_names)
{
    static const char *const digits[] = {"1", "0", "2"};
    struct names *own = names_create(digits, 3);
    const struct envelope_features of = {.names = own, .count = 3};
    uint32_t feature_of[3];

    ck_assert_int_eq(match((const char *const[]){"0", "1", "2"}, 3, feature_of), ERROR_OK);
    ck_assert_uint_eq(feature_of[1], 1);
    ck_assert_int_eq(match((const char *const[]){"0", "1"}, 2, feature_of), ERROR_SHAPE_MISMATCH);
    ck_assert_int_eq(
        columns_match(&of, (const char *const[]){"0", "1", "2"}, 3, "here", feature_of, &error),
        ERROR_OK);
    ck_assert_uint_eq(feature_of[0], 1);
    ck_assert_uint_eq(feature_of[1], 0);
    names_destroy(own);
}
END_TEST

START_TEST(selected_columns_stand_in_the_order_of_the_features)
{
    float given[] = {3, 0, 1, 2, 6, 0, 4, 5};
    const float want[] = {1, 2, 3, 4, 5, 6};
    const char *const names_given[] = {"c d", "x", "a", "b"};
    uint32_t feature_of[4];

    given[1] = given[5] = cell_of_json('"');
    field = (struct envelope_field){.path = "data"};
    field.tensor = (struct tensor){.data = given, .rank = 2, .shape = {2, 4}, .count = 8, .cap = 8};
    ck_assert_int_eq(match(names_given, 4, feature_of), ERROR_OK);
    ck_assert_int_eq(columns_select(&field, &(struct columns){3, feature_of, names_given},
                                    NON_FINITE_STRICT, &error),
                     ERROR_OK);
    ck_assert_uint_eq(field.tensor.count, 6);
    ck_assert_uint_eq(field.tensor.shape[1], 3);
    ck_assert_mem_eq(given, want, sizeof want);
}
END_TEST

START_TEST(marks_are_told_by_their_kind)
{
    static const struct {
        char first;
        const char *name;
    } kinds[] = {{'"', "a string"}, {'[', "an array"}, {'{', "an object"}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ck_assert(cell_is_other(cell_of_json(kinds[i].first)));
        ck_assert_str_eq(cell_name(cell_of_json(kinds[i].first)), kinds[i].name);
    }
    ck_assert(!cell_is_other(NAN));
    ck_assert(!cell_is_other(cell_of_json('n')));
    ck_assert_str_eq(cell_name(cell_of_json('n')), "no value");
    ck_assert(cell_of_json('t') == 1);
    ck_assert(cell_of_json('f') == 0);
}
END_TEST

/* A long text, of which the rows are taken out as they come. */
START_TEST(rows_that_are_taken_are_all_rows_and_errors_still_count_them)
{
    enum { ROWS = 100 };
    char text[ROWS * 16 + 16] = "";
    float x[3 * ROWS] = {0}, *at = x;
    struct csv_reader r;
    size_t len = 0, taken = 0;

    for (size_t i = 0; i < ROWS; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%zu,1,2\n", i);
    len += (size_t)snprintf(text + len, sizeof text - len, "3,x,4\n");
    error = (struct error){0};
    csv_init(&r, &field, &features, &limits, NON_FINITE_STRICT);
    ck_assert_int_eq(csv_without_header(&r), ERROR_OK);
    for (size_t i = 0; i < len && csv_feed(&r, text + i, 1) == ERROR_OK; i++) {
        size_t some = csv_take(&r, at, 1 + i % 2);

        at += 3 * some;
        taken += some;
        ck_assert_uint_le(field.tensor.cap, 3 * 16);
    }
    ck_assert_uint_eq(taken, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert(x[3 * i] == (float)i && x[3 * i + 1] == 1 && x[3 * i + 2] == 2);
    ck_assert_int_eq(csv_finish(&r, &error), ERROR_BAD_TENSOR);
    ck_assert_str_eq(error.detail,
                     "line 101 (row 100), column \"1\": expected a number, found \"x\"");
}
END_TEST

START_TEST(the_last_row_may_lack_its_line_end_and_is_taken_after_the_end)
{
    static const char text[] = "1,2,3\n4,5,6";
    struct csv_reader r;
    float x[6] = {0};

    error = (struct error){0};
    csv_init(&r, &field, &features, &limits, NON_FINITE_STRICT);
    ck_assert_int_eq(csv_without_header(&r), ERROR_OK);
    ck_assert_int_eq(csv_feed(&r, text, strlen(text)), ERROR_OK);
    ck_assert_uint_eq(csv_take(&r, x, 5), 1);
    ck_assert_uint_eq(csv_take(&r, x + 3, 5), 0);
    ck_assert_int_eq(csv_finish(&r, &error), ERROR_OK);
    ck_assert_uint_eq(csv_take(&r, x + 3, 5), 1);
    ck_assert(x[0] == 1 && x[3] == 4 && x[5] == 6);
    tensor_fini(&field.tensor);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tables");
    TCase *tc = suite_case(suite, "tables");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, rows_are_the_same_however_the_text_is_cut, 0,
                        sizeof good / sizeof *good);
    tcase_add_loop_test(tc, mistakes_are_told_by_line_and_column, 0, sizeof bad / sizeof *bad);
    tcase_add_test(tc, missing_values_are_let_in_where_asked);
    tcase_add_test(tc, without_names_columns_are_taken_in_order);
    tcase_add_test(tc, what_is_kept_is_bounded);
    tcase_add_test(tc, without_memory_nothing_is_left);
    tcase_add_test(tc, columns_without_memory_leave_nothing);
    tcase_add_test(tc, names_that_are_numbers_mean_the_order_unless_they_are_names);
    tcase_add_test(tc, selected_columns_stand_in_the_order_of_the_features);
    tcase_add_test(tc, marks_are_told_by_their_kind);
    tcase_add_test(tc, rows_that_are_taken_are_all_rows_and_errors_still_count_them);
    tcase_add_test(tc, the_last_row_may_lack_its_line_end_and_is_taken_after_the_end);
    return suite_run(suite);
}
