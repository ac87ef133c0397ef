/* test_server_tensor.c - nested arrays of numbers as text: shapes, limits, messages, and that
 * nothing crashes, leaks or is read beyond the end. */
#include <check.h>
#include <float.h>
#include <malloc.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "tensor/tensor.h"
#include "starve.h"
#include "text.h"
#include "suite.h"

static const struct tensor_limits wide = {.rank_max = 8, .elements_max = 1 << 24};

static struct error error;

static enum error_id read_text(struct tensor *t, const char *text, enum non_finite policy)
{
    struct text copy = text_create(text, strlen(text));
    size_t pos = 0;
    enum error_id id = tensor_read(t, copy.data, copy.len, &pos, "data", &wide, policy, &error);

    ck_assert_uint_le(pos, copy.len);
    text_destroy(&copy);
    return id;
}

/* However it is cut into pieces, the text is the same. */
static void write_in_pieces(const struct tensor *t, enum non_finite policy, size_t piece,
                            const struct buf *whole)
{
    struct tensor_writer w;
    struct buf out;

    buf_init(&out, 0);
    ck_assert_int_eq(
        tensor_writer_init(&w, &out, t->data, t->rank, t->shape, "data", policy, &error), 0);
    while (!w.done)
        ck_assert_int_eq(tensor_writer_go_on(&w, piece), 0);
    ck_assert_uint_eq(out.len, whole->len);
    ck_assert_mem_eq(out.data, whole->data, whole->len);
    buf_fini(&out);
}

static char *write_text(const struct tensor *t, enum non_finite policy)
{
    struct buf out;
    size_t len;

    buf_init(&out, 0);
    buf_expect(&out, tensor_text_max(t->rank, t->shape));
    len = out.cap;
    ck_assert_int_eq(tensor_write(&out, t->data, t->rank, t->shape, "data", policy, &error), 0);
    ck_assert_uint_eq(out.cap, len); /* it has not grown */
    for (size_t piece = 1; piece < 80; piece += piece < 8 ? 1 : 19)
        write_in_pieces(t, policy, piece, &out);
    return buf_steal(&out, &len);
}

