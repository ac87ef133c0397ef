/* test_server_npz.c - the reader of .npz archives: what NumPy writes, stored and deflated, in
 * either order, and refusals of whatever else. The archives are written here. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "starve.h"
#include "suite.h"
#include "tensor/npy.h"
#include "text.h"
#include "weights/formats.h"

enum { ENTRIES_MAX = 4 };

/* One .npy file to be in the archive. */
struct member {
    const char *name;
    char *bytes;
    size_t len;
};

/* A header of version 1 and the numbers; new. */
static struct member npy(const char *name, const char *dict, const void *numbers, size_t len)
{
    struct member m = {.name = name, .len = 10 + strlen(dict) + len};

    m.bytes = malloc(m.len);
    memcpy(m.bytes, "\x93NUMPY\1\0", 8);
    m.bytes[8] = (char)strlen(dict);
    m.bytes[9] = 0;
    memcpy(m.bytes + 10, dict, strlen(dict));
    if (len)
        memcpy(m.bytes + 10 + strlen(dict), numbers, len);
    return m;
}

static size_t put(char *to, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (char)(number >> 8 * i);
    return bytes;
}

/* m as it lies in the archive, of which *len are new: packed, raw deflate or the bytes themselves.
 */
static char *pack(const struct member *m, bool deflated, size_t *len)
{
    z_stream z = {.next_in = (unsigned char *)m->bytes, .avail_in = (uInt)m->len};
    char *packed = malloc(m->len + 64);

    *len = m->len;
    memcpy(packed, m->bytes, m->len);
    if (deflated) {
        ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_out = (unsigned char *)packed;
        z.avail_out = (uInt)m->len + 64;
        ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
        *len = z.total_out;
        deflateEnd(&z);
    }
    return packed;
}

/* The fields of m that local header and directory share: from the version to the extras' length. */
static size_t put_facts(char *to, const struct member *m, bool deflated, size_t packed)
{
    size_t n = put(to, 20, 2) + put(to + 2, 0, 2);

    n += put(to + n, deflated ? 8 : 0, 2) + put(to + n + 2, 0, 4);
    n += put(to + n, crc32_z(0, (unsigned char *)m->bytes, m->len), 4);
    n += put(to + n, packed, 4) + put(to + n + 4, m->len, 4);
    return n + put(to + n, strlen(m->name), 2) + put(to + n + 2, 0, 2);
}

/* The archive of members [count], which are freed; new. */
static char *archive(struct member *members, size_t count, bool deflated, size_t *len)
{
    char *bytes = calloc(1, 65536), directory[4096] = {0};
    size_t at = 0, rows = 0;

    for (size_t i = 0; i < count; i++) {
        size_t packed_bytes, begin = at, name = strlen(members[i].name);
        char *packed = pack(&members[i], deflated, &packed_bytes);

        memcpy(bytes + at, "PK\3\4", 4);
        at += 4 + put_facts(bytes + at + 4, &members[i], deflated, packed_bytes);
        memcpy(bytes + at, members[i].name, name);
        memcpy(bytes + at + name, packed, packed_bytes);
        at += name + packed_bytes;
        memcpy(directory + rows, "PK\1\2\24", 5);
        put_facts(directory + rows + 6, &members[i], deflated, packed_bytes);
        put(directory + rows + 42, begin, 4);
        memcpy(directory + rows + 46, members[i].name, name);
        rows += 46 + name;
        free(packed);
        free(members[i].bytes);
    }
    memcpy(bytes + at, directory, rows);
    memcpy(bytes + at + rows, "PK\5\6", 4);
    put(bytes + at + rows + 8, count, 2);
    put(bytes + at + rows + 10, count, 2);
    put(bytes + at + rows + 12, rows, 4);
    put(bytes + at + rows + 16, at, 4);
    *len = at + rows + 22;
    return bytes;
}

static const float four[4] = {1, -2, 0.5f, 3};
static const double wide[4] = {1, -2, 0.5, 1.0 / 3};
static const int64_t batches = 7;

