/* test_server_npy.c - .npy in and out: what NumPy writes is read, everything else is refused with
 * its numbers. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tensor/npy.h"
#include "suite.h"

static const struct tensor_limits limits = {.rank_max = 8, .elements_max = 100};
static struct error error;
static struct tensor tensor;

/* A version 1.0 file with this header and data. */
static struct buf npy(const char *header, const void *data, size_t bytes)
{
    struct buf b;
    size_t length = strlen(header);
    const char prefix[] = {
        '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)(length & 255), (char)(length >> 8)};

    buf_init(&b, 0);
    buf_append(&b, prefix, sizeof prefix);
    buf_puts(&b, header);
    buf_append(&b, data, bytes);
    return b;
}

static enum error_id read(const char *header, const void *data, size_t bytes)
{
    struct buf b = npy(header, data, bytes);
    enum error_id id;

    memset(&error, 0, sizeof error);
    id = npy_read(&tensor, "body", b.data, b.len, &limits, &error);
    buf_fini(&b);
    return id;
}

static void assert_reads(const char *descr, const void *data, size_t bytes, float want0,
                         float want1)
{
    char header[100];

    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }\n",
             descr);
    ck_assert_msg(read(header, data, bytes) == ERROR_OK, "%s: %s", descr, error.detail);
    ck_assert_uint_eq(tensor.count, 2);
    ck_assert_msg(tensor.data[0] == want0 && tensor.data[1] == want1, "%s: %g %g", descr,
                  (double)tensor.data[0], (double)tensor.data[1]);
    tensor_fini(&tensor);
}

START_TEST(every_dtype_becomes_float32)
{
    assert_reads("<f4", (float[]){1.5f, -2}, 8, 1.5f, -2);
    assert_reads("<f8", (double[]){0.1, -INFINITY}, 16, 0.1f, -INFINITY);
    assert_reads("<f2", (uint16_t[]){0x3c00, 0x8001}, 4, 1, -0x1p-24f);
    assert_reads("|i1", (int8_t[]){-128, 127}, 2, -128, 127);
    assert_reads("|u1", (uint8_t[]){0, 255}, 2, 0, 255);
    assert_reads("|b1", (uint8_t[]){0, 1}, 2, 0, 1);
    assert_reads("<i2", (int16_t[]){-32768, 1}, 4, -32768, 1);
    assert_reads("<u2", (uint16_t[]){65535, 1}, 4, 65535, 1);
    assert_reads("<i4", (int32_t[]){INT32_MIN, 1}, 8, -0x1p31f, 1);
    assert_reads("<u4", (uint32_t[]){UINT32_MAX, 1}, 8, 0x1p32f, 1);
    assert_reads("<i8", (int64_t[]){INT64_MIN, 1}, 16, -0x1p63f, 1);
    assert_reads("<u8", (uint64_t[]){UINT64_MAX, 1}, 16, 0x1p64f, 1);
}
END_TEST

START_TEST(doubles_beyond_float32_are_refused_by_their_index)
{
    /* the least that rounds to infinity, and the largest that does not */
    const double beyond = 0x1.ffffffp127, least = nextafter(beyond, 0);
    double data[6] = {1, NAN, INFINITY, -1e300, least, beyond};

    ck_assert_int_eq(
        read("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", data, sizeof data),
        ERROR_BAD_TENSOR);
    ck_assert_str_eq(error.detail, "body[1][0]: -1e+300 is outside the range of float32");
    ck_assert_int_eq(
        read("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n", data, sizeof data),
        ERROR_BAD_TENSOR);
    ck_assert_str_eq(error.detail, "body[1][1]: -1e+300 is outside the range of float32");
    ck_assert_ptr_null(tensor.data);
    assert_reads("<f8", (double[]){least, -least}, 16, 0x1.fffffep127f, -0x1.fffffep127f);
}
END_TEST

