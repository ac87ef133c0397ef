/* test_server_records.c - rows that are objects of features: numbers in the order of the features,
 * whatever the order of the keys and in any pieces, or refused by row and feature. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "body/records.h"
#include "pieces.h"
#include "starve.h"
#include "suite.h"

enum { EXAMPLES = 7 }; /* of pieces_fields: features a, b, c, all of them x */

static const struct envelope_limits limits = {
    .tensor = {.rank_max = 8, .elements_max = 1000}, .depth_max = 16, .tokens_max = 100};

static struct reading reading = {.limits = &limits};
static const struct tensor *const tensor = &reading.fields[EXAMPLES].tensor;

/* In one piece; what comes in pieces must come out alike. */
static enum error_id read_body(const char *body)
{
    size_t len = strlen(body);

    pieces_check(body, len, &limits, NON_FINITE_STRICT);
    pieces_read(&reading, body, len, len, len);
    return reading.error.id;
}

/* Each holds 1, 2, 3 and 4, 5, 6. */
static const char *const whole[] = {
    "{\"examples\":[{\"a\":1,\"b\":2,\"c\":3},{\"a\":4,\"b\":5,\"c\":6}]}",
    "{\"examples\": [ { \"a\" : 1 , \"b\" : [ 2 ] , \"c\" : 3 } , { \"x\" : [ 4 , 5 , 6 ] } ] }",
    "{\"examples\":[{\"c\":3,\"b\":2,\"a\":1},{\"b\":5,\"\\u0061\":[4],\"c\":6}]}",
    "{\"examples\":[{\"x\":[1,2,3]},{\"x\":[4,5,6]}]}",
    "{\"examples\":[{\"x\":[1,2,3]},{\"b\":5,\"c\":6,\"a\":4}]}",
    "{\"examples\":[{\"a\":1,\"d\":\"text\",\"c\":3,\"b\":2},{\"a\":4,\"b\":5,\"c\":6,\"e\":{}}]}",
    "{\"examples\":[{\"d\":{\"a\":[1,{\"x\":[]}],\"b\":null},\"a\":1,\"b\":2,\"c\":3},"
    "{\"x\":[4,5,6],\"d\":[[],{},true,-1e400,\"}\"]}]}",
    "{\"examples\":[{\"a\":null,\"a\":1,\"b\":2,\"c\":3,\"x\":null},{\"a\":4,\"b\":5,\"c\":6}]}",
};

START_TEST(rows_of_features_are_a_matrix_in_their_order)
{
    ck_assert_msg(read_body(whole[_i]) == ERROR_OK, "%s: %s", whole[_i], reading.error.detail);
    ck_assert(reading.fields[EXAMPLES].present && !reading.fields[EXAMPLES].gaps);
    ck_assert(tensor->rank == 2 && tensor->shape[0] == 2 && tensor->shape[1] == 3);
    ck_assert_uint_eq(tensor->count, 6);
    for (size_t i = 0; i < 6; i++)
        ck_assert_msg(tensor->data[i] == (float)(i + 1), "%s: [%zu] %g", whole[_i], i,
                      (double)tensor->data[i]);
    ck_assert(json_is_true(json_object_get(reading.e.json, "examples")));
    envelope_fini(&reading.e);
}
END_TEST

START_TEST(no_rows_are_none)
{
    ck_assert_int_eq(read_body("{\"examples\":[]}"), ERROR_OK);
    ck_assert(tensor->rank == 2 && tensor->shape[0] == 0 && tensor->shape[1] == 3);
    envelope_fini(&reading.e);
}
END_TEST

START_TEST(other_values_than_an_array_are_left_to_the_caller)
{
    static const char *const values[] = {"5", "\"a\"", "{\"a\": 1}", "true", "null"};
    char body[64];

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        snprintf(body, sizeof body, "{\"examples\": %s}", values[i]);
        ck_assert_int_eq(read_body(body), ERROR_OK);
        ck_assert(!reading.fields[EXAMPLES].present);
        ck_assert(!json_is_true(json_object_get(reading.e.json, "examples")) || i == 3);
        envelope_fini(&reading.e);
    }
}
END_TEST

