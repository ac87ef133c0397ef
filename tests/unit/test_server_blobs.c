/* test_server_blobs.c - JSON with the bytes of its tensors after it: what is read of it, however it
 * comes in pieces, what is refused, and which memory it takes.
 *
 * A body here is a text with the bytes after it; floats are 4 letters where their value does not
 * matter. Each piece is a block of its own whose end is that of a page. */
#include <limits.h>
#include <stdio.h>
#include "body/blobs.h"
#include "starve.h"
#include "suite.h"
#include "text.h"

enum { FIELDS = 3 };

static const struct envelope_limits limits = {
    .tensor = {.rank_max = 8, .elements_max = 1000}, .depth_max = 64, .tokens_max = 1000};

struct reading {
    struct envelope_field fields[FIELDS];
    struct envelope e;
    struct error error;
};

static void feed(struct blobs_reader *r, const char *bytes, size_t len)
{
    struct text text;

    if (len == 0) {
        blobs_feed(r, bytes, 0);
        return;
    }
    text = text_create(bytes, len - 1); /* the NUL's place is the last byte's */
    text.data[len - 1] = bytes[len - 1];
    blobs_feed(r, text.data, len);
    text_destroy(&text);
}

/* A first piece, then pieces of `rest` bytes. */
static void read_pieces(struct reading *in, size_t head, const char *body, size_t len, size_t first,
                        size_t rest)
{
    static struct blobs_reader r;

    for (size_t i = 0; i < FIELDS; i++)
        in->fields[i] = (struct envelope_field){.path = "inputs[].data"};
    in->error = (struct error){0};
    blobs_reader_init(&r, (struct blobs_head){head, "Length"}, in->fields, FIELDS, &limits,
                      NON_FINITE_STRICT, WINDOW_UNKNOWN);
    for (size_t at = 0, n = first; at < len; at += n, n = rest) {
        n = n < len - at ? n : len - at;
        feed(&r, body + at, n);
    }
    blobs_finish(&r, &in->e, &in->error);
    blobs_reader_fini(&r); /* fine after it */
}

static void assert_same(const struct reading *want, const struct reading *got, const char *how)
{
    ck_assert_msg(got->error.id == want->error.id &&
                      strcmp(got->error.detail, want->error.detail) == 0,
                  "%s: \"%s\", in one piece \"%s\"", how, got->error.detail, want->error.detail);
    ck_assert_msg(want->e.json ? json_equal(want->e.json, got->e.json) : !got->e.json, "%s", how);
    for (size_t i = 0; i < FIELDS; i++) {
        const struct envelope_field *a = &want->fields[i], *b = &got->fields[i];

        ck_assert_msg(
            a->present == b->present && a->blob == b->blob &&
                (!a->blob || (a->blob_bytes == b->blob_bytes && a->input == b->input)) &&
                a->tensor.count == b->tensor.count && a->tensor.rank == b->tensor.rank &&
                (!a->present || strcmp(envelope_field_place(a), envelope_field_place(b)) == 0),
            "%s: another field", how);
        ck_assert_msg(a->tensor.count == 0 || memcmp(a->tensor.data, b->tensor.data,
                                                     a->tensor.count * sizeof(float)) == 0,
                      "%s: other values", how);
    }
}

/* Whole, cut in two at every place, and in pieces of 1 to 5 bytes; *in is what it is. */
static void read_every_way(struct reading *in, size_t head, const char *body, size_t len)
{
    struct reading got;
    char how[64];

    read_pieces(in, head, body, len, len, len);
    for (size_t cut = 1; cut < len; cut++) {
        read_pieces(&got, head, body, len, cut, len);
        snprintf(how, sizeof how, "cut at %zu", cut);
        assert_same(in, &got, how);
        envelope_fini(&got.e);
    }
    for (size_t size = 1; size <= 5; size++) {
        read_pieces(&got, head, body, len, size, size);
        snprintf(how, sizeof how, "in pieces of %zu", size);
        assert_same(in, &got, how);
        envelope_fini(&got.e);
    }
}

static void read_text(struct reading *in, const char *json, const char *bytes)
{
    char body[1024];

    snprintf(body, sizeof body, "%s%s", json, bytes);
    read_every_way(in, strlen(json), body, strlen(body));
}