/* Four types and both orders. */
static char *good(bool deflate, size_t *len)
{
    struct member members[ENTRIES_MAX] = {
        npy("0.weight.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n", four,
            sizeof four),
        npy("1.weight.npy", "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }\n", four,
            sizeof four),
        npy("0.bias.npy", "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }\n", wide,
            sizeof wide),
        npy("count.npy", "{'descr': '<i8', 'fortran_order': False, 'shape': (), }\n", &batches,
            sizeof batches),
    };

    return archive(members, ENTRIES_MAX, deflate, len);
}

static void expect_floats(const struct stored_file *f, const char *name, const float want[4])
{
    const struct stored *t = stored_find(f, name);
    struct error error = {0};
    float out[4];

    ck_assert_msg(t != NULL, "%s", name);
    ck_assert_uint_eq(t->count, 4);
    ck_assert_msg(stored_floats(f, t, out, &error) == ERROR_OK, "%s", error.detail);
    for (size_t i = 0; i < 4; i++)
        ck_assert_msg(out[i] == want[i], "%s[%zu]: %g", name, i, (double)out[i]);
}

START_TEST(arrays_are_found_converted_and_turned_to_rows)
{
    static const float turned[4] = {1, 0.5f, -2, 3}, narrow[4] = {1, -2, 0.5f, 1.0f / 3};
    struct stored_file f;
    struct error error = {0};
    double out[4];
    size_t len;
    char *bytes = good(_i == 1, &len);
    struct text fenced = text_create(bytes, len);

    ck_assert_msg(npz_read(&f, "w.npz", fenced.data, len, &error) == ERROR_OK, "%s", error.detail);
    ck_assert_uint_eq(f.tensors_count, ENTRIES_MAX);
    expect_floats(&f, "0.weight", four);
    expect_floats(&f, "1.weight", turned);
    expect_floats(&f, "0.bias", narrow);
    stored_doubles(stored_find(&f, "0.bias"), out);
    ck_assert(out[3] == 1.0 / 3); /* not rounded on the way */
    ck_assert(!stored_is_floating(stored_find(&f, "count")));
    ck_assert_uint_eq(stored_find(&f, "count")->rank, 0);
    ck_assert_ptr_null(stored_find(&f, "0.weight.npy"));
    stored_fini(&f);
    text_destroy(&fenced);
    free(bytes);
}
END_TEST

/* Every prefix, and every byte turned over: tensors or an error, and nothing is left. */
START_TEST(whatever_the_bytes_are_there_are_tensors_or_an_error)
{
    size_t len;
    char *bytes = good(_i == 1, &len);

    for (size_t n = 0; n <= len; n++) {
        struct text cut = text_create(bytes, n);
        struct stored_file f;
        struct error error = {0};

        if (npz_read(&f, "w.npz", cut.data, n, &error) == ERROR_OK) {
            ck_assert_uint_eq(n, len);
            stored_fini(&f);
        } else {
            ck_assert_msg(strncmp(error.detail, "w.npz: ", 7) == 0, "%s", error.detail);
            ck_assert_ptr_null(f.tensors);
        }
        text_destroy(&cut);
    }
    for (size_t n = 0; n < len; n++)
        for (int bit = 0; bit < 8; bit++) {
            struct stored_file f;
            struct error error = {0};

            bytes[n] ^= (char)(1 << bit);
            if (npz_read(&f, "w.npz", bytes, len, &error) == ERROR_OK)
                stored_fini(&f);
            bytes[n] ^= (char)(1 << bit);
        }
    free(bytes);
}
END_TEST

#define DICT(descr, shape) "{'descr': '" descr "', 'fortran_order': False, 'shape': " shape ", }\n"