#define EXAMPLE(row)   "{\"examples\":[" row "]}"
#define A_B_C(a, b, c) "{\"a\":" a ",\"b\":" b ",\"c\":" c "}"

static const struct {
    const char *body;
    enum error_id id;
    const char *detail;
} refused[] = {
    {EXAMPLE(A_B_C("1", "2", "3") "," A_B_C("1", "\"two\"", "3")), ERROR_BAD_TENSOR,
     "examples[1].b: expected a number, found a string"},
    {EXAMPLE(A_B_C("1", "true", "3")), ERROR_BAD_TENSOR,
     "examples[0].b: expected a number, found true"},
    {EXAMPLE(A_B_C("1", "NaN", "3")), ERROR_BAD_TENSOR,
     "examples[0].b: NaN is not JSON; ?non_finite=token lets it in"},
    {EXAMPLE(A_B_C("1", "1e39", "3")), ERROR_BAD_TENSOR,
     "examples[0].b: 1e39 is outside the range of float32"},
    {EXAMPLE(A_B_C("1", "01", "3")), ERROR_BAD_JSON, "examples[0].b: malformed number 01"},
    {EXAMPLE(A_B_C("1", "{\"b64\":\"aGk=\"}", "3")), ERROR_BAD_TENSOR,
     "examples[0].b: expected a number, found an object; bytes ({\"b64\": ...}) are not supported, "
     "send numbers"},
    {EXAMPLE(A_B_C("1", "[2,3]", "3")), ERROR_SHAPE_MISMATCH,
     "examples[0].b: 2 values, the model takes 1"},
    {EXAMPLE(A_B_C("1", "[]", "3")), ERROR_SHAPE_MISMATCH,
     "examples[0].b: 0 values, the model takes 1"},
    {EXAMPLE(A_B_C("1", "[[2]]", "3")), ERROR_BAD_TENSOR,
     "examples[0].b[0]: expected a number, found an array"},
    {EXAMPLE("{\"x\":[1,2,3]},{\"x\":[1,2]}"), ERROR_SHAPE_MISMATCH,
     "examples[1].x: 2 values, the model takes 3"},
    {EXAMPLE("{\"x\":1}"), ERROR_SHAPE_MISMATCH, "examples[0].x: 1 value, the model takes 3"},
    {EXAMPLE("{\"x\":[1,2,3]},{\"x\":[1,2,\"3\"]}"), ERROR_BAD_TENSOR,
     "examples[1].x[2]: expected a number, found a string"},
    {EXAMPLE("{\"a\":1,\"b\":2,\"a\":3,\"c\":4}"), ERROR_BAD_FIELD,
     "examples[0]: a value for \"a\" is there twice"},
    {EXAMPLE("{\"c\":1,\"a\":2,\"c\":3}"), ERROR_BAD_FIELD,
     "examples[0]: a value for \"c\" is there twice"},
    {EXAMPLE("{\"b\":1,\"x\":[1,2,3]}"), ERROR_BAD_FIELD,
     "examples[0]: a value for \"x\" is there twice"},
    {EXAMPLE("{\"x\":[1,2,3],\"b\":1}"), ERROR_BAD_FIELD,
     "examples[0]: a value for \"b\" is there twice"},
    {EXAMPLE("[1,2,3]"), ERROR_BAD_TENSOR,
     "examples[0]: expected an object of features, found an array"},
    {EXAMPLE("{},5"), ERROR_BAD_TENSOR, "examples[1]: expected an object of features, found '5'"},
    {EXAMPLE("{},"), ERROR_BAD_JSON, "examples[1]: expected an object of features, found ']'"},
    {EXAMPLE("{} {}"), ERROR_BAD_JSON, "examples[0]: expected ',' or ']', found an object"},
    {EXAMPLE("{a:1}"), ERROR_BAD_JSON, "line 1, column 15: expected a key in quotes, found 'a'"},
    {EXAMPLE("{\"a\" 1}"), ERROR_BAD_JSON, "line 1, column 19: expected ':', found '1'"},
    {EXAMPLE("{\"a\":1,}"), ERROR_BAD_JSON,
     "line 1, column 21: expected a key in quotes, found '}'"},
    {EXAMPLE("{\"a\":1 2}"), ERROR_BAD_JSON, "line 1, column 21: expected ',' or '}', found '2'"},
    {EXAMPLE("{\"a\":nul}"), ERROR_BAD_JSON, "line 1, column 19: expected a value, found 'nul'"},
    {EXAMPLE("{\"z\":[1,}"), ERROR_BAD_JSON, "line 1, column 22: expected a value, found '}'"},
    {EXAMPLE("{\"z\":[1}"), ERROR_BAD_JSON, "line 1, column 21: expected ',' or ']', found '}'"},
    {EXAMPLE("{\"z\":{1:2}}"), ERROR_BAD_JSON,
     "line 1, column 20: expected a key in quotes, found '1'"},
    {EXAMPLE("{\"z\":{\"q\" 2}}"), ERROR_BAD_JSON, "line 1, column 24: expected ':', found '2'"},
    {EXAMPLE("{\"z\":{\"q\":2 3}}"), ERROR_BAD_JSON,
     "line 1, column 26: expected ',' or '}', found '3'"},
    {EXAMPLE("{\"z\":NaN}"), ERROR_BAD_JSON, "line 1, column 19: expected a value, found NaN"},
    {EXAMPLE("{\"z\":[[[[[[[[[[[[[[[[[1"), ERROR_LIMIT_EXCEEDED,
     "line 1, column 35: nested deeper than 16 levels (json_depth_max)"},
    {"{\"examples\":[{\"a\":1", ERROR_BAD_JSON,
     "line 1, column 20: expected ',' or '}', found the end"},
    {"{\"examples\":[{\"a\":1}", ERROR_BAD_JSON, "examples[0]: expected ',' or ']', found the end"},
    {"{\"examples\":[{\"a", ERROR_BAD_JSON, "line 1, column 17: the text ends inside of a string"},
};

