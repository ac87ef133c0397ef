/* test_server_safetensors.c - the safetensors reader: conversions, and refusals of whatever does
 * not follow the format. Every buffer ends at an unreadable page. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "folder.h"
#include "weights/formats.h"
#include "suite.h"

/* bytes [len] flush against a page that must not be touched. */
struct fenced {
    unsigned char *map, *bytes;
    size_t map_bytes;
};

static struct fenced fence(const void *bytes, size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (len + page - 1) / page * page;
    struct fenced f = {.map_bytes = room + page};

    f.map = mmap(NULL, f.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(f.map, MAP_FAILED);
    ck_assert_int_eq(mprotect(f.map + room, page, PROT_NONE), 0);
    f.bytes = f.map + room - len;
    if (len)
        memcpy(f.bytes, bytes, len);
    return f;
}

static int read_fenced(struct stored_file *s, struct fenced *f, const void *bytes, size_t len,
                       struct error *error)
{
    *f = fence(bytes, len);
    return safetensors_read(s, "w.safetensors", f->bytes, len, error);
}

static void unfence(struct fenced *f)
{
    munmap(f->map, f->map_bytes);
}

static const char two[] = "{\"__metadata__\":{\"format\":\"pt\"},"
                          "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]},"
                          "\"a\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[0,8]}}   ";
static const unsigned char two_data[] = {0x00, 0x3c, 0x00, 0xc0, 0x00, 0x38, 0x01, 0x00,
                                         0,    0,    0x80, 0x3f, 0,    0,    0,    0xc0};

START_TEST(tensors_are_found_and_converted)
{
    struct stored_file s;
    struct fenced f;
    struct error error;
    float out[4];
    size_t len;
    unsigned char *file = safetensors_make(two, two_data, sizeof two_data, &len);

    ck_assert_msg(read_fenced(&s, &f, file, len, &error) == 0, "%s", error.detail);
    ck_assert_uint_eq(s.tensors_count, 2);
    ck_assert_ptr_null(stored_find(&s, "c"));
    ck_assert_int_eq(stored_floats(&s, stored_find(&s, "a"), out, &error), 0);
    ck_assert(out[0] == 1 && out[1] == -2 && out[2] == 0.5f && out[3] == 0x1p-24f);
    ck_assert_int_eq(stored_floats(&s, stored_find(&s, "b"), out, &error), 0);
    ck_assert(out[0] == 1 && out[1] == -2);
    stored_fini(&s);
    unfence(&f);
    free(file);
}
END_TEST

START_TEST(a_file_cut_at_any_byte_is_an_error)
{
    size_t len;
    unsigned char *file = safetensors_make(two, two_data, sizeof two_data, &len);

    for (size_t n = 0; n < len; n++) {
        struct stored_file s;
        struct fenced f;
        struct error error = {0};

        ck_assert_msg(read_fenced(&s, &f, file, n, &error) != 0, "accepted with %zu of %zu", n,
                      len);
        ck_assert_str_ne(error.detail, "");
        unfence(&f);
    }
    free(file);
}
END_TEST

START_TEST(a_file_with_any_byte_flipped_does_no_harm)
{
    size_t len;
    unsigned char *file = safetensors_make(two, two_data, sizeof two_data, &len);

    for (size_t i = 0; i < len * 8; i++) {
        struct stored_file s;
        struct fenced f;
        struct error error;
        float out[64];

        file[i / 8] ^= (unsigned char)(1u << i % 8);
        if (read_fenced(&s, &f, file, len, &error) == 0) {
            for (size_t t = 0; t < s.tensors_count; t++)
                if (s.tensors[t].count <= 64)
                    stored_floats(&s, &s.tensors[t], out, &error);
            stored_fini(&s);
        }
        unfence(&f);
        file[i / 8] ^= (unsigned char)(1u << i % 8);
    }
    free(file);
}
END_TEST

/* ---- conversions ---------------------------------------------------------------------------- */

/* Convert one value of a type; -1 and error as stored_floats(). */
static int convert(const char *dtype, const void *value, size_t width, float *out,
                   struct error *error)
{
    char header[128];
    struct stored_file s;
    size_t len;
    int result;

    snprintf(header, sizeof header,
             "{\"x\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,%zu]}}", dtype, width);
    unsigned char *file = safetensors_make(header, value, width, &len);
    ck_assert_int_eq(safetensors_read(&s, "w", file, len, error), 0);
    result = stored_floats(&s, s.tensors, out, error);
    stored_fini(&s);
    free(file);
    return result;
}

START_TEST(every_f16_has_its_value)
{
    for (unsigned bits = 0; bits < 65536; bits++) {
        unsigned char value[2] = {(unsigned char)bits, (unsigned char)(bits >> 8)};
        int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
        double want = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        struct error error;
        float got;

        if (bits & 0x8000)
            want = -want;
        if (exponent == 31) {
            ck_assert_int_ne(convert("F16", value, 2, &got, &error), ERROR_OK);
            continue;
        }
        ck_assert_int_eq(convert("F16", value, 2, &got, &error), 0);
        ck_assert_msg((double)got == want && !signbit(got) == !(bits >> 15), "%04x is %a, not %a",
                      bits, want, (double)got);
    }
}
END_TEST

static const struct {
    const char *dtype;
    double value; /* written as a double for F64, a float for F32, its upper half for BF16 */
    double want;  /* NaN: an error */
} conversions[] = {
    {"F64", 0.1, (double)0.1f},
    {"F64", -1e38, (double)-1e38f},
    {"F64", 1e-310, 0},
    {"F64", 1e39, NAN},
    {"F64", -3.5e38, NAN},
    {"F64", INFINITY, NAN},
    {"F64", NAN, NAN},
    {"F32", (double)3.4e38f, (double)3.4e38f},
    {"F32", 0x1p-149, 0x1p-149},
    {"F32", INFINITY, NAN},
    {"F32", NAN, NAN},
    {"BF16", 1.5, 1.5},
    {"BF16", -0x1.fep127, -0x1.fep127},
    {"BF16", -INFINITY, NAN},
    {"BF16", NAN, NAN},
};
enum { CONVERSIONS = sizeof conversions / sizeof *conversions };

START_TEST(values_are_converted_or_refused)
{
    const char *dtype = conversions[_i].dtype;
    double value = conversions[_i].value, want = conversions[_i].want;
    float narrow = (float)value, got;
    struct error error = {0};
    int wide = strcmp(dtype, "F64") == 0, brain = strcmp(dtype, "BF16") == 0;
    const char *bytes = wide ? (const char *)&value : (const char *)&narrow + (brain ? 2 : 0);
    int result = convert(dtype, bytes, wide ? 8 : brain ? 2 : 4, &got, &error);

    if (isnan(want)) {
        ck_assert_int_ne(result, ERROR_OK);
        ck_assert_msg(strstr(error.detail, "w: x[0]: "), "%s", error.detail);
    } else {
        ck_assert_int_eq(result, 0);
        ck_assert_msg((double)got == want, "%a is not %a", (double)got, want);
    }
}
END_TEST

START_TEST(a_bad_value_is_named_by_tensor_and_index)
{
    static const char header[] =
        "{\"hidden1.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}";
    float values[6] = {0, 1, 2, 3, 4, NAN}, out[6];
    struct stored_file s;
    struct error error;
    size_t len;
    unsigned char *file = safetensors_make(header, values, sizeof values, &len);

    ck_assert_int_eq(safetensors_read(&s, "w", file, len, &error), 0);
    ck_assert_int_ne(stored_floats(&s, s.tensors, out, &error), ERROR_OK);
    ck_assert_str_eq(error.detail, "w: hidden1.weight[1][2]: NaN");
    stored_fini(&s);
    free(file);
}
END_TEST

/* ---- the format ----------------------------------------------------------------------------- */

#define TENSOR(dtype, shape, offsets) \
    "{\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static const struct {
    const char *header;
    size_t data_bytes;
    const char *message; /* NULL: must be accepted */
} files[] = {
    {"{}", 0, NULL},
    {"{}  ", 0, NULL},
    {TENSOR("F32", "[]", "[0,4]"), 4, NULL},
    {TENSOR("F32", "[0,7]", "[0,0]"), 0, NULL},
    {TENSOR("I64", "[1]", "[0,8]"), 8, NULL},
    {"{}", 4, "w: 0 bytes of tensors, but 4 of data"},
    {" {}", 0, "w: the header does not begin with '{'"},
    {"", 0, "w: the header does not begin with '{'"},
    {"{", 0, "w:1:2: "},
    {"{}x", 0, "w:1:3: "},
    {"{\"t\":1}", 0, "w: t: expected an object, found 1"},
    {TENSOR("F33", "[1]", "[0,4]"), 4, "w: t.dtype: unknown type \"F33\""},
    {TENSOR("F32", "[1,-1]", "[0,4]"), 4, "w: t.shape[1]: expected a whole number from 0"},
    {TENSOR("F32", "[1.5]", "[0,4]"), 4, "w: t.shape[0]: expected a whole number"},
    {TENSOR("F32", "[\"1\"]", "[0,4]"), 4, "w: t.shape[0]: expected a whole number"},
    {TENSOR("F32", "1", "[0,4]"), 4, "w: t.shape: expected an array, found 1"},
    {TENSOR("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "w: t.shape: 9 dimensions, at most 8"},
    {TENSOR("F32", "[4294967296,4294967296]", "[0,4]"), 4, "the product of the dimensions"},
    {TENSOR("F32", "[0,4294967296,4294967296]", "[0,0]"), 0, NULL},
    {TENSOR("F32", "[9223372036854775807]", "[0,4]"), 4, "w: t.shape: 9223372036854775807 values"},
    {TENSOR("F64", "[4611686018427387905]", "[0,8]"), 8,
     "4611686018427387905 values of F64 overflow"},
    {TENSOR("F32", "[9223372036854775808]", "[0,4]"), 4,
     "w: t.shape[0]: expected a whole number from 0 to 9223372036854775807, found 9.22337204e+18"},
    {TENSOR("F32", "[2]", "[0,4]"), 4, "w: t.data_offsets: 4 bytes, but 2 values of F32 need 8"},
    {TENSOR("F32", "[1]", "[0,8]"), 8, "w: t.data_offsets: 8 bytes, but 1 values of F32 need 4"},
    {TENSOR("F32", "[1]", "[4,0]"), 4, "w: t.data_offsets: [4, 0] is not within the 4 bytes"},
    {TENSOR("F32", "[1]", "[0,4]"), 3, "w: t.data_offsets: [0, 4] is not within the 3 bytes"},
    {TENSOR("F32", "[1]", "[-4,0]"), 4, "w: t.data_offsets[0]: expected a whole number"},
    {TENSOR("F32", "[1]", "[0]"), 4, "w: t.data_offsets: expected [begin, end]"},
    {TENSOR("F32", "[1]", "[4,8]"), 8, "w: t: begins at 4, the one before ends at 0"},
    {TENSOR("F32", "[1]", "[0,4]"), 8, "w: 4 bytes of tensors, but 8 of data"},
    {"{\"t\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "w: t.dtype: missing"},
    {"{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "w: t.shape: missing"},
    {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4,
     "w: t.data_offsets: missing; expected an array"},
    {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, NULL},
    {"{\"__metadata__\":null}", 0, NULL},
    {TENSOR("F4", "[3,2]", "[0,3]"), 3, NULL},
    {TENSOR("F4", "[3]", "[0,2]"), 2, "w: t.shape: 3 values of F4 end within a byte"},
    {TENSOR("F6_E2M3", "[4]", "[0,3]"), 3, NULL},
    {TENSOR("F6_E3M2", "[4]", "[0,4]"), 4, "4 bytes, but 4 values of F6_E3M2 need 3"},
    {TENSOR("F8_E8M0", "[5]", "[0,5]"), 5, NULL},
    {TENSOR("F8_E4M3FNUZ", "[5]", "[0,5]"), 5, NULL},
    {TENSOR("F8_E5M2FNUZ", "[5]", "[0,5]"), 5, NULL},
    {TENSOR("F8_", "[2]", "[0,2]"), 2, NULL},
    {TENSOR("F8", "[2]", "[0,2]"), 2, "w: t.dtype: unknown type \"F8\""},
    {TENSOR("F64", "[288230376151711744]", "[0,8]"), 8, "values of F64 overflow"},
    {"{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
     4, "w:1:55: the key \"t\" is there twice"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
     8, "w: b: begins at 4, the one before ends at 8"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
     12, "w: b: begins at 8, the one before ends at 4"},
    {"{\"__metadata__\":1}", 0, "w: __metadata__: expected an object, found 1"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "w: __metadata__.a: expected a string, found 1"},
};
enum { FILES = sizeof files / sizeof *files };

START_TEST(the_format_is_enforced)
{
    static const unsigned char zeros[16];
    struct stored_file s;
    struct error error = {0};
    size_t len;
    unsigned char *file = safetensors_make(files[_i].header, zeros, files[_i].data_bytes, &len);
    int result = safetensors_read(&s, "w", file, len, &error);

    if (files[_i].message) {
        ck_assert_msg(result != 0, "accepted: %s", files[_i].header);
        ck_assert_msg(strstr(error.detail, files[_i].message), "%s\nsays: %s", files[_i].header,
                      error.detail);
    } else {
        ck_assert_msg(result == 0, "%s: %s", files[_i].header, error.detail);
        stored_fini(&s);
    }
    free(file);
}
END_TEST

START_TEST(a_header_length_beyond_the_file_is_refused)
{
    static const uint64_t lengths[] = {3,          100000000,      100000001,
                                       UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        unsigned char file[10] = {0, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
        struct stored_file s;
        struct fenced f;
        struct error error;

        for (int b = 0; b < 8; b++)
            file[b] = (unsigned char)(lengths[i] >> 8 * b);
        ck_assert_int_ne(read_fenced(&s, &f, file, sizeof file, &error), ERROR_OK);
        ck_assert_msg(strstr(error.detail, "in a file of 10"), "%s", error.detail);
        unfence(&f);
    }
}
END_TEST

START_TEST(a_type_that_cannot_be_weights_is_refused_when_used)
{
    struct error error;
    float out;

    ck_assert_int_ne(convert("I64", "\1\0\0\0\0\0\0\0", 8, &out, &error), ERROR_OK);
    ck_assert_str_eq(error.detail, "w: x: I64 cannot be weights; F32, F16, BF16 and F64 can");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("safetensors");
    TCase *tc = tcase_create("safetensors");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, tensors_are_found_and_converted);
    tcase_add_test(tc, a_file_cut_at_any_byte_is_an_error);
    tcase_add_test(tc, a_file_with_any_byte_flipped_does_no_harm);
    tcase_add_test(tc, every_f16_has_its_value);
    tcase_add_loop_test(tc, values_are_converted_or_refused, 0, CONVERSIONS);
    tcase_add_test(tc, a_bad_value_is_named_by_tensor_and_index);
    tcase_add_loop_test(tc, the_format_is_enforced, 0, FILES);
    tcase_add_test(tc, a_header_length_beyond_the_file_is_refused);
    tcase_add_test(tc, a_type_that_cannot_be_weights_is_refused_when_used);
    suite_add_tcase(s, tc);

    return suite_run(s);
}
