/* test_server_rows.c - objects with one key in the place of rows, or of a whole tensor: read as the
 * plain forms are, in any pieces, or refused by their place. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include "pieces.h"
#include "suite.h"

enum { INSTANCES = 2, INPUTS }; /* of pieces_fields */

static const struct envelope_limits limits = {
    .tensor = {.rank_max = 8, .elements_max = 1000}, .depth_max = 16, .tokens_max = 100};

static struct reading reading = {.limits = &limits};

/* In one piece; what comes in pieces must come out alike. */
static enum error_id read_body(const char *body)
{
    size_t len = strlen(body);

    pieces_check(body, len, &limits, NON_FINITE_STRICT);
    pieces_read(&reading, body, len, len, len);
    return reading.error.id;
}

static const struct {
    const char *body, *member;
    size_t rank, shape[3];
} named[] = {
    {"{\"instances\":[{\"x\":[1,2]},{\"x\":[3,4]}]}", "x", 2, {2, 2}},
    {"{\"instances\": [ { \"x\" : [ 1 , 2 ] } , { \"\\u0078\" : [ 3 , 4 ] } ] }", "x", 2, {2, 2}},
    {"{\"instances\":[{\"\":1},{\"\":2},{\"\":3},{\"\":4}]}", "", 1, {4}},
    {"{\"instances\":[{\"x\":[[1],[2]]},{\"x\":[[3],[4]]}]}", "x", 3, {2, 2, 1}},
    {"{\"instances\":[1,2,3,4]}", NULL, 1, {4}},
    {"{\"instances\":[]}", NULL, 1, {0}},
    {"{\"instances\":[{\"x\":[]},{\"x\":[]}]}", "x", 2, {2, 0}},
    {"{\"inputs\":{\"pixels\":[[1,2],[3,4]]}}", "pixels", 2, {2, 2}},
    {"{\"inputs\":{\"pixels\":[1,2,3,4]},\"top_k\":1}", "pixels", 1, {4}},
    {"{\"inputs\":{\"pixels\":[]}}", "pixels", 1, {0}},
    {"{\"inputs\":{\"pixels\":1}}", "pixels", 0, {0}},
    {"{\"inputs\":[[1,2],[3,4]]}", NULL, 2, {2, 2}},
};

START_TEST(an_object_with_one_key_may_stand_for_a_row)
{
    const struct envelope_field *fields = reading.fields;

    ck_assert_msg(read_body(named[_i].body) == ERROR_OK, "%s: %s", named[_i].body,
                  reading.error.detail);
    const struct envelope_field *field = &fields[fields[INPUTS].present ? INPUTS : INSTANCES];
    ck_assert(field->present && field->tensor.rank == named[_i].rank);
    for (size_t i = 0; i < named[_i].rank; i++)
        ck_assert_uint_eq(field->tensor.shape[i], named[_i].shape[i]);
    for (size_t i = 0; i < field->tensor.count; i++)
        ck_assert(field->tensor.data[i] == (float)(i + 1));
    ck_assert(!field->member == !named[_i].member);
    ck_assert(!field->member || strcmp(field->member, named[_i].member) == 0);
    envelope_fini(&reading.e);
    ck_assert_ptr_null(field->member);
}
END_TEST

/* limits says 100 tokens, and 1000 elements. */
START_TEST(rows_in_objects_are_no_tokens_and_hold_no_memory)
{
    char body[20000] = "{\"instances\":[";
    static struct envelope_reader r;
    struct envelope_field fields[PIECES_FIELDS];
    struct error error;
    struct envelope e;
    size_t n = strlen(body);

    for (int i = 0; i < 500; i++)
        n += (size_t)snprintf(body + n, sizeof body - n, "%s{\"a name of a column\":[%d,1]}",
                              i ? "," : "", i);
    memcpy(fields, pieces_fields, sizeof fields);
    envelope_reader_init(&r, fields, PIECES_FIELDS, &limits, NON_FINITE_STRICT, WINDOW_UNKNOWN);
    ck_assert_int_eq(envelope_feed(&r, body, n), ERROR_OK);
    /* twice the numbers, and the one name */
    ck_assert_uint_lt(envelope_reader_bytes(&r), 2 * 1000 * sizeof(float) + 2000);
    ck_assert_int_eq(envelope_feed(&r, "]}", 2), ERROR_OK);
    ck_assert_int_eq(envelope_finish(&r, &e, &error), ERROR_OK);
    ck_assert_uint_eq(fields[INSTANCES].tensor.shape[0], 500);
    ck_assert(fields[INSTANCES].tensor.data[998] == 499);
    envelope_fini(&e);
}
END_TEST

#define BYTES "; bytes ({\"b64\": ...}) are not supported, send numbers"

