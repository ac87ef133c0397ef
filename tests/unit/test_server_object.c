/* test_server_object.c - objects read by a table of keys: every kind, what is absent, and what is
 * said of a mistake, the same in a file and in a request. */
#include <check.h>
#include <string.h>
#include "json/object.h"
#include "suite.h"

enum fruit { FRUIT_NONE, APPLE, PEAR };

static const struct {
    const char *name;
} fruits[] = {[FRUIT_NONE] = {""}, [APPLE] = {"apple"}, [PEAR] = {"pear"}};

static struct values {
    const json_t *any, *object, *array;
    const char *text;
    bool truth;
    float number;
    uint64_t whole;
    size_t size;
    char name[OBJECT_NAME_MAX + 1];
    enum fruit fruit;
} got;

static const struct object_key keys[] = {
    KEY("any", VALUE, struct values, any),
    KEY("object", OBJECT, struct values, object),
    KEY("array", ARRAY, struct values, array),
    KEY("text", STRING, struct values, text),
    KEY("truth", BOOLEAN, struct values, truth),
    KEY("number", FLOAT, struct values, number),
    KEY_RANGE("whole", WHOLE, struct values, whole, 2, 9, false),
    KEY_RANGE("size", SIZE, struct values, size, 0, 7, false),
    KEY("name", NAME, struct values, name),
    KEY_CHOICE("fruit", struct values, fruit, fruits, 3),
    KEY_CHECKED("list", ARRAY),
    KEY_ANY("else"),
    KEY_END};

static struct error error;
static json_t *root;

/* The members into got, which was all zeros; they are borrowed from root. */
static enum error_id read_by(const struct object_key *table, const char *file, const char *path,
                             const char *text)
{
    const struct place at = {file, path, &error};

    json_decref(root);
    got = (struct values){0};
    root = object_parse("t", text, strlen(text), 1000, &error);
    ck_assert_msg(root, "%s: %s", text, error.detail);
    error = (struct error){0};
    return object_read(&at, root, table, &got);
}

START_TEST(each_kind_has_its_place)
{
    ck_assert_int_eq(
        read_by(keys, NULL, "",
                "{\"any\": 1, \"object\": {}, \"array\": [1], \"text\": \"t\", \"truth\": true, "
                "\"number\": 0.5, \"whole\": 9.0, \"size\": 7e0, \"name\": \"a.b\", \"fruit\": "
                "\"pear\", \"list\": [], \"else\": null}"),
        ERROR_OK);
    ck_assert(json_is_integer(got.any) && json_is_object(got.object) && json_is_array(got.array));
    ck_assert_str_eq(got.text, "t");
    ck_assert(got.truth && got.number == 0.5f && got.whole == 9 && got.size == 7);
    ck_assert_str_eq(got.name, "a.b");
    ck_assert_int_eq(got.fruit, PEAR);
}
END_TEST

START_TEST(null_is_absent)
{
    static const struct values zeros;

    for (size_t i = 0; keys[i].name; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"%s\": null}", keys[i].name);
        ck_assert_int_eq(read_by(keys, NULL, "", text), ERROR_OK);
        ck_assert(memcmp(&got, &zeros, sizeof got) == 0);
    }
}
END_TEST

static const struct {
    const char *text, *message;
} mistakes[] = {
    {"{\"object\": 3}", "object: expected an object, found 3"},
    {"{\"array\": {}}", "array: expected an array, found an object"},
    {"{\"list\": \"x\"}", "list: expected an array, found \"x\""},
    {"{\"text\": [1, 2]}", "text: expected a string, found an array of 2"},
    {"{\"truth\": 1}", "truth: expected true or false, found 1"},
    {"{\"number\": true}", "number: expected a number, found true"},
    {"{\"number\": -1e39}", "number: -1e+39 is outside the range of float32"},
    {"{\"whole\": 1}", "whole: expected a whole number from 2 to 9, found 1"},
    {"{\"whole\": 10}", "whole: expected a whole number from 2 to 9, found 10"},
    {"{\"whole\": 2.5}", "whole: expected a whole number from 2 to 9, found 2.5"},
    {"{\"size\": -1}", "size: expected a whole number from 0 to 7, found -1"},
    {"{\"name\": \"a b\"}",
     "name: expected a name of 1 to 64 letters, digits, '.', '_' or '-', found \"a b\""},
    {"{\"fruit\": \"appel\"}",
     "fruit: expected one of apple, pear, found \"appel\"; did you mean \"apple\"?"},
    {"{\"fruit\": \"\"}", "fruit: expected one of apple, pear, found \"\""},
    {"{\"fruit\": false}", "fruit: expected one of apple, pear, found false"},
    {"{\"furit\": 1}", "furit: unknown key; did you mean \"fruit\"?"},
    {"{\"zzzzzzzz\": 1}", "zzzzzzzz: unknown key; known here: any, object, array, text, truth, "
                          "number, whole, size, name, fruit, list, else"},
    {"{\"whole\": 0, \"furit\": 1}", "whole: expected a whole number from 2 to 9, found 0"},
};