static const struct {
    const char *name, *dict;
    size_t len;
    const char *message;
} refusals[] = {
    {"w.txt", DICT("<f4", "(4,)"), 16,
     "w.npz: entry w.txt: not a .npy file; numpy.savez writes nothing else"},
    {".npy", DICT("<f4", "(4,)"), 16, "w.npz: entry .npy: not a .npy file"},
    {"w.npy", DICT("<f4", "(5,)"), 16, "w.npz: w: 5 elements of 4 bytes, but 16 bytes of data"},
    {"w.npy", DICT(">f4", "(4,)"), 16, "w.npz: w: descr '>f4' is not supported"},
    {"w.npy", DICT("|O", "(4,)"), 16, "w.npz: w: descr '|O' is not supported"},
    {"w.npy", DICT("<f4", "(18446744073709551615, 2)"), 16, "w.npz: w: the shape has more than"},
    {"w.npy", "{}", 16, "w.npz: w: the .npy header is not a dict of"},
};

START_TEST(what_is_no_array_is_named)
{
    struct member one = npy(refusals[_i].name, refusals[_i].dict, four, refusals[_i].len);
    struct stored_file f;
    struct error error = {0};
    size_t len;
    char *bytes = archive(&one, 1, false, &len);

    ck_assert_int_ne(npz_read(&f, "w.npz", bytes, len, &error), ERROR_OK);
    ck_assert_msg(strstr(error.detail, refusals[_i].message) == error.detail, "%s", error.detail);
    free(bytes);
}
END_TEST

/* The directory says that the entry is longer than it is, than any compression reaches, or than the
 * bound. Its size stands 24 bytes into the directory's row "PK\1\2". */
START_TEST(a_size_that_lies_costs_no_memory)
{
    static const uint32_t lies[] = {17, 100000, 0x7fffffff, 0xfffffff0};
    struct member one = npy("w.npy", DICT("<f4", "(4,)"), four, sizeof four);
    struct stored_file f;
    struct error error = {0};
    size_t len;
    char *bytes = archive(&one, 1, true, &len), *row;

    for (row = bytes; memcmp(row, "PK\1\2", 4) != 0;)
        row++;
    memcpy(row + 24, &lies[_i], 4);
    ck_assert_int_ne(npz_read(&f, "w.npz", bytes, len, &error), ERROR_OK);
    ck_assert_msg(strncmp(error.detail, "w.npz: ", 7) == 0, "%s", error.detail);
    free(bytes);
}
END_TEST

/* Or another reader would find other arrays in it than this one. */
START_TEST(a_directory_is_as_long_as_its_rows)
{
    struct member one = npy("w.npy", DICT("<f4", "(4,)"), four, sizeof four);
    struct stored_file f;
    struct error error = {0};
    size_t len;
    char *bytes = archive(&one, 1, true, &len);

    bytes[len - 22 + 12] ^= (char)(1 << _i);
    ck_assert_int_ne(npz_read(&f, "w.npz", bytes, len, &error), ERROR_OK);
    ck_assert_msg(strstr(error.detail, "other rows than its end counts"), "%s", error.detail);
    free(bytes);
}
END_TEST

/* The archive of one member with its numbers in ZIP64's fields: where the directory begins, and
 * where the member does. */
static char *far_archive(uint64_t member, uint64_t directory, size_t *len)
{
    struct member one = npy("w.npy", DICT("<f4", "(4,)"), four, sizeof four);
    size_t name = strlen(one.name), row, end64, end;
    char *bytes = archive(&one, 1, false, len);

    for (row = 0; memcmp(bytes + row, "PK\1\2", 4) != 0;)
        row++;
    put(bytes + row + 30, 12, 2);
    put(bytes + row + 42, UINT32_MAX, 4);
    memcpy(bytes + row + 46 + name, "\1\0\10", 4);
    put(bytes + row + 46 + name + 4, member, 8);
    end64 = row + 46 + name + 12;
    memset(bytes + end64, 0, 56 + 20 + 22);
    memcpy(bytes + end64, "PK\6\6", 4);
    put(bytes + end64 + 32, 1, 8);
    put(bytes + end64 + 40, 46 + name + 12, 8);
    put(bytes + end64 + 48, directory ? directory : row, 8);
    memcpy(bytes + end64 + 56, "PK\6\7", 4);
    put(bytes + end64 + 56 + 8, end64, 8);
    end = end64 + 56 + 20;
    memcpy(bytes + end, "PK\5\6", 4);
    put(bytes + end + 10, UINT16_MAX, 2);
    put(bytes + end + 16, UINT32_MAX, 4);
    *len = end + 22;
    return bytes;
}

