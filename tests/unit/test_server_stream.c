/* test_server_stream.c - request bodies that come in pieces: large ones cut at random, in bytes,
 * without memory; what they hold, and how early they are refused. Small bodies, cut everywhere, are
 * in test_server_envelope.c. */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "pieces.h"
#include "random_below.h"
#include "starve.h"
#include "suite.h"

static const struct envelope_limits limits = {
    .tensor = {.rank_max = 8, .elements_max = 1 << 20}, .depth_max = 64, .tokens_max = 10000};

/* Numbers of every length, over lines, with all else around them. */
static char *large_body(size_t rows, size_t *len)
{
    struct buf b = {0};

    buf_puts(&b, "{\"s\": \"\xc3\xbc\\u20ac\\\"\\\\\",\n \"data\": [");
    for (size_t i = 0; i < rows * 16; i++) {
        buf_puts(&b, i % 16 ? random_below(3) ? "," : " ,\n " : i ? ",\n[" : "[");
        switch (random_below(5)) {
        case 0:
            buf_printf(&b, "%u", random_below(1000));
            break;
        case 1:
            buf_printf(&b, "-%u.%09u%012u", random_below(1000), random_below(1000000000),
                       random_below(100000));
            break;
        case 2:
            buf_printf(&b, "%u.5e-%u", random_below(10), random_below(40));
            break;
        default:
            buf_printf(&b, "0.%u", 1 + random_below(100000));
        }
        buf_puts(&b, i % 16 == 15 ? "]" : "");
    }
    buf_puts(&b, "], \"p\": {\"a\": [true, null, 1e3, \"x\"]},\n\"upstream\": 12.25}");
    return buf_steal(&b, len);
}

/* Twice, the second time with an error far later: its line and column count all that was dropped;
 * and a smaller one in crumbs. */
START_TEST(cuts_of_a_large_body_do_not_show)
{
    size_t len, rows = _i == 2 ? 40 : 2000;
    char *body = large_body(rows, &len);
    struct reading want = {.limits = &limits}, got = want;

    if (_i == 1)
        body[len - 40] = '\x01';
    pieces_read(&want, body, len, len, len);
    ck_assert(_i == 1 ? want.error.id == ERROR_BAD_JSON : want.fields[0].tensor.count == rows * 16);
    for (int i = 0; i < 20; i++) {
        uint32_t most = _i == 2 ? 20 : 1u << (8 + random_below(10));
        size_t first = random_below(most), rest = (_i == 2 ? 1 : 100) + random_below(most);
        char how[64];

        pieces_read(&got, body, len, first, rest);
        snprintf(how, sizeof how, "%zu, then %zu at a time", first, rest);
        pieces_assert_same(&want, &got, how);
        envelope_fini(&got.e);
    }
    envelope_fini(&want.e);
    free(body);
}
END_TEST

/* Objects and arrays in turn, each with a member after the inner one:
 * {"k":[{"k":1,"l":2},3],"l":2}. */
static char *nested(size_t depth, size_t *len)
{
    struct buf b = {0};

    for (size_t i = 0; i < depth; i++)
        buf_puts(&b, i % 2 ? "[" : "{\"k\":");
    buf_puts(&b, "1");
    for (size_t i = depth; i-- > 0;)
        buf_puts(&b, i % 2 ? ",3]" : ",\"l\":2}");
    return buf_steal(&b, len);
}

START_TEST(depth_is_followed_beyond_the_few_levels_that_are_there_at_once)
{
    for (size_t depth = 1; depth <= 8 * JSON_DEPTH_FEW + 1; depth++) {
        size_t len;
        char *body = nested(depth, &len);
        struct reading in = {.limits = &limits};
        json_t *want = json_loadb(body, len, 0, NULL);

        pieces_check(body, len, &limits, NON_FINITE_STRICT);
        pieces_read(&in, body, len, 1, 1);
        ck_assert_msg(json_equal(in.e.json, want), "%s: %s", body, in.error.detail);
        json_decref(want);
        envelope_fini(&in.e);
        free(body);
    }
}
END_TEST

