/* test_server_rows_input.c - rows on standard input: the same from every format, however they come,
 * and whatever memory there is. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "commands/rows.h"
#include "starve.h"
#include "suite.h"

static const float numbers[3][2] = {{1, -2.5f}, {3, 4}, {-1e-3f, 1e30f}};
static const struct rows_wanted two = {.features = 2}, any = {.features = 0};

#define ROWS_JSON_TEXT "[1, -2.5], [3, 4], [-1e-3, 1e30]"
static const struct input_text {
    const char *text;
    enum rows_id format;
} same[] = {
    {"[" ROWS_JSON_TEXT "]", ROWS_JSON},
    {" \n[[1,-2.5]\n,[3,4]\n,[-0.001,1e30]]\n", ROWS_JSON},
    {"\xef\xbb\xbf[" ROWS_JSON_TEXT "]", ROWS_JSON},
    {"[\n" ROWS_JSON_TEXT "\n]\n", ROWS_JSON},
    {"{\"instances\": [" ROWS_JSON_TEXT "]}", ROWS_JSON},
    {"{\"inputs\": {\"x\": [" ROWS_JSON_TEXT "]}}", ROWS_JSON},
    {"[1, -2.5]\n[3, 4]\n[-1e-3, 1e30]\n", ROWS_NDJSON},
    {"\n [ 1 , -2.5 ] \r\n\n[3,4]\n[-1e-3,1e30]", ROWS_NDJSON},
    {"\xef\xbb\xbf[1, -2.5]\n[3, 4]\n[-1e-3, 1e30]\n", ROWS_NDJSON},
    {"1,-2.5\n3,4\n-1e-3,1e30\n", ROWS_CSV},
    {"a,b\n1,-2.5\n3,4\n-1e-3,1e30", ROWS_CSV},
    {"\xef\xbb\xbf\"a\",b\r\n1,\"-2.5\"\r\n\r\n3,4\r\n-1e-3,1e30\r\n", ROWS_CSV},
    {",0,1\n0,1,-2.5\n1,3,4\n2,-1e-3,1e30\n", ROWS_CSV},
    {NULL, ROWS_NPY}, /* of numbers */
};
enum { SAME = sizeof same / sizeof *same };

static struct buf bytes;
static struct error error;
static int saved;

static void start(void)
{
    static const size_t shape[] = {3, 2};

    saved = dup(STDIN_FILENO);
    buf_init(&bytes, 0);
    npy_write(&bytes, numbers[0], 2, shape);
    error = (struct error){0};
}

static void stop(void)
{
    dup2(saved, STDIN_FILENO);
    close(saved);
    buf_fini(&bytes);
}

static const char *text_of(const struct input_text *t, size_t *len)
{
    *len = t->text ? strlen(t->text) : bytes.len;
    return t->text ? t->text : bytes.data;
}

/* Standard input is a file with that text. */
static void feed_file(const char *text, size_t len)
{
    int fd = memfd_create("rows", 0);

    ck_assert(fd >= 0 && write(fd, text, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0);
    dup2(fd, STDIN_FILENO);
    close(fd);
}

/* It is a pipe into which a child writes a byte at a time. */
static pid_t feed_pipe(const char *text, size_t len)
{
    int ends[2];
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        for (size_t i = 0; i < len && write(ends[1], text + i, 1) == 1; i++)
            usleep(i % 8 == 0 ? 1 : 0);
        _exit(0);
    }
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
    return child;
}

static void check_rows(const struct tensor *t)
{
    ck_assert_uint_eq(t->rank, 2);
    ck_assert_uint_eq(t->shape[0], 3);
    ck_assert_uint_eq(t->shape[1], 2);
    ck_assert_mem_eq(t->data, numbers, sizeof numbers);
}

START_TEST(rows_are_the_same_in_every_format_and_its_first_bytes_tell_it)
{
    const struct rows_format *format;
    struct tensor t;
    struct input in;
    size_t len;
    const char *text = text_of(&same[_i], &len);

    feed_file(text, len);
    ck_assert_int_eq(input_open(&in, "rows", &error), ERROR_OK);
    ck_assert_uint_eq(in.size, len);
    ck_assert_int_eq(rows_find(NULL, &in, &format, &error), ERROR_OK);
    ck_assert_ptr_eq(format, &rows_formats[same[_i].format]);
    input_fini(&in);

    feed_file(text, len);
    ck_assert_msg(rows_all(&t, NULL, &two, "rows", &error) == ERROR_OK, "%s", error.detail);
    check_rows(&t);
    tensor_fini(&t);
    if (text[0] == '{') /* of a model's request */
        return;
    feed_file(text, len);
    ck_assert_int_eq(rows_all(&t, rows_formats[same[_i].format].name, &any, "rows", &error),
                     ERROR_OK);
    check_rows(&t);
    tensor_fini(&t);
}
END_TEST

START_TEST(rows_are_the_same_however_they_come)
{
    struct tensor t;
    size_t len;
    const char *text = text_of(&same[_i], &len);
    pid_t child = feed_pipe(text, len);

    ck_assert_msg(rows_all(&t, NULL, &two, "rows", &error) == ERROR_OK, "%s", error.detail);
    check_rows(&t);
    tensor_fini(&t);
    waitpid(child, NULL, 0);
}
END_TEST