START_TEST(nested_arrays_read_and_write_back)
{
    static const struct {
        const char *in, *out;
        size_t rank, shape[TENSOR_RANK_MAX];
    } cases[] = {
        {"7", "7", 0, {0}},
        {" \t\r\n-0.5 ", "-0.5", 0, {0}},
        {"[]", "[]", 1, {0}},
        {"[ ]", "[]", 1, {0}},
        {"[1]", "[1]", 1, {1}},
        {" [ 1 , 2,3 ] ", "[1,2,3]", 1, {3}},
        {"[[1,2],[3,4],[5,6]]", "[[1,2],[3,4],[5,6]]", 2, {3, 2}},
        {"[[],[]]", "[[],[]]", 2, {2, 0}},
        {"[[[]],[[]]]", "[[[]],[[]]]", 3, {2, 1, 0}},
        {"[[[],[]]]", "[[[],[]]]", 3, {1, 2, 0}},
        {"[[[1],[2]],[[3],[4]]]", "[[[1],[2]],[[3],[4]]]", 3, {2, 2, 1}},
        {"[[[1,2,3]],\n[[4,5,6]]]", "[[[1,2,3]],[[4,5,6]]]", 3, {2, 1, 3}},
        {"[[[[[[[[1,2]]]]]]]]", "[[[[[[[[1,2]]]]]]]]", 8, {1, 1, 1, 1, 1, 1, 1, 2}},
        {"[1e2,0.10,-0,1E+0,16777217]", "[100,0.1,-0.0,1,16777216]", 1, {5}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tensor t;
        ck_assert_msg(!read_text(&t, cases[i].in, NON_FINITE_STRICT), "%s: %s", cases[i].in,
                      error.detail);
        size_t count = 1;
        ck_assert_uint_eq(t.rank, cases[i].rank);
        for (size_t d = 0; d < t.rank; d++) {
            ck_assert_uint_eq(t.shape[d], cases[i].shape[d]);
            count *= t.shape[d];
        }
        ck_assert_uint_eq(t.count, count);
        ck_assert((t.data != NULL) == (count > 0));
        char *out = write_text(&t, NON_FINITE_STRICT);
        ck_assert_str_eq(out, cases[i].out);
        free(out);
        tensor_fini(&t);
        ck_assert(!t.data && !t.count && !t.cap && !t.rank);
    }
}
END_TEST

static const struct {
    const char *text;
    enum error_id id;
    const char *detail;
} refused[] = {
    /* ragged */
    {"[[1,2],[3]]", ERROR_BAD_TENSOR, "data[1]: 1 value, data[0] has 2"},
    {"[[1],[3,4,5]]", ERROR_BAD_TENSOR, "data[1]: 3 values, data[0] has 1"},
    {"[[1],[]]", ERROR_BAD_TENSOR, "data[1]: 0 values, data[0] has 1"},
    {"[[],[1]]", ERROR_BAD_TENSOR, "data[1]: 1 value, data[0] has 0"},
    {"[[[1],[2]],[[3]]]", ERROR_BAD_TENSOR, "data[1]: 1 array, data[0] has 2"},
    {"[[[1],[2]],[]]", ERROR_BAD_TENSOR, "data[1]: 0 arrays, data[0] has 2"},
    {"[[[1,2]],[[3]]]", ERROR_BAD_TENSOR, "data[1][0]: 1 value, data[0][0] has 2"},
    /* kinds mixed at a level */
    {"[1,[2]]", ERROR_BAD_TENSOR, "data[1]: an array, but data[0] is a number"},
    {"[[1],2]", ERROR_BAD_TENSOR, "data[1]: a number, but data[0] is an array"},
    {"[[1],[[2]]]", ERROR_BAD_TENSOR, "data[1][0]: an array, but data[0][0] is a number"},
    {"[[],[[]]]", ERROR_BAD_TENSOR, "data[1][0]: an array, but data[0] is empty"},
    {"[[],3]", ERROR_BAD_TENSOR, "data[1]: a number, but data[0] is an array"},
    /* other values */
    {"[[1],[\"x\"]]", ERROR_BAD_TENSOR, "data[1][0]: expected a number, found a string"},
    {"[null]", ERROR_BAD_TENSOR, "data[0]: expected a number, found null"},
    {"[1,{\"a\":1}]", ERROR_BAD_TENSOR, "data[1]: expected a number, found an object"},
    {"[true]", ERROR_BAD_TENSOR, "data[0]: expected a number, found true"},
    {"[1,2,false]", ERROR_BAD_TENSOR, "data[2]: expected a number, found false"},
    {"[[1],null]", ERROR_BAD_TENSOR, "data[1]: expected an array, found null"},
    {"\"7\"", ERROR_BAD_TENSOR, "data: expected a number, found a string"},
    {"[nullx]", ERROR_BAD_TENSOR, "data[0]: expected a number, found 'nullx'"},
    {"[abc]", ERROR_BAD_JSON, "data[0]: expected a number, found 'abc'"},
    {"[\x80]", ERROR_BAD_JSON, "data[0]: expected a number, found byte 0x80"},
    {"[']", ERROR_BAD_JSON, "data[0]: expected a number, found \"'\""},
    /* range and non-finite */
    {"[0,0,0,1e39]", ERROR_BAD_TENSOR, "data[3]: 1e39 is outside the range of float32"},
    {"-1e999", ERROR_BAD_TENSOR, "data: -1e999 is outside the range of float32"},
    {"[3.4028235677973367e38]", ERROR_BAD_TENSOR,
     "data[0]: 3.4028235677973367e38 is outside the range of float32"},
    {"[10000000000000000000000000000000000000000000000]", ERROR_BAD_TENSOR,
     "data[0]: 1000000000000000000000000000000000000000... is outside the range of float32"},
    {"[NaN]", ERROR_BAD_TENSOR, "data[0]: NaN is not JSON; ?non_finite=token lets it in"},
    {"[1,-Infinity]", ERROR_BAD_TENSOR,
     "data[1]: -Infinity is not JSON; ?non_finite=token lets it in"},
    /* numbers that are none */
    {"[01]", ERROR_BAD_JSON, "data[0]: malformed number 01"},
    {"[+1]", ERROR_BAD_JSON, "data[0]: malformed number +1"},
    {"[1.]", ERROR_BAD_JSON, "data[0]: malformed number 1."},
    {"[.5]", ERROR_BAD_JSON, "data[0]: malformed number .5"},
    {"[0x1F]", ERROR_BAD_JSON, "data[0]: malformed number 0x1F"},
    {"[1e]", ERROR_BAD_JSON, "data[0]: malformed number 1e"},
    {"[-]", ERROR_BAD_JSON, "data[0]: malformed number -"},
    {"[1,2x]", ERROR_BAD_JSON, "data[1]: malformed number 2x"},
    {"[1-2]", ERROR_BAD_JSON, "data[0]: malformed number 1-2"},
    {"[1_000]", ERROR_BAD_JSON, "data[0]: malformed number 1_000"},
    {"1.5.5", ERROR_BAD_JSON, "data: malformed number 1.5.5"},
    /* grammar and truncation */
    {"", ERROR_BAD_JSON, "data: expected a number, found the end"},
    {"[", ERROR_BAD_JSON, "data[0]: expected a number, found the end"},
    {"[1", ERROR_BAD_JSON, "data[0]: expected ',' or ']', found the end"},
    {"[1,", ERROR_BAD_JSON, "data[1]: expected a number, found the end"},
    {"[[1],", ERROR_BAD_JSON, "data[1]: expected an array, found the end"},
    {"[[1,2]", ERROR_BAD_JSON, "data[0]: expected ',' or ']', found the end"},
    {"[1,]", ERROR_BAD_JSON, "data[1]: expected a number, found ']'"},
    {"[,1]", ERROR_BAD_JSON, "data[0]: expected a number, found ','"},
    {"[1 2]", ERROR_BAD_JSON, "data[0]: expected ',' or ']', found '2'"},
    {"[1}", ERROR_BAD_JSON, "data[0]: expected ',' or ']', found '}'"},
    {"[1;2]", ERROR_BAD_JSON, "data[0]: expected ',' or ']', found ';'"},
    /* limits */
    {"[[[[[[[[[1]]]]]]]]]", ERROR_LIMIT_EXCEEDED, "data: rank 9, at most 8"},
    {"[[[[[[[[[", ERROR_LIMIT_EXCEEDED, "data: rank 9, at most 8"},
};

START_TEST(what_is_refused_is_named_by_its_place)
{
    struct tensor t;

    ck_assert_int_eq(read_text(&t, refused[_i].text, NON_FINITE_STRICT), refused[_i].id);
    ck_assert_str_eq(error.detail, refused[_i].detail);
    ck_assert_int_eq(error.id, refused[_i].id);
    ck_assert(!t.data && !t.count && !t.rank);
}
END_TEST

START_TEST(elements_and_rank_are_bounded_while_reading)
{
    const struct tensor_limits small = {.rank_max = 2, .elements_max = 6};
    struct tensor t;
    size_t pos = 0;

    ck_assert_int_eq(tensor_read(&t, "[1,2,3,4,5,6]", 13, &pos, "data", &small, 0, &error), 0);
    ck_assert(t.count == 6 && t.cap <= 6);
    tensor_fini(&t);
    pos = 0;
    ck_assert_int_eq(tensor_read(&t, "[[1,2,3],[4,5,6],[7,", 20, &pos, "data", &small, 0, &error),
                     ERROR_LIMIT_EXCEEDED);
    ck_assert_str_eq(error.detail, "data: more than 6 elements (elements_max)");
    pos = 0;
    ck_assert_int_eq(tensor_read(&t, "[[[1]]]", 7, &pos, "data", &small, 0, &error),
                     ERROR_LIMIT_EXCEEDED);
    ck_assert_str_eq(error.detail, "data: rank 3, at most 2");
}
END_TEST

START_TEST(a_number_in_the_middle_of_a_text_ends_where_it_ends)
{
    static const char body[] = "{\"data\": 12.5, \"data\": [1, 2] , 3}";
    struct tensor t;
    size_t pos = 8;

    ck_assert_int_eq(tensor_read(&t, body, strlen(body), &pos, "data", &wide, 0, &error), 0);
    ck_assert(pos == 13 && t.rank == 0 && t.count == 1);
    ck_assert(t.data[0] == 12.5f);
    tensor_fini(&t);
    pos = 22;
    ck_assert_int_eq(tensor_read(&t, body, strlen(body), &pos, "data", &wide, 0, &error), 0);
    ck_assert(pos == 29 && t.rank == 1 && t.count == 2);
    tensor_fini(&t);
}
END_TEST

START_TEST(no_prefix_of_a_tensor_is_one_or_is_read_past_its_end)
{
    static const char whole[] = "[[[1.25, -2e-3], [3, 400]], [[NaN, Infinity], [-Infinity, 0.1]]]";

    for (size_t n = 0; n < sizeof whole; n++) {
        struct text text = text_create(whole, n);
        struct tensor t;
        size_t pos = 0;
        enum error_id id = tensor_read(&t, text.data, n, &pos, "data", &wide, NON_FINITE_TOKEN,
                                       &error);
        ck_assert_msg((id == ERROR_OK) == (n == sizeof whole - 1), "%zu bytes", n);
        ck_assert(id == ERROR_OK || (pos <= n && error.detail[0] && !t.data));
        tensor_fini(&t);
        text_destroy(&text);
    }
}
END_TEST

START_TEST(memory_stays_within_what_the_text_can_hold)
{
    for (size_t n = 1; n < 3000; n += 37) {
        char *text = malloc(2 * n + 2);
        struct tensor t;
        size_t pos = 0;
        for (size_t i = 0; i < n; i++)
            memcpy(text + 2 * i, i ? ",7" : "[7", 2);
        memcpy(text + 2 * n, "]", 2);
        ck_assert_int_eq(tensor_read(&t, text, 2 * n + 1, &pos, "data", &wide, 0, &error), 0);
        ck_assert(t.count == n && t.cap >= n && t.cap <= n + 1);
        tensor_fini(&t);
        free(text);
    }
}
END_TEST

START_TEST(a_million_empty_arrays_take_no_memory)
{
    enum { N = 1000000 };
    char *text = malloc(3 * N + 2);
    struct tensor t;
    size_t pos = 0;

    for (size_t i = 0; i < N; i++)
        memcpy(text + 3 * i, i ? ",[]" : "[[]", 3);
    memcpy(text + 3 * N, "]", 2);
    ck_assert_int_eq(tensor_read(&t, text, 3 * N + 1, &pos, "data", &wide, 0, &error), 0);
    ck_assert(t.rank == 2 && t.shape[0] == N && t.shape[1] == 0 && !t.data);
    char *out = write_text(&t, NON_FINITE_STRICT);
    ck_assert_str_eq(out, text);
    free(out);
    tensor_fini(&t);
    free(text);
}
END_TEST

START_TEST(without_memory_reading_fails_and_leaks_nothing)
{
    char text[4096] = "[[0", *end = text + 3;
    long n = 0;

    for (; end < text + 4000; end += 2)
        memcpy(end, ",1", 2);
    memcpy(end, "]]", 3);
    for (bool done = false; !done;) {
        struct tensor t;
        size_t pos = 0;
        long before = starve_live;
        starve_countdown = ++n;
        enum error_id id = tensor_read(&t, text, strlen(text), &pos, "data", &wide, 0, &error);
        done = starve_countdown > 0 || !STARVE_WORKS;
        starve_countdown = 0;
        bool empty = !t.data;
        tensor_fini(&t);
        long after = starve_live;
        ck_assert_int_eq(id, done ? ERROR_OK : ERROR_OUT_OF_MEMORY);
        ck_assert(after == before && empty == !done);
    }
    ck_assert(!STARVE_WORKS || n > 3);
}
END_TEST

START_TEST(non_finite_numbers_travel_as_the_policy_says)
{
    static const struct {
        enum non_finite policy;
        const char *out;
    } cases[] = {
        {NON_FINITE_NULL, "[[1,null],[null,null]]"},
        {NON_FINITE_STRING, "[[1,\"NaN\"],[\"Infinity\",\"-Infinity\"]]"},
        {NON_FINITE_TOKEN, "[[1,NaN],[Infinity,-Infinity]]"},
    };
    float data[] = {1, NAN, INFINITY, -INFINITY};
    struct tensor t = {.data = data, .count = 4, .rank = 2, .shape = {2, 2}}, back;
    struct buf out;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = write_text(&t, cases[i].policy);
        ck_assert_str_eq(text, cases[i].out);
        free(text);
    }
    buf_init(&out, 0);
    ck_assert_int_eq(tensor_write(&out, data, 2, t.shape, "data", NON_FINITE_STRICT, &error),
                     ERROR_NON_FINITE);
    ck_assert_str_eq(error.detail, "data[0][1] is NaN; ?non_finite=null|string|token sends it");
    buf_fini(&out);
    ck_assert_int_eq(read_text(&back, cases[2].out, NON_FINITE_TOKEN), ERROR_OK);
    ck_assert(isnan(back.data[1]) && back.data[2] == INFINITY && back.data[3] == -INFINITY);
    tensor_fini(&back);
    ck_assert_int_eq(read_text(&back, "[NaNx]", NON_FINITE_TOKEN), ERROR_BAD_JSON);
    ck_assert_str_eq(error.detail, "data[0]: expected a number, found 'NaNx'");
    ck_assert_int_eq(read_text(&back, "[1e999]", NON_FINITE_TOKEN), ERROR_BAD_TENSOR);
}
END_TEST