/* Two levels more are the same tokens every time, but only the last of them need a larger stack. */
START_TEST(levels_are_held_from_where_they_are_many)
{
    static struct envelope_reader r;
    size_t held[3], stack = 2 * JSON_DEPTH_FEW * sizeof(json_t *), len;
    char *body = nested(JSON_DEPTH_FEW + 1, &len);

    for (size_t i = 0; i < 3; i++) {
        size_t depth = JSON_DEPTH_FEW - 3 + 2 * i;

        envelope_reader_init(&r, NULL, 0, &limits, NON_FINITE_STRICT, WINDOW_UNKNOWN);
        for (size_t at = 0; r.json.depth < depth; at++)
            ck_assert_int_eq(envelope_feed(&r, body + at, 1), ERROR_OK);
        held[i] = envelope_reader_bytes(&r) - r.json.strings_bytes - r.json.key.cap -
                  r.json.carry.cap;
        envelope_reader_fini(&r);
        ck_assert_uint_eq(envelope_reader_bytes(&r), 0);
    }
    ck_assert_uint_eq(held[2] - held[1], held[1] - held[0] + stack);
    free(body);
}
END_TEST

static double seconds_of(const char *body, size_t len, size_t piece, enum error_id *id)
{
    static struct envelope_reader r;
    struct envelope_field fields[] = {{.path = "data"}};
    struct error error = {0};
    struct envelope e;
    clock_t begun = clock();

    envelope_reader_init(&r, fields, 1, &limits, NON_FINITE_STRICT, WINDOW_UNKNOWN);
    for (size_t at = 0; at < len; at += piece)
        envelope_feed(&r, body + at, piece < len - at ? piece : len - at);
    *id = envelope_finish(&r, &e, &error);
    envelope_fini(&e);
    return (double)(clock() - begun) / CLOCKS_PER_SEC;
}

/* A token that is begun anew with each byte would take a million times a million steps. */
START_TEST(a_million_single_bytes_take_linear_time)
{
    static const struct {
        const char *head, *unit, *tail;
        enum error_id id;
    } bodies[] = {
        {"{\"data\":[1", ",2", "]}", ERROR_OK},
        {"{\"data\":[0.", "1", "]}", ERROR_OK},
        {"{\"data\":[1", "1", "]}", ERROR_BAD_TENSOR},
        {"{\"data\":[", " ", "1]}", ERROR_OK},
        {"{\"data\":[[1]", ",[\n1]", "]}", ERROR_OK},
        {"{\"data\":[\"", "x", "\"]}", ERROR_BAD_TENSOR},
        {"{\"s\":\"", "x", "\"}", ERROR_OK},
        {"{\"s\":\"", "\\\\", "\"}", ERROR_OK},
        {"{\"s\":0.", "1", "}", ERROR_OK},
        {"{\"", "k", "\":1}", ERROR_OK},
        {"{\"s\":", "t", "}", ERROR_BAD_JSON},
        {"{\"s\":true", "x", "}", ERROR_BAD_JSON},
        {"{\"data\":[+", "1", "]}", ERROR_BAD_JSON},
        {"{\"s\":1}", "\n", "", ERROR_OK},
    };
    enum { BYTES = 1000000 };

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct buf b = {0};
        enum error_id id;
        size_t unit = strlen(bodies[i].unit);

        buf_puts(&b, bodies[i].head);
        for (size_t n = 0; n < BYTES / unit; n++)
            buf_append(&b, bodies[i].unit, unit);
        buf_puts(&b, bodies[i].tail);
        for (size_t piece = 1; piece <= 100; piece *= 10) {
            double s = seconds_of(b.data, b.len, piece, &id);
            ck_assert_msg(s < 5, "%s%s...: %g s", bodies[i].head, bodies[i].unit, s);
            ck_assert_msg(id == bodies[i].id, "%s%s...: %d", bodies[i].head, bodies[i].unit, id);
        }
        buf_fini(&b);
    }
}
END_TEST

START_TEST(memory_grows_with_what_has_come)
{
    size_t len;
    char *body = large_body(4000, &len);
    struct envelope_field fields[] = {{.path = "data"}};
    static struct envelope_reader r;

    envelope_reader_init(&r, fields, 1, &limits, NON_FINITE_STRICT, (size_t)1 << 40);
    for (size_t at = 0; at < len; at += 1000) {
        envelope_feed(&r, body + at, at + 1000 < len ? 1000 : len - at);
        ck_assert_uint_le(envelope_reader_bytes(&r), 4 * at + 8192);
    }
    ck_assert_uint_ge(envelope_reader_bytes(&r), 64000 * sizeof(float));
    envelope_reader_fini(&r);
    ck_assert_uint_eq(envelope_reader_bytes(&r), 0);
    free(body);
}
END_TEST

/* jansson's copy stays, but not what it was made from: neither after a giant string, nor a key, nor
 * the text of a number. */