START_TEST(what_is_refused_is_named_by_row_and_feature)
{
    ck_assert_msg(read_body(refused[_i].body) == refused[_i].id, "%s: %s", refused[_i].body,
                  reading.error.detail);
    ck_assert_str_eq(reading.error.detail, refused[_i].detail);
}
END_TEST

/* ---- what is missing ---- */

static struct envelope_field two[] = {
    {.path = "context", .objects = ENVELOPE_RECORD, .features = &pieces_features},
    {.path = "rows", .objects = ENVELOPE_EXAMPLES, .features = &pieces_features}};

static enum error_id complete(const char *body, struct envelope *e, struct error *error)
{
    enum error_id id = envelope_read(e, two, 2, body, strlen(body), &limits, NON_FINITE_TOKEN,
                                     error);
    return id ? id : records_complete(&two[1], &two[0], NULL, error);
}

static const struct {
    const char *body;
    const char *detail; /* NULL: the rows are 1, 2, 3 and 4, 5, 6 */
} merged[] = {
    {"{\"rows\":[{\"x\":[1,2,3]},{\"x\":[4,5,6]}]}", NULL},
    {"{\"context\":null,\"rows\":[{\"x\":[1,2,3]},{\"x\":[4,5,6]}]}", NULL},
    {"{\"context\":{},\"rows\":[{\"x\":[1,2,3]},{\"x\":[4,5,6]}]}", NULL},
    {"{\"context\":{\"x\":[7,8,9]},\"rows\":[{\"x\":[1,2,3]},{\"x\":[4,5,6]}]}", NULL},
    {"{\"context\":{\"b\":2},\"rows\":[{\"a\":1,\"c\":3},{\"x\":[4,5,6]}]}", NULL},
    {"{\"rows\":[{\"c\":3,\"a\":1},{\"x\":[4,5,6]}],\"context\":{\"b\":2}}", NULL},
    {"{\"rows\":[{\"c\":3,\"a\":1,\"b\":null},{\"x\":[4,5,6]}],\"context\":{\"b\":2,\"z\":1}}",
     NULL},
    {"{\"rows\":[{},{\"x\":[4,5,6]}],\"context\":{\"x\":[1,2,3]}}", NULL},
    {"{\"rows\":[{\"a\":1},{\"x\":[4,5,6]}],\"context\":{\"c\":3,\"b\":2}}", NULL},
    {"{\"rows\":[{\"x\":[1,2,3]},{\"c\":3,\"a\":1}]}", "rows[1]: no value for \"b\""},
    {"{\"rows\":[{\"x\":[1,2,3]},{\"a\":1,\"b\":2,\"C\":3}]}",
     "rows[1]: no value for \"c\"; \"C\" is none of the model's features"},
    {"{\"rows\":[{}],\"context\":{\"a\":1,\"c\":3}}", "rows[0]: no value for \"b\""},
    {"{\"rows\":[{}]}", "rows[0]: no value for \"a\""},
};