START_TEST(shapes_with_a_zero_anywhere_are_written)
{
    static const struct {
        size_t rank, shape[TENSOR_RANK_MAX];
        const char *out;
    } cases[] = {
        {1, {0}, "[]"},
        {2, {0, 3}, "[]"},
        {2, {3, 0}, "[[],[],[]]"},
        {3, {2, 0, 5}, "[[],[]]"},
        {3, {2, 1, 0}, "[[[]],[[]]]"},
        {3, {0, 0, 0}, "[]"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tensor t = {.rank = cases[i].rank};
        memcpy(t.shape, cases[i].shape, sizeof t.shape);
        char *out = write_text(&t, NON_FINITE_STRICT);
        ck_assert_str_eq(out, cases[i].out);
        free(out);
    }
}
END_TEST

START_TEST(large_tensors_come_back_bit_by_bit)
{
    enum { ROWS = 301, COLUMNS = 67 };
    static float data[ROWS * COLUMNS];
    struct tensor t = {.data = data, .rank = 2, .shape = {ROWS, COLUMNS}}, back;

    for (uint32_t i = 0; i < ROWS * COLUMNS; i++) {
        uint32_t bits = i * 2654435761u;
        memcpy(&data[i], &bits, sizeof bits);
        if (!isfinite(data[i]))
            data[i] = -FLT_MAX; /* the longest texts */
    }
    char *text = write_text(&t, NON_FINITE_STRICT);
    ck_assert_int_eq(read_text(&back, text, NON_FINITE_STRICT), ERROR_OK);
    ck_assert(back.rank == 2 && back.shape[0] == ROWS && back.shape[1] == COLUMNS);
    ck_assert_mem_eq(back.data, data, sizeof data);
    tensor_fini(&back);
    free(text);
}
END_TEST

/* [2, rows, length] in `out`, as its numbers are written one by one. */
static void expect_text(struct buf *out, const float *data, size_t rows, size_t length)
{
    char text[FLOAT_TEXT_MAX];

    buf_append(out, "[", 1);
    for (size_t i = 0; i < 2 * rows * length; i++) {
        bool opens = i % length == 0, closes = (i + 1) % length == 0;
        buf_puts(out, i % (rows * length) == 0 ? "[" : "");
        buf_puts(out, opens ? "[" : "");
        if (isnan(data[i]))
            buf_puts(out, "null");
        else
            buf_append(out, text, float_write(text, data[i]));
        buf_puts(out, closes ? "]" : "");
        buf_puts(out, (i + 1) % (rows * length) == 0 ? "]" : "");
        buf_puts(out, i + 1 < 2 * rows * length ? "," : "]");
    }
}

START_TEST(rows_of_any_length_are_written_as_their_numbers_are)
{
    enum { ROWS = 12, LENGTH = 20 };
    static float data[2 * ROWS * LENGTH];

    for (size_t i = 0; i < 2 * ROWS * LENGTH; i++)
        data[i] = i % 37 == 36 ? NAN : (float)(i * i % 1000) / (i % 3 ? 7 : 1000000);
    for (size_t i = 0; i < ROWS * LENGTH; i++) {
        size_t rows = 1 + i / LENGTH, length = 1 + i % LENGTH;
        struct tensor t = {.data = data, .rank = 3, .shape = {2, rows, length}};
        struct buf want;

        t.count = 2 * rows * length;
        buf_init(&want, 0);
        expect_text(&want, data, rows, length);
        char *text = write_text(&t, NON_FINITE_NULL);
        ck_assert_str_eq(text, want.data);
        free(text);
        buf_fini(&want);
    }
}
END_TEST

START_TEST(a_buffer_that_is_full_says_so_itself)
{
    float data[100] = {0};
    size_t shape[2] = {10, 10};

    for (size_t max = 1; max < 250; max++) {
        struct buf out;
        buf_init(&out, max);
        ck_assert_int_eq(tensor_write(&out, data, 2, shape, "data", NON_FINITE_STRICT, &error), 0);
        ck_assert(out.failed && out.len <= max); /* a row reserves room for its longest text */
        buf_fini(&out);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tensors as text");
    TCase *t = tcase_create("tensors");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, nested_arrays_read_and_write_back);
    tcase_add_loop_test(t, what_is_refused_is_named_by_its_place, 0,
                        (int)(sizeof refused / sizeof *refused));
    tcase_add_test(t, elements_and_rank_are_bounded_while_reading);
    tcase_add_test(t, a_number_in_the_middle_of_a_text_ends_where_it_ends);
    tcase_add_test(t, no_prefix_of_a_tensor_is_one_or_is_read_past_its_end);
    tcase_add_test(t, memory_stays_within_what_the_text_can_hold);
    tcase_add_test(t, a_million_empty_arrays_take_no_memory);
    tcase_add_test(t, without_memory_reading_fails_and_leaks_nothing);
    tcase_add_test(t, non_finite_numbers_travel_as_the_policy_says);
    tcase_add_test(t, shapes_with_a_zero_anywhere_are_written);
    tcase_add_test(t, large_tensors_come_back_bit_by_bit);
    tcase_add_test(t, rows_of_any_length_are_written_as_their_numbers_are);
    tcase_add_test(t, a_buffer_that_is_full_says_so_itself);
    suite_add_tcase(s, t);

    return suite_run(s);
}
