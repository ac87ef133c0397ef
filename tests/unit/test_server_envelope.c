/* test_server_envelope.c - request bodies: tensors decoded in place, the rest as jansson would have
 * it, budgets, places in messages, and that nothing crashes or leaks. */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "body/envelope.h"
#include "pieces.h"
#include "random_below.h"
#include "starve.h"
#include "text.h"
#include "suite.h"

enum { DATA, UPSTREAM, INSTANCES, INPUTS, FIELDS };

static const struct envelope_limits limits = {
    .tensor = {.rank_max = 8, .elements_max = 1000}, .depth_max = 16, .tokens_max = 100};

static struct error error;
static struct envelope_field fields[FIELDS] = {
    [DATA] = {.path = "data"},
    [UPSTREAM] = {.path = "upstream"},
    [INSTANCES] = {.path = "instances", .objects = ENVELOPE_OBJECT_ROWS},
    [INPUTS] = {.path = "inputs", .objects = ENVELOPE_OBJECT},
};

/* In one piece; what comes in pieces must come out alike. */
static enum error_id read_bytes(struct envelope *e, const char *body, size_t len)
{
    enum { CUT_EVERYWHERE_MAX = 1000 };
    struct text text = text_create(body, len);
    if (len <= CUT_EVERYWHERE_MAX)
        pieces_check(body, len, &limits, NON_FINITE_STRICT);
    enum error_id id = envelope_read(e, fields, FIELDS, text.data, len, &limits, NON_FINITE_STRICT,
                                     &error);
    text_destroy(&text);
    return id;
}

static enum error_id read_body(struct envelope *e, const char *body)
{
    return read_bytes(e, body, strlen(body));
}

START_TEST(tensors_are_decoded_and_the_rest_is_json)
{
    struct envelope e;

    ck_assert_int_eq(read_body(&e, " {\"axis\": -1, \"data\": [[1,2],[3,4.5]],\n\"upstream\":7,"
                                   "\"parameters\": {\"alpha\": 0.25, \"data\": [1, \"x\"]}} \n"),
                     ERROR_OK);
    ck_assert(fields[DATA].present && fields[UPSTREAM].present);
    ck_assert(fields[0].tensor.rank == 2 && fields[0].tensor.count == 4);
    ck_assert(fields[0].tensor.data[3] == 4.5f);
    ck_assert(fields[1].tensor.rank == 0 && fields[1].tensor.data[0] == 7.0f);
    ck_assert_int_eq(json_integer_value(json_object_get(e.json, "axis")), -1);
    ck_assert(json_is_true(json_object_get(e.json, "data")));
    const json_t *parameters = json_object_get(e.json, "parameters");
    ck_assert(json_is_real(json_object_get(parameters, "alpha")));
    ck_assert_uint_eq(json_array_size(json_object_get(parameters, "data")), 2);
    envelope_fini(&e);
    ck_assert(!e.json && !fields[0].present && !fields[0].tensor.data);
    envelope_fini(&e);
}
END_TEST

START_TEST(a_key_with_escapes_is_the_plain_key)
{
    struct envelope e;

    ck_assert_int_eq(read_body(&e, "{\"d\\u0061t\\u0061\": [1]}"), ERROR_OK);
    ck_assert(fields[0].present && fields[0].tensor.count == 1);
    envelope_fini(&e);
    ck_assert_int_eq(read_body(&e, "{\"data\": [1], \"dat\\u0061\": [2]}"), ERROR_BAD_FIELD);
    ck_assert_str_eq(error.detail, "line 1, column 15: the key \"data\" is there twice");
}
END_TEST

START_TEST(what_does_not_begin_like_a_tensor_is_left_to_the_caller)
{
    static const char *const values[] = {"\"x\"", "{\"a\": 1}", "null", "true", "false"};

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct envelope e;
        char body[64];
        snprintf(body, sizeof body, "{\"data\": %s}", values[i]);
        ck_assert_int_eq(read_body(&e, body), ERROR_OK);
        json_t *want = json_loads(values[i], JSON_DECODE_ANY, NULL);
        ck_assert(!fields[0].present);
        ck_assert(json_equal(json_object_get(e.json, "data"), want));
        json_decref(want);
        envelope_fini(&e);
    }
}
END_TEST