START_TEST(a_value_that_a_row_does_not_give_is_the_context_s)
{
    struct error error = {0};
    struct envelope e;
    enum error_id id = complete(merged[_i].body, &e, &error);

    ck_assert_msg(id == (merged[_i].detail ? ERROR_BAD_FIELD : ERROR_OK), "%s: %s", merged[_i].body,
                  error.detail);
    if (id)
        ck_assert_str_eq(error.detail, merged[_i].detail);
    for (size_t i = 0; i < 6 && !id; i++)
        ck_assert(two[1].tensor.data[i] == (float)(i + 1));
    envelope_fini(&e);
}
END_TEST

/* A NaN that a client sends is a value. */
START_TEST(not_a_number_is_not_missing)
{
    struct error error;
    struct envelope e;

    ck_assert_int_eq(complete("{\"rows\":[{\"b\":NaN,\"z\":[NaN,-Infinity]}],"
                              "\"context\":{\"a\":1,\"b\":2,\"c\":NaN}}",
                              &e, &error),
                     ERROR_OK);
    ck_assert(two[1].tensor.data[0] == 1 && isnan(two[1].tensor.data[1]) &&
              isnan(two[1].tensor.data[2]));
    envelope_fini(&e);
}
END_TEST

/* Where no row may miss one, the first that does ends the reading. */
START_TEST(complete_rows_are_asked_for)
{
    struct envelope_field rows = {
        .path = "rows", .objects = ENVELOPE_RECORDS, .features = &pieces_features};
    static const char body[] = "{\"rows\":[{\"c\":1,\"b\":2,\"a\":3},{\"c\":1,\"a\":2},{}]}";
    struct error error;
    struct envelope e;

    ck_assert_int_eq(
        envelope_read(&e, &rows, 1, body, strlen(body), &limits, NON_FINITE_STRICT, &error),
        ERROR_BAD_FIELD);
    ck_assert_str_eq(error.detail, "rows[1]: no value for \"b\"");
}
END_TEST

/* ---- rows of a prediction ---- */

static const struct {
    const char *body;
    const char *detail; /* NULL: the rows are 1, 2, 3 and 4, 5, 6 */
} predicted[] = {
    {"{\"instances\":[{\"a\":1,\"b\":2,\"c\":3},{\"c\":6,\"a\":[4],\"b\":5}]}", NULL},
    {"{\"instances\":[{\"x\":[1,2,3]},{\"a\":4,\"b\":5,\"c\":6}]}", NULL},
    {"{\"instances\":[[1,2,3],[4,5,6]]}", NULL},
    {"{\"instances\":[{\"a\":1,\"b\":2,\"c\":3,\"d\":4}]}",
     "instances[0]: the model has no input and no column \"d\""},
    {"{\"instances\":[{\"a\":1,\"b\":2}]}", "instances[0]: no value for \"c\""},
    {"{\"instances\":[[1,2,3],{\"x\":[4,5,6]}]}",
     "instances[1]: an object, but instances[0] is none"},
    {"{\"instances\":[{\"x\":[1,2,3]},[4,5,6]]}",
     "instances[1]: expected an object of features, found an array"},
};