START_TEST(what_a_giant_token_was_read_from_is_not_held_behind_it)
{
    static const struct {
        const char *head, *tail;
    } bodies[] = {{"{\"s\":\"", "\",\"t\":["},
                  {"{\"", "\":1,\"t\":["},
                  {"{\"s\":0.", ",\"t\":["},
                  {"{\"data\":[1,0.", ",2"}};
    enum { GIANT = 1 << 20, PIECE = 4096, SMALL = 1 << 17 };
    char piece[PIECE];

    memset(piece, '1', sizeof piece);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        static struct envelope_reader r;
        struct envelope_field fields[] = {{.path = "data"}};
        size_t held;

        envelope_reader_init(&r, fields, 1, &limits, NON_FINITE_STRICT, WINDOW_UNKNOWN);
        envelope_feed(&r, bodies[i].head, strlen(bodies[i].head));
        for (size_t n = 0; n < GIANT; n += PIECE)
            envelope_feed(&r, piece, PIECE);
        ck_assert_uint_ge(envelope_reader_bytes(&r), GIANT);
        ck_assert_int_eq(envelope_feed(&r, bodies[i].tail, strlen(bodies[i].tail)), 0);
        held = envelope_reader_bytes(&r) - r.json.strings_bytes;
        ck_assert_msg(held < SMALL, "%s...: %zu", bodies[i].head, held);
        envelope_reader_fini(&r);
    }
}
END_TEST

START_TEST(a_body_that_is_wrong_is_known_early_and_holds_nothing_more)
{
    static const char *const bodies[] = {"[", "{\"data\":[[1,2],[3],", "{\"data\":[1,x,",
                                         "{\"a\":1,\"a\":", "{\"data\":[[[[[[[[["};
    static struct envelope_reader r;
    struct envelope_field fields[] = {{.path = "data"}};

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct error error = {0};
        struct envelope e;

        envelope_reader_init(&r, fields, 1, &limits, NON_FINITE_STRICT, WINDOW_UNKNOWN);
        enum error_id id = envelope_feed(&r, bodies[i], strlen(bodies[i]));
        ck_assert_msg(id != ERROR_OK, "%s", bodies[i]);
        ck_assert_uint_eq(envelope_reader_bytes(&r), 0);
        ck_assert_int_eq(envelope_feed(&r, "}", 1), id);
        ck_assert_int_eq(envelope_finish(&r, &e, &error), id);
        ck_assert(error.id == id && error.detail[0] && !e.json);
    }
}
END_TEST

static const char rich[] =
    "{\"a\": {\"b\\n\\u00e9\": [1, -2.5e3, true, null, [], {}, [[[[[[{}]]]]]]]}, \"data\": [[1, "
    "2e-3], [-0.5, 6]], "
    "\"s\": \"a string longer than a small buffer holds, to be sure \\\\\", \"upstream\": 12.5}";

static enum error_id read_rich(size_t piece, struct envelope *e, struct error *error)
{
    static struct envelope_reader r;
    static struct envelope_field fields[] = {{.path = "data"}, {.path = "upstream"}};

    envelope_reader_init(&r, fields, 2, &limits, NON_FINITE_STRICT, sizeof rich - 1);
    for (size_t at = 0; at < sizeof rich - 1; at += piece)
        envelope_feed(&r, rich + at, at + piece < sizeof rich ? piece : sizeof rich - 1 - at);
    return envelope_finish(&r, e, error);
}

START_TEST(without_memory_reading_fails_as_such_and_leaks_nothing)
{
    for (size_t piece = 1; STARVE_WORKS && piece < 50; piece++) {
        bool done = false;

        for (long n = 1; !done; n++) {
            struct error error = {0};
            struct envelope e;
            long before = starve_live;

            starve_countdown = n;
            enum error_id id = read_rich(piece, &e, &error);
            done = starve_countdown > 0;
            starve_countdown = 0;
            envelope_fini(&e);
            ck_assert_int_eq(starve_live, before);
            ck_assert_msg(id == (done ? ERROR_OK : ERROR_OUT_OF_MEMORY), "allocation %ld: %s", n,
                          error.detail);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bodies in pieces");
    TCase *t = tcase_create("pieces");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, cuts_of_a_large_body_do_not_show, 0, 3);
    tcase_add_test(t, depth_is_followed_beyond_the_few_levels_that_are_there_at_once);
    tcase_add_test(t, levels_are_held_from_where_they_are_many);
    tcase_add_test(t, a_million_single_bytes_take_linear_time);
    tcase_add_test(t, memory_grows_with_what_has_come);
    tcase_add_test(t, what_a_giant_token_was_read_from_is_not_held_behind_it);
    tcase_add_test(t, a_body_that_is_wrong_is_known_early_and_holds_nothing_more);
    tcase_add_test(t, without_memory_reading_fails_as_such_and_leaks_nothing);
    suite_add_tcase(s, t);

    return suite_run(s);
}