static const struct {
    const char *body;
    enum error_id id;
    const char *detail;
} refused[] = {
    {"", ERROR_BAD_JSON, "line 1, column 1: expected a JSON object, found the end"},
    {" \n ", ERROR_BAD_JSON, "line 2, column 2: expected a JSON object, found the end"},
    {"[1,2]", ERROR_BAD_FIELD, "line 1, column 1: expected a JSON object, found an array"},
    {"null", ERROR_BAD_FIELD, "line 1, column 1: expected a JSON object, found null"},
    {" 5", ERROR_BAD_FIELD, "line 1, column 2: expected a JSON object, found '5'"},
    {"-1e-5", ERROR_BAD_FIELD, "line 1, column 1: expected a JSON object, found '-1e-5'"},
    {"\"\"", ERROR_BAD_FIELD, "line 1, column 1: expected a JSON object, found a string"},
    {"nulls", ERROR_BAD_JSON, "line 1, column 1: expected a JSON object, found 'nulls'"},
    {"5x", ERROR_BAD_JSON, "line 1, column 1: expected a JSON object, found '5x'"},
    {"NaN", ERROR_BAD_JSON, "line 1, column 1: expected a JSON object, found NaN"},
    {"=", ERROR_BAD_JSON, "line 1, column 1: expected a JSON object, found '='"},
    {"\xef\xbb", ERROR_BAD_JSON, "line 1, column 1: expected a JSON object, found byte 0xef"},
    {"\xef\xbb{}", ERROR_BAD_JSON, "line 1, column 1: expected a JSON object, found byte 0xef"},
    {" \xef\xbb\xbf{}", ERROR_BAD_JSON,
     "line 1, column 2: expected a JSON object, found byte 0xef"},
    {"\xef\xbb\xbf\xef\xbb\xbf{}", ERROR_BAD_JSON,
     "line 1, column 1: expected a JSON object, found byte 0xef"},
    {"\xef\xbb\xbf{]", ERROR_BAD_JSON, "line 1, column 2: expected a key in quotes, found ']'"},
    {"\xef\xbb\xbf", ERROR_BAD_JSON, "line 1, column 1: expected a JSON object, found the end"},
    {"{", ERROR_BAD_JSON, "line 1, column 2: expected a key in quotes, found the end"},
    {"{\"a", ERROR_BAD_JSON, "line 1, column 4: the text ends inside of a string"},
    {"{\"a\"", ERROR_BAD_JSON, "line 1, column 5: expected ':', found the end"},
    {"{\"a\":", ERROR_BAD_JSON, "line 1, column 6: expected a value, found the end"},
    {"{\"a\":1", ERROR_BAD_JSON, "line 1, column 7: expected ',' or '}', found the end"},
    {"{\"a\":1,", ERROR_BAD_JSON, "line 1, column 8: expected a key in quotes, found the end"},
    {"{\"a\":1,}", ERROR_BAD_JSON, "line 1, column 8: expected a key in quotes, found '}'"},
    {"{\"a\":[1,]}", ERROR_BAD_JSON, "line 1, column 9: expected a value, found ']'"},
    {"{\"a\":[1}", ERROR_BAD_JSON, "line 1, column 8: expected ',' or ']', found '}'"},
    {"{\"a\":{]", ERROR_BAD_JSON, "line 1, column 7: expected a key in quotes, found ']'"},
    {"{,}", ERROR_BAD_JSON, "line 1, column 2: expected a key in quotes, found ','"},
    {"{a:1}", ERROR_BAD_JSON, "line 1, column 2: expected a key in quotes, found 'a'"},
    {"{'a':1}", ERROR_BAD_JSON, "line 1, column 2: expected a key in quotes, found \"'\""},
    {"{\"a\" 1}", ERROR_BAD_JSON, "line 1, column 6: expected ':', found '1'"},
    {"{}{}", ERROR_BAD_JSON,
     "line 1, column 3: expected the end after the closing brace, found an object"},
    {"{} x", ERROR_BAD_JSON,
     "line 1, column 4: expected the end after the closing brace, found 'x'"},
    {"{\"a\":1,\"a\":2}", ERROR_BAD_FIELD, "line 1, column 8: the key \"a\" is there twice"},
    {"{\"p\":{\"a\":1,\"a\":2}}", ERROR_BAD_FIELD,
     "line 1, column 13: the key \"a\" is there twice"},
    {"{\"data\":[1],\n \"data\":[2]}", ERROR_BAD_FIELD,
     "line 2, column 2: the key \"data\" is there twice"},
    {"{\"data\":[1],\"data\":null}", ERROR_BAD_FIELD,
     "line 1, column 13: the key \"data\" is there twice"},
    {"{\"data\":[1,\n2],\n\"x\":\"\xc3\xbc\xc3\xbc\", \"y\":tru}", ERROR_BAD_JSON,
     "line 3, column 15: expected a value, found 'tru'"},
    {"{\"a\":"
     "truexxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}",
     ERROR_BAD_JSON,
     "line 1, column 10: expected ',' or '}', found 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'"},
    {"{\"data\":[NaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaN]}",
     ERROR_BAD_JSON,
     "data[0]: expected a number, found 'NaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNNaNN...'"},
    {"{\"a\":truex}", ERROR_BAD_JSON, "line 1, column 10: expected ',' or '}', found 'x'"},
    {"{\"a\":01}", ERROR_BAD_JSON, "line 1, column 7: expected ',' or '}', found '1'"},
    {"{\"a\":1.}", ERROR_BAD_JSON, "line 1, column 6: malformed number 1."},
    {"{\"a\":-}", ERROR_BAD_JSON, "line 1, column 6: malformed number -"},
    {"{\"a\":NaN}", ERROR_BAD_JSON, "line 1, column 6: expected a value, found NaN"},
    {"{\"a\":\"\t\"}", ERROR_BAD_JSON, "line 1, column 7: control character 0x09 in a string"},
    {"{\"a\":\"\xff\"}", ERROR_BAD_JSON, "line 1, column 7: byte 0xff is not valid UTF-8"},
    {"{\"a\":\"\xed\xa0\x80\"}", ERROR_BAD_JSON, "line 1, column 7: byte 0xed is not valid UTF-8"},
    {"{\"a\":\"\\x\"}", ERROR_BAD_JSON, "line 1, column 7: unknown escape in a string"},
    {"{\"a\":\"\\u12g4\"}", ERROR_BAD_JSON, "line 1, column 7: \\u needs four hexadecimal digits"},
    {"{\"a\":\"\\u0000\"}", ERROR_BAD_FIELD, "line 1, column 7: a: \\u0000 is not allowed"},
    {"{\"a\":[\"\\u0000\"]}", ERROR_BAD_FIELD, "line 1, column 8: \\u0000 is not allowed"},
    {"{\"a\\u0000\":1}", ERROR_BAD_FIELD, "line 1, column 4: \\u0000 is not allowed"},
    {"{\"a\":\"\\ud800\"}", ERROR_BAD_JSON, "line 1, column 7: half of a surrogate pair"},
    {"{\"a\":\"\\udc00\\ud800\"}", ERROR_BAD_JSON, "line 1, column 7: half of a surrogate pair"},
    {"{\"data\":[1,\"a\"]}", ERROR_BAD_TENSOR, "data[1]: expected a number, found a string"},
    {"{\"data\":[[1,2],[3]]}", ERROR_BAD_TENSOR, "data[1]: 1 value, data[0] has 2"},
    {"{\"upstream\":[1e39]}", ERROR_BAD_TENSOR,
     "upstream[0]: 1e39 is outside the range of float32"},
    {"{\"data\":+1}", ERROR_BAD_JSON, "data: malformed number +1"},
    {"{\"data\":NaN}", ERROR_BAD_TENSOR, "data: NaN is not JSON; ?non_finite=token lets it in"},
    {"{\"data\":[1,2", ERROR_BAD_JSON, "data[1]: expected ',' or ']', found the end"},
    {"{\"data\":1.5", ERROR_BAD_JSON, "line 1, column 12: expected ',' or '}', found the end"},
    {"{\"data\":[1] [2]}", ERROR_BAD_JSON,
     "line 1, column 13: expected ',' or '}', found an array"},
    {"{\"data\":[[[[[[[[[1", ERROR_LIMIT_EXCEEDED, "data: rank 9, at most 8"},
    {"{\"data\":[{\"x\":1}]}", ERROR_BAD_TENSOR, "data[0]: expected a number, found an object"},
};