/* Whole, and byte by byte. */
START_TEST(rows_of_a_prediction_may_name_their_features)
{
    const char *body = predicted[_i].body, *detail = predicted[_i].detail;
    size_t len = strlen(body);

    for (size_t piece = 1; piece <= len; piece += len - 1) {
        static struct envelope_reader r;
        struct envelope_field rows = {
            .path = "instances", .objects = ENVELOPE_OBJECT_ROWS, .features = &pieces_features};
        struct error error = {0};
        struct envelope e;

        envelope_reader_init(&r, &rows, 1, &limits, NON_FINITE_STRICT, len);
        for (size_t at = 0; at < len; at += piece)
            envelope_feed(&r, body + at, piece < len - at ? piece : len - at);
        ck_assert_int_eq(envelope_finish(&r, &e, &error) != ERROR_OK, detail != NULL);
        if (detail) {
            ck_assert_str_eq(error.detail, detail);
            continue;
        }
        ck_assert(rows.tensor.rank == 2 && rows.tensor.shape[0] == 2 && rows.tensor.shape[1] == 3);
        ck_assert(!rows.member && !rows.gaps);
        for (size_t i = 0; i < 6; i++)
            ck_assert(rows.tensor.data[i] == (float)(i + 1));
        envelope_fini(&e);
    }
}
END_TEST

/* ---- names ---- */

START_TEST(features_without_names_are_numbers)
{
    static const struct envelope_features numbers = {NULL, "pixels", 12};
    struct envelope_field rows = {
        .path = "rows", .objects = ENVELOPE_RECORDS, .features = &numbers};
    char body[400] = "{\"rows\":[{\"12\":0,\"00\":0,\"-1\":0,\"\":0,\"1x\":0,\"4294967296\":0";
    struct error error;
    struct envelope e;
    size_t n = strlen(body);

    for (int i = 11; i >= 0; i--)
        n += (size_t)snprintf(body + n, sizeof body - n, ",\"%d\":%d", i, i);
    n += (size_t)snprintf(body + n, sizeof body - n, "}]}");
    ck_assert_int_eq(envelope_read(&e, &rows, 1, body, n, &limits, NON_FINITE_STRICT, &error),
                     ERROR_OK);
    for (size_t i = 0; i < 12; i++)
        ck_assert(rows.tensor.data[i] == (float)i);
    envelope_fini(&e);
    n = (size_t)snprintf(body, sizeof body, "{\"rows\":[{\"0\":1,\"11\":\"a\"}]}");
    ck_assert_int_eq(envelope_read(&e, &rows, 1, body, n, &limits, NON_FINITE_STRICT, &error),
                     ERROR_BAD_TENSOR);
    ck_assert_str_eq(error.detail, "rows[0].11: expected a number, found a string");
    n = (size_t)snprintf(body, sizeof body, "{\"rows\":[{\"pixel\":1}]}");
    ck_assert_int_eq(envelope_read(&e, &rows, 1, body, n, &limits, NON_FINITE_STRICT, &error),
                     ERROR_BAD_FIELD);
    ck_assert_str_eq(error.detail,
                     "rows[0]: no value for \"pixels\"; \"pixel\" is none of the model's features");
}
END_TEST

/* ---- bounds ---- */

/* The most that a table has: what is none of the features holds no memory and no tokens. */
START_TEST(a_hundred_thousand_columns_cost_what_their_text_costs)
{
    enum { COLUMNS = 100000, BYTES = COLUMNS * 16 };
    char *body = malloc(BYTES);
    static struct envelope_reader r;
    struct envelope_field rows = {
        .path = "rows", .objects = ENVELOPE_RECORDS, .features = &pieces_features};
    struct error error;
    struct envelope e;

    ck_assert_ptr_nonnull(body);
    size_t n = (size_t)snprintf(body, BYTES, "{\"rows\":[{");
    for (int i = 0; i < COLUMNS; i++)
        n += (size_t)snprintf(body + n, BYTES - n, "\"k%d\":%d,", i, i);
    n += (size_t)snprintf(body + n, BYTES - n, "\"c\":3,\"b\":2,\"a\":1}]}");
    envelope_reader_init(&r, &rows, 1, &limits, NON_FINITE_STRICT, n);
    ck_assert_int_eq(envelope_feed(&r, body, n), ERROR_OK);
    ck_assert_uint_lt(envelope_reader_bytes(&r), 4096);
    ck_assert_int_eq(envelope_finish(&r, &e, &error), ERROR_OK);
    ck_assert(rows.tensor.data[2] == 3);
    envelope_fini(&e);
    free(body);
}
END_TEST