static const struct {
    uint64_t member, directory;
    const char *message; /* NULL: it is read */
} places[] = {
    {0, 0, NULL},
    {0, (uint64_t)1 << 63, "w.npz: not a readable .npz archive: a row of its directory"},
    {0, UINT64_MAX, "w.npz: not a readable .npz archive: a row of its directory"},
    {(uint64_t)1 << 63, 0, "w.npz: entry w.npy: it is not where the directory says"},
    {UINT64_MAX - 29, 0, "w.npz: entry w.npy: it is not where the directory says"},
};

/* No pointer is made from a place before the place is known to lie within the file. */
START_TEST(a_place_of_64_bits_is_within_the_file_or_refused)
{
    struct stored_file f;
    struct error error = {0};
    size_t len;
    char *bytes = far_archive(places[_i].member, places[_i].directory, &len);
    enum error_id id = npz_read(&f, "w.npz", bytes, len, &error);

    if (places[_i].message)
        ck_assert_msg(strstr(error.detail, places[_i].message) == error.detail, "%s", error.detail);
    else
        ck_assert_msg(id == ERROR_OK, "%s", error.detail);
    if (id == ERROR_OK)
        stored_fini(&f);
    free(bytes);
}
END_TEST

START_TEST(no_bytes_and_other_files_are_no_archive)
{
    static const char *const others[] = {"", "P", "\x93NUMPY\1\0", "PK\3\4nothing"};
    struct stored_file f;

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct error error = {0};

        ck_assert_int_ne(npz_read(&f, "w.npz", others[i], strlen(others[i]), &error), ERROR_OK);
        ck_assert_msg(strstr(error.detail, ".npz archive"), "%s", error.detail);
    }
}
END_TEST

/* The n-th allocation fails, zlib's included: out of memory, and nothing is left. */
START_TEST(out_of_memory_leaks_nothing)
{
    size_t len;
    char *bytes = good(true, &len);
    long before, n = 1;
    enum error_id id;

    do {
        struct stored_file f;
        struct error error = {0};

        before = starve_live;
        starve_countdown = n++;
        id = npz_read(&f, "w.npz", bytes, len, &error);
        starve_countdown = 0;
        if (id == ERROR_OK)
            stored_fini(&f);
        ck_assert_msg(starve_live == before, "allocation %ld", n - 1);
        ck_assert_msg(!STARVE_WORKS || id == ERROR_OK || id == ERROR_OUT_OF_MEMORY,
                      "allocation %ld: %s", n - 1, error.detail);
    } while (id != ERROR_OK);
    ck_assert(!STARVE_WORKS || n > 10);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("npz");
    TCase *t = tcase_create("npz");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, arrays_are_found_converted_and_turned_to_rows, 0, 2);
    tcase_add_loop_test(t, whatever_the_bytes_are_there_are_tensors_or_an_error, 0, 2);
    tcase_add_loop_test(t, what_is_no_array_is_named, 0, (int)(sizeof refusals / sizeof *refusals));
    tcase_add_loop_test(t, a_size_that_lies_costs_no_memory, 0, 4);
    tcase_add_loop_test(t, a_directory_is_as_long_as_its_rows, 0, 2);
    tcase_add_loop_test(t, a_place_of_64_bits_is_within_the_file_or_refused, 0,
                        (int)(sizeof places / sizeof *places));
    tcase_add_test(t, no_bytes_and_other_files_are_no_archive);
    tcase_add_test(t, out_of_memory_leaks_nothing);
    suite_add_tcase(s, t);

    return suite_run(s);
}