START_TEST(what_is_refused_is_named_by_its_place)
{
    struct envelope e;

    ck_assert_int_eq(read_body(&e, refused[_i].body), refused[_i].id);
    ck_assert_str_eq(error.detail, refused[_i].detail);
    ck_assert(!e.json && !fields[0].present && !fields[0].tensor.data);
}
END_TEST

START_TEST(a_nul_byte_anywhere_is_refused)
{
    static const char body[] =
        "{ \"data\" : [ 1.5 , 2 ] , \"k\" : [ \"s\" , { } , -1e5 , true ] } ";
    const size_t n = sizeof body - 1;

    for (size_t i = 0; i < n; i++) {
        struct envelope e;
        char copy[sizeof body + 1];
        memcpy(copy, body, i);
        copy[i] = '\0';
        memcpy(copy + i + 1, body + i, n - i);
        ck_assert_msg(read_bytes(&e, copy, n + 1) == ERROR_BAD_JSON, "at %zu", i);
    }
}
END_TEST

static const char rich[] =
    "{\"a\": {\"b\\n\\u00e9\\ud83d\\ude00\": [1, -2.5e3, true, null, [], {}]}, \"data\": [[1, "
    "2e-3], [-0.5, 6]], \"s\": \"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80 a string longer than a "
    "small buffer holds, to be sure \\\\\", \"upstream\": 12.5, \"instances\": [{\"x\": [1, 2]}, "
    "{\"x\": [3, 4]}], \"inputs\": {\"\\u00e9\": 7}, \"z\": false}";