#define SIZE(n) "{\"parameters\":{\"binary_data_size\":" #n "}}"

static void assert_blob(const struct envelope_field *field, size_t input, const char *bytes)
{
    ck_assert(field->present && field->blob);
    ck_assert_uint_eq(field->input, input);
    ck_assert_uint_eq(field->blob_bytes, strlen(bytes));
    ck_assert_uint_eq(field->tensor.rank, 1);
    ck_assert_uint_eq(field->tensor.count, strlen(bytes) / sizeof(float));
    ck_assert_uint_eq(field->tensor.shape[0], field->tensor.count);
    if (*bytes)
        ck_assert_mem_eq(field->tensor.data, bytes, strlen(bytes));
}

START_TEST(bytes_follow_the_json_in_the_order_of_the_inputs)
{
    struct reading in;

    read_text(&in, "{\"inputs\":[" SIZE(8) "," SIZE(0) "," SIZE(4) "]}", "aaaabbbbcccc");
    ck_assert_msg(in.error.id == ERROR_OK, "%s", in.error.detail);
    assert_blob(&in.fields[0], 0, "aaaabbbb");
    assert_blob(&in.fields[1], 1, "");
    assert_blob(&in.fields[2], 2, "cccc");
    envelope_fini(&in.e);
}
END_TEST

START_TEST(numbers_and_bytes_may_be_mixed)
{
    struct reading in;

    read_text(&in, "{\"inputs\":[" SIZE(4) ",{\"data\":[1,2]}," SIZE(8) "]}", "aaaabbbbcccc");
    ck_assert_msg(in.error.id == ERROR_OK, "%s", in.error.detail);
    ck_assert(in.fields[0].present && !in.fields[0].blob);
    ck_assert_str_eq(envelope_field_place(&in.fields[0]), "inputs[1].data");
    assert_blob(&in.fields[1], 0, "aaaa");
    assert_blob(&in.fields[2], 2, "bbbbcccc");
    envelope_fini(&in.e);
}
END_TEST

START_TEST(null_data_are_absent_and_a_size_may_be_written_as_a_real)
{
    struct reading in;

    read_text(&in, "{\"inputs\":[{\"data\":null,\"parameters\":{\"binary_data_size\":4.0}}]}",
              "aaaa");
    ck_assert_msg(in.error.id == ERROR_OK, "%s", in.error.detail);
    assert_blob(&in.fields[0], 0, "aaaa");
    envelope_fini(&in.e);
    read_text(&in, "{\"inputs\":[{\"data\":[1],\"parameters\":{\"binary_data_size\":null}}]}", "");
    ck_assert_msg(in.error.id == ERROR_OK, "%s", in.error.detail);
    ck_assert(in.fields[0].present && !in.fields[0].blob);
    envelope_fini(&in.e);
}
END_TEST

START_TEST(bytes_that_are_no_whole_numbers_are_the_callers_to_refuse)
{
    struct reading in;

    read_text(&in, "{\"inputs\":[" SIZE(7) "," SIZE(1) "]}", "aaaabbbc");
    ck_assert_msg(in.error.id == ERROR_OK, "%s", in.error.detail);
    assert_blob(&in.fields[0], 0, "aaaabbb");
    assert_blob(&in.fields[1], 1, "c");
    envelope_fini(&in.e);
}
END_TEST

START_TEST(tensors_beyond_the_fields_are_counted_and_skipped)
{
    struct reading in;

    read_text(&in, "{\"inputs\":[" SIZE(4) "," SIZE(4) "," SIZE(4) "," SIZE(8) "," SIZE(4) "]}",
              "aaaabbbbccccddddeeeeffff");
    ck_assert_msg(in.error.id == ERROR_OK, "%s", in.error.detail);
    assert_blob(&in.fields[2], 2, "cccc");
    ck_assert_uint_eq(json_array_size(json_object_get(in.e.json, "inputs")), 5);
    envelope_fini(&in.e);
}
END_TEST

