/* test_server_paths.c - tensors within a body's objects and arrays: by path, in order, and as
 * errors call them; the same for every way to cut the body. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "pieces.h"
#include "suite.h"

static const struct envelope_limits limits = {
    .tensor = {.rank_max = 8, .elements_max = 100}, .depth_max = 8, .tokens_max = 60};

/* The indexes into pieces_fields. */
enum { DATA = 0, FIRST = 4, SECOND, DEEP };

static const struct {
    const char *body, *json;
    const char *places[PIECES_FIELDS]; /* of those that are present */
    float first[PIECES_FIELDS];        /* number of each            */
} good[] = {
    {"{\"requests\":[{\"name\":\"x\",\"data\":[1,2]}]}",
     "{\"requests\":[{\"name\":\"x\",\"data\":true}]}",
     {[FIRST] = "requests[0].data"},
     {[FIRST] = 1}},
    {"{\"requests\":[{\"data\":null},{\"data\":[[1],[2]]},{},{\"data\":3,\"more\":{\"data\":[9]}}]"
     "}",
     "{\"requests\":[{\"data\":null},{\"data\":true},{},{\"data\":true,\"more\":{\"data\":[9]}}]}",
     {[FIRST] = "requests[1].data", [SECOND] = "requests[3].data"},
     {[FIRST] = 1, [SECOND] = 3}},
    {"{\"a\":{\"b\":{\"c\":[5],\"d\":1},\"c\":2},\"b\":{\"c\":3},\"data\":[7]}",
     "{\"a\":{\"b\":{\"c\":true,\"d\":1},\"c\":2},\"b\":{\"c\":3},\"data\":true}",
     {[DATA] = "data", [DEEP] = "a.b.c"},
     {[DATA] = 7, [DEEP] = 5}},
    /* what is not there: an object instead of an array, an array too many, the path as one key */
    {"{\"requests\":{\"data\":[1]}}", "{\"requests\":{\"data\":[1]}}", {0}, {0}},
    {"{\"requests\":[[{\"data\":[1]}]]}", "{\"requests\":[[{\"data\":[1]}]]}", {0}, {0}},
    {"{\"requests[].data\":[1],\"requests[]\":{\"data\":[2]}}",
     "{\"requests[].data\":[1],\"requests[]\":{\"data\":[2]}}",
     {0},
     {0}},
    {"{\"a.b\":{\"c\":[1]},\"a\":[{\"b\":{\"c\":[1]}}],\"x\":{\"a\":{\"b\":{\"c\":[1]}}}}",
     "{\"a.b\":{\"c\":[1]},\"a\":[{\"b\":{\"c\":[1]}}],\"x\":{\"a\":{\"b\":{\"c\":[1]}}}}",
     {0},
     {0}},
    {"{\"requests\":[{\"x\":{\"data\":[1]}}],\"other\":[{\"data\":[2]}]}",
     "{\"requests\":[{\"x\":{\"data\":[1]}}],\"other\":[{\"data\":[2]}]}",
     {0},
     {0}},
};

START_TEST(tensors_are_found_by_their_paths)
{
    struct reading in = {.limits = &limits, .policy = NON_FINITE_STRICT};
    const char *body = good[_i].body;
    json_t *want = json_loads(good[_i].json, 0, NULL);

    pieces_read(&in, body, strlen(body), strlen(body), 1);
    ck_assert_msg(in.error.id == 0, "%s: %s", body, in.error.detail);
    ck_assert_msg(json_equal(in.e.json, want), "%s", body);
    for (size_t i = 0; i < PIECES_FIELDS; i++) {
        const struct envelope_field *f = &in.fields[i];

        ck_assert_msg(f->present == (good[_i].places[i] != NULL), "%s: %zu", body, i);
        if (!f->present)
            continue;
        ck_assert_str_eq(envelope_field_place(f), good[_i].places[i]);
        ck_assert(f->tensor.data[0] == good[_i].first[i]);
    }
    envelope_fini(&in.e);
    json_decref(want);
    pieces_check(body, strlen(body), &limits, NON_FINITE_STRICT);
}
END_TEST

static const struct {
    const char *body, *message;
} bad[] = {
    {"{\"requests\":[{\"data\":[1]},{\"data\":[[1,2],[3]]}]}",
     "requests[1].data[1]: 1 value, requests[1].data[0] has 2"},
    {"{\"a\":{\"b\":{\"c\":[1,\"x\"]}}}", "a.b.c[1]: expected a number, found a string"},
    {"{\"requests\":[{\"data\":1},{\"data\":2},{\"data\":3}]}",
     "line 1, column 44: one more requests[].data than this call takes"},
    {"{\"requests\":[{\"data\":[1],\"data\":[2]}]}",
     "line 1, column 26: the key \"data\" is there twice"},
};

START_TEST(errors_name_the_place)
{
    struct reading in = {.limits = &limits, .policy = NON_FINITE_STRICT};
    const char *body = bad[_i].body;

    pieces_read(&in, body, strlen(body), strlen(body), 1);
    ck_assert_msg(in.error.id != 0, "%s", body);
    ck_assert_str_eq(in.error.detail, bad[_i].message);
    pieces_check(body, strlen(body), &limits, NON_FINITE_STRICT);
}
END_TEST

/* Neither depth nor width beyond the paths' own is followed out of bounds. */
START_TEST(containers_deeper_than_any_path_hold_none)
{
    struct reading in = {.limits = &limits, .policy = NON_FINITE_STRICT};
    const char body[] =
        "{\"a\":{\"b\":{\"x\":{\"c\":{\"c\":{\"c\":[1]}}}}},\"requests\":[{\"data\":[4]}]}";

    pieces_read(&in, body, strlen(body), strlen(body), 1);
    ck_assert_msg(in.error.id == 0, "%s", in.error.detail);
    ck_assert(!in.fields[DEEP].present && in.fields[FIRST].present);
    envelope_fini(&in.e);
    pieces_check(body, strlen(body), &limits, NON_FINITE_STRICT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("paths");
    TCase *tcase = suite_case(suite, "paths");

    tcase_add_loop_test(tcase, tensors_are_found_by_their_paths, 0,
                        (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(tcase, errors_name_the_place, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(tcase, containers_deeper_than_any_path_hold_none);
    return suite_run(suite);
}