START_TEST(no_prefix_of_a_body_is_one_or_is_read_past_its_end)
{
    for (size_t n = 0; n < sizeof rich; n++) {
        struct envelope e;
        enum error_id id = read_bytes(&e, rich, n);
        ck_assert_msg((id == ERROR_OK) == (n == sizeof rich - 1), "%zu bytes", n);
        ck_assert(id == ERROR_OK || (id == ERROR_BAD_JSON && error.detail[0] && !e.json));
        envelope_fini(&e);
    }
}
END_TEST

START_TEST(without_memory_reading_fails_as_such_and_leaks_nothing)
{
    long n = 0;

    for (bool done = false; !done;) {
        struct envelope e;
        long before = starve_live;
        starve_countdown = ++n;
        enum error_id id = envelope_read(&e, fields, FIELDS, rich, sizeof rich - 1, &limits,
                                         NON_FINITE_STRICT, &error);
        done = starve_countdown > 0 || !STARVE_WORKS;
        starve_countdown = 0;
        bool clean = done || (!e.json && !fields[0].tensor.data && !fields[0].present);
        envelope_fini(&e);
        long after = starve_live;
        ck_assert_msg(id == (done ? ERROR_OK : ERROR_OUT_OF_MEMORY), "allocation %ld: %s", n,
                      error.detail);
        ck_assert_msg(clean && after == before, "allocation %ld leaks %ld", n, after - before);
    }
    ck_assert(!STARVE_WORKS || n > 15);
}
END_TEST