START_TEST(fortran_order_becomes_row_major)
{
    const float columns[] = {1, 4, 2, 5, 3, 6}, rows[] = {1, 2, 3, 4, 5, 6};

    ck_assert_int_eq(read("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", columns,
                          sizeof columns),
                     ERROR_OK);
    ck_assert_uint_eq(tensor.rank, 2);
    ck_assert_mem_eq(tensor.data, rows, sizeof rows);
    tensor_fini(&tensor);
}
END_TEST

START_TEST(what_is_written_reads_back_to_the_bit)
{
    static const size_t shapes[][3] = {{0, 0, 0}, {6, 0, 0}, {2, 3, 0}, {1, 2, 3}};
    const float data[6] = {0.0f, -0.0f, INFINITY, NAN, 1e-45f, 3.4028235e38f};
    struct buf b;

    for (size_t rank = 0; rank < 4; rank++) {
        buf_init(&b, 0);
        npy_write(&b, data, rank, shapes[rank]);
        ck_assert(!b.failed);
        ck_assert_uint_eq((b.len - (rank ? 6 : 1) * sizeof(float)) % 64, 0);
        ck_assert_int_eq(npy_read(&tensor, "body", b.data, b.len, &limits, &error), ERROR_OK);
        ck_assert_uint_eq(tensor.rank, rank);
        ck_assert_mem_eq(tensor.shape, shapes[rank], rank * sizeof(size_t));
        ck_assert_mem_eq(tensor.data, data, tensor.count * sizeof(float));
        tensor_fini(&tensor);
        buf_fini(&b);
    }
}
END_TEST

START_TEST(file_cut_at_any_byte_is_refused)
{
    const float data[] = {1, 2};
    struct buf b = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", data,
                       sizeof data);

    for (size_t len = 0; len < b.len; len++) {
        char *exact = malloc(len ? len : 1);

        ck_assert_ptr_nonnull(exact);
        memcpy(exact, b.data, len);
        ck_assert_msg(npy_read(&tensor, "body", exact, len, &limits, &error) != ERROR_OK,
                      "%zu bytes", len);
        ck_assert_ptr_null(tensor.data);
        free(exact);
    }
    buf_fini(&b);
}
END_TEST

START_TEST(arrays_one_after_another_are_read_one_by_one)
{
    const float one[] = {1, 2}, two[] = {3};
    const size_t shape[] = {2};
    const char *at;
    size_t left;
    struct buf b;

    buf_init(&b, 0);
    npy_write(&b, one, 1, shape);
    npy_write(&b, two, 0, NULL);
    at = b.data;
    left = b.len;
    ck_assert_int_eq(npy_read_next(&tensor, "body", &at, &left, &limits, &error), ERROR_OK);
    ck_assert(tensor.rank == 1 && tensor.count == 2 && tensor.data[1] == 2);
    tensor_fini(&tensor);
    ck_assert_int_eq(npy_read_next(&tensor, "body", &at, &left, &limits, &error), ERROR_OK);
    ck_assert(tensor.rank == 0 && tensor.count == 1 && tensor.data[0] == 3);
    ck_assert_uint_eq(left, 0);
    ck_assert_ptr_eq(at, b.data + b.len);
    tensor_fini(&tensor);
    ck_assert_int_eq(npy_read(&tensor, "body", b.data, b.len, &limits, &error),
                     ERROR_SHAPE_MISMATCH);
    left = b.len - 1;
    at = b.data;
    ck_assert_int_eq(npy_read_next(&tensor, "body", &at, &left, &limits, &error), ERROR_OK);
    tensor_fini(&tensor);
    ck_assert_int_eq(npy_read_next(&tensor, "body", &at, &left, &limits, &error),
                     ERROR_SHAPE_MISMATCH);
    buf_fini(&b);
}
END_TEST