START_TEST(a_mistake_is_the_same_in_a_file_and_in_a_request)
{
    char want[200];

    ck_assert_int_ne(read_by(keys, NULL, "", mistakes[_i].text), ERROR_OK);
    ck_assert_str_eq(error.detail, mistakes[_i].message);
    ck_assert_int_ne(read_by(keys, "a.json", "b[1]", mistakes[_i].text), ERROR_OK);
    snprintf(want, sizeof want, "a.json: b[1].%s", mistakes[_i].message);
    ck_assert_str_eq(error.detail, want);
}
END_TEST

START_TEST(what_must_be_there_is_missed_last)
{
    static const struct object_key two[] = {
        KEY_REQUIRED("text", STRING, struct values, text),
        KEY_RANGE("size", SIZE, struct values, size, 1, 2, true), KEY_END};

    ck_assert_int_eq(read_by(two, "f", "", "{\"size\": null, \"text\": \"\"}"), ERROR_BAD_FIELD);
    ck_assert_str_eq(error.detail, "f: size: missing; expected a whole number from 1 to 2");
    ck_assert_int_eq(read_by(two, "f", "", "{\"txt\": \"\"}"), ERROR_BAD_FIELD);
    ck_assert_str_eq(error.detail, "f: txt: unknown key; did you mean \"text\"?");
}
END_TEST

START_TEST(a_star_stands_for_all_other_keys)
{
    static const struct object_key texts[] = {
        KEY_RANGE("n", WHOLE, struct values, whole, 0, 9, false), KEY_CHECKED("*", STRING),
        KEY_END};

    ck_assert_int_eq(read_by(texts, NULL, "m", "{\"n\": 1, \"a\": \"b\", \"*\": \"c\"}"), ERROR_OK);
    ck_assert_uint_eq(got.whole, 1);
    ck_assert_int_eq(read_by(texts, NULL, "m", "{\"a\": \"b\", \"c\": 4}"), ERROR_BAD_FIELD);
    ck_assert_str_eq(error.detail, "m.c: expected a string, found 4");
}
END_TEST

START_TEST(numbers_are_told_by_their_index)
{
    const struct place at = {NULL, "p", &error};
    float floats[4];
    uint64_t wholes[2];

    read_by(keys, NULL, "", "{\"any\": [[1, 2], [3, true]], \"array\": [1, 12]}");
    ck_assert_int_eq(object_rows(&at, "x", got.any, floats, 2, 2), ERROR_BAD_FIELD);
    ck_assert_str_eq(error.detail, "p.x[1][1]: expected a number, found true");
    ck_assert_int_eq(object_rows(&at, "x", got.any, floats, 1, 4), ERROR_BAD_FIELD);
    ck_assert_str_eq(error.detail, "p.x: expected an array of 1 rows, found an array of 2");
    ck_assert_int_eq(object_wholes(&at, "x", got.array, 1, 9, wholes, 2), ERROR_BAD_FIELD);
    ck_assert_str_eq(error.detail, "p.x[1]: expected a whole number from 1 to 9, found 12");
    ck_assert_int_eq(object_wholes(&at, "x", got.array, 1, 12, wholes, 2), ERROR_OK);
    ck_assert_uint_eq(wholes[1], 12);
}
END_TEST

static void stop(void)
{
    json_decref(root);
    root = NULL;
}

int main(void)
{
    Suite *s = suite_create("object");
    TCase *tc = suite_case(s, "object");

    tcase_add_checked_fixture(tc, NULL, stop);
    tcase_add_test(tc, each_kind_has_its_place);
    tcase_add_test(tc, null_is_absent);
    tcase_add_loop_test(tc, a_mistake_is_the_same_in_a_file_and_in_a_request, 0,
                        sizeof mistakes / sizeof *mistakes);
    tcase_add_test(tc, what_must_be_there_is_missed_last);
    tcase_add_test(tc, a_star_stands_for_all_other_keys);
    tcase_add_test(tc, numbers_are_told_by_their_index);
    return suite_run(s);
}