/* limits says 100 tokens: the object itself, two for each member. */
START_TEST(the_budget_of_tokens_is_exact)
{
    for (int members = 48; members <= 51; members++) {
        char body[2000] = "{\"data\": [1,2,3,4,5,6,7,8,9]";
        struct envelope e;
        size_t n = strlen(body);
        for (int i = 1; i < members; i++)
            n += (size_t)snprintf(body + n, sizeof body - n, ",\"k%d\":%d", i, i);
        snprintf(body + n, sizeof body - n, "}");
        enum error_id id = read_body(&e, body);
        ck_assert_int_eq(id, members <= 49 ? ERROR_OK : ERROR_LIMIT_EXCEEDED);
        if (id)
            ck_assert_msg(strstr(error.detail, "more than 100") &&
                              strstr(error.detail, "(json_tokens_max)"),
                          "%s", error.detail);
        envelope_fini(&e);
    }
}
END_TEST

START_TEST(bodies_that_blow_up_a_tree_are_stopped_by_the_budget)
{
    static const char *const units[] = {"{},", "[],", "0,", "\"\",", "null,"};
    enum { N = 1 << 20 };

    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t unit = strlen(units[u]), n = strlen("{\"x\":[");
        char *body = malloc(n + unit * N + 1);
        struct envelope e;
        memcpy(body, "{\"x\":[", n);
        for (size_t i = 0; i < N; i++)
            memcpy(body + n + i * unit, units[u], unit);
        ck_assert_int_eq(read_bytes(&e, body, n + unit * N), ERROR_LIMIT_EXCEEDED);
        free(body);
    }
}
END_TEST

START_TEST(the_budget_of_depth_is_exact)
{
    for (int depth = 14; depth <= 18; depth++) {
        struct envelope e;
        char body[64];
        int inner = depth - 1;
        snprintf(body, sizeof body, "{\"x\":%.*s%.*s}", inner, "[[[[[[[[[[[[[[[[[[", inner,
                 "]]]]]]]]]]]]]]]]]]");
        ck_assert_int_eq(read_body(&e, body), depth <= 16 ? ERROR_OK : ERROR_LIMIT_EXCEEDED);
        if (depth > 16)
            ck_assert_msg(strstr(error.detail, "deeper than 16 levels (json_depth_max)") != NULL,
                          "%s", error.detail);
        envelope_fini(&e);
    }
}
END_TEST

START_TEST(a_configured_depth_is_still_bounded)
{
    const struct envelope_limits deep = {.tensor = {.rank_max = 8, .elements_max = 1000},
                                         .depth_max = SIZE_MAX,
                                         .tokens_max = SIZE_MAX};
    enum { N = 100000 };
    char *body = malloc(5 + N + 1);
    struct envelope e;

    memcpy(body, "{\"x\":", 5);
    memset(body + 5, '[', N);
    body[5 + N] = '\0';
    ck_assert_int_eq(envelope_read(&e, NULL, 0, body, 5 + N, &deep, NON_FINITE_STRICT, &error),
                     ERROR_LIMIT_EXCEEDED);
    free(body);
}
END_TEST

static void mutate(char *body, size_t *len, size_t max)
{
    static const char bytes[] =
        "{}[]\",:\\0123456789eE+-.untrfalsbd \n\t\x01\x7f\x80\xc3\xed\xf0\xff";

    for (uint32_t edits = 1 + random_below(3); edits > 0; edits--) {
        size_t at = random_below((uint32_t)*len);
        uint32_t kind = random_below(3);
        if (kind == 0) {
            body[at] = bytes[random_below(sizeof bytes - 1)];
        } else if (kind == 1 && *len > 2) {
            memmove(body + at, body + at + 1, *len - at - 1);
            --*len;
        } else if (*len < max) {
            memmove(body + at + 1, body + at, *len - at);
            body[at] = bytes[random_below(sizeof bytes - 1)];
            ++*len;
        }
    }
}

START_TEST(a_byte_order_mark_is_skipped)
{
    struct envelope e;

    ck_assert_int_eq(read_body(&e, "\xef\xbb\xbf {\"data\": [1]}"), ERROR_OK);
    ck_assert(fields[0].present);
    envelope_fini(&e);
}
END_TEST