static const struct {
    const char *header;
    enum error_id id;
    const char *says;
} refused[] = {
    {"{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", ERROR_BAD_TENSOR,
     "'>f4' is not supported"},
    {"{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", ERROR_BAD_TENSOR,
     "'|O' is not supported"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", ERROR_SHAPE_MISMATCH,
     "3 elements of 4 bytes, but 8"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (101,)}", ERROR_LIMIT_EXCEEDED,
     "more than 100 elements"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
     ERROR_LIMIT_EXCEEDED, "more than"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", ERROR_BAD_TENSOR,
     "not a dict"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", ERROR_BAD_TENSOR, "not a dict"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2)}", ERROR_BAD_TENSOR,
     "at most 8"},
    {"{'descr': '<f4', 'fortran_order': False}", ERROR_BAD_TENSOR, "not a dict"},
    {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", ERROR_BAD_TENSOR,
     "not a dict"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", ERROR_BAD_TENSOR, "not a dict"},
    {"__import__('os')", ERROR_BAD_TENSOR, "not a dict"},
    {"", ERROR_BAD_TENSOR, "not a dict"},
};

START_TEST(bad_header_is_refused_by_its_numbers)
{
    const float data[] = {1, 2};

    ck_assert_int_eq(read(refused[_i].header, data, sizeof data), refused[_i].id);
    ck_assert_msg(strstr(error.detail, refused[_i].says) != NULL, "%s: %s", refused[_i].header,
                  error.detail);
    ck_assert_ptr_null(tensor.data);
}
END_TEST

START_TEST(other_files_are_not_npy)
{
    ck_assert_int_eq(npy_read(&tensor, "body", "{\"data\": [1]}", 13, &limits, &error),
                     ERROR_BAD_TENSOR);
    ck_assert_int_eq(npy_read(&tensor, "body", "\x93NUMPY\x09\0\0\0\0\0\0\0", 14, &limits, &error),
                     ERROR_BAD_TENSOR);
}
END_TEST

/* As a file comes: first its header, byte by byte, then runs of its numbers. */
START_TEST(a_header_alone_tells_the_array_and_runs_of_numbers_follow)
{
    const double numbers[] = {1, 2, 3, 4, 1e39, 6};
    static const size_t shape[] = {3, 2};
    struct npy_array a = {.rank = 0};
    float x[6];
    struct buf file;
    size_t head, len = 0;

    buf_init(&file, 0);
    npy_write_header(&file, "<f8", 2, shape);
    head = file.len;
    buf_append(&file, numbers, sizeof numbers);
    error = (struct error){0};
    while (len < npy_head_bytes(file.data, len)) {
        ck_assert_int_ne(npy_head(&a, "file", file.data, len, &error), ERROR_OK);
        error = (struct error){0};
        len++;
    }
    ck_assert_uint_eq(len, head);
    ck_assert_int_eq(npy_head(&a, "file", file.data, len, &error), ERROR_OK);
    ck_assert_uint_eq(a.rank, 2);
    ck_assert_uint_eq(a.shape[0], 3);
    ck_assert_uint_eq(a.data_bytes, sizeof numbers);
    ck_assert_int_eq(npy_load(&a, file.data + head, 0, 4, x, "file", &error), ERROR_OK);
    ck_assert(x[0] == 1 && x[3] == 4);
    ck_assert_int_eq(npy_load(&a, file.data + head + 32, 4, 2, x, "file", &error),
                     ERROR_BAD_TENSOR);
    ck_assert_str_eq(error.detail, "file[2][0]: 1e+39 is outside the range of float32");
    buf_fini(&file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy");
    TCase *tc = tcase_create("npy");

    tcase_add_test(tc, every_dtype_becomes_float32);
    tcase_add_test(tc, doubles_beyond_float32_are_refused_by_their_index);
    tcase_add_test(tc, fortran_order_becomes_row_major);
    tcase_add_test(tc, what_is_written_reads_back_to_the_bit);
    tcase_add_test(tc, file_cut_at_any_byte_is_refused);
    tcase_add_loop_test(tc, bad_header_is_refused_by_its_numbers, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tc, other_files_are_not_npy);
    tcase_add_test(tc, a_header_alone_tells_the_array_and_runs_of_numbers_follow);
    tcase_add_test(tc, arrays_one_after_another_are_read_one_by_one);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