START_TEST(bytes_are_taken_as_they_are)
{
    static const unsigned char floats[] = {0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0xff, 0, 0, 0, 0x80};
    static const char json[] = "{\"inputs\":[" SIZE(12) "]}";
    char body[sizeof json - 1 + sizeof floats];
    struct reading in;

    memcpy(body, json, sizeof json - 1);
    memcpy(body + sizeof json - 1, floats, sizeof floats);
    read_every_way(&in, sizeof json - 1, body, sizeof body);
    ck_assert_msg(in.error.id == ERROR_OK, "%s", in.error.detail);
    ck_assert_mem_eq(in.fields[0].tensor.data, floats, sizeof floats); /* NaN, -inf, -0 */
    envelope_fini(&in.e);
}
END_TEST

START_TEST(without_json_the_body_is_one_tensor)
{
    struct reading in;

    read_every_way(&in, 0, "aaaabbbbcc", 10);
    ck_assert_msg(in.error.id == ERROR_OK, "%s", in.error.detail);
    ck_assert_ptr_null(in.e.json);
    ck_assert(in.fields[0].present && in.fields[0].blob);
    ck_assert_uint_eq(in.fields[0].blob_bytes, 10);
    ck_assert_uint_eq(in.fields[0].tensor.count, 2);
    ck_assert_mem_eq(in.fields[0].tensor.data, "aaaabbbbcc", 10);
    envelope_fini(&in.e);
    read_every_way(&in, 0, "", 0);
    ck_assert(in.error.id == ERROR_OK && in.fields[0].present && in.fields[0].tensor.count == 0);
    envelope_fini(&in.e);
}
END_TEST

START_TEST(without_a_length_all_is_json)
{
    static const char body[] = "{\"inputs\":[{\"data\":[1,2]}," SIZE(8) "]}  ";
    struct reading in;

    read_every_way(&in, BLOBS_ALL_JSON, body, sizeof body - 1);
    ck_assert_msg(in.error.id == ERROR_OK, "%s", in.error.detail);
    ck_assert_uint_eq(in.fields[0].tensor.count, 2);
    ck_assert(!in.fields[1].present);
    envelope_fini(&in.e);
    read_every_way(&in, sizeof body - 1 - 2, body, sizeof body - 1);
    ck_assert_int_eq(in.error.id, ERROR_BAD_TENSOR); /* two blanks are no tensor of 8 bytes */
}
END_TEST

START_TEST(where_no_tensor_may_stand_bytes_are_skipped)
{
    static struct blobs_reader r;
    struct error error = {0};
    struct envelope e;

    blobs_reader_init(&r, (struct blobs_head){0, "Length"}, NULL, 0, &limits, NON_FINITE_STRICT,
                      WINDOW_UNKNOWN);
    ck_assert_int_eq(blobs_feed(&r, "aaaabbbb", 8), ERROR_OK);
    ck_assert_int_eq(blobs_finish(&r, &e, &error), ERROR_OK);
    ck_assert_ptr_null(e.json);
    envelope_fini(&e);
}
END_TEST