START_TEST(each_allocation_may_fail)
{
    enum error_id id;
    size_t len;
    const char *text = text_of(&same[_i], &len);
    long n = 1;

    do {
        struct tensor t;
        long before;

        feed_file(text, len);
        error = (struct error){0};
        before = starve_live;
        starve_countdown = n++;
        id = rows_all(&t, NULL, &two, "rows", &error);
        starve_countdown = 0;
        if (id == ERROR_OK)
            check_rows(&t);
        tensor_fini(&t);
        ck_assert_msg(starve_live == before, "allocation %ld", n - 1);
        ck_assert_msg(!STARVE_WORKS || id == ERROR_OK || id == ERROR_OUT_OF_MEMORY,
                      "allocation %ld: %s", n - 1, error.detail);
    } while (id != ERROR_OK);
    ck_assert(!STARVE_WORKS || n > 3);
}
END_TEST

/* For rows [2], and for rows of any width. */
static const struct {
    const char *text, *format, *says;
    const struct rows_wanted *wanted;
} refused[] = {
    {"[[1, 2, 3]]", NULL, "standard input: 3 numbers a row, the model takes [rows, 2]", &two},
    {"[1, 2]", NULL,
     "standard input: 1 numbers a row, the model takes [rows, 2]; put a single row into an array "
     "of rows",
     &two},
    {"[[1, 2], [3]]", NULL, "rows[1]: 1 value, rows[0] has 2", &two},
    {"[[1, 2], [3, null]]", NULL, "rows[1][1]: expected a number, found null", &two},
    {"[[1, 2]] [3]", NULL, "standard input: byte 9: expected the end after the array", &two},
    {"[[[1, 2]]]", NULL, "standard input: rank 3, the model takes [rows, 2]", &two},
    {"{\"instances\": [[1, 2]], \"inputs\": [[1, 2]]}", NULL,
     "standard input: expected an array of rows, or an object with them as \"instances\" or "
     "\"inputs\" and no other key",
     &two},
    {"{\"rows\": [[1, 2]]}", NULL,
     "standard input: expected an array of rows, or an object with them as \"instances\" or "
     "\"inputs\" and no other key",
     &two},
    {"{\"data\": [1], \"axis\": 0}", NULL,
     "standard input: expected an array of numbers, or an object with one as \"data\" and no other "
     "key",
     &any},
    {"[1, 2]\n[3]\n", NULL, "standard input: line 2: 1 numbers, the rows before have 2", &two},
    {"[1, 2]\n3\n", NULL, "standard input: line 2: 1 numbers, the rows before have 2", &two},
    {"[1, 2] x\n[3, 4]\n", "ndjson", "standard input: line 1: expected the line's end, found 'x'",
     &two},
    {"\n\n", "ndjson", "standard input: no row of numbers", &any},
    {"a,b\n1,x\n", NULL,
     "standard input: line 2 (row 0), column \"b\": expected a number, found \"x\"", &two},
    {"1,2\n3\n", NULL, "standard input: line 2: 1 cell, the first row has 2", &two},
    {"1,2,3\n", NULL, "standard input: 3 numbers a row, the model takes [rows, 2]", &two},
    {"{", NULL, "line 1, column 2: ", &two},
    {"\x93NUMPY", NULL, "standard input: 6 bytes that are not a .npy file of version 1, 2 or 3",
     &any},
    {"1,2", "npy", "standard input: 3 bytes that are not a .npy file of version 1, 2 or 3", &any},
};

START_TEST(what_is_wrong_is_told_by_its_place)
{
    struct tensor t;

    feed_file(refused[_i].text, strlen(refused[_i].text));
    ck_assert_int_ne(rows_all(&t, refused[_i].format, refused[_i].wanted, "rows", &error),
                     ERROR_OK);
    ck_assert_msg(strncmp(error.detail, refused[_i].says, strlen(refused[_i].says)) == 0, "%s: %s",
                  refused[_i].text, error.detail);
    ck_assert_ptr_null(t.data);
}
END_TEST

START_TEST(no_rows_are_rows)
{
    static const char *const texts[] = {"[]", "{\"instances\": []}", "a,b\n"};
    struct tensor t;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        feed_file(texts[i], strlen(texts[i]));
        ck_assert_msg(rows_all(&t, NULL, &two, "rows", &error) == ERROR_OK, "%s: %s", texts[i],
                      error.detail);
        ck_assert_uint_eq(t.count, 0);
        tensor_fini(&t);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rows on standard input");
    TCase *tc = suite_case(suite, "rows");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, rows_are_the_same_in_every_format_and_its_first_bytes_tell_it, 0, SAME);
    tcase_add_loop_test(tc, rows_are_the_same_however_they_come, 0, SAME);
    tcase_add_loop_test(tc, each_allocation_may_fail, 0, SAME);
    tcase_add_loop_test(tc, what_is_wrong_is_told_by_its_place, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tc, no_rows_are_rows);
    return suite_run(suite);
}