START_TEST(a_file_s_errors_begin_as_editors_like_it)
{
    static const struct {
        const char *text;
        enum error_id id;
        const char *detail;
    } cases[] = {
        {"{\n  \"input\" 1}", ERROR_BAD_JSON, "2:11: expected ':', found '1'"},
        {"", ERROR_BAD_JSON, "1:1: expected a JSON object, found the end"},
        {"[]", ERROR_BAD_FIELD, "1:1: expected a JSON object, found an array"},
        {"{\"a\":[1,2,3]}", ERROR_LIMIT_EXCEEDED, "1:11: more than 5 keys and values"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_ptr_null(json_file_read(cases[i].text, strlen(cases[i].text), 5, &error));
        ck_assert_int_eq(error.id, cases[i].id);
        ck_assert_str_eq(error.detail, cases[i].detail);
    }
    static const char marked[] = "\xef\xbb\xbf{\"a\": 1e400}";
    json_t *json = json_file_read(marked, sizeof marked - 1, 3, &error);
    ck_assert_uint_eq(json_object_size(json), 1);
    json_decref(json);
}
END_TEST

/* Without tensors the verdict and the values are jansson's own, whatever the text, but that numbers
 * have no bounds and -0 has its sign. */
START_TEST(verdict_and_values_are_jansson_s)
{
    static const char *const seeds[] = {
        "{\"a\": {\"b\\n\\u00e9\": [1, -2.5e3, true, null]}, \"c\": \"\xc3\xbc\\\"\", \"d\": {}}",
        "{\"k\":[0,-7,1e5,0.5,123456789012,[[]],[{}]],\"\\ud83d\\ude00\":false}",
        "{\"x\":\"\\u0041\\u00df\\u20ac\\/\\b\",\"y\":\"\xe2\x82\xac\xf0\x9f\x98\x80\"}",
    };
    int accepted = 0;

    for (int i = 0; i < 60000; i++) {
        const char *seed = seeds[i % 3];
        char body[256];
        size_t len = strlen(seed);
        struct envelope e;
        memcpy(body, seed, len);
        mutate(body, &len, sizeof body - 1);
        body[len] = '\0';
        enum error_id id = envelope_read(&e, NULL, 0, body, len, &limits, NON_FINITE_STRICT,
                                         &error);
        json_error_t why = {0};
        json_t *want = json_loadb(body, len, JSON_REJECT_DUPLICATES, &why);
        bool object = json_is_object(want);
        bool wider = json_error_code(&why) == json_error_numeric_overflow || strstr(body, "-0");
        ck_assert_msg((id == ERROR_OK) == object || wider, "%s: %s", body,
                      id ? error.detail : "accepted");
        ck_assert_msg(id || wider || json_equal(e.json, want), "%s: other values", body);
        accepted += !id;
        json_decref(want);
        envelope_fini(&e);
    }
    ck_assert_int_gt(accepted, 3000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("envelope");
    TCase *t = tcase_create("bodies");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, tensors_are_decoded_and_the_rest_is_json);
    tcase_add_test(t, a_key_with_escapes_is_the_plain_key);
    tcase_add_test(t, what_does_not_begin_like_a_tensor_is_left_to_the_caller);
    tcase_add_loop_test(t, what_is_refused_is_named_by_its_place, 0,
                        (int)(sizeof refused / sizeof *refused));
    tcase_add_test(t, a_nul_byte_anywhere_is_refused);
    tcase_add_test(t, no_prefix_of_a_body_is_one_or_is_read_past_its_end);
    tcase_add_test(t, without_memory_reading_fails_as_such_and_leaks_nothing);
    tcase_add_test(t, the_budget_of_tokens_is_exact);
    tcase_add_test(t, bodies_that_blow_up_a_tree_are_stopped_by_the_budget);
    tcase_add_test(t, the_budget_of_depth_is_exact);
    tcase_add_test(t, a_configured_depth_is_still_bounded);
    tcase_add_test(t, verdict_and_values_are_jansson_s);
    tcase_add_test(t, a_byte_order_mark_is_skipped);
    tcase_add_test(t, a_file_s_errors_begin_as_editors_like_it);
    suite_add_tcase(s, t);

    return suite_run(s);
}