/* head 0: the text's length. */
static const struct {
    const char *json, *bytes;
    size_t head;
    enum error_id id;
    const char *detail;
} refused[] = {
    {"{\"inputs\":[" SIZE(8) "]}", "aaaa", 0, ERROR_BAD_TENSOR,
     "inputs: binary_data_size adds up to 8 bytes, but 4 follow the JSON"},
    {"{\"inputs\":[" SIZE(8) "]}", "", 0, ERROR_BAD_TENSOR,
     "inputs: binary_data_size adds up to 8 bytes, but 0 follow the JSON"},
    {"{\"inputs\":[" SIZE(4) "," SIZE(4) "]}", "aaaabbbbc", 0, ERROR_BAD_TENSOR,
     "inputs: binary_data_size adds up to 8 bytes, but 9 follow the JSON"},
    {"{\"inputs\":[]}", "x", 0, ERROR_BAD_TENSOR,
     "inputs: binary_data_size adds up to 0 bytes, but 1 follow the JSON"},
    {"{}", "\n", 0, ERROR_BAD_TENSOR,
     "inputs: binary_data_size adds up to 0 bytes, but 1 follow the JSON"},
    {"{\"inputs\":[" SIZE(-4) "]}", "aaaa", 0, ERROR_BAD_FIELD,
     "inputs[0].parameters.binary_data_size: expected a number of bytes, found -4"},
    {"{\"inputs\":[" SIZE(1.5) "]}", "a", 0, ERROR_BAD_FIELD,
     "inputs[0].parameters.binary_data_size: expected a number of bytes, found 1.5"},
    {"{\"inputs\":[" SIZE(1e30) "]}", "a", 0, ERROR_BAD_FIELD,
     "inputs[0].parameters.binary_data_size: expected a number of bytes, found 1e+30"},
    {"{\"inputs\":[" SIZE("4") "]}", "aaaa", 0, ERROR_BAD_FIELD,
     "inputs[0].parameters.binary_data_size: expected a number of bytes, found \"4\""},
    {"{\"inputs\":[" SIZE(true) "]}", "aaaa", 0, ERROR_BAD_FIELD,
     "inputs[0].parameters.binary_data_size: expected a number of bytes, found true"},
    {"{\"inputs\":[" SIZE(4004) "]}", "", 0, ERROR_LIMIT_EXCEEDED,
     "inputs[0]: more than 1000 elements (elements_max)"},
    {"{\"inputs\":[" SIZE(9223372036854775807) "]}", "", 0, ERROR_LIMIT_EXCEEDED,
     "inputs[0]: more than 1000 elements (elements_max)"},
    {"{\"inputs\":[{\"data\":[1],\"parameters\":{\"binary_data_size\":4}}]}", "aaaa", 0,
     ERROR_BAD_FIELD,
     "inputs[0].parameters.binary_data_size: it and data exclude each other, send one of them"},
    {"{\"inputs\":[{\"data\":\"x\",\"parameters\":{\"binary_data_size\":4}}]}", "aaaa", 0,
     ERROR_BAD_FIELD,
     "inputs[0].parameters.binary_data_size: it and data exclude each other, send one of them"},
    {"{\"inputs\":[" SIZE(4) "]}", "aaaa", 1000, ERROR_BAD_FRAMING,
     "Length: 1000 bytes of JSON, but the body has 54"},
    {"{\"inputs\":[,", "", 1000, ERROR_BAD_FRAMING,
     "Length: 1000 bytes of JSON, but the body has 12"},
    {"{\"inputs\":[" SIZE(4) "]}", "aaaa", 47, ERROR_BAD_JSON,
     "line 1, column 48: expected ',' or '}', found the end"},
    {"{\"inputs\":[" SIZE(4) "]}", "aaaa", 52, ERROR_BAD_JSON,
     "line 1, column 51: expected the end after the closing brace, found 'aa'"},
    {"[1]", "aaaa", 0, ERROR_BAD_FIELD, "line 1, column 1: expected a JSON object, found an array"},
};

START_TEST(what_does_not_add_up_is_refused_alike_in_all_pieces)
{
    struct reading in;
    char body[1024];

    snprintf(body, sizeof body, "%s%s", refused[_i].json, refused[_i].bytes);
    read_every_way(&in, refused[_i].head ? refused[_i].head : strlen(refused[_i].json), body,
                   strlen(body));
    ck_assert_str_eq(in.error.detail, refused[_i].detail);
    ck_assert_int_eq(in.error.id, refused[_i].id);
    for (size_t i = 0; i < FIELDS; i++)
        ck_assert_ptr_null(in.fields[i].tensor.data);
}
END_TEST

START_TEST(a_tensor_alone_is_bounded_by_elements_max)
{
    static char body[4004];
    struct reading in;

    read_pieces(&in, 0, body, 4003, 100, 100); /* 1000 numbers, and a rest */
    ck_assert_int_eq(in.error.id, ERROR_OK);
    envelope_fini(&in.e);
    read_pieces(&in, 0, body, 4004, 100, 100);
    ck_assert_int_eq(in.error.id, ERROR_LIMIT_EXCEEDED);
    ck_assert_str_eq(in.error.detail, "the body: more than 1000 elements (elements_max)");
}
END_TEST

/* ---- memory ---- */

enum { LONG_BYTES = 1 << 20, PIECE = 4096 };