static const struct {
    const char *body;
    enum error_id id;
    const char *detail;
} refused[] = {
    {"{\"instances\":[{\"x\":[1]},{\"y\":[2]}]}", ERROR_BAD_FIELD,
     "instances[1]: the key \"y\", instances[0] has \"x\""},
    {"{\"instances\":[{\"x\":[1],\"y\":[2]}]}", ERROR_BAD_FIELD,
     "instances[0]: the key \"y\" beside \"x\", expected one key, the input's name"},
    {"{\"instances\":[{\"x\":[1],\"x\":[2]}]}", ERROR_BAD_FIELD,
     "instances[0]: the key \"x\" beside \"x\", expected one key, the input's name"},
    {"{\"instances\":[{\"x\":[1]},{}]}", ERROR_BAD_FIELD,
     "instances[1]: an object without a key, expected the input's name"},
    {"{\"inputs\":{}}", ERROR_BAD_FIELD,
     "inputs: an object without a key, expected the input's name"},
    {"{\"inputs\":{\"x\":[1,2],\"y\":3}}", ERROR_BAD_FIELD,
     "inputs: the key \"y\" beside \"x\", expected one key, the input's name"},
    {"{\"instances\":[{\"x\":[1]},[2]]}", ERROR_BAD_TENSOR,
     "instances[1]: no object, but instances[0] is one"},
    {"{\"instances\":[{\"x\":1},2,3]}", ERROR_BAD_TENSOR,
     "instances[1]: no object, but instances[0] is one"},
    {"{\"instances\":[1,2,{\"x\":3}]}", ERROR_BAD_TENSOR,
     "instances[2]: an object, but instances[0] is none"},
    {"{\"instances\":[[1],{\"x\":[3]}]}", ERROR_BAD_TENSOR,
     "instances[1]: an object, but instances[0] is none"},
    {"{\"instances\":[{\"x\":[1,2]},{\"x\":[3]}]}", ERROR_BAD_TENSOR,
     "instances[1].x: 1 value, instances[0].x has 2"},
    {"{\"instances\":[{\"x\":[1,2]},{\"x\":[3,\"a\"]}]}", ERROR_BAD_TENSOR,
     "instances[1].x[1]: expected a number, found a string"},
    {"{\"instances\":[{\"x\":null}]}", ERROR_BAD_TENSOR,
     "instances[0].x: expected a number, found null"},
    {"{\"instances\":[{\"x\":{\"b64\":1}}]}", ERROR_BAD_TENSOR,
     "instances[0].x: expected a number, found an object" BYTES},
    {"{\"instances\":[{\"b64\":\"aGk=\"}]}", ERROR_BAD_TENSOR,
     "instances[0].b64: expected a number, found a string" BYTES},
    {"{\"inputs\":{\"x\":{\"b64\":\"aGk=\"}}}", ERROR_BAD_TENSOR,
     "inputs.x: expected a number, found an object" BYTES},
    {"{\"instances\":[[{\"x\":1}]]}", ERROR_BAD_TENSOR,
     "instances[0][0]: expected a number, found an object" BYTES},
    {"{\"inputs\":[{\"x\":1}]}", ERROR_BAD_TENSOR,
     "inputs[0]: expected a number, found an object" BYTES},
    {"{\"instances\":[{\"x\":1 2}]}", ERROR_BAD_JSON,
     "line 1, column 22: expected ',' or '}', found '2'"},
    {"{\"instances\":[{\"x\" 1}]}", ERROR_BAD_JSON, "line 1, column 20: expected ':', found '1'"},
    {"{\"instances\":[{x:1}]}", ERROR_BAD_JSON,
     "line 1, column 16: expected a key in quotes, found 'x'"},
    {"{\"instances\":[{\"x\":1,}]}", ERROR_BAD_JSON,
     "line 1, column 22: expected a key in quotes, found '}'"},
    {"{\"instances\":[{\"x\":[1]", ERROR_BAD_JSON,
     "line 1, column 23: expected ',' or '}', found the end"},
    {"{\"instances\":[{\"x\":[1]}", ERROR_BAD_JSON,
     "instances[0]: expected ',' or ']', found the end"},
    {"{\"instances\":[{\"x", ERROR_BAD_JSON, "line 1, column 18: the text ends inside of a string"},
};

START_TEST(no_key_is_kept_that_no_input_can_have)
{
    char body[600], want[200];

    for (int length = 255; length <= 258; length++) {
        snprintf(body, sizeof body, "{\"instances\":[{\"%0*d\":1},{\"%0*d\":1}]}", length, 0,
                 length, 0);
        enum error_id id = read_body(body);
        ck_assert_int_eq(id, length <= 256 ? ERROR_OK : ERROR_BAD_FIELD);
        snprintf(want, sizeof want,
                 "instances[0]: the key \"%060d...\" has %d bytes, an input's name at most 256", 0,
                 length);
        if (id)
            ck_assert_str_eq(reading.error.detail, want);
        envelope_fini(&reading.e);
    }
}
END_TEST

START_TEST(what_is_refused_is_named_by_its_place)
{
    ck_assert_int_eq(read_body(refused[_i].body), refused[_i].id);
    ck_assert_str_eq(reading.error.detail, refused[_i].detail);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rows in objects");
    TCase *t = suite_case(s, "bodies");

    tcase_add_loop_test(t, an_object_with_one_key_may_stand_for_a_row, 0,
                        (int)(sizeof named / sizeof *named));
    tcase_add_test(t, no_key_is_kept_that_no_input_can_have);
    tcase_add_test(t, rows_in_objects_are_no_tokens_and_hold_no_memory);
    tcase_add_loop_test(t, what_is_refused_is_named_by_its_place, 0,
                        (int)(sizeof refused / sizeof *refused));

    return suite_run(s);
}