/* limits says 1000 elements: 333 rows of three. */
START_TEST(rows_that_say_nothing_hold_what_their_text_holds)
{
    char body[4 * 340] = "{\"examples\":[{}";
    size_t n = strlen(body);

    for (int rows = 1; rows < 334; rows++)
        n += (size_t)snprintf(body + n, sizeof body - n, ",{}");
    snprintf(body + n, sizeof body - n, "]}");
    pieces_read(&reading, body, strlen(body), strlen(body), 1);
    ck_assert_int_eq(reading.error.id, ERROR_LIMIT_EXCEEDED);
    ck_assert_str_eq(reading.error.detail, "examples: more than 1000 elements (elements_max)");
    snprintf(body + n - 3, sizeof body - n, "]}");
    pieces_read(&reading, body, strlen(body), strlen(body), 1);
    ck_assert_int_eq(reading.error.id, ERROR_OK);
    ck_assert_uint_eq(tensor->count, 0);
    ck_assert_uint_eq(tensor->shape[0], 333);
    ck_assert_uint_lt(reading.held_max, 4096);
    envelope_fini(&reading.e);
}
END_TEST

START_TEST(without_memory_reading_fails_as_such_and_leaks_nothing)
{
    static const char body[] = "{\"context\":{\"c\":1,\"b\":2,\"z\":\"text\"},\"rows\":[{\"a\":1},"
                               "{\"b\":2,\"a\":1,\"y\":{\"deep\":[1,2]}},{\"x\":[1,2,3]}]}";
    struct error error;
    long n = 0;

    for (bool done = false; !done;) {
        struct envelope e;
        long before = starve_live;
        starve_countdown = ++n;
        enum error_id id = envelope_read(&e, two, 2, body, sizeof body - 1, &limits,
                                         NON_FINITE_STRICT, &error);
        bool open = id == ERROR_OK;
        id = id ? id : records_complete(&two[1], &two[0], NULL, &error);
        done = starve_countdown > 0 || !STARVE_WORKS;
        starve_countdown = 0;
        if (open)
            envelope_fini(&e);
        long after = starve_live;
        ck_assert_msg(id == (done ? ERROR_OK : ERROR_OUT_OF_MEMORY), "allocation %ld: %s", n,
                      error.detail);
        ck_assert_msg(after == before, "allocation %ld leaks %ld", n, after - before);
    }
    ck_assert(!STARVE_WORKS || n > 10);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rows of features");
    TCase *t = suite_case(s, "bodies");

    tcase_add_loop_test(t, rows_of_features_are_a_matrix_in_their_order, 0,
                        (int)(sizeof whole / sizeof *whole));
    tcase_add_test(t, no_rows_are_none);
    tcase_add_test(t, other_values_than_an_array_are_left_to_the_caller);
    tcase_add_loop_test(t, what_is_refused_is_named_by_row_and_feature, 0,
                        (int)(sizeof refused / sizeof *refused));
    tcase_add_loop_test(t, a_value_that_a_row_does_not_give_is_the_context_s, 0,
                        (int)(sizeof merged / sizeof *merged));
    tcase_add_test(t, not_a_number_is_not_missing);
    tcase_add_test(t, complete_rows_are_asked_for);
    tcase_add_loop_test(t, rows_of_a_prediction_may_name_their_features, 0,
                        (int)(sizeof predicted / sizeof *predicted));
    tcase_add_test(t, features_without_names_are_numbers);
    tcase_add_test(t, a_hundred_thousand_columns_cost_what_their_text_costs);
    tcase_add_test(t, rows_that_say_nothing_hold_what_their_text_holds);
    tcase_add_test(t, without_memory_reading_fails_as_such_and_leaks_nothing);

    return suite_run(s);
}