/* Bytes that were charged when `came` of LONG_BYTES had come after the JSON. */
static uint64_t charged_after(size_t came, bool alone)
{
    static struct blobs_reader r;
    static char bytes[PIECE];
    static const char json[] = "{\"inputs\":[" SIZE(1048576) "]}";
    struct memory memory = {.max = UINT64_MAX};
    struct memory_account account = {.memory = &memory};
    struct envelope_limits charged = limits;
    struct envelope_field field = {.path = "inputs[].data"};
    uint64_t used, before;

    charged.tensor.account = &account;
    charged.tensor.elements_max = LONG_BYTES;
    blobs_reader_init(&r, (struct blobs_head){alone ? 0 : sizeof json - 1, ""}, &field, 1, &charged,
                      NON_FINITE_STRICT, WINDOW_UNKNOWN);
    if (!alone)
        ck_assert_int_eq(blobs_feed(&r, json, sizeof json - 1), ERROR_OK);
    before = account.used;
    for (size_t at = 0; at < came; at += PIECE)
        ck_assert_int_eq(blobs_feed(&r, bytes, PIECE), ERROR_OK);
    used = account.used - before;
    blobs_reader_fini(&r);
    memory_close(&account);
    return used;
}

START_TEST(memory_grows_with_what_has_come_and_is_in_the_end_the_tensors)
{
    for (int alone = 0; alone < 2; alone++) {
        ck_assert_uint_le(charged_after(PIECE, alone), 2 * PIECE);
        ck_assert_uint_le(charged_after(LONG_BYTES / 4, alone), LONG_BYTES / 2);
        ck_assert_uint_le(charged_after(LONG_BYTES, alone), LONG_BYTES + (alone ? LONG_BYTES : 0));
        ck_assert_uint_ge(charged_after(LONG_BYTES, alone), LONG_BYTES);
    }
}
END_TEST

static enum error_id read_starved(long n, struct reading *in)
{
    static const char json[] = "{\"inputs\":[" SIZE(8) ",{\"data\":[1,2]}," SIZE(4) "]}";
    char body[sizeof json + 12];

    memcpy(body, json, sizeof json - 1);
    memcpy(body + sizeof json - 1, "aaaabbbbcccc", 12);
    starve_countdown = n;
    read_pieces(in, sizeof json - 1, body, sizeof json - 1 + 12, sizeof body, 1);
    return in->error.id;
}

START_TEST(without_memory_reading_fails_as_such_and_leaks_nothing)
{
    bool done = false;

    for (long n = 1; STARVE_WORKS && !done; n++) {
        struct reading in;
        long before = starve_live;
        enum error_id id = read_starved(n, &in);

        done = starve_countdown > 0;
        starve_countdown = 0;
        envelope_fini(&in.e);
        ck_assert_int_eq(starve_live, before);
        ck_assert_msg(id == (done ? ERROR_OK : ERROR_OUT_OF_MEMORY), "allocation %ld: %s", n,
                      in.error.detail);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bodies with bytes after the JSON");
    TCase *t = suite_case(s, "blobs");

    tcase_add_test(t, bytes_follow_the_json_in_the_order_of_the_inputs);
    tcase_add_test(t, numbers_and_bytes_may_be_mixed);
    tcase_add_test(t, null_data_are_absent_and_a_size_may_be_written_as_a_real);
    tcase_add_test(t, bytes_that_are_no_whole_numbers_are_the_callers_to_refuse);
    tcase_add_test(t, tensors_beyond_the_fields_are_counted_and_skipped);
    tcase_add_test(t, bytes_are_taken_as_they_are);
    tcase_add_test(t, without_json_the_body_is_one_tensor);
    tcase_add_test(t, without_a_length_all_is_json);
    tcase_add_test(t, where_no_tensor_may_stand_bytes_are_skipped);
    tcase_add_loop_test(t, what_does_not_add_up_is_refused_alike_in_all_pieces, 0,
                        (int)(sizeof refused / sizeof *refused));
    tcase_add_test(t, a_tensor_alone_is_bounded_by_elements_max);
    tcase_add_test(t, memory_grows_with_what_has_come_and_is_in_the_end_the_tensors);
    tcase_add_test(t, without_memory_reading_fails_as_such_and_leaks_nothing);
    return suite_run(s);
}
